import { test } from "node:test";
import assert from "node:assert/strict";
import fc from "../property.ts";
import { AgentError, type ErrorCode } from "../../src/base/error.ts";
import { type AudioFrame, audioFrame } from "../../src/audio/frame.ts";
import { concatSamples } from "../../src/audio/frames.ts";
import { readWav, wavReader, wavWriter, writeWav } from "../../src/audio/wav.ts";

const has = (code: ErrorCode) => (error: unknown): boolean => error instanceof AgentError && error.code === code;

const ascii = (text: string): number[] => [...text].map((letter) => letter.charCodeAt(0));
const u16 = (value: number): number[] => [value & 255, (value >> 8) & 255];
const u32 = (value: number): number[] => [...u16(value & 0xffff), ...u16(value >>> 16)];
const chunk = (id: string, body: readonly number[], size = body.length): number[] => [
  ...ascii(id),
  ...u32(size),
  ...body,
  ...(body.length % 2 === 1 ? [0] : []),
];
const plain = (kind: number, channels: number, rate: number, bits: number): number[] =>
  chunk("fmt ", [
    ...u16(kind),
    ...u16(channels),
    ...u32(rate),
    ...u32((rate * channels * bits) / 8),
    ...u16((channels * bits) / 8),
    ...u16(bits),
  ]);
const extensible = (kind: number, channels: number, rate: number, bits: number): number[] =>
  chunk("fmt ", [
    ...plain(0xfffe, channels, rate, bits).slice(8),
    ...u16(22),
    ...u16(bits),
    ...u32(0),
    ...u16(kind),
    ...[0, 0, 0, 0, 0x10, 0, 0x80, 0, 0, 0xaa, 0, 0x38, 0x9b, 0x71],
  ]);
const riff = (parts: readonly (readonly number[])[], size?: number): Uint8Array => {
  const body = [...ascii("WAVE"), ...parts.flat()];
  return Uint8Array.from([...ascii("RIFF"), ...u32(size ?? body.length), ...body]);
};
const frameBytes = (floats: readonly number[]): number[] => [...new Uint8Array(Float32Array.from(floats).buffer)];
const samplesOf = (file: Uint8Array): number[] => [...readWav(file).data];

test("what is written is read, sample for sample", () => {
  const frame = audioFrame(Int16Array.of(0, 1, -1, 32_767, -32_768, 256), 44_100, 2);
  assert.deepEqual(readWav(writeWav(frame)), frame);
});

test("a written file is laid out as the format says", () => {
  const file = writeWav(audioFrame(Int16Array.of(1, 2), 16_000));
  assert.deepEqual([...file], [...riff([plain(1, 1, 16_000, 16), chunk("data", [...u16(1), ...u16(2)])])]);
});

test("every width and kind of sample is read", () => {
  const cases: readonly [name: string, format: number[], data: number[], samples: number[]][] = [
    ["8 bits", plain(1, 1, 8_000, 8), [0, 128, 255], [-32_768, 0, 32_512]],
    ["16 bits", plain(1, 1, 8_000, 16), [...u16(0x8000), ...u16(5)], [-32_768, 5]],
    ["24 bits", plain(1, 1, 8_000, 24), [0xff, 1, 2, 0, 0, 0x80], [0x0201, -32_768]],
    ["32 bits", plain(1, 1, 8_000, 32), [9, 9, 1, 2, 0, 0, 0, 0x80], [0x0201, -32_768]],
    ["float", plain(3, 1, 8_000, 32), frameBytes([0.5, -1, 2, NaN]), [16_384, -32_768, 32_767, 0]],
    ["extensible PCM", extensible(1, 1, 8_000, 16), [...u16(7)], [7]],
    ["extensible float", extensible(3, 1, 8_000, 32), frameBytes([0.25]), [8_192]],
  ];
  for (const [name, format, data, samples] of cases) {
    assert.deepEqual(samplesOf(riff([format, chunk("data", data)])), samples, name);
  }
});

test("chunks around the sound are skipped, whatever their length, and an odd one is padded", () => {
  const file = riff([
    chunk("LIST", [1, 2, 3]),
    plain(1, 1, 8_000, 16),
    chunk("fact", [1, 2, 3, 4]),
    chunk("odd ", [5]),
    chunk("data", [...u16(11), ...u16(12)]),
    chunk("LIST", [1, 2, 3, 4, 5, 6]),
  ]);
  assert.deepEqual(samplesOf(file), [11, 12]);
});

