/**
 * When two items of a conversation say the same.
 *
 * @module
 */
import type { ChatContent, ChatItem } from "./item.ts";
import { instructionsEqual, isInstructions } from "./instructions.ts";

/**
 * Whether two items have the same id and type and say the same: the words and pictures of messages, the name and arguments
 * of calls, the output of outputs. Hand-offs and configuration updates are compared by id and type alone.
 */
export function equivalentItems(a: ChatItem, b: ChatItem): boolean {
  if (a === b) return true;
  if (a.id !== b.id || a.type !== b.type) return false;
  if (a.type === "message" && b.type === "message") {
    return a.role === b.role && a.interrupted === b.interrupted && equalContents(a.content, b.content);
  }
  if (a.type === "function_call" && b.type === "function_call") {
    return a.name === b.name && a.callId === b.callId && a.args === b.args;
  }
  if (a.type === "function_call_output" && b.type === "function_call_output") {
    return a.name === b.name && a.callId === b.callId && a.output === b.output && a.isError === b.isError;
  }
  return true;
}

function equalContents(a: readonly ChatContent[], b: readonly ChatContent[]): boolean {
  return a === b || (a.length === b.length && a.every((part, index) => equalParts(part, b[index]!)));
}

function equalParts(a: ChatContent, b: ChatContent): boolean {
  if (a === b) return true;
  if (typeof a === "string" || typeof b === "string") return false;
  if (isInstructions(a)) return isInstructions(b) && instructionsEqual(a, b);
  if (a.type === "image_content" && b.type === "image_content") {
    return a.id === b.id && a.image === b.image && a.inferenceDetail === b.inferenceDetail && a.mimeType === b.mimeType;
  }
  if (a.type === "audio_content" && b.type === "audio_content") {
    return a.transcript === b.transcript && a.frame.length === b.frame.length &&
      a.frame.every((frame, index) => equalSamples(frame, b.frame[index]!));
  }
  return false;
}

type Frame = { readonly data: Int16Array; readonly sampleRate: number; readonly channels: number };

function equalSamples(a: Frame, b: Frame): boolean {
  return a === b ||
    (a.sampleRate === b.sampleRate && a.channels === b.channels && a.data.length === b.data.length &&
      a.data.every((sample, index) => sample === b.data[index]));
}
