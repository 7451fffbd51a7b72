/**
 * Makes a failing script short: takes out events, faults and settings as long as it still fails.
 */
import { PLAIN, type Script, type Setup } from "./script.ts";

/**
 * The shortest script that was found and still fails.
 *
 * @param fails Whether a script breaks the rule that is looked for.
 * @param limit How often it may be asked. Default 400.
 */
export async function shrink(
  script: Script,
  fails: (script: Script) => boolean | Promise<boolean>,
  limit = 400,
): Promise<Script> {
  let best = script;
  let asked = 0;
  const attempt = async (next: Script): Promise<boolean> => {
    if (asked >= limit) return false;
    asked += 1;
    if (!(await fails(next))) return false;
    best = next;
    return true;
  };

  // Events: halves, then quarters, down to one at a time, and again until nothing more can go.
  for (let size = Math.max(1, best.events.length >> 1);;) {
    let isShorter = false;
    for (let start = 0; start < best.events.length;) {
      const events = best.events.filter((_, index) => index < start || index >= start + size);
      if (await attempt({ ...best, events })) isShorter = true;
      else start += size;
    }
    if (size > 1) size >>= 1;
    else if (!isShorter) break;
  }
  for (const fault of [...best.faults]) {
    await attempt({ ...best, faults: best.faults.filter((other) => other !== fault) });
  }
  for (const key of Object.keys(PLAIN) as (keyof Setup)[]) {
    if (best.setup[key] === PLAIN[key]) continue;
    await attempt({ ...best, setup: { ...best.setup, [key]: PLAIN[key] } });
  }
  for (const [index, event] of best.events.entries()) {
    const with_ = (patch: Partial<typeof event>): Script => ({
      ...best,
      events: best.events.map((other, at) => at === index ? { ...other, ...patch } as typeof event : other),
    });
    const round = Math.round(event.t / 100) * 100;
    if (round !== event.t) await attempt(with_({ t: round }));
    if (event.do === "speak" && event.interims > 0) await attempt(with_({ interims: 0 }));
    if (event.do === "speak" && event.lost) await attempt(with_({ lost: false }));
  }
  await attempt({ ...best, deadline: 20_000 });
  return best;
}
