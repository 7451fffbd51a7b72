/**
 * Whisper itself: sound in, text out, in the calling thread.
 *
 * @module
 */
import { onnxRuntime, openOnnxSession } from "../onnx/runtime.ts";
import { type Decoded, decodeTokens, type Wanted } from "./decode.ts";
import { detokenizer } from "./text.ts";

/** Samples per second that the model hears. */
export const WHISPER_RATE = 16_000;
/** The longest sound of one request, with a second of silence left after it. */
export const MAX_SAMPLES: number = 29 * WHISPER_RATE;

const STEP = 320; // samples per position of the encoder
const TAIL_SAMPLES = WHISPER_RATE;
/**
 * Sound is filled up with silence to so much: with less of it the model runs in circles, the more often the shorter the
 * words are. Measured on 19 short phrases in 6 ways: 8 s 20 times, 10 s 11, 20 s 5, all of one phrase. The encoder's time
 * is in proportion, hence the longer one is the second try.
 */
const PATIENCE_SAMPLES = [10 * WHISPER_RATE, 20 * WHISPER_RATE];
/** The most that anybody says: more tokens than this are the model's own. */
const TOKENS_AT_LEAST = 12;
const TOKENS_PER_SECOND = 9;
const MAX_REMEMBERED = 32; // chosen: the last words of as many speakers

/** What the model is made of. */
export interface WhisperFiles {
  readonly encoder: Uint8Array;
  readonly decoder: Uint8Array;
  /** A word a line, in the order of the tokens. */
  readonly vocabulary: Uint8Array;
}

/** One thing to recognise. */
export interface WhisperRequest {
  /** Mono samples from -1 to 1 at 16 kHz, at most 29 s. Given up by the caller. */
  readonly samples: Float32Array<ArrayBuffer>;
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
  /** Recognises; one request after the other. Rejects soon after it is called off. */
  recognize(request: WhisperRequest, signal?: Wanted): Promise<WhisperText>;
  close(): Promise<void>;
}

/** Loads the model: about a second, and 500 MB while it is in use. */
export async function openWhisper(files: WhisperFiles): Promise<WhisperEngine> {
  const { Tensor } = await onnxRuntime();
  const encoder = await openOnnxSession(files.encoder);
  const decoder = await openOnnxSession(files.decoder);
  const toText = detokenizer(new TextDecoder().decode(files.vocabulary));
  const remembered = new Map<string, readonly number[]>(); // the tokens of the last texts

  const listen = async ({ samples, previous }: WhisperRequest, signal: Wanted): Promise<Decoded> => {
    const guess = previous === undefined ? [] : remembered.get(previous) ?? [];
    const limit = TOKENS_AT_LEAST + Math.ceil((TOKENS_PER_SECOND * samples.length) / WHISPER_RATE);
    let heard: Decoded | undefined;
    for (const patience of PATIENCE_SAMPLES) {
      const length = Math.max(patience, samples.length + TAIL_SAMPLES);
      if (signal.aborted) throw new DOMException("The recognition was called off", "AbortError");
      const audio = new Float32Array(Math.ceil(length / STEP) * STEP);
      audio.set(samples.subarray(0, MAX_SAMPLES));
      const cross = await encoder.run({ audio: new Tensor("float32", audio, [audio.length]) });
      heard = await decodeTokens({ decoder, Tensor, cross, guess: heard === undefined ? guess : [], limit, signal });
      if (!heard.isRunaway && !heard.isDoubled) break;
      if (length > PATIENCE_SAMPLES.at(-1)!) break; // more silence is no help
    }
    return heard!;
  };

  return {
    async recognize(request, signal = { aborted: false }) {
      if (request.samples.every((sample) => sample === 0)) return { text: "", noSpeech: 1, confidence: 0 };
      const { tokens, noSpeech, confidence } = await listen(request, signal);
      const text = toText(tokens);
      remembered.delete(text);
      remembered.set(text, tokens);
      if (remembered.size > MAX_REMEMBERED) remembered.delete(remembered.keys().next().value!);
      return { text, noSpeech, confidence };
    },
    async close() {
      await encoder.release();
      await decoder.release();
    },
  };
}
