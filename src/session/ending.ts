/**
 * What is let go when a session closes, in the order in which the stage wants it.
 *
 * @module
 */
import { OVER } from "../base/over.ts";
import { toolContext } from "../tool/tool_context.ts";
import { closeToolset } from "../tool/toolset_life.ts";
import type { CloseReason } from "../stage/state.ts";
import type { SessionCore } from "./core.ts";
import { RANK } from "./inbox.ts";

/** Nothing is heard any more, and nothing is written. */
export function detach(core: SessionCore): void {
  core.input.audio = null;
  core.output.transcription = null;
}

/** Ends the toolsets of the session, and tells when they have ended. */
export async function release(core: SessionCore): Promise<void> {
  core.toolCalls.close();
  const { toolsets } = toolContext(core.options.tools ?? []);
  for (const result of await Promise.allSettled(toolsets.map((set) => closeToolset(set, core)))) {
    if (result.status === "rejected") core.hookFailed("toolset.aclose", result.reason);
  }
  core.inbox.report(RANK.life, { type: "session.released", t: 0 });
}

/** It is over: the `close` event goes out, and everybody who waits is told. */
export function closed(core: SessionCore, reason: CloseReason): void {
  core.timers.clear();
  core.output.audio = null;
  core.listening.listen(null);
  const error = reason === "error" ? core.lastError : undefined;
  core.waiting.refuseCommits();
  core.runs.closed(reason, error);
  core.closing.abort(OVER);
  core.telemetry.sessionEnded(
    typeof error === "object" && error !== null && "recoverable" in error && "error" in error ? error.error : error,
  );
  core.emit({ type: "close", createdAt: core.wall(), reason, error });
  core.closeTold = true;
  core.emitter.endStreams();
  core.moves.clear();
  void core.trace?.close();
  core.trace = undefined;
  core.waiting.closed();
}
