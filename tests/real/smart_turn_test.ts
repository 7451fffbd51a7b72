/**
 * The demo's call with Smart Turn: a detector, a recogniser, a judge of turns and a voice, all real, on each runtime.
 */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { replay } from "../../src/trace/replay.ts";
import type { TraceRecord } from "../../src/trace/record.ts";
import { newFolder, readCall, repartee, type RuntimeName } from "./held_call.ts";

interface Told {
  readonly probability: number;
  readonly threshold: number | null;
  readonly inferenceDurationMs: number;
}

/** What the session told of the detector's answers. */
function predictions(records: readonly TraceRecord[]): Told[] {
  return records.flatMap((record) =>
    record.kind === "step"
      ? record.effects.flatMap((effect) =>
        effect.type === "emit" && effect.event === "eot_prediction" ? [effect as unknown as Told] : []
      )
      : []
  );
}

for (const on of ["node", "bun", "deno"] satisfies RuntimeName[]) {
  describe(`the call with Smart Turn, on ${on}`, () => {
    it("is asked in the pauses, says likely ends, and shortens the waits", async () => {
      const folder = newFolder();
      const { code, stdout, stderr } = await repartee(["demo", "--fast", "--smart-turn", "--out", folder], on);
      assert.equal(code, 0, `${stdout}\n${stderr}`);
      const call = readCall(folder);

      const told = predictions(call.records);
      assert.ok(told.length >= 4, `${told.length} predictions`);
      for (const { probability, threshold, inferenceDurationMs } of told) {
        assert.ok(probability >= 0 && probability <= 1 && threshold === 0.5 && inferenceDurationMs > 0);
      }
      // The caller's sentences are whole, and so is their melody.
      assert.ok(told.filter(({ probability }) => probability > 0.5).length >= told.length / 2, JSON.stringify(told));
      assert.match(call.transcript, /Goodbye!/);
      assert.equal(replay(call.records).difference, undefined);

      const asked = call.ordersAt("eot.predict").length;
      assert.ok(asked >= told.length, `${asked} questions, ${told.length} answers`);
      assert.doesNotMatch(stderr, /detector failed/);
    });
  });
}
