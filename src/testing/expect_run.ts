/**
 * What is asserted of a run: which events it had, in which order, and what was in them. A failure shows the whole run.
 *
 * @module
 */
import type { RunEvent } from "../session/run_result.ts";
import {
  AgentHandoffAssert,
  type EventAssert,
  FunctionCallAssert,
  FunctionCallOutputAssert,
  MessageAssert,
} from "./event_assert.ts";
import {
  type AgentHandoffCriteria,
  type Criteria,
  type CriteriaOf,
  describeCriteria,
  type FunctionCallCriteria,
  type FunctionCallOutputCriteria,
  type MessageCriteria,
  mismatch,
} from "./run_criteria.ts";
import { RunAssertionError, runLines } from "./run_failure.ts";

/** What can be asserted of: a run, one that has ended, or its events alone. */
export type RunLike = { readonly events: readonly RunEvent[] } | readonly RunEvent[];

/** How {@linkcode expectRun} behaves. */
export interface ExpectRunOptions {
  /** Given the whole run, a line at a time, when the assertions begin. `console.log` fits. Default: nothing is printed. */
  readonly print?: (line: string) => void;
}

/** The assertion of each kind of event. */
export interface AssertOf {
  /** See {@linkcode MessageAssert}. */
  readonly message: MessageAssert;
  /** See {@linkcode FunctionCallAssert}. */
  readonly function_call: FunctionCallAssert;
  /** See {@linkcode FunctionCallOutputAssert}. */
  readonly function_call_output: FunctionCallOutputAssert;
  /** See {@linkcode AgentHandoffAssert}. */
  readonly agent_handoff: AgentHandoffAssert;
}

/** Events of a run from one place to another, among which something is looked for. Does not move the cursor. */
export class RunRange {
  /** @ignore */
  protected readonly events: readonly RunEvent[];
  /** @ignore */
  protected readonly from: number;
  readonly #to: number | undefined;

  /** @ignore */
  constructor(events: readonly RunEvent[], from: number, to: number | undefined) {
    this.events = events;
    this.from = from;
    this.#to = to;
  }

  /** @ignore */
  protected get to(): number {
    return this.#to ?? this.events.length;
  }

