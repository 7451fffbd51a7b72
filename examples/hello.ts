/** The smallest conversation: an agent that says what it hears. Any object that fits the contract is a model. */
import { Agent, AgentSession, type LLM } from "../mod.ts";

const parrot: LLM = {
  kind: "llm",
  model: "parrot",
  provider: "example",
  chat({ chatCtx }) {
    const said = chatCtx.messages().at(-1)?.textContent ?? "";
    return new ReadableStream({
      start(controller) {
        controller.enqueue({ id: "1", delta: { content: `You said: ${said}` } });
        controller.close();
      },
    });
  },
};

const session = new AgentSession({ llm: parrot });
await session.start({ agent: new Agent({ instructions: "Repeat what the user says." }) });
const { events } = await session.run({ userInput: "Hello there!" });
for (const event of events) {
  if (event.type === "message") console.log(event.item.textContent); // You said: Hello there!
}
await session.close();
