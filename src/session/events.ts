/**
 * The events of a session: plain values that do not change after they went out. Times are milliseconds; points in time
 * count from 1970.
 *
 * @module
 */
import type { AgentHandoffItem, ChatMessage, FunctionCall, FunctionCallOutput } from "../chat/item.ts";
import type { ModelErrorEvent } from "../model/attempt.ts";
import type { ModelMetrics } from "../model/metrics.ts";
import type { CloseReason } from "../stage/state.ts";
import type { SessionUsage } from "../telemetry/usage.ts";
import type { AgentState, UserState } from "../turn/effect.ts";
import type { SpeechHandle } from "./speech_handle.ts";

/** What every event has. */
export interface EventBase<Type extends string> {
  /** Its name. */
  readonly type: Type;
  /** When it happened, in milliseconds since 1970. */
  readonly createdAt: number;
}

/** The user began or stopped speaking, or went away. `createdAt` is when it really happened, which may be in the past. */
export interface UserStateChangedEvent extends EventBase<"user_state_changed"> {
  /** What was. */
  readonly oldState: UserState;
  /** What is now. */
  readonly newState: UserState;
}

/** The agent listens, thinks or speaks. */
export interface AgentStateChangedEvent extends EventBase<"agent_state_changed"> {
  /** What was. */
  readonly oldState: AgentState;
  /** What is now. */
  readonly newState: AgentState;
}

/** Something the user said was understood; an interim result is replaced by the next one. */
export interface UserInputTranscribedEvent extends EventBase<"user_input_transcribed"> {
  /** The user's words. */
  readonly transcript: string;
  /** No later event replaces these words. */
  readonly isFinal: boolean;
  /** The language that was heard, where the recogniser says it. */
  readonly language: string | null;
  /** Who spoke, where the recogniser tells speakers apart. */
  readonly speakerId: string | null;
  /** The provider's id of the words, where there is one. */
  readonly itemId: string | null;
}

/** The user spoke, and nothing was understood in time. */
export interface UserTranscriptionTimeoutEvent extends EventBase<"user_transcription_timeout"> {
  /** How long the user spoke, in milliseconds. */
  readonly speechDuration: number;
  /** When the speech began, in milliseconds since 1970. */
  readonly vadSpeechStartedAt: number;
}

/** A message or a hand-off went into the history. */
export interface ConversationItemAddedEvent extends EventBase<"conversation_item_added"> {
  /** What was added, as it stands in the history. */
  readonly item: ChatMessage | AgentHandoffItem;
}

/** What paused the agent was no interruption. */
export interface AgentFalseInterruptionEvent extends EventBase<"agent_false_interruption"> {
  /** The agent speaks on. */
  readonly resumed: boolean;
}

/** A detector has judged speech of the user over the agent's. */
export interface OverlappingSpeechEvent extends EventBase<"overlapping_speech"> {
  /** The user wants the floor. */
  readonly isInterruption: boolean;
  /** The overlap ended since the agent stopped, not the user. */
  readonly agentEnded: boolean;
  /** When it was judged, in milliseconds since 1970. */
  readonly detectedAt: number;
  /** When the user began, in milliseconds since 1970. */
  readonly overlapStartedAt: number;
  /** That it is an interruption, from 0 to 1. */
  readonly probability: number;
  /** The probability of each frame, where the detector tells. */
  readonly probabilities?: readonly number[];
  /** From the question to the answer, in milliseconds. */
  readonly totalDurationMs: number;
  /** Of it, the time of the model alone. */
  readonly predictionDurationMs: number;
  /** From the start of the overlap to the answer. */
  readonly detectionDelayMs: number;
  /** Questions that the detector asked its model. */
  readonly numRequests: number;
}

/** An end-of-turn model was asked. */
export interface EotPredictionEvent extends EventBase<"eot_prediction"> {
  /** How likely the user has finished, from 0 to 1. */
  readonly probability: number;
  /** From which likelihood the turn ends early; null: the model has none. */
  readonly threshold: number | null;
  /** How long the model took. */
  readonly inferenceDurationMs: number;
  /** How long the session now waits for more words. */
  readonly delayMs: number;
}

/** A round of tools has ended. A listener may call off what follows, while it is being called. */
export interface FunctionToolsExecutedEvent extends EventBase<"function_tools_executed"> {
  /** The calls, in the order of the model. */
  readonly functionCalls: readonly FunctionCall[];
  /** The output at a place belongs to the call at that place. */
  readonly functionCallOutputs: readonly FunctionCallOutput[];
  /** The model is going to be asked for a reply. */
  readonly hasToolReply: boolean;
  /** Another agent is going to take over. */
  readonly hasAgentHandoff: boolean;
  /** No reply for this round; the results are stored all the same. */
  cancelToolReply(): void;
  /** No hand-off for this round. */
  cancelAgentHandoff(): void;
  /** Calls with their outputs. */
  zipped(): readonly (readonly [FunctionCall, FunctionCallOutput])[];
}

