import assert from "node:assert/strict";
import { test } from "node:test";
import { virtualClock } from "../../adapters/runtime/virtual.ts";
import { AgentError } from "../../src/base/error.ts";
import { ChatContext } from "../../src/chat/context.ts";
import type { ChatItem } from "../../src/chat/item.ts";
import { agentConfigUpdate, agentHandoff, chatMessage, functionCall, functionCallOutput } from "../../src/chat/make.ts";
import {
  accuracyJudge,
  coherenceJudge,
  concisenessJudge,
  criterionJudge,
  describeConversation,
  type EvaluateOptions,
  EvaluationResult,
  type Evaluator,
  handoffJudge,
  Judge,
  JudgeGroup,
  JudgmentResult,
  type JudgmentVerdict,
  relevancyJudge,
  safetyJudge,
  scriptedLLM,
  type ScriptedReply,
  Tagger,
  taskCompletionJudge,
  toolUseJudge,
} from "../../src/testing/mod.ts";

const at = (id: string): { id: string; createdAt: number } => ({ id, createdAt: 0 });
const first = agentHandoff({ ...at("h0"), newAgentId: "host" });
const items: ChatItem[] = [
  first,
  agentConfigUpdate({ ...at("k0"), instructions: "Old goal.", toolsAdded: ["find"] }),
  chatMessage({ ...at("u"), role: "user", content: "A table?" }),
  functionCall({ ...at("c"), callId: "1", name: "find", args: '{"seats":2}' }),
  functionCallOutput({ ...at("o"), callId: "1", name: "find", output: "none", isError: true }),
  agentConfigUpdate({ ...at("k1"), instructions: "Book a table.", toolsRemoved: ["find"] }),
  chatMessage({ ...at("a"), role: "assistant", content: "I am sorry, there", interrupted: true }),
];
const conversation = new ChatContext(items);
const moved = new ChatContext([...items, agentHandoff({ ...at("h1"), oldAgentId: "host", newAgentId: "desk" })]);

const verdict = (verdict: unknown, reasoning = "so it is"): ScriptedReply => ({
  toolCalls: [{ name: "submit_verdict", id: "v", args: { verdict, reasoning } }],
});
function model(...script: ScriptedReply[]) {
  const clock = virtualClock();
  return { clock, llm: scriptedLLM(script, { clock }) };
}
const asked = (llm: ReturnType<typeof scriptedLLM>, n = 0): string =>
  llm.requests[n]!.items.map((item) => item.type === "message" ? item.textContent : "").join("\n");

test("a conversation is written a line for each item, with what was cut off, failed and changed", () => {
  assert.deepEqual(describeConversation(moved).split("\n"), [
    "[hand-off: nobody to host]",
    '[configuration: instructions "Old goal."; tools added find]',
    "user: A table?",
    '[call of find with {"seats":2}]',
    "[error of find: none]",
    '[configuration: instructions "Book a table."; tools removed find]',
    "assistant: I am sorry, there [interrupted]",
    "[hand-off: host to desk]",
  ]);
  assert.doesNotMatch(describeConversation(moved, { instructions: false }), /goal|Book/);
});

test("a judge asks once for a verdict, and gives it with its reason", async () => {
  const { clock, llm } = model(verdict("maybe"));
  const judge = criterionJudge({ name: "polite", criterion: "Be polite." });
  const result = await clock.until(judge.evaluate({ chatCtx: conversation, llm, clock }));
  assert.deepEqual([result.verdict, result.reasoning], ["maybe", "so it is"]);
  assert.deepEqual([result.passed, result.failed, result.uncertain], [false, false, true]);
  assert.match(asked(llm), /Criterion:\nBe polite\.\n\nConversation:\n\[hand-off: nobody to host\]/);
  assert.equal(llm.requests.length, 1);
  assert.equal(llm.requests[0]!.request.toolChoice, "required");
  assert.equal(clock.armed, 0);
});

test("the goal is that of the latest instructions; without any there is a warning", async () => {
  const { clock, llm } = model(verdict("pass"));
  const warnings: string[] = [];
  const logger = { debug() {}, info() {}, warn: (line: string) => void warnings.push(line), error() {} };
  const of = (chatCtx: ChatContext) => clock.until(taskCompletionJudge(llm).evaluate({ chatCtx, clock, logger }));
  assert.equal((await of(conversation)).instructions, "Book a table.");
  assert.match(asked(llm), /Instructions of the agent:\nBook a table\.\n/);
  assert.deepEqual(warnings, []);
  await of(new ChatContext(items.filter(({ type }) => type === "message")));
  assert.equal(warnings.length, 1);
  assert.doesNotMatch(asked(llm, 1), /Instructions of the agent/);
});

test("a conversation whose only hand-off is the first passes without a model, another is judged", async () => {
  const { clock, llm } = model(verdict("fail"));
  const judge = handoffJudge(llm);
  assert.ok((await clock.until(judge.evaluate({ chatCtx: conversation, clock }))).passed);
  assert.equal(llm.requests.length, 0);
  assert.ok((await clock.until(judge.evaluate({ chatCtx: moved, clock }))).failed);
  assert.equal(llm.requests.length, 1);
});

