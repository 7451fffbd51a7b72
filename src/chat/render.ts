/**
 * Puts tool calls and their outputs in the order that models demand. Total: it never throws and never leaves a call without
 * its output, whatever the items are.
 *
 * @module
 */
import type { ChatContext } from "./context.ts";
import type { ChatItem, ChatMessage, FunctionCall, FunctionCallOutput } from "./item.ts";
import { INSTRUCTIONS_MESSAGE_ID } from "./instructions.ts";
import { functionCallOutput } from "./make.ts";

/** What became of a call that has no output. */
export type UnansweredState = "running" | "cancelled" | "unknown";

/** How to show calls that have no output. */
export interface PairOptions {
  /**
   * `"placeholder"`: with an output that says that there is none, so that the model neither waits nor asks again.
   * `"drop"`: not at all. Default `"placeholder"`.
   */
  readonly unanswered?: "placeholder" | "drop";
  /** What became of a call, as the tool journal knows it. Default: unknown. */
  readonly stateOf?: (call: FunctionCall) => UnansweredState;
}

/** Something that had to be mended. */
export interface PairNote {
  /** What was wrong. */
  readonly type: "unanswered_call" | "orphan_output" | "duplicate_call" | "duplicate_output";
  /** The call it is about. */
  readonly callId: string;
  /** The item that was dropped or answered for. */
  readonly itemId: string;
}

/** What one participant did at once: a message, calls, and their outputs. */
export interface ItemGroup {
  /** What was said, if anything. */
  readonly message: ChatMessage | undefined;
  /** The calls, in their order. */
  readonly calls: readonly FunctionCall[];
  /** As many as there are calls, in their order. */
  readonly outputs: readonly FunctionCallOutput[];
}

const UNANSWERED: Readonly<Record<UnansweredState, string>> = {
  running: "The call is still in progress. Its result is not known yet.",
  cancelled: "The call was cancelled before it finished. It has no result.",
  unknown: "No result was recorded: the call is still in progress, or it was cancelled.",
};

interface OpenGroup {
  message: ChatMessage | undefined;
  readonly calls: FunctionCall[];
}

/**
 * Folds items into groups of at most one message, its calls and their outputs.
 *
 * An assistant message and calls belong together when the calls' `groupId`, or else the part of their ids before the first
 * `/`, is that part of the message's id. A group stands where its first member stood. An output goes to its call, wherever it
 * stood; outputs without a call are dropped, as are all but the first call and the first output of a call id. An agent's
 * instructions come first, wherever they stood. Hand-offs and configuration updates are for the record, and make no group.
 */
export function groupItems(
  items: Iterable<ChatItem>,
  options: PairOptions = {},
): { readonly groups: readonly ItemGroup[]; readonly notes: readonly PairNote[] } {
  const notes: PairNote[] = [];
  const open: OpenGroup[] = [];
  const byKey = new Map<string, OpenGroup>();
  const calls = new Set<string>();
  const outputs = new Map<string, FunctionCallOutput>();
  const add = (key: string): OpenGroup => {
    const group: OpenGroup = { message: undefined, calls: [] };
    open.push(group);
    byKey.set(key, group);
    return group;
  };
  for (const item of items) {
    if (item.type === "message") {
      if (item.role !== "assistant") {
        open.push({ message: item, calls: [] });
        continue;
      }
      const key = groupKey(item.id);
      const group = byKey.get(key);
      // A second message of a group would have to be dropped or joined: it begins a group of its own instead.
      (group === undefined || group.message !== undefined ? add(key) : group).message = item;
    } else if (item.type === "function_call") {
      if (calls.has(item.callId)) {
        notes.push({ type: "duplicate_call", callId: item.callId, itemId: item.id });
        continue;
      }
      calls.add(item.callId);
      const key = item.groupId ?? groupKey(item.id);
      (byKey.get(key) ?? add(key)).calls.push(item);
    } else if (item.type === "function_call_output") {
      if (outputs.has(item.callId)) {
        notes.push({ type: "duplicate_output", callId: item.callId, itemId: item.id });
      } else outputs.set(item.callId, item);
    }
  }
  for (const output of outputs.values()) {
    if (!calls.has(output.callId)) notes.push({ type: "orphan_output", callId: output.callId, itemId: output.id });
  }
  const groups: ItemGroup[] = [];
  for (const group of open) {
    const closed = closeGroup(group, outputs, options, notes);
    if (closed.message !== undefined || closed.calls.length > 0) groups.push(closed);
  }
  // A task's context begins with the call that waits for it: its instructions come first all the same.
  const base = groups.findIndex(({ message }) => message?.id === INSTRUCTIONS_MESSAGE_ID);
  if (base > 0) groups.unshift(...groups.splice(base, 1));
  return { groups, notes };
}

