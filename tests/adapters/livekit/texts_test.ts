/** What a real room does not do on demand: it hangs, refuses, and is slow. Who speaks and who types must not suffer from it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { listenToChat, type TextInputEvent } from "../../../adapters/livekit/chat.ts";
import type { RtcRoom, RtcTextReader } from "../../../adapters/livekit/rtc.ts";
import { agentTranscript, userTranscript } from "../../../adapters/livekit/transcription.ts";
import { type VirtualClock, virtualClock } from "../../../adapters/runtime/virtual.ts";
import type { AgentSession } from "../../../mod.ts";

interface Sent {
  readonly from: string;
  readonly segment: string;
  isFinal: boolean;
  text: string;
  isOver: boolean;
}

/** A room that remembers what it is sent; `delay` makes it slow, in milliseconds, or hang, by Infinity. */
function fakeRoom(clock: VirtualClock, delay: (text: string) => number = () => 0) {
  const sent: Sent[] = [];
  const after = (ms: number): Promise<void> =>
    ms === 0 ? Promise.resolve() : new Promise((go) => void (ms < Infinity && clock.schedule(clock.now() + ms, go)));
  const local = {
    identity: "agent",
    attributes: {},
    trackPublications: new Map(),
    textStreamWriterClose: (_request: { attributes?: Record<string, string> }): Promise<void> => Promise.resolve(),
    async streamText({ attributes = {}, senderIdentity = "" }: {
      attributes?: Record<string, string>;
      senderIdentity?: string;
    }) {
      const stream: Sent = {
        from: senderIdentity,
        segment: attributes["lk.segment_id"] ?? "",
        isFinal: attributes["lk.transcription_final"] === "true",
        text: "",
        isOver: false,
      };
      sent.push(stream);
      return {
        async write(text: string): Promise<void> {
          await after(delay(text));
          if (text === "refused") throw new Error("refused by the room");
          stream.text += text;
        },
        async close(): Promise<void> {
          const request: { attributes?: Record<string, string> } = {};
          await local.textStreamWriterClose(request);
          if (request.attributes?.["lk.transcription_final"] === "true") stream.isFinal = true;
          stream.isOver = true;
        },
      };
    },
  };
  const room = { isConnected: true, localParticipant: local, remoteParticipants: new Map([["caller", {}]]) };
  return { sent, room: room as typeof room & RtcRoom };
}

function make(clock: VirtualClock, delay?: (text: string) => number) {
  const { sent, room } = fakeRoom(clock, delay);
  const warnings: string[] = [];
  let count = 0;
  const options = {
    room: room as unknown as RtcRoom,
    clock,
    newId: (prefix: string) => `${prefix}_${++count}`,
    warn: (message: string) => void warnings.push(message),
    trackSid: () => undefined,
  };
  return { sent, room, warnings, options };
}

test("a segment of the agent's is one text that grows and ends with its mark; one without words is none", async () => {
  const clock = virtualClock();
  const { sent, options } = make(clock);
  const words = agentTranscript({ ...options, jsonFormat: false });
  const empty = words.open("a").getWriter();
  await clock.until(empty.close());
  const writer = words.open("b").getWriter();
  for (const text of ["Good ", "", "morning."]) await clock.until(writer.write({ text }));
  assert.deepEqual(sent, [{ from: "agent", segment: "SG_1", isFinal: false, text: "Good morning.", isOver: false }]);
  await clock.until(writer.close());
  assert.deepEqual(sent, [{ from: "agent", segment: "SG_1", isFinal: true, text: "Good morning.", isOver: true }]);
  const cut = words.open("c").getWriter();
  await clock.until(cut.write({ text: "I was" }));
  await clock.until(cut.abort());
  assert.deepEqual([sent[1]?.segment, sent[1]?.isFinal, sent[1]?.isOver], ["SG_2", true, true]);
});

test("words with times are lines of JSON, in seconds, without what is unknown", async () => {
  const clock = virtualClock();
  const { sent, options } = make(clock);
  const writer = agentTranscript({ ...options, jsonFormat: true }).open("a").getWriter();
  await clock.until(writer.write({ text: "Good ", startMs: 0, endMs: 250 }));
  await clock.until(writer.write({ text: "day." }));
  await clock.until(writer.close());
  assert.equal(sent[0]?.text, '{"text":"Good ","start_time":0,"end_time":0.25}\n{"text":"day."}\n');
});

