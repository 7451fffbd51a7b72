/**
 * A conformance scenario: one conversation as data, and what it must come to.
 *
 * @module
 */
import * as v from "valibot";
import { AgentError } from "../../base/error.ts";
import type { DetectorScript, LLMEntry, TTSScript } from "./models.ts";

/** One thing that a scenario does. */
export interface Step {
  /** What is done, by name; the other fields belong to it. */
  readonly do: string;
  /** When, in virtual milliseconds. */
  readonly t?: number;
  /** What belongs to this kind. */
  readonly [field: string]: unknown;
}

/** Something that was observed. */
export interface Observed {
  /** When, in virtual milliseconds. */
  readonly t: number;
  /** What happened, by name. */
  readonly ev: string;
  /** What belongs to this kind. */
  readonly [field: string]: unknown;
}

/** What a scenario expects. */
export interface Expectation {
  /** What happens, in order. */
  readonly events: readonly Observed[];
  /** What the history holds at the end. */
  readonly history: readonly Readonly<Record<string, unknown>>[];
  /** States at the end. */
  readonly final: Readonly<Record<string, unknown>>;
}

/** A scenario, as its file says it. */
export interface Scenario {
  /** Names the scenario, uniquely. */
  readonly name: string;
  /** What it is filed under. */
  readonly topic: string;
  /** What it shows, in a sentence. */
  readonly about: string;
  /** Numbers of the deliberate differences that it touches. */
  readonly differs?: readonly string[];
  /** By voice or by text. */
  readonly mode: "audio" | "text";
  /** Kinds of models that the session has. */
  readonly models: readonly string[];
  /** What the place can do. */
  readonly io?: {
    readonly canPause?: boolean;
    readonly captions?: boolean;
    readonly sync?: boolean;
    readonly audioInput?: boolean;
  };
  /** Options of the session. */
  readonly options?: Readonly<Record<string, unknown>>;
  /** The agents, by id. */
  readonly agents: Readonly<Record<string, ScenarioAgent>>;
  /** The tools, by name. */
  readonly tools?: Readonly<
    Record<string, { readonly parameters?: Readonly<Record<string, string>>; readonly do: readonly Step[] }>
  >;
  /** What a listener calls off when tools have run. */
  readonly onToolsExecuted?: readonly string[];
  /** The agent it starts with. */
  readonly start: string;
  /** The result of `start` is observed too. */
  readonly captureRun?: boolean;
  /** What the models do. */
  readonly script: { readonly llm?: readonly LLMEntry[]; readonly tts?: TTSScript; readonly detector?: DetectorScript };
  /** What happens from outside, in order of time. */
  readonly input: readonly Step[];
  /** When it ends, in virtual milliseconds. */
  readonly end: number;
  /** What the reference did. */
  readonly expect: Expectation;
  /** What a later version of the reference did. */
  readonly expectLater?: Expectation & { readonly version: string };
  /** What must be and must not be seen where we differ on purpose. */
  readonly expectOurs?: {
    readonly include?: readonly Observed[];
    readonly exclude?: readonly Observed[];
    readonly history?: readonly Readonly<Record<string, unknown>>[];
    readonly historyEnds?: readonly Readonly<Record<string, unknown>>[];
  };
  /** By how many words a cut text may differ. Default 0. */
  readonly wordTolerance?: number;
}

/** An agent of a scenario. */
export interface ScenarioAgent {
  /** The system prompt. */
  readonly instructions: string;
  /** The tools, by name. */
  readonly tools?: readonly string[];
  /** What it knows from before. */
  readonly chatCtx?: readonly { readonly role: string; readonly text: string }[];
  /** Options of the session. */
  readonly options?: Readonly<Record<string, unknown>>;
  /** It is a task, which completes. */
  readonly task?: true;
  /** What its hook does. */
  readonly onEnter?: readonly Step[];
  /** What its hook does. */
  readonly onExit?: readonly Step[];
  /** What its hook does. */
  readonly onUserTurnCompleted?: readonly Step[];
}

