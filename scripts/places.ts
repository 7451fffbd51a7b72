/**
 * The runtimes and tools that installing brought, by path, whichever of npm, Bun and Deno did it.
 */
import { existsSync } from "node:fs";
import process from "node:process";
import { fileURLToPath } from "node:url";

/** The repository, with a slash at its end. */
export const root: string = fileURLToPath(new URL("..", import.meta.url));

/** A command of a development dependency. */
export const bin = (name: string): string => `${root}node_modules/.bin/${name}`;

/** The oldest Node that we promise. Absent on platforms that have no package of it. */
export const oldestNode: string | undefined = [`linux-${process.arch}`]
  .map((platform) => `${root}node_modules/oldest-node-${platform}/bin/node`)
  .find((path) => existsSync(path));

/** The environment of a command: tools of the packages first, no colour. */
export function environment(): Record<string, string> {
  const given = Object.entries(process.env)
    .filter((entry): entry is [string, string] => entry[1] !== undefined && entry[0] !== "FORCE_COLOR");
  return {
    ...Object.fromEntries(given),
    PATH: `${root}node_modules/.bin:${process.env["PATH"] ?? ""}`,
    NO_COLOR: "1",
  };
}

/** Nothing may be left out where everything is promised to be there. */
export const mustHaveAll: boolean = process.env["CI"] === "true";
