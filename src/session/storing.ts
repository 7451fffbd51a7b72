/**
 * What of the agent's turns goes into the history: what was heard, and what tools came to.
 *
 * @module
 */
import type { ChatContext } from "../chat/context.ts";
import type { ChatItem, FunctionCall, MetricsReport } from "../chat/item.ts";
import { pairToolCalls } from "../chat/render.ts";
import { metadataOf } from "../model/attempt_policy.ts";
import type { LlmStep } from "../reply/llm_step.ts";
import type { FollowUp } from "../reply/reply.ts";
import { CLEAR_LIMIT_MS } from "../reply/segment.ts";
import { roundHandoff } from "../tool/result.ts";
import type { Activity } from "./activity.ts";
import type { Agent } from "./agent.ts";
import type { SessionCore } from "./core.ts";
import { isBeingStored, type Live } from "./live.ts";
import { emitPart } from "./speech_handle.ts";

/** What a tool says stands this much behind its call. Chosen: less than any clock shows. */
const AFTER_CALL_MS = 0.001;

/**
 * After so many rounds in a row in which no call fitted, the model must answer without calling. Chosen: it has seen twice what
 * is wrong, and rounds that run nothing must not use up a high limit of tool steps.
 */
const MAX_BAD_ROUNDS = 3;

/** Stores what became of speech, each step once. */
export class Storing {
  readonly #core: SessionCore;
  /** What stood last when a call began: it is stored behind that, however much is said until it ends. */
  readonly #begun = new Map<
    string,
    {
      readonly activity: Activity;
      readonly behind: string | undefined;
      readonly behindInHistory: string | undefined;
    }
  >();
  readonly #waiting: (() => void)[] = [];

  constructor(core: SessionCore) {
    this.#core = core;
  }

