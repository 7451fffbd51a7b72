/**
 * A hand-off: a tool returns another agent, which takes over with the conversation so far.
 *
 *     deno run -A examples/handoff.ts      (or `bun`, or `node`)
 */
import { Agent, AgentSession, type ChatContext, handoff, type HookContext, tool } from "../mod.ts";
import { model, show, talk } from "./shared/talk.ts";

class Reception extends Agent {
  constructor() {
    super({
      id: "reception",
      instructions: "You answer the telephone of a hotel, and pass calls on.",
      tools: [tool({
        name: "to_the_kitchen",
        description: "Passes the call to the kitchen, for room service.",
        execute: () => handoff({ agent: new Kitchen(this.chatCtx), returns: "The kitchen takes over." }),
      })],
      llm: model([
        { result: "to_the_kitchen", answer: () => "One moment, I pass you on to the kitchen." },
        { words: ["hungry", "eat"], answer: () => ({ call: "to_the_kitchen", args: {} }) },
        { answer: () => "Breakfast is from seven to ten." },
      ]),
    });
  }
}

class Kitchen extends Agent {
  constructor(chatCtx: ChatContext) {
    super({
      id: "kitchen",
      instructions: "You take orders for room service.",
      chatCtx: chatCtx.copy({ excludeInstructions: true }), // it knows what was said, and has instructions of its own
      llm: model([
        { words: ["soup"], answer: () => "A soup for your room, in twenty minutes." },
        { answer: () => "The kitchen here, good evening. You are hungry, I hear. What may I bring you?" },
      ]),
    });
  }

  override onEnter({ session }: HookContext): void {
    session.generateReply();
  }
}

const session = new AgentSession();
show(session);
await session.start({ agent: new Reception() });
await talk(session, ["When is breakfast?", "I am hungry now.", "A soup, please."]);
await session.close();
