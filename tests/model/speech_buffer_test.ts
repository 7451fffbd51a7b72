import assert from "node:assert/strict";
import { test } from "node:test";
import { type SpeechBuffer, speechBuffer } from "../../src/model/speech_buffer.ts";

/** A buffer at 1,000 samples a second, so that a sample is a millisecond, with the sounds 0, 1, 2 ... in it. */
function filled(
  { padding, speech, pieces }: { padding: number; speech: number; pieces: readonly number[] },
): SpeechBuffer {
  const buffer = speechBuffer();
  buffer.limit(1_000, padding, speech);
  let next = 0;
  for (const length of pieces) buffer.append(Int16Array.from({ length }, () => next++));
  return buffer;
}

const contents = (buffer: SpeechBuffer): number[] => buffer.frames().flatMap(({ data }) => [...data]);

test("what is kept comes as one frame at the rate of the sound", () => {
  const [frame, ...others] = filled({ padding: 2, speech: 10, pieces: [3, 2] }).frames();

  assert.deepEqual(others, []);
  assert.deepEqual(frame, { data: Int16Array.of(0, 1, 2, 3, 4), sampleRate: 1_000, channels: 1, samplesPerChannel: 5 });
});

test("in silence the oldest makes room, to the sample", () => {
  const buffer = filled({ padding: 4, speech: 10, pieces: [3, 3, 3] });
  buffer.slide();
  assert.deepEqual(contents(buffer), [5, 6, 7, 8]);
});

test("speech that is too long is kept from its beginning, up to the limit", () => {
  assert.deepEqual(contents(filled({ padding: 2, speech: 3, pieces: [2, 2, 2, 2] })), [0, 1, 2, 3, 4]);
});

test("padding stays fresh even where no speech is kept", () => {
  const buffer = filled({ padding: 2, speech: 0, pieces: [2] });
  for (const value of [7, 8, 9]) {
    buffer.append(Int16Array.of(value));
    buffer.slide();
  }
  assert.deepEqual(contents(buffer), [8, 9]);
});

test("a new limit keeps what there is, and lets more in when it grows", () => {
  const buffer = filled({ padding: 0, speech: 2, pieces: [2, 1, 1] });
  assert.deepEqual(contents(buffer), [0, 1]);

  buffer.limit(1_000, 0, 4);
  buffer.append(Int16Array.of(9));

  assert.deepEqual(contents(buffer), [0, 1, 2, 9]);
});

test("nothing is kept where nothing may be, and after it is cleared", () => {
  assert.deepEqual(filled({ padding: 0, speech: 0, pieces: [5] }).frames(), []);
  const buffer = filled({ padding: 5, speech: 5, pieces: [5] });
  buffer.clear();
  assert.deepEqual(buffer.frames(), []);
});
