/**
 * One turn of a conversation over HTTP: the session is picked up, answers, and is put down again.
 *
 * @module
 */
import { AgentError } from "../../src/base/error.ts";
import type { Runtime } from "../../src/base/runtime.ts";
import type { TranscriptSink } from "../../src/io/playout.ts";
import type { Agent } from "../../src/session/agent.ts";
import { AgentSession } from "../../src/session/agent_session.ts";
import type { AgentSessionOptions, Logger } from "../../src/session/options.ts";
import type { AgentRegistry } from "../../src/session/resume.ts";
import type { SessionSnapshot } from "../../src/session/snapshot.ts";
import type { SessionStore } from "../../src/session/store.ts";
import type { SpeechHandle } from "../../src/session/speech_handle.ts";
import { type ChatChunk, type ChatEnd, ChatMessageWriter } from "./chat_chunks.ts";
import { publicError } from "./chat_error.ts";
import { answerId, cutBack, lastUserMessage } from "./chat_messages.ts";
import { badRequest, type ChatRequestBody } from "./chat_request.ts";
import { keep, load, type Loaded } from "./keep.ts";
import type { RunningTurn } from "./running_turns.ts";
import { TurnLog } from "./turn_log.ts";

/** How long tools of a turn that was cut off may run on, before they are called off. Chosen: as at a hand-off. */
const STOP_LIMIT_MS = 10_000;
/** Words that wait for the client count as said; chosen: fewer than a line of text, and a burst still goes out in one write. */
const WAITING_FRAME_LIMIT = 24;
const LAST_FRAME = "data: [DONE]\n\n";
const PING_FRAME = ": ping\n\n"; // a comment of the protocol: keeps proxies from giving up on a turn that thinks

/** What a turn is made of. */
export interface ChatTurnOptions {
  readonly key: string;
  readonly request: ChatRequestBody;
  readonly store: SessionStore;
  readonly runtime: Runtime;
  readonly session: AgentSessionOptions;
  /** Agents by their ids, for a conversation that goes on. */
  readonly registry: AgentRegistry;
  /** Who begins a new one. Throws `http.unknown_agent`. */
  readonly firstAgent: () => Agent;
  readonly turnTimeout: number;
  readonly pingInterval: number;
  readonly stopsWhenLeft: boolean;
  readonly logger: Logger | undefined;
}

/** One turn, from the request to what is kept of it. */
export class ChatTurn implements RunningTurn {
  readonly log: TurnLog;
  readonly #o: ChatTurnOptions;
  readonly #writer = new ChatMessageWriter();
  readonly #handles = new Set<SpeechHandle>();
  readonly #pumps: Promise<void>[] = [];
  readonly #stopped: Promise<void>;
  #stop: () => void = () => {};
  #stopReason: string | undefined;
  #error: unknown;
  #session: AgentSession | undefined;
  #loaded: Loaded | null = null;
  #before: SessionSnapshot | null = null;
  #asked: ChatRequestBody["message"];

  constructor(o: ChatTurnOptions) {
    this.#o = o;
    this.#stopped = new Promise((resolve) => (this.#stop = resolve));
    this.log = new TurnLog(() => {
      if (o.stopsWhenLeft) this.stop("left");
    });
  }

  /** Cuts the turn off: the request that it belongs to is woken, and does the rest. */
  stop(reason: string): void {
    if (this.log.isOver) return; // a signal that fires after the end means nothing
    this.#stopReason ??= reason;
    this.#stop();
  }

