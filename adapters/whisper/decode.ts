/**
 * From what was heard to tokens: the likeliest one, again and again.
 *
 * @module
 */
import type { OnnxRuntime, OnnxSession, OnnxTensor } from "../onnx/runtime.ts";
import { choose, END, isRunaway, NO_SPEECH, NO_TIMESTAMPS, probability, repeatsOf, START, VOCABULARY } from "./text.ts";

/** Whether the work is still wanted. An `AbortSignal` is one. */
export interface Wanted {
  readonly aborted: boolean;
  addEventListener?(type: "abort", listener: () => void, options?: { readonly once?: boolean }): void;
  removeEventListener?(type: "abort", listener: () => void): void;
}

/** What {@linkcode decodeTokens} works on. */
export interface DecodeRequest {
  readonly decoder: OnnxSession;
  readonly Tensor: OnnxRuntime["Tensor"];
  /** What the encoder gave. */
  readonly cross: Readonly<Record<string, OnnxTensor>>;
  /** Tokens that are likely to come, such as those of a shorter request for the same speech. */
  readonly guess: readonly number[];
  /** The most tokens that the sound can hold. */
  readonly limit: number;
  readonly signal: Wanted;
}

/** What was said. */
export interface Decoded {
  readonly tokens: readonly number[];
  /** How sure the model is that nobody spoke, from 0 to 1. */
  readonly noSpeech: number;
  /** Mean probability of the tokens, from 0 to 1. */
  readonly confidence: number;
  /** The model ran in circles; what it repeated is there once. */
  readonly isRunaway: boolean;
  /** All of it is said twice or more: by the speaker, or by the model alone. */
  readonly isDoubled: boolean;
}

const HEADS = 8 * 6; // keys and values of four layers, six each
const HEAD_WIDTH = 64;

/** Sound that is above this is no speech. Measured: at most 0.55 on speech, at least 0.86 on silence and noise. */
const NO_SPEECH_LIMIT = 0.8;

/**
 * Decodes. What was guessed is checked in one pass, and stands as far as the model says the same.
 *
 * Throws an `AbortError` when it is called off.
 */
export async function decodeTokens(request: DecodeRequest): Promise<Decoded> {
  const { decoder, Tensor, cross, guess, limit, signal } = request;
  let past = new Tensor("float32", new Float32Array(0), [8, 6, 0, HEAD_WIDTH]);
  const decode = async (input: readonly number[]): Promise<Float32Array> => {
    if (signal.aborted) throw new DOMException("The recognition was called off", "AbortError");
    const ids = new Tensor("int64", BigInt64Array.from(input, BigInt), [input.length]);
    const { logits, present } = await decoder.run({ tokens: ids, past, ...cross });
    past = present!;
    return logits!.data as Float32Array;
  };

  const first = await decode([START, NO_TIMESTAMPS, ...guess]);
  const noSpeech = probability(rowOf(first, 0), NO_SPEECH);
  if (noSpeech > NO_SPEECH_LIMIT) return { tokens: [], noSpeech, confidence: 0, isRunaway: false, isDoubled: false };

  const tokens: number[] = [];
  let sure = 0;
  let row = rowOf(first, 1);
  let next = choose(row, true);
  const take = (): void => {
    sure += probability(row, next);
    tokens.push(next);
  };
  while (tokens.length < guess.length && next === guess[tokens.length]) {
    take();
    row = rowOf(first, 1 + tokens.length);
    next = choose(row, false);
  }
  if (tokens.length < guess.length) past = shorter(Tensor, past, 2 + tokens.length);
  while (next !== END && tokens.length < limit && !isRunaway(repeatsOf(tokens))) {
    take();
    row = rowOf(await decode([next]), 0);
    next = choose(row, false);
  }

  const { period, times } = repeatsOf(tokens);
  const confidence = tokens.length === 0 ? 0 : sure / tokens.length;
  if (!isRunaway({ period, times }, next !== END)) {
    return { tokens, noSpeech, confidence, isRunaway: false, isDoubled: times > 1 && period * times === tokens.length };
  }
  const once = tokens.slice(0, tokens.length - period * (times - 1));
  return { tokens: once, noSpeech, confidence, isRunaway: true, isDoubled: false };
}

function rowOf(logits: Float32Array, index: number): Float32Array {
  return logits.subarray(index * VOCABULARY, (index + 1) * VOCABULARY);
}

/** The first positions of what the decoder remembers. */
function shorter(Tensor: OnnxRuntime["Tensor"], past: OnnxTensor, count: number): OnnxTensor {
  const total = past.dims[2]!;
  const data = past.data as Float32Array;
  const kept = new Float32Array(HEADS * count * HEAD_WIDTH);
  for (let head = 0; head < HEADS; head++) {
    const from = head * total * HEAD_WIDTH;
    kept.set(data.subarray(from, from + count * HEAD_WIDTH), head * count * HEAD_WIDTH);
  }
  return new Tensor("float32", kept, [8, 6, count, HEAD_WIDTH]);
}
