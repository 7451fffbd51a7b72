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
  readonly type: "image_content";
  readonly id: string;
  readonly image: string;
  readonly inferenceDetail: "auto" | "high" | "low";
  readonly mimeType?: string;
}

/** Sound, kept for models that hear. */
export interface AudioContent {
  readonly type: "audio_content";
  readonly frame: readonly AudioFrame[];
  readonly transcript?: string;
}

/** A part of a message. */
export type ChatContent = string | ImageContent | AudioContent | Instructions;

/** What was measured of a message. Durations and points in time are milliseconds; points in time count from 1970. */
export interface MetricsReport {
  readonly startedSpeakingAt?: number;
  readonly stoppedSpeakingAt?: number;
  readonly transcriptionDelay?: number;
  readonly endOfTurnDelay?: number;
  readonly onUserTurnCompletedDelay?: number;
  readonly llmNodeTtft?: number;
  /** Output tokens a second. */
  readonly llmNodeTps?: number;
  readonly ttsNodeTtfb?: number;
  readonly playbackLatency?: number;
  readonly e2eLatency?: number;
  readonly providerRequestIds?: readonly string[];
  readonly llmMetadata?: ModelMetadata;
  readonly ttsMetadata?: ModelMetadata;
  readonly sttMetadata?: ModelMetadata;
}

/** Which model it was. */
export interface ModelMetadata {
  readonly modelName: string;
  readonly modelProvider: string;
}

/** What every item has. */
export interface ItemBase {
  readonly id: string;
  /** Milliseconds since 1970. */
  readonly createdAt: number;
}

/** Something said or written. */
export interface ChatMessage extends ItemBase {
  readonly type: "message";
  readonly role: ChatRole;
  readonly content: readonly ChatContent[];
  /** The speech was cut off; `content` is what was heard of it. */
  readonly interrupted: boolean;
  /** All text parts, joined by line breaks; undefined when there is none. */
  readonly textContent: string | undefined;
  readonly transcriptConfidence?: number;
  readonly metrics: MetricsReport;
  readonly extra: Readonly<Record<string, unknown>>;
}

/** A model's call of a tool. */
export interface FunctionCall extends ItemBase {
  readonly type: "function_call";
  readonly callId: string;
  readonly name: string;
  /** JSON text. */
  readonly args: string;
  readonly extra: Readonly<Record<string, unknown>>;
  readonly groupId?: string;
}

/** What a tool answered. */
export interface FunctionCallOutput extends ItemBase {
  readonly type: "function_call_output";
  readonly callId: string;
  readonly name: string;
  readonly output: string;
  readonly isError: boolean;
  /** False when the model need not answer it. */
  readonly replyRequired: boolean;
}

/** One agent took over from another. */
export interface AgentHandoffItem extends ItemBase {
  readonly type: "agent_handoff";
  readonly oldAgentId: string | null;
  readonly newAgentId: string;
}

/** An agent's instructions or tools changed. */
export interface AgentConfigUpdate extends ItemBase {
  readonly type: "agent_config_update";
  readonly instructions?: string;
  readonly toolsAdded?: readonly string[];
  readonly toolsRemoved?: readonly string[];
}

/** Anything that happened in a conversation. */
export type ChatItem = ChatMessage | FunctionCall | FunctionCallOutput | AgentHandoffItem | AgentConfigUpdate;