test("a file of unknown length is read to its end", () => {
  const body = [...u16(1), ...u16(2), ...u16(3)];
  for (const size of [0, 0xffffffff]) {
    for (const riffSize of [0, 36, 0xffffffff]) {
      const file = riff([plain(1, 1, 8_000, 16), chunk("data", body, size)], riffSize);
      assert.deepEqual(samplesOf(file), [1, 2, 3], `data ${size}, RIFF ${riffSize}`);
    }
  }
});

test("a length of 0 with chunks behind it is really 0", () => {
  const file = riff([plain(1, 1, 8_000, 16), chunk("data", []), chunk("LIST", [1, 2, 3, 4])]);
  assert.throws(() => readWav(file), has("audio.empty"));
});

test("a file that is cut off gives what is there, without the torn sample", () => {
  const file = writeWav(audioFrame(Int16Array.of(1, 2, 3, 4, 5, 6), 8_000, 2));
  assert.deepEqual(samplesOf(file.subarray(0, file.length - 1)), [1, 2, 3, 4]);
  assert.deepEqual(samplesOf(file.subarray(0, file.length - 5)), [1, 2]);
});

test("a file without sound is empty, in any of its ways", () => {
  assert.throws(() => readWav(new Uint8Array(0)), has("audio.empty"));
  assert.throws(() => readWav(writeWav(audioFrame(new Int16Array(0), 8_000))), has("audio.empty"));
  assert.throws(() => readWav(writeWav(audioFrame(Int16Array.of(1), 8_000)).subarray(0, 45)), has("audio.empty"));
});

test("what is no WAV file, or one that we cannot read, is refused with the reason", () => {
  const data = chunk("data", [1, 2, 3, 4]);
  const cases: readonly [name: string, file: Uint8Array, says: RegExp][] = [
    ["text", new TextEncoder().encode("<!DOCTYPE html><html>"), /RIFF and WAVE: current value is "<!DO"/],
    ["another RIFF", Uint8Array.from([...ascii("RIFF"), ...u32(4), ...ascii("AVI ")]), /"AVI "/],
    ["a few bytes", Uint8Array.from(ascii("RIFF")), /go on to its sound/],
    ["no format", riff([data]), /format must come before its sound/],
    ["no sound", riff([plain(1, 1, 8_000, 16)]), /go on to its sound/],
    ["short format", riff([chunk("fmt ", [1, 0]), data]), /16 bytes/],
    ["A-law", riff([plain(6, 1, 8_000, 8), data]), /format 6 of 8 bits/],
    ["12 bits", riff([plain(1, 1, 8_000, 12), data]), /format 1 of 12 bits/],
    ["64-bit float", riff([plain(3, 1, 8_000, 64), data]), /format 3 of 64 bits/],
    ["no channels", riff([plain(1, 0, 8_000, 16), data]), /0 channels/],
    ["short extensible", riff([plain(0xfffe, 1, 8_000, 16), data]), /40 bytes/],
  ];
  for (const [name, file, says] of cases) {
    assert.throws(
      () => readWav(file),
      (error) => has("audio.bad_wav")(error) && says.test((error as Error).message),
      name,
    );
  }
  for (const rate of [0, 3_999, 192_001, 0xffffffff]) {
    assert.throws(() => readWav(riff([plain(1, 1, rate, 16), data])), has("audio.bad_rate"));
  }
});

/** Reads a file in pieces: its samples, or the code of the error. */
function readInPieces(file: Uint8Array, cuts: readonly number[]): readonly number[] | ErrorCode {
  const reader = wavReader();
  const frames: AudioFrame[] = [];
  try {
    let at = 0;
    for (const cut of [...cuts, file.length]) {
      frames.push(...reader.push(file.subarray(at, at + cut)));
      at += cut;
    }
    frames.push(...reader.flush());
  } catch (error) {
    assert.ok(error instanceof AgentError, `${error}`);
    return error.code;
  }
  return [...concatSamples(frames.map((frame) => frame.data))];
}

const seeds = [
  riff([chunk("LIST", [1, 2, 3]), plain(1, 2, 8_000, 16), chunk("data", [1, 2, 3, 4, 5, 6, 7, 8]), chunk("end ", [1])]),
  riff([extensible(3, 1, 48_000, 32), chunk("data", frameBytes([0.1, -0.2, 0.3]))]),
  riff([plain(1, 1, 16_000, 24), chunk("data", [1, 2, 3, 4, 5, 6], 0xffffffff)]),
  riff([plain(1, 1, 16_000, 8), chunk("data", [1, 2, 3, 4, 5, 6], 0)], 36),
];

