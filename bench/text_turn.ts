/**
 * Question: what does a text turn cost, and does it grow with the history?
 *
 * A session without audio, a model of twenty chunks that costs nothing, histories of 10, 500 and 2,000 turns. Milliseconds a
 * turn, median of the turns of a round; five rounds.
 */
import { Agent, AgentSession } from "../mod.ts";
import { instantLLM } from "./instant_llm.ts";
import { quantile } from "./measure.ts";

/** Milliseconds of a text turn after a history of so many turns. */
export async function textTurnMs(historyTurns: number, turns = 200): Promise<number> {
  const session = new AgentSession({ llm: instantLLM() });
  await session.start({ agent: new Agent({ instructions: "Answer." }) });
  for (let index = 0; index < historyTurns; index++) await session.run({ userInput: `question ${index}` });
  const times: number[] = [];
  for (let index = 0; index < turns; index++) {
    const startedAt = performance.now();
    await session.run({ userInput: `measured ${index}` });
    times.push(performance.now() - startedAt);
  }
  await session.close();
  return quantile(times.sort((a, b) => a - b), 0.5);
}

/** Turns a second over so many sessions at once. */
export async function turnsPerSecond(sessions: number, turnsEach: number): Promise<number> {
  const all = await Promise.all(Array.from({ length: sessions }, async () => {
    const session = new AgentSession({ llm: instantLLM() });
    await session.start({ agent: new Agent({ instructions: "Answer." }) });
    return session;
  }));
  const startedAt = performance.now();
  await Promise.all(all.map(async (session) => {
    for (let index = 0; index < turnsEach; index++) await session.run({ userInput: `q ${index}` });
  }));
  const seconds = (performance.now() - startedAt) / 1000;
  await Promise.all(all.map((session) => session.close()));
  return (sessions * turnsEach) / seconds;
}

if (import.meta.main) {
  for (const history of [10, 500, 2_000]) console.log(`history ${history}: ${(await textTurnMs(history)).toFixed(3)} ms a turn`);
  console.log(`50 sessions: ${Math.round(await turnsPerSecond(50, 100))} turns a second`);
}