/**
 * The items as a model may see them: each call directly followed by the outputs of its group, each with exactly one output.
 * A call without one gets an output that says so.
 *
 * @example
 * ```ts
 * pairToolCalls([call, userMessage, outputOfCall]); // [call, outputOfCall, userMessage]
 * pairToolCalls([call]); // [call, "No result was recorded: ..."]
 * ```
 */
export function pairToolCalls(items: Iterable<ChatItem>, options: PairOptions = {}): readonly ChatItem[] {
  return groupItems(items, options).groups.flatMap(({ message, calls, outputs }): readonly ChatItem[] => [
    ...(message === undefined ? [] : [message]),
    ...calls,
    ...outputs,
  ]);
}

/**
 * Mends a conversation that came from outside, so that each call has exactly one output for whoever reads it: a call without
 * one is answered with what became of it, and outputs without a call are taken out, as are those that are there twice.
 *
 * @returns What was wrong.
 */
export function mendToolCalls(chatCtx: ChatContext, stateOf: PairOptions["stateOf"]): readonly PairNote[] {
  const { groups, notes } = groupItems(chatCtx.items, stateOf === undefined ? {} : { stateOf });
  if (notes.length === 0) return notes;
  for (const { type, itemId } of notes) if (type !== "unanswered_call") chatCtx.remove(itemId);
  for (const { outputs } of groups) {
    for (const output of outputs) if (chatCtx.getById(output.id) === undefined) chatCtx.insert(output);
  }
  return notes;
}

function closeGroup(
  { message, calls }: OpenGroup,
  outputs: ReadonlyMap<string, FunctionCallOutput>,
  { unanswered = "placeholder", stateOf }: PairOptions,
  notes: PairNote[],
): ItemGroup {
  const kept: FunctionCall[] = [];
  const answers: FunctionCallOutput[] = [];
  for (const call of calls) {
    const output = outputs.get(call.callId);
    if (output === undefined) notes.push({ type: "unanswered_call", callId: call.callId, itemId: call.id });
    if (output === undefined && unanswered === "drop") continue;
    kept.push(call);
    answers.push(output ?? placeholder(call, stateOf?.(call) ?? "unknown"));
  }
  return { message, calls: kept, outputs: answers };
}

/** The placeholders made, so that a call shows the same object each time and formats can keep what they made of it. */
const placeholders = new WeakMap<FunctionCall, Map<UnansweredState, FunctionCallOutput>>();

function placeholder(call: FunctionCall, state: UnansweredState): FunctionCallOutput {
  const made = placeholders.get(call) ?? new Map<UnansweredState, FunctionCallOutput>();
  placeholders.set(call, made);
  const known = made.get(state);
  if (known !== undefined) return known;
  const output = functionCallOutput({
    id: `${call.id}/${state}`,
    createdAt: call.createdAt,
    callId: call.callId,
    name: call.name,
    output: UNANSWERED[state],
    isError: state === "cancelled",
    replyRequired: false,
  });
  made.set(state, output);
  return output;
}

function groupKey(id: string): string {
  const slash = id.indexOf("/");
  return slash === -1 ? id : id.slice(0, slash);
}
