/**
 * Question: what does a text turn cost, and does it grow with the history?
 *
 * One session without audio, a model of twenty chunks that costs nothing. The history is a real one: turns are held until
 * there are 10, 500 and 2,000, and at each the next 50 are measured. Milliseconds a turn, median of the 50.
 *
 *     node bench/text_turn.ts
 */
import { Agent, AgentSession } from "../mod.ts";
import { instantLLM } from "./instant_llm.ts";
import { type Measured, quantile, report } from "./measure.ts";

const HISTORIES = [10, 500, 2_000];
const TURNS = 50;

/** Milliseconds of a turn at each length of the history. */
export async function textTurn(): Promise<Measured> {
  const warm = await open();
  for (let index = 0; index < 300; index++) await warm.run({ userInput: `warm ${index}` });
  await warm.close();
  const session = await open();
  const measured: Record<string, number> = {};
  let turns = 0;
  for (const history of HISTORIES) {
    for (; turns < history; turns++) await session.run({ userInput: `question ${turns}` });
    const times: number[] = [];
    for (let index = 0; index < TURNS; index++, turns++) {
      const startedAt = performance.now();
      await session.run({ userInput: `measured ${turns}` });
      times.push(performance.now() - startedAt);
    }
    measured[`text_turn_${history}`] = quantile(times.sort((a, b) => a - b), 0.5);
  }
  await session.close();
  return measured;
}

async function open(): Promise<AgentSession> {
  const session = new AgentSession({ llm: instantLLM() });
  await session.start({ agent: new Agent({ instructions: "Answer." }) });
  return session;
}

if (import.meta.main) await report(textTurn);
