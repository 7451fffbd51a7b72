/**
 * What a session does, as spans of OpenTelemetry, through its API alone: the SDK and the exporter are the user's.
 *
 * @module
 */
import { type Attributes, type Context, context, trace } from "@opentelemetry/api";
import type { Clock } from "../base/runtime.ts";
import type { AttemptReport } from "../model/host.ts";
import type { CompletionUsage } from "../model/llm.ts";
import type { ModelMetrics } from "../model/metrics.ts";
import { type SpanFamily, type SpanNode, startSpan } from "./span_node.ts";

/** Name of the tracer, by which a user can tell our spans from others. */
export const TRACER_NAME = "@repartee/agents";

/** How a session is traced. */
export interface SessionTracerOptions {
  readonly clock: Pick<Clock, "now" | "wallOffset">;
  /**
   * Whether what people said and wrote, and the texts of errors, are recorded. Their attributes have a `pii` part in their
   * names, so that a collector can drop them. Default true.
   */
  readonly pii?: boolean;
  /** Put on the span of the session. */
  readonly attributes?: Attributes;
}

/** Spans that the turn machine starts and ends. */
export type RegionSpan = "user_turn" | "user_speaking" | "agent_speaking" | "eou_detection";

/** Which model it is. */
export interface TracedModel {
  readonly provider: string;
  readonly model: string;
  /** It is made of models: its requests are named so. */
  readonly composite?: true;
}

/** How a turn of the agent began. */
export interface TracedTurn {
  readonly userInput?: string;
  readonly instructions?: string;
}

/** What one generation of a turn came to. */
export interface TracedGeneration {
  readonly interrupted: boolean;
  /** What was heard of it. */
  readonly text?: string;
  readonly e2eLatencyMs?: number;
}

/** What a model node is asked with. */
export interface TracedLLMNode {
  readonly model: TracedModel | null;
  /** Called only when something records. */
  readonly chatCtx: () => unknown;
  readonly functionTools: Iterable<string>;
  readonly providerTools: Iterable<string>;
  readonly toolsets: Iterable<string>;
}

/** What a model node gave. */
export interface TracedLLMEnd {
  readonly ttftMs?: number | undefined;
  readonly text?: string;
  readonly calls?: readonly unknown[];
  readonly usage?: CompletionUsage | undefined;
  readonly error?: unknown;
}

/** What a tool's body gives, as far as a span tells of it. */
export interface TracedToolOutcome {
  readonly output: string;
  readonly isError: boolean;
  readonly cause?: unknown;
}

/** A call of a tool. */
export interface TracedCall {
  readonly callId: string;
  readonly name: string;
  readonly args: string;
}

/** The spans of one session. All of it costs nothing when no SDK records. */
export interface SessionTracer {
  /** Somebody records this session. Decided when it starts. */
  readonly isRecording: boolean;
  sessionStarted(agentLabel: string): void;
  /** Ends the session's span, and before it all that is still open. */
  sessionEnded(error?: unknown): void;
  /** A span of the turn machine begins; one of the same name that is open ends. */
  start(span: RegionSpan, at: number): void;
  end(span: RegionSpan, at: number, attributes?: Attributes): void;
  /** An agent comes or goes. Returns what ends the move. */
  move(kind: "start" | "resume" | "drain" | "pause", agentLabel: string): (error?: unknown) => void;
  /** Runs a hook of an agent. What it starts by itself hangs below it, where the place has ambient storage. */
  hook<T>(hook: "enter" | "exit", agentLabel: string, body: () => Promise<T>): Promise<T>;
  /** A turn of the agent begins, or its next generation. */
  turnStarted(speechId: string, turn?: TracedTurn): void;
  /** What was heard of the present generation. */
  turnPlayed(speechId: string, what: TracedGeneration): void;
  turnEnded(speechId: string, error?: unknown): void;
  /** Calls a model node. Returns what it gives, and what ends its span. */
  llmNode<T>(
    speechId: string,
    node: TracedLLMNode,
    body: () => T,
  ): { readonly result: T; readonly end: (how?: TracedLLMEnd) => void };
  /** Calls a voice node. Returns what it gives, and what ends its span. */
  ttsNode<T>(speechId: string, model: TracedModel | null, body: () => T): {
    readonly result: T;
    readonly end: (how?: { readonly ttfbMs?: number | undefined; readonly error?: unknown }) => void;
  };
  /** Runs a tool. */
  tool<T extends TracedToolOutcome>(speechId: string, call: TracedCall, body: () => Promise<T>): Promise<T>;
  /** The report of one call of a model, with its spans added. The report itself when nobody records. */
  request(kind: "llm" | "tts", model: TracedModel, report: AttemptReport): AttemptReport;
}

interface Generation {
  readonly node: SpanNode;
  readonly id: string;
  readonly count: number;
}

