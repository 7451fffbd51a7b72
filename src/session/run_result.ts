/**
 * What came of one input: everything that happened because of it, in order.
 *
 * @module
 */
import { AgentError } from "../base/error.ts";
import type { AgentHandoffItem, ChatItem, ChatMessage, FunctionCall, FunctionCallOutput } from "../chat/item.ts";
import type { Agent } from "./agent.ts";

/** Something that happened in a run. */
export type RunEvent =
  | { readonly type: "message"; readonly item: ChatMessage }
  | { readonly type: "function_call"; readonly item: FunctionCall }
  | { readonly type: "function_call_output"; readonly item: FunctionCallOutput }
  | {
    readonly type: "agent_handoff";
    readonly item: AgentHandoffItem;
    readonly oldAgent: Agent | undefined;
    readonly newAgent: Agent;
  };

/** A run that is over: the result itself, no longer a promise. */
export type SettledRun<Output = unknown> = Omit<RunResult<Output>, "then">;

/**
 * What came of one input. Await it: it settles when nothing that the input caused is alive any more.
 *
 * @example
 * ```ts
 * const result = await session.run({ userInput: "What is the weather in Oslo?" });
 * for (const event of result.events) console.log(event.type);
 * ```
 */
export class RunResult<Output = unknown> {
  readonly #events: RunEvent[] = [];
  #phase: "open" | "done" | "failed" = "open";
  #error: unknown;
  #output: { readonly value: unknown } | undefined;
  #waiting: (() => void)[] = [];

  /** What happened, in order of time. */
  get events(): readonly RunEvent[] {
    return this.#events;
  }

  /** It is over. */
  done(): boolean {
    return this.#phase !== "open";
  }

  /**
   * What a task of this run completed with.
   *
   * @throws {AgentError} `run.no_output` before the end, and when there is none.
   */
  get finalOutput(): Output {
    if (this.#phase === "open" || this.#output === undefined) {
      throw new AgentError(
        "run.no_output",
        "Cannot give a final output as the run has none: current value is undefined",
      );
    }
    return this.#output.value as Output;
  }

  /** Resolves with the result itself when the run is over; rejects when the session closed under it. */
  wait(): Promise<SettledRun<Output>> {
    return new Promise((resolve, reject) => {
      const settle = (): void => this.#phase === "failed" ? reject(this.#error) : resolve(this.#settled());
      if (this.#phase === "open") this.#waiting.push(settle);
      else settle();
    });
  }

  /** Makes `await session.run(...)` work. */
  then<A = SettledRun<Output>, B = never>(
    onFulfilled?: ((result: SettledRun<Output>) => A | PromiseLike<A>) | null,
    onRejected?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    return this.wait().then(onFulfilled, onRejected);
  }

  /** @ignore */
  "~record"(item: ChatItem, oldAgent?: Agent, newAgent?: Agent): void {
    if (this.#phase !== "open" || item.type === "agent_config_update") return;
    const event = item.type === "agent_handoff"
      ? { type: item.type, item, oldAgent, newAgent: newAgent as Agent }
      : { type: item.type, item } as RunEvent;
    let place = this.#events.length;
    while (place > 0 && (this.#events[place - 1] as RunEvent).item.createdAt > item.createdAt) place--;
    this.#events.splice(place, 0, event);
  }

  /** @ignore */
  "~output"(value: unknown): void {
    if (this.#phase === "open") this.#output = { value };
  }

  /** @ignore */
  "~settle"(error?: unknown): void {
    if (this.#phase !== "open") return;
    this.#phase = error === undefined ? "done" : "failed";
    this.#error = error;
    for (const settle of this.#waiting) settle();
    this.#waiting = [];
  }

  /** The result without its `then`, so that it is not awaited again for ever. */
  #settled(): SettledRun<Output> {
    return new Proxy(this, {
      get: (target, key) => {
        if (key === "then") return undefined;
        const value = Reflect.get(target, key, target) as unknown;
        return typeof value === "function" ? value.bind(target) : value;
      },
    });
  }
}
