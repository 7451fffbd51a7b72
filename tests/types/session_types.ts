/**
 * What must compile when sessions, agents, tasks and runs are used, and what must not. Checked by `tsc`; nothing here runs.
 *
 * @module
 */
import { z } from "zod";
import {
  Agent,
  AgentSession,
  AgentTask,
  type ChatItem,
  type ErrorCode,
  type HookContext,
  responseFormat,
  type RunContext,
  type RunEvent,
  type SessionEvent,
  tool,
} from "../../mod.ts";
import { expectRun, mockTools } from "../../src/testing/mod.ts";

/** Compiles only when both types are the same. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends (<T>() => T extends B ? 1 : 2) ? true : false;
const same = <A, B>(_: Same<A, B>): void => {};

// The program's own data has its type everywhere.
interface Cart {
  items: string[];
}
const session = new AgentSession<Cart>({ userData: { items: [] } });
same<typeof session.userData, Cart>(true);
session.userData = { items: ["Emma"] };
// @ts-expect-error -- the data is a cart
session.userData = { things: [] };
// @ts-expect-error -- and so it is in the options
new AgentSession<Cart>({ userData: { items: 7 } });

class Seller extends Agent<Cart> {
  override onEnter({ session, userData }: HookContext<Cart>): void {
    same<typeof userData, Cart>(true);
    same<typeof session.userData, Cart>(true);
    same<typeof this.session.userData, Cart>(true);
  }
}
same<typeof session.currentAgent, Agent<Cart>>(true);

const add = tool({
  name: "add",
  description: "",
  parameters: z.object({ title: z.string() }),
  execute: ({ title }, { ctx }: { ctx: RunContext<Cart> }) => {
    same<typeof ctx.userData, Cart>(true);
    return ctx.userData.items.push(title);
  },
});
new Seller({ instructions: "", tools: [add] });

// @ts-expect-error -- an agent has instructions
new Seller({ tools: [add] });
// @ts-expect-error -- there is no such option
new Agent({ instructions: "", temperature: 0 });
// @ts-expect-error -- there is no such option
new AgentSession({ temperature: 0 });
// @ts-expect-error -- a model is an object
new AgentSession({ llm: "gpt-4.1" });
// @ts-expect-error -- a way to take turns that does not exist
new AgentSession({ turnHandling: { turnDetection: "telepathy" } });

// What a task completes with is what whoever waits for it gets.
class AskAge extends AgentTask<number, Cart> {
  finish(): void {
    this.complete(42);
    this.complete(new Error("not told"));
    // @ts-expect-error -- an age is a number
    this.complete("forty-two");
  }
}
tool({
  name: "age",
  description: "",
  execute: async (_args, { ctx }) => {
    const age = await ctx.run(new AskAge({ instructions: "" }));
    same<typeof age, number>(true);
    // @ts-expect-error -- a task is no promise: `ctx.run(task)` makes one
    const self: Promise<number> = new AskAge({ instructions: "" });
    return self;
  },
});

// An event's fields follow from its name.
session.on("agent_state_changed", (event) => {
  same<typeof event.newState, "initializing" | "idle" | "listening" | "thinking" | "speaking">(true);
  // @ts-expect-error -- events do not change
  event.oldState = event.newState;
});
session.on("conversation_item_added", ({ item }) => {
  same<typeof item.type, "message" | "agent_handoff">(true);
});
session.on("function_tools_executed", (event) => {
  event.cancelToolReply();
  same<ReturnType<typeof event.zipped>[number][0]["type"], "function_call">(true);
});
// @ts-expect-error -- there is no such event
session.on("agent_smiled", () => {});
session.on("close", (event) => {
  // @ts-expect-error -- there is no such field
  return event.newState;
});
function exhaustive(event: SessionEvent | RunEvent): string {
  if ("item" in event && event.type === "message") return event.item.textContent ?? "";
  return event.type;
}
exhaustive satisfies (event: SessionEvent) => string;

// A run ends with what its type reads; without one nothing is known of it.
async function runs(): Promise<void> {
  const typed = await session.run({
    userInput: "",
    outputType: z.object({ day: z.string(), seats: z.coerce.number() }),
  });
  same<typeof typed.finalOutput, { day: string; seats: number }>(true);
  const untyped = await session.run({ userInput: "" });
  same<typeof untyped.finalOutput, unknown>(true);
  // @ts-expect-error -- a run that was awaited is no promise any more
  untyped.then(() => {});
  // @ts-expect-error -- a text is no type
  session.run({ userInput: "", outputType: "day" });
  // @ts-expect-error -- there is no such modality
  session.run({ userInput: "", inputModality: "smell" });

  const run = expectRun(typed);
  same<
    "text" extends keyof NonNullable<Parameters<ReturnType<typeof run.nextEvent>["isMessage"]>[0]> ? true : false,
    true
  >(
    true,
  );
  run.nextEvent({ type: "function_call" }).event().item.args.trim();
  run.skipNextEventIf({ type: "agent_handoff", newAgentType: Seller })?.event().newAgent.id.trim();
  // @ts-expect-error -- a message has no arguments
  run.nextEvent().isMessage({ args: {} });
  // @ts-expect-error -- and a call no role
  run.skipNextEventIf({ type: "function_call", role: "user" });
  // @ts-expect-error -- only messages are judged
  run.nextEvent().judge({}, { intent: "" });
  // @ts-expect-error -- a handle of an event that does not exist
  run.nextEvent({ type: "smile" });
  mockTools(session, Seller, { add: ({ title }: { title: string }) => title });
  // @ts-expect-error -- a cart is no agent
  mockTools(session, Array, {});
}
void runs;

// An answer is read as its schema reads it.
const mood = responseFormat(z.object({ mood: z.enum(["calm", "angry"]) }));
same<ReturnType<typeof mood.parse>, { mood: "calm" | "angry" }>(true);
const named = responseFormat({ name: "mood", schema: { type: "object" } });
same<ReturnType<typeof named.parse>, unknown>(true);
// @ts-expect-error -- a text is no schema
responseFormat("mood");

// Codes are a closed list.
const code: ErrorCode = "session.not_running";
// @ts-expect-error -- nothing throws this
const wrong: ErrorCode = "session.bored";
void [code, wrong];

// Items are told apart by their type, without a default.
function kind(item: ChatItem): string {
  switch (item.type) {
    case "message":
      return item.role;
    case "function_call":
      return item.args;
    case "function_call_output":
      return item.output;
    case "agent_handoff":
      return item.newAgentId;
    case "agent_config_update":
      return item.instructions ?? "";
  }
}
void kind;
