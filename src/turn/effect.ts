/**
 * The orders that the turn machine gives. The driver performs them in order, after the step; what they cause comes back as facts.
 *
 * @module
 */

/** Timers of one activity, and (the last two) of the session. Each has at most one live instance. */
export type TimerName =
  | "endpointing"
  | "commitFinal"
  | "falseInterruption"
  | "backchannelBoundary"
  | "consecutiveSpeech"
  | "prediction"
  | "transcription"
  | "hook"
  | "teardown"
  | "aecWarmup"
  | "userAway";

/** The timers that belong to the session and outlive an activity. */
export const SHARED_TIMERS: ReadonlySet<TimerName> = new Set<TimerName>(["aecWarmup", "userAway"]);

/** State of the user as the public sees it. */
export type UserState = "speaking" | "listening" | "away";
/** State of the agent as the public sees it. */
export type AgentState = "initializing" | "idle" | "listening" | "thinking" | "speaking";

/** What was measured of a user turn. Clock milliseconds; absent where the times are not all known. */
export interface TurnMetrics {
  readonly startedSpeakingAt?: number;
  readonly stoppedSpeakingAt?: number;
  readonly transcriptionDelay?: number;
  readonly endOfTurnDelay?: number;
}

/** A user turn that was accepted. */
export interface TurnInfo {
  readonly transcript: string;
  /** Mean of the finals, 0 to 1; 0 when there are none. */
  readonly confidence: number;
  readonly skipReply: boolean;
  readonly language: string;
  readonly requestIds: readonly string[];
  readonly metrics: TurnMetrics;
  /** Clock time at which the turn was accepted: the message's creation time. */
  readonly committedAt: number;
}

/** Public events that the machine decides. `createdAt` is clock time; the face adds the wall offset. */
export type TurnEmission =
  | {
    readonly event: "user_state_changed";
    readonly oldState: UserState;
    readonly newState: UserState;
    readonly createdAt: number;
  }
  | {
    readonly event: "agent_state_changed";
    readonly oldState: AgentState;
    readonly newState: AgentState;
    readonly createdAt: number;
  }
  | {
    readonly event: "user_input_transcribed";
    readonly transcript: string;
    readonly isFinal: boolean;
    readonly language: string | null;
    readonly speakerId: string | null;
    readonly itemId: string | null;
    readonly createdAt: number;
  }
  | { readonly event: "agent_false_interruption"; readonly resumed: boolean; readonly createdAt: number }
  | {
    readonly event: "user_transcription_timeout";
    readonly speechDuration: number;
    readonly vadSpeechStartedAt: number;
    readonly createdAt: number;
  }
  | {
    readonly event: "eot_prediction";
    readonly probability: number;
    readonly threshold: number | null;
    readonly inferenceDurationMs: number;
    readonly delayMs: number;
    readonly createdAt: number;
  };

/** Why a turn, a transcript or a speech did not get what it asked for. Never silence without a reason. */
export type RefusalReason =
  | "scheduling_paused"
  | "too_few_words"
  | "backchannel"
  | "uninterruptible"
  | "hook_stopped"
  | "hook_failed"
  | "skip_reply"
  | "no_llm"
  | "superseded"
  | "server_turn"
  | "late_final"
  | "cleared"
  /** The session closed before anybody could take it. */
  | "closed"
  | "empty";

