/**
 * The voice in a worker.
 *
 * @module
 */
import { AgentError } from "../../src/base/error.ts";
import { sendableWeights, type Weights } from "../onnx/weights.ts";
import { openWorkerLine, type WorkerThreads } from "../worker/line.ts";
import type { FliteEngine } from "./engine.ts";
import type { FliteOrder } from "./flite_worker.ts";
import { FLITE_NEED } from "./program.ts";

/**
 * Starts a worker and has it compile the program.
 *
 * @throws {AgentError} As `compileFlite`; `weights.missing` when there is no program.
 */
export async function openFliteWorker(threads: WorkerThreads, program: Weights): Promise<FliteEngine> {
  const sent = await sendableWeights(program, FLITE_NEED);
  const end = (state: string, cause?: unknown): AgentError =>
    new AgentError(
      "model.closed",
      `Cannot speak a text as the voice's worker must be running: current value is ${state}`,
      { cause },
    );
  // Its file has the ending of this one: `.ts` in the source, `.js` in the built package.
  const url = new URL(`./flite_worker${import.meta.url.slice(-3)}`, import.meta.url);
  const line = openWorkerLine<FliteOrder, Int16Array>(threads, url, {
    death: (sign, cause) => end(sign === "failed" ? "a worker that failed" : "a worker that has ended", cause),
    closed: () => end("a closed one"),
  });
  try {
    await line.ask({ type: "open", program: sent });
  } catch (error) {
    await line.close();
    throw error;
  }
  return { speak: async (request) => (await line.ask({ type: "speak", request }))!, close: () => line.close() };
}
