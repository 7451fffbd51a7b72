/**
 * The contract of models that tell from the words whether the user has finished.
 *
 * @module
 */
import type { ChatContext } from "../chat/context.ts";

/** A model that tells from the words whether the user has finished. Asked once for each decision; a failure never delays a turn. */
export interface TurnDetector {
  /** Tells this contract from the others. */
  readonly kind: "turn_detector";
  /** The model's name, as its provider writes it. */
  readonly model: string;
  /** Who makes the model, in a word. */
  readonly provider: string;
  /** Below this probability the user is likely to go on; undefined: the prediction has no effect. */
  unlikelyThreshold(language: string): number | undefined | Promise<number | undefined>;
  /** Whether it can judge this language, as a BCP 47 tag. */
  supportsLanguage(language: string): boolean | Promise<boolean>;
  /** Probability, 0 to 1, that the user has finished. The last message of the context is what the user has said so far. */
  predictEndOfTurn(chatCtx: ChatContext, options: { readonly signal: AbortSignal }): Promise<number>;
}
