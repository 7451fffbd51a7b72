/**
 * Question: how long does a test of a whole call take?
 *
 * Ten minutes by voice between a simulated user and an agent with a scripted model, on the virtual clock, with everything that a
 * session does: turn taking, a paced sink, captions. Milliseconds of the machine for each of ten calls, median, and how long the
 * call lasts on its own clock.
 *
 *     node bench/simulated_call.ts
 */
import { Agent, AgentSession } from "../mod.ts";
import { phoneLine, scriptedLLM, scriptedUser, simulate, virtualRuntime } from "../src/testing/mod.ts";
import { type Measured, quantile, report } from "./measure.ts";

const ANSWER = "Let me think about that for a moment, while you look around in the reading room. ".repeat(8);

/** Milliseconds that a call of ten minutes takes. */
export async function simulatedCall(): Promise<Measured> {
  const times: number[] = [];
  let lasted = 0;
  for (let index = 0; index < 12; index++) {
    const runtime = virtualRuntime({ seed: 1 });
    const { clock } = runtime;
    const line = phoneLine({ clock });
    const llm = scriptedLLM([{ ttftMs: 300, text: ANSWER }], { clock });
    const session = new AgentSession({ runtime, llm, ...line.models });
    const user = scriptedUser(Array.from({ length: 15 }, () => "What do you recommend?"));
    const startedAt = performance.now();
    const { durationMs } = await simulate(session, { agent: new Agent({ instructions: "Answer." }), user, line });
    times.push(performance.now() - startedAt);
    lasted = durationMs;
  }
  return { simulated_call: quantile(times.slice(2).sort((a, b) => a - b), 0.5), simulated_call_s: lasted / 1_000 };
}

if (import.meta.main) await report(simulatedCall);
