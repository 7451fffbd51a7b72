/**
 * Parallel tasks: two tools of one turn await a task each. There is one voice, so the tasks take the stage one after the other.
 *
 *     deno run -A examples/parallel_tasks.ts      (or `bun`, or `node`)
 */
import { Agent, AgentSession, AgentTask, type ChatContext, type HookContext, tool } from "../mod.ts";
import { model, show, talk } from "./shared/talk.ts";

/** Asks one question, and completes with what the caller answers. */
class Ask extends AgentTask<string> {
  readonly #question: string;

  constructor(id: string, question: string) {
    super({ id, instructions: "Ask one question." });
    this.#question = question;
  }

  override onEnter({ session }: HookContext): void {
    session.say(this.#question);
  }

  /** The answer is the result, and nothing is said to it. */
  override llmNode(chatCtx: ChatContext): null {
    const { textContent = "" } = chatCtx.messages().findLast(({ role }) => role === "user") ?? {};
    this.complete(textContent.replace(/\.$/, ""));
    return null;
  }
}

const ask = (name: string, question: string) =>
  tool({
    name,
    description: `Asks the caller: ${question}`,
    execute: (_args, { ctx }) => ctx.run(new Ask(name, question)),
  });

const llm = model([
  { result: "ask_day", answer: () => "Thank you. Your table is booked." },
  {
    words: ["table"],
    answer: () => [{ call: "ask_guests", args: {} }, { call: "ask_day", args: {} }],
  },
  { answer: () => "Good evening." },
]);

const session = new AgentSession({ llm });
show(session);
const tools = [ask("ask_guests", "For how many?"), ask("ask_day", "And on which day?")];
await session.start({ agent: new Agent({ id: "host", instructions: "You take bookings.", tools }) });
await talk(session, ["A table, please.", "Four.", "Friday."]);
await session.close();
