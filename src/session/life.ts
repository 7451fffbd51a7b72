/**
 * Starts and closes of a session, which may overlap: each is waited for by whoever asked, and none undoes another.
 *
 * @module
 */
import { AgentError } from "../base/error.ts";
import { CLOSE_LIMIT_MS, type CloseReason } from "../stage/state.ts";
import type { Agent } from "./agent.ts";
import type { SessionIO } from "./agent_session.ts";
import type { SessionCore } from "./core.ts";

/** The starts and closes of one session. */
export class SessionLife {
  readonly #core: SessionCore;
  #attached: AsyncDisposable | undefined;
  #starting: Promise<void> | undefined;
  #closing: Promise<void> | undefined;
  #lettingGo: Promise<void> = Promise.resolve();

  constructor(core: SessionCore) {
    this.#core = core;
  }

  /** It runs or is being started, and is not about to close. */
  get isStarted(): boolean {
    return this.#starting !== undefined || (this.#core.isRunning && this.#closing === undefined);
  }

  /** Starts, after a close that is under way; another start that is under way counts for this one too. */
  start(agent: Agent, io: SessionIO | undefined, resumed?: () => void): Promise<void> {
    if (this.#starting !== undefined) return this.#starting;
    if (this.#core.isRunning && this.#closing === undefined) return Promise.resolve();
    return this.#starting = this.#start(agent, io, resumed).finally(() => (this.#starting = undefined));
  }

  /** Closes, after an `io` that is being attached. */
  close(reason: CloseReason, drain: boolean, deadline: number): Promise<void> {
    const closing = Promise.all([this.#closing, this.#close(reason, drain, deadline)]).then(() => {
      if (this.#closing === closing) this.#closing = undefined;
    });
    return this.#closing = closing;
  }

  async #start(agent: Agent, io: SessionIO | undefined, resumed: (() => void) | undefined): Promise<void> {
    const core = this.#core;
    await this.#closing;
    const before = core.agent;
    try {
      if (io !== undefined) {
        this.#attached = await io.attach(core.session);
        void core.waiting.untilClosed().then(() => this.#letGo(CLOSE_LIMIT_MS)); // however it closes
      }
    } catch (cause) {
      throw new AgentError(
        "session.start_failed",
        "Cannot start a session as its `io` must be attached: current value is a failure, see the cause",
        { cause },
      );
    }
    try {
      core.closeTold = false;
      core.agent = agent;
      core.usage.reset();
      core.startedAt = core.wall();
      resumed?.();
      await core.calls.start(agent, resumed !== undefined);
    } catch (error) {
      core.agent = before;
      await this.#letGo(CLOSE_LIMIT_MS);
      throw error;
    }
  }

  async #close(reason: CloseReason, drain: boolean, deadline: number): Promise<void> {
    const core = this.#core;
    const until = core.clock.now() + deadline;
    const starting = this.#starting;
    if (core.isRunning || starting === undefined) await core.calls.close(reason, { drain, deadline });
    if (starting !== undefined) { // asked for before this close: it comes, and goes
      await starting.catch(() => {}); // whoever starts it is told why it failed
      await core.calls.close(reason, { drain, deadline: Math.max(0, until - core.clock.now()) });
    }
    await this.#letGo(Math.max(0, until - core.clock.now()));
  }

  /** Ends what `io` has joined, or gives it up when the time is over. Never rejects. */
  #letGo(limitMs: number): Promise<void> {
    const attached = this.#attached;
    this.#attached = undefined;
    if (attached !== undefined) {
      this.#lettingGo = this.#core.calls.within("io", limitMs, () => attached[Symbol.asyncDispose]());
    }
    return this.#lettingGo;
  }
}
