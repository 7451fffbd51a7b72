import assert from "node:assert/strict";
import { test } from "node:test";
import { registerProcessors } from "../../../adapters/hono/voice_worklet.ts";

interface Processor {
  readonly port: { onmessage: (event: { readonly data: unknown }) => void; readonly posted: unknown[] };
  process(inputs: Float32Array[][], outputs: Float32Array[][]): boolean;
}

/** A worklet's scope, in which nothing makes a sound. */
function scope(sampleRate: number): Map<string, Processor> {
  const made = new Map<string, Processor>();
  class AudioWorkletProcessor {
    readonly port = {
      onmessage: () => {},
      posted: [] as unknown[],
      postMessage(message: unknown) {
        this.posted.push(message);
      },
    };
  }
  registerProcessors({
    sampleRate,
    AudioWorkletProcessor: AudioWorkletProcessor as never,
    registerProcessor: (name, processor) => void made.set(name, new processor() as Processor),
  });
  return made;
}

test("the microphone gives frames of 20 ms, whatever the sound card gives at a time, and nothing too loud for them", () => {
  const microphone = scope(16_000).get("repartee-microphone")!;
  const quantum = Float32Array.from({ length: 128 }, (_, at) => at === 0 ? 2 : at === 1 ? -2 : 0.5);
  for (let count = 0; count < 5; count++) assert.equal(microphone.process([[quantum]], [[]]), true);
  const frames = microphone.port.posted as Int16Array[];
  assert.deepEqual(frames.map(({ length }) => length), [320, 320]);
  assert.deepEqual([...frames[0]!.subarray(0, 3)], [32_767, -32_767, 16_384]);
  assert.equal(frames[1]![384 - 320], 32_767);
});

test("a microphone that is not there yet gives nothing", () => {
  const microphone = scope(48_000).get("repartee-microphone")!;
  assert.equal(microphone.process([[]], [[]]), true);
  assert.equal(microphone.process([], [[]]), true);
  assert.deepEqual(microphone.port.posted, []);
});

test("the player plays what its port is told, and reports on it every 100 ms", () => {
  const player = scope(24_000).get("repartee-player")!;
  player.port.onmessage({ data: { sound: new Int16Array(4_000).fill(16_384), segment: 1, index: 0 } });
  player.port.onmessage({ data: { control: { type: "segment", segment: 1, samples: 4_000 } } });
  const output = new Float32Array(128);
  for (let count = 0; count < 33; count++) player.process([], [[output]]);
  assert.equal(output[0], 0); // it is over
  assert.deepEqual(player.port.posted, [
    { segment: 1, event: "started", samples: 0 },
    { segment: 1, event: "position", samples: 2_432 },
    { segment: 1, event: "finished", samples: 4_000 },
  ]);
});
