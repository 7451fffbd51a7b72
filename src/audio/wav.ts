/**
 * WAV files, read and written, whole or as they come.
 *
 * @module
 */
import { AgentError } from "../base/error.ts";
import { type AudioFrame, audioFrame } from "./frame.ts";
import { concatBytes, concatFrames } from "./frames.ts";
import { int16ToBytes, toInt16 } from "./pcm.ts";

/** Said of a chunk whose length nobody knew when the header was written, as by programs that write to a pipe. */
const UNKNOWN_SIZE = 0xffffffff;
/** RIFF, format chunk and the head of the data chunk. */
const HEADER_BYTES = 44;
/** As much of a format chunk as says anything: an extensible one is 40 bytes long. */
const FORMAT_BYTES = 40;
const PCM = 1;
const FLOAT = 3;
const EXTENSIBLE = 0xfffe;

/** Reads a WAV file as it comes. A stage of `fuse`. */
export interface WavReader {
  /**
   * Takes the next bytes, cut anywhere, and gives the sound in them.
   *
   * @throws {AgentError} `audio.bad_wav` when this is no WAV file that we read, `audio.bad_rate` when its rate is none.
   */
  push(bytes: Uint8Array): AudioFrame[];
  /**
   * Ends the file and starts anew. Gives nothing: what a cut-off file holds has come out already.
   *
   * @throws {AgentError} `audio.bad_wav` when it ends before its sound, `audio.empty` when it holds none.
   */
  flush(): AudioFrame[];
}

/** How the samples of a file are written. */
interface Format {
  readonly sampleRate: number;
  readonly channels: number;
  /** Bytes of one sample of one channel. */
  readonly width: number;
  readonly isFloat: boolean;
}

/**
 * Makes a reader of WAV files: PCM of 8, 16, 24 or 32 bits, 32-bit float, plain or extensible; any chunk before or behind
 * the sound is skipped. Other widths than 16 bits are cut or rounded to it. A file that says nothing of its length (0 or
 * 0xFFFFFFFF) or is cut off gives what is there; the last sample is left out when it is incomplete.
 *
 * Holds less than one sample of each channel, or the beginning of a chunk (40 bytes).
 */
export function wavReader(): WavReader {
  let part: "riff" | "chunk" | "format" | "skip" | "data" | "rest" = "riff";
  let held: Uint8Array = new Uint8Array(0);
  let position = 0; // bytes of the file before `held`
  let riffEnd = 0; // where the file ends, as it says itself
  let size = 0; // what is left of the current chunk
  let padding = 0;
  let format: Format | undefined;
  let isEmpty = true;

  /** Takes one step over the bytes at `at`. Returns how many it used: 0 when it needs more. */
  const step = (bytes: Uint8Array, at: number, output: AudioFrame[]): number => {
    const view = new DataView(bytes.buffer, bytes.byteOffset + at, bytes.length - at);
    const has = (count: number): boolean => view.byteLength >= count;
    switch (part) {
      case "riff":
        if (!has(12)) return 0;
        checkRiff(view);
        riffEnd = view.getUint32(4, true) + 8;
        part = "chunk";
        return 12;
      case "chunk": {
        if (!has(8)) return 0;
        const id = tag(view, 0);
        size = view.getUint32(4, true);
        padding = size % 2;
        part = id === "fmt " ? "format" : id === "data" ? "data" : "skip";
        if (id === "data") {
          if (format === undefined) throw bad("its format must come before its sound", "a data chunk");
          const isLast = riffEnd <= position + at + 8 || riffEnd >= UNKNOWN_SIZE; // a true 0 has chunks behind it
          if (size === UNKNOWN_SIZE || (size === 0 && isLast)) size = Infinity;
        }
        return 8;
      }
      case "format": {
        if (size < 16) throw bad("its format chunk must have 16 bytes at least", `${size}`);
        const count = Math.min(size, FORMAT_BYTES);
        if (!has(count)) return 0;
        format = readFormat(view, count);
        size -= count;
        part = "skip";
        return count;
      }
      case "skip": {
        const count = Math.min(size + padding, view.byteLength);
        if (count === size + padding) part = "chunk";
        else size -= count;
        return count;
      }
      case "data": {
        const block = format!.width * format!.channels;
        const count = Math.min(size, view.byteLength);
        const whole = count - (count % block);
        if (whole > 0) {
          isEmpty = false;
          output.push(audioFrame(decode(view, whole, format!), format!.sampleRate, format!.channels));
          size -= whole;
        }
        if (size < block) part = "rest";
        return whole;
      }
      case "rest":
        return view.byteLength;
      default:
        return part satisfies never;
    }
  };

  return {
    push(bytes) {
      const output: AudioFrame[] = [];
      const joined = held.length === 0 ? bytes : concatBytes(held, bytes);
      let at = 0;
      for (let before = part, used = -1; used !== 0 || before !== part;) {
        before = part;
        used = step(joined, at, output);
        at += used;
      }
      held = joined.slice(at);
      position += at;
      return output;
    },
    flush() {
      const wasEmpty = isEmpty;
      const nothing = position + held.length === 0;
      const hadSound = part === "data" || part === "rest";
      part = "riff";
      held = new Uint8Array(0);
      position = 0;
      format = undefined;
      isEmpty = true;
      if (nothing || (hadSound && wasEmpty)) {
        throw new AgentError("audio.empty", "Cannot read the file as it must hold some sound: current value is none");
      }
      if (!hadSound) throw bad("it must go on to its sound", "a file that ends before");
      return [];
    },
  };
}

