/**
 * Models of OpenAI, and of all that speak its API, over `fetch` alone. Runs wherever `fetch` does.
 *
 * @module
 */
export type { ThinkingTags } from "../../src/model/thinking.ts";
export { type Fetch, openaiFromEnv, openaiLLM, type OpenAILLMOptions } from "./openai_llm.ts";
