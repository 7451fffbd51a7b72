/**
 * Question: how much does `import { AgentSession }` add to a page or an edge worker?
 *
 * Bundled and minified by esbuild for a page, which is how bundlers for the edge resolve packages too; gzip -9, in kibibytes.
 *
 *     node bench/bundle_size.ts
 */
import { gzipSync } from "node:zlib";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { type Measured, report } from "./measure.ts";

/** Kibibytes of the bundle. */
export async function bundleSize(): Promise<Measured> {
  const { outputFiles } = await build({
    stdin: {
      contents: `import { AgentSession } from "./mod.ts"; console.log(AgentSession);`,
      resolveDir: fileURLToPath(new URL("..", import.meta.url)),
      loader: "ts",
    },
    bundle: true,
    minify: true,
    format: "esm",
    target: "es2022",
    platform: "browser",
    write: false,
  });
  return { bundle_gzip: gzipSync(outputFiles[0]!.contents, { level: 9 }).byteLength / 1024 };
}

if (import.meta.main) await report(bundleSize);
