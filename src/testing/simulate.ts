/**
 * Holds a whole conversation between a session and a simulated user, by text or by voice.
 *
 * @module
 */
import { AgentError } from "../base/error.ts";
import type { Clock } from "../base/runtime.ts";
import type { ChatContext } from "../chat/context.ts";
import type { Agent } from "../session/agent.ts";
import type { AgentSession } from "../session/agent_session.ts";
import type { RunEvent, RunResult } from "../session/run_result.ts";
import type { PhoneLine } from "./phone_line.ts";
import type { HangUp, SimulatedUser, Utterance } from "./simulated_user.ts";
import type { VirtualClock } from "../../adapters/runtime/virtual.ts";

/** What is to be simulated. */
export interface SimulateOptions<UserData = unknown> {
  /** Who answers first. */
  readonly agent: Agent<UserData>;
  /** Who calls. */
  readonly user: SimulatedUser;
  /** Makes it a conversation by voice. The session must have the line's `models`. Default: by text. */
  readonly line?: PhoneLine;
  /** The conversation ends when the user has spoken so often. Default 100. */
  readonly maxTurns?: number;
  /** The conversation ends after this time, in milliseconds of the session's clock. Default 3,600,000. */
  readonly maxDurationMs?: number;
  /** How long the user waits for an answer before speaking again, in milliseconds. Default 15,000. */
  readonly patienceMs?: number;
}

/** A conversation that was held. */
export interface SimulatedConversation {
  /** Everything that was said and done. */
  readonly history: ChatContext;
  /** The same as events, the user's messages among them, for `expectRun(conversation)`. */
  readonly events: readonly RunEvent[];
  /** What came of each of the user's messages, for `expectRun`. By text only; empty by voice. */
  readonly runs: readonly RunResult[];
  /** How often the user has spoken. */
  readonly turns: number;
  /** How long it lasted, in milliseconds of the session's clock. */
  readonly durationMs: number;
  /** Who ended it: the user hung up, the session closed, or a limit was reached. */
  readonly endedBy: "user" | "agent" | "limit";
  /** Why. */
  readonly reason: string;
  /** Whether the user got what was wanted, where the user said so. */
  readonly goalReached: boolean | undefined;
}

const PAUSE_MS = 500;

/**
 * Holds a conversation: starts the session, lets the user and the agent speak in turn, and closes it.
 *
 * On a virtual clock it moves time by itself, so that ten minutes with scripted models take milliseconds; on a real one it takes
 * as long as it takes. A model that is asked over the network needs a real clock, or {@linkcode heldLLM}.
 *
 * @throws {AgentError} Rejects with `test.bad_option` for an option that makes no sense, with what the user throws, and with what
 *   `start` rejects with; the session is closed then.
 *
 * @example Ten minutes by voice
 * ```ts
 * const runtime = virtualRuntime();
 * const line = phoneLine({ clock: runtime.clock });
 * const session = new AgentSession({ runtime, llm, ...line.models });
 * const user = scriptedUser(["Are you open on Sunday?", { hears: /ten/, text: "Thank you, goodbye." }]);
 * const { history, endedBy } = await simulate(session, { agent: new Bookseller(), user, line });
 * ```
 */
export function simulate<UserData>(
  session: AgentSession<UserData>,
  options: SimulateOptions<UserData>,
): Promise<SimulatedConversation> {
  const { clock } = session["~core"];
  const held = new Conversation(session as unknown as AgentSession, options as unknown as SimulateOptions, clock)
    .hold();
  return "until" in clock ? (clock as VirtualClock).until(held) : held;
}

class Conversation {
  readonly #session: AgentSession;
  readonly #options: SimulateOptions;
  readonly #clock: Clock;
  readonly #over = new AbortController();
  readonly #runs: RunResult[] = [];
  /** What the agent has said since the user's last message, as it went into the history. */
  #said: string[] = [];
  /** How many messages of the user went into the history. */
  #messages = 0;
  #turn = 0;
  /** Who handed over to whom, by the item of the hand-off. */
  readonly #moves = new Map<string, { readonly oldAgent: Agent | undefined; readonly newAgent: Agent }>();
  #agent: Agent | undefined;
  #changed: (() => void)[] = [];

