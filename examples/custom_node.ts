/**
 * Custom nodes: an agent replaces a step of the pipeline. Each takes streams and gives one, or is an async generator.
 *
 *     deno run -A examples/custom_node.ts      (or `bun`, or `node`)
 */
import {
  Agent,
  AgentSession,
  type ChatContext,
  type ModelSettings,
  type NodeResult,
  type TimedString,
  type ToolContext,
} from "../mod.ts";
import { model, show, talk } from "./shared/talk.ts";

class Banker extends Agent {
  constructor() {
    super({ instructions: "You answer questions about an account. Be brief." });
  }

  /** The model sees what is true at this moment, without its being part of the conversation. */
  override llmNode(chatCtx: ChatContext, toolCtx: ToolContext, settings: ModelSettings) {
    const seen = chatCtx.copy();
    seen.addMessage({ role: "system", content: "The card of this customer is 4111 2222 3333 4444." });
    return super.llmNode(seen, toolCtx, settings);
  }

  /** Captions and history show no digits but the last four. What is spoken stays as it is. */
  override transcriptionNode(text: ReadableStream<string | TimedString>): NodeResult<string> {
    const plain = text.pipeThrough(
      new TransformStream<string | TimedString, string>({
        transform: (part, controller) => controller.enqueue(typeof part === "string" ? part : part.text),
      }),
    );
    return masked(plain);
  }
}

/** Holds back what may be the middle of a number. */
async function* masked(text: ReadableStream<string>): AsyncGenerator<string> {
  let held = "";
  for await (const part of text) {
    const [open = ""] = /[\d ]*$/.exec(held += part) ?? [];
    yield mask(held.slice(0, held.length - open.length));
    held = open;
  }
  yield mask(held);
}

const mask = (text: string): string => text.replace(/\d[\d ]*(?=\d{4})/g, (digits) => digits.replace(/\d/g, "*"));

const llm = model([{ words: ["card"], answer: () => "It is 4111 2222 3333 4444, valid until 2029." }]);
const session = new AgentSession({ llm });
show(session);
await session.start({ agent: new Banker() });
await talk(session, ["What is the number of my card?"]);
await session.close();
