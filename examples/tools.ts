/**
 * Tools: functions that the model may call. Their arguments are checked by a schema, and typed by it.
 *
 *     deno run -A examples/tools.ts      (or `bun`, or `node`)
 */
import * as v from "valibot";
import { valibotSchema } from "../adapters/valibot/mod.ts";
import { Agent, AgentSession, tool, ToolError } from "../mod.ts";
import { model, show, talk } from "./shared/talk.ts";

const STOCK: Readonly<Record<string, number>> = { "moby dick": 3, "emma": 0 };

const findBook = tool({
  name: "find_book",
  description: "How many copies of a book there are.",
  parameters: valibotSchema(v.object({ title: v.string() })),
  execute({ title }) {
    const copies = STOCK[title.toLowerCase()];
    // The model reads the message of a ToolError; of any other error it learns only that there was one.
    if (copies === undefined) throw new ToolError(`There is no book called ${title}`);
    return { title, copies };
  },
});

const llm = model([
  { result: "find_book", answer: (output) => output.startsWith("{") ? sentence(output) : `${output}, I am sorry.` },
  { words: ["moby"], answer: () => ({ call: "find_book", args: { title: "Moby Dick" } }) },
  { words: ["emma"], answer: () => ({ call: "find_book", args: { title: "Emma" } }) },
  { answer: () => ({ call: "find_book", args: { title: "Ulysses" } }) },
]);

function sentence(output: string): string {
  const { title, copies } = JSON.parse(output) as { title: string; copies: number };
  return copies === 0 ? `${title} is sold out.` : `There are ${copies} copies of ${title}.`;
}

const session = new AgentSession({ llm });
show(session);
await session.start({ agent: new Agent({ instructions: "You sell books. Be brief.", tools: [findBook] }) });
await talk(session, ["Do you have Moby Dick?", "And Emma?", "What about Ulysses?"]);
await session.close();
