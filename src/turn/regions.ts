/**
 * The regions of the turn state. Each is changed by the file of the same name.
 *
 * @module
 */
import type { TurnConfig } from "./config.ts";
import type { AgentState, TurnInfo } from "./effect.ts";
import { createEndpointing, type EndpointingState } from "./endpointing.ts";
import type { OverlapMeasure, SpeechKind, TurnEvent } from "./event.ts";
import type { TimerTable } from "./state.ts";

/** How long the activity lives. Only while `running` does it take new speech and new turns. */
export type Life = "starting" | "running" | "draining" | "closed";

/** What was heard of the turn that is not committed yet. Times are clock milliseconds. */
export interface RecognitionState {
  readonly speaking: boolean;
  /** A VAD segment has begun and belongs to this turn. */
  readonly vadSpeechStarted: boolean;
  readonly speechStartTime: number | undefined;
  readonly lastSpeakingTime: number | undefined;
  readonly lastFinalTime: number | undefined;
  readonly userTurnStart: number | undefined;
  /** Somebody said that the turn is over: `commitUserTurn`, or the recogniser in mode `"stt"`. */
  readonly userTurnCommitted: boolean;
  readonly finalText: string;
  readonly interimText: string;
  readonly preflightText: string;
  readonly confidences: readonly number[];
  readonly lastLanguage: string;
  readonly requestIds: readonly string[];
  readonly sampleRate: number | undefined;
  /** Clock time of the recogniser's time 0. */
  readonly inputStartedAt: number | undefined;
  /** An interim that was committed as if it were final: its late final is not another turn. */
  readonly promoted: { readonly words: readonly string[]; readonly until: number } | null;
}

/** Who asked for the decision. */
export type DecisionTrigger = "vad" | "stt" | "manual";

interface OpenDecision {
  readonly trigger: DecisionTrigger;
  readonly skipReply: boolean;
  /** The commit of a closing session. */
  readonly atClose: boolean;
  readonly lastSpeakingTime: number | undefined;
  readonly lastFinalTime: number | undefined;
  readonly userTurnStart: number | undefined;
}

/** How the end of a user turn is being decided. */
export type Decision =
  | { readonly phase: "none" }
  /** A text detector was asked. */
  | ({ readonly phase: "asking"; readonly id: number; readonly askedAt: number } & OpenDecision)
  /** A streaming detector's answer is under way. */
  | ({ readonly phase: "predicting"; readonly id: number } & OpenDecision)
  /** The endpointing delay runs. */
  | ({ readonly phase: "waiting"; readonly delay: number } & OpenDecision);

/** A `commitUserTurn` that waits for the final transcript. */
export type ManualCommit =
  | { readonly phase: "none" }
  | { readonly phase: "waitFinal"; readonly id: number; readonly skipReply: boolean; readonly atClose: boolean };

/** A speech that was silenced because the user may be interrupting it. */
export interface Pause {
  readonly handleId: string;
  /** The agent's state at the first pause; a resume restores it. */
  readonly agentState: AgentState;
  /** Silence after which the interruption was a false one. */
  readonly timeout: number;
  /** The time is over, but a decision is open: it decides. */
  readonly pending: boolean;
}

/** Who may interrupt, and what is paused. */
export interface InterruptionState {
  /** Sound alone may interrupt. False where words, a model or the program decide. */
  readonly byAudio: boolean;
  readonly userSilence: boolean;
  readonly sttEosReceived: boolean;
  readonly interruptionDetected: boolean;
  /** The realtime model knows that the user is active in this utterance. */
  readonly activityTold: boolean;
  readonly paused: Pause | null;
  /** The voice of this utterance up to here were words that leave the agent the floor; undefined: none were. */
  readonly excusedUntil: number | undefined;
}

/** An event of the recogniser that is held back while an overlap is being judged. */
export type HeldEvent = Extract<
  TurnEvent,
  { readonly type: "stt.start" | "stt.end" | "stt.interim" | "stt.preflight" | "stt.final" }
>;

