/**
 * News of calls that work in the background: into the history at once, and told to the user when nobody speaks.
 *
 * @module
 */
import type { FunctionCall, FunctionCallOutput } from "../chat/item.ts";
import { newsName } from "../stage/run.ts";
import { fillTemplate } from "../tool/templates.ts";
import type { Activity } from "./activity.ts";
import type { Agent } from "./agent.ts";
import type { SessionCore } from "./core.ts";
import type { SpeechHandle } from "./speech_handle.ts";

/** A call and output that stand for something that a tool said after its first answer. */
interface Update {
  readonly callId: string;
  readonly call: FunctionCall;
  readonly output: FunctionCallOutput;
  /** Who knows of it already. */
  readonly agent: Agent | undefined;
}

/** The news of one activity's calls, or of those that belong to the session. */
export class ToolNews {
  readonly #core: SessionCore;
  /** Whose calls; undefined: the session's, told by whoever is on stage. */
  readonly #owner: Activity | undefined;
  readonly #name: string;
  #pending: Update[] = [];
  #off: (() => void) | undefined;
  #speech: SpeechHandle | undefined;
  #told: (() => void)[] = [];

  constructor(core: SessionCore, owner: Activity | undefined) {
    this.#core = core;
    this.#owner = owner;
    this.#name = newsName(owner?.id ?? null);
  }

  /** Stores what a tool said. `isWorthTelling`: the user is told when nobody speaks. */
  add(
    o: {
      readonly callId: string;
      readonly call: FunctionCall;
      readonly output: string;
      readonly isError: boolean;
      readonly isWorthTelling: boolean;
    },
  ): void {
    const core = this.#core;
    const { name, args, extra } = o.call;
    const call = core.items.functionCall({ callId: o.callId, name, args, extra });
    const output = core.items.functionCallOutput({
      callId: o.callId,
      name,
      output: o.output,
      isError: o.isError,
      replyRequired: o.isWorthTelling,
    });
    const agent = (this.#owner ?? core.activity)?.agent;
    for (const item of [call, output]) {
      agent?.["~"].chatCtx.insert(item);
      core.history.insert(item);
      core.runs.record(item);
    }
    if (!o.isWorthTelling || core.isClosing) return;
    this.#pending.push({ callId: o.callId, call, output, agent });
    if (this.#off !== undefined) return;
    core.inbox.call({ type: "run.watch", t: 0, name: this.#name });
    this.#off = core.idle.when(() => this.#tell(), () => this.close(), { owner: this.#owner });
  }

  /** Resolves when all that there is to tell now has been told. */
  async told(): Promise<void> {
    if (this.#off !== undefined) await new Promise<void>((resolve) => this.#told.push(resolve));
    await this.#speech?.waitForPlayout();
  }

  /** Nothing is told any more. */
  close(): void {
    this.#pending = [];
    if (this.#off === undefined) return;
    this.#off();
    this.#ended();
  }

  /** Has the agent tell all there is. Nobody speaks: what it says is next. */
  #tell(): void {
    const core = this.#core;
    const updates = this.#pending;
    const { activity } = core;
    if (activity === undefined || (this.#owner !== undefined && this.#owner !== activity)) return this.close();
    this.#pending = [];
    const { chatCtx } = activity.agent["~"];
    for (const { agent, call, output } of updates) {
      if (agent === activity.agent) continue;
      core.log("warn", "news of a call are told by another agent", { area: "tool", callId: call.callId });
      chatCtx.insert(call);
      chatCtx.insert(output);
    }
    const isAtTail = chatCtx.items.at(-1)?.id === updates.at(-1)?.output.id;
    const { replyAtTailTemplate, replyMaybeCoveredTemplate } = core.toolCalls.templates(activity);
    const callIds = updates.map(({ callId }) => callId);
    try {
      this.#speech = core.speeches.generateReply(activity, {
        instructions: fillTemplate(isAtTail ? replyAtTailTemplate : replyMaybeCoveredTemplate, {
          callIds: callIds.join(", "),
        }),
        toolChoice: "none",
      }, { insideTool: false, onEnter: false });
      this.#follow(this.#speech, callIds);
    } catch (error) {
      core.partFailed("news of a call could not be told", "tool", error);
    }
    this.#ended();
  }

  #follow(speech: SpeechHandle, updateIds: readonly string[]): void {
    const core = this.#core;
    const tell = (status: "scheduled" | "completed" | "interrupted" | "skipped"): void =>
      core.emit({
        type: "tool_execution_updated",
        createdAt: core.wall(),
        update: { type: "tool_reply_updated", updateIds, speechId: speech.id, status },
      });
    tell("scheduled");
    speech.addDoneCallback(() => {
      if (speech.interrupted) return tell("interrupted");
      tell(speech.chatItems.some((item) => item.type === "message") ? "completed" : "skipped");
    });
  }

  #ended(): void {
    this.#off = undefined;
    this.#core.inbox.call({ type: "run.unwatch", t: 0, name: this.#name });
    for (const resolve of this.#told.splice(0)) resolve();
  }
}
