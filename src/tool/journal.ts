/**
 * The journal of tool calls: what was started, and the one way in which each ended. It is kept apart from what is said, so
 * that no interruption can lose a result. Pure.
 *
 * @module
 */
import type { FunctionCall } from "../chat/item.ts";
import type { ToolOutcome } from "./result.ts";

/** The branch of replies that are committed. Others are speculative, and named by who opened them. */
export const MAIN_BRANCH = "main";

/** A call that was started. */
export interface JournalCall {
  /** The call. */
  readonly call: FunctionCall;
  /** When it was started, in milliseconds of the session's clock. */
  readonly startedAt: number;
  /** `"main"`, or the speculative branch whose reply asked for it. */
  readonly branch: string;
  /** Where it stands. */
  readonly status: "running" | "ended" | "cancelled";
  /** When it ended; absent while it runs. */
  readonly endedAt?: number;
  /** What it came to; absent while it runs. */
  readonly outcome?: ToolOutcome;
  /** Results of its steps by name, each recorded once, for tools that are called again after a resume. */
  readonly steps: Readonly<Record<string, unknown>>;
}

/** What happened to a call or a branch. Records are only ever added, and folding them gives the journal. */
export type JournalRecord =
  | { readonly type: "call.started"; readonly t: number; readonly call: FunctionCall; readonly branch?: string }
  | { readonly type: "call.ended"; readonly t: number; readonly callId: string; readonly outcome: ToolOutcome }
  | { readonly type: "call.cancelled"; readonly t: number; readonly callId: string; readonly outcome: ToolOutcome }
  /** A step of a tool came to a result. */
  | { readonly type: "call.step"; readonly callId: string; readonly name: string; readonly value: unknown }
  /** Call and output are in the history: the journal need not keep them. */
  | { readonly type: "call.committed"; readonly callId: string }
  /** The speculative reply is used: its calls join those of the main branch. */
  | { readonly type: "branch.merged"; readonly branch: string }
  /** The speculative reply is not used: its calls are forgotten, and what they still answer is refused. */
  | { readonly type: "branch.dropped"; readonly branch: string };

/** Calls that are running, and results that are not yet in the history, in the order in which they were started. */
export interface ToolJournal {
  /** What is open, in the order of its start. */
  readonly calls: readonly JournalCall[];
}

/** The journal of a new session. */
export const EMPTY_JOURNAL: ToolJournal = Object.freeze({ calls: Object.freeze([]) });

/** What a record did. */
export type JournalStep =
  | { readonly accepted: true; readonly journal: ToolJournal }
  /** The journal is as it was. Refusals are no failures: a late answer of a call that was called off is one. */
  | { readonly accepted: false; readonly journal: ToolJournal; readonly why: JournalRefusal };

/** Why a record was not taken: the call is running already, is unknown, has ended, or a step has its result. */
export type JournalRefusal = "already_started" | "unknown_call" | "already_over" | "still_running" | "step_recorded";

/**
 * Takes one record. Each call gets exactly one end; whatever comes later for it is refused.
 *
 * The cost follows the number of calls that are open, never the length of the session.
 */
export function record(journal: ToolJournal, entry: JournalRecord): JournalStep {
  switch (entry.type) {
    case "call.started": {
      const { call, t, branch = MAIN_BRANCH } = entry;
      if (findCall(journal, call.callId) !== undefined) return refuse(journal, "already_started");
      return accept([...journal.calls, { call, startedAt: t, branch, status: "running", steps: {} }]);
    }
    case "call.ended":
    case "call.cancelled": {
      const known = findCall(journal, entry.callId);
      if (known === undefined) return refuse(journal, "unknown_call");
      if (known.status !== "running") return refuse(journal, "already_over");
      const status = entry.type === "call.ended" ? "ended" : "cancelled";
      return replace(journal, known, { ...known, status, endedAt: entry.t, outcome: entry.outcome });
    }
    case "call.step": {
      const known = findCall(journal, entry.callId);
      if (known === undefined) return refuse(journal, "unknown_call");
      if (known.status !== "running") return refuse(journal, "already_over");
      if (Object.hasOwn(known.steps, entry.name)) return refuse(journal, "step_recorded");
      return replace(journal, known, { ...known, steps: { ...known.steps, [entry.name]: entry.value } });
    }
    case "call.committed": {
      const known = findCall(journal, entry.callId);
      if (known === undefined) return refuse(journal, "unknown_call");
      if (known.status === "running") return refuse(journal, "still_running");
      return accept(journal.calls.filter((call) => call !== known));
    }
    case "branch.merged":
      return accept(
        journal.calls.map((call) => call.branch === entry.branch ? { ...call, branch: MAIN_BRANCH } : call),
      );
    case "branch.dropped":
      return accept(journal.calls.filter((call) => call.branch !== entry.branch));
    default:
      return entry satisfies never;
  }
}

/** Folds records into a journal, as a resumed session does. Refused ones change nothing. */
export function replayJournal(entries: Iterable<JournalRecord>, journal: ToolJournal = EMPTY_JOURNAL): ToolJournal {
  for (const entry of entries) journal = record(journal, entry).journal;
  return journal;
}

/** The call with an id, while it runs or its result is not yet in the history. */
export function findCall(journal: ToolJournal, callId: string): JournalCall | undefined {
  return journal.calls.find(({ call }) => call.callId === callId);
}

/** The calls that are running: of one tool, of one branch, or all. */
export function runningCalls(
  journal: ToolJournal,
  filter: { readonly name?: string; readonly branch?: string } = {},
): readonly JournalCall[] {
  return journal.calls.filter(({ call, branch, status }) =>
    status === "running" && (filter.name ?? call.name) === call.name && (filter.branch ?? branch) === branch
  );
}

/** The calls of the main branch that are over and not yet in the history. */
export function uncommittedCalls(journal: ToolJournal): readonly JournalCall[] {
  return journal.calls.filter(({ branch, status }) => branch === MAIN_BRANCH && status !== "running");
}

/**
 * What the journal knows of a call that has no output in the history, for `pairToolCalls`. A call that it does not know was
 * called off: it belongs to a session or a branch that is no more.
 *
 * @example
 * ```ts
 * pairToolCalls(chatCtx.items, { stateOf: (call) => stateOfCall(journal, call.callId) });
 * ```
 */
export function stateOfCall(journal: ToolJournal, callId: string): "running" | "cancelled" | "unknown" {
  const known = findCall(journal, callId);
  if (known === undefined) return "cancelled";
  return known.status === "ended" ? "unknown" : known.status;
}

function accept(calls: readonly JournalCall[]): JournalStep {
  return { accepted: true, journal: { calls } };
}

function refuse(journal: ToolJournal, why: JournalRefusal): JournalStep {
  return { accepted: false, journal, why };
}

function replace(journal: ToolJournal, old: JournalCall, next: JournalCall): JournalStep {
  return accept(journal.calls.map((call) => call === old ? next : call));
}
