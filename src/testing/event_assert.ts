/**
 * What is asserted of one event of a run.
 *
 * @module
 */
import type { LLM } from "../model/llm.ts";
import type { RunEvent } from "../session/run_result.ts";
import { checkIntent, type JudgeOptions } from "./check_intent.ts";
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
import { RunAssertionError } from "./run_failure.ts";

/** The event of a run that has this type. */
export type RunEventOf<Type extends RunEvent["type"]> = Extract<RunEvent, { readonly type: Type }>;

/** One event of a run, of which it is to be said what it is. */
export class EventAssert {
  /** @ignore */
  protected readonly events: readonly RunEvent[];
  /** The place of the event in the run, from 0. */
  readonly index: number;

  /** @ignore */
  constructor(events: readonly RunEvent[], index: number) {
    this.events = events;
    this.index = index;
  }

  /** The event itself. */
  event(): RunEvent {
    return this.events[this.index] as RunEvent;
  }

  /**
   * It is a message that fits.
   *
   * @throws {RunAssertionError} when it is not.
   */
  isMessage(criteria: MessageCriteria = {}): MessageAssert {
    this.#check("message", criteria);
    return new MessageAssert(this.events, this.index);
  }

  /**
   * It is a call of a tool that fits. `args` need only be some of its arguments.
   *
   * @throws {RunAssertionError} when it is not.
   */
  isFunctionCall(criteria: FunctionCallCriteria = {}): FunctionCallAssert {
    this.#check("function_call", criteria);
    return new FunctionCallAssert(this.events, this.index);
  }

  /**
   * It is an output of a tool that fits.
   *
   * @throws {RunAssertionError} when it is not.
   */
  isFunctionCallOutput(criteria: FunctionCallOutputCriteria = {}): FunctionCallOutputAssert {
    this.#check("function_call_output", criteria);
    return new FunctionCallOutputAssert(this.events, this.index);
  }

  /**
   * It is a hand-off that fits.
   *
   * @throws {RunAssertionError} when it is not.
   */
  isAgentHandoff(criteria: AgentHandoffCriteria = {}): AgentHandoffAssert {
    this.#check("agent_handoff", criteria);
    return new AgentHandoffAssert(this.events, this.index);
  }

  #check<Type extends RunEvent["type"]>(type: Type, criteria: CriteriaOf[Type]): void {
    const wanted = { type, ...criteria } as unknown as Criteria;
    const wrong = mismatch(this.event(), wanted);
    if (wrong === undefined) return;
    throw new RunAssertionError(
      `Expected ${describeCriteria(wanted)}, and event ${this.index} ${wrong}`,
      this.events,
      this.index,
    );
  }
}

/** A message of a run. */
export class MessageAssert extends EventAssert {
  /** The event itself. */
  override event(): RunEventOf<"message"> {
    return super.event() as RunEventOf<"message">;
  }

  /**
   * A model says whether the message does what it is meant to do.
   *
   * @param llm Who judges.
   * @param options `intent`: what the message is meant to do, in words.
   * @returns This, so that more can be asserted.
   * @throws {RunAssertionError} Rejects with the reason when it does not, when the message or the intent is empty, or when
   *   the model gives no verdict. A model that fails rejects with its own error.
   *
   * @example
   * ```ts
   * await expectRun(result).nextEvent().isMessage({ role: "assistant" })
   *   .judge(llm, { intent: "offers another day, since the one asked for is taken" });
   * ```
   */
  async judge(llm: LLM, options: JudgeOptions): Promise<this> {
    const { success, reason } = await checkIntent(llm, this.event().item.textContent ?? "", options);
    if (success) return this;
    throw new RunAssertionError(
      `Expected message ${this.index} to do this: ${options.intent}\nThe judge says: ${reason}`,
      this.events,
      this.index,
    );
  }
}

/** A call of a tool in a run. */
export class FunctionCallAssert extends EventAssert {
  /** The event itself. */
  override event(): RunEventOf<"function_call"> {
    return super.event() as RunEventOf<"function_call">;
  }
}

/** An output of a tool in a run. */
export class FunctionCallOutputAssert extends EventAssert {
  /** The event itself. */
  override event(): RunEventOf<"function_call_output"> {
    return super.event() as RunEventOf<"function_call_output">;
  }
}

/** A hand-off in a run. */
export class AgentHandoffAssert extends EventAssert {
  /** The event itself. */
  override event(): RunEventOf<"agent_handoff"> {
    return super.event() as RunEventOf<"agent_handoff">;
  }
}