/** What became of a call of a tool, or of what it says while it works. */
export type ToolExecutionUpdate =
  /** It began. */
  | { readonly type: "tool_call_started"; readonly functionCall: FunctionCall }
  /** Its tool tells of its progress. `message` is what it said. */
  | { readonly type: "tool_call_updated"; readonly id: string; readonly callId: string; readonly message: unknown }
  /** It ended, once. `message` is what it came to, null for nothing. */
  | {
    readonly type: "tool_call_ended";
    readonly id: string;
    readonly callId: string;
    readonly message: string | null;
    readonly status: "done" | "error" | "cancelled";
  }
  /** The agent tells of what calls in the background said. `skipped`: it had nothing to say. */
  | {
    readonly type: "tool_reply_updated";
    readonly updateIds: readonly string[];
    readonly speechId: string;
    readonly status: "scheduled" | "completed" | "interrupted" | "skipped";
  };

/** A call of a tool began, told something, or ended. */
export interface ToolExecutionUpdatedEvent extends EventBase<"tool_execution_updated"> {
  /** What happened. */
  readonly update: ToolExecutionUpdate;
}

/** A model, VAD or end of turn was measured. */
export interface MetricsCollectedEvent extends EventBase<"metrics_collected"> {
  /** What was measured. */
  readonly metrics: ModelMetrics;
}

/** What the session has used so far. */
export interface SessionUsageUpdatedEvent extends EventBase<"session_usage_updated"> {
  /** What was used so far. */
  readonly usage: SessionUsage;
}

/** A speech exists; it has not begun. */
export interface SpeechCreatedEvent extends EventBase<"speech_created"> {
  /** Its handle. */
  readonly speechHandle: SpeechHandle;
  /** The call that made it. */
  readonly source: "say" | "generate_reply";
  /** False for a reply that a realtime model began by itself. */
  readonly userInitiated: boolean;
}

/** A turn of the user was not answered, and why. */
export interface UserTurnDroppedEvent extends EventBase<"user_turn_dropped"> {
  /** The user's words. */
  readonly transcript: string;
  /** Why, in a word. */
  readonly reason: string;
  /** The words are in the history all the same. */
  readonly stored: boolean;
}

/** A part of the session failed. */
export interface ErrorEvent extends EventBase<"error"> {
  /** What failed. */
  readonly error: ModelErrorEvent | {
    readonly type: "session_error";
    readonly error: unknown;
    readonly recoverable: boolean;
  };
  /** The part: a model, or the name of a hook. */
  readonly source: unknown;
}

/** The session is over. The last event. */
export interface CloseEvent extends EventBase<"close"> {
  /** Why it is over. */
  readonly reason: CloseReason;
  /** What ended it, where it was a failure. */
  readonly error: unknown;
}

/** Every event, by its name. */
export interface SessionEvents {
  /** See {@linkcode UserStateChangedEvent}. */
  user_state_changed: UserStateChangedEvent;
  /** See {@linkcode AgentStateChangedEvent}. */
  agent_state_changed: AgentStateChangedEvent;
  /** See {@linkcode UserInputTranscribedEvent}. */
  user_input_transcribed: UserInputTranscribedEvent;
  /** See {@linkcode UserTranscriptionTimeoutEvent}. */
  user_transcription_timeout: UserTranscriptionTimeoutEvent;
  /** See {@linkcode ConversationItemAddedEvent}. */
  conversation_item_added: ConversationItemAddedEvent;
  /** See {@linkcode AgentFalseInterruptionEvent}. */
  agent_false_interruption: AgentFalseInterruptionEvent;
  /** See {@linkcode OverlappingSpeechEvent}. */
  overlapping_speech: OverlappingSpeechEvent;
  /** See {@linkcode EotPredictionEvent}. */
  eot_prediction: EotPredictionEvent;
  /** See {@linkcode FunctionToolsExecutedEvent}. */
  function_tools_executed: FunctionToolsExecutedEvent;
  /** See {@linkcode ToolExecutionUpdatedEvent}. */
  tool_execution_updated: ToolExecutionUpdatedEvent;
  /** See {@linkcode MetricsCollectedEvent}. */
  metrics_collected: MetricsCollectedEvent;
  /** See {@linkcode SessionUsageUpdatedEvent}. */
  session_usage_updated: SessionUsageUpdatedEvent;
  /** See {@linkcode SpeechCreatedEvent}. */
  speech_created: SpeechCreatedEvent;
  /** See {@linkcode UserTurnDroppedEvent}. */
  user_turn_dropped: UserTurnDroppedEvent;
  /** See {@linkcode ErrorEvent}. */
  error: ErrorEvent;
  /** See {@linkcode CloseEvent}. */
  close: CloseEvent;
}

/** Any event of a session; `switch (event.type)` over it is exhaustive. */
export type SessionEvent = SessionEvents[keyof SessionEvents];
