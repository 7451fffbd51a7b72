/** A model that costs nothing: twenty chunks, at once. */
import type { ChatChunk, LLM } from "../mod.ts";

const CHUNKS: readonly ChatChunk[] = Array.from(
  { length: 20 },
  (_, index) => ({ id: "i", delta: { content: `word${index} ` } }),
);

/** Makes one; `onChat` is told when it is asked. */
export function instantLLM(onChat: () => void = () => {}): LLM {
  return {
    kind: "llm",
    model: "instant",
    provider: "bench",
    chat() {
      onChat();
      let index = 0;
      return new ReadableStream<ChatChunk>({
        pull(controller) {
          const chunk = CHUNKS[index++];
          if (chunk === undefined) controller.close();
          else controller.enqueue(chunk);
        },
      });
    },
  };
}
