/** The peer's side of `bench/close.ts`. */
import { quantile, report } from "./measure.js";
import { openText, turn } from "./models.js";

await report(async () => {
  const times = [];
  for (let index = 0; index < 8; index++) {
    const session = await openText();
    await turn(session, "question");
    const startedAt = performance.now();
    await session.close();
    times.push(performance.now() - startedAt);
  }
  return { close_idle: quantile(times.slice(2).sort((a, b) => a - b), 0.5) };
});
