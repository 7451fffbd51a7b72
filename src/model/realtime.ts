/**
 * The contract of realtime models, which hear and speak by themselves.
 *
 * A connection is two streams: orders go in, facts come out. One writer feeds it, so that the order of what the model
 * is told is the order in which it was decided.
 *
 * @module
 */
import type { AudioFrame } from "../audio/frame.ts";
import type { ChatContext } from "../chat/context.ts";
import type { ChatItem, FunctionCall } from "../chat/item.ts";
import type { ToolChoice, ToolContext } from "../tool/tool.ts";
import type { RealtimeError } from "./error.ts";
import type { TimedString } from "./marks.ts";
import type { RealtimeModelMetrics } from "./metrics.ts";

/** What a realtime model can do. */
export interface RealtimeCapabilities {
  /** A message of its own can be cut to what was heard of it. */
  readonly messageTruncation: boolean;
  /** It finds the start and the end of the user's speech by itself. */
  readonly turnDetection: boolean;
  /** It writes down what the user said. */
  readonly userTranscription: boolean;
  /** It answers the outputs of tools unasked. */
  readonly autoToolReplyGeneration: boolean;
  /** It speaks. Otherwise it only writes, and a voice is needed. */
  readonly audioOutput: boolean;
  /** Calls that are in its context already can be taken up. */
  readonly manualFunctionCalls: boolean;
  /** Its context can change while it is connected. Default false. */
  readonly midSessionChatCtxUpdate?: boolean;
  /** Its instructions can. Default false. */
  readonly midSessionInstructionsUpdate?: boolean;
  /** Its tools can. Default false. */
  readonly midSessionToolsUpdate?: boolean;
  /** Each response can have tools and a choice of its own. Default false. */
  readonly perResponseToolChoice?: boolean;
  /** It can say a given text itself. Default false. */
  readonly supportsSay?: boolean;
  /** `turnDetectionDisabled` of a connection is honoured. Default false. */
  readonly canDisableTurnDetection?: boolean;
}

/** What a response is to hold. */
export type RealtimeModality = "text" | "audio";

/**
 * An order to a realtime model. Those with a `requestId` are answered by an event with the same id; the others are not
 * answered, and what fails of them comes as `error`.
 */
export type RealtimeInput =
  | { readonly type: "audio"; readonly frame: AudioFrame }
  /** The user's turn is over: what was heard is one message. Less than 100 ms of sound is none. */
  | { readonly type: "audio.commit" }
  /** What was heard and not committed is forgotten. */
  | { readonly type: "audio.clear" }
  /** A hint that the user is about to speak. */
  | { readonly type: "user.activity" }
  | { readonly type: "instructions.update"; readonly requestId: string; readonly instructions: string }
  /** Makes the model's conversation match. */
  | { readonly type: "context.update"; readonly requestId: string; readonly chatCtx: ChatContext }
  | { readonly type: "tools.update"; readonly requestId: string; readonly toolCtx: ToolContext }
  /** `null` goes back to the model's own choice. */
  | { readonly type: "options.update"; readonly toolChoice: ToolChoice | null }
  | {
    readonly type: "reply.generate";
    readonly requestId: string;
    /** For this response only, in addition to those of the session. */
    readonly instructions?: string;
    readonly toolChoice?: ToolChoice;
    readonly toolCtx?: ToolContext;
  }
  /** Calls off a response that was asked for and has not begun; one that begins all the same is never told. */
  | { readonly type: "reply.cancel"; readonly requestId: string }
  /** Says a text as it stands. Needs `supportsSay`. */
  | { readonly type: "say"; readonly requestId: string; readonly text: string }
  /** Stops the response that is being made. Nothing happens when there is none. */
  | { readonly type: "interrupt" }
  /** Makes a message of the model what was heard of it. */
  | {
    readonly type: "message.truncate";
    readonly messageId: string;
    readonly modalities: readonly RealtimeModality[];
    readonly audioEndMs: number;
    readonly transcript?: string;
  };

