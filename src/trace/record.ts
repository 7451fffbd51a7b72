/**
 * The flight recorder: every fact and every order of a session, as one line of JSON each.
 *
 * @module
 */
import type { RootEffect, RootEvent } from "../stage/event.ts";
import type { RootState } from "../stage/state.ts";

/** Version of the format. */
export const TRACE_VERSION = 1;

/** The first record: what the state was made from. */
export interface TraceHeader {
  /** Tells this kind of record from the others. */
  readonly kind: "header";
  /** {@linkcode TRACE_VERSION} of the library that wrote it. */
  readonly version: number;
  /** Milliseconds since 1970 that belong to `t` = 0. */
  readonly wallOffset: number;
  /** What the first state was made from. */
  readonly root: {
    readonly aecWarmupDuration: number | null;
    readonly listenerPresent: boolean;
    readonly maxUnrecoverableErrors: number;
  };
  /**
   * The first state itself, where the session was started before and goes on from there.
   *
   * @ignore
   */
  readonly state?: RootState;
}

/** A fact, and what it led to. */
export interface TraceStep {
  /** Tells this kind of record from the others. */
  readonly kind: "step";
  /** When, in milliseconds of the session's clock. */
  readonly t: number;
  /**
   * What the machines were told. Its form belongs to the version of the trace.
   *
   * @ignore
   */
  readonly fact: RootEvent;
  /**
   * What they ordered.
   *
   * @ignore
   */
  readonly effects: readonly RootEffect[];
}

/** Something that happened outside the machines, for whoever reads the trace. Replaying passes over it. */
export interface TraceNote {
  /** Tells this kind of record from the others. */
  readonly kind: "note";
  /** When, in milliseconds of the session's clock. */
  readonly t: number;
  /** As `llm.first`. */
  readonly name: string;
  /** What belongs to it. */
  readonly fields: Readonly<Record<string, unknown>>;
}

/** A line of a trace. */
export type TraceRecord = TraceHeader | TraceStep | TraceNote;

/** Records that may wait for a slow sink before the session stops recording. Chosen: some minutes of a voice session. */
const WAITING_RECORDS = 65_536;

/** Takes records, in order, and never makes the session wait. */
export interface TraceWriter {
  write(record: TraceRecord): void;
  /** Writes out what waits, and closes the sink. */
  close(): Promise<void>;
}

/** Writes records to a sink. A sink that fails or falls too far behind is given up, and `onLost` is told once. */
export function traceWriter(sink: WritableStream<TraceRecord>, onLost: (error: unknown) => void): TraceWriter {
  const writer = sink.getWriter();
  let phase: "open" | "lost" = "open";
  let waitingCount = 0;
  const lost = (error: unknown): void => {
    if (phase === "lost") return;
    phase = "lost";
    onLost(error);
  };
  writer.closed.catch(lost);
  return {
    write(record) {
      if (phase === "lost") return;
      if (++waitingCount > WAITING_RECORDS) return lost(new Error("the sink of the trace is too slow"));
      // A record is a snapshot: facts are stamped and handed on, so that they must be copied before the next step.
      writer.write(record).then(() => void waitingCount--, lost);
    },
    close: () => phase === "lost" ? Promise.resolve() : writer.close().catch(lost),
  };
}
