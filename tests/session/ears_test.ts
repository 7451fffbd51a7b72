import assert from "node:assert/strict";
import { test } from "node:test";
import type { SpeechEvent } from "../../src/model/stt.ts";
import { Agent } from "../../src/session/agent.ts";
import { world } from "./harness.ts";

test("a recogniser that breaks in the middle of a word does not leave the user speaking for ever", async () => {
  let opened = 0;
  class Broken extends Agent {
    override sttNode(): ReturnType<Agent["sttNode"]> {
      opened++;
      return new ReadableStream<SpeechEvent>({
        start(controller) {
          if (opened > 1) return;
          controller.enqueue({ type: "start_of_speech" });
          w.clock.schedule(1_000, () => controller.error(new Error("the line is gone")));
        },
      });
    }
  }
  const w = world({ ears: true, options: { vad: null, turnHandling: { turnDetection: "stt" } } });
  await w.start(new Broken({ instructions: "" }));
  await w.clock.advance(500);
  assert.equal(w.session.userState, "speaking");
  await w.clock.advance(10_000);
  assert.notEqual(w.session.userState, "speaking");
  assert.equal(opened, 2);
  await w.close();
  assert.equal(w.clock.armed, 0);
});
