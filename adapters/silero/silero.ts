/**
 * Silero VAD on this machine: a small network that tells speech from everything else, without a key or the network.
 *
 * Needs the packages `onnxruntime-web` and, unless weights are given, `@ricky0123/vad-web`, whose files carry Silero's
 * weights (MIT licence).
 *
 * @module
 */
import { AgentError } from "../../src/base/error.ts";
import type { Clock } from "../../src/base/runtime.ts";
import type { VAD } from "../../src/model/vad.ts";
import { type VADOptions, vadOptions, vadStream } from "../../src/model/vad_stream.ts";
import type { Weights } from "../onnx/weights.ts";
import { openSilero, sileroJudge, type SileroModel } from "./model.ts";

export type { Weights } from "../onnx/weights.ts";
export type { VADThresholds } from "../../src/model/vad_decision.ts";
export type { VADOptions } from "../../src/model/vad_stream.ts";

/** How to make a {@linkcode SileroVAD}. */
export interface SileroOptions extends VADOptions {
  /** The network, as an ONNX file. Default: the one in the package `@ricky0123/vad-web`. */
  readonly weights?: Weights;
  /** Samples per second that the network hears; sound of any other rate is converted. Default: 16,000. */
  readonly sampleRate?: 8_000 | 16_000;
  /** The session's clock: a virtual one then stands still while the network works. Default: none. */
  readonly clock?: Clock;
}

/** A Silero VAD. Make one for the process and share it: its streams share the network, and nothing else. */
export interface SileroVAD extends VAD, AsyncDisposable {
  /** Changes settings, for the streams that run, too: from their next window on. */
  updateOptions(options: VADOptions): void;
  /** Frees the network. Its streams fail at their next window. Idempotent. */
  close(): Promise<void>;
}

/**
 * Makes a Silero VAD. The network is loaded when the first window is heard, or by `prewarm()` (about 300 ms).
 *
 * A window is 32 ms. Judging one takes 0.2 to 0.5 ms of the calling thread.
 *
 * @throws {AgentError} `model.bad_option` for a setting that makes no sense. In its streams and `prewarm`:
 * `weights.missing` and `runtime.missing` when the packages are not installed.
 *
 * @example
 * ```ts
 * const vad = sileroVAD({ minSilenceDuration: 400 });
 * await vad.prewarm?.();
 * for await (const event of microphone.pipeThrough(vad.stream())) {
 *   if (event.type !== "inference_done") console.log(event.type, event.timestampMs);
 * }
 * ```
 */
export function sileroVAD({ weights, sampleRate = 16_000, clock, ...settings }: SileroOptions = {}): SileroVAD {
  if (sampleRate !== 8_000 && sampleRate !== 16_000) {
    throw new AgentError(
      "model.bad_option",
      `Cannot detect speech as \`sampleRate\` must be 8,000 or 16,000 Hz: current value is ${sampleRate}`,
    );
  }
  let given: VADOptions = settings;
  let options = vadOptions(given);
  let loading: Promise<SileroModel> | undefined;
  let isClosed = false;

  const model = (): Promise<SileroModel> => {
    if (isClosed) {
      const message = "Cannot detect speech as the detector must be open: current value is a closed one";
      return Promise.reject(new AgentError("model.closed", message));
    }
    loading ??= openSilero(weights).catch((error) => {
      loading = undefined; // it may be tried again, once what is missing is there
      throw error;
    });
    return loading;
  };
  const close = async (): Promise<void> => {
    if (isClosed) return;
    isClosed = true;
    const loaded = await loading?.catch(() => undefined);
    await loaded?.session.release();
  };

  return {
    kind: "vad",
    model: "silero",
    provider: "silero",
    get capabilities() {
      return { updateIntervalMs: 32, minSilenceDurationMs: options.minSilenceDuration };
    },
    stream: ({ signal } = {}) =>
      vadStream(sileroJudge({ sampleRate, model, clock }), {
        options: () => options,
        ...(signal === undefined ? {} : { signal }),
      }),
    prewarm: async () => {
      await (clock === undefined ? model() : clock.hold(model()));
    },
    updateOptions(changes) {
      const next = { ...given, ...changes };
      options = vadOptions(next);
      given = next;
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}
