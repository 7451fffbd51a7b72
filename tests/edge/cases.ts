/**
 * What must hold in every place, the bare isolate included. Data, so that each place needs only a loop.
 *
 * Nothing of Node is imported here: the checks throw by themselves.
 */
import { openaiLLM } from "../../adapters/openai/mod.ts";
import { Agent, AgentError, AgentSession, AgentTask, type ChatChunk, type LLM, tool } from "../../mod.ts";
import type { Runtime } from "../../src/base/runtime.ts";
import { scriptedLLM } from "../../src/testing/mod.ts";
import { callByText } from "./voice_case.ts";

/** One case. */
export interface EdgeCase {
  readonly name: string;
  run(runtime: Runtime): Promise<void>;
}

function check(condition: boolean, what: string): void {
  if (!condition) throw new Error(`does not hold: ${what}`);
}

/** Answers with the words of the last message, and calls the tool `clock` when asked for the time. */
function echo(): LLM {
  return {
    kind: "llm",
    model: "echo",
    provider: "test",
    chat({ chatCtx }) {
      const last = chatCtx.items.at(-1);
      const chunks: ChatChunk[] = last?.type === "function_call_output"
        ? [{ id: "2", delta: { content: `It is ${last.output}.` } }]
        : last?.type === "message" && last.textContent === "What time is it?"
        ? [{
          id: "1",
          delta: { toolCalls: [{ type: "function", callId: "c1", name: "clock", args: '{"zone":"UTC"}' }] },
        }]
        : (last?.type === "message" ? last.textContent ?? "" : "").split(/(?<= )/).map((content) => ({
          id: "1",
          delta: { content },
        }));
      return new ReadableStream({
        pull(controller) {
          const chunk = chunks.shift();
          if (chunk === undefined) controller.close();
          else controller.enqueue(chunk);
        },
      });
    },
  };
}