/**
 * Makes the tracer of one session. An SDK that is registered later records the sessions that start later.
 *
 * Names and attributes are those of LiveKit Agents, so that its dashboards work; times are those of the session's clock.
 *
 * @example
 * ```ts
 * const tracer = sessionTracer({ clock: runtime.clock, pii: false });
 * tracer.sessionStarted("main");
 * tracer.turnStarted("speech_1", { userInput: "Hello" });
 * tracer.turnEnded("speech_1");
 * tracer.sessionEnded();
 * ```
 */
export function sessionTracer({ clock, pii = true, attributes = {} }: SessionTracerOptions): SessionTracer {
  let family: SpanFamily | undefined;
  let root: SpanNode | undefined; // undefined: nothing is recorded
  const regions = new Map<RegionSpan, SpanNode>();
  const turns = new Map<string, Generation>();
  const moves = new Map<string, SpanNode>(); // by kind: the last one, ended or not
  let calling: SpanNode | undefined; // the node that is being called: requests made meanwhile are its own

  const open = (name: string, parent: Context, more?: Attributes, at?: number): SpanNode =>
    startSpan(family!, name, parent, more, at);

  const parentOf = (speechId: string): Context => (turns.get(speechId)?.node ?? root!).context;

  const generation = (speechId: string, turn: TracedTurn = {}): void => {
    const last = turns.get(speechId);
    last?.node.end();
    const count = (last?.count ?? 0) + 1;
    const id = `${speechId}_${count}`;
    const node = open("agent_turn", root!.context, {
      "lk.speech_id": speechId,
      "lk.generation_id": id,
      ...(last === undefined ? {} : { "lk.parent_generation_id": last.id }),
      ...(turn.userInput === undefined ? {} : { "lk.pii.user_input": turn.userInput }),
      ...(turn.instructions === undefined ? {} : { "lk.pii.instructions": turn.instructions }),
    });
    turns.set(speechId, { node, id, count });
  };

  const call = <T>(node: SpanNode, body: () => T): T => {
    const before = calling;
    calling = node;
    try {
      return context.with(node.context, body);
    } catch (error) {
      node.end({ error });
      throw error;
    } finally {
      calling = before;
    }
  };

  /** Where a request hangs: below the span that its caller runs in, as far as that is known. */
  const requestParent = (): Context => {
    if (calling !== undefined) return calling.context;
    const active = context.active();
    return trace.getSpan(active)?.isRecording() === true ? active : root!.context;
  };

  return {
    get isRecording() {
      return root !== undefined;
    },
    sessionStarted(agentLabel) {
      if (root !== undefined) return;
      family = { tracer: trace.getTracer(TRACER_NAME), clock, pii, open: new Set() };
      const node = open("agent_session", context.active(), { "lk.agent_label": agentLabel, ...attributes });
      if (node.span.isRecording()) root = node;
      else node.end();
    },
    sessionEnded(error) {
      if (root === undefined) return;
      for (const node of [...family!.open].reverse()) {
        if (node !== root) node.end();
      }
      root.end(error === undefined ? {} : { error });
      root = undefined;
      regions.clear();
      turns.clear();
      moves.clear();
    },
    start(span, at) {
      if (root === undefined) return;
      regions.get(span)?.end({ at });
      const [first] = turns.values(); // turns are heard in the order of their making
      const parent = span === "eou_detection"
        ? regions.get("user_turn")
        : span === "agent_speaking"
        ? first?.node
        : undefined;
      regions.set(span, open(span, (parent ?? root).context, {}, at));
    },
    end(span, at, more) {
      regions.get(span)?.end({ at, ...(more === undefined ? {} : { attributes: more }) });
      regions.delete(span);
    },
    move(kind, agentLabel) {
      if (root === undefined) return () => {};
      const node = open(`${kind}_agent_activity`, root.context, { "lk.agent_label": agentLabel });
      moves.set(kind, node);
      return (error) => node.end(error === undefined ? {} : { error });
    },
    hook(hook, agentLabel, body) {
      if (root === undefined) return body();
      const parent = moves.get(hook === "enter" ? "start" : "drain") ?? root;
      return within(open(`on_${hook}`, parent.context, { "lk.agent_label": agentLabel }), body);
    },
    turnStarted(speechId, turn) {
      if (root !== undefined) generation(speechId, turn);
    },
    turnPlayed(speechId, { interrupted, text, e2eLatencyMs }) {
      turns.get(speechId)?.node.set({
        "lk.interrupted": interrupted,
        ...(text === undefined ? {} : { "lk.pii.response.text": text }),
        ...(e2eLatencyMs === undefined ? {} : { "lk.e2e_latency": e2eLatencyMs / 1000 }),
      });
    },
    turnEnded(speechId, error) {
      turns.get(speechId)?.node.end(error === undefined ? {} : { error });
      turns.delete(speechId);
    },
    llmNode(speechId, node, body) {
      if (root === undefined) return { result: body(), end: () => {} };
      const span = open("llm_node", parentOf(speechId), {
        ...modelAttributes(node.model),
        "lk.pii.chat_ctx": pii ? json(node.chatCtx()) : "",
        "lk.function_tools": [...node.functionTools],
        "lk.provider_tools": [...node.providerTools],
        "lk.tool_sets": [...node.toolsets],
      });
      const end = ({ ttftMs, text, calls, usage, error }: TracedLLMEnd = {}): void =>
        span.end({
          attributes: {
            ...(text === undefined ? {} : { "lk.pii.response.text": text }),
            ...(calls === undefined || calls.length === 0 ? {} : { "lk.pii.response.function_calls": json(calls) }),
            ...(ttftMs === undefined ? {} : { "lk.response.ttft": ttftMs / 1000 }),
            ...usageAttributes(usage?.promptTokens, usage?.completionTokens),
          },
          ...(error === undefined ? {} : { error }),
        });
      return { result: call(span, body), end };
    },
    ttsNode(speechId, model, body) {
      if (root === undefined) return { result: body(), end: () => {} };
      const span = open("tts_node", parentOf(speechId), modelAttributes(model));
      return {
        result: call(span, body),
        end: ({ ttfbMs, error } = {}) =>
          span.end({
            attributes: ttfbMs === undefined ? {} : { "lk.response.ttfb": ttfbMs / 1000 },
            ...(error === undefined ? {} : { error }),
          }),
      };
    },
    tool(speechId, { callId, name, args }, body) {
      if (root === undefined) return body();
      const node = open("function_tool", parentOf(speechId), {
        "lk.function_tool.id": callId,
        "lk.function_tool.name": name,
        "lk.pii.function_tool.arguments": args,
      });
      return within(node, body, ({ output, isError, cause }) => {
        node.set({ "lk.pii.function_tool.output": output, "lk.function_tool.is_error": isError });
        if (isError && cause !== undefined) node.end({ error: cause });
      });
    },
    request(kind, model, report) {
      if (root === undefined) return report;
      const name = model.composite ? `${kind}_fallback_adapter` : `${kind}_request`;
      const node = open(name, requestParent(), {
        ...(kind === "llm" ? { "gen_ai.operation.name": "chat" } : {
          "lk.tts.streaming": true,
          "lk.tts.label": `${model.provider}/${model.model}`,
        }),
        ...modelAttributes(model),
      });
      return tracedReport(
        kind,
        node,
        report,
        (retryCount) => open(`${kind}_request_run`, node.context, { "lk.retry_count": retryCount }),
      );
    },
  };
}

