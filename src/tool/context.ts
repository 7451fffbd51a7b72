/**
 * What a running tool can see and do.
 *
 * @module
 */
import type { FunctionCall } from "../chat/item.ts";
import type { AgentSession } from "../session/agent_session.ts";
import type { AgentTask } from "../session/agent_task.ts";
import type { SpeechHandle } from "../session/speech_handle.ts";
import type { Template, UpdateValues } from "./templates.ts";

/** How a tool tells of its progress. */
export interface UpdateOptions {
  /** What the model reads around the message. Default: that of the toolset, the agent or the session. */
  readonly template?: Template<UpdateValues>;
}

/** What a running tool can see and do. */
export interface RunContext<UserData = unknown> {
  /** The session that the call belongs to, as this call may use it: what it says stands behind the call. */
  readonly session: AgentSession<UserData>;
  /** The speech whose model asked for the call. It cannot be waited for while it waits for the call. */
  readonly speechHandle: SpeechHandle;
  /** The call that is running. */
  readonly functionCall: FunctionCall;
  /** The session's user data. */
  readonly userData: UserData;
  /** Aborted when the call is called off. */
  readonly signal: AbortSignal;
  /** What `update` was called with so far. */
  readonly updates: readonly unknown[];
  /**
   * From here on, the user cannot interrupt this speech.
   *
   * @throws {AgentError} `speech.already_interrupted` when it is interrupted already.
   */
  disallowInterruptions(): void;
  /** Waits until what was said before this call has been heard. */
  waitForPlayout(): Promise<void>;
  /**
   * Tells the model how the work goes. The first time it is the answer to the call: the agent speaks on, and the tool works
   * in the background, where no interruption reaches it. What it says after that, and what it returns in the end, goes into
   * the history at once, and the agent tells the user as soon as nobody speaks.
   *
   * @param message A text is put into a template that says that the work goes on; anything else is written as it is, as JSON.
   * @throws {AgentError} Rejects with `tool.over` when the call has ended, and `tool.bad_result` for what JSON cannot say.
   */
  update(message: unknown, options?: UpdateOptions): Promise<void>;
  /**
   * Waits until nobody speaks and this call's news were told, and keeps the floor while `body` runs: nothing else that waits
   * for silence, such as news of other calls, comes between.
   */
  foreground<T>(body: (session: AgentSession<UserData>) => T | PromiseLike<T>): Promise<T>;
  /**
   * Does a part of the work once: its result is kept by name, and given again when the call is resumed elsewhere. It must be
   * plain data. Names are this call's own.
   */
  step<T>(name: string, body: () => T | PromiseLike<T>): Promise<T>;
  /**
   * Has a task take the stage, and waits for what it comes to. Nobody can cut off the speech of this call meanwhile.
   *
   * @throws {AgentError} Rejects with the error that the task completed with; `task.cancelled` when it was called off, since
   *   the session closed or another agent took over; `task.already_run`, `task.interrupted`; `task.no_context` after the call.
   */
  run<Result>(task: AgentTask<Result>): Promise<Result>;
}