  /** Picks the session up. What fails here fails before anything was sent. */
  async open(): Promise<void> {
    const { request, runtime } = this.#o;
    this.#loaded = await load(this.#o.store, this.#o.key);
    this.#before = this.#loaded?.snapshot ?? null;
    const session = new AgentSession({ ...this.#o.session, runtime });
    this.#session = session;
    session.output.transcription = this.#gate();
    session.on("speech_created", ({ speechHandle }) => this.#follow(speechHandle));
    const last = this.#before === null || !request.isRegenerating ? undefined : lastUserMessage(this.#before);
    const asked = request.message ?? (last && { id: last.id, content: last.content });
    if (this.#before !== null && asked === undefined) {
      throw badRequest("there must be a message of the user", "none");
    }
    this.#send([{ type: "start", messageId: answerId(asked?.id) }]);
    if (this.#before === null) await session.start({ agent: this.#o.firstAgent() });
    else {
      // A message that we know is asked again, or was edited: the conversation goes on from there.
      if (asked !== undefined) this.#before = cutBack(this.#before, asked.id) ?? this.#before;
      await session.resume(this.#before, { agents: this.#o.registry });
    }
    this.#asked = asked;
  }

  /** Answers, puts the session down, and keeps it. Never rejects. */
  async run(): Promise<void> {
    const { clock } = this.#o.runtime;
    const offTimeout = clock.schedule(clock.now() + this.#o.turnTimeout, () => this.stop("timeout"));
    let offPing = (): void => {};
    const ping = (): void => {
      const { frameCount } = this.log;
      offPing = clock.schedule(clock.now() + this.#o.pingInterval, () => {
        if (this.log.frameCount === frameCount) this.log.push(PING_FRAME);
        ping();
      });
    };
    ping();
    let end: ChatEnd;
    try {
      end = await this.#answer(this.#session as AgentSession);
    } catch (error) {
      this.#failed("a turn failed", error);
      end = { kind: "failed", agent: "", error: publicError(error) };
    }
    offTimeout();
    offPing();
    this.#send(this.#writer.end(end));
    this.log.push(LAST_FRAME);
    this.log.end();
  }

  async #answer(session: AgentSession): Promise<ChatEnd> {
    void this.#stopped.then(() => this.#interrupt());
    // A greeting is said before the answer, and the model knows it.
    if (this.#before === null) await this.#untilQuiet(session);
    const asked = this.#asked;
    if (asked !== undefined) {
      const item = session["~core"].items.message({ id: asked.id, role: "user", content: asked.content });
      session.generateReply({ userInput: item });
    }
    await this.#untilQuiet(session);
    const after = await session.suspend({ deadline: STOP_LIMIT_MS });
    await Promise.all(this.#pumps);
    await keep(this.#o.store, this.#o.key, { loaded: this.#loaded, before: this.#before, after });
    const agent = after.agents.at(-1)?.id ?? "";
    if (this.#stopReason === "timeout") {
      const error = new AgentError(
        "http.timeout",
        "Cannot wait any longer as the turn has its time: current value is over",
      );
      return { kind: "failed", agent, error: publicError(error) };
    }
    if (this.#stopReason !== undefined) return { kind: "stopped", reason: this.#stopReason };
    if (this.#error !== undefined) return { kind: "failed", agent, error: publicError(this.#error) };
    return { kind: "finished", agent };
  }

  /** Waits until all that the turn caused is over, or until it is cut off. */
  async #untilQuiet(session: AgentSession): Promise<void> {
    const quiet = session.waitForQuiet().catch(() => {}); // it has closed by itself: an error says why
    await Promise.race([quiet, this.#stopped]);
  }

  /** Shows a speech as it comes. */
  #follow(handle: SpeechHandle): void {
    this.#handles.add(handle);
    this.#pumps.push(this.#pump(handle));
    if (this.#stopReason !== undefined) handle.interrupt({ force: true });
  }

  async #pump(handle: SpeechHandle): Promise<void> {
    const reader = handle.parts().getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      if (value.type === "error") {
        this.#error ??= value.error;
        this.#failed("a reply failed", value.error);
      }
      this.#send(this.#writer.write(value));
    }
    this.#handles.delete(handle);
  }

  #interrupt(): void {
    for (const handle of this.#handles) handle.interrupt({ force: true });
  }

  #send(chunks: readonly ChatChunk[]): void {
    for (const chunk of chunks) this.log.push(`data: ${JSON.stringify(chunk)}\n\n`);
  }

  /** Holds the words back until the client has taken those before: what it never took was not said. */
  #gate(): TranscriptSink {
    return { open: () => new WritableStream({ write: () => this.log.whenTaken(WAITING_FRAME_LIMIT) }) };
  }

  #failed(message: string, error: unknown): void {
    this.#o.logger?.error(message, { area: "hono", error });
  }
}