test("each judge has its name, and a criterion of its own", async () => {
  const judges = {
    task_completion: taskCompletionJudge,
    handoff: handoffJudge,
    accuracy: accuracyJudge,
    tool_use: toolUseJudge,
    safety: safetyJudge,
    relevancy: relevancyJudge,
    coherence: coherenceJudge,
    conciseness: concisenessJudge,
  };
  const criteria = new Set<string>();
  for (const [name, make] of Object.entries(judges)) {
    const { clock, llm } = model(verdict("pass"));
    const judge = make(llm);
    assert.equal(judge.name, name);
    await clock.until(judge.evaluate({ chatCtx: moved, clock }));
    criteria.add(/Criterion:\n(.*)/.exec(asked(llm))![1]!);
  }
  assert.equal(criteria.size, 8);
});

test("a reference comes with the conversation, without instructions", async () => {
  const { clock, llm } = model(verdict("pass"));
  await clock.until(accuracyJudge(llm).evaluate({ chatCtx: conversation, reference: moved, clock }));
  const [, reference = ""] = asked(llm).split("to compare with:");
  assert.match(reference, /user: A table\?[\s\S]*hand-off: host to desk/);
  assert.doesNotMatch(reference, /Old goal/);
});

test("a judge without a model, and a model without a verdict, reject with a code", async () => {
  const rejects = (work: Promise<unknown>, code: string) =>
    assert.rejects(work, (error) => error instanceof AgentError && error.code === code);
  await rejects(safetyJudge().evaluate({ chatCtx: conversation }), "test.bad_option");
  const { clock, llm } = model({ when: { request: 0 }, text: "fine" }, verdict("good"));
  await rejects(clock.until(safetyJudge(llm).evaluate({ chatCtx: conversation, clock })), "model.bad_response");
  await rejects(clock.until(safetyJudge(llm).evaluate({ chatCtx: conversation, clock })), "model.bad_response");
});

const fixed = (name: string, result: JudgmentVerdict): Evaluator => ({
  name,
  evaluate: async () => new JudgmentResult(result, name),
});
class Broken extends Judge {
  evaluate(_: EvaluateOptions): Promise<JudgmentResult> {
    throw new Error("no");
  }
}

test("a judge that throws is logged and left out, and does not take the others' results along", async () => {
  const errors: unknown[] = [];
  const logger = { debug() {}, info() {}, warn() {}, error: (_: string, fields?: object) => void errors.push(fields) };
  const group = new JudgeGroup({
    judges: [fixed("a", "pass"), new Broken("broken"), fixed("b", "maybe"), fixed("a", "fail")],
    logger,
  });
  const { judgments, score } = await group.evaluate(conversation);
  assert.deepEqual([...judgments].map(([name, { verdict }]) => [name, verdict]), [["a", "fail"], ["b", "maybe"]]);
  assert.equal(score, 0.25);
  assert.equal((errors[0] as { judge: string }).judge, "broken");
});

test("the group's model comes before a judge's own, and all are asked at once", async () => {
  const own = model(verdict("fail"));
  const { clock, llm } = model({ ...verdict("pass"), ttftMs: 1_000 });
  const group = new JudgeGroup({ llm, judges: [safetyJudge(own.llm), accuracyJudge()], clock });
  const result = await clock.until(group.evaluate(conversation));
  assert.ok(result.allPassed);
  assert.equal(clock.now(), 1_000);
  assert.equal(own.llm.requests.length, 0);
});

test("scores and majorities are counted as they are named", () => {
  const of = (...verdicts: JudgmentVerdict[]) =>
    new EvaluationResult(new Map(verdicts.map((verdict, index) => [`${index}`, new JudgmentResult(verdict, "")])));
  const row = (result: EvaluationResult) => [
    result.score,
    result.allPassed,
    result.anyPassed,
    result.majorityPassed,
    result.noneFailed,
  ];
  assert.deepEqual(row(of()), [0, true, false, true, true]);
  assert.deepEqual(row(of("pass", "pass", "fail")), [2 / 3, false, true, true, false]);
  assert.deepEqual(row(of("pass", "maybe")), [0.75, false, true, false, true]);
  assert.deepEqual(row(of("fail")), [0, false, false, false, false]);
});

test("what is no list of judges is refused", () => {
  for (const judges of [undefined, [{}], "safety"]) {
    assert.throws(
      () => new JudgeGroup({ judges } as never),
      (error) => (error as AgentError).code === "test.bad_option",
    );
  }
});

test("a tagger has one outcome at a time, the tags of the program, and those of the judges", async () => {
  const tagger = new Tagger();
  assert.equal(tagger.outcome, undefined);
  tagger.fail("no table");
  tagger.success("a table");
  tagger.add("vip", { level: 2 });
  tagger.add("gone");
  tagger.remove("gone");
  await new JudgeGroup({ judges: [fixed("safety", "pass")], tagger }).evaluate(conversation);
  assert.deepEqual([tagger.outcome, tagger.outcomeReason], ["success", "a table"]);
  assert.deepEqual([...tagger.tags], [["lk.success", { reason: "a table" }], ["vip", { level: 2 }], [
    "lk.judge.safety:pass",
    undefined,
  ]]);
  assert.deepEqual(tagger.evaluations, [{ name: "safety", verdict: "pass", reasoning: "safety" }]);
});
