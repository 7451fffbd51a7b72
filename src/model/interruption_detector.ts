/**
 * The contract of models that tell from the sound whether speech over the agent's is an interruption.
 *
 * @module
 */
import type { AudioFrame } from "../audio/frame.ts";

/** "The agent is heard from here on", or no more. Sound between the two is what overlaps are judged from. */
export interface AgentSpeechMark {
  /** Tells this kind from the others. */
  readonly type: "agent_started" | "agent_ended";
}

/** "The user speaks over the agent from here on." */
export interface OverlapStartedMark {
  /** Tells this kind from the others. */
  readonly type: "overlap_started";
  /** What the verdict is told apart by. */
  readonly id: number;
  /** How long the user had been speaking by then, in milliseconds. */
  readonly speechDurationMs: number;
}

/** "One of the two has stopped." An overlap without a verdict until now gets one now. */
export interface OverlapEndedMark {
  /** Tells this kind from the others. */
  readonly type: "overlap_ended";
  /** The overlap's. */
  readonly id: number;
  /** The agent stopped, not the user. */
  readonly agentEnded: boolean;
}

/** What goes into a detector: all that the microphone hears, and marks in their place between the frames. */
export type InterruptionInput = AudioFrame | AgentSpeechMark | OverlapStartedMark | OverlapEndedMark;

/** A verdict on one overlap. */
export interface InterruptionVerdict {
  /** The overlap's. */
  readonly id: number;
  /** True: the user wants the floor. Given as soon as it is known, while the overlap lasts. False: given at its end. */
  readonly isInterruption: boolean;
  /** That it is an interruption, from 0 to 1. */
  readonly probability: number;
  /** The probability of each frame that was judged, where the model tells. */
  readonly probabilities?: readonly number[];
  /** From the question to the answer, in milliseconds. */
  readonly totalDurationMs?: number;
  /** Of it, the time of the model alone. */
  readonly predictionDurationMs?: number;
  /** From the start of the overlap to the answer. */
  readonly detectionDelayMs?: number;
  /** Questions asked for it. */
  readonly numRequests?: number;
}

/** One run of a detector. It gives one verdict for each overlap, in their order. */
export type InterruptionStream = ReadableWritablePair<InterruptionVerdict, InterruptionInput>;

/** How to open an {@linkcode InterruptionStream}. */
export interface InterruptionDetectorOptions {
  /** Ends the stream. */
  readonly signal?: AbortSignal;
}

/**
 * A model that tells from the sound whether speech over the agent's is an interruption or a sign of listening. While it
 * judges, words are held back, and sound alone does not interrupt. A stream that fails is given up for the rest of the
 * agent's time: what was held is let go, and sound interrupts again.
 *
 * It needs a voice activity detector, and a recogniser that streams and says when words were said.
 */
export interface InterruptionDetector {
  /** Tells this contract from the others. */
  readonly kind: "interruption_detector";
  /** The model's name, as its provider writes it. */
  readonly model: string;
  /** Who makes the model, in a word. */
  readonly provider: string;
  /** Opens a run. */
  stream(options?: InterruptionDetectorOptions): InterruptionStream;
  /** Loads what is needed, so that the first verdict does not wait for it. */
  prewarm?(): Promise<void>;
}