/** Runs a body inside a span, which ends with it. */
async function within<T>(node: SpanNode, body: () => Promise<T>, tell: (result: T) => void = () => {}): Promise<T> {
  try {
    const result = await context.with(node.context, body);
    tell(result);
    return result;
  } catch (error) {
    node.end({ error });
    throw error;
  } finally {
    node.end();
  }
}

/** Passes reports on, and notes on the spans what they say. */
function tracedReport(
  kind: "llm" | "tts",
  node: SpanNode,
  report: AttemptReport,
  openRun: (retryCount: number) => SpanNode,
): AttemptReport {
  let failure: unknown;
  return {
    error(event) {
      if (!event.recoverable) failure = event.error;
      report.error(event);
    },
    metrics(metrics) {
      node.set({ [`lk.${kind}_metrics`]: json(metrics), ...tokensOf(metrics) });
      report.metrics(metrics);
    },
    attempt(retryCount) {
      const run = openRun(retryCount);
      const end = report.attempt?.(retryCount);
      return (how) => {
        run.end({
          attributes: { "lk.provider_request_ids": [...how.requestIds] },
          ...(how.error === undefined ? {} : { error: how.error }),
        });
        end?.(how);
      };
    },
    close() {
      node.end(failure === undefined ? {} : { error: failure });
      report.close?.();
    },
  };
}

function tokensOf(metrics: ModelMetrics): Attributes {
  return metrics.type === "llm_metrics" ? usageAttributes(metrics.promptTokens, metrics.completionTokens) : {};
}

function usageAttributes(input: number | undefined, output: number | undefined): Attributes {
  return {
    ...(input === undefined ? {} : { "gen_ai.usage.input_tokens": input }),
    ...(output === undefined ? {} : { "gen_ai.usage.output_tokens": output }),
  };
}

function modelAttributes(model: TracedModel | null): Attributes {
  return model === null ? {} : { "gen_ai.provider.name": model.provider, "gen_ai.request.model": model.model };
}

/** JSON for an attribute. What cannot be written so is left out: a span must not fail what it tells of. */
function json(value: unknown): string {
  try {
    return JSON.stringify(value) ?? "";
  } catch {
    return "";
  }
}
