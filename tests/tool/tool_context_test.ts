import assert from "node:assert/strict";
import { test } from "node:test";
import { AgentError } from "../../src/base/error.ts";
import { providerTool, tool, toolset } from "../../src/tool/define.ts";
import type { AnyFunctionTool, AnyTool, ToolFlags } from "../../src/tool/tool.ts";
import {
  equalToolContexts,
  flattenTools,
  hasTool,
  NO_TOOLS,
  sortedTools,
  toolContext,
  withoutTools,
} from "../../src/tool/tool_context.ts";

const make = (name: string, flags: ToolFlags = {}): AnyFunctionTool =>
  tool({ name, description: "", execute: () => name, flags });
const [a, b, c] = [make("a"), make("b"), make("c")];
const search = providerTool({ id: "search" });
const isBad = (pattern: RegExp) => (error: unknown): boolean =>
  error instanceof AgentError && error.code === "tool.bad_definition" && pattern.test(error.message);

test("tools are found by name, in the order given, provider tools last", () => {
  const toolCtx = toolContext([search, b, a]);
  assert.deepEqual(flattenTools(toolCtx), [b, a, search]);
  assert.deepEqual(sortedTools(toolCtx), [a, b]);
  assert.equal(toolCtx.functionTools.get("a"), a);
  assert.deepEqual([hasTool(toolCtx, "a"), hasTool(toolCtx, "search"), hasTool(toolCtx, "c")], [true, true, false]);
});

test("toolsets are taken apart depth first, and remembered", () => {
  const inner = toolset({ id: "inner", tools: [b] });
  const outer = toolset({ id: "outer", tools: [a, inner, search] });
  const toolCtx = toolContext([outer, c]);
  assert.deepEqual(flattenTools(toolCtx), [a, b, c, search]);
  assert.deepEqual(toolCtx.toolsets, [outer, inner]);
});

test("the same object directly and through a toolset counts once", () => {
  const set = toolset({ id: "set", tools: [a, search] });
  const toolCtx = toolContext([a, set, set, search]);
  assert.deepEqual(flattenTools(toolCtx), [a, search]);
  assert.deepEqual(toolCtx.toolsets, [set]);
});

test("toolsets with one id may stand side by side, and one that holds itself is read once", () => {
  const twins = [toolset({ id: "set", tools: [a] }), toolset({ id: "set", tools: [b] })];
  assert.deepEqual(toolContext(twins).toolsets, twins);
  const tools: AnyTool[] = [a];
  const loop = toolset({ id: "loop", tools });
  tools.push(loop);
  assert.deepEqual(flattenTools(toolContext([loop])), [a]);
});

test("two tools with one name are refused by that name, also when a toolset brings the second", () => {
  assert.throws(() => toolContext([a, make("a")]), isBad(/two tools named a$/));
  assert.throws(() => toolContext([a, toolset({ id: "set", tools: [make("a")] })]), isBad(/two tools named a$/));
});

test("what is no tool is refused", () => {
  for (const value of [null, undefined, "a", {}, { type: "other" }]) {
    assert.throws(() => toolContext([value as unknown as AnyTool]), isBad(/made by tool\(\)/));
  }
});

test("tools without a name take it from the key of an object, the same one each time, and are refused in a list", () => {
  const nameless = tool({ description: "", execute: () => "x" });
  const toolCtx = toolContext({ hello: nameless, other: a });
  assert.deepEqual([...toolCtx.functionTools.keys()], ["hello", "a"]);
  assert.equal(toolCtx.functionTools.get("hello")?.name, "hello");
  assert.equal(equalToolContexts(toolCtx, toolContext({ other: a, hello: nameless })), true);
  assert.throws(() => toolContext([nameless]), isBad(/`name`/));
  assert.throws(() => toolContext({ "two words": nameless }), isBad(/two words/));
});

test("contexts are equal when they hold the same objects, in whatever order", () => {
  const set = toolset({ id: "set", tools: [a] });
  assert.equal(equalToolContexts(toolContext([a, b, search]), toolContext([search, b, a])), true);
  assert.equal(equalToolContexts(toolContext([a]), toolContext([make("a")])), false);
  assert.equal(equalToolContexts(toolContext([a]), toolContext([a, b])), false);
  assert.equal(equalToolContexts(toolContext([a]), toolContext([a, search])), false);
  assert.equal(equalToolContexts(toolContext([set]), toolContext([a])), false);
  assert.equal(equalToolContexts(toolContext([]), NO_TOOLS), true);
});

test("flags combine and survive being taken out of a toolset", () => {
  const flags = { ignoreOnEnter: true, cancellable: true };
  const toolCtx = toolContext([toolset({ id: "set", tools: [make("both", flags), a] })]);
  assert.deepEqual(toolCtx.functionTools.get("both")?.flags, flags);
});

test("tools can be hidden while their toolsets stay", () => {
  const set = toolset({ id: "set", tools: [make("hidden", { ignoreOnEnter: true }), a] });
  const toolCtx = toolContext([set]);
  const shown = withoutTools(toolCtx, (entry) => entry.flags.ignoreOnEnter === true);
  assert.deepEqual(flattenTools(shown), [a]);
  assert.deepEqual(shown.toolsets, [set]);
  assert.equal(withoutTools(shown, () => false), shown);
});
