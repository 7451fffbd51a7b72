import assert from "node:assert/strict";
import { test } from "node:test";
import { type LinkSocket, voiceLink } from "../../../adapters/hono/voice_link.ts";
import type { ServerMessage } from "../../../adapters/hono/voice_wire.ts";
import { virtualClock } from "../../../adapters/runtime/virtual.ts";

class FakeSocket implements LinkSocket {
  binaryType = "";
  readyState = 0;
  onopen: LinkSocket["onopen"] = null;
  onmessage: LinkSocket["onmessage"] = null;
  onclose: LinkSocket["onclose"] = null;
  readonly sent: { readonly type: string; readonly [name: string]: unknown }[] = [];

  send(data: string | ArrayBuffer): void {
    this.sent.push(typeof data === "string" ? JSON.parse(data) : { type: "sound" });
  }
  close(): void {
    this.readyState = 3;
  }
  opens(): this {
    this.readyState = 1;
    this.onopen?.(undefined as never);
    return this;
  }
  says(message: ServerMessage): void {
    this.onmessage?.({ data: JSON.stringify(message) });
  }
  breaks(): void {
    this.readyState = 3;
    this.onclose?.(undefined as never);
  }
}

function setUp() {
  const clock = virtualClock();
  const sockets: FakeSocket[] = [];
  const told: string[] = [];
  const data: unknown[] = [];
  const link = voiceLink({
    open() {
      const socket = new FakeSocket();
      sockets.push(socket);
      return socket;
    },
    now: () => clock.now(),
    later: (ms, work) => clock.schedule(clock.now() + ms, work),
    sampleRate: () => 16_000,
    resume: () => ({ seen: 7, received: [], reports: [] }),
    onWelcome: (_welcome, isFirst) => void told.push(isFirst ? "first" : "again"),
    onData: (what) => void data.push(what),
    onStatus: (status, end) => void told.push(end === undefined ? status : `${status} ${end.reason}`),
  });
  const last = (): FakeSocket => sockets.at(-1)!;
  const welcome = (graceMs = 10_000): void =>
    last().says({
      type: "welcome",
      version: 1,
      resumed: sockets.length > 1,
      token: "secret",
      graceMs,
      sampleRate: 24_000,
      received: 0,
    });
  const begin = (graceMs?: number): void => {
    link.connect();
    last().opens();
    welcome(graceMs);
  };
  return { clock, sockets, told, data, link, last, welcome, begin };
}

test("it says hello, is connected when it is welcome, and ends once", () => {
  const { link, last, told, begin, clock } = setUp();
  assert.equal(link.send({ type: "end" }), false);
  begin();
  assert.deepEqual(last().sent, [{ type: "hello", version: 1, sampleRate: 16_000 }]);
  assert.equal(link.send({ type: "mute", muted: true }), true);
  link.end({ reason: "user_initiated" });
  link.end({ reason: "again" });
  link.connect();
  assert.deepEqual(told, ["connected", "first", "ended user_initiated"]);
  assert.equal(clock.armed, 0);
});

test("after a break it comes back with the token, later each time, and starts over when it succeeded", async () => {
  const { clock, sockets, told, last, welcome, begin } = setUp();
  begin();
  last().breaks();
  assert.equal(told.at(-1), "reconnecting");
  const times: number[] = [];
  for (let count = 0; count < 5; count++) {
    const before = sockets.length;
    while (sockets.length === before) await clock.advance(50);
    times.push(clock.now());
    last().breaks();
  }
  assert.deepEqual(times, [250, 750, 1_750, 3_750, 5_750]);
  const before = sockets.length;
  while (sockets.length === before) await clock.advance(50);
  last().opens();
  assert.deepEqual(last().sent[0], {
    type: "hello",
    version: 1,
    sampleRate: 16_000,
    resume: { token: "secret", seen: 7, received: [], reports: [] },
  });
  welcome();
  assert.deepEqual(told.slice(-2), ["connected", "again"]);
  last().breaks();
  await clock.advance(250);
  assert.equal(sockets.length, before + 2);
});

test("it gives up when the grace is over, and at once where there is none or it never was connected", async () => {
  const first = setUp();
  first.begin(3_000);
  first.last().breaks();
  for (let at = 0; at < 6_000; at += 50) {
    await first.clock.advance(50);
    if (first.last().readyState === 0) first.last().breaks();
  }
  assert.equal(first.told.at(-1), "ended lost");
  assert.equal(first.clock.armed, 0);

  const second = setUp();
  second.begin(0);
  second.last().breaks();
  assert.equal(second.told.at(-1), "ended lost");

  const third = setUp();
  third.link.connect();
  third.last().breaks();
  assert.deepEqual(third.told, ["ended lost"]);
});

test("a server that does not answer for 6 s is lost, though the socket says nothing", async () => {
  const { clock, told, last, sockets, begin, link } = setUp();
  begin();
  await clock.advance(2_000);
  assert.deepEqual(last().sent.at(-1), { type: "ping", id: 1, seen: 7 });
  await clock.advance(30);
  last().says({ type: "pong", id: 1 });
  assert.equal(link.roundTripMs, 30);
  await clock.advance(5_900);
  assert.equal(told.at(-1), "first");
  await clock.advance(2_100);
  assert.equal(told.at(-1), "reconnecting");
  assert.equal(sockets[0]?.readyState, 3);
  await clock.advance(400);
  assert.equal(sockets.length, 2);
});

test("an opening that hangs is given up too", async () => {
  const { clock, told, link } = setUp();
  link.connect();
  await clock.advance(8_000);
  assert.deepEqual(told, ["ended lost"]);
  assert.equal(clock.armed, 0);
});

test("being told to try again does so at once, and only where it helps", () => {
  const { sockets, link, last, begin } = setUp();
  begin();
  link.connect();
  assert.equal(sockets.length, 1);
  last().breaks();
  link.connect();
  link.connect();
  assert.equal(sockets.length, 2);
});

test("what a socket that was left still says counts for nothing", async () => {
  const { clock, sockets, told, last, data, begin } = setUp();
  begin();
  const old = last();
  old.breaks();
  await clock.advance(250);
  old.says({ type: "end", reason: "late", seq: 8 });
  old.breaks();
  assert.deepEqual(data, []);
  assert.equal(sockets.length, 2);
  assert.equal(told.at(-1), "reconnecting");
});

test("a refusal ends the call, with its reason", () => {
  const { link, last, told } = setUp();
  link.connect();
  last().opens().says({ type: "refused", code: "voice.too_many_calls", message: "later" });
  assert.deepEqual(told, ["ended refused"]);
});