/** Audible agent speech, and user speech over it. */
export interface OverlapState {
  /** A detector judges overlaps; false after it failed. */
  readonly detectionEnabled: boolean;
  readonly agentSpeaking: boolean;
  readonly agentSpeechStartedAt: number | undefined;
  /** When it stopped sounding: paused, or played out. Undefined while it sounds, and after an interruption. */
  readonly agentSpeechEndedAt: number | undefined;
  /** How much of the speech was heard before this stretch of it, between pauses; after its end, all of it. */
  readonly heardBefore: number;
  /** The agent's last speech ended with a question. */
  readonly endedAsQuestion: boolean;
  readonly open: boolean;
  readonly inTurn: boolean;
  readonly backchannelVerdict: boolean;
  /** What the overlaps of this utterance were; null: there were none. */
  readonly isInterruption: boolean | null;
  /** Of the verdict that said so. */
  readonly measured: OverlapMeasure | null;
  readonly ignoreUntil: number | undefined;
  readonly held: readonly HeldEvent[];
}

/** An answer of the streaming detector. */
export interface Prediction {
  readonly id: number;
  readonly probability: number;
  readonly threshold: number | null;
  readonly inferenceDuration: number;
}

/** The question to the streaming detector: one per pause of the user. */
export interface StreamingState {
  readonly prediction:
    | { readonly phase: "none" }
    | { readonly phase: "pending"; readonly id: number }
    | ({ readonly phase: "resolved"; readonly emitted: boolean } & Prediction);
  /** A turn was committed or cleared, and nothing was said since. */
  readonly flushed: boolean;
  readonly lateWarned: boolean;
}

/** Where a speech is. */
export type SpeechPhase =
  /** A preemptive reply that no turn has taken yet. */
  | "held"
  | "queued"
  /** Current, but too close behind the speech before it. */
  | "delaying"
  /** Current, and waiting for silence or leave to speak. */
  | "waiting"
  /** Let out, not heard yet. */
  | "playing"
  | "audible"
  /** Its words are over, its tools are not, or their results are to be answered. */
  | "background"
  /** It will not be heard again; the driver is taking it down. */
  | "leaving";

/** One speech, from its handle's making to its end. */
export interface Speech {
  readonly id: string;
  readonly kind: SpeechKind;
  readonly priority: number;
  readonly allowInterruptions: boolean;
  readonly interrupted: boolean;
  readonly phase: SpeechPhase;
  /** The agent thinks of it as soon as nothing else is heard. */
  readonly thinkNext: boolean;
  /** Known when all of its sound is there; null until then. */
  readonly length: { readonly durationMs: number; readonly isQuestion: boolean } | null;
  /** Generation of its teardown timer; 0: not armed. */
  readonly teardown: number;
}

/** Who speaks, and who is next. */
export interface SpeechesState {
  readonly all: readonly Speech[];
  readonly current: string | null;
  /** Handle ids in the order in which they will play. */
  readonly queue: readonly string[];
  readonly lastPlayoutEnd: number;
  /** The switch by which others hold all replies back. */
  readonly authorizationAllowed: boolean;
  /** Counts the handles that the machine made. */
  readonly made: number;
}

/** A user turn that was accepted, on its way to a reply. */
export type Turn =
  & { readonly id: number; readonly info: TurnInfo }
  & (
    | { readonly phase: "queued" }
    | { readonly phase: "stopBackground"; readonly handleIds: readonly string[] }
    | { readonly phase: "stopCurrent"; readonly handleId: string }
    | { readonly phase: "hook" }
    /** Its reply was overtaken by a newer turn and is being taken down. */
    | { readonly phase: "superseded"; readonly handleId: string }
  );

/** A reply that was begun before its turn was sure. */
export interface Preemptive {
  readonly handleId: string;
  readonly transcript: string;
  /** The turn that may take it: the one that is committed next. */
  readonly turnId: number;
}

/** The pipeline from committed turn to reply: the first of `list` is being worked on. */
export interface TurnsState {
  readonly list: readonly Turn[];
  readonly nextId: number;
  readonly preemptive: Preemptive | null;
  readonly preemptiveCount: number;
}

/** A user turn that is over its limit. */
export interface Exceeded {
  readonly transcript: string;
  readonly accumulatedTranscript: string;
  readonly accumulatedWordCount: number;
  readonly duration: number;
}

