/**
 * A language model that is none: rules on the last words of the user, so that examples run without a key.
 *
 * It streams its answer word by word at the pace of a small model, calls tools, and hears roughly: rules look for words,
 * not sentences, since a recogniser mishears.
 *
 * @module
 */
import type { ChatChunk, ChatRequest, Clock, LLM } from "../../mod.ts";

/** A call of a tool. */
export interface RuleCall {
  readonly call: string;
  readonly args: Readonly<Record<string, unknown>>;
}

/** What a rule answers with: words, or calls of tools. */
export type RuleAnswer = string | RuleCall | readonly RuleCall[];

/** One rule. The first that fits answers. */
export interface Rule {
  /** Fits when one of these is among the user's words; absent: it always fits. */
  readonly words?: readonly string[];
  /** Fits the result of this tool instead. */
  readonly result?: string;
  /** Makes the answer from what was said, or from the tool's result. */
  answer(said: string): RuleAnswer;
}

/** How a rule-based model is made. */
export interface RuleBasedOptions {
  readonly rules: readonly Rule[];
  readonly clock: Clock;
  /** Milliseconds to the first word. Default 250. */
  readonly firstTokenMs?: number;
  /** Milliseconds between words. Default 20. */
  readonly tokenMs?: number;
}

/** Makes a model of rules. */
export function ruleBasedLLM({ rules, clock, firstTokenMs = 250, tokenMs = 20 }: RuleBasedOptions): LLM {
  let calls = 0;
  return {
    kind: "llm",
    model: "rules",
    provider: "example",
    chat(request) {
      const answer = decide(rules, request);
      const chunks: ChatChunk[] = typeof answer === "string"
        ? answer.split(/(?<= )/).map((content) => ({ id: "rules", delta: { content } }))
        : [{
          id: "rules",
          delta: {
            toolCalls: [answer].flat().map(({ call, args }) => ({
              type: "function",
              callId: `call_${++calls}`,
              name: call,
              args: JSON.stringify(args),
            })),
          },
        }];
      const { signal } = request;
      let isFirst = true;
      let off = (): void => {};
      return new ReadableStream<ChatChunk>({
        async pull(controller) {
          const delay = isFirst ? firstTokenMs : tokenMs;
          isFirst = false;
          await new Promise<void>((resolve) => {
            off = clock.schedule(clock.now() + delay, resolve);
            signal?.addEventListener("abort", () => resolve(), { once: true });
          });
          off();
          const chunk = signal?.aborted ? undefined : chunks.shift();
          if (chunk === undefined) controller.close();
          else controller.enqueue(chunk);
        },
        cancel: () => off(),
      }, { highWaterMark: 0 });
    },
  };
}

function decide(rules: readonly Rule[], { chatCtx, toolChoice }: ChatRequest): RuleAnswer {
  // How the reply is to be made does not matter to rules.
  const last = chatCtx.items.findLast((item) =>
    item.type !== "message" || item.role === "user" || item.role === "assistant"
  );
  if (last?.type === "function_call_output") {
    const rule = rules.find(({ result }) => result === last.name);
    return rule?.answer(last.output) ?? last.output;
  }
  const said = chatCtx.items.findLast((item) => item.type === "message" && item.role === "user");
  const text = said?.type === "message" ? said.textContent ?? "" : "";
  const words = new Set(text.toLowerCase().split(/[^a-z']+/));
  for (const rule of rules) {
    if (rule.result !== undefined) continue;
    if (rule.words !== undefined && !rule.words.some((word) => words.has(word))) continue;
    const answer = rule.answer(text);
    if (typeof answer === "string" || toolChoice !== "none") return answer;
  }
  return "Sorry, I did not catch that.";
}
