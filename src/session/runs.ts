/**
 * The run that is under way, and what it collects.
 *
 * @module
 */
import { AgentError } from "../base/error.ts";
import type { ChatItem } from "../chat/item.ts";
import type { CloseReason } from "../stage/state.ts";
import { handleName } from "../stage/run.ts";
import type { Activity } from "./activity.ts";
import type { Agent } from "./agent.ts";
import type { TaskOutcome } from "./agent_task.ts";
import { PROGRAM, scopeHere } from "./call_scope.ts";
import type { SessionCore } from "./core.ts";
import { type ExpectedOutput, noOutput, readOutput } from "./run_output.ts";
import { RunResult, type SettledRun } from "./run_result.ts";
import type { SpeechHandle } from "./speech_handle.ts";

/** Runs of one session, one at a time. */
export class Runs {
  readonly #core: SessionCore;
  #current:
    | { readonly id: number; readonly result: RunResult; readonly expected: ExpectedOutput | undefined }
    | undefined;

  /** The turn that was over last. */
  #lastTurn: SpeechHandle | undefined;

  constructor(core: SessionCore) {
    this.#core = core;
  }

  /**
   * A run over what the call causes.
   *
   * @throws {AgentError} `run.active` while another is under way; what the call throws.
   */
  run(call: () => unknown, expected?: ExpectedOutput): RunResult {
    const result = this.#begin(false, expected);
    try {
      call();
    } catch (error) {
      this.#current = undefined;
      throw error;
    } finally {
      this.#begun();
    }
    return result;
  }

  /** A run over what a start causes. Gives it when it is over; rejects as the start does. */
  async capture(start: () => Promise<void>): Promise<SettledRun> {
    const result = this.#begin(true);
    try {
      await start();
    } catch (error) {
      this.#current = undefined;
      throw error;
    } finally {
      this.#begun();
    }
    return await result.wait();
  }

  #begin(isStarting: boolean, expected?: ExpectedOutput, result: RunResult = new RunResult()): RunResult {
    if (this.#current !== undefined) {
      throw new AgentError("run.active", "Cannot start a run as another is under way: current value is active");
    }
    const id = this.#core.nextSerial();
    this.#current = { id, result, expected };
    this.#lastTurn = undefined;
    this.#core.inbox.call({ type: "run.start", t: 0, runId: id, alive: ["call"], ...(isStarting && { isStarting }) });
    return result;
  }

  /** What it waited for to begin with has happened. */
  #begun(): void {
    this.#core.inbox.call({ type: "run.unwatch", t: 0, name: "call" });
  }

  /** The run that is under way. */
  get currentId(): number | undefined {
    return this.#current?.id;
  }

  record(item: ChatItem, oldAgent?: Agent, newAgent?: Agent): void {
    this.#current?.result["~record"](item, oldAgent, newAgent);
  }

  /** A turn is over that the run waits for: what it failed with, or what a task came to in it, is the run's own. */
  turnOver(handle: SpeechHandle): void {
    if (this.#core.root.stage.run?.alive.has(handleName(handle.id))) this.#lastTurn = handle;
  }

  /** A task has its result. In a tool it belongs to the turn of the tool. */
  completed(activity: Activity, outcome: TaskOutcome): void {
    const scope = scopeHere();
    const handle = scope?.activity === activity ? scope.handle : this.#core.speeches.workingFor(activity);
    if (handle !== undefined) handle["~"].finalOutput = outcome;
  }

  settle(runId: number): void {
    if (this.#current?.id !== runId) return;
    const { result, expected } = this.#current;
    this.#current = undefined;
    const { finalOutput, error } = this.#lastTurn?.["~"] ?? {};
    this.#lastTurn = undefined;
    const failure = finalOutput !== undefined && "error" in finalOutput ? finalOutput.error : error;
    const output = finalOutput !== undefined && "value" in finalOutput ? finalOutput : undefined;
    if (failure === undefined && expected !== undefined) return this.#deliver(result, expected, output?.value);
    if (output !== undefined) result["~output"](output.value);
    result["~settle"](failure);
  }

  /** Ends a run with the output that it must have, or reminds the model of it. */
  #deliver(result: RunResult, expected: ExpectedOutput, value: unknown): void {
    if (value === undefined) {
      if (expected.retries < expected.maxRetries) this.#remind(result, expected);
      else result["~settle"](noOutput(expected));
      return;
    }
    const settle = (output: unknown): void => {
      result["~output"](output);
      result["~settle"]();
    };
    const fail = (error: unknown): void => result["~settle"](error);
    try {
      const read = readOutput(expected, value);
      if (read instanceof Promise) read.then(settle, fail);
      else settle(read);
    } catch (error) {
      fail(error);
    }
  }

  /** The run goes on with a reply in which the model is to give its output. */
  #remind(result: RunResult, expected: ExpectedOutput): void {
    const core = this.#core;
    expected.retries += 1;
    this.#begin(false, expected, result);
    try {
      const activity = core.accepting("ask for the output of a run");
      core.speeches.generateReply(activity, { instructions: expected.instructions }, PROGRAM);
    } catch (cause) {
      this.#current = undefined;
      result["~settle"](noOutput(expected, cause));
    } finally {
      this.#begun();
    }
  }

  closed(reason: CloseReason, cause: unknown): void {
    this.#current?.result["~settle"](
      new AgentError("run.closed", `Cannot finish the run as the session closed: current value is ${reason}`, {
        cause,
      }),
    );
    this.#current = undefined;
    this.#lastTurn = undefined;
  }
}
