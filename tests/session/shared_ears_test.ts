/** Ears across a hand-off: agents that hear by the same models lose no word between them. */
import { test } from "node:test";
import assert from "node:assert/strict";
import { Agent } from "../../src/session/agent.ts";
import { scriptedSTT } from "../../src/testing/scripted_ears.ts";
import { scriptedTurnDetector } from "../../src/testing/scripted_turn_detector.ts";
import { virtualRuntime } from "../../adapters/runtime/virtual.ts";
import { told, userSays, type World, world } from "./harness.ts";

/** The user speaks from 1,000 to 3,000 while another agent takes over at 2,000. */
async function handOver(next: Agent, first?: Agent, o: Parameters<typeof world>[0] = {}): Promise<World> {
  const w = world({ ears: true, llm: [{ ttftMs: 100, text: "Yes." }], ...o });
  await w.start(first);
  userSays(w, { from: 1_000, until: 3_000, text: "Is anybody there" });
  w.clock.schedule(2_000, () => w.session.updateAgent(next));
  await w.clock.runUntil(6_000);
  return w;
}

test("the recogniser's stream goes on, and the words of a sentence that began before are answered by the new agent", async () => {
  const w = await handOver(new Agent({ instructions: "Second." }));
  assert.equal(w.stt.streams.length, 1);
  assert.deepEqual(told(w.session.history.items).filter((line) => /^(user|assistant)/.test(line)), [
    "user: Is anybody there",
    "assistant: Yes.",
  ]);
  assert.match(JSON.stringify(w.llm.requests.at(-1)), /Second/);
  const heard = w.stt.streams[0]?.heardMs ?? 0;
  assert.ok(heard >= 5_800, `no frame was lost on the way: ${heard} ms of 6,000`);
  await w.close();
  assert.equal(w.stt.streams.every(({ isOpen }) => !isOpen), true);
});

test("an agent with a node or a recogniser of its own has a stream of its own", async () => {
  class Own extends Agent {
    override sttNode(...given: Parameters<Agent["sttNode"]>): ReturnType<Agent["sttNode"]> {
      return super.sttNode(...given);
    }
  }
  const own = await handOver(new Own({ instructions: "Own." }));
  assert.deepEqual(own.stt.streams.map(({ isOpen }) => isOpen), [false, true]);
  await own.close();

  const other = scriptedSTT();
  const w = await handOver(new Agent({ instructions: "Other.", stt: other }));
  assert.deepEqual([w.stt.streams.length, other.streams.length], [1, 1]);
  assert.equal(w.stt.streams[0]?.isOpen, false);
  await w.close();
});

test("an agent that hears nothing closes the stream, and the next one that does opens another", async () => {
  const w = await handOver(new Agent({ instructions: "Deaf.", stt: null }));
  assert.equal(w.stt.streams[0]?.isOpen, false);
  w.session.updateAgent(new Agent({ instructions: "Hears." }));
  await w.clock.runUntil(7_000);
  assert.deepEqual(w.stt.streams.map(({ isOpen }) => isOpen), [false, true]);
  await w.close();
});

test("a detector of ends of turns goes on, too", async () => {
  const runtime = virtualRuntime({ seed: 1 });
  const detector = scriptedTurnDetector({ clock: runtime.clock, answers: [{ probability: 0.9 }] });
  const w = await handOver(new Agent({ instructions: "Second." }), undefined, {
    runtime,
    options: { turnHandling: { turnDetection: detector } },
  });
  assert.equal(detector.openCount, 1);
  assert.ok(detector.heardMs >= 5_500, `${detector.heardMs}`);
  await w.close();
  assert.equal(detector.openCount, 0);
});

test("times of words count from the stream that they came from, also behind a cleared turn and a hand-off", async () => {
  const w = await handOver(new Agent({ instructions: "Second." }));
  const anchor = (): number | undefined => {
    const id = w.session["~core"].activity?.id ?? "";
    return w.session["~core"].root.floors[id]?.recognition.inputStartedAt;
  };
  assert.equal(anchor(), 0, "the first stream began with the session");
  w.session.clearUserTurn();
  await w.clock.runUntil(8_000);
  assert.equal(w.stt.streams.length, 2);
  assert.ok((anchor() ?? 0) >= 5_900 && (anchor() ?? 0) <= 6_200, `${anchor()}`);
  await w.close();
});
