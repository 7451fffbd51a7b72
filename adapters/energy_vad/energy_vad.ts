/**
 * A voice activity detector that listens to loudness alone: no weights, no WebAssembly, no threads, for places that have
 * none. It takes music, a door and a cough for speech; where Silero runs, Silero is better.
 *
 * @module
 */
import { AgentError } from "../../src/base/error.ts";
import type { VAD } from "../../src/model/vad.ts";
import { type VADOptions, vadOptions, vadStream, type WindowJudge } from "../../src/model/vad_stream.ts";
import { noiseMeter } from "./level.ts";

export type { VADThresholds } from "../../src/model/vad_decision.ts";
export type { VADOptions } from "../../src/model/vad_stream.ts";

/** How to make an {@linkcode EnergyVAD}. */
export interface EnergyVADOptions extends VADOptions {
  /**
   * Power of a window over that of the noise at which speech is as likely as not. Above 1. Default: 10, which is 10 dB.
   */
  readonly speechToNoise?: number;
}

/** A detector by loudness. Its streams share nothing. */
export interface EnergyVAD extends VAD {
  /** Changes settings, for the streams that run, too: from their next window on. */
  updateOptions(options: VADOptions): void;
}

const SAMPLE_RATE = 16_000;
const WINDOW_SIZE = 512; // 32 ms, as Silero's: what is tuned for one holds for the other

/**
 * Makes a detector by loudness. It learns the noise of the place as it goes: at the beginning within 0.3 s, later
 * within 3.2 s. Until then it takes loud noise for speech.
 *
 * The probability is `r / (r + speechToNoise)`, where `r` is the power of the window over that of the noise.
 * `inferenceDurationMs` is 0: what it takes is too little to measure. Events are the same on every runtime.
 *
 * @throws {AgentError} `model.bad_option` for a setting that makes no sense.
 *
 * @example
 * ```ts
 * const vad = energyVAD({ minSilenceDuration: 700 });
 * for await (const event of microphone.pipeThrough(vad.stream())) {
 *   if (event.type !== "inference_done") console.log(event.type, event.timestampMs);
 * }
 * ```
 */
export function energyVAD({ speechToNoise = 10, ...settings }: EnergyVADOptions = {}): EnergyVAD {
  if (!(speechToNoise > 1 && speechToNoise < Infinity)) {
    const message = `Cannot detect speech as \`speechToNoise\` must be above 1: current value is ${speechToNoise}`;
    throw new AgentError("model.bad_option", message);
  }
  let given: VADOptions = settings;
  let options = vadOptions(given);

  const judge = (): WindowJudge => {
    const meter = noiseMeter();
    return {
      sampleRate: SAMPLE_RATE,
      windowSize: WINDOW_SIZE,
      judge(window) {
        const ratio = meter.ratio(window);
        return { probability: ratio / (ratio + speechToNoise), durationMs: 0 };
      },
      reset: () => meter.reset(),
    };
  };

  return {
    kind: "vad",
    model: "energy",
    provider: "repartee",
    get capabilities() {
      return { updateIntervalMs: (WINDOW_SIZE * 1000) / SAMPLE_RATE, minSilenceDurationMs: options.minSilenceDuration };
    },
    stream: ({ signal } = {}) =>
      vadStream(judge(), { options: () => options, ...(signal === undefined ? {} : { signal }) }),
    updateOptions(changes) {
      const next = { ...given, ...changes };
      options = vadOptions(next);
      given = next;
    },
  };
}
