/**
 * The facts that the turn machine is told. Each carries `t`, the time on the session's clock in milliseconds, which never decreases.
 *
 * @module
 */
import type { BackchannelAnswer } from "./backchannel.ts";
import type { TurnConfig } from "./config.ts";
import type { TimerName } from "./effect.ts";

/** What a speech is made of, as far as turn taking cares. */
export type SpeechKind =
  /** A given text. */
  | "say"
  /** A model's reply. The agent thinks from the moment it is scheduled. */
  | "reply"
  /** The reply to tools' results, of a handle that has spoken already. */
  | "tool_reply"
  /** A realtime model's reply. */
  | "realtime";

/** What a recogniser understood. Times are milliseconds from the start of its stream; 0 when unknown. */
export interface Transcript {
  readonly requestId: string;
  readonly text: string;
  readonly language: string;
  readonly confidence: number;
  readonly startTime: number;
  readonly endTime: number;
  readonly speakerId: string | null;
  /** What a policy of the program's own said of these words over the agent's speech, asked as the fact was taken. */
  readonly judged?: BackchannelAnswer;
}

/** What was measured of a verdict. Durations are milliseconds. */
export interface OverlapMeasure {
  readonly probability: number;
  readonly totalDurationMs: number;
  readonly predictionDurationMs: number;
  readonly detectionDelayMs: number;
}

type At<T> = T & { readonly t: number };

