/**
 * What holds for one activity: the agent's word over the session's, key by key.
 *
 * @module
 */
import { AgentError } from "../base/error.ts";
import type { InterruptionDetector } from "../model/interruption_detector.ts";
import type { LLM } from "../model/llm.ts";
import type { STT } from "../model/stt.ts";
import type { TTS } from "../model/tts.ts";
import type { StreamingTurnDetector, TurnDetector } from "../model/turn_detector.ts";
import type { VAD } from "../model/vad.ts";
import type { BackchannelPolicy } from "../turn/backchannel.ts";
import type { TurnConfig, TurnDetectionMode } from "../turn/config.ts";
import type { AgentOptions } from "./agent.ts";
import type { AgentSessionOptions, TurnHandlingOptions } from "./options.ts";

/** Least silence of a VAD beside a streaming detector. Specified: 02 section 2.4. */
const MIN_DETECTOR_SILENCE_MS = 250;

/** The models and settings of one activity. */
export interface Resolved {
  readonly stt: STT | null;
  readonly vad: VAD | null;
  readonly llm: LLM | null;
  readonly tts: TTS | null;
  readonly detector: TurnDetector | StreamingTurnDetector | null;
  /** The program's own policy for backchannels. */
  readonly backchannel: BackchannelPolicy | null;
  /** Used while `config.adaptive`. */
  readonly interruptionDetector: InterruptionDetector | null;
  readonly alignedTranscript: boolean;
  readonly config: TurnConfig;
  /** Codes of what does not fit together; each is logged once. */
  readonly warnings: readonly string[];
}

/** Works out what holds for an agent in a session. `undefined` takes the session's, `null` means none. Pure. */
export function resolveActivity(session: AgentSessionOptions, agent: AgentOptions): Resolved {
  const stt = pick(agent.stt, session.stt);
  const vad = pick(agent.vad, session.vad);
  const llm = pick(agent.llm, session.llm);
  const tts = pick(agent.tts, session.tts);
  const a = agent.turnHandling ?? {};
  const s = session.turnHandling ?? {};
  const warnings: string[] = [];
  const { mode, detector } = resolveMode(pick(a.turnDetection, s.turnDetection), stt, vad, warnings);
  const isStreaming = detector?.kind === "streaming_turn_detector";
  const endpointing = { ...s.endpointing, ...defined(a.endpointing) };
  // The reference reads all but `enabled` and `mode` of an agent's interruption options from the session (OURS-2).
  const agentInterruption = session.compat === "reference"
    ? defined({ enabled: a.interruption?.enabled, mode: a.interruption?.mode })
    : defined(a.interruption);
  const interruption = { ...s.interruption, ...agentInterruption };
  const preemptive = { ...s.preemptiveGeneration, ...defined(a.preemptiveGeneration) };
  const limit = { ...s.userTurnLimit, ...(session.compat === "reference" ? {} : defined(a.userTurnLimit)) };
  const interruptionDetector = interruption.mode === "vad" ? null : interruption.detector ?? null;
  const canJudge = vad !== null && isTimed(stt) && mode !== "manual" && mode !== "realtime_llm" &&
    interruption.enabled !== false;
  const adaptive = interruptionDetector !== null && canJudge;
  if (!adaptive && (interruptionDetector !== null || interruption.mode === "adaptive")) {
    warnings.push("interruption.adaptive_unavailable");
  }
  const config: TurnConfig = {
    compat: session.compat ?? "fixed",
    mode,
    detector: detector === null ? "none" : isStreaming ? "streaming" : "text",
    hasVad: vad !== null,
    hasUserVad: vad !== null,
    hasStt: stt !== null,
    llm: llm === null ? "none" : "pipeline",
    serverTurnDetection: false,
    realtimeTranscription: false,
    adaptive,
    endpointing: {
      mode: endpointing.mode ?? "fixed",
      minDelay: endpointing.minDelay ?? (isStreaming ? 300 : 500),
      maxDelay: endpointing.maxDelay ?? (isStreaming ? 2_500 : 3_000),
      alpha: endpointing.alpha ?? 0.9,
    },
    interruption: {
      enabled: interruption.enabled ?? true,
      discardAudioIfUninterruptible: interruption.discardAudioIfUninterruptible ?? true,
      minDuration: interruption.minDuration ?? 500,
      minWords: interruption.minWords ?? 0,
      resumeFalseInterruption: interruption.resumeFalseInterruption ?? true,
      falseInterruptionTimeout: interruption.falseInterruptionTimeout === undefined
        ? 2_000
        : interruption.falseInterruptionTimeout,
      backchannelBoundary: boundary(interruption.backchannelBoundary),
      backchannel: interruption.backchannel === null || session.compat === "reference"
        ? "off"
        : interruption.backchannel === undefined
        ? "local"
        : "custom",
    },
    preemptive: {
      enabled: preemptive.enabled ?? true,
      preemptiveTts: preemptive.preemptiveTts ?? false,
      maxSpeechDuration: preemptive.maxSpeechDuration ?? 10_000,
      maxRetries: preemptive.maxRetries ?? 3,
    },
    userTurnLimit: { maxWords: limit.maxWords ?? null, maxDuration: limit.maxDuration ?? null },
    minConsecutiveSpeechDelay: agent.minConsecutiveSpeechDelay ?? session.minConsecutiveSpeechDelay ?? 0,
    userAwayTimeout: session.userAwayTimeout === undefined ? 15_000 : session.userAwayTimeout,
    transcriptionTimeout: session.transcriptionTimeout ?? null,
  };
  if (config.endpointing.minDelay > config.endpointing.maxDelay) {
    throw new AgentError(
      "session.bad_option",
      `Cannot handle turns as \`endpointing.minDelay\` must not exceed \`maxDelay\`: current value is ${config.endpointing.minDelay} over ${config.endpointing.maxDelay}`,
    );
  }
  return {
    stt,
    vad,
    llm,
    tts,
    detector,
    backchannel: interruption.backchannel ?? null,
    interruptionDetector,
    alignedTranscript: agent.useTtsAlignedTranscript ?? session.useTtsAlignedTranscript ?? true,
    config,
    warnings,
  };
}

