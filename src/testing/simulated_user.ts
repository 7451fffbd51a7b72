/**
 * Users that are none: one that follows a script, and one that a model plays.
 *
 * @module
 */
import type { ChatContext } from "../chat/context.ts";
import type { LLM } from "../model/llm.ts";
import { AgentError } from "../base/error.ts";
import { askFunction, type AskOptions } from "./ask_function.ts";

/** What a simulated user says. */
export interface Utterance {
  /** The words. */
  readonly text: string;
  /** How long the user thinks before, in milliseconds. Default 500. */
  readonly pauseMs?: number;
  /** Cuts the answer off: this long after the agent has begun to speak, with these words. Only by voice. */
  readonly cutIn?: { readonly afterMs: number; readonly text: string };
}

/** The user ends the conversation. */
export interface HangUp {
  /** Tells it from words. */
  readonly hangUp: true;
  /** Why. */
  readonly reason?: string;
  /** Whether the user got what was wanted, where that is known. */
  readonly goalReached?: boolean;
}

/** What a simulated user knows when it is its turn. */
export interface Heard {
  /** What the agent has said since the user's last words, as far as it was heard; empty: nothing. */
  readonly said: string;
  /** How often the user has spoken. */
  readonly turn: number;
  /** The conversation so far. */
  readonly chatCtx: ChatContext;
  /** How long it has lasted, in milliseconds. */
  readonly elapsedMs: number;
  /** Aborted when the conversation is over. */
  readonly signal: AbortSignal;
  /** The session's clock, for models that are asked. */
  readonly clock: NonNullable<AskOptions["clock"]>;
}

/** A user that is none: says what comes next, whenever the agent has finished. What it throws fails the simulation. */
export interface SimulatedUser {
  /** What the user says now, or that the user hangs up. */
  next(heard: Heard): Utterance | HangUp | Promise<Utterance | HangUp>;
}

/** A line of a script: words, with what the agent must have said before. */
export interface ScriptLine extends Utterance {
  /** What the agent must have said: words that are in it, whatever their case, or a pattern. Default: anything, or nothing. */
  readonly hears?: string | RegExp;
}

/**
 * Makes a user that says one line after the other, and hangs up behind the last.
 *
 * The simulation fails with `test.failed` where the agent did not say what a line `hears`.
 *
 * @example
 * ```ts
 * const user = scriptedUser(["Hello?", { hears: "which day", text: "On Sunday." }, { text: "Goodbye.", pauseMs: 2_000 }]);
 * ```
 */
export function scriptedUser(lines: readonly (string | ScriptLine)[]): SimulatedUser {
  return {
    next({ said, turn }) {
      const line = lines[turn];
      if (line === undefined) return { hangUp: true, reason: "the script is over" };
      if (typeof line === "string") return { text: line };
      const { hears } = line;
      const isHeard = hears === undefined ||
        (typeof hears === "string" ? said.toLowerCase().includes(hears.toLowerCase()) : new RegExp(hears).test(said));
      if (!isHeard) {
        throw new AgentError(
          "test.failed",
          `Expected the agent to say ${
            typeof hears === "string" ? JSON.stringify(hears) : hears
          } before line ${turn}, and it said ${JSON.stringify(said)}`,
        );
      }
      return line;
    },
  };
}

/** How a model plays a user. */
export interface ModelUserOptions extends AskOptions {
  /** Who plays. */
  readonly llm: LLM;
  /** Who the user is, and how the user talks. */
  readonly persona: string;
  /** What the user wants to have reached before hanging up. */
  readonly goal: string;
  /** How long the user thinks before each answer, in milliseconds of the session's clock. Default 500. */
  readonly pauseMs?: number;
}

const HANG_UP = {
  name: "hang_up",
  description: "Ends the conversation: the goal is reached, or it is clear that it will not be.",
  parameters: {
    type: "object",
    properties: {
      goal_reached: { type: "boolean" },
      reason: { type: "string", description: "Why the conversation ends, in a sentence." },
    },
    required: ["goal_reached", "reason"],
    additionalProperties: false,
  },
};

/**
 * Makes a user that a model plays, with a persona and a goal. It hangs up when it has what it wants, or sees no hope.
 *
 * @example
 * ```ts
 * const user = modelUser({ llm, persona: "An impatient father of two, on his way home", goal: "A table for four at seven" });
 * ```
 */
export function modelUser(options: ModelUserOptions): SimulatedUser {
  const { llm, persona, goal, pauseMs, ...ask } = options;
  const system = [
    "You play a person who talks with an automated agent. Stay in character: you are the person, never the agent, and you do " +
    "not know that this is a test.",
    `Who you are: ${persona}`,
    `What you want: ${goal}`,
    "Say one thing at a time, as people speak: one or two short sentences, without lists or stage directions. Tell what you " +
    "know only when it is asked for or needed. Call `hang_up` as soon as you have what you want, or when there is no hope for it.",
  ].join("\n\n");
  return {
    async next({ said, chatCtx, clock, signal }) {
      const messages = turnsOf(chatCtx, said);
      const { call, text } = await askFunction(llm, {
        system,
        messages,
        functions: [HANG_UP],
        toolChoice: "auto",
        deterministic: false,
      }, { clock, signal, ...ask });
      const words = text.trim();
      if (call === undefined && words !== "") return { text: words, ...(pauseMs !== undefined && { pauseMs }) };
      const { goal_reached: reached, reason } = call?.args ?? {};
      return {
        hangUp: true,
        reason: typeof reason === "string" ? reason : "the user said nothing more",
        ...(typeof reached === "boolean" && { goalReached: reached }),
      };
    },
  };
}

/** The conversation as the user sees it: what the agent says is said to the user, who answers. */
function turnsOf(chatCtx: ChatContext, said: string): { role: "user" | "assistant"; content: string }[] {
  const turns: { role: "user" | "assistant"; content: string }[] = [];
  for (const { role, textContent = "" } of chatCtx.messages()) {
    if (textContent === "" || (role !== "user" && role !== "assistant")) continue;
    const mine = role === "user" ? "assistant" : "user";
    const last = turns.at(-1);
    if (last?.role === mine) last.content += `\n${textContent}`;
    else turns.push({ role: mine, content: textContent });
  }
  // Models want a question at the end, and one at the beginning.
  if (turns.length === 0) turns.push({ role: "user", content: "(The line is open. Nobody has spoken yet.)" });
  else if (said === "") turns.push({ role: "user", content: "(The agent says nothing.)" });
  if (turns[0]?.role === "assistant") turns.unshift({ role: "user", content: "(The line is open.)" });
  return turns;
}
