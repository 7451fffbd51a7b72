/**
 * Question: how long does closing an idle session take?
 *
 * Text sessions that held one turn and are at rest, one after the other. Milliseconds until `close()` resolves, median.
 *
 *     node bench/close.ts
 */
import { Agent, AgentSession } from "../mod.ts";
import { instantLLM } from "./instant_llm.ts";
import { type Measured, quantile, report } from "./measure.ts";

/** Milliseconds of a close. */
export async function closing(): Promise<Measured> {
  const times: number[] = [];
  for (let index = 0; index < 50; index++) {
    const session = new AgentSession({ llm: instantLLM() });
    await session.start({ agent: new Agent({ instructions: "Answer." }) });
    await session.run({ userInput: "question" });
    const startedAt = performance.now();
    await session.close();
    times.push(performance.now() - startedAt);
  }
  return { close_idle: quantile(times.slice(10).sort((a, b) => a - b), 0.5) };
}

if (import.meta.main) await report(closing);
