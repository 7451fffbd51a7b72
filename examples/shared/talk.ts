/**
 * What the examples share: a model that needs no key, and a conversation that can be read.
 *
 * @module
 */
import { openaiFromEnv } from "../../adapters/openai/mod.ts";
import { detectRuntime } from "../../adapters/runtime/detect.ts";
import type { AgentSession, LLM } from "../../mod.ts";
import { type Rule, ruleBasedLLM } from "./rule_based_llm.ts";

/** A real model with `OPENAI_API_KEY` or `OPENAI_BASE_URL` in the environment; without them, the rules stand in for one. */
export function model(rules: readonly Rule[]): LLM {
  const { clock, env } = detectRuntime();
  return openaiFromEnv(env ?? (() => undefined)) ?? ruleBasedLLM({ clock, rules, firstTokenMs: 20, tokenMs: 2 });
}

/** Prints what is said and done, as it goes into the history. */
export function show<UserData>(session: AgentSession<UserData>): void {
  session.on("conversation_item_added", ({ item }) => {
    if (item.type === "agent_handoff") {
      if (item.oldAgentId !== null) console.log(`        ${item.oldAgentId} -> ${item.newAgentId}`);
    } else console.log(`${(item.role === "user" ? "you" : "agent").padEnd(8)}${item.textContent}`);
  });
  session.on("function_tools_executed", (event) => {
    for (const [call, output] of event.zipped()) {
      console.log(`tool    ${call.name}(${call.args}) ${output.isError ? "failed" : "gave"} ${output.output}`);
    }
  });
}

/** Says one line after the other, each when the agent has said what it had to say. */
export async function talk<UserData>(session: AgentSession<UserData>, lines: readonly string[]): Promise<void> {
  await session.currentSpeech; // a greeting
  for (const userInput of lines) await session.run({ userInput });
}
