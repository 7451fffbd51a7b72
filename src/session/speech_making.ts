/**
 * How a turn of the agent is made: what it knows, and what it may use.
 *
 * @module
 */
import { AgentError } from "../base/error.ts";
import type { ChatContext } from "../chat/context.ts";
import { type Instructions, renderInstructions } from "../chat/instructions.ts";
import type { ChatMessage } from "../chat/item.ts";
import { handleName } from "../stage/run.ts";
import { Reply, type ReplySource } from "../reply/reply.ts";
import { toolContext, withoutTools } from "../tool/tool_context.ts";
import type { ToolChoice, ToolContext } from "../tool/tool.ts";
import type { Activity } from "./activity.ts";
import type { SessionCore } from "./core.ts";
import type { Live } from "./live.ts";
import { replyHost } from "./reply_host.ts";
import { SPEECH_PRIORITY_NORMAL, SpeechHandle } from "./speech_handle.ts";

/** Makes a reply, which has not been asked yet. */
export function makeReply(core: SessionCore, activity: Activity, o: {
  readonly id: string;
  readonly handle?: SpeechHandle | undefined;
  readonly priority?: number | undefined;
  readonly message: ChatMessage | undefined;
  readonly modality: "text" | "audio";
  readonly transcript: string | undefined;
  readonly chatCtx?: ChatContext | undefined;
  /** Where the user's message stands in `chatCtx`; left out: by its time. */
  readonly place?: number;
  readonly instructions?: string | Instructions | undefined;
  readonly toolChoice?: ToolChoice | undefined;
  readonly tools?: readonly string[] | undefined;
  readonly onEnter?: boolean;
  readonly insideTool?: boolean;
  readonly allowInterruptions?: boolean | undefined;
}): Live {
  const toolCtx = selectTools(activity, o.tools, o.onEnter ?? false);
  const extra = o.instructions === undefined
    ? undefined
    : core.items.message({ role: "system", content: [renderInstructions(o.instructions, o.modality)] });
  const build = (): ChatContext => {
    const own = activity.agent["~"].chatCtx;
    const chatCtx = (o.chatCtx ?? own).copy();
    if (o.chatCtx !== undefined) core.toolCalls.adopt(chatCtx);
    const { userMessage } = live;
    if (userMessage !== undefined && chatCtx.getById(userMessage.id) === undefined) {
      if (o.place === undefined) chatCtx.insert(userMessage);
      else chatCtx.insertAt(Math.min(o.place, chatCtx.length), userMessage);
    }
    live.base = chatCtx.copy();
    live.known = own.copy();
    core.storing.addRunningCalls(chatCtx, activity);
    if (extra !== undefined) {
      chatCtx.append(extra);
      live.base.append(extra);
    }
    return activity.rendered(chatCtx, o.modality);
  };
  const live: Live = makeSpeech(core, activity, {
    id: o.id,
    kind: "reply",
    source: {
      kind: "reply",
      prompt: () => {
        const pending = core.storing.untilStored();
        return pending === undefined ? build() : pending.then(build);
      },
      toolCtx,
      toolChoice: o.toolChoice,
    },
    allowInterruptions: o.allowInterruptions,
    handle: o.handle,
    priority: o.priority,
    addToChatCtx: true,
    insideTool: o.insideTool ?? false,
    modality: o.modality,
    userMessage: o.message,
    toolCtx,
    toolsNow: () => selectTools(activity, o.tools, o.onEnter ?? false, true),
    toolChoice: o.toolChoice,
    extra,
    transcript: o.transcript,
  });
  return live;
}

/** Makes the handle of a turn. */
export function makeHandle(core: SessionCore, id: string, activity: Activity, o: {
  readonly allowInterruptions?: boolean | undefined;
  readonly modality: "text" | "audio";
  readonly priority?: number | undefined;
}): SpeechHandle {
  if (o.priority !== undefined && !Number.isFinite(o.priority)) {
    throw new AgentError(
      "session.bad_option",
      `Cannot queue a speech as \`priority\` must be a number: current value is ${o.priority}`,
    );
  }
  return new SpeechHandle(id, core.speechPort, {
    allowInterruptions: o.allowInterruptions ?? activity.resolved.config.interruption.enabled,
    modality: o.modality,
    priority: o.priority ?? SPEECH_PRIORITY_NORMAL,
  });
}

/** Makes a turn of the agent, which has not begun yet. */
export function makeSpeech(core: SessionCore, activity: Activity, o: {
  readonly id: string;
  /** Left out: a new one. */
  readonly handle?: SpeechHandle | undefined;
  readonly priority?: number | undefined;
  readonly kind: "say" | "reply";
  readonly source: ReplySource;
  readonly allowInterruptions: boolean | undefined;
  readonly addToChatCtx: boolean;
  readonly insideTool?: boolean;
  readonly modality: "text" | "audio";
  readonly userMessage?: ChatMessage | undefined;
  readonly toolCtx?: ToolContext;
  readonly toolsNow?: () => ToolContext;
  readonly toolChoice?: ToolChoice | undefined;
  readonly extra?: ChatMessage | undefined;
  readonly transcript?: string | undefined;
}): Live {
  const handle = o.handle ?? makeHandle(core, o.id, activity, o);
  const rank = core.speeches.nextRank();
  core.telemetry.turnStarted(
    o.id,
    o.userMessage?.textContent === undefined ? {} : { userInput: o.userMessage.textContent },
  );
  const live: Live = {
    handle,
    activity,
    reply: new Reply(o.id, o.source, replyHost(core, handle, activity, rank)),
    kind: o.kind,
    rank,
    addToChatCtx: o.addToChatCtx,
    insideTool: o.insideTool ?? false,
    userMessage: o.userMessage,
    userMetrics: undefined,
    base: undefined,
    known: undefined,
    toolCtx: o.toolCtx ?? activity.toolCtx,
    toolsNow: o.toolsNow ?? (() => activity.toolCtx),
    badRounds: 0,
    toolChoice: o.toolChoice,
    extra: o.extra,
    transcript: o.transcript,
    stored: false,
    interruptedAt: undefined,
    storedTools: undefined,
  };
  core.speeches.add(live);
  // A reply that may never be heard keeps no run open: one that is used is waited for from then on.
  if (o.transcript === undefined) core.inbox.call({ type: "run.watch", t: 0, name: handleName(o.id) });
  return live;
}

/** The tools that a reply may use. `isLate`: tools that there were before may be gone. */
function selectTools(
  activity: Activity,
  names: readonly string[] | undefined,
  onEnter: boolean,
  isLate = false,
): ToolContext {
  const { toolCtx } = activity;
  if (names === undefined) {
    return onEnter ? withoutTools(toolCtx, (tool) => tool.flags.ignoreOnEnter === true) : toolCtx;
  }
  const known = new Set<string>(toolCtx.functionTools.keys());
  const sets = new Map(toolCtx.toolsets.map((set) => [set.id, set]));
  const wanted = new Set<string>();
  for (const name of names) {
    const set = sets.get(name);
    if (set !== undefined) { for (const one of toolContext([set]).functionTools.keys()) wanted.add(one); }
    else if (known.has(name)) wanted.add(name);
    else if (!isLate) {
      throw new AgentError(
        "tool.unknown",
        `Cannot make a reply as \`tools\` must name tools of the agent (${
          [...known].join(", ")
        }): current value is ${name}`,
      );
    }
  }
  return withoutTools(toolCtx, (tool) => !wanted.has(tool.name) || (onEnter && tool.flags.ignoreOnEnter === true));
}
