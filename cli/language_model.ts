/**
 * Which language model a command uses: an OpenAI-compatible one as soon as the environment names it, else the given one.
 *
 * @module
 */
import { openaiFromEnv } from "../adapters/openai/mod.ts";
import type { LLM, Runtime } from "../mod.ts";

/** The model of the environment, or the one that needs none. */
export function languageModel(runtime: Runtime, otherwise: () => LLM): LLM {
  return (runtime.env === undefined ? undefined : openaiFromEnv(runtime.env)) ?? otherwise();
}
