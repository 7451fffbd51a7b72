/** Builds the package: `dist/` by `tsc` alone, so that what we wrote is what a debugger shows. Runs on Node, Bun and Deno. */
import { spawnSync } from "node:child_process";
import { rmSync } from "node:fs";
import process from "node:process";
import { bin, environment, root } from "./places.ts";

rmSync(`${root}dist`, { recursive: true, force: true });
const { status } = spawnSync(bin("tsc"), ["-p", "tsconfig.build.json"], {
  cwd: root,
  env: environment(),
  stdio: "inherit",
});
process.exit(status ?? 1);
