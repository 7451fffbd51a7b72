/**
 * Question: what does importing the library cost a process that has done nothing else?
 *
 * A fresh process each round: milliseconds until the import is evaluated, and the resident memory it adds, in mebibytes. On
 * Node what a user of the package imports, `dist/mod.js`, built by the run; on Deno and Bun the source. The module is named
 * by the first argument.
 *
 *     node bench/import_time.ts ../mod.ts
 */
import process from "node:process";

const rssBefore = process.memoryUsage().rss;
const startedAt = performance.now();
const { AgentSession } = await import(
  process.argv.slice(2).find((argument) => !argument.startsWith("--")) ?? "../mod.ts"
);
const import_ms = performance.now() - startedAt;
const import_rss = (process.memoryUsage().rss - rssBefore) / 2 ** 20;
if (typeof AgentSession !== "function") throw new Error("Cannot measure the import as it gave no session");
console.log(JSON.stringify({ import_ms, import_rss }));
