/**
 * Measures voice activity detection, about once a second of audio.
 *
 * @module
 */
import type { Clock } from "../base/runtime.ts";
import { labelOf, metadataOf, safely } from "./attempt_policy.ts";
import type { AttemptReport } from "./host.ts";
import type { VAD, VADEvent } from "./vad.ts";

const REPORT_EVERY_MS = 1_000; // specified: 03 section 22.2

/** Makes a function to call with each event of a detector: it reports what the last second of audio cost. */
export function vadMeter(
  vad: VAD,
  o: { readonly clock: Clock; readonly report: AttemptReport },
): (event: VADEvent) => void {
  let since: number | undefined;
  let speechAt: number | undefined;
  let count = 0;
  let totalMs = 0;
  return (event) => {
    since ??= event.timestampMs - vad.capabilities.updateIntervalMs;
    speechAt ??= since;
    if (event.speaking || event.type === "end_of_speech") speechAt = event.timestampMs;
    if (event.type !== "inference_done") return;
    count += 1;
    totalMs += event.inferenceDurationMs;
    if (event.timestampMs - since < REPORT_EVERY_MS) return;
    const idleTimeMs = event.timestampMs - speechAt;
    const [inferenceCount, inferenceDurationTotalMs] = [count, totalMs];
    since = event.timestampMs;
    count = 0;
    totalMs = 0;
    safely(() =>
      o.report.metrics({
        type: "vad_metrics",
        timestamp: o.clock.now(),
        label: labelOf(vad),
        metadata: metadataOf(vad),
        idleTimeMs,
        inferenceDurationTotalMs,
        inferenceCount,
      })
    );
  };
}