test("however a file is split, the same sound comes out", () => {
  fc.assert(fc.property(fc.constantFrom(...seeds), fc.array(fc.nat(20), { maxLength: 30 }), (file, cuts) => {
    assert.deepEqual(readInPieces(file, cuts), samplesOf(file));
  }));
});

test("every truncation of a file gives sound or a typed error", () => {
  for (const file of seeds) {
    for (let length = 0; length <= file.length; length++) {
      const whole = readInPieces(file.subarray(0, length), []);
      assert.ok(typeof whole === "string" ? ["audio.bad_wav", "audio.empty"].includes(whole) : whole.length > 0);
    }
  }
});

test("every mutation of a file gives sound or a typed error, the same however it is split", () => {
  const mutation = fc.tuple(fc.nat(120), fc.nat(255));
  fc.assert(
    fc.property(fc.constantFrom(...seeds), fc.array(mutation, { minLength: 1, maxLength: 5 }), fc.array(fc.nat(20)), (
      seed,
      mutations,
      cuts,
    ) => {
      const file = seed.slice();
      for (const [at, value] of mutations) file[at % file.length] = value;
      const whole = readInPieces(file, []);
      assert.deepEqual(readInPieces(file, cuts), whole);
      if (typeof whole === "string") assert.throws(() => readWav(file), has(whole));
      else assert.deepEqual(samplesOf(file), whole);
    }),
    { numRuns: 2_000 },
  );
});

test("any bytes at all give sound or a typed error", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
    assert.ok(["audio.bad_wav", "audio.empty"].includes(readInPieces(bytes, []) as string));
  }));
});

test("a reader begins anew after a flush", () => {
  const reader = wavReader();
  const file = writeWav(audioFrame(Int16Array.of(1, 2), 8_000));
  for (let round = 0; round < 2; round++) {
    assert.deepEqual(reader.push(file).map((frame) => [...frame.data]), [[1, 2]]);
    assert.deepEqual(reader.flush(), []);
  }
});

const bytesOf = (parts: readonly Uint8Array[]): Uint8Array => Uint8Array.from(parts.flatMap((part) => [...part]));

test("a file that is being written is complete wherever it is cut off", () => {
  const writer = wavWriter({ sampleRate: 8_000, channels: 2 });
  const frames = [[1, 2, 3, 4], [5, 6], [7, 8]].map((data) => audioFrame(Int16Array.from(data), 8_000, 2));
  const parts = [...frames.flatMap((frame) => writer.push(frame)), ...writer.flush()];
  const file = bytesOf(parts);
  const all = concatSamples(frames.map((frame) => frame.data));
  assert.deepEqual(readWav(file), audioFrame(all, 8_000, 2));
  for (let length = 48; length <= file.length; length++) {
    const whole = Math.floor((length - 44) / 4) * 2;
    assert.deepEqual(readWav(file.subarray(0, length)).data, all.slice(0, whole));
  }
});

test("however the sound is split into frames, the same file is written", () => {
  fc.assert(fc.property(fc.array(fc.int16Array()), (blocks) => {
    const written = (parts: readonly Int16Array[]): Uint8Array => {
      const writer = wavWriter({ sampleRate: 24_000 });
      return bytesOf([...parts.flatMap((data) => writer.push(audioFrame(data, 24_000))), ...writer.flush()]);
    };
    assert.deepEqual(written(blocks), written([concatSamples(blocks)]));
  }));
});

test("the exact header can be patched in at any moment", () => {
  const writer = wavWriter({ sampleRate: 8_000 });
  const file = [
    ...writer.push(audioFrame(Int16Array.of(1, 2), 8_000)),
    ...writer.push(audioFrame(Int16Array.of(3), 8_000)),
  ];
  const patched = bytesOf([writer.header(), bytesOf(file).subarray(44)]);
  assert.deepEqual(patched, writeWav(audioFrame(Int16Array.of(1, 2, 3), 8_000)));
});

test("nothing written is a file without sound, and the next file begins with its own header", () => {
  const writer = wavWriter({ sampleRate: 8_000 });
  assert.throws(() => readWav(bytesOf(writer.flush())), has("audio.empty"));
  const next = bytesOf([...writer.push(audioFrame(Int16Array.of(9), 8_000)), ...writer.flush()]);
  assert.deepEqual(samplesOf(next), [9]);
});

test("a frame of another rate or other channels is refused", () => {
  const writer = wavWriter({ sampleRate: 8_000 });
  assert.throws(() => writer.push(audioFrame(new Int16Array(2), 16_000)), has("audio.bad_frame"));
  assert.throws(() => writer.push(audioFrame(new Int16Array(2), 8_000, 2)), has("audio.bad_frame"));
});
