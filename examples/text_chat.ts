/**
 * A conversation by text: an agent with one tool. Rules stand in for a language model; with `OPENAI_API_KEY` or
 * `OPENAI_BASE_URL` in the environment, a real one answers.
 *
 *     deno run -A examples/text_chat.ts      (or `bun`, or `node`)
 */
import { Agent, AgentSession, tool } from "../mod.ts";
import { openaiFromEnv } from "../adapters/openai/mod.ts";
import { detectRuntime } from "../adapters/runtime/detect.ts";
import { ruleBasedLLM } from "./shared/rule_based_llm.ts";

const runtime = detectRuntime();

const weather = tool({
  name: "weather",
  description: "The weather in a city today.",
  parameters: { type: "object", properties: { city: { type: "string" } }, required: ["city"] },
  execute: ({ city }) => `18 degrees and sunny in ${city}`,
});

const rules = ruleBasedLLM({
  clock: runtime.clock,
  rules: [
    { result: "weather", answer: (output) => `It is ${output}.` },
    { words: ["weather", "sunny"], answer: () => ({ call: "weather", args: { city: "Oslo" } }) },
    { words: ["bye", "thanks"], answer: () => "Goodbye!" },
    { answer: () => "Ask me about the weather." },
  ],
});

const session = new AgentSession({ llm: openaiFromEnv(runtime.env ?? (() => undefined)) ?? rules, runtime });
await session.start({ agent: new Agent({ instructions: "You tell the weather. Be brief.", tools: [weather] }) });

for (const userInput of ["Hello!", "How is the weather in Oslo?", "Thanks, bye."]) {
  console.log(`you    ${userInput}`);
  const { events } = await session.run({ userInput });
  for (const event of events) {
    if (event.type === "function_call") console.log(`tool   ${event.item.name}(${event.item.args})`);
    if (event.type === "message") console.log(`agent  ${event.item.textContent}`);
  }
}
await session.close();
