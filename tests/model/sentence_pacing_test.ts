import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "../property.ts";
import { PACING_START, pacingHeard, type PacingState, stepPacing } from "../../src/model/sentence_pacing.ts";

const PACING = { minRemainingAudio: 5_000, maxTextLength: 300 };
const holding = (state: PacingState, ...held: string[]): PacingState => ({ ...state, held: [...state.held, ...held] });

test("the first sentence goes at once and alone; the rest waits for the voice", () => {
  const { state, batch, wakeAt } = stepPacing(holding(PACING_START, "One.", "Two."), 0, PACING);
  assert.equal(batch, "One.");
  assert.deepEqual(state.held, ["Two."]);
  assert.equal(wakeAt, 500);
});

test("the next batch goes when the voice rests and little is left to hear, and is no longer than asked", () => {
  let { state } = stepPacing(holding(PACING_START, "One."), 0, PACING);
  state = holding(pacingHeard(state, 8_000, 100), "a".repeat(200), "b".repeat(150), "c");
  const made = stepPacing(state, 200, PACING);
  assert.deepEqual([made.batch, made.state.voice, made.wakeAt], [undefined, "makes", 400]);
  const rests = stepPacing(made.state, 400, PACING);
  assert.deepEqual([rests.batch, rests.state.voice, rests.wakeAt], [undefined, "rests", 400 + 2_700]);
  const due = stepPacing(rests.state, 3_100, PACING);
  assert.equal(due.batch, `${"a".repeat(200)} ${"b".repeat(150)}`);
  assert.deepEqual(due.state.held, ["c"]);
});

test("a voice that says that it ended rests without being looked at twice", () => {
  const { state } = stepPacing(holding(PACING_START, "One."), 0, PACING);
  const due = stepPacing(holding(pacingHeard(state, 900, 10), "Two."), 10, PACING, true);
  assert.equal(due.batch, "Two.");
});

test("what makes no sound does not hold up what comes behind it", () => {
  const { state } = stepPacing(holding(PACING_START, "—"), 0, PACING);
  assert.equal(stepPacing(holding(state, "Two."), 1, PACING).batch, "Two.");
});

test("whatever comes when, all sentences are sent, in order, and the wait always ends", () => {
  const sentence = fc.string({ minLength: 1, maxLength: 20 }).filter((text) => text.trim() !== "");
  fc.assert(
    fc.property(fc.array(fc.tuple(sentence, fc.nat(3_000), fc.nat(9_000)), { maxLength: 30 }), (story) => {
      let state = PACING_START;
      let now = 0;
      const sent: string[] = [];
      const look = (voiceEnded = false): number | undefined => {
        const made = stepPacing(state, now, PACING, voiceEnded);
        state = made.state;
        if (made.batch !== undefined) sent.push(made.batch);
        return made.wakeAt;
      };
      for (const [text, pause, soundMs] of story) {
        now += pause;
        state = holding(state, text);
        const before = sent.length;
        look();
        if (sent.length > before) state = pacingHeard(state, soundMs, now);
      }
      for (let round = 0; round < 1_000 && state.held.length > 0; round++) {
        const before = sent.length;
        const wakeAt = look(state.voice === "owes");
        if (sent.length > before) state = pacingHeard(state, 100, now);
        if (wakeAt !== undefined) {
          assert.ok(wakeAt > now);
          now = wakeAt;
        }
      }
      assert.deepEqual(state.held, []);
      assert.equal(sent.join(" "), story.map(([text]) => text).join(" "));
    }),
  );
});