  /** The first message that fits; fails when there is none. */
  containsMessage(criteria: MessageCriteria = {}): MessageAssert {
    return new MessageAssert(this.events, this.#find("message", criteria));
  }

  /** The first call that fits; fails when there is none. */
  containsFunctionCall(criteria: FunctionCallCriteria = {}): FunctionCallAssert {
    return new FunctionCallAssert(this.events, this.#find("function_call", criteria));
  }

  /** The first output of a tool that fits; fails when there is none. */
  containsFunctionCallOutput(criteria: FunctionCallOutputCriteria = {}): FunctionCallOutputAssert {
    return new FunctionCallOutputAssert(this.events, this.#find("function_call_output", criteria));
  }

  /** The first hand-off that fits; fails when there is none. */
  containsAgentHandoff(criteria: AgentHandoffCriteria = {}): AgentHandoffAssert {
    return new AgentHandoffAssert(this.events, this.#find("agent_handoff", criteria));
  }

  #find<Type extends RunEvent["type"]>(type: Type, criteria: CriteriaOf[Type]): number {
    const wanted = { type, ...criteria } as Criteria;
    for (let index = this.from; index < this.to; index++) {
      if (mismatch(this.events[index] as RunEvent, wanted) === undefined) return index;
    }
    const where = this.from === 0 && this.to === this.events.length
      ? "in the run"
      : `among the events ${this.from} to ${this.to - 1}`;
    throw new RunAssertionError(
      `Expected ${describeCriteria(wanted)} ${where}, and there is none`,
      this.events,
      this.to,
    );
  }
}

/** Assertions of a run, in order: a cursor goes from event to event. Made by {@linkcode expectRun}. */
export class RunAssert extends RunRange {
  #cursor = 0;

  /** @ignore */
  constructor(events: readonly RunEvent[]) {
    super(events, 0, undefined);
  }

  /**
   * The next event, and goes past it. With a `type`, events of other types are skipped.
   *
   * @throws {RunAssertionError} when there is none left.
   */
  nextEvent(): EventAssert;
  /** The next event of a type, and goes past it. */
  nextEvent<Type extends RunEvent["type"]>(options: { readonly type: Type }): AssertOf[Type];
  nextEvent(options: { readonly type?: RunEvent["type"] } = {}): EventAssert {
    const { type } = options;
    for (let index = this.#cursor; index < this.events.length; index++) {
      if (type !== undefined && this.events[index]?.type !== type) continue;
      this.#cursor = index + 1;
      return assertOf(this.events, index);
    }
    const wanted = type === undefined ? "another event" : `another event of type ${type}`;
    throw new RunAssertionError(`Expected ${wanted}, and there is none`, this.events, this.events.length);
  }

  /**
   * Goes past some events.
   *
   * @throws {RunAssertionError} when fewer are left.
   */
  skipNext(count = 1): this {
    const left = this.events.length - this.#cursor;
    if (!(count <= left)) {
      throw new RunAssertionError(
        `Expected ${count} more ${count === 1 ? "event" : "events"} to skip, and there ${
          left === 1 ? "is" : "are"
        } ${left}`,
        this.events,
        this.#cursor,
      );
    }
    this.#cursor += count;
    return this;
  }

  /** Goes past the next event when it fits, and gives it; stays where it is and gives `undefined` when it does not. */
  skipNextEventIf<Type extends RunEvent["type"]>(
    criteria: { readonly type: Type } & CriteriaOf[Type],
  ): AssertOf[Type] | undefined {
    const event = this.events[this.#cursor];
    if (event === undefined || mismatch(event, criteria as unknown as Criteria) !== undefined) return undefined;
    this.#cursor += 1;
    return assertOf(this.events, this.#cursor - 1) as unknown as AssertOf[Type];
  }

  /**
   * Nothing is left.
   *
   * @throws {RunAssertionError} when something is.
   */
  noMoreEvents(): void {
    if (this.#cursor >= this.events.length) return;
    const left = this.events.length - this.#cursor;
    throw new RunAssertionError(
      `Expected no more events, and there ${left === 1 ? "is one" : `are ${left}`}`,
      this.events,
      this.#cursor,
    );
  }

  /**
   * The event at a place; negative places count from the end. Does not move the cursor.
   *
   * @throws {RunAssertionError} when there is none.
   */
  at(index: number): EventAssert {
    const place = index < 0 ? this.events.length + index : index;
    if (!(place in this.events)) {
      throw new RunAssertionError(
        `Expected an event at ${index}, and there ${this.events.length === 1 ? "is 1" : `are ${this.events.length}`}`,
        this.events,
        place < 0 ? 0 : this.events.length,
      );
    }
    return assertOf(this.events, place);
  }

  /** The events from one place to before another, as `slice` has them. */
  range(from = 0, to?: number): RunRange {
    const place = (index: number): number =>
      Math.min(Math.max(index < 0 ? this.events.length + index : index, 0), this.events.length);
    return new RunRange(this.events, place(from), to === undefined ? undefined : place(to));
  }
}

/** One cursor for each run, so that `expectRun(result)` twice goes on where it was. */
const begun = new WeakMap<readonly RunEvent[], RunAssert>();

/**
 * Asserts what happened in a run. Each call for the same run goes on where the one before has stopped.
 *
 * Nothing here belongs to a test runner: what fails is thrown, and shows the whole run with the event that is wrong.
 *
 * @example
 * ```ts
 * const result = await session.run({ userInput: "How is the weather in Oslo?" });
 * const run = expectRun(result);
 * run.nextEvent().isFunctionCall({ name: "weather", args: { city: "Oslo" } });
 * run.nextEvent().isFunctionCallOutput({ isError: false });
 * run.nextEvent().isMessage({ role: "assistant", text: /sunny/ });
 * run.noMoreEvents();
 * ```
 */
export function expectRun(result: RunLike, options: ExpectRunOptions = {}): RunAssert {
  const events = "events" in result ? result.events : result;
  if (options.print !== undefined) { for (const line of runLines(events)) options.print(line); }
  const known = begun.get(events) ?? new RunAssert(events);
  begun.set(events, known);
  return known;
}

function assertOf(events: readonly RunEvent[], index: number): EventAssert & AssertOf[RunEvent["type"]] {
  const made = ((): EventAssert => {
    switch ((events[index] as RunEvent).type) {
      case "message":
        return new MessageAssert(events, index);
      case "function_call":
        return new FunctionCallAssert(events, index);
      case "function_call_output":
        return new FunctionCallOutputAssert(events, index);
      case "agent_handoff":
        return new AgentHandoffAssert(events, index);
    }
  })();
  return made as EventAssert & AssertOf[RunEvent["type"]];
}
