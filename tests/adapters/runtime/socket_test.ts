import assert from "node:assert/strict";
import { test } from "node:test";
import { detectRuntime } from "../../../adapters/runtime/detect.ts";
import { AgentError } from "../../../src/base/error.ts";
import type { ConnectOptions, Socket } from "../../../src/base/runtime.ts";
import { openWebSocketServer } from "../../fixtures/web_socket_server.ts";

// One file, run on each runtime, with the socket which that runtime really has.
const connect = (url: string, options?: ConnectOptions): Promise<Socket> => detectRuntime().connect!(url, options);
const hasCode = (code: string) => (error: unknown) => error instanceof AgentError && error.code === code;

async function readAll(socket: Socket): Promise<(string | Uint8Array)[]> {
  const all: (string | Uint8Array)[] = [];
  for await (const message of socket.readable) all.push(message);
  return all;
}

test("the opening request carries the headers and protocols", async () => {
  await using server = await openWebSocketServer();
  const headers = { Authorization: "Token secret", "X-Model": "nova" };
  const socket = await connect(`${server.url}/echo?rate=16000`, { headers, protocols: ["first", "second"] });
  socket.close();
  assert.equal((await socket.closed).code, 1000);
  const [request] = server.requests;
  assert.equal(request?.path, "/echo?rate=16000");
  assert.equal(request.headers["authorization"], "Token secret");
  assert.equal(request.headers["x-model"], "nova");
  assert.equal(request.headers["sec-websocket-protocol"]?.replaceAll(" ", ""), "first,second");
});

test("text and bytes go out and come back in order, and closing the writable ends both sides", async () => {
  await using server = await openWebSocketServer();
  const socket = await connect(`${server.url}/echo`);
  const writer = socket.writable.getWriter();
  const big = new Uint8Array(100_000).map((_, index) => index);
  const messages = ["héllo 👋", new Uint8Array([0, 255]), "", big, "last"];
  for (const message of messages) await writer.write(message);
  const reader = socket.readable.getReader();
  for (const message of messages) assert.deepEqual((await reader.read()).value, message);
  await writer.close();
  assert.equal((await reader.read()).done, true);
  assert.equal((await socket.closed).code, 1000);
  assert.deepEqual(server.closeCodes, [1000]);
});

test("what came before the end is still read, and the peer's code and reason are told", async () => {
  await using server = await openWebSocketServer();
  const socket = await connect(`${server.url}/echo`);
  const writer = socket.writable.getWriter();
  await writer.write("a");
  await writer.write("close 4001 expired");
  assert.deepEqual(await socket.closed, { code: 4001, reason: "expired" });
  await assert.rejects(writer.write("late"), hasCode("socket.failed"));
  assert.deepEqual(await readAll(socket), ["a"]);
});

test("a refusal rejects with the address, without its query", async () => {
  await using server = await openWebSocketServer();
  const error = await connect(`${server.url}/refuse`).catch((error: unknown) => error);
  assert.ok(error instanceof AgentError);
  assert.equal(error.code, "socket.failed");
  const secret = await connect("ws://127.0.0.1:1/path?key=secret").catch((error: unknown) => error);
  assert.ok(secret instanceof AgentError && secret.code === "socket.failed");
  assert.match(secret.message, /ws:\/\/127\.0\.0\.1:1\/path/);
  assert.doesNotMatch(secret.message, /secret/);
});

test("an address that is none rejects", async () => {
  await assert.rejects(connect("nonsense"), hasCode("socket.failed"));
});

test("a connection that breaks fails the readable and the writable", async () => {
  await using server = await openWebSocketServer();
  const socket = await connect(`${server.url}/drop`);
  const writer = socket.writable.getWriter();
  await writer.write("go");
  await assert.rejects(readAll(socket), hasCode("socket.failed"));
  assert.notEqual((await socket.closed).code, 1000);
  await assert.rejects(writer.write("late"), hasCode("socket.failed"));
});

test("a signal aborts the opening, whether it fires before or during it", async () => {
  await using server = await openWebSocketServer();
  const reason = new Error("enough");
  await assert.rejects(connect(`${server.url}/echo`, { signal: AbortSignal.abort(reason) }), reason);
  assert.equal(server.requests.length, 0);
  const controller = new AbortController();
  const opening = connect(`${server.url}/hang`, { signal: controller.signal });
  setTimeout(() => controller.abort(reason), 50);
  await assert.rejects(opening, reason);
});

test("a signal closes what is open, and both sides fail with its reason", async () => {
  await using server = await openWebSocketServer();
  const controller = new AbortController();
  const socket = await connect(`${server.url}/echo`, { signal: controller.signal });
  const reading = readAll(socket);
  const reason = new Error("enough");
  controller.abort(reason);
  await assert.rejects(reading, reason);
  await assert.rejects(socket.writable.getWriter().write("late"), reason);
  await socket.closed;
});

test("closing twice, with odd codes and long reasons, does no harm", async () => {
  await using server = await openWebSocketServer();
  const socket = await connect(`${server.url}/echo`);
  socket.close(7, "ü".repeat(100));
  socket.close(4000);
  await socket.closed;
  socket.close();
  assert.deepEqual(server.closeCodes, [1000]);
});

test("a peer that does not answer the closing is given up", async () => {
  await using server = await openWebSocketServer();
  const socket = await connect(`${server.url}/deaf`);
  const began = performance.now();
  socket.close(4000);
  await socket.closed;
  assert.ok(performance.now() - began < 3_500);
  assert.deepEqual(await readAll(socket), []);
});

test("cancelling the readable closes the connection", async () => {
  await using server = await openWebSocketServer();
  const socket = await connect(`${server.url}/echo`);
  await socket.readable.cancel();
  await socket.closed;
  assert.deepEqual(server.closeCodes, [1000]);
});

test("what nobody reads is kept up to a limit, and then fails instead of filling the memory", async () => {
  await using server = await openWebSocketServer();
  const enough = await connect(`${server.url}/flood?10`);
  const reader = enough.readable.getReader();
  for (let count = 0; count < 10; count += 1) {
    const { value } = await reader.read();
    assert.ok(value instanceof Uint8Array && value.length === 1024 * 1024 && value[0] === count);
  }
  enough.close();
  await enough.closed;
  const tooMuch = await connect(`${server.url}/flood?20`);
  await tooMuch.closed;
  await assert.rejects(readAll(tooMuch), hasCode("stream.overflow"));
});

test("a writer waits while its peer reads nothing", async () => {
  await using server = await openWebSocketServer();
  const socket = await connect(`${server.url}/stall`);
  const writer = socket.writable.getWriter();
  let written = 0;
  const writing = (async () => {
    for (; written < 64; written += 1) await writer.write(new Uint8Array(1024 * 1024));
  })().catch(() => {});
  await new Promise((go) => setTimeout(go, 500));
  assert.ok(written < 32, `${written} MiB were taken`);
  socket.close();
  await writing;
  await socket.closed;
});
