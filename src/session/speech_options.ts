/**
 * How speech is asked for.
 *
 * @module
 */
import type { AudioFrame } from "../audio/frame.ts";
import type { ChatContext } from "../chat/context.ts";
import type { Instructions } from "../chat/instructions.ts";
import type { ChatMessage } from "../chat/item.ts";
import type { ToolChoice } from "../tool/tool.ts";

/** How a reply is asked for. */
export interface GenerateReplyOptions {
  /** What the user says: stored as the user's message. An empty text is none. */
  readonly userInput?: string | ChatMessage;
  /** For this reply only. */
  readonly instructions?: string | Instructions;
  /** Whether a tool may or must be called. Default `"auto"`. */
  readonly toolChoice?: ToolChoice;
  /** Names of the tools that may be used; left out: all. */
  readonly tools?: readonly string[];
  /** Whether the user may cut in. Default: the setting of the agent. */
  readonly allowInterruptions?: boolean;
  /** Higher comes first in the queue; what is being said is not cut off for it. Default `SPEECH_PRIORITY_NORMAL`, 5. */
  readonly priority?: number;
  /** What the reply is made from, in place of the agent's own context. Copied. */
  readonly chatCtx?: ChatContext;
  /** How the input came. Default `"text"`. */
  readonly inputModality?: "text" | "audio";
}

/** How a text is said. */
export interface SayOptions {
  /** The sound of it; nothing is synthesised then. */
  readonly audio?: ReadableStream<AudioFrame>;
  /** Whether the user may cut in. Default: the setting of the agent. */
  readonly allowInterruptions?: boolean;
  /** Higher comes first in the queue; what is being said is not cut off for it. Default `SPEECH_PRIORITY_NORMAL`, 5. */
  readonly priority?: number;
  /** False: it leaves no trace in the history. Default true. */
  readonly addToChatCtx?: boolean;
}