/** An order. */
export type TurnEffect =
  | ({ readonly type: "emit" } & TurnEmission)
  /** Arms a timer, replacing one of the same name (and handle). It comes back as a `timer` fact with this `gen`. */
  | {
    readonly type: "timer.set";
    readonly name: TimerName;
    readonly gen: number;
    readonly at: number;
    readonly handleId?: string;
  }
  | { readonly type: "timer.cancel"; readonly name: TimerName; readonly handleId?: string }
  | { readonly type: "playout.pause" }
  | { readonly type: "playout.resume" }
  /** Marks the handle interrupted, stops all that makes it, and throws away what it has in the sink, before the next effect. */
  | { readonly type: "speech.interrupt"; readonly handleId: string; readonly force: boolean }
  /** The handle is the current speech and may be heard from now on: all gates are open. */
  | { readonly type: "speech.play"; readonly handleId: string }
  /** The handle was asked for while no speech is taken; it is interrupted, never played. */
  | { readonly type: "speech.refused"; readonly handleId: string; readonly reason: RefusalReason }
  /** The teardown limit is over: cancel everything of the handle and report `speech.done`. */
  | { readonly type: "speech.abandon"; readonly handleId: string }
  /** Make a handle with this id (`speech_created` goes out now), and a reply to the transcript; it is not to be heard yet. */
  | {
    readonly type: "gen.startPreemptive";
    readonly handleId: string;
    readonly transcript: string;
    readonly confidence: number;
    readonly withTts: boolean;
  }
  | { readonly type: "gen.cancelPreemptive"; readonly handleId: string }
  /** Use the preemptive reply for this turn: store the user's message. The machine has queued it. */
  | { readonly type: "gen.usePreemptive"; readonly handleId: string; readonly turnId: number }
  /** Make a handle with this id and a reply to this turn; store the user's message. The machine has queued it. */
  | { readonly type: "gen.reply"; readonly handleId: string; readonly turnId: number }
  /** A user turn was accepted; its pipeline begins. */
  | { readonly type: "turn.commit"; readonly turnId: number; readonly info: TurnInfo }
  | { readonly type: "turn.runHook"; readonly turnId: number }
  /** Store the turn's message without a reply. */
  | { readonly type: "turn.store"; readonly turnId: number; readonly reason: RefusalReason }
  /** The turn has no reply and is not stored. */
  | { readonly type: "turn.drop"; readonly turnId: number; readonly reason: RefusalReason }
  /** The turn's pipeline is over; report its end-of-utterance metrics. */
  | { readonly type: "turn.over"; readonly turnId: number; readonly handleId: string | null }
  /** A decision was not accepted; the words wait for the next one. */
  | { readonly type: "turn.refused"; readonly reason: RefusalReason }
  /** Words over the agent's speech were judged, where they came in it, and why they take the floor or leave it. */
  | {
    readonly type: "backchannel.judged";
    readonly text: string;
    readonly isFinal: boolean;
    readonly takesFloor: boolean;
    readonly reason: string;
    readonly durationMs: number | null;
    readonly heardMs: number | null;
    readonly untilEndMs: number | null;
  }
  /** Words that went nowhere, and why. */
  | { readonly type: "transcript.discarded"; readonly text: string; readonly reason: RefusalReason }
  | { readonly type: "commit.resolve"; readonly id: number; readonly transcript: string }
  /** A newer commit replaced it, or the turn was cleared. */
  | { readonly type: "commit.cancel"; readonly id: number }
  /** Push this many milliseconds of silence, in pieces of 200 ms, through the recogniser. */
  | { readonly type: "stt.pushSilence"; readonly durationMs: number }
  | { readonly type: "stt.restart" }
  | { readonly type: "vad.flush" }
  | { readonly type: "detector.ask"; readonly id: number; readonly transcript: string; readonly language: string }
  | { readonly type: "detector.cancel"; readonly id: number }
  | { readonly type: "eot.predict"; readonly id: number }
  | { readonly type: "eot.cancel"; readonly timedOut: boolean }
  | { readonly type: "eot.flush"; readonly reason: string }
  | { readonly type: "overlap.agentStarted" }
  | { readonly type: "overlap.agentEnded" }
  | { readonly type: "overlap.started"; readonly startedAt: number; readonly speechDuration: number }
  | { readonly type: "overlap.ended"; readonly endedAt: number; readonly agentEnded: boolean }
  | { readonly type: "rt.startUserActivity" }
  | { readonly type: "rt.interrupt" }
  | { readonly type: "rt.commitAudio" }
  | { readonly type: "rt.clearAudio" }
  | {
    readonly type: "exceeded.runHook";
    readonly transcript: string;
    readonly accumulatedTranscript: string;
    readonly accumulatedWordCount: number;
    readonly duration: number;
  }
  /** Spans whose ends the machine knows: `at` is clock time. */
  | {
    readonly type: "span.start";
    readonly span: "user_turn" | "user_speaking" | "agent_speaking" | "eou_detection";
    readonly at: number;
  }
  | {
    readonly type: "span.end";
    readonly span: "user_turn" | "user_speaking" | "agent_speaking" | "eou_detection";
    readonly at: number;
    readonly attributes?: Readonly<Record<string, string | number | boolean>>;
  }
  | { readonly type: "log"; readonly level: "debug" | "info" | "warn" | "error"; readonly code: string };
