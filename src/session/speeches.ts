/**
 * The turns of the agent that are alive: makes them, lets them speak, cuts them off, and stores what was heard.
 *
 * @module
 */
import { AgentError } from "../base/error.ts";
import type { PlayoutSink } from "../io/playout.ts";
import type { ReplyPart } from "../reply/part.ts";
import { CLEAR_LIMIT_MS } from "../reply/segment.ts";
import type { SpeechKind } from "../turn/event.ts";
import type { Activity } from "./activity.ts";
import { Agent } from "./agent.ts";
import type { SessionCore } from "./core.ts";
import { RANK } from "./inbox.ts";
import { isBeingStored, type Live } from "./live.ts";
import { emitPart, markDone, markInterrupted, type SpeechHandle } from "./speech_handle.ts";
import { makeReply, makeSpeech } from "./speech_making.ts";
import type { GenerateReplyOptions, SayOptions } from "./speech_options.ts";
import type { UserTurn } from "./user_turns.ts";

/** All turns of the agent that are alive. */
export class Speeches {
  readonly #core: SessionCore;
  readonly #live = new Map<string, Live>();
  /** Over for whoever waits for them, while their tools run on: what these come to is stored all the same. */
  readonly #lingering = new Map<string, Live>();
  #serial = 0;

  constructor(core: SessionCore) {
    this.#core = core;
  }

  get live(): Iterable<Live> {
    return this.#live.values();
  }

  get count(): number {
    return this.#live.size;
  }

  byId(handleId: string): Live | undefined {
    return this.#live.get(handleId);
  }

  bySegment(segmentId: string): Live | undefined {
    return this.#live.get(segmentId.slice(0, segmentId.lastIndexOf("#")));
  }

  /** It is over for whoever waits for it, while its tools run on. */
  lingering(handleId: string): Live | undefined {
    return this.#lingering.get(handleId);
  }

  forgetLingering(handleId: string): void {
    this.#lingering.delete(handleId);
  }

  /** The turn of an agent whose tools are at work; the latest, where there are several. */
  workingFor(activity: Activity): SpeechHandle | undefined {
    const working = [...this.#live.values()].filter((live) =>
      live.activity === activity && (live.reply.tools?.runningCount ?? 0) > 0
    );
    return working.at(-1)?.handle;
  }

  add(live: Live): void {
    this.#live.set(live.handle.id, live);
  }

  /** The place of the next turn's facts among those of one instant. */
  nextRank(): number {
    return RANK.reply + this.#serial++;
  }

  /** What concerns every turn that is alive. */
  tell(part: ReplyPart): void {
    for (const { handle } of this.#live.values()) emitPart(handle, part);
  }

  // --- asked for by the program -------------------------------------------------------------------------------------

  say(activity: Activity, text: string | ReadableStream<string>, o: SayOptions): SpeechHandle {
    const { audio } = this.#core.outputs();
    if (audio !== null && activity.speakTts === null && o.audio === undefined) {
      throw new AgentError(
        "session.no_tts",
        "Cannot say a text as there is audio output but no `tts`: current value is null",
      );
    }
    const live = makeSpeech(this.#core, activity, {
      id: this.#core.newId("speech"),
      kind: "say",
      source: { kind: "say", text, audio: o.audio },
      allowInterruptions: o.allowInterruptions,
      addToChatCtx: o.addToChatCtx ?? true,
      modality: "text",
    });
    this.announce(live, "say");
    live.reply.start();
    this.schedule(live, "say");
    return live.handle;
  }

  generateReply(
    activity: Activity,
    o: GenerateReplyOptions,
    caller: { readonly insideTool: boolean; readonly onEnter: boolean },
  ): SpeechHandle {
    const core = this.#core;
    if (activity.resolved.llm === null && activity.agent.llmNode === Agent.prototype.llmNode) {
      throw new AgentError("session.no_llm", "Cannot make a reply as there is no `llm`: current value is null");
    }
    const message = typeof o.userInput === "string"
      ? o.userInput === "" ? undefined : core.items.message({ role: "user", content: [o.userInput] })
      : o.userInput;
    const live = makeReply(core, activity, {
      id: core.newId("speech"),
      message,
      chatCtx: o.chatCtx,
      instructions: o.instructions,
      toolChoice: o.toolChoice ?? (caller.insideTool ? "none" : undefined),
      tools: o.tools,
      onEnter: caller.onEnter,
      insideTool: caller.insideTool,
      allowInterruptions: o.allowInterruptions,
      modality: o.inputModality ?? "text",
      transcript: undefined,
    });
    this.announce(live, "generate_reply");
    live.reply.start();
    this.storeUserMessage(live);
    live.reply.synthesise();
    this.schedule(live, "reply");
    return live.handle;
  }

  // --- ordered by the machine ---------------------------------------------------------------------------------------