for (const [what, bad, limitMs] of [["refuses", "refused", 0], ["takes nothing", "hangs", 2_000]] as const) {
  test(`a room that ${what} costs the agent's words of this segment, never the speech`, async () => {
    const clock = virtualClock();
    const { sent, options, warnings } = make(clock, (text) => text === "hangs" ? Infinity : 0);
    const words = agentTranscript({ ...options, jsonFormat: false });
    const writer = words.open("a").getWriter();
    await clock.until(writer.write({ text: bad }));
    await clock.until(writer.write({ text: "more" }));
    await clock.until(writer.close());
    assert.equal(clock.now(), limitMs);
    assert.equal(warnings.length, 1);
    const next = words.open("b").getWriter();
    await clock.until(next.write({ text: "again" }));
    await clock.until(next.close());
    assert.equal(sent.at(-1)?.text, "again");
    assert.equal(clock.armed, 0);
  });
}

test("closing ends what is open", async () => {
  const clock = virtualClock();
  const { sent, options } = make(clock);
  const words = agentTranscript({ ...options, jsonFormat: false });
  await clock.until(words.open("a").getWriter().write({ text: "half" }));
  await clock.until(words.close());
  assert.deepEqual([sent[0]?.isOver, sent[0]?.isFinal], [true, true]);
});

test("without a room nothing is sent, and nothing fails", async () => {
  const clock = virtualClock();
  const { sent, room, options, warnings } = make(clock);
  room.isConnected = false;
  const writer = agentTranscript({ ...options, jsonFormat: false }).open("a").getWriter();
  await clock.until(writer.write({ text: "lost" }));
  await clock.until(writer.close());
  const user = userTranscript(options);
  user.bind("caller");
  user.push("lost", true);
  await clock.until(user.close());
  assert.deepEqual([sent, warnings], [[], []]);
});

test("updates of the caller's that are overtaken before they are sent are left out, the final one never", async () => {
  const clock = virtualClock();
  const { sent, options } = make(clock, () => 100);
  const user = userTranscript(options);
  user.push("nobody", true);
  user.bind("caller");
  for (const text of ["When", "When do", "When do you", "When do you open"]) user.push(text, false);
  user.push("When do you open?", true);
  user.push("Hello", false);
  await clock.run();
  assert.deepEqual(sent.map(({ text, segment, isFinal }) => [text, segment, isFinal]), [
    ["When", "SG_1", false],
    ["When do you open?", "SG_1", true],
    ["Hello", "SG_2", false],
  ]);
  await clock.until(user.close());
});

test("when somebody else becomes the caller, what is open ends under the name of whoever said it", async () => {
  const clock = virtualClock();
  const { sent, options } = make(clock);
  const user = userTranscript(options);
  user.bind("anna");
  user.push("I was saying", false);
  await clock.run();
  user.bind("bert");
  user.push("So am I", true);
  await clock.run();
  assert.deepEqual(sent.map(({ from, text, isFinal }) => [from, text, isFinal]), [
    ["anna", "I was saying", false],
    ["anna", "I was saying", true],
    ["bert", "So am I", true],
  ]);
});

test("messages are handled in the order in which they came, even if the first takes its time, but not for ever", async () => {
  const clock = virtualClock();
  const { room } = fakeRoom(clock);
  const handled: string[] = [];
  let take: (reader: RtcTextReader, from: { identity: string }) => void = () => {};
  let isTaken = false;
  const listening = {
    ...room,
    registerTextStreamHandler(_: string, handler: typeof take) {
      isTaken = true;
      take = handler;
    },
    unregisterTextStreamHandler() {
      isTaken = false;
    },
  };
  const stop = listenToChat(listening as unknown as RtcRoom, {
    session: { "~claimUserTurn": () => () => handled.push("released") } as unknown as AgentSession,
    clock,
    accepts: (identity) => identity === "caller",
    callback: (_: AgentSession, { text }: TextInputEvent) => void handled.push(text.slice(0, 10)),
    log() {},
  });
  const message = (text: string, afterMs: number): RtcTextReader => ({
    info: { streamId: "s" },
    async *[Symbol.asyncIterator]() {
      await new Promise<void>((go) => void (afterMs < Infinity && clock.schedule(clock.now() + afterMs, go)));
      yield text;
    },
  });
  take(message("slow", 300), { identity: "caller" });
  take(message("quick", 10), { identity: "caller" });
  take(message("x".repeat(100_000), 0), { identity: "caller" });
  take(message("  ", 0), { identity: "caller" });
  take(message("stranger", 0), { identity: "stranger" });
  await clock.advance(100);
  assert.deepEqual(handled, []);
  await clock.advance(300);
  assert.deepEqual(handled.splice(0), ["slow", "released", "quick", "released"]);
  take(message("never", Infinity), { identity: "caller" });
  take(message("behind", 0), { identity: "caller" });
  await clock.advance(9_000);
  assert.deepEqual(handled, []);
  await clock.advance(2_000);
  assert.deepEqual(handled, ["behind", "released"]);
  stop();
  assert.equal(isTaken, false);
});
