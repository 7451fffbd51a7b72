/**
 * A conversation by text: an agent that greets, and answers. Where there is a microphone, the same agent speaks.
 *
 *     deno run -A examples/basic.ts      (or `bun`, or `node`)
 */
import { Agent, AgentSession, type HookContext } from "../mod.ts";
import { model, show, talk } from "./shared/talk.ts";

class Waiter extends Agent {
  constructor() {
    super({ instructions: "You are the waiter of a small restaurant. Be brief and friendly." });
  }

  override onEnter({ session }: HookContext): void {
    session.say("Good evening! Would you like to see the menu?");
  }
}

const llm = model([
  { words: ["fish"], answer: () => "The trout is from this morning. I can recommend it." },
  { words: ["menu"], answer: () => "Tonight there is trout, and a mushroom risotto." },
  { answer: () => "Gladly." },
]);

const session = new AgentSession({ llm });
show(session);
await session.start({ agent: new Waiter() });
await talk(session, ["Yes, the menu please.", "Is the fish fresh?", "I take it."]);
await session.close();
