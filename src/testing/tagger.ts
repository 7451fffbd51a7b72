/**
 * What is said about a session when it is over: whether it succeeded, what judges found, and tags of the program.
 *
 * @module
 */
import type { EvaluationResult, JudgmentVerdict } from "./judgment.ts";

const SUCCESS = "lk.success";
const FAIL = "lk.fail";

/** One verdict of a judge, as it was tagged. */
export interface TaggedEvaluation {
  /** The judge. */
  readonly name: string;
  /** What it says. */
  readonly verdict: JudgmentVerdict;
  /** Why. */
  readonly reasoning: string;
}

/**
 * Collects tags of one session.
 *
 * @example
 * ```ts
 * const tagger = new Tagger();
 * await new JudgeGroup({ llm, judges, tagger }).evaluate(session.history);
 * tagger.success("the table is booked");
 * [...tagger.tags.keys()]; // ["lk.judge.task_completion:pass", "lk.success"]
 * ```
 */
export class Tagger {
  readonly #tags = new Map<string, Readonly<Record<string, unknown>> | undefined>();
  readonly #evaluations: TaggedEvaluation[] = [];
  #reason: string | undefined;

  /** All tags, each with what was said about it. */
  get tags(): ReadonlyMap<string, Readonly<Record<string, unknown>> | undefined> {
    return this.#tags;
  }

  /** What judges found, in order. */
  get evaluations(): readonly TaggedEvaluation[] {
    return this.#evaluations;
  }

  /** Whether the session reached its goal; `undefined` as long as nobody has said so. */
  get outcome(): "success" | "fail" | undefined {
    return this.#tags.has(SUCCESS) ? "success" : this.#tags.has(FAIL) ? "fail" : undefined;
  }

  /** Why it did or did not. */
  get outcomeReason(): string | undefined {
    return this.#reason;
  }

  /** It reached its goal. Replaces what was said before. */
  success(reason?: string): void {
    this.#settle(SUCCESS, FAIL, reason);
  }

  /** It did not reach its goal. Replaces what was said before. */
  fail(reason?: string): void {
    this.#settle(FAIL, SUCCESS, reason);
  }

  /** Adds a tag; one that is there gets what is said now. */
  add(tag: string, metadata?: Readonly<Record<string, unknown>>): void {
    this.#tags.set(tag, metadata);
  }

  /** Takes a tag away, when it is there. */
  remove(tag: string): void {
    this.#tags.delete(tag);
  }

  /** Adds what judges found. Called by a group of judges that has this tagger. */
  evaluated(result: EvaluationResult): void {
    for (const [name, { verdict, reasoning }] of result.judgments) {
      this.#evaluations.push({ name, verdict, reasoning });
      this.add(`lk.judge.${name}:${verdict}`);
    }
  }

  #settle(tag: string, other: string, reason: string | undefined): void {
    this.#tags.delete(other);
    this.#tags.set(tag, reason === undefined ? undefined : { reason });
    this.#reason = reason;
  }
}
