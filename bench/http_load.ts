/**
 * Posts to a server from a process of its own, so that the CPU time of the server's is the server's alone.
 *
 * @module
 */
import { spawn } from "node:child_process";
import { Agent as ConnectionPool, request } from "node:http";
import process from "node:process";
import { fileURLToPath } from "node:url";

/** Requests before anything is counted. */
const WARM_UP = 1_000;
const COUNT = 4_000;
const CONCURRENCY = 50;

/** What a server needed for one request. */
export interface Load {
  readonly cpuMs: number;
  readonly perSecond: number;
}

/** Has another process post to `url`, and measures what this one, which serves, needs for it. */
export async function load(url: string): Promise<Load> {
  await post(url, WARM_UP);
  const before = process.cpuUsage();
  const seconds = await post(url, COUNT);
  const { user, system } = process.cpuUsage(before);
  return { cpuMs: (user + system) / 1e3 / COUNT, perSecond: COUNT / seconds };
}

/** Seconds until so many requests were answered. */
function post(url: string, count: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const node = fileURLToPath(new URL("../node_modules/.bin/node", import.meta.url));
    const child = spawn(node, [fileURLToPath(import.meta.url), url, String(count)], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    let out = "";
    child.stdout.on("data", (data) => (out += data));
    child.on("close", (code) => code === 0 ? resolve(Number(out)) : reject(new Error(`the client ended with ${code}`)));
  });
}

/** One answer, which must be whole. */
function once(url: string, id: string, agent: ConnectionPool): Promise<void> {
  const body = JSON.stringify({
    id,
    trigger: "submit-message",
    messages: [{ id: `m-${id}`, role: "user", parts: [{ type: "text", text: "Tell me something." }] }],
  });
  return new Promise((resolve, reject) => {
    const headers = { "content-type": "application/json", "content-length": Buffer.byteLength(body) };
    const sent = request(url, { method: "POST", agent, headers }, (response) => {
      let tail = "";
      response.on("data", (data) => (tail = (tail + data).slice(-40)));
      response.on("end", () => tail.endsWith("data: [DONE]\n\n") ? resolve() : reject(new Error(`cut off: ${tail}`)));
    });
    sent.on("error", reject);
    sent.end(body);
  });
}

if (import.meta.main) {
  const [url = "", count = "0"] = process.argv.slice(2);
  const agent = new ConnectionPool({ keepAlive: true, maxSockets: CONCURRENCY });
  const run = `${process.pid}-${count}`;
  let next = 0;
  const startedAt = performance.now();
  await Promise.all(Array.from({ length: CONCURRENCY }, async () => {
    while (next < Number(count)) await once(url, `${run}-${next++}`, agent);
  }));
  console.log((performance.now() - startedAt) / 1_000);
  process.exit(0);
}
