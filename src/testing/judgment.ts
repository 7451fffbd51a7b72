/**
 * What judges say of a conversation, one by one and together.
 *
 * @module
 */
import { AgentError } from "../base/error.ts";
import type { ChatContext } from "../chat/context.ts";
import type { LLM } from "../model/llm.ts";
import type { Logger } from "../session/options.ts";
import type { AskOptions } from "./ask_function.ts";
import type { Tagger } from "./tagger.ts";

/** What a judge says: good, bad, or that it cannot be told. */
export type JudgmentVerdict = "pass" | "fail" | "maybe";

/** What a judge says of a conversation, and why. */
export class JudgmentResult {
  /** What it says. */
  readonly verdict: JudgmentVerdict;
  /** Why. */
  readonly reasoning: string;
  /** By what it judged; empty where that is its criterion alone. */
  readonly instructions: string;

  /** A judgment. */
  constructor(verdict: JudgmentVerdict, reasoning: string, instructions = "") {
    this.verdict = verdict;
    this.reasoning = reasoning;
    this.instructions = instructions;
  }

  /** It is good. */
  get passed(): boolean {
    return this.verdict === "pass";
  }

  /** It is bad. */
  get failed(): boolean {
    return this.verdict === "fail";
  }

  /** It cannot be told. */
  get uncertain(): boolean {
    return this.verdict === "maybe";
  }
}

/** What a judge is given. */
export interface EvaluateOptions extends AskOptions {
  /** The conversation: the history of a session, as a rule. */
  readonly chatCtx: ChatContext;
  /** A conversation that went well, to compare with. */
  readonly reference?: ChatContext;
  /** Who judges. Comes before a model of the judge's own. */
  readonly llm?: LLM;
  /** Where warnings go. Default: nowhere. */
  readonly logger?: Logger;
}

/** Anything that judges conversations. */
export interface Evaluator {
  /** Names it in the results. */
  readonly name: string;
  /** Judges a conversation. */
  evaluate(options: EvaluateOptions): Promise<JudgmentResult>;
}

/**
 * A judge of one's own: extend it, and say how it judges.
 *
 * @example
 * ```ts
 * class IsShort extends Judge {
 *   async evaluate({ chatCtx }: EvaluateOptions) {
 *     return new JudgmentResult(chatCtx.messages().length < 10 ? "pass" : "fail", "counted");
 *   }
 * }
 * ```
 */
export abstract class Judge implements Evaluator {
  /** Names it in the results. */
  readonly name: string;

  /** A judge of this name. */
  constructor(name: string) {
    this.name = name;
  }

  /** Judges a conversation. */
  abstract evaluate(options: EvaluateOptions): Promise<JudgmentResult>;
}

const SCORES: Readonly<Record<JudgmentVerdict, number>> = { pass: 1, maybe: 0.5, fail: 0 };

/** What several judges say of one conversation. */
export class EvaluationResult {
  /** The judgments, by the names of the judges. */
  readonly judgments: ReadonlyMap<string, JudgmentResult>;

  /** Judgments by name. */
  constructor(judgments: ReadonlyMap<string, JudgmentResult>) {
    this.judgments = judgments;
  }

  /** The mean, from 0 to 1, where what cannot be told counts one half; 0 when nobody judged. */
  get score(): number {
    let sum = 0;
    for (const { verdict } of this.judgments.values()) sum += SCORES[verdict];
    return this.judgments.size === 0 ? 0 : sum / this.judgments.size;
  }

  /** All judges say that it is good. True when nobody judged. */
  get allPassed(): boolean {
    return this.#count("pass") === this.judgments.size;
  }

  /** A judge says that it is good. */
  get anyPassed(): boolean {
    return this.#count("pass") > 0;
  }

  /** More than half of the judges say that it is good. True when nobody judged. */
  get majorityPassed(): boolean {
    return this.judgments.size === 0 || this.#count("pass") > this.judgments.size / 2;
  }

  /** No judge says that it is bad. */
  get noneFailed(): boolean {
    return this.#count("fail") === 0;
  }

  #count(verdict: JudgmentVerdict): number {
    return [...this.judgments.values()].filter((result) => result.verdict === verdict).length;
  }
}

/** How judges are put together. */
export interface JudgeGroupOptions extends AskOptions {
  /** Who judges. Comes before models of the judges' own. */
  readonly llm?: LLM;
  /** The judges. Of two with one name, the later counts. */
  readonly judges: readonly Evaluator[];
  /** Told of judges that fail. Default: nobody. */
  readonly logger?: Logger;
  /** Takes the verdicts as tags of the session. */
  readonly tagger?: Tagger;
}

/**
 * Judges that judge one conversation together, all at once.
 *
 * @example
 * ```ts
 * const group = new JudgeGroup({ llm, judges: [taskCompletionJudge(), toolUseJudge(), safetyJudge()] });
 * const result = await group.evaluate(session.history);
 * assert.ok(result.allPassed, [...result.judgments].map(([name, { reasoning }]) => `${name}: ${reasoning}`).join("\n"));
 * ```
 */
export class JudgeGroup {
  readonly #options: JudgeGroupOptions;

  /**
   * Makes a group.
   *
   * @throws {AgentError} `test.bad_option` when `judges` is no list of judges.
   */
  constructor(options: JudgeGroupOptions) {
    const judges: unknown = options?.judges;
    if (
      !Array.isArray(judges) || !judges.every((judge) => typeof (judge as Partial<Evaluator>)?.evaluate === "function")
    ) {
      throw new AgentError(
        "test.bad_option",
        `Cannot make a group of judges as \`judges\` must be a list of judges: current value is ${
          Array.isArray(judges) ? "a list of something else" : typeof judges
        }`,
      );
    }
    this.#options = options;
  }

  /** Has all judges judge. One that fails is logged and left out; the others count. Never rejects. */
  async evaluate(chatCtx: ChatContext, options: { readonly reference?: ChatContext } = {}): Promise<EvaluationResult> {
    const { judges, logger, tagger, ...rest } = this.#options;
    const judgments = new Map<string, JudgmentResult>();
    const results = await Promise.allSettled(
      judges.map(async (judge) => await judge.evaluate({ ...rest, ...options, chatCtx, ...(logger && { logger }) })),
    );
    results.forEach((result, index) => {
      const { name } = judges[index] as Evaluator;
      if (result.status === "fulfilled") judgments.set(name, result.value);
      else logger?.error("a judge failed", { area: "evaluation", judge: name, error: result.reason });
    });
    const evaluation = new EvaluationResult(judgments);
    tagger?.evaluated(evaluation);
    return evaluation;
  }
}
