/** The peer's side of `bench/import_time.ts`. */
const rssBefore = process.memoryUsage().rss;
const startedAt = performance.now();
const { voice } = await import("@livekit/agents");
const import_ms = performance.now() - startedAt;
const import_rss = (process.memoryUsage().rss - rssBefore) / 2 ** 20;
if (typeof voice.AgentSession !== "function") throw new Error("Cannot measure the import as it gave no session");
console.log(JSON.stringify({ import_ms, import_rss }));
process.exit(0);
