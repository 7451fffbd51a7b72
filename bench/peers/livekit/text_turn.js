/** The peer's side of `bench/text_turn.ts`: the same turns, by `session.run`. */
import { quantile, report } from "./measure.js";
import { openText, turn } from "./models.js";

await report(async () => {
  const warm = await openText();
  for (let index = 0; index < 300; index++) await turn(warm, `warm ${index}`);
  await warm.close();
  const session = await openText();
  const measured = {};
  let turns = 0;
  for (const history of [10, 500, 2_000]) {
    for (; turns < history; turns++) await turn(session, `question ${turns}`);
    const times = [];
    for (let index = 0; index < 50; index++, turns++) {
      const startedAt = performance.now();
      await turn(session, `measured ${turns}`);
      times.push(performance.now() - startedAt);
    }
    measured[`text_turn_${history}`] = quantile(times.sort((a, b) => a - b), 0.5);
  }
  return measured;
});
