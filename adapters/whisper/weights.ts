/**
 * Where Whisper's files are.
 *
 * @module
 */
import { loadWeights, packageFile, type Weights, type WeightsNeed } from "../onnx/weights.ts";

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

/** What a worker is sent: addresses as they are, anything else as bytes. */
export async function sendable(
  sources: WhisperSources,
): Promise<Readonly<Record<keyof WhisperSources, string | Uint8Array>>> {
  const one = async (source: Weights): Promise<string | Uint8Array> =>
    source instanceof URL ? source.href : await loadWeights(source, WHISPER_NEED);
  const [encoder, decoder, vocabulary] = await Promise.all([
    one(sources.encoder),
    one(sources.decoder),
    one(sources.vocabulary),
  ]);
  return { encoder, decoder, vocabulary };
}
