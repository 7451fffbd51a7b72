/** The peer's side of `bench/throughput.ts`, with 50 sessions. */
import { cpuSeconds, report } from "./measure.js";
import { openText, turn } from "./models.js";

await report(async () => {
  const sessions = await Promise.all(Array.from({ length: 50 }, openText));
  const hold = (turns) =>
    Promise.all(sessions.map(async (session) => {
      for (let index = 0; index < turns; index++) await turn(session, `q ${index}`);
    }));
  await hold(3);
  return { turns_per_second_50: (50 * 30) / await cpuSeconds(() => hold(30)) };
});