/**
 * Reads a whole WAV file as one frame. See {@linkcode wavReader} for what it takes.
 *
 * @throws {AgentError} `audio.bad_wav`, `audio.bad_rate` or `audio.empty`: a damaged file gives one of them, or its sound.
 *
 * @example
 * ```ts
 * const call = readWav(await files.read("call.wav"));
 * ```
 */
export function readWav(bytes: Uint8Array): AudioFrame {
  const reader = wavReader();
  const frames = reader.push(bytes);
  reader.flush();
  return concatFrames(frames);
}

/**
 * Writes a whole WAV file of 16-bit samples.
 *
 * @throws {AgentError} `audio.bad_frame` when the sound is longer than the format can hold (4 GiB).
 */
export function writeWav(frame: AudioFrame): Uint8Array<ArrayBuffer> {
  const byteCount = frame.data.length * 2;
  if (byteCount > UNKNOWN_SIZE - HEADER_BYTES) {
    throw new AgentError(
      "audio.bad_frame",
      `Cannot write the file as it must be shorter than 4 GiB: current value is ${byteCount} bytes`,
    );
  }
  return concatBytes(wavHeader(frame, byteCount), int16ToBytes(frame.data));
}

/** Writes a WAV file as the sound comes. A stage of `fuse`. */
export interface WavWriter {
  /**
   * Gives the bytes of this frame, with the header before the first one.
   *
   * @throws {AgentError} `audio.bad_frame` when its rate or channels are not those of the file.
   */
  push(frame: AudioFrame): Uint8Array<ArrayBuffer>[];
  /** Gives the header if nothing was written, so that the file is one in any case, and starts anew. */
  flush(): Uint8Array<ArrayBuffer>[];
  /**
   * The 44 bytes that say exactly what has been written so far: whoever can write at the beginning of the file puts them
   * there, now and then or at the end. Up to 4 GiB; beyond it, it goes on to say that the length is unknown.
   */
  header(): Uint8Array<ArrayBuffer>;
}

/**
 * Makes a writer whose output is a complete WAV file wherever it is cut off. Its header says that the length is unknown
 * (0xFFFFFFFF), which players take as "to the end of the file"; it never has to be patched, but can be.
 *
 * Holds nothing.
 *
 * @example Record until it ends, however it ends
 * ```ts
 * await frames.pipeThrough(fuse(wavWriter({ sampleRate: 48_000, channels: 2 }))).pipeTo(await files.write("call.wav"));
 * ```
 */
export function wavWriter(
  { sampleRate, channels = 1 }: { readonly sampleRate: number; readonly channels?: number },
): WavWriter {
  let byteCount = 0;
  let isOpen = false;
  const opening = (): Uint8Array<ArrayBuffer>[] => {
    if (isOpen) return [];
    isOpen = true;
    return [wavHeader({ sampleRate, channels }, UNKNOWN_SIZE)];
  };
  return {
    push(frame) {
      if (frame.sampleRate !== sampleRate || frame.channels !== channels) {
        throw new AgentError(
          "audio.bad_frame",
          `Cannot write the frame as the file has ${sampleRate} Hz x ${channels}: current value is ${frame.sampleRate} Hz x ${frame.channels}`,
        );
      }
      byteCount += frame.data.length * 2;
      return [...opening(), int16ToBytes(frame.data)];
    },
    flush() {
      const rest = opening();
      isOpen = false;
      byteCount = 0;
      return rest;
    },
    header: () => wavHeader({ sampleRate, channels }, byteCount),
  };
}

