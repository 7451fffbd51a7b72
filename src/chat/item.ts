/**
 * The items of a conversation: plain, frozen values. Where something changes, a new item with the same id replaces the old.
 *
 * @module
 */
import type { AudioFrame } from "../audio/frame.ts";
import type { Instructions } from "./instructions.ts";

/** Who speaks. */
export type ChatRole = "developer" | "system" | "user" | "assistant";

/** A picture: a `data:` URL or an address. */
export interface ImageContent {
  /** Tells it from other content. */
  readonly type: "image_content";
  /** An id of its own. */
  readonly id: string;
  /** The `data:` URL or the address. */
  readonly image: string;
  /** How closely the model should look, where the provider lets one say so. */
  readonly inferenceDetail: "auto" | "high" | "low";
  /** What kind of picture it is, where the address does not say. */
  readonly mimeType?: string;
}

/** Sound, kept for models that hear. */
export interface AudioContent {
  /** Tells it from other content. */
  readonly type: "audio_content";
  /** The sound, in order. */
  readonly frame: readonly AudioFrame[];
  /** What is said in it. */
  readonly transcript?: string;
}

/** A part of a message. */
export type ChatContent = string | ImageContent | AudioContent | Instructions;

/** What was measured of a message. Durations and points in time are milliseconds; points in time count from 1970. */
export interface MetricsReport {
  /** When the speech began. */
  readonly startedSpeakingAt?: number;
  /** When the speech ended. */
  readonly stoppedSpeakingAt?: number;
  /** From the end of the speech until its transcript was there. */
  readonly transcriptionDelay?: number;
  /** From the end of the speech until the turn was decided to be over. */
  readonly endOfTurnDelay?: number;
  /** How long the hook `onUserTurnCompleted` took. */
  readonly onUserTurnCompletedDelay?: number;
  /** From the request until the first token. */
  readonly llmNodeTtft?: number;
  /** Output tokens a second. */
  readonly llmNodeTps?: number;
  /** From the first text sent until the first sound. */
  readonly ttsNodeTtfb?: number;
  /** From the first frame sent until the output reported it as playing. */
  readonly playbackLatency?: number;
  /** From the end of the user's speech until the agent was heard. */
  readonly e2eLatency?: number;
  /** What the providers call the requests of this turn. */
  readonly providerRequestIds?: readonly string[];
  /** Which language model. */
  readonly llmMetadata?: ModelMetadata;
  /** Which voice. */
  readonly ttsMetadata?: ModelMetadata;
  /** Which transcription. */
  readonly sttMetadata?: ModelMetadata;
}

/** Which model it was. */
export interface ModelMetadata {
  /** The model, as its provider calls it. */
  readonly modelName: string;
  /** Who runs it. */
  readonly modelProvider: string;
}

/** What every item has. */
export interface ItemBase {
  /** Opaque, but for a `/`: what stands before it joins a message and its calls. */
  readonly id: string;
  /** Milliseconds since 1970. */
  readonly createdAt: number;
}

/** Something said or written. */
export interface ChatMessage extends ItemBase {
  /** Tells it from other items. */
  readonly type: "message";
  /** Who speaks. */
  readonly role: ChatRole;
  /** What is said, in parts. */
  readonly content: readonly ChatContent[];
  /** The speech was cut off; `content` is what was heard of it. */
  readonly interrupted: boolean;
  /** All text parts, joined by line breaks; undefined when there is none. */
  readonly textContent: string | undefined;
  /** How sure the transcription is, from 0 to 1. */
  readonly transcriptConfidence?: number;
  /** What was measured; empty when nothing was. */
  readonly metrics: MetricsReport;
  /** What providers and the session keep with it. */
  readonly extra: Readonly<Record<string, unknown>>;
}

/** A model's call of a tool. */
export interface FunctionCall extends ItemBase {
  /** Tells it from other items. */
  readonly type: "function_call";
  /** The id that the model gave the call; its output names it. */
  readonly callId: string;
  /** The tool. */
  readonly name: string;
  /** JSON text. */
  readonly args: string;
  /** What providers and the session keep with it. */
  readonly extra: Readonly<Record<string, unknown>>;
  /** Joins calls that were made at once; absent: the part of the id before the first `/`. */
  readonly groupId?: string;
}

/** What a tool answered. */
export interface FunctionCallOutput extends ItemBase {
  /** Tells it from other items. */
  readonly type: "function_call_output";
  /** The call that it answers. */
  readonly callId: string;
  /** The tool; empty when it is not known. */
  readonly name: string;
  /** What the model reads. */
  readonly output: string;
  /** Whether the call failed. */
  readonly isError: boolean;
  /** False when the model need not answer it. */
  readonly replyRequired: boolean;
}

/** One agent took over from another. */
export interface AgentHandoffItem extends ItemBase {
  /** Tells it from other items. */
  readonly type: "agent_handoff";
  /** Who left; `null` when nobody was there. */
  readonly oldAgentId: string | null;
  /** Who took over. */
  readonly newAgentId: string;
}

/** An agent's instructions or tools changed. */
export interface AgentConfigUpdate extends ItemBase {
  /** Tells it from other items. */
  readonly type: "agent_config_update";
  /** The new instructions. */
  readonly instructions?: string;
  /** Names of tools that came. */
  readonly toolsAdded?: readonly string[];
  /** Names of tools that went. */
  readonly toolsRemoved?: readonly string[];
}

/** Anything that happened in a conversation. */
export type ChatItem = ChatMessage | FunctionCall | FunctionCallOutput | AgentHandoffItem | AgentConfigUpdate;