/** The cases. */
export const cases: readonly EdgeCase[] = [
  {
    name: "a text turn is answered and stored",
    async run(runtime) {
      const session = new AgentSession({ llm: echo(), runtime });
      await session.start({ agent: new Agent({ instructions: "Echo." }) });
      const result = await session.run({ userInput: "Hello there, friend" });
      const [event] = result.events;
      check(event?.type === "message" && event.item.textContent === "Hello there, friend", "the reply is the echo");
      check(session.history.messages().length === 2, "history has both messages");
      await session.close();
      check(!session.isRunning, "it is closed");
    },
  },
  {
    name: "a tool is called and its result answered",
    async run(runtime) {
      const clock = tool({
        name: "clock",
        description: "Tells the time.",
        parameters: { type: "object", properties: { zone: { type: "string" } }, required: ["zone"] },
        execute: (args) => `noon in ${(args as { zone: string }).zone}`,
      });
      const session = new AgentSession({ llm: echo(), runtime, tools: [clock] });
      await session.start({ agent: new Agent({ instructions: "Echo." }) });
      const result = await session.run({ userInput: "What time is it?" });
      check(
        result.events.map((event) => event.type).join() === "function_call,function_call_output,message",
        "call, output and reply, in this order",
      );
      const last = result.events.at(-1);
      check(last?.type === "message" && last.item.textContent === "It is noon in UTC.", "the reply tells the result");
      await session.close();
    },
  },
  {
    name: "parts of a turn come as a stream",
    async run(runtime) {
      const session = new AgentSession({ llm: echo(), runtime });
      await session.start({ agent: new Agent({ instructions: "Echo." }) });
      let text = "";
      let ended = false;
      const handle = session.generateReply({ userInput: "one two three" });
      const reader = handle.parts().getReader();
      for (;;) {
        const { done, value } = await reader.read();
        if (done) break;
        if (value.type === "text") text += value.delta;
        if (value.type === "end") ended = true;
      }
      check(text === "one two three", "the text is whole");
      check(ended, "the end comes");
      await session.close();
    },
  },
  {
    name: "the history keeps its order where the host's two clocks never agree twice",
    async run(runtime) {
      let reads = 0;
      const clock = new Proxy(runtime.clock, {
        get(target, key) {
          if (key === "wallOffset") return target.wallOffset - 5 * reads++;
          const value = Reflect.get(target, key, target) as unknown;
          return typeof value === "function" ? value.bind(target) : value;
        },
      });
      const session = new AgentSession({ llm: echo(), runtime: { ...runtime, clock } });
      await session.start({ agent: new Agent({ instructions: "Echo." }) });
      for (const userInput of ["one", "two", "three"]) await session.run({ userInput });
      const said = session.history.messages().map((message) => message.textContent).join();
      check(said === "one,one,two,two,three,three", `each reply stands behind its question: ${said}`);
      await session.close();
    },
  },
  {
    name: "a model behind the chat completions API answers, whole in text though its bytes are cut",
    async run(runtime) {
      const events = ["Grüße", " aus", " Oslo"].map((content) => ({
        id: "c",
        choices: [{ index: 0, delta: { content } }],
      }));
      const wire = events.map((event) => `data: ${JSON.stringify(event)}\r\n\r\n`).join("") + "data: [DONE]\n\n";
      const bytes = new TextEncoder().encode(wire);
      let at = 0;
      const body = new ReadableStream<Uint8Array>({
        pull(controller) {
          if (at < bytes.length) controller.enqueue(bytes.slice(at, at += 7));
          else controller.close();
        },
      });
      const llm = openaiLLM({
        model: "m",
        fetch: () => Promise.resolve(new Response(body, { headers: { "content-type": "text/event-stream" } })),
      });
      const session = new AgentSession({ llm, runtime });
      await session.start({ agent: new Agent({ instructions: "Greet." }) });
      const [event] = (await session.run({ userInput: "Hello" })).events;
      check(event?.type === "message" && event.item.textContent === "Grüße aus Oslo", "the reply is whole");
      await session.close();
    },
  },
  {
    name: "misuse throws a typed error",
    async run(runtime) {
      const session = new AgentSession({ llm: echo(), runtime });
      try {
        session.say("too early");
        check(false, "say before start throws");
      } catch (error) {
        check(error instanceof AgentError && error.code === "session.not_running", "the code says why");
      }
      try {
        new AgentSession({ turnHandling: { endpointing: { minDelay: -1 } }, runtime });
        check(false, "a negative delay is refused");
      } catch (error) {
        check(error instanceof AgentError && error.code === "session.bad_option", "the code says what");
      }
      await session.close();
    },
  },
  {
    name: "a tool waits for a task over two turns, with or without ambient storage",
    async run(runtime) {
      const task: AgentTask<string> = AgentTask.create<string>({
        id: "ask",
        instructions: "Ask for the name.",
        tools: [tool({ name: "clock", description: "x", execute: () => task.complete("Ann") })],
        onEnter: (_task, { session }) => void session.say("Your name?"),
      });
      let code = "";
      const book = tool({
        name: "clock",
        description: "Books.",
        async execute(_args, { ctx }) {
          const name = await ctx.run(task);
          const bare = AgentTask.create({ instructions: "", onEnter: (self) => self.cancel() });
          await bare.run().catch((error) => code = error.code);
          return name;
        },
      });
      const session = new AgentSession({ llm: echo(), runtime });
      const agent = new Agent({ instructions: "Echo.", tools: [book] });
      await session.start({ agent });
      await session.run({ userInput: "What time is it?" });
      check(session.currentAgent.id === "ask", "the task has the stage while it waits for the user");
      const { events } = await session.run({ userInput: "What time is it?" });
      check(session.currentAgent === agent, "the agent is back");
      await session.close();
      const outputs = session.history.items.flatMap((item) =>
        item.type === "function_call_output" ? [item.output] : []
      );
      check(outputs.includes("Ann"), `the result reaches the tool: ${outputs}`);
      check(events.at(-1)?.type === "message", "it is answered");
      const expected = runtime.ambient === undefined ? "task.no_context" : "task.cancelled";
      check(code === expected, `a bare call does what the place can: ${code}`);
    },
  },
  {
    name: "a page calls by WebSocket, types, hears the answer and hangs up",
    async run(runtime) {
      const { messages, soundMs, code, left } = await callByText(runtime, {
        agent: () => new Agent({ instructions: "" }),
        llm: scriptedLLM([{ text: "Certainly, we are open." }], { clock: runtime.clock }),
        text: "Are you open?",
        until: "Certainly, we are open.",
      });
      const said = messages.flatMap((message) =>
        message.type === "message" ? [`${message["role"]}: ${message["text"]}`] : []
      );
      check(said.join() === "user: Are you open?,assistant: Certainly, we are open.", `both sides are told: ${said}`);
      check(Math.abs(soundMs - 230) < 1, `the whole answer is heard: ${soundMs} ms`);
      const graceMs = messages.find(({ type }) => type === "welcome")?.["graceMs"];
      check(graceMs === (runtime.name === "edge" ? 0 : 10_000), `the grace is what the place can give: ${graceMs}`);
      check(messages.every(({ type }) => type !== "error"), "sound is taken as it is");
      check(messages.at(-1)?.type === "end" && code === 1000 && left === 0, `it ends normally: ${code}, ${left} left`);
    },
  },
];