/** How much the user has said since the agent was last heard. */
export interface LimitsState {
  readonly words: number;
  readonly transcript: string;
  readonly startedAt: number | undefined;
  readonly exceeded:
    | { readonly phase: "idle" }
    | { readonly phase: "waiting"; readonly event: Exceeded }
    /** `moved`: the words that the hook answers, taken out of the recognition. */
    | { readonly phase: "running"; readonly moved: string; readonly confidences: readonly number[] };
}

/** Speech that gave no words. */
export interface TranscriptionState {
  readonly turnSpeech: number;
  readonly turnTranscribed: boolean;
}

/** All regions of a {@linkcode TurnState}. */
export interface Regions {
  readonly life: Life;
  /** `updateAgent` was called: no turn is taken from now on. */
  readonly newTurnsBlocked: boolean;
  readonly recognition: RecognitionState;
  readonly decision: Decision;
  readonly commit: ManualCommit;
  readonly endpointing: EndpointingState;
  readonly interruption: InterruptionState;
  readonly overlap: OverlapState;
  readonly streaming: StreamingState;
  readonly speeches: SpeechesState;
  readonly turns: TurnsState;
  readonly limits: LimitsState;
  readonly transcription: TranscriptionState;
  /** Generations of the live timers of the activity, teardowns aside. */
  readonly timers: TimerTable;
  /** The last number given to a timer or a question. */
  readonly serial: number;
}

/** What moves to the next activity. */
export interface Carry {
  readonly recognition: Pick<
    RecognitionState,
    | "finalText"
    | "interimText"
    | "confidences"
    | "lastFinalTime"
    | "lastSpeakingTime"
    | "speechStartTime"
    | "userTurnStart"
    | "requestIds"
    | "lastLanguage"
  >;
  readonly endpointing: EndpointingState;
  /** Replies that are held back stay so. */
  readonly authorizationAllowed: boolean;
}

/** The one `none` of all phase unions. */
export const NONE: { readonly phase: "none" } = { phase: "none" };

/** Makes the regions of a new activity. */
export function createRegions(config: TurnConfig, carried: Carry | undefined): Regions {
  return {
    life: "starting",
    newTurnsBlocked: false,
    recognition: {
      speaking: false,
      vadSpeechStarted: false,
      speechStartTime: undefined,
      lastSpeakingTime: undefined,
      lastFinalTime: undefined,
      userTurnStart: undefined,
      userTurnCommitted: false,
      finalText: "",
      interimText: "",
      preflightText: "",
      confidences: [],
      lastLanguage: "",
      requestIds: [],
      sampleRate: undefined,
      inputStartedAt: undefined,
      promoted: null,
      ...carried?.recognition,
    },
    decision: NONE,
    commit: NONE,
    endpointing: createEndpointing(config.endpointing, carried?.endpointing),
    interruption: {
      byAudio: config.mode !== "manual" && config.mode !== "realtime_llm",
      userSilence: true,
      sttEosReceived: false,
      interruptionDetected: false,
      activityTold: false,
      paused: null,
      excusedUntil: undefined,
    },
    overlap: {
      detectionEnabled: config.adaptive,
      agentSpeaking: false,
      agentSpeechStartedAt: undefined,
      agentSpeechEndedAt: undefined,
      heardBefore: 0,
      endedAsQuestion: false,
      open: false,
      inTurn: false,
      backchannelVerdict: false,
      isInterruption: null,
      measured: null,
      ignoreUntil: undefined,
      held: [],
    },
    streaming: { prediction: NONE, flushed: false, lateWarned: false },
    speeches: {
      all: [],
      current: null,
      queue: [],
      lastPlayoutEnd: -Infinity,
      authorizationAllowed: carried?.authorizationAllowed ?? true,
      made: 0,
    },
    turns: { list: [], nextId: 1, preemptive: null, preemptiveCount: 0 },
    limits: { words: 0, transcript: "", startedAt: undefined, exceeded: { phase: "idle" } },
    transcription: { turnSpeech: 0, turnTranscribed: false },
    timers: {},
    serial: 0,
  };
}
