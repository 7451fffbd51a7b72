/**
 * The agents and tools of a scenario: what their hooks and bodies do is a list of steps.
 *
 * @module
 */
import { ChatContext } from "../../chat/context.ts";
import { chatMessage } from "../../chat/make.ts";
import { Agent, type AgentOptions, type HookContext, type MutableMessage } from "../../session/agent.ts";
import type { AgentSession } from "../../session/agent_session.ts";
import { AgentTask } from "../../session/agent_task.ts";
import type { TurnHandlingOptions } from "../../session/options.ts";
import type { RunContext } from "../../tool/context.ts";
import { tool as defineTool } from "../../tool/define.ts";
import type { AnyTool } from "../../tool/tool.ts";
import { type MakeDetector, turnHandling } from "./options.ts";
import type { Scenario, ScenarioAgent, Step } from "./scenario.ts";

/** What steps can reach from where they run. */
export interface Scope {
  readonly session?: AgentSession;
  readonly run?: RunContext;
  /** Waits for a task, in a tool or a hook. */
  readonly runTask?: HookContext["run"];
  readonly args?: Readonly<Record<string, unknown>>;
  readonly turnCtx?: ChatContext;
  readonly message?: MutableMessage;
}

/** What an agent of a scenario is given: its tools, and who plays its hooks. */
export interface Scripts {
  readonly tools: readonly AnyTool[];
  readonly detector: MakeDetector;
  readonly play: (hook: string, steps: readonly Step[], scope: Scope) => Promise<unknown>;
}

/** An agent whose hooks are steps. */
export class ScriptedAgent extends Agent {
  readonly #play: PlayHook;

  constructor(id: string, spec: ScenarioAgent, scripts: Scripts) {
    super(optionsOf(id, spec, scripts));
    this.#play = playHook(spec, scripts);
  }

  override async onEnter(ctx: HookContext): Promise<void> {
    await this.#play("onEnter", ctx);
  }

  override async onExit(ctx: HookContext): Promise<void> {
    await this.#play("onExit", ctx);
  }

  override async onUserTurnCompleted(turnCtx: ChatContext, message: MutableMessage, ctx: HookContext): Promise<void> {
    await this.#play("onUserTurnCompleted", ctx, { turnCtx, message });
  }
}

/** The same, as a task. */
export class ScriptedTask extends AgentTask {
  readonly #play: PlayHook;

  constructor(id: string, spec: ScenarioAgent, scripts: Scripts) {
    super(optionsOf(id, spec, scripts));
    this.#play = playHook(spec, scripts);
  }

  override async onEnter(ctx: HookContext): Promise<void> {
    await this.#play("onEnter", ctx);
  }

  override async onExit(ctx: HookContext): Promise<void> {
    await this.#play("onExit", ctx);
  }

  override async onUserTurnCompleted(turnCtx: ChatContext, message: MutableMessage, ctx: HookContext): Promise<void> {
    await this.#play("onUserTurnCompleted", ctx, { turnCtx, message });
  }
}

type PlayHook = (
  hook: "onEnter" | "onExit" | "onUserTurnCompleted",
  ctx: HookContext,
  more?: Partial<Scope>,
) => Promise<void>;

function playHook(spec: ScenarioAgent, scripts: Scripts): PlayHook {
  return async (hook, { session, run: runTask }, more = {}) => {
    const steps = spec[hook];
    if (steps !== undefined) await scripts.play(hook, steps, { session, runTask, ...more });
  };
}

function optionsOf(id: string, spec: ScenarioAgent, scripts: Scripts): AgentOptions {
  const raw = (spec.options ?? {}) as Record<string, unknown>;
  const { turnHandling: turn, ...rest } = raw;
  return {
    id,
    instructions: spec.instructions,
    tools: scripts.tools,
    ...(spec.chatCtx && { chatCtx: chatCtxOf(spec.chatCtx) }),
    ...rest,
    ...(turn !== undefined && { turnHandling: turnHandling(turn as TurnHandlingOptions, scripts.detector) }),
  };
}

/** Makes a tool whose body is steps. */
export function scenarioTool(
  name: string,
  spec: NonNullable<Scenario["tools"]>[string],
  play: (steps: readonly Step[], scope: Scope) => Promise<unknown>,
): AnyTool {
  const properties: Record<string, unknown> = {};
  const required: string[] = [];
  const types = spec.parameters ?? {};
  for (const [key, type] of Object.entries(types)) {
    const base = type.replace("?", "");
    properties[key] = type.endsWith("?") ? { type: [base, "null"], default: null } : { type: base };
    if (!type.endsWith("?")) required.push(key);
  }
  const jsonSchema = { type: "object", properties, required };
  return defineTool({
    name,
    description: name,
    parameters: { jsonSchema, schema: checked(types) },
    execute: (args, { ctx }) =>
      play(spec.do, {
        run: ctx as RunContext,
        runTask: (task) => ctx.run(task),
        session: ctx.session as AgentSession,
        args: args as Record<string, unknown>,
      }),
  });
}

/** A context of messages from before the conversation. */
export function chatCtxOf(lines: readonly { readonly role: string; readonly text: string }[]): ChatContext {
  return new ChatContext(
    lines.map(({ role, text }, index) =>
      chatMessage({ id: `given_${index}`, createdAt: 0, role: role as "user", content: [text] })
    ),
  );
}

/** A Standard Schema of a scenario's simple types. */
function checked(types: Readonly<Record<string, string>>) {
  return {
    "~standard": {
      version: 1 as const,
      vendor: "scenario",
      validate: (value: unknown) => {
        const input = value as Record<string, unknown>;
        const out: Record<string, unknown> = {};
        const issues: { message: string; path: string[] }[] = [];
        for (const [key, type] of Object.entries(types)) {
          const base = type.replace("?", "");
          const given = input[key];
          if (given === undefined || given === null) {
            if (type.endsWith("?")) out[key] = null;
            else issues.push({ message: "is missing", path: [key] });
          } else if (base === "integer" ? !Number.isInteger(given) : String(typeof given) !== base) {
            issues.push({ message: `must be of type ${base}`, path: [key] });
          } else out[key] = given;
        }
        return issues.length > 0 ? { issues } : { value: out };
      },
    },
  };
}
