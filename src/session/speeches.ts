/**
 * The turns of the agent that are alive: makes them, lets them speak, cuts them off, and stores what was heard.
 *
 * @module
 */
import { AgentError } from "../base/error.ts";
import type { PlayoutSink } from "../io/playout.ts";
import type { ReplyPart } from "../reply/part.ts";
import { CLEAR_LIMIT_MS } from "../reply/segment.ts";
import { handleName } from "../stage/run.ts";
import type { SpeechKind } from "../turn/event.ts";
import { isTakingSpeech } from "../turn/query.ts";
import type { Activity } from "./activity.ts";
import { Agent } from "./agent.ts";
import type { SessionCore } from "./core.ts";
import { RANK } from "./inbox.ts";
import { isBeingStored, type Live } from "./live.ts";
import { emitPart, markDone, markInterrupted, type SpeechHandle } from "./speech_handle.ts";
import { makeHandle, makeReply, makeSpeech } from "./speech_making.ts";
import type { GenerateReplyOptions, SayOptions } from "./speech_options.ts";
import type { UserTurn } from "./user_turns.ts";

/** A turn that waits for its agent to come on stage. */
interface Parked {
  readonly activity: Activity;
  readonly handle: SpeechHandle;
  readonly go: () => void;
}

/** All turns of the agent that are alive. */
export class Speeches {
  readonly #core: SessionCore;
  readonly #live = new Map<string, Live>();
  /** Over for whoever waits for them, while their tools run on: what these come to is stored all the same. */
  readonly #lingering = new Map<string, Live>();
  #parked: Parked[] = [];
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
    const make = (handle: SpeechHandle | undefined): Live =>
      makeSpeech(this.#core, activity, {
        id: handle?.id ?? this.#core.newId("speech"),
        handle,
        kind: "say",
        source: { kind: "say", text, audio: o.audio },
        allowInterruptions: o.allowInterruptions,
        priority: o.priority,
        addToChatCtx: o.addToChatCtx ?? true,
        modality: "text",
      });
    return this.#ask(activity, "say", { ...o, modality: "text" }, make, (live) => {
      live.reply.start();
      this.schedule(live, "say");
    });
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
    const modality = o.inputModality ?? "text";
    const make = (handle: SpeechHandle | undefined): Live => {
      const { userInput } = o; // a text is stamped when it is told to the agent
      const message = userInput === ""
        ? undefined
        : typeof userInput === "string"
        ? core.items.message({ role: "user", content: [userInput] })
        : userInput;
      return makeReply(core, activity, {
        id: handle?.id ?? core.newId("speech"),
        handle,
        message,
        chatCtx: o.chatCtx,
        instructions: o.instructions,
        toolChoice: o.toolChoice ?? (caller.insideTool ? "none" : undefined),
        tools: o.tools,
        onEnter: caller.onEnter,
        insideTool: caller.insideTool,
        allowInterruptions: o.allowInterruptions,
        priority: o.priority,
        modality,
        transcript: undefined,
      });
    };
    return this.#ask(activity, "generate_reply", { ...o, modality }, make, (live) => {
      live.reply.start();
      this.storeUserMessage(live);
      live.reply.synthesise();
      this.schedule(live, "reply");
    });
  }

  /** Begins a turn of the agent, or keeps it until the agent is on stage. */
  #ask(
    activity: Activity,
    source: "say" | "generate_reply",
    o: {
      readonly allowInterruptions?: boolean;
      readonly priority?: number;
      readonly modality: "text" | "audio";
    },
    make: (handle: SpeechHandle | undefined) => Live,
    begin: (live: Live) => void,
  ): SpeechHandle {
    const core = this.#core;
    const floor = core.root.floors[activity.id];
    if (floor !== undefined && isTakingSpeech(floor)) {
      const live = make(undefined);
      this.announce(live.handle, source);
      begin(live);
      return live.handle;
    }
    const handle = makeHandle(core, core.newId("speech"), activity, o);
    core.inbox.call({ type: "run.watch", t: 0, name: handleName(handle.id) });
    this.#parked.push({ activity, handle, go: () => begin(make(handle)) });
    this.announce(handle, source);
    return handle;
  }

  /** An agent is on stage: what was asked for while it came is its own. */
  unpark(activity: Activity): void {
    for (const one of this.#takeParked((other) => other === activity)) {
      if (one.handle.interrupted) this.#overBefore(one.handle);
      else {
        try {
          one.go();
        } catch (error) {
          one.handle["~"].error = error;
          this.#core.replyFailed("reply", error, activity);
          this.#overBefore(one.handle);
        }
      }
    }
  }

  /** An agent does not come; left out: nobody comes. */
  dropParked(activity?: Activity): void {
    for (const { handle } of this.#takeParked((other) => activity === undefined || other === activity)) {
      markInterrupted(handle);
      this.#overBefore(handle);
    }
  }

  /** Cuts off what waits for its agent, where that is allowed. */
  interruptParked(force: boolean): void {
    for (const { handle } of this.#parked) if (force || handle.allowInterruptions) markInterrupted(handle);
    const isCut = ({ handle }: Parked): boolean => handle.interrupted;
    const cut = this.#parked.filter(isCut);
    this.#parked = this.#parked.filter((one) => !isCut(one));
    for (const { handle } of cut) this.#overBefore(handle);
  }

  #takeParked(isFor: (activity: Activity) => boolean): readonly Parked[] {
    const taken = this.#parked.filter(({ activity }) => isFor(activity));
    this.#parked = this.#parked.filter(({ activity }) => !isFor(activity));
    return taken;
  }

  /** A turn is over that never began. */
  #overBefore(handle: SpeechHandle): void {
    markDone(handle);
    this.#core.inbox.call({ type: "run.unwatch", t: 0, name: handleName(handle.id) });
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
    this.announce(live.handle, "generate_reply");
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
  announce(speechHandle: SpeechHandle, source: "say" | "generate_reply"): void {
    this.#core.emit({
      type: "speech_created",
      createdAt: this.#core.wall(),
      speechHandle,
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