/** A fact. */
export type TurnEvent = At<
  // --- what is heard -------------------------------------------------------------------------------------------
  /**
   * The first microphone frame of an activity, of a recogniser's stream, or of another rate. `startedAt`: when that stream
   * began, which the times of its words count from; left out, this frame began it, unless another did.
   */
  | {
    readonly type: "audio.began";
    readonly durationMs: number;
    readonly sampleRate: number;
    readonly startedAt?: number;
  }
  | { readonly type: "vad.start"; readonly speechDuration: number; readonly inferenceDuration: number }
  | {
    readonly type: "vad.inference";
    readonly speechDuration: number;
    readonly silenceDuration: number;
    readonly rawSpeech: number;
    readonly rawSilence: number;
    readonly speaking: boolean;
  }
  | {
    readonly type: "vad.end";
    readonly speechDuration: number;
    readonly silenceDuration: number;
    readonly inferenceDuration: number;
  }
  /** The VAD's stream ended, was replaced or detached. */
  | { readonly type: "vad.closed" }
  | { readonly type: "stt.start"; readonly requestId: string; readonly speechStartTime: number | null }
  | { readonly type: "stt.end"; readonly requestId: string }
  /** The recogniser's stream broke or was replaced: it will not end a speech that it began. */
  | { readonly type: "stt.closed" }
  | ({ readonly type: "stt.interim" } & Transcript)
  | ({ readonly type: "stt.preflight" } & Transcript)
  | ({ readonly type: "stt.final" } & Transcript)
  | {
    readonly type: "detector.answer";
    readonly id: number;
    readonly outcome:
      | { readonly kind: "probability"; readonly probability: number; readonly threshold: number | null }
      | { readonly kind: "unsupported" }
      | { readonly kind: "error" };
  }
  | {
    readonly type: "eot.answer";
    readonly id: number;
    readonly probability: number;
    readonly threshold: number | null;
    readonly backchannelProbability: number | null;
    readonly inferenceDuration: number;
  }
  | {
    readonly type: "overlap.verdict";
    readonly isInterruption: boolean;
    readonly agentEnded: boolean;
    readonly overlapStartedAt: number | null;
    readonly detectedAt: number;
    readonly measured?: OverlapMeasure;
  }
  | { readonly type: "overlap.error"; readonly recoverable: boolean }
  // --- time ----------------------------------------------------------------------------------------------------
  | { readonly type: "timer"; readonly name: TimerName; readonly gen: number; readonly handleId?: string }
  // --- speech --------------------------------------------------------------------------------------------------
  /** A handle wants its turn: a new one, or one whose tools want a reply (`force`). */
  | {
    readonly type: "speech.scheduled";
    readonly handleId: string;
    readonly kind: SpeechKind;
    readonly priority: number;
    readonly allowInterruptions: boolean;
    readonly force: boolean;
  }
  /** `handle.interrupt()`, already checked by the face. */
  | { readonly type: "speech.interruptCalled"; readonly handleId: string; readonly force: boolean }
  | { readonly type: "speech.allowInterruptions"; readonly handleId: string; readonly value: boolean }
  /** The first frame is audible; without audio output, the first text was written. */
  | { readonly type: "playout.started"; readonly handleId: string; readonly at: number }
  /** The whole sound of this step of the speech is there: how long it is, and whether its text ends with a question. */
  | {
    readonly type: "speech.length";
    readonly handleId: string;
    readonly durationMs: number;
    readonly isQuestion: boolean;
  }
  /**
   * This step of the speech has been played, or torn down; its message is committed. `toolsStarted`: at least one tool
   * call of it began. `toolsRunning`: the handle goes on in the background until its tools are done.
   */
  | {
    readonly type: "generation.done";
    readonly handleId: string;
    readonly toolsStarted: boolean;
    readonly toolsRunning: boolean;
  }
  /** All of the handle is over. */
  | { readonly type: "speech.done"; readonly handleId: string }
  /** A tool call began or ended anywhere in the session; `running` is how many run now. */
  | { readonly type: "tools.changed"; readonly running: number }
  // --- what the program asks -------------------------------------------------------------------------------------
  | {
    readonly type: "api.commitUserTurn";
    readonly id: number;
    readonly transcriptTimeout: number;
    readonly sttFlushDuration: number;
    readonly skipReply: boolean;
    readonly audioDetached: boolean;
    /** Asked by the closing session: the turn is stored and never answered. */
    readonly atClose: boolean;
  }
  | { readonly type: "api.clearUserTurn" }
  | { readonly type: "api.interrupt"; readonly force: boolean }
  | { readonly type: "api.authorization"; readonly allowed: boolean }
  /** `onUserTurnCompleted` returned, threw `StopResponse`, threw, or took too long. */
  | {
    readonly type: "turn.hookDone";
    readonly turnId: number;
    readonly outcome: "ok" | "stop" | "error";
    /** The message's text after the hook. */
    readonly text: string;
    /** The context, tools and tool choice are still those that the preemptive reply was made with. */
    readonly unchanged: boolean;
  }
  | { readonly type: "exceeded.hookDone"; readonly restore: boolean }
  | { readonly type: "input.audioEnabled"; readonly enabled: boolean }
  | {
    readonly type: "output.audioChanged";
    /** There is an audio output. */
    readonly present: boolean;
    readonly enabled: boolean;
    readonly canPause: boolean;
  }
  /** Somebody is there to hear the agent: the away timer may run. */
  | { readonly type: "listener.present" }
  | { readonly type: "participant.linked"; readonly isOutboundSip: boolean }
  /** The configuration passed with this event is new; `previous` is what held before. */
  | { readonly type: "options.updated"; readonly previous: TurnConfig }
  | { readonly type: "claim.begin" }
  | { readonly type: "claim.end" }
  | { readonly type: "amd.verdict"; readonly takesOver: boolean }
  // --- realtime models -------------------------------------------------------------------------------------------
  | { readonly type: "rt.speechStarted" }
  | { readonly type: "rt.speechStopped"; readonly userTranscriptionEnabled: boolean }
  | {
    readonly type: "rt.transcription";
    readonly itemId: string;
    readonly text: string;
    readonly isFinal: boolean;
    readonly turnStartedAt: number | null;
  }
  | { readonly type: "rt.generation"; readonly handleId: string; readonly responseId: string }
  // --- the life of the activity ------------------------------------------------------------------------------------
  /** The activity is on stage; speech may flow. The session's first one leaves `initializing`. */
  | { readonly type: "activity.started" }
  /** `updateAgent` was called: no new user turn is taken from now on. */
  | { readonly type: "handoff.begin" }
  /** Takes no new speech, and plays out what it has. */
  | { readonly type: "activity.drain" }
  /** It does not leave after all: new speech and new turns are taken again. */
  | { readonly type: "activity.resume" }
  /** The session closes: turns that end from now on are stored, not answered. */
  | { readonly type: "session.closing" }
  /** `onEnter` has returned: an agent that says nothing by itself waits for the user. */
  | { readonly type: "activity.greeted" }
  /** The end: every timer goes, every question is abandoned. `forTask`: whoever comes next works on what the agent thinks of. */
  | { readonly type: "activity.close"; readonly forTask?: boolean }
>;
