/**
 * The promises that the program was given, by what they wait for.
 *
 * @module
 */
import { AgentError } from "../base/error.ts";

/** Whoever waits for the session to start, drain or close, or for a turn of the user to be committed. */
export class Waiting {
  readonly #active: (() => void)[] = [];
  readonly #drained: (() => void)[] = [];
  readonly #closed: (() => void)[] = [];
  readonly #quiet: (() => void)[] = [];
  readonly #commits = new Map<number, { resolve(transcript: string): void; reject(error: unknown): void }>();

  /** Resolves when the first agent is there, or the session has closed. */
  untilActive(): Promise<void> {
    return new Promise((resolve) => void this.#active.push(resolve));
  }

  /** Resolves when the agent has said what it had to say. */
  untilDrained(): Promise<void> {
    return new Promise((resolve) => void this.#drained.push(resolve));
  }

  /** Resolves at the next close. */
  untilClosed(): Promise<void> {
    return new Promise((resolve) => void this.#closed.push(resolve));
  }

  /** Resolves when nothing is at work, or the session has closed. */
  untilQuiet(): Promise<void> {
    return new Promise((resolve) => void this.#quiet.push(resolve));
  }

  /** Somebody waits for a quiet point. */
  get wantsQuiet(): boolean {
    return this.#quiet.length > 0;
  }

  quiet(): void {
    for (const resolve of this.#quiet.splice(0)) resolve();
  }

  /** Resolves with the words of the turn that the commit ends. */
  untilCommitted(id: number): Promise<string> {
    return new Promise((resolve, reject) => void this.#commits.set(id, { resolve, reject }));
  }

  active(): void {
    for (const resolve of this.#active.splice(0)) resolve();
  }

  drained(): void {
    for (const resolve of this.#drained.splice(0)) resolve();
  }

  committed(id: number, transcript: string): void {
    this.#commits.get(id)?.resolve(transcript);
    this.#commits.delete(id);
  }

  commitReplaced(id: number): void {
    this.#commits.get(id)?.reject(
      new AgentError(
        "task.cancelled",
        "Cannot commit the turn as a newer commit replaced it: current value is cancelled",
      ),
    );
    this.#commits.delete(id);
  }

  /** The session closes: no turn is committed any more. */
  refuseCommits(): void {
    for (const { reject } of this.#commits.values()) {
      reject(
        new AgentError("session.closing", "Cannot commit the turn as the session closed: current value is closed"),
      );
    }
    this.#commits.clear();
  }

  /** The session has closed: nobody waits any longer. */
  closed(): void {
    this.active();
    this.drained();
    this.quiet();
    for (const resolve of this.#closed.splice(0)) resolve();
  }
}
