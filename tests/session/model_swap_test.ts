import assert from "node:assert/strict";
import { test } from "node:test";
import { Agent } from "../../src/session/agent.ts";
import { scriptedSTT, scriptedVAD } from "../../src/testing/scripted_ears.ts";
import { scriptedLLM } from "../../src/testing/scripted_llm.ts";
import { scriptedTTS } from "../../src/testing/scripted_tts.ts";
import { scriptedTurnDetector } from "../../src/testing/scripted_turn_detector.ts";
import { refusesWith, told, userSays, world } from "./harness.ts";

test("another language model and another voice are in use from the next reply on", async () => {
  const w = world({ tts: {} });
  await w.start();
  const llm = scriptedLLM([{ text: "From the second model." }], { clock: w.clock, model: "second" });
  const tts = scriptedTTS({}, { clock: w.clock, sampleRate: 1_000 });
  const first = w.session.generateReply({ userInput: "One" });
  w.agent.updateOptions({ llm, tts });
  await w.until(first);
  await w.until(w.session.generateReply({ userInput: "Two" }));
  assert.deepEqual(told(w.session.history.items), [
    "user: One",
    "assistant: Hello there.",
    "user: Two",
    "assistant: From the second model.",
  ]);
  assert.deepEqual(tts.requests.map(({ text }) => text), ["From the second model."]);
  assert.equal(w.agent.options.llm, llm);
  await w.close();
  assert.equal(w.clock.armed, 0);
});

test("another recogniser and another detector of voice begin with streams of their own", async () => {
  const w = world({ ears: true, tts: {} });
  await w.start();
  await w.clock.advance(1_000);
  const [stt, vad] = [scriptedSTT(), scriptedVAD()];
  w.agent.updateOptions({ stt, vad });
  await w.clock.advance(1_000);
  assert.deepEqual([w.stt, w.vad, stt, vad].map(({ streams }) => streams.filter(({ isOpen }) => isOpen).length), [
    0,
    0,
    1,
    1,
  ]);
  assert.ok(stt.streams[0]!.heardMs >= 900);
  userSays(Object.assign(w, { stt, vad }), { from: 2_500, until: 3_500, text: "Is it new", interims: false });
  await w.clock.advance(6_000);
  assert.ok(told(w.session.history.items).includes("user: Is it new"));
  await w.close();
  assert.equal(w.clock.armed, 0);
});

test("a user who speaks while the detector of voice is replaced is not speaking for ever", async () => {
  const w = world({ ears: true, tts: {} });
  await w.start();
  userSays(w, { from: 500, until: 9_000, text: "", interims: false });
  await w.clock.advance(2_000);
  assert.equal(w.session.userState, "speaking");
  w.agent.updateOptions({ vad: null });
  await w.clock.advance(1_000);
  assert.equal(w.session.userState, "listening");
  await w.close();
});

test("what does not fit is refused, and nothing changes", async () => {
  const w = world({ ears: true, tts: {} });
  const detector = scriptedTurnDetector({ clock: w.clock });
  const agent = new Agent({ instructions: "", turnHandling: { turnDetection: detector } });
  await w.start(agent);
  const hasty = scriptedVAD({ capabilities: { updateIntervalMs: 32, minSilenceDurationMs: 100 } });
  await refusesWith("session.bad_option", () => agent.updateOptions({ vad: hasty }));
  await refusesWith("session.bad_option", () => agent.updateOptions({ llm: "gpt" as never }));
  assert.equal(agent.options.vad, undefined);
  assert.equal(w.vad.streams.filter(({ isOpen }) => isOpen).length, 1);
  assert.equal(detector.openCount, 1);
  await w.close();
});

test("off the stage they are kept for later; undefined takes the session's again", async () => {
  const w = world();
  const llm = scriptedLLM([{ text: "My own." }], { clock: w.clock });
  w.agent.updateOptions({ llm });
  await w.start();
  await w.until(w.session.run({ userInput: "One" }));
  w.agent.updateOptions({ llm: undefined });
  await w.until(w.session.run({ userInput: "Two" }));
  assert.deepEqual(told(w.session.history.items).filter((line) => line.startsWith("assistant")), [
    "assistant: My own.",
    "assistant: Hello there.",
  ]);
  await w.close();
});

test("models are loaded ahead, when an agent comes on and when they are replaced; one that cannot be is told to the log", async () => {
  const w = world();
  const loaded: string[] = [];
  const model = (name: string) => ({
    ...scriptedLLM([{ text: "Hi." }], { clock: w.clock, model: name }),
    prewarm: async () => {
      loaded.push(name);
      if (name === "broken") throw new Error("no weights");
    },
  });
  await w.start(new Agent({ instructions: "", llm: model("first") }));
  w.session.currentAgent.updateOptions({ llm: model("broken") });
  await w.clock.advance(1);
  assert.deepEqual(loaded, ["first", "broken"]);
  assert.deepEqual(w.log.filter(({ message }) => /loaded ahead/.test(message)).map(({ fields }) => fields["model"]), [
    "broken",
  ]);
  await w.until(w.session.run({ userInput: "One" }));
  await w.close();
});
