/**
 * Smart Turn in a worker.
 *
 * @module
 */
import { AgentError } from "../../src/base/error.ts";
import { sendableWeights, type Weights } from "../onnx/weights.ts";
import { openWorkerLine, type WorkerThreads } from "../worker/line.ts";
import { SMART_TURN_NEED, type SmartTurnEngine } from "./engine.ts";
import type { SmartTurnOrder } from "./smart_turn_worker.ts";

/**
 * Starts a worker and has it load the model.
 *
 * @param onDeath Called once when the worker ended by itself: this engine is of no more use, and another may be opened.
 * @throws {AgentError} As `openSmartTurn`; `weights.missing` when there are none.
 */
export async function openSmartTurnWorker(
  threads: WorkerThreads,
  weights: Weights,
  onDeath: () => void,
): Promise<SmartTurnEngine> {
  const sent = await sendableWeights(weights, SMART_TURN_NEED);
  const end = (state: string, cause?: unknown): AgentError =>
    new AgentError(
      "model.closed",
      `Cannot judge a pause as the detector's worker must be running: current value is ${state}`,
      { cause },
    );
  // Its file has the ending of this one: `.ts` in the source, `.js` in the built package.
  const url = new URL(`./smart_turn_worker${import.meta.url.slice(-3)}`, import.meta.url);
  const line = openWorkerLine<SmartTurnOrder, number>(threads, url, {
    death(sign, cause) {
      onDeath();
      return end(sign === "failed" ? "a worker that failed" : "a worker that has ended", cause);
    },
    closed: () => end("a closed one"),
  });
  try {
    await line.ask({ type: "open", weights: sent });
  } catch (error) {
    await line.close();
    throw error;
  }
  return {
    predict: async (samples) => (await line.ask({ type: "predict", samples }, [samples.buffer]))!,
    close: () => line.close(),
  };
}
