/**
 * Structured output: the model answers in JSON that fits a schema. The agent says one field of it, and keeps the others.
 *
 *     deno run -A examples/structured_output.ts      (or `bun`, or `node`)
 */
import * as v from "valibot";
import { valibotSchema } from "../adapters/valibot/mod.ts";
import { Agent, AgentSession, type ChatContext, responseFormat, type ToolContext } from "../mod.ts";
import { model, show, talk } from "./shared/talk.ts";

const answer = responseFormat(valibotSchema(v.object({
  mood: v.pipe(v.picklist(["calm", "worried", "angry"]), v.description("How the caller feels")),
  urgent: v.boolean(),
  reply: v.pipe(v.string(), v.description("What to say to the caller")),
})));

class Nurse extends Agent {
  readonly notes: string[] = [];

  constructor() {
    super({ instructions: "You answer the telephone of a doctor. Answer in JSON." });
  }

  /** Takes the place of the request that the session would make. What it yields is said, and goes into the history. */
  override async *llmNode(chatCtx: ChatContext, toolCtx: ToolContext): AsyncGenerator<string> {
    let text = "";
    for await (const { delta } of this.session.llm!.chat({ chatCtx, toolCtx, responseFormat: answer })) {
      text += delta?.content ?? "";
    }
    const { mood, urgent, reply } = answer.parse(text); // typed by the schema; throws when the model did not keep to it
    this.notes.push(`${mood}${urgent ? ", urgent" : ""}`);
    yield reply;
  }
}

const json = (mood: string, urgent: boolean, reply: string) => () => JSON.stringify({ mood, urgent, reply });
const llm = model([
  { words: ["fever"], answer: json("worried", true, "Bring her in at eleven. Give her enough to drink until then.") },
  { answer: json("calm", false, "Good morning. What can I do for you?") },
]);

const session = new AgentSession({ llm });
show(session);
const nurse = new Nurse();
await session.start({ agent: nurse });
await talk(session, ["Good morning.", "My daughter has had a fever since yesterday."]);
await session.close();
console.log(`notes   ${nurse.notes.join("; ")}`);
