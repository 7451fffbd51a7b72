import assert from "node:assert/strict";
import { test } from "node:test";
import { virtualRuntime } from "../../adapters/runtime/virtual.ts";
import { pacedSink } from "../../src/io/paced_sink.ts";
import type { TimedString } from "../../src/model/marks.ts";
import type { TTS } from "../../src/model/tts.ts";
import { Agent, type AgentOptions } from "../../src/session/agent.ts";
import { scriptedTTS } from "../../src/testing/scripted_tts.ts";
import { told, world } from "./harness.ts";

type Piece = string | TimedString;

/** An agent whose transcript is what the function makes of each piece. */
function scribe(make: (piece: Piece) => Piece, seen: Piece[], options: Partial<AgentOptions> = {}): Agent {
  class Scribe extends Agent {
    override async *transcriptionNode(text: ReadableStream<Piece>): AsyncGenerator<Piece> {
      for await (const piece of text) {
        seen.push(piece);
        yield make(piece);
      }
    }
  }
  return new Scribe({ instructions: "", ...options });
}

function spoken(
  voice: { readonly alignedTranscript?: boolean; readonly streaming?: boolean; readonly lies?: boolean },
) {
  const runtime = virtualRuntime({ seed: 1 });
  const scripted = scriptedTTS({ msPerChar: 100 }, {
    clock: runtime.clock,
    sampleRate: 1_000,
    alignedTranscript: voice.alignedTranscript ?? false,
    streaming: voice.streaming ?? true,
  });
  const tts: TTS = voice.lies ? { ...scripted, capabilities: { streaming: true, alignedTranscript: true } } : scripted;
  return world({
    runtime,
    llm: [{ text: "One two **three**." }],
    options: { tts },
    sink: pacedSink(runtime.clock),
    captions: true,
  });
}

const upper = (piece: Piece): Piece =>
  typeof piece === "string" ? piece.toUpperCase() : { ...piece, text: piece.text.toUpperCase() };

test("a node gets the words that the voice speaks, with their times, and the history holds what it makes of them", async () => {
  const seen: Piece[] = [];
  const w = spoken({ alignedTranscript: true });
  await w.start(scribe(upper, seen));
  await w.until(w.session.generateReply({ userInput: "Count" }));
  assert.deepEqual(seen.map((piece) => typeof piece), ["object", "object", "object"]);
  assert.deepEqual(seen.map((piece) => (piece as TimedString).startMs), [0, 400, 800]);
  assert.deepEqual(told(w.session.history.items), ["user: Count", "assistant: ONE TWO THREE."]);
  assert.deepEqual(w.captions, ["ONE TWO THREE."]);
  await w.close();
  assert.equal(w.clock.armed, 0);
});

test("a voice that does not stream tells its sentences", async () => {
  const seen: Piece[] = [];
  const w = spoken({ streaming: false });
  await w.start(scribe(upper, seen));
  await w.until(w.session.generateReply({ userInput: "Count" }));
  assert.ok(seen.every((piece) => typeof piece === "object"));
  assert.equal(told(w.session.history.items)[1], "assistant: ONE TWO THREE.");
  await w.close();
});

test("a voice that claims to tell its words and tells none has its text transcribed", async () => {
  const seen: Piece[] = [];
  const w = spoken({ lies: true });
  await w.start(scribe(upper, seen));
  await w.until(w.session.generateReply({ userInput: "Count" }));
  assert.ok(seen.length > 0 && seen.every((piece) => typeof piece === "string"));
  assert.equal(told(w.session.history.items)[1], "assistant: ONE TWO **THREE**.");
  await w.close();
});

test("without a voice that tells, without sound, or when it is not wanted, a node gets the model's text", async () => {
  for (const how of ["voice", "sound", "option"] as const) {
    const seen: Piece[] = [];
    const w = spoken({ alignedTranscript: how !== "voice" });
    if (how === "sound") w.session.output.setAudioEnabled(false);
    await w.start(scribe(upper, seen, how === "option" ? { useTtsAlignedTranscript: false } : {}));
    await w.until(w.session.generateReply({ userInput: "Count" }));
    assert.ok(seen.length > 0 && seen.every((piece) => typeof piece === "string"), how);
    assert.equal(told(w.session.history.items)[1], "assistant: ONE TWO **THREE**.");
    await w.close();
  }
});

test("cut off, the history holds the words that were heard, and the node ends", async () => {
  const seen: Piece[] = [];
  const w = spoken({ alignedTranscript: true });
  await w.start(scribe(upper, seen));
  w.session.generateReply({ userInput: "Count" });
  await w.clock.advance(750);
  await w.until(w.session.interrupt());
  assert.match(told(w.session.history.items)[1] ?? "", /^assistant: ONE( TWO)?\/$/); // "two" ends at 700 ms
  await w.close();
  assert.equal(w.clock.armed, 0);
});

test("a speech with sound of its own has its text transcribed", async () => {
  const seen: Piece[] = [];
  const w = spoken({ alignedTranscript: true });
  await w.start(scribe(upper, seen));
  const audio = new ReadableStream({ start: (controller) => controller.close() });
  await w.until(w.session.say("Ding.", { audio: audio as never }));
  assert.deepEqual(seen, ["Ding."]);
  await w.close();
});
