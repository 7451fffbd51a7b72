/**
 * Question: how many text turns a second does one core hold, over many sessions at once?
 *
 * 50 and 1,000 sessions open at the same time, each holding its turns one after the other, a model of twenty chunks that
 * costs nothing. Turns a second of CPU time, that of the collector's threads included, after a warm-up of a tenth of the
 * work: on a machine that others use too, the wall says nothing about a core.
 *
 *     node bench/throughput.ts
 */
import { Agent, AgentSession } from "../mod.ts";
import { instantLLM } from "./instant_llm.ts";
import { cpuSeconds, type Measured, report } from "./measure.ts";

/** Turns a second over so many sessions at once. */
export async function turnsPerSecond(sessionCount: number, turnsEach: number): Promise<number> {
  const sessions = await Promise.all(Array.from({ length: sessionCount }, async () => {
    const session = new AgentSession({ llm: instantLLM() });
    await session.start({ agent: new Agent({ instructions: "Answer." }) });
    return session;
  }));
  const hold = (turns: number): Promise<void[]> =>
    Promise.all(sessions.map(async (session) => {
      for (let index = 0; index < turns; index++) await session.run({ userInput: `q ${index}` });
    }));
  await hold(Math.ceil(turnsEach / 10));
  const seconds = await cpuSeconds(() => hold(turnsEach));
  await Promise.all(sessions.map((session) => session.close()));
  return (sessionCount * turnsEach) / seconds;
}

if (import.meta.main) {
  await report(async (): Promise<Measured> => ({
    turns_per_second_50: await turnsPerSecond(50, 100),
    turns_per_second_1000: await turnsPerSecond(1_000, 10),
  }));
}
