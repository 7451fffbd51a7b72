/**
 * The agent of the demo: it answers the telephone of a small bookshop.
 *
 * @module
 */
import * as v from "valibot";
import { valibotSchema } from "../../adapters/valibot/mod.ts";
import { Agent, type AnyTool, type Clock, type HookContext, type LLM, tool } from "../../mod.ts";
import { ruleBasedLLM } from "./rule_based_llm.ts";

const DAYS = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"] as const;
const HOURS: Readonly<Record<string, string>> = {
  sunday: "from ten in the morning until four in the afternoon",
  saturday: "from nine in the morning until eight in the evening",
};

/** Looks opening hours up, as slowly as a real till would. */
export function openingHours(clock: Clock): AnyTool {
  return tool({
    name: "opening_hours",
    description: "Tells when the shop is open on a day of the week.",
    parameters: valibotSchema(v.object({ day: v.picklist(DAYS) })),
    async execute({ day }) {
      await new Promise<void>((resolve) => void clock.schedule(clock.now() + 300, resolve));
      return { day, hours: HOURS[day] ?? "from nine in the morning until six in the evening" };
    },
  });
}

/** The agent. */
export class Bookseller extends Agent {
  constructor(clock: Clock) {
    super({
      instructions: "You answer the telephone of the Harbour Bookshop. Be brief and friendly.",
      tools: [openingHours(clock)],
    });
  }

  override onEnter({ session }: HookContext): void {
    session.say("Good morning, this is the Harbour Bookshop. How can I help you?");
  }
}

const STORY = "The shop was founded more than a hundred years ago by a sailor who had read every book on his ship. " +
  "He bought a small house near the harbour and filled it with novels from all over the world. " +
  "His daughter added the reading room, and his granddaughter planted the garden behind the house. " +
  "Today we have more than twenty thousand books, and a cat who sleeps in the window. " +
  "Every summer we invite writers to read in the garden, and the whole town comes to listen.";

/** The rules that stand in for a language model. */
export function booksellerModel(clock: Clock): LLM {
  return ruleBasedLLM({
    clock,
    rules: [
      {
        result: "opening_hours",
        answer: (output) => {
          const { day, hours } = JSON.parse(output) as { day: string; hours: string };
          return `On ${day[0]?.toUpperCase()}${day.slice(1)} we are open ${hours}.`;
        },
      },
      { words: ["goodbye", "bye"], answer: () => "Thank you for calling. Goodbye!" },
      { words: ["history", "story"], answer: () => STORY },
      {
        words: ["meant", "no"],
        answer: (said) =>
          /travel/i.test(said)
            ? "Ah, travel books. They are on the first floor, next to the window."
            : "I see. What did you mean?",
      },
      {
        words: ["cookbooks", "cookbook", "cooking", "cook"],
        answer: () =>
          "The cookbooks are on the ground floor, right beside the door. We have about three hundred of them, from soups to desserts.",
      },
      {
        words: ["open", "hours", "opening", "sunday", "saturday"],
        answer: (said) => ({
          call: "opening_hours",
          args: { day: DAYS.find((day) => said.toLowerCase().includes(day)) ?? "sunday" },
        }),
      },
      { answer: () => "I can tell you about our opening hours, our books, and the history of the shop." },
    ],
  });
}
