import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "../property.ts";
import { functionCall } from "../../src/chat/make.ts";
import { pairToolCalls } from "../../src/chat/render.ts";
import {
  EMPTY_JOURNAL,
  findCall,
  type JournalRecord,
  type JournalRefusal,
  MAIN_BRANCH,
  record,
  replayJournal,
  runningCalls,
  stateOfCall,
  type ToolJournal,
  uncommittedCalls,
} from "../../src/tool/journal.ts";
import { cancelledOutcome, mapToolResult, type ToolOutcome } from "../../src/tool/result.ts";

const call = (callId: string, name = "weather") => functionCall({ id: callId, createdAt: 0, callId, name, args: "{}" });
const started = (callId: string, branch?: string, name?: string): JournalRecord => ({
  type: "call.started",
  t: 1,
  call: call(callId, name),
  ...(branch === undefined ? {} : { branch }),
});
const ended = (callId: string, outcome: ToolOutcome = mapToolResult("sunny")): JournalRecord => ({
  type: "call.ended",
  t: 2,
  callId,
  outcome,
});
const cancelled = (callId: string): JournalRecord => ({
  type: "call.cancelled",
  t: 2,
  callId,
  outcome: cancelledOutcome(),
});
const committed = (callId: string): JournalRecord => ({ type: "call.committed", callId });
const why = (journal: ToolJournal, entry: JournalRecord): JournalRefusal | undefined => {
  const step = record(journal, entry);
  if (!step.accepted) assert.equal(step.journal, journal);
  return step.accepted ? undefined : step.why;
};

test("a call is running from its start to its one end, and stays until it is in the history", () => {
  const running = replayJournal([started("1")]);
  assert.deepEqual(runningCalls(running).map((entry) => entry.call.callId), ["1"]);
  assert.deepEqual(uncommittedCalls(running), []);
  const over = replayJournal([ended("1")], running);
  assert.deepEqual(runningCalls(over), []);
  assert.deepEqual(uncommittedCalls(over).map((entry) => [entry.status, entry.outcome?.output]), [["ended", "sunny"]]);
  assert.equal(over.calls[0]!.endedAt, 2);
  assert.deepEqual(replayJournal([committed("1")], over), { calls: [] });
});

test("whatever comes after the end of a call is refused: a result after a cancellation, a second result", () => {
  const off = replayJournal([started("1"), cancelled("1")]);
  assert.equal(why(off, ended("1")), "already_over");
  assert.equal(findCall(off, "1")?.status, "cancelled");
  const over = replayJournal([started("1"), ended("1")]);
  assert.equal(why(over, ended("1", mapToolResult("rain"))), "already_over");
  assert.equal(why(over, cancelled("1")), "already_over");
  assert.equal(findCall(over, "1")?.outcome?.output, "sunny");
});

test("a call is started once, and only what was started can end", () => {
  const running = replayJournal([started("1")]);
  assert.equal(why(running, started("1")), "already_started");
  assert.equal(why(running, ended("2")), "unknown_call");
  assert.equal(why(running, committed("1")), "still_running");
  assert.equal(why(EMPTY_JOURNAL, committed("1")), "unknown_call");
});

test("a call id may come again once its call is in the history, as some providers count from nought each turn", () => {
  const again = replayJournal([started("call_0"), ended("call_0"), committed("call_0"), started("call_0")]);
  assert.deepEqual(runningCalls(again).length, 1);
});

test("the calls of a speculative reply join when it is used, whether they have ended or not", () => {
  const journal = replayJournal([started("1", "branch"), started("2", "branch"), ended("1"), started("3")]);
  assert.deepEqual(uncommittedCalls(journal), []);
  assert.deepEqual(runningCalls(journal, { branch: MAIN_BRANCH }).map((entry) => entry.call.callId), ["3"]);
  const merged = replayJournal([{ type: "branch.merged", branch: "branch" }], journal);
  assert.deepEqual(uncommittedCalls(merged).map((entry) => entry.call.callId), ["1"]);
  assert.deepEqual(runningCalls(merged, { branch: MAIN_BRANCH }).map((entry) => entry.call.callId), ["2", "3"]);
});

