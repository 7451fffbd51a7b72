/** Users who talk on and on: the agent cuts in, and no word is stored twice or lost. */
import { test } from "node:test";
import assert from "node:assert/strict";
import { Agent, type UserTurnExceededEvent } from "../../src/session/agent.ts";
import { refusesWith, told, type World, world } from "./harness.ts";

/** The user talks from 500 to 6,000, with finals at 2,000, 4,000 and 6,200. */
function talkOn({ clock, vad, stt }: World): void {
  const voice = (type: "start_of_speech" | "inference_done" | "end_of_speech", speech: number, silence: number) =>
    vad.push({
      type,
      timestampMs: clock.now(),
      speechDurationMs: speech,
      silenceDurationMs: silence,
      rawSpeechMs: silence === 0 ? speech : 0,
      rawSilenceMs: silence,
      speaking: type !== "end_of_speech",
      probability: 1,
      inferenceDurationMs: 0,
    });
  clock.schedule(550, () => voice("start_of_speech", 50, 0));
  for (let at = 600; at < 6_550; at += 50) {
    clock.schedule(at, () => voice("inference_done", at - 500, Math.max(0, at - 6_000)));
  }
  clock.schedule(6_550, () => voice("end_of_speech", 5_500, 550));
  const finals: [number, string][] = [[2_000, "one two three"], [4_000, "four five six"], [6_200, "seven"]];
  for (const [at, text] of finals) {
    clock.schedule(at, () =>
      stt.push({
        type: "final_transcript",
        alternatives: [{ text, language: "en", startTimeMs: 0, endTimeMs: 0, confidence: 0.9 }],
      }));
  }
}

async function overrun(
  agent?: Agent,
  limit: { maxWords?: number; maxDuration?: number } = { maxWords: 5 },
): Promise<World> {
  const w = world({
    tts: { ttfbMs: 200, msPerChar: 50 },
    ears: true,
    llm: [
      { when: { lastUser: "one two three four five six" }, ttftMs: 300, text: "Let me stop you." },
      { ttftMs: 300, text: "As I said." },
    ],
    options: { turnHandling: { userTurnLimit: limit }, aecWarmupDuration: null },
  });
  await w.start(agent);
  talkOn(w);
  await w.clock.runUntil(20_000);
  await w.close();
  return w;
}

test("the agent cuts in while the user talks, cannot be interrupted, and stores each word once", async () => {
  const w = await overrun();
  assert.deepEqual(told(w.session.history.items), [
    "user: one two three four five six",
    "assistant: Let me stop you.",
    "user: seven",
    "assistant: As I said.",
  ]);
  const speaking = w.events.find((e) => e.type === "agent_state_changed" && e.newState === "speaking");
  assert.equal((speaking?.createdAt ?? 0) - w.clock.wallOffset, 4_500);
  const made = w.events.flatMap((e) => e.type === "speech_created" ? [e.speechHandle.allowInterruptions] : []);
  assert.ok(made.includes(false), "it cannot be interrupted");
  assert.match(JSON.stringify(w.llm.requests), /Cut in politely/);
});

test("without a limit nobody cuts in", async () => {
  const w = await overrun(undefined, {});
  assert.deepEqual(told(w.session.history.items)[0], "user: one two three four five six seven");
});

test("a limit of time counts from the first word", async () => {
  const w = await overrun(undefined, { maxDuration: 3_000 });
  assert.equal(told(w.session.history.items)[0], "user: one two three four five six");
});

test("an agent's own hook is told all there is; words that it gives back are a turn", async () => {
  const events: UserTurnExceededEvent[] = [];
  class Listener extends Agent {
    override onUserTurnExceeded(event: UserTurnExceededEvent): Promise<void> {
      events.push(event);
      event.restore();
      return Promise.resolve();
    }
  }
  const w = await overrun(new Listener({ instructions: "Listen." }));
  assert.equal(told(w.session.history.items)[0], "user: one two three four five six seven");
  const [{ restore: _, createdAt, ...first } = {} as UserTurnExceededEvent] = events;
  assert.deepEqual(first, {
    type: "user_turn_exceeded",
    transcript: "one two three four five six",
    accumulatedTranscript: "one two three four five six",
    accumulatedWordCount: 6,
    duration: 3_500,
  });
  assert.equal(createdAt - w.clock.wallOffset, 4_000);
  assert.equal(events.length, 2, "the words have been given back: one more is over the limit, too");
});

test("a hook that fails is told as an error, and its words are a turn", async () => {
  class Broken extends Agent {
    override onUserTurnExceeded(): Promise<void> {
      throw new Error("no");
    }
  }
  const w = await overrun(new Broken({ instructions: "Fail." }));
  assert.equal(told(w.session.history.items)[0], "user: one two three four five six seven");
  assert.ok(w.events.some((e) => e.type === "error" && e.source === "onUserTurnExceeded"));
});

test("a hook that never returns is given up after its time, and the session goes on", async () => {
  class Stuck extends Agent {
    override onUserTurnExceeded(): Promise<void> {
      return new Promise(() => {});
    }
  }
  const w = await overrun(new Stuck({ instructions: "Hang." }));
  assert.deepEqual(told(w.session.history.items), ["user: seven", "assistant: As I said."]);
  assert.equal(w.clock.armed, 0);
});

test("an agent's turn handling is checked as the session's is", async () => {
  await refusesWith(
    "session.bad_option",
    () => new Agent({ instructions: "", turnHandling: { endpoint: 1 } as never }),
  );
  await refusesWith(
    "session.bad_option",
    () => new Agent({ instructions: "", turnHandling: { interruption: { backchannelBoundary: [-1, 0] } } }),
  );
});
