/**
 * What a running tool can see and do.
 *
 * @module
 */
import type { FunctionCall } from "../chat/item.ts";

/** What a running tool can see and do. Its `session` and `speechHandle` have the types of `src/session`, given by `mod.ts`. */
export interface RunContext<UserData = unknown> {
  /** The session that the call belongs to, as this call may use it. */
  readonly session: unknown;
  /** The speech whose model asked for the call. */
  readonly speechHandle: unknown;
  /** The call that is running. */
  readonly functionCall: FunctionCall;
  /** The session's user data. */
  readonly userData: UserData;
  /** Aborted when the call is called off. */
  readonly signal: AbortSignal;
  /** From here on, the user cannot interrupt this speech. Throws when it is interrupted already. */
  disallowInterruptions(): void;
  /** Waits until what was said before this call has been heard. */
  waitForPlayout(): Promise<void>;
}
