/**
 * Whisper in a worker.
 *
 * @module
 */
import { AgentError } from "../../src/base/error.ts";
import { APIConnectionError } from "../../src/model/error.ts";
import { openWorkerLine, type WorkerThreads } from "../worker/line.ts";
import type { WhisperEngine, WhisperText } from "./engine.ts";
import { sendable, type WhisperSources } from "./weights.ts";
import type { WhisperOrder } from "./whisper_worker.ts";

/**
 * Starts a worker and has it load the model.
 *
 * @param onDeath Called once when the worker ended by itself: this engine is of no more use, and another may be opened.
 * @throws {AgentError} As `openWhisper`; `weights.missing` when a file cannot be had.
 */
export async function openWhisperWorker(
  threads: WorkerThreads,
  sources: WhisperSources,
  onDeath: () => void,
): Promise<WhisperEngine> {
  const files = await sendable(sources);
  // Its file has the ending of this one: `.ts` in the source, `.js` in the built package.
  const url = new URL(`./whisper_worker${import.meta.url.slice(-3)}`, import.meta.url);
  const line = openWorkerLine<WhisperOrder, WhisperText>(threads, url, {
    death(_sign, cause) {
      onDeath();
      return new APIConnectionError({ message: "The recogniser's worker has ended", options: { cause } });
    },
    closed: () =>
      new AgentError(
        "model.closed",
        "Cannot recognise speech as the recogniser must be open: current value is a closed one",
      ),
  });
  try {
    await line.ask({ type: "open", files });
  } catch (error) {
    await line.close();
    throw error;
  }
  return {
    async recognize(request, signal) {
      // The worker hears no message while it works, but it sees the memory that both have.
      const isOff = new Int32Array(new SharedArrayBuffer(4));
      const callOff = (): void => void Atomics.store(isOff, 0, 1);
      if (signal?.aborted) callOff();
      signal?.addEventListener?.("abort", callOff, { once: true });
      try {
        return (await line.ask({ type: "recognize", request, isOff }, [request.samples.buffer]))!;
      } finally {
        signal?.removeEventListener?.("abort", callOff);
      }
    },
    close: () => line.close(),
  };
}
