/**
 * Fallback models: when the first choice does not answer, the second does, and the conversation goes on.
 *
 *     deno run -A examples/fallback_models.ts      (or `bun`, or `node`)
 */
import { Agent, AgentSession, APIConnectionError, type ChatChunk, fallbackLLM, type LLM } from "../mod.ts";
import { model, show, talk } from "./shared/talk.ts";

/** A model whose provider is down for its first request, and comes back. */
function unreliable(llm: LLM): LLM {
  let requests = 0;
  return {
    kind: "llm",
    model: "flagship",
    provider: "example",
    chat(request) {
      if (++requests > 1) return llm.chat(request);
      return new ReadableStream<ChatChunk>({
        start: (controller) => controller.error(new APIConnectionError({ message: "The provider is down" })),
      });
    },
  };
}

const flagship = unreliable(model([{ answer: () => "The flagship answers, at length and with care." }]));
const small = model([{ answer: () => "The small model answers." }]);

const llm = fallbackLLM([flagship, small], {
  onAvailabilityChanged: ({ model, available }) =>
    console.log(`        ${model.model} is ${available ? "back" : "down"}`),
});

const session = new AgentSession({ llm });
show(session);
await session.start({ agent: new Agent({ instructions: "Be brief." }) });
await talk(session, ["Who is there?", "And now?", "Who is there now?"]);
await session.close();
