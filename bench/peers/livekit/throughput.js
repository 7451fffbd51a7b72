/** The peer's side of `bench/throughput.ts`. */
import { cpuSeconds, report } from "./measure.js";
import { openText, turn } from "./models.js";

async function turnsPerSecond(sessionCount, turnsEach) {
  const sessions = await Promise.all(Array.from({ length: sessionCount }, openText));
  const hold = (turns) =>
    Promise.all(sessions.map(async (session) => {
      for (let index = 0; index < turns; index++) await turn(session, `q ${index}`);
    }));
  await hold(Math.ceil(turnsEach / 10));
  const seconds = await cpuSeconds(() => hold(turnsEach));
  await Promise.all(sessions.map((session) => session.close()));
  return (sessionCount * turnsEach) / seconds;
}

await report(async () => ({
  turns_per_second_50: await turnsPerSecond(50, 100),
  turns_per_second_1000: await turnsPerSecond(1_000, 10),
}));