function wavHeader(
  { sampleRate, channels }: { readonly sampleRate: number; readonly channels: number },
  byteCount: number,
): Uint8Array<ArrayBuffer> {
  const header = new DataView(new ArrayBuffer(HEADER_BYTES));
  const isKnown = byteCount <= UNKNOWN_SIZE - HEADER_BYTES;
  putTag(header, 0, "RIFF");
  header.setUint32(4, isKnown ? byteCount + HEADER_BYTES - 8 : UNKNOWN_SIZE, true);
  putTag(header, 8, "WAVE");
  putTag(header, 12, "fmt ");
  header.setUint32(16, 16, true);
  header.setUint16(20, PCM, true);
  header.setUint16(22, channels, true);
  header.setUint32(24, sampleRate, true);
  header.setUint32(28, sampleRate * channels * 2, true);
  header.setUint16(32, channels * 2, true);
  header.setUint16(34, 16, true);
  putTag(header, 36, "data");
  header.setUint32(40, isKnown ? byteCount : UNKNOWN_SIZE, true);
  return new Uint8Array(header.buffer);
}

function checkRiff(view: DataView): void {
  const [outer, inner] = [tag(view, 0), tag(view, 8)];
  if ((outer === "RIFF" || outer === "RF64") && inner === "WAVE") return;
  throw bad("it must begin with RIFF and WAVE", `${JSON.stringify(outer)} and ${JSON.stringify(inner)}`);
}

function readFormat(view: DataView, count: number): Format {
  let kind = view.getUint16(0, true);
  if (kind === EXTENSIBLE) {
    if (count < FORMAT_BYTES) throw bad("an extensible format chunk must have 40 bytes", `${count}`);
    kind = view.getUint16(24, true); // the first bytes of an id whose rest is the same for all kinds
  }
  const channels = view.getUint16(2, true);
  const sampleRate = view.getUint32(4, true);
  const block = view.getUint16(12, true);
  const bits = view.getUint16(14, true);
  const width = bits / 8;
  const isKnown = kind === PCM ? [1, 2, 3, 4].includes(width) : kind === FLOAT && width === 4;
  if (!isKnown) {
    throw bad("its samples must be PCM of 8, 16, 24 or 32 bits, or float of 32", `format ${kind} of ${bits} bits`);
  }
  if (channels === 0 || block !== width * channels) {
    throw bad("its blocks must fit its channels", `${block} bytes for ${channels} channels of ${bits} bits`);
  }
  if (sampleRate < 4_000 || sampleRate > 192_000) {
    throw new AgentError(
      "audio.bad_rate",
      `Cannot read the file as its rate must be from 4,000 to 192,000 Hz: current value is ${sampleRate}`,
    );
  }
  return { sampleRate, channels, width, isFloat: kind === FLOAT };
}

function decode(view: DataView, byteCount: number, { width, isFloat }: Format): Int16Array {
  const samples = new Int16Array(byteCount / width);
  for (let index = 0, at = 0; index < samples.length; index++, at += width) {
    if (isFloat) samples[index] = toInt16(view.getFloat32(at, true) * 32768);
    else if (width === 1) samples[index] = (view.getUint8(at) - 128) << 8; // the only unsigned one
    else samples[index] = view.getInt16(at + width - 2, true); // the upper two bytes
  }
  return samples;
}

function tag(view: DataView, at: number): string {
  return String.fromCharCode(view.getUint8(at), view.getUint8(at + 1), view.getUint8(at + 2), view.getUint8(at + 3));
}

function putTag(view: DataView, at: number, text: string): void {
  for (let index = 0; index < 4; index++) view.setUint8(at + index, text.charCodeAt(index));
}

function bad(rule: string, value: string): AgentError {
  return new AgentError("audio.bad_wav", `Cannot read the file as ${rule}: current value is ${value}`);
}
