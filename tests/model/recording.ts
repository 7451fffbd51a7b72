/** What tests of the calls of models share: a report that remembers. */
import type { AttemptEnd, AttemptReport, ModelErrorEvent } from "../../src/model/host.ts";
import type { ModelMetrics } from "../../src/model/metrics.ts";

export interface Recording extends AttemptReport {
  readonly errors: ModelErrorEvent[];
  readonly measured: ModelMetrics[];
  /** How often a call was told to be over. */
  closedCount: number;
  readonly attempts: { readonly retryCount: number; end?: AttemptEnd }[];
}

export function recording(): Recording {
  const errors: ModelErrorEvent[] = [];
  const measured: ModelMetrics[] = [];
  const attempts: { retryCount: number; end?: AttemptEnd }[] = [];
  return {
    errors,
    measured,
    attempts,
    closedCount: 0,
    close() {
      this.closedCount += 1;
    },
    error: (event) => void errors.push(event),
    metrics: (metrics) => void measured.push(metrics),
    attempt(retryCount) {
      const entry: { retryCount: number; end?: AttemptEnd } = { retryCount };
      attempts.push(entry);
      return (end) => {
        if (entry.end !== undefined) throw new Error("An attempt ended twice");
        entry.end = end;
      };
    },
  };
}

/** Reads a stream to its end, and gives what came and why it failed, if it did. */
export async function drain<T>(
  stream: ReadableStream<T>,
): Promise<{ readonly parts: T[]; readonly failure?: unknown }> {
  const parts: T[] = [];
  try {
    for await (const part of stream) parts.push(part);
    return { parts };
  } catch (failure) {
    return { parts, failure };
  }
}
