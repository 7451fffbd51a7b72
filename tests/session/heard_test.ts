import assert from "node:assert/strict";
import { test } from "node:test";
import { type AudioFrame, audioFrame } from "../../src/audio/frame.ts";
import type { Clock } from "../../src/base/runtime.ts";
import { Agent } from "../../src/session/agent.ts";
import { told, world } from "./harness.ts";

const TEXT = "One two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen.";

/** An agent whose voice is made little faster than it is heard. */
class SlowVoice extends Agent {
  readonly #clock: Clock;

  constructor(clock: Clock) {
    super({ instructions: "" });
    this.#clock = clock;
  }

  override ttsNode(): ReturnType<Agent["ttsNode"]> {
    return new ReadableStream<AudioFrame>({
      pull: (controller) =>
        new Promise<void>((resolve) =>
          void this.#clock.schedule(this.#clock.now() + 90, () => {
            controller.enqueue(audioFrame(new Int16Array(100).fill(8_000), 1_000));
            resolve();
          })
        ),
    });
  }
}

test("a voice cut off while it is still being made counts for as far as it was heard, not for the whole text", async () => {
  const w = world({ tts: {}, captions: true });
  await w.start(new SlowVoice(w.clock));
  const handle = w.session.say(TEXT);
  await w.clock.advance(3_000);
  handle.interrupt();
  await w.until(handle);
  const [line] = told(w.session.history.items);
  assert.match(line ?? "", /^assistant: One two three four\b.*\/$/);
  assert.doesNotMatch(line ?? "", /sixteen/);
  await w.close();
});
