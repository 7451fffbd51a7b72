/**
 * A turn of the agent that is alive, as far as the session must know it.
 *
 * @module
 */
import type { ChatContext } from "../chat/context.ts";
import type { ChatMessage, MetricsReport } from "../chat/item.ts";
import type { Reply } from "../reply/reply.ts";
import type { ToolStep } from "../reply/tool_step.ts";
import type { ToolChoice, ToolContext } from "../tool/tool.ts";
import type { Activity } from "./activity.ts";
import type { SpeechHandle } from "./speech_handle.ts";

/** A turn of the agent that is alive. */
export interface Live {
  readonly handle: SpeechHandle;
  readonly activity: Activity;
  readonly reply: Reply;
  readonly kind: "say" | "reply";
  readonly rank: number;
  readonly addToChatCtx: boolean;
  /** A tool asked for it: it stands behind the tool's call, even in the same instant. */
  readonly insideTool: boolean;
  /** Set when the reply is to a turn or to text: stored when the speech is scheduled. */
  userMessage: ChatMessage | undefined;
  userMetrics: MetricsReport | undefined;
  /** What the first step was asked with. */
  base: ChatContext | undefined;
  /** What the agent knew by then. */
  known: ChatContext | undefined;
  readonly toolCtx: ToolContext;
  /** The same choice among the tools that there are now. */
  readonly toolsNow: () => ToolContext;
  /** Rounds in a row in which the model called what there is not, or with arguments that do not fit. */
  badRounds: number;
  readonly toolChoice: ToolChoice | undefined;
  readonly extra: ChatMessage | undefined;
  /** Transcript of a preemptive reply. */
  readonly transcript: string | undefined;
  /** The step that is being played has been stored. */
  stored: boolean;
  interruptedAt: number | undefined;
  /** The tools whose results have been stored. */
  storedTools: ToolStep | undefined;
}

/** It was cut off while it was heard, and how much was heard is not known yet. */
export function isBeingStored(live: Live): boolean {
  return live.interruptedAt !== undefined && !live.stored && live.handle.scheduled && live.reply.speaks;
}
