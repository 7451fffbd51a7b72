/**
 * Puts a mutant in place of a file as it is loaded. The file and the mutated source are named by the environment, or by the
 * data of a worker.
 */
import { readFileSync } from "node:fs";
import { registerHooks } from "node:module";
import process from "node:process";
import { workerData } from "node:worker_threads";

const given = workerData as { readonly mutantFile?: string; readonly mutantSource?: string } | null;
const file = given?.mutantFile ?? process.env["MUTANT_FILE"];
const source = given?.mutantSource ??
  (process.env["MUTANT_SOURCE"] === undefined ? undefined : readFileSync(process.env["MUTANT_SOURCE"], "utf8"));

if (file !== undefined && source !== undefined) {
  registerHooks({
    load(url, context, nextLoad) {
      const loaded = nextLoad(url, context);
      return url.endsWith(`/${file}`) ? { ...loaded, source } : loaded;
    },
  });
}