/** Spec 02 section 3.1, for models that are no realtime models. */
function resolveMode(
  asked: NonNullable<TurnHandlingOptions["turnDetection"]> | null,
  stt: STT | null,
  vad: VAD | null,
  warnings: string[],
): { readonly mode: TurnDetectionMode; readonly detector: Resolved["detector"] } {
  if (asked !== null && typeof asked === "object") {
    if (asked.kind === "turn_detector") return { mode: null, detector: asked };
    if (vad !== null) return { mode: null, detector: checkedDetector(asked, vad) };
    warnings.push("turn_detection.streaming_detector_without_vad");
    return { mode: null, detector: null };
  }
  const impossible = (asked === "vad" && vad === null) || (asked === "stt" && stt === null) || asked === "realtime_llm";
  if (impossible) warnings.push(`turn_detection.${asked}_unavailable`);
  return { mode: impossible ? null : asked, detector: null };
}

/** It is asked 200 ms into a pause, which a hasty voice activity detector has called the end by then. */
function checkedDetector(detector: StreamingTurnDetector, vad: VAD): StreamingTurnDetector {
  const { minSilenceDurationMs } = vad.capabilities;
  if (minSilenceDurationMs === undefined || minSilenceDurationMs >= MIN_DETECTOR_SILENCE_MS) return detector;
  throw new AgentError(
    "session.bad_option",
    `Cannot handle turns with ${detector.model} as the minimum silence of the VAD must be at least ${MIN_DETECTOR_SILENCE_MS} ms: current value is ${minSilenceDurationMs}`,
  );
}

/** It tells words as they come, and when they were said. */
function isTimed(stt: STT | null): boolean {
  const aligned = stt?.capabilities.alignedTranscript;
  return stt?.capabilities.streaming === true && (aligned === "word" || aligned === "chunk");
}

function boundary(value: number | readonly [number, number] | null | undefined): readonly [number, number] | null {
  const pair = value === undefined
    ? [1_000, 1_000] as const
    : typeof value === "number"
    ? [value, value] as const
    : value;
  return pair === null || (pair[0] === 0 && pair[1] === 0) ? null : pair;
}

function pick<T>(agent: T | null | undefined, session: T | null | undefined): T | null {
  return (agent === undefined ? session : agent) ?? null;
}

function defined<T extends object>(value: T | undefined): Partial<T> {
  return value === undefined
    ? {}
    : Object.fromEntries(Object.entries(value).filter(([, v]) => v !== undefined)) as Partial<T>;
}
