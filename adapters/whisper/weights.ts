/**
 * Where Whisper's files are.
 *
 * @module
 */
import { packageFile, sendableWeights, type SentWeights, type Weights, type WeightsNeed } from "../onnx/weights.ts";

/** What to say when they cannot be had. */
export const WHISPER_NEED: WeightsNeed = {
  model: "Whisper tiny.en",
  rule: "the package `@repartee/whisper-tiny-en` must be installed, or `weights` be given",
};

/** Where each file of the model is. */
export interface WhisperSources {
  /** The graph that hears. */
  readonly encoder: Weights;
  /** The graph that writes. */
  readonly decoder: Weights;
  /** A word a line, in the order of the tokens. */
  readonly vocabulary: Weights;
}

/** The files of the installed package. */
export function installedWhisper(): WhisperSources {
  return {
    encoder: packageFile(() => import.meta.resolve("@repartee/whisper-tiny-en/encoder.onnx"), WHISPER_NEED),
    decoder: packageFile(() => import.meta.resolve("@repartee/whisper-tiny-en/decoder.onnx"), WHISPER_NEED),
    vocabulary: packageFile(() => import.meta.resolve("@repartee/whisper-tiny-en/vocabulary.txt"), WHISPER_NEED),
  };
}

/** The files, as a worker is sent them. */
export async function sendable(sources: WhisperSources): Promise<Readonly<Record<keyof WhisperSources, SentWeights>>> {
  const [encoder, decoder, vocabulary] = await Promise.all([
    sendableWeights(sources.encoder, WHISPER_NEED),
    sendableWeights(sources.decoder, WHISPER_NEED),
    sendableWeights(sources.vocabulary, WHISPER_NEED),
  ]);
  return { encoder, decoder, vocabulary };
}
