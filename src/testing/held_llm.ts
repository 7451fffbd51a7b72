/**
 * A real model on a virtual clock.
 *
 * @module
 */
import type { Clock } from "../base/runtime.ts";
import type { ChatChunk, LLM } from "../model/llm.ts";

/**
 * Makes a model that is asked over the network fit for a virtual clock: time stands still while it works, and then advances by as
 * long as it took. Such a run goes the same way only when the model answers the same, and as fast.
 *
 * @example
 * ```ts
 * const session = new AgentSession({ runtime, llm: heldLLM(openaiLLM({ model: "gpt-4.1-mini" }), runtime.clock) });
 * ```
 */
export function heldLLM(llm: LLM, clock: Clock): LLM {
  return {
    kind: "llm",
    model: llm.model,
    provider: llm.provider,
    ...(llm.composite && { composite: true }),
    ...(llm.prewarm && { prewarm: () => clock.hold(Promise.resolve(llm.prewarm?.())) }),
    chat(request) {
      const reader = llm.chat(request).getReader();
      return new ReadableStream<ChatChunk>({
        async pull(controller) {
          const { done, value } = await clock.hold(reader.read());
          if (done) controller.close();
          else controller.enqueue(value);
        },
        cancel: (reason) => reader.cancel(reason),
      }, { highWaterMark: 0 });
    },
  };
}
