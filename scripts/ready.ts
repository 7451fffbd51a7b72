/**
 * Installs the packages with Deno where nobody has: `deno task` does not by itself. What npm or Bun installed stays.
 * Imports nothing that would have to be installed.
 */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import process from "node:process";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
if (!existsSync(`${root}node_modules`)) {
  const { status } = spawnSync(process.execPath, ["install", "--quiet", "--frozen"], { cwd: root, stdio: "inherit" });
  if (status !== 0) {
    console.error("The packages could not be installed: see above, then run `deno install`.");
    process.exit(1);
  }
}