/** A message of a response, as it comes. Both streams always end: after an interruption, a reconnect and a close too. */
export interface RealtimeMessage {
  /** The provider's id of the message. */
  readonly messageId: string;
  /** Its words, with times where the model gives them. */
  readonly text: ReadableStream<string | TimedString>;
  /** Its sound. */
  readonly audio: ReadableStream<AudioFrame>;
  /** What it holds, once the model has said so. Always resolves. */
  readonly modalities: Promise<readonly RealtimeModality[]>;
}

/** A response of the model. Both streams always end. */
export interface RealtimeGeneration {
  /** Its messages, in order. */
  readonly messages: ReadableStream<RealtimeMessage>;
  /** Its calls, each when it is whole. */
  readonly functionCalls: ReadableStream<FunctionCall>;
  /** The provider's id of the response. */
  readonly responseId?: string;
}

/** What a realtime model tells. */
export type RealtimeEvent =
  /** The user began to speak, by the model's own ears. */
  | { readonly type: "input.speech_started" }
  | { readonly type: "input.speech_stopped"; readonly userTranscription: boolean }
  | {
    readonly type: "input.transcription";
    readonly itemId: string;
    /** All of the turn so far. */
    readonly transcript: string;
    readonly isFinal: boolean;
    readonly confidence?: number;
    /** When the turn began, in milliseconds since 1970, where the model tells it late. */
    readonly turnStartedAt?: number;
  }
  /** `requestId` is there when it answers `reply.generate` or `say`; otherwise the model began by itself. */
  | { readonly type: "generation.created"; readonly requestId?: string; readonly generation: RealtimeGeneration }
  /** The provider has confirmed an item of its conversation; `null` is its head. */
  | { readonly type: "item.added"; readonly previousItemId: string | null; readonly item: ChatItem }
  | { readonly type: "item.removed"; readonly itemId: string }
  /** An order with this id was carried out. */
  | { readonly type: "request.done"; readonly requestId: string }
  /** It was refused, or not answered in time by the provider. */
  | { readonly type: "request.failed"; readonly requestId: string; readonly error: RealtimeError }
  /** The connection was lost and is back, with instructions, tools and conversation; items may have new ids. */
  | { readonly type: "reconnected" }
  | { readonly type: "metrics"; readonly metrics: RealtimeModelMetrics }
  /** A failure. When it is not recoverable, the stream of events errors with it next. */
  | { readonly type: "error"; readonly error: unknown; readonly recoverable: boolean };

/** How to connect. */
export interface RealtimeConnectOptions {
  /** Aborting it closes the connection. */
  readonly signal?: AbortSignal;
  /** The system prompt. */
  readonly instructions?: string;
  /** The conversation so far. */
  readonly chatCtx?: ChatContext;
  /** The tools that may be called. */
  readonly toolCtx?: ToolContext;
  /** The session finds the turns. Honoured where `canDisableTurnDetection`. */
  readonly turnDetectionDisabled?: boolean;
}

/** A conversation with a realtime model. */
export interface RealtimeConnection {
  /** Orders. Sound never waits: what the network cannot take is dropped, the oldest first. Closing it closes the connection. */
  readonly input: WritableStream<RealtimeInput>;
  /** Facts, in order. Ends with the connection, and fails with what ended it. */
  readonly events: ReadableStream<RealtimeEvent>;
}

/** A model that hears and speaks by itself. */
export interface RealtimeModel {
  /** Tells this contract from the others. */
  readonly kind: "realtime";
  /** The model's name, as its provider writes it. */
  readonly model: string;
  /** Who makes the model, in a word. */
  readonly provider: string;
  /** What it can do. The session asks here, and never by class. */
  readonly capabilities: RealtimeCapabilities;
  /** Rejects with an {@linkcode RealtimeError} or an `APIError` when it cannot be reached. */
  connect(options?: RealtimeConnectOptions): Promise<RealtimeConnection>;
}
