/**
 * How often models may fail for good before the session closes.
 *
 * @module
 */
import { beginClose } from "./closing.ts";
import { change, type Draft } from "./draft.ts";
import { CLOSE_LIMIT_MS } from "./state.ts";

/** A model failed. */
export function countError(d: Draft, kind: "llm" | "tts" | "stt" | "realtime", recoverable: boolean): void {
  if (recoverable || d.stage.phase !== "running") return;
  if (kind !== "realtime") {
    const errors = { ...d.stage.errors, [kind]: d.stage.errors[kind] + 1 };
    change(d, { errors });
    if (errors[kind] <= d.stage.maxUnrecoverableErrors) return;
  }
  beginClose(d, { reason: "error", drain: false, deadline: CLOSE_LIMIT_MS, transcriptTimeout: 0 });
}
