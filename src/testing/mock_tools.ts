/**
 * Puts something else in the place of an agent's tools, for one session and as long as a test wants.
 *
 * @module
 */
import type { Agent } from "../session/agent.ts";
import type { AgentSession } from "../session/agent_session.ts";
import type { SessionCore } from "../session/core.ts";
import type { AnyFunctionTool, ToolOptions } from "../tool/tool.ts";

/** What runs in the place of a tool. It gets what the tool would get, and its result is read as the tool's would be. */
// deno-lint-ignore no-explicit-any -- the arguments are those of a tool that is known by its name alone
export type MockTool = (args: any, options: ToolOptions) => unknown;

/** A call that a mock took. */
export interface MockedCall {
  /** The tool. */
  readonly name: string;
  /** Its arguments, as the schema of the tool gave them. */
  readonly args: unknown;
}

/** Mocks at work. They end with the scope that holds them. */
export interface MockedTools extends Disposable {
  /** The calls that these mocks took, in order. */
  readonly calls: readonly MockedCall[];
  /** Ends them. Idempotent. */
  restore(): void;
}

/** Mocks of one class of agents. */
interface Scope {
  // deno-lint-ignore no-explicit-any -- the arguments of a constructor are contravariant, and here they do not matter
  readonly agentType: abstract new (...args: any[]) => Agent<any>;
  readonly mocks: Readonly<Record<string, MockTool>>;
  readonly calls: MockedCall[];
}

/** The scopes of each session, the inner ones behind. */
const scopes = new WeakMap<SessionCore, Scope[]>();

/**
 * Puts mocks in the place of tools, for the agents of one class in one session. Other sessions, and classes that extend it, keep
 * theirs.
 *
 * Models see the real tools: name, description and schema, by which the arguments are checked before the mock gets them. What a
 * mock throws counts as thrown by the tool. Of several calls for one class the last holds alone, until it ends; `{}` gives the real
 * tools back for that long.
 *
 * @param agentType The very class: `Agent` for agents that were made without one.
 *
 * @example
 * ```ts
 * using mocked = mockTools(session, Bookseller, { opening_hours: () => ({ day: "sunday", hours: "closed" }) });
 * const result = await session.run({ userInput: "Are you open on Sunday?" });
 * assert.deepEqual(mocked.calls, [{ name: "opening_hours", args: { day: "sunday" } }]);
 * ```
 */
export function mockTools<UserData>(
  session: AgentSession<UserData>,
  // deno-lint-ignore no-explicit-any -- the arguments of a constructor are contravariant, and here they do not matter
  agentType: abstract new (...args: any[]) => Agent<any>,
  mocks: Readonly<Record<string, MockTool>>,
): MockedTools {
  const core = session["~core"];
  const all = scopes.get(core) ?? [];
  scopes.set(core, all);
  core.toolCalls.standIn = (agent, tool) => standIn(all, agent, tool);
  const scope: Scope = { agentType, mocks: { ...mocks }, calls: [] };
  all.push(scope);
  const restore = (): void => {
    const place = all.indexOf(scope);
    if (place >= 0) all.splice(place, 1);
    if (all.length === 0) core.toolCalls.standIn = undefined;
  };
  return { calls: scope.calls, restore, [Symbol.dispose]: restore };
}

function standIn(all: readonly Scope[], agent: Agent, tool: AnyFunctionTool): AnyFunctionTool["execute"] | undefined {
  const scope = all.findLast(({ agentType }) => agent.constructor === agentType);
  const mock = scope !== undefined && Object.hasOwn(scope.mocks, tool.name) ? scope.mocks[tool.name] : undefined;
  if (scope === undefined || mock === undefined) return undefined;
  return (args, options) => {
    scope.calls.push({ name: tool.name, args });
    return mock(args, options);
  };
}
