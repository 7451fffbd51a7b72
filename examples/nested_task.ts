/**
 * A nested task: a tool awaits a small conversation of its own, which takes the stage and comes back with a result.
 *
 *     deno run -A examples/nested_task.ts      (or `bun`, or `node`)
 */
import * as v from "valibot";
import { valibotSchema } from "../adapters/valibot/mod.ts";
import { Agent, AgentSession, AgentTask, type HookContext, tool } from "../mod.ts";
import { model, show, talk } from "./shared/talk.ts";

class AskName extends AgentTask<string> {
  constructor() {
    super({
      instructions: "Find out the caller's name, and record it.",
      tools: [tool({
        name: "record_name",
        description: "Records the caller's name.",
        parameters: valibotSchema(v.object({ name: v.string() })),
        execute: ({ name }) => this.complete(name),
      })],
      llm: model([
        { words: ["ada"], answer: () => ({ call: "record_name", args: { name: "Ada" } }) },
        { answer: () => "And what is your name?" },
      ]),
    });
  }

  override onEnter({ session }: HookContext): void {
    session.generateReply();
  }
}

const bookTable = tool({
  name: "book_table",
  description: "Books a table for the caller.",
  async execute(_args, { ctx }) {
    const name = await ctx.run(new AskName()); // typed as string; waits for the caller, however long that takes
    return `A table is booked for ${name}`;
  },
});

const llm = model([
  { result: "book_table", answer: (output) => `${output}. See you tonight!` },
  { words: ["table"], answer: () => ({ call: "book_table", args: {} }) },
  { answer: () => "You are welcome." },
]);

const session = new AgentSession({ llm });
show(session);
await session.start({ agent: new Agent({ id: "host", instructions: "You take bookings.", tools: [bookTable] }) });
await talk(session, ["A table for two, please.", "My name is Ada.", "Thank you."]);
await session.close();
