/**
 * A long-running tool: it tells how the work goes, and the conversation goes on meanwhile. Its result is told as soon as nobody speaks.
 *
 *     deno run -A examples/long_running_tool.ts      (or `bun`, or `node`)
 */
import { Agent, AgentSession, tool } from "../mod.ts";
import { model, show, talk } from "./shared/talk.ts";

const callTaxi = tool({
  name: "call_taxi",
  description: "Calls a taxi to the hotel. Takes a while.",
  async execute(_args, { ctx }) {
    await ctx.update("Three taxi companies are being asked"); // the answer to the call: the agent speaks on
    await pause(400, ctx.signal);
    return "A taxi comes in five minutes"; // told later, by itself
  },
});

/** Waits, unless the call is called off. */
function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener("abort", () => (clearTimeout(timer), reject(signal.reason)), { once: true });
  });
}

const llm = model([
  {
    result: "call_taxi",
    answer: (output) =>
      output.includes("five minutes")
        ? "Good news: your taxi comes in five minutes."
        : "I am calling one. Anything else?",
  },
  { words: ["taxi"], answer: () => ({ call: "call_taxi", args: {} }) },
  { answer: () => "Checkout is at eleven." },
]);

const session = new AgentSession({ llm });
show(session);
await session.start({ agent: new Agent({ instructions: "You are the reception of a hotel.", tools: [callTaxi] }) });
await talk(session, ["I need a taxi.", "And when is checkout?"]);
await session.waitForQuiet(); // the taxi
await session.close();