  /** A call begins. */
  callBegan(call: FunctionCall, activity: Activity): void {
    this.#begun.set(call.id, {
      activity,
      behind: activity.agent["~"].chatCtx.at(-1)?.id,
      behindInHistory: this.#core.history.at(-1)?.id,
    });
  }

  /** Calls back once something more has been stored. */
  next(go: () => void): void {
    this.#waiting.push(go);
  }

  /** Stores what was heard of the step that a speech has just played. */
  commitMessage(handleId: string, text: string, interrupted: boolean): void {
    const live = this.#core.speeches.byId(handleId);
    if (live === undefined) return;
    live.stored = true;
    const { outcome } = live.reply;
    if (text !== "" && live.addToChatCtx && outcome !== undefined) {
      const message = this.#core.items.message({
        role: "assistant",
        content: [text],
        interrupted,
        // A text that was said whole is stamped now; all else stands where it began, before what cut it off.
        ...(outcome.startedAt !== undefined && (live.kind === "reply" || interrupted) &&
          { createdAt: this.#core.wall(outcome.startedAt) + (live.insideTool ? AFTER_CALL_MS : 0) }),
        ...(outcome.llm && { id: outcome.llm.itemId, extra: outcome.llm.extra }),
        metrics: this.#messageMetrics(live),
      });
      const { e2eLatency } = message.metrics;
      if (e2eLatency !== undefined) {
        this.#core.telemetry.turnPlayed(handleId, { interrupted, text, e2eLatencyMs: e2eLatency });
      }
      this.#core.commitMessage(live.activity, message, live.handle);
      live.userMetrics = undefined;
    }
    for (const go of this.#waiting.splice(0)) go();
  }

  /** Stores the results of a round of tools, tells the listeners, and answers the reply that waits. */
  commitTools(handleId: string, isDraining: boolean, isSilent = false): void {
    const live = this.#core.speeches.byId(handleId) ?? this.#core.speeches.lingering(handleId);
    const tools = live?.reply.tools;
    if (live === undefined || tools === undefined || tools.results.length === 0 || live.storedTools === tools) return;
    live.storedTools = tools;
    this.#core.speeches.forgetLingering(handleId);
    const core = this.#core;
    const results = [...tools.results];
    const move = roundHandoff(results.map((result) => result.outcome));
    const interrupted = live.handle.interrupted;
    let wantsReply = !interrupted && !isSilent && results.some((result) => result.output.replyRequired);
    let wantsHandoff = !interrupted && move.type === "handoff";
    if (move.type === "conflict") {
      core.log("error", "two tools handed over in one round; neither does", { area: "tool" });
    }
    const functionCalls = results.map((result) => result.call);
    const functionCallOutputs = results.map((result) => result.output);
    core.emit({
      type: "function_tools_executed",
      createdAt: core.wall(),
      functionCalls,
      functionCallOutputs,
      get hasToolReply() {
        return wantsReply;
      },
      get hasAgentHandoff() {
        return wantsHandoff;
      },
      cancelToolReply: () => void (wantsReply = false),
      cancelAgentHandoff: () => void (wantsHandoff = false),
      zipped: () => results.map((result) => [result.call, result.output] as const),
    });
    const started = [...functionCalls].sort((a, b) => a.createdAt - b.createdAt || callIndex(a) - callIndex(b));
    const { chatCtx } = live.activity.agent["~"];
    const own = new Set(live.handle.chatItems.map((item) => item.id));
    for (const call of started) {
      const begun = this.#begun.get(call.id);
      this.#begun.delete(call.id);
      insertCall(chatCtx, call, begun?.behind, own);
      insertCall(core.history, call, begun?.behindInHistory, own);
    }
    chatCtx.insert(functionCallOutputs);
    core.history.insert(functionCallOutputs);
    for (const { callId } of functionCalls) core.toolCalls.stored(callId);
    let draining = isDraining;
    if (wantsHandoff && move.type === "handoff") {
      try {
        const oldAgentId = core.agent?.id ?? null;
        core.calls.handOver(move.agent as Agent);
        emitPart(live.handle, { type: "handoff", oldAgentId, newAgentId: (move.agent as Agent).id });
        draining = true;
      } catch (error) {
        core.partFailed("a hand-off failed", "handoff", error);
      }
    }
    live.badRounds = results.every(({ outcome }) => outcome.isBadCall) ? live.badRounds + 1 : 0;
    if (live.badRounds === MAX_BAD_ROUNDS) {
      core.log("warn", "the model does not call tools as it should: it must answer without", {
        area: "tool",
        speechId: live.handle.id,
      });
    }
    if (wantsReply) core.telemetry.turnStarted(live.handle.id);
    live.reply.followUp(wantsReply ? this.#followUp(live, results, draining) : null);
  }

  #followUp(
    live: Live,
    results: readonly { readonly call: FunctionCall; readonly output: ChatItem }[],
    draining: boolean,
  ): FollowUp {
    const { maxToolSteps } = this.#core;
    const limitReached = live.handle.numSteps >= maxToolSteps + 1;
    if (limitReached) {
      this.#core.log("warn", "no more tools in this turn", { area: "tool", maxToolSteps, speechId: live.handle.id });
    }
    live.handle["~"].numSteps++;
    live.stored = false;
    return {
      toolCtx: live.toolsNow(),
      toolChoice: limitReached || live.badRounds >= MAX_BAD_ROUNDS || draining || live.toolChoice === "none"
        ? "none"
        : "auto",
      prompt: () => {
        const { chatCtx } = live.activity.agent["~"];
        const next = (live.base ?? chatCtx).copy();
        const round = new Set(results.flatMap(({ call, output }) => [call.id, output.id]));
        const own = new Set(live.handle.chatItems.map((item) => item.id));
        const behind = next.at(-1)?.id;
        for (const item of live.known === undefined ? [] : chatCtx.addedTo(live.known)) {
          if (item.type === "agent_config_update" || round.has(item.id)) continue;
          if (next.getById(item.id) === undefined) next.insert(item);
        }
        for (const { call } of results) if (next.getById(call.id) === undefined) insertCall(next, call, behind, own);
        for (const { output } of results) if (next.getById(output.id) === undefined) next.insert(output);
        live.base = next.copy();
        live.known = chatCtx.copy();
        this.addRunningCalls(next, live.activity);
        return live.activity.rendered(next, live.handle.inputDetails.modality);
      },
    };
  }

  /** A promise while something that was cut off is not yet stored: the next prompt must hold it. */
  untilStored(): Promise<void> | undefined {
    const now = this.#core.clock.now();
    const isPending = (): boolean => {
      for (const live of this.#core.speeches.live) {
        if (isBeingStored(live)) return true;
      }
      return false;
    };
    if (!isPending()) return undefined;
    return new Promise((resolve) => {
      const off = this.#core.clock.schedule(now + CLEAR_LIMIT_MS, resolve);
      const again = (): void => {
        if (isPending()) return void this.#waiting.push(again);
        off();
        resolve();
      };
      this.#waiting.push(again);
    });
  }

  /**
   * A model is told of the calls that still run, so that it does not make them again. Each stands where it began: behind what
   * its own agent heard until then, and before whatever another agent began with.
   */
  addRunningCalls(chatCtx: ChatContext, activity: Activity): void {
    for (const { call } of this.#core.toolCalls.running()) {
      const own = this.#begun.get(call.id)?.activity;
      if (chatCtx.getById(call.id) !== undefined) continue;
      const { items } = chatCtx;
      const isBefore = (item: ChatItem): boolean =>
        own === activity ? item.createdAt <= call.createdAt : item.createdAt < call.createdAt;
      let place = items.length;
      while (place > 0 && !isBefore(items[place - 1] as ChatItem)) place--;
      for (const item of pairToolCalls([call], { stateOf: () => "running" })) chatCtx.insertAt(place++, item);
    }
  }

  #messageMetrics(live: Live): MetricsReport {
    const { outcome } = live.reply;
    if (outcome === undefined) return {};
    const { spoken, llm, tts } = outcome;
    const core = this.#core;
    const { llm: model, tts: voice } = live.activity.resolved;
    const stopped = live.userMetrics?.stoppedSpeakingAt;
    const started = spoken.startedAt === undefined ? undefined : core.wall(spoken.startedAt);
    return {
      ...(started !== undefined && { startedSpeakingAt: started }),
      stoppedSpeakingAt: core.wall(spoken.endedAt),
      ...(llm?.ttft !== undefined && { llmNodeTtft: llm.ttft }),
      ...(llm && tokensPerSecond(llm)),
      ...(tts?.ttfb !== undefined && { ttsNodeTtfb: tts.ttfb }),
      ...(spoken.playbackLatency !== undefined && { playbackLatency: spoken.playbackLatency }),
      ...(started !== undefined && stopped !== undefined && { e2eLatency: started - stopped }),
      ...(llm && model && { llmMetadata: metadataOf(model) }),
      ...(tts && voice && { ttsMetadata: metadataOf(voice) }),
    };
  }
}

/**
 * Stores a call where it began: by its time, and among what has the same time behind what stood there before, and behind what
 * else its own turn has said and called.
 */
function insertCall(
  chatCtx: ChatContext,
  call: FunctionCall,
  behind: string | undefined,
  own: ReadonlySet<string>,
): void {
  let place = chatCtx.length;
  for (; place > 0; place--) {
    const item = chatCtx.at(place - 1) as ChatItem;
    if (item.createdAt < call.createdAt) break;
    if (item.createdAt === call.createdAt && (item.id === behind || own.has(item.id))) break;
  }
  chatCtx.insertAt(place, call);
}

/** The place of a call among those of its round: its id ends with it. */
function callIndex(call: FunctionCall): number {
  return Number(call.id.slice(call.id.lastIndexOf("_") + 1));
}

/** Nothing when the text came at once, or nobody counted. */
function tokensPerSecond({ usage, textFrom, textUntil }: LlmStep): { readonly llmNodeTps?: number } {
  if (usage === undefined || textFrom === undefined || textUntil === undefined || textUntil <= textFrom) return {};
  return { llmNodeTps: (usage.completionTokens * 1000) / (textUntil - textFrom) };
}