  constructor(session: AgentSession, options: SimulateOptions, clock: Clock) {
    this.#session = session;
    this.#options = options;
    this.#clock = clock;
  }

  async hold(): Promise<SimulatedConversation> {
    const { agent, line, maxTurns = 100, maxDurationMs = 3_600_000, patienceMs = 15_000 } = this.#options;
    for (const [name, value] of Object.entries({ maxTurns, maxDurationMs, patienceMs })) {
      if (value >= 0) continue;
      throw badOption(name, "0 or more", value);
    }
    if (typeof this.#options.user?.next !== "function") throw badOption("user", "a simulated user", "something else");
    const session = this.#session;
    const startedAt = this.#clock.now();
    const offs = [
      session.on("conversation_item_added", ({ item }) => {
        if (item.type === "message" && item.role === "assistant") this.#said.push(item.textContent ?? "");
        if (item.type === "message" && item.role === "user") {
          this.#messages += 1;
          this.#said = [];
        }
        if (item.type === "agent_handoff") {
          const newAgent = session.currentAgent;
          this.#moves.set(item.id, { oldAgent: item.oldAgentId === null ? undefined : this.#agent, newAgent });
          this.#agent = newAgent;
        }
        this.#wake();
      }),
      session.on("agent_state_changed", () => this.#wake()),
      session.on("speech_created", () => this.#wake()),
      session.on("close", () => this.#over.abort()),
    ];
    this.#over.signal.addEventListener("abort", () => this.#wake(), { once: true });
    try {
      await session.start({ agent, ...(line && { io: line }) });
      const end = await this.#talk(startedAt, maxTurns, maxDurationMs, patienceMs);
      const durationMs = this.#clock.now() - startedAt;
      await session.close();
      const history = session.history.copy();
      return { ...end, history, events: this.#eventsOf(history), runs: this.#runs, turns: this.#turn, durationMs };
    } finally {
      for (const off of offs) off();
      this.#over.abort();
      await session.close();
    }
  }

  #eventsOf(history: ChatContext): RunEvent[] {
    const begins = history.items.findIndex(({ id }) => this.#moves.has(id)); // a session may have held one before
    return history.items.slice(Math.max(begins, 0)).flatMap((item): RunEvent[] => {
      if (item.type === "agent_config_update") return [];
      if (item.type !== "agent_handoff") return [{ type: item.type, item } as RunEvent];
      const move = this.#moves.get(item.id);
      return move === undefined ? [] : [{ type: item.type, item, ...move }];
    });
  }

  async #talk(
    startedAt: number,
    maxTurns: number,
    maxDurationMs: number,
    patienceMs: number,
  ): Promise<Pick<SimulatedConversation, "endedBy" | "reason" | "goalReached">> {
    const endsAt = startedAt + maxDurationMs;
    await this.#untilSilent(endsAt);
    for (;;) {
      if (this.#over.signal.aborted) return ended("agent", "the session closed");
      if (this.#clock.now() >= endsAt) return ended("limit", `after ${maxDurationMs} ms`);
      if (this.#turn >= maxTurns) return ended("limit", `after ${maxTurns} turns`);
      const next = await this.#next(startedAt);
      if (next === undefined) return ended("agent", "the session closed");
      if ("hangUp" in next) return ended("user", next.reason ?? "the user hung up", next.goalReached);
      await this.#untilSilent(endsAt, next.pauseMs ?? PAUSE_MS); // unless the agent goes on by itself
      if (this.#over.signal.aborted || this.#clock.now() >= endsAt) continue;
      this.#turn += 1;
      this.#said = [];
      if (this.#options.line === undefined) await this.#write(next, endsAt);
      else await this.#speak(next, this.#options.line, Math.min(this.#clock.now() + patienceMs, endsAt), endsAt);
    }
  }

  /** What the user says next; nothing when the session closes meanwhile. */
  async #next(startedAt: number): Promise<Utterance | HangUp | undefined> {
    const { signal } = this.#over;
    const closed = new Promise<undefined>((resolve) =>
      signal.addEventListener("abort", () => resolve(undefined), { once: true })
    );
    const asked = (async () =>
      await this.#options.user.next({
        said: this.#said.join("\n"),
        turn: this.#turn,
        chatCtx: this.#session.history.copy(),
        elapsedMs: this.#clock.now() - startedAt,
        signal,
        clock: this.#clock,
      }))();
    asked.catch(() => {}); // when nobody waits for it any more
    return await Promise.race([asked, closed]);
  }

  async #write({ text, cutIn }: Utterance, endsAt: number): Promise<void> {
    if (cutIn !== undefined) throw badOption("cutIn", "left out in a conversation by text", cutIn.text);
    const run = this.#session.run({ userInput: text });
    this.#runs.push(run);
    const settled = run.wait().then(() => {}, (error: unknown) => {
      if (!this.#over.signal.aborted) throw error; // a session that closes ends its run
    });
    await Promise.race([settled, this.#until(() => this.#over.signal.aborted, endsAt)]);
    settled.catch(() => {});
    await this.#untilSilent(endsAt);
  }

  async #speak({ text, cutIn }: Utterance, line: PhoneLine, patientUntil: number, endsAt: number): Promise<void> {
    const patience = patientUntil - this.#clock.now();
    const say = async (words: string): Promise<void> => {
      await Promise.race([line.say(words), this.#until(() => this.#over.signal.aborted, Infinity)]);
    };
    let before = this.#messages;
    await say(text);
    if (cutIn !== undefined) {
      await this.#until(() => this.#session.agentState === "speaking", this.#clock.now() + patience);
      await this.#until(() => this.#over.signal.aborted, this.#clock.now() + cutIn.afterMs);
      if (this.#over.signal.aborted) return;
      before = this.#messages;
      await say(cutIn.text);
    }
    const isAnswered = (): boolean => this.#messages > before && this.#said.length > 0;
    await this.#until(isAnswered, Math.min(this.#clock.now() + patience, endsAt));
    await this.#untilSilent(endsAt);
  }

  /** Waits until the agent has nothing to say, and has not had for a while. */
  async #untilSilent(endsAt: number, forMs = 0): Promise<void> {
    const isSilent = (): boolean => this.#session.currentSpeech === null && this.#session.agentState === "listening";
    for (;;) {
      const speech = this.#session.isRunning ? this.#session.currentSpeech : null;
      if (speech !== null) {
        await Promise.race([speech.waitForPlayout(), this.#until(() => this.#over.signal.aborted, endsAt)]);
      }
      await this.#until(isSilent, endsAt);
      if (this.#over.signal.aborted || this.#clock.now() >= endsAt) return;
      if (!isSilent()) continue;
      if (forMs > 0) await this.#until(() => !isSilent(), Math.min(this.#clock.now() + forMs, endsAt));
      if (isSilent()) return;
    }
  }

  /** Waits until something is so, the session has closed, or the time has come. */
  async #until(isSo: () => boolean, at: number): Promise<void> {
    let isLate = this.#clock.now() >= at;
    const off = this.#clock.schedule(at, () => {
      isLate = true;
      this.#wake();
    });
    while (!isLate && !this.#over.signal.aborted && !isSo()) {
      await new Promise<void>((resolve) => this.#changed.push(resolve));
    }
    off();
  }

  #wake(): void {
    for (const go of this.#changed.splice(0)) go();
  }
}

function ended(
  endedBy: SimulatedConversation["endedBy"],
  reason: string,
  goalReached?: boolean,
): Pick<SimulatedConversation, "endedBy" | "reason" | "goalReached"> {
  return { endedBy, reason, goalReached };
}

function badOption(name: string, rule: string, value: unknown): AgentError {
  return new AgentError(
    "test.bad_option",
    `Cannot simulate a conversation as \`${name}\` must be ${rule}: current value is ${value}`,
  );
}