  replyTo(activity: Activity, handleId: string, turn: UserTurn): void {
    const message = this.#core.turns.finished(turn);
    const live = makeReply(this.#core, activity, {
      id: handleId,
      message,
      modality: "audio",
      transcript: undefined,
      ...(turn.chatCtx && { chatCtx: turn.chatCtx, place: turn.place }),
    });
    live.userMetrics = message.metrics;
    live.handle["~"].scheduled = true;
    this.announce(live, "generate_reply");
    live.reply.start();
    this.storeUserMessage(live);
    live.reply.synthesise();
  }

  play(handleId: string): void {
    this.#live.get(handleId)?.reply.play();
  }

  /** Cuts a speech off: nothing of it is heard after this returns. */
  interrupt(handleId: string): void {
    const live = this.#live.get(handleId);
    if (live !== undefined) this.#cut(live);
  }

  abandon(handleId: string): void {
    const live = this.#live.get(handleId);
    if (live === undefined) return;
    this.#cut(live);
    this.#core.log("error", "speech abandoned, since it did not end in time", { area: "speech", speechId: handleId });
    if ((live.reply.tools?.runningCount ?? 0) > 0) this.#lingering.set(handleId, live);
    else this.#core.storing.commitTools(handleId, true); // what they came to may not be stored yet
    this.#finish(live);
  }

  /** A sink is gone: what it was playing is cut off. */
  sinkLost(sink: PlayoutSink): void {
    for (const live of [...this.#live.values()]) {
      if (live.reply.sink !== sink) continue;
      this.#core.floor(live.activity.id, {
        type: "speech.interruptCalled",
        t: 0,
        handleId: live.handle.id,
        force: true,
      });
    }
  }

  /** The activity is over: nothing of it is alive after this. */
  leave(activity: Activity): void {
    for (const live of [...this.#live.values(), ...this.#lingering.values()]) {
      if (live.activity !== activity) continue;
      this.#cut(live);
      live.reply.tools?.abandon();
      this.#core.storing.commitTools(live.handle.id, true);
      this.#lingering.delete(live.handle.id);
      this.#finish(live);
    }
  }

  abandonAll(): void {
    for (const live of [...this.#live.values()]) this.abandon(live.handle.id);
  }

  /** A sink answered. */
  ack(
    handleId: string,
    segmentId: string,
    kind: "started" | "position" | "finished" | "cleared",
    positionMs: number,
    at: number,
  ): void {
    this.#live.get(handleId)?.reply.ack(segmentId, kind, positionMs, at);
  }

  paused(at: number): void {
    for (const live of this.#live.values()) live.reply.paused(at);
  }

  resumed(at: number): void {
    for (const live of this.#live.values()) live.reply.resumed(at);
  }

  // --- used by its parts --------------------------------------------------------------------------------------------

  /** Tells that a speech exists. */
  announce(live: Live, source: "say" | "generate_reply"): void {
    this.#core.emit({
      type: "speech_created",
      createdAt: this.#core.wall(),
      speechHandle: live.handle,
      source,
      userInitiated: true,
    });
  }

  /** Puts a step of a speech into the queue. */
  schedule(live: Live, kind: SpeechKind): void {
    if (live === undefined) return;
    live.handle["~"].scheduled = true;
    this.#core.floor(live.activity.id, {
      type: "speech.scheduled",
      t: 0,
      handleId: live.handle.id,
      kind,
      priority: live.handle.priority,
      allowInterruptions: live.handle.allowInterruptions,
      force: kind === "tool_reply",
    });
  }

  /** What the user said goes into the history, before what is said to it. */
  storeUserMessage(live: Live): void {
    if (live.userMessage !== undefined) this.#core.commitMessage(live.activity, live.userMessage, undefined);
  }

  /** All of a speech is over. */
  end(live: Live | undefined): void {
    if (live === undefined || !this.#live.has(live.handle.id)) return;
    // What was cut off in the queue ends after what was cut off before it, once that is stored: at most 200 ms later.
    for (const other of this.#live.values()) {
      if (other.rank < live.rank && other.interruptedAt === live.interruptedAt && isBeingStored(other)) {
        if (live.interruptedAt !== undefined && this.#core.clock.now() < live.interruptedAt + CLEAR_LIMIT_MS) {
          return this.#core.storing.next(() => this.#core.inbox.report(live.rank, () => this.end(live)));
        }
      }
    }
    this.#finish(live);
  }

  #cut(live: Live): void {
    if (!markInterrupted(live.handle)) return;
    live.interruptedAt = this.#core.clock.now();
    if (live.reply.sink !== null) this.#core.playout.clear(live.reply.sink);
    live.reply.interrupt();
  }

  #finish(live: Live): void {
    if (!this.#live.delete(live.handle.id)) return;
    this.#core.telemetry.turnEnded(live.handle.id, live.handle["~"].error);
    markDone(live.handle);
    this.#core.runs.turnOver(live.handle);
    this.#core.floor(live.activity.id, { type: "speech.done", t: 0, handleId: live.handle.id });
    this.#core.inbox.call({ type: "run.unwatch", t: 0, name: `handle:${live.handle.id}` });
  }
}
