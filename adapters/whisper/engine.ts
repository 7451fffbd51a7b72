/**
 * Whisper itself: sound in, text out, in the calling thread.
 *
 * @module
 */
import { onnxRuntime, type OnnxTensor, openOnnxSession } from "../onnx/runtime.ts";
import { choose, detokenizer, END, NO_SPEECH, NO_TIMESTAMPS, probability, repeatedCount, START } from "./text.ts";

/** Samples per second that the model hears. */
export const WHISPER_RATE = 16_000;
/** The longest sound of one request. */
export const MAX_SAMPLES: number = 30 * WHISPER_RATE;
const STEP = 320; // samples per position of the encoder
const MIN_SAMPLES = 8 * WHISPER_RATE; // measured: shorter contexts loop and fail
const TAIL_SAMPLES = WHISPER_RATE;
const VOCABULARY = 51_864;
const NO_SPEECH_LIMIT = 0.8; // measured: at most 0.55 on speech, at least 0.86 on silence and noise

/** What the model is made of. */
export interface WhisperFiles {
  readonly encoder: Uint8Array;
  readonly decoder: Uint8Array;
  /** A word a line, in the order of the tokens. */
  readonly vocabulary: Uint8Array;
}

/** One thing to recognise. */
export interface WhisperRequest {
  /** Mono samples from -1 to 1 at 16 kHz, at most 30 s. */
  readonly samples: Float32Array;
  /** What an earlier, shorter request of the same speech gave: most of it will be the same. */
  readonly previous?: string;
}

/** What was understood. */
export interface WhisperText {
  /** Empty where nobody spoke. */
  readonly text: string;
  /** How sure the model is that nobody spoke, from 0 to 1. */
  readonly noSpeech: number;
  /** Mean probability of the tokens, from 0 to 1. */
  readonly confidence: number;
}

/** A loaded model. */
export interface WhisperEngine {
  recognize(request: WhisperRequest): Promise<WhisperText>;
  close(): Promise<void>;
}

/** Loads the model: about a second, and 500 MB while it is in use. */
export async function openWhisper(files: WhisperFiles): Promise<WhisperEngine> {
  const { Tensor } = await onnxRuntime();
  const encoder = await openOnnxSession(files.encoder);
  const decoder = await openOnnxSession(files.decoder);
  const toText = detokenizer(new TextDecoder().decode(files.vocabulary));
  let last: { readonly text: string; readonly tokens: readonly number[] } = { text: "", tokens: [] };

  return {
    async recognize({ samples, previous }) {
      const length = Math.min(MAX_SAMPLES, Math.max(MIN_SAMPLES, samples.length + TAIL_SAMPLES));
      const audio = new Float32Array(Math.ceil(length / STEP) * STEP);
      audio.set(samples.subarray(0, audio.length));
      const { cross_k, cross_v } = await encoder.run({ audio: new Tensor("float32", audio, [audio.length]) }) as Record<
        string,
        OnnxTensor
      >;
      const cross = { cross_k, cross_v } as Record<string, OnnxTensor>;

      let past = new Tensor("float32", new Float32Array(0), [8, 6, 0, 64]);
      const decode = async (tokens: readonly number[]): Promise<Float32Array> => {
        const input = new Tensor("int64", BigInt64Array.from(tokens.map(BigInt)), [tokens.length]);
        const { logits, present } = await decoder.run({ tokens: input, past, ...cross }) as Record<string, OnnxTensor>;
        past = present as OnnxTensor;
        return (logits as OnnxTensor).data as Float32Array;
      };
      const row = (logits: Float32Array, index: number): Float32Array =>
        logits.subarray(index * VOCABULARY, (index + 1) * VOCABULARY);

      const guess = previous !== undefined && previous !== "" && previous === last.text ? last.tokens : [];
      const first = await decode([START, NO_TIMESTAMPS, ...guess]);
      const noSpeech = probability(row(first, 0), NO_SPEECH);
      if (noSpeech > NO_SPEECH_LIMIT) return { text: "", noSpeech, confidence: 0 };

      const limit = 12 + Math.ceil((9 * samples.length) / WHISPER_RATE);
      const tokens: number[] = [];
      let sure = 0;
      // What was guessed stands as far as the model says the same.
      let next = choose(row(first, 1), true);
      let nextRow = row(first, 1);
      while (tokens.length < guess.length && next === guess[tokens.length]) {
        sure += probability(nextRow, next);
        tokens.push(next);
        nextRow = row(first, 1 + tokens.length);
        next = choose(nextRow, false);
      }
      if (tokens.length < guess.length) past = shorter(Tensor, past, 2 + tokens.length);
      while (next !== END && tokens.length < limit && repeatedCount(tokens) === 0) {
        sure += probability(nextRow, next);
        tokens.push(next);
        nextRow = row(await decode([next]), 0);
        next = choose(nextRow, false);
      }
      tokens.length -= repeatedCount(tokens);
      const text = toText(tokens);
      last = { text, tokens };
      return { text, noSpeech, confidence: tokens.length === 0 ? 0 : sure / tokens.length };
    },
    async close() {
      await encoder.release();
      await decoder.release();
    },
  };
}

/** The first positions of what the decoder remembers. */
function shorter(
  Tensor: new (type: "float32", data: Float32Array, dims: readonly number[]) => OnnxTensor,
  past: OnnxTensor,
  count: number,
): OnnxTensor {
  const [, , total = 0] = past.dims;
  const data = past.data as Float32Array;
  const kept = new Float32Array(8 * 6 * count * 64);
  for (let head = 0; head < 48; head++) {
    kept.set(data.subarray(head * total * 64, (head * total + count) * 64), head * count * 64);
  }
  return new Tensor("float32", kept, [8, 6, count, 64]);
}
