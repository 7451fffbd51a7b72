import assert from "node:assert/strict";
import { test } from "node:test";
import { Agent } from "../../src/session/agent.ts";
import { scriptedSTT } from "../../src/testing/scripted_ears.ts";
import type { Toolset } from "../../src/tool/tool.ts";
import type { TurnEvent } from "../../src/turn/event.ts";
import { userSays, type World, world } from "./harness.ts";

const words = (text: string) =>
  ({
    type: "final_transcript",
    alternatives: [{ text, language: "en", startTimeMs: 0, endTimeMs: 0, confidence: 1 }],
  }) as const;

/** What users said that is in the history. */
function heard(w: World): string[] {
  return w.session.history.messages().filter(({ role }) => role === "user").map(({ textContent }) => textContent ?? "");
}

/** An agent that takes a second to get ready. */
function slow(w: World, options: Partial<ConstructorParameters<typeof Agent>[0]> = {}): Agent {
  const toolset: Toolset = {
    type: "toolset",
    id: "slow",
    tools: [],
    setup: () => new Promise((done) => void w.clock.schedule(w.clock.now() + 1_000, () => done())),
  };
  return new Agent({ instructions: "Second.", tools: [toolset], ...options });
}

function began(w: World): Extract<TurnEvent, { type: "audio.began" }>[] {
  return w.trace.flatMap((record) =>
    record.kind === "step" && record.fact.type === "floor" && record.fact.event.type === "audio.began"
      ? [record.fact.event]
      : []
  );
}

test("a recogniser that both agents share goes on, and what it hears during the move is the next one's", async () => {
  const w = world({ ears: true, tts: {}, trace: true });
  await w.start();
  await w.clock.advance(2_000);
  w.session.updateAgent(slow(w));
  await w.clock.advance(500);
  assert.ok(w.stt.push(words("Is anybody there")), "it still listens");
  await w.clock.advance(4_000);

  assert.equal(w.stt.streams.length, 1, "it was not opened again");
  assert.ok(w.stt.streams[0]!.heardMs >= 6_000, `it heard ${w.stt.streams[0]!.heardMs} ms`);
  assert.deepEqual(heard(w), ["Is anybody there"]);
  assert.equal(w.session.currentAgent.instructions, "Second.");
  const [first, second] = began(w);
  assert.equal(second!.startedAt, first!.startedAt, "its times mean what they meant");
  await w.close();
  assert.equal(w.stt.streams.filter(({ isOpen }) => isOpen).length, 0);
  assert.equal(w.clock.armed, 0);
});

test("another recogniser begins with what was said during the move, and counts its times from there", async () => {
  const w = world({ ears: true, tts: {}, trace: true });
  const other = scriptedSTT();
  await w.start();
  await w.clock.advance(2_000);
  w.session.updateAgent(slow(w, { stt: other }));
  await w.clock.advance(1_500);

  assert.equal(w.stt.streams[0]!.isOpen, false);
  assert.ok(other.streams[0]!.heardMs >= 1_400, `${other.streams[0]!.heardMs} ms of 1,500`);
  const startedAt = began(w).at(-1)!.startedAt!;
  assert.ok(startedAt >= 1_900 && startedAt <= 2_100, `from ${startedAt}`);
  await w.close();
  assert.equal(other.streams[0]!.isOpen, false);
});

test("a user in the middle of a sentence is heard from a second before", async () => {
  const w = world({ ears: true, tts: {} });
  const other = scriptedSTT();
  await w.start();
  userSays(w, { from: 1_000, until: 6_000, text: "a long sentence that goes on", interims: false });
  await w.clock.advance(3_000);
  assert.equal(w.session.userState, "speaking");
  w.session.updateAgent(new Agent({ instructions: "Second.", stt: other }));
  await w.clock.advance(100);
  assert.ok(other.streams[0]!.heardMs >= 1_000, `${other.streams[0]!.heardMs} ms`);
  await w.close();
});

test("a user who is silent is not heard twice by another recogniser", async () => {
  const w = world({ ears: true, tts: {} });
  const other = scriptedSTT();
  await w.start();
  await w.clock.advance(3_000);
  w.session.updateAgent(new Agent({ instructions: "Second.", stt: other }));
  await w.clock.advance(90);
  assert.ok(other.streams[0]!.heardMs <= 100, `${other.streams[0]!.heardMs} ms`);
  await w.close();
});

test("a recogniser that breaks during the move is opened again by the next agent", async () => {
  const w = world({ ears: true, tts: {} });
  await w.start();
  await w.clock.advance(1_000);
  w.session.updateAgent(slow(w));
  await w.clock.advance(300);
  w.stt.fail(new Error("the line is gone"));
  await w.clock.advance(5_000);
  assert.equal(w.stt.streams.filter(({ isOpen }) => isOpen).length, 1);
  w.stt.push(words("Hello again"));
  await w.clock.advance(2_000);
  assert.deepEqual(heard(w), ["Hello again"]);
  await w.close();
  assert.equal(w.clock.armed, 0);
});
