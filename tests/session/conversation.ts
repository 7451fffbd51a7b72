/**
 * A whole conversation by scripted voice: a greeting, a question that needs a tool, a long answer with a cough and a barge-in,
 * and a goodbye.
 */
import type { VirtualRuntime } from "../../adapters/runtime/virtual.ts";
import { Agent, type HookContext } from "../../src/session/agent.ts";
import { tool } from "../../src/tool/define.ts";
import { userSays, type World, world } from "./harness.ts";

class Host extends Agent {
  override onEnter({ session }: HookContext): void {
    session.say("Good evening, this is the bookshop.");
  }
}

/** Holds the conversation, and closes. */
export async function holdConversation(
  o: { readonly runtime?: VirtualRuntime; readonly seed?: number; readonly words?: string } = {},
): Promise<World> {
  const stock = tool({
    name: "stock",
    description: "How many of a book there are.",
    execute: () => new Promise((done) => w.clock.schedule(w.clock.now() + 400, () => done({ count: 3 }))),
  });
  const w: World = world({
    ...(o.runtime && { runtime: o.runtime }),
    seed: o.seed ?? 7,
    tts: { ttfbMs: 150, msPerChar: 60 },
    ears: true,
    captions: true,
    trace: true,
    llm: [
      {
        when: { user: o.words ?? "Do you have Moby Dick" },
        ttftMs: 250,
        chunks: [{ text: "Let me " }, { text: "look.", afterMs: 40 }],
        toolCalls: [{ name: "stock", id: "c1", args: { title: "Moby Dick" } }],
      },
      {
        when: { output: '{"count":3}' },
        ttftMs: 200,
        text:
          "Yes, we have three copies of it, one of them is very old and quite expensive, though it is a beautiful book.",
      },
      { when: { user: "Hold one for me" }, ttftMs: 300, text: "Gladly. It waits for you." },
      { ttftMs: 100, text: "Goodbye." },
    ],
  });
  const host = new Host({ instructions: "You sell books.", tools: [stock] });
  await w.start(host);
  userSays(w, { from: 4_000, until: 5_500, text: o.words ?? "Do you have Moby Dick" });
  userSays(w, { from: 10_500, until: 11_300, text: "", interims: false }); // a cough
  userSays(w, { from: 15_000, until: 16_500, text: "Hold one for me" });
  userSays(w, { from: 21_000, until: 21_800, text: "Thanks bye" });
  await w.clock.runUntil(26_000);
  await w.close();
  return w;
}