test("the calls of a speculative reply are forgotten when it is not used, and their late answers refused", () => {
  const journal = replayJournal([started("1", "branch"), started("2"), { type: "branch.dropped", branch: "branch" }]);
  assert.deepEqual(journal.calls.map((entry) => entry.call.callId), ["2"]);
  assert.equal(why(journal, ended("1")), "unknown_call");
});

test("a step of a call has its result recorded once", () => {
  const step = (value: unknown): JournalRecord => ({ type: "call.step", callId: "1", name: "pay", value });
  const journal = replayJournal([started("1"), step("receipt")]);
  assert.equal(why(journal, step("second receipt")), "step_recorded");
  assert.deepEqual(findCall(journal, "1")?.steps, { pay: "receipt" });
  assert.equal(why(replayJournal([ended("1")], journal), step("late")), "already_over");
});

test("running calls can be asked for by the name of their tool", () => {
  const journal = replayJournal([started("1", undefined, "book"), started("2"), started("3", undefined, "book")]);
  assert.deepEqual(runningCalls(journal, { name: "book" }).map((entry) => entry.call.callId), ["1", "3"]);
});

test("the renderer says of a call without output what the journal knows of it", () => {
  const journal = replayJournal([started("1")]);
  const texts = ["1", "2"].map((id) => {
    const [, output] = pairToolCalls([call(id)], { stateOf: ({ callId }) => stateOfCall(journal, callId) });
    return output?.type === "function_call_output" ? output.output : "";
  });
  assert.match(texts[0]!, /in progress/);
  assert.match(texts[1]!, /cancelled/);
});

test("records never change a journal that was there before, and it survives being written as JSON", () => {
  const journal = replayJournal([started("1"), { type: "call.step", callId: "1", name: "a", value: 1 }]);
  const before = structuredClone(journal);
  record(journal, ended("1"));
  record(journal, { type: "branch.dropped", branch: MAIN_BRANCH });
  assert.deepEqual(journal, before);
  assert.deepEqual(JSON.parse(JSON.stringify(journal)), before);
});

const anyRecord = fc.tuple(fc.nat(6), fc.nat(3), fc.nat(1)).map(([kind, id, branch]): JournalRecord => {
  const callId = `${id}`;
  if (kind === 0) return started(callId, branch === 0 ? undefined : "branch");
  if (kind === 1) return ended(callId);
  if (kind === 2) return cancelled(callId);
  if (kind === 3) return committed(callId);
  if (kind === 4) return { type: "branch.merged", branch: "branch" };
  if (kind === 5) return { type: "branch.dropped", branch: "branch" };
  return { type: "call.step", callId, name: "s", value: branch };
});

test("in any order of records, each started call has at most one end, and none is both over and running", () => {
  fc.assert(fc.property(fc.array(anyRecord, { maxLength: 60 }), (entries) => {
    let journal = EMPTY_JOURNAL;
    const ends = new Map<string, number>();
    for (const entry of entries) {
      const step = record(journal, entry);
      journal = step.journal;
      if (step.accepted && entry.type === "call.started") ends.set(entry.call.callId, 0);
      if (step.accepted && (entry.type === "call.ended" || entry.type === "call.cancelled")) {
        ends.set(entry.callId, ends.get(entry.callId)! + 1);
      }
      for (const { call: { callId }, status, outcome } of journal.calls) {
        assert.equal(ends.get(callId), status === "running" ? 0 : 1);
        assert.equal(outcome === undefined, status === "running");
      }
    }
    assert.equal(new Set(journal.calls.map((entry) => entry.call.callId)).size, journal.calls.length);
    assert.deepEqual(replayJournal(entries), journal);
  }));
});
