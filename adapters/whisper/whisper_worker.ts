/**
 * The worker that listens. It is told once where the model is, then takes requests one by one, in order.
 *
 * @module
 */
import { loadWeights, type SentWeights, weightsOf } from "../onnx/weights.ts";
import { serveWorker } from "../worker/serve.ts";
import { openWhisper, type WhisperEngine, type WhisperRequest, type WhisperText } from "./engine.ts";
import { WHISPER_NEED, type WhisperSources } from "./weights.ts";

/** What the worker is told. `open` comes first; it is answered without a result. */
export type WhisperOrder =
  | { readonly type: "open"; readonly files: Readonly<Record<keyof WhisperSources, SentWeights>> }
  | {
    readonly type: "recognize";
    readonly request: WhisperRequest;
    /** Shared; not 0 when nobody wants the result any more. */
    readonly isOff: Int32Array;
  };

let engine: Promise<WhisperEngine> | undefined;

serveWorker<WhisperOrder, WhisperText>(async (order) => {
  if (order.type === "open") {
    const load = (sent: SentWeights): Promise<Uint8Array> => loadWeights(weightsOf(sent), WHISPER_NEED);
    const { encoder, decoder, vocabulary } = order.files;
    engine = Promise.all([load(encoder), load(decoder), load(vocabulary)])
      .then(([e, d, v]) => openWhisper({ encoder: e, decoder: d, vocabulary: v }));
    await engine;
    return {};
  }
  const { request, isOff } = order;
  const signal = {
    get aborted(): boolean {
      return Atomics.load(isOff, 0) !== 0;
    },
  };
  return { result: await (await engine!).recognize(request, signal) };
});