/** What a scenario did. */
export interface Played {
  /** What happens, in order. */
  readonly events: readonly Observed[];
  /** What the history holds at the end. */
  readonly history: readonly Readonly<Record<string, unknown>>[];
  /** States at the end. */
  readonly final: Readonly<Record<string, unknown>>;
  /** Nothing is left: no handle open, no timer armed. Known after the session was closed at the end. */
  readonly quiet: boolean;
}

/** A scenario asks for something that the player cannot play. Its code is `scenario.unplayable`. */
export class UnplayableError extends AgentError {
  /** The name that logs show. */
  override readonly name = "UnplayableError";
  /** An error about what the player lacks, in a few words. */
  constructor(what: string) {
    super(
      "scenario.unplayable",
      `Cannot play the scenario as the player does not know all of it: current value is ${what}`,
    );
  }
}

const steps = v.array(v.looseObject({ do: v.string(), t: v.optional(v.pipe(v.number(), v.minValue(0))) }));
const expectation = v.looseObject({
  events: v.array(v.looseObject({ t: v.number(), ev: v.string() })),
  history: v.array(v.looseObject({ type: v.string() })),
  final: v.looseObject({ agent: v.nullable(v.string()), agentState: v.string(), userState: v.string() }),
});
const patterns = v.optional(v.array(v.looseObject({ ev: v.string() })));

/** What a player relies on. The format's own schema says more: what steps there are, and what belongs to each. */
const schema = v.looseObject({
  format: v.literal(1),
  name: v.pipe(v.string(), v.regex(/^[a-z0-9-]+$/)),
  topic: v.string(),
  about: v.string(),
  differs: v.optional(v.array(v.pipe(v.string(), v.regex(/^(OURS-[0-9]+|1\.7|weakness)(:|$)/)))),
  mode: v.picklist(["audio", "text"]),
  models: v.array(v.picklist(["llm", "tts", "stt", "vad", "realtime"])),
  agents: v.record(
    v.string(),
    v.looseObject({
      instructions: v.string(),
      tools: v.optional(v.array(v.string())),
      onEnter: v.optional(steps),
      onExit: v.optional(steps),
      onUserTurnCompleted: v.optional(steps),
    }),
  ),
  tools: v.optional(v.record(v.string(), v.looseObject({ do: steps }))),
  start: v.string(),
  script: v.looseObject({}),
  input: steps,
  end: v.pipe(v.number(), v.minValue(0)),
  expect: expectation,
  expectLater: v.optional(v.looseObject({ ...expectation.entries, version: v.string() })),
  expectOurs: v.optional(v.looseObject({ include: patterns, exclude: patterns })),
  wordTolerance: v.optional(v.pipe(v.number(), v.minValue(0))),
});

/**
 * Reads a scenario from the text of its file.
 *
 * @throws {AgentError} `scenario.bad`, with the place and the rule, when it is no JSON or no scenario.
 *
 * @example
 * ```ts
 * const scenario = parseScenario(await (await fetch(url)).text());
 * const played = await playScenario(scenario, { compat: "fixed", runtime: virtualRuntime() });
 * ```
 */
export function parseScenario(text: string): Scenario {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw bad("be JSON", cause instanceof Error ? cause.message : cause, { cause });
  }
  const result = v.safeParse(schema, value);
  if (!result.success) {
    const issue = result.issues[0];
    const path = v.getDotPath(issue) ?? "the whole";
    throw bad(`have a \`${path}\` that is ${issue.expected ?? "as the format says"}`, issue.received);
  }
  const scenario = result.output as unknown as Scenario;
  if (scenario.agents[scenario.start] === undefined) {
    throw bad("have the agent that `start` names among `agents`", scenario.start);
  }
  return scenario;
}

function bad(rule: string, value: unknown, options?: { readonly cause?: unknown }): AgentError {
  return new AgentError(
    "scenario.bad",
    `Cannot read a scenario as it must ${rule}: current value is ${value}`,
    options,
  );
}
