/**
 * What a session lends to the calls of its models: time, and somewhere to report.
 *
 * @module
 */
import type { Clock } from "../base/runtime.ts";
import type { APIConnectOptions } from "./connect_options.ts";
import type { ModelMetrics } from "./metrics.ts";

/** A model failed. */
export interface ModelErrorEvent {
  /** The kind of model. */
  readonly type: "llm_error" | "tts_error" | "stt_error" | "realtime_model_error";
  /** When, by the session's clock. */
  readonly timestamp: number;
  /** Which model, as `provider/model`. */
  readonly label: string;
  /** An attempt failed. */
  readonly error: unknown;
  /** True when another attempt follows by itself; false when the call is over. */
  readonly recoverable: boolean;
}

/** How an attempt ended, for a trace of it. */
export interface AttemptEnd {
  /** Why it failed; absent when it did not. */
  readonly error?: unknown;
  /** The provider's ids of the request, each once. */
  readonly requestIds: readonly string[];
}

/** Hears what becomes of the calls of a model. What it throws is contained. */
export interface AttemptReport {
  /** An attempt failed. */
  error(event: ModelErrorEvent): void;
  /** A call or a part of it was measured. */
  metrics(metrics: ModelMetrics): void;
  /** An attempt begins; `retryCount` is 0 for the first. The function it returns is called once, when the attempt ends. */
  attempt?(retryCount: number): (end: AttemptEnd) => void;
  /** The call is over: nothing follows. Called once, after the last measurement or error. */
  close?(): void;
}

/** How a provider came by the connection of a call. */
export interface ConnectionInfo {
  /** How long it took to get it, in milliseconds. */
  readonly acquireTimeMs: number;
  /** It was open already. */
  readonly reused: boolean;
}

/** Time during which nobody is to blame for waiting. Made by `pauseMeter`. */
export interface IdlePause {
  /** Nobody is to blame now. */
  readonly paused: boolean;
  /** Milliseconds of pause so far, the present one included. */
  pausedMs(): number;
  /** Calls `go` once, when the present pause ends. Returns the function that calls it off. */
  whenResumed(go: () => void): () => void;
}

/** What a session lends to a call. A model that is made of models needs it; plain providers leave it alone. */
export interface ModelHost {
  /** The clock it works by. */
  readonly clock: Clock;
  /** Who hears what becomes of its calls. */
  readonly report: AttemptReport;
  /** How patiently the models inside are asked. Default: the usual. */
  readonly connOptions?: APIConnectOptions;
  /** Gives an id to a request whose provider names none. */
  requestId(): string;
  /** Limits of time stand still while it is paused. */
  readonly pause?: IdlePause;
  /** Aborted when the session closes: what runs beside a call, such as a probe, must end then. */
  readonly closing?: AbortSignal;
}

/** An {@linkcode IdlePause} and its switch. */
export interface PauseMeter extends IdlePause {
  /** Begins a pause. Idempotent. */
  pauseNow(): void;
  /** Ends it. Idempotent. */
  resumeNow(): void;
}

/** Makes the switch that holds up limits of time. */
export function pauseMeter(clock: Clock): PauseMeter {
  const waiting = new Set<() => void>();
  let since: number | undefined;
  let total = 0;
  return {
    get paused() {
      return since !== undefined;
    },
    pausedMs: () => total + (since === undefined ? 0 : clock.now() - since),
    whenResumed(go) {
      const entry = (): void => go(); // an entry of its own, so that one function may wait twice
      waiting.add(entry);
      return () => void waiting.delete(entry);
    },
    pauseNow() {
      since ??= clock.now();
    },
    resumeNow() {
      if (since === undefined) return;
      total += clock.now() - since;
      since = undefined;
      const all = [...waiting];
      waiting.clear();
      for (const go of all) go();
    },
  };
}
