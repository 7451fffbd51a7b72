/**
 * Which of several models answer, and the probes that find out when one does again.
 *
 * @module
 */
import { AgentError } from "../base/error.ts";
import { labelOf } from "./attempt_policy.ts";
import { APIConnectionError } from "./error.ts";
import type { AttemptReport, ModelHost } from "./host.ts";

/** A model stopped answering, or answers again. */
export interface AvailabilityEvent<Model> {
  /** Tells this kind from the others. */
  readonly type: "llm_availability_changed" | "stt_availability_changed" | "tts_availability_changed";
  /** Which model. */
  readonly model: Model;
  /** It can be asked again; false: it has failed. */
  readonly available: boolean;
}

/** What all models made of models have. */
export interface Fallback<Model> {
  /** Whether a model of the list answers, as far as is known. */
  isAvailable(model: Model): boolean;
  /** Ends all probes. They end with the session, too. Calls that are under way go on. */
  close(): void;
}

/** The models of a fallback, in the order of preference. */
export interface Roster<Model> extends Fallback<Model> {
  readonly models: readonly Model[];
  /** Whom to try, in order: those that answer, or all when none does. The others are `skipped`. */
  turn(): { readonly tried: readonly Model[]; readonly skipped: readonly Model[] };
  set(model: Model, available: boolean): void;
  /**
   * Asks a model again, beside the calls of the session, unless it is being asked already. It answers when `ask` resolves
   * with true; a rejection is no news.
   */
  probe(model: Model, host: ModelHost, ask: (signal: AbortSignal) => Promise<boolean>): void;
}

/** Keeps the book of who answers. */
export function roster<Model extends object>(
  models: readonly Model[],
  type: AvailabilityEvent<Model>["type"],
  onChange: ((event: AvailabilityEvent<Model>) => void) | undefined,
): Roster<Model> {
  if (models.length === 0) {
    throw new AgentError(
      "model.bad_option",
      "Cannot fall back as there must be at least one model: current value is none",
    );
  }
  const missing = new Set<Model>();
  const probes = new Map<Model, AbortController>();
  let isClosed = false;

  const set = (model: Model, available: boolean): void => {
    if (missing.has(model) !== available) return;
    if (available) missing.delete(model);
    else missing.add(model);
    try {
      onChange?.({ type, model, available });
    } catch {
      // The listener's own error is the listener's: the call goes on.
    }
  };

  return {
    models,
    isAvailable: (model) => !missing.has(model),
    turn() {
      if (missing.size === models.length) return { tried: models, skipped: [] };
      return {
        tried: models.filter((model) => !missing.has(model)),
        skipped: models.filter((model) => missing.has(model)),
      };
    },
    set,
    probe(model, { closing }, ask) {
      if (isClosed || closing?.aborted || probes.has(model)) return;
      const abort = new AbortController();
      const stop = (): void => abort.abort(closing?.reason);
      probes.set(model, abort);
      closing?.addEventListener("abort", stop, { once: true });
      ask(abort.signal).then((answers) => {
        if (answers && !abort.signal.aborted) set(model, true);
      }).catch(() => {}) // it still does not answer: the next call asks again
        .finally(() => {
          closing?.removeEventListener("abort", stop);
          if (probes.get(model) === abort) probes.delete(model);
        });
    },
    close() {
      isClosed = true;
      for (const abort of probes.values()) abort.abort();
      probes.clear();
    },
  };
}

/** The host of a call, without which a model made of models has no time. */
export function hostOf(host: ModelHost | undefined): ModelHost {
  if (host !== undefined) return host;
  throw new AgentError(
    "model.bad_option",
    "Cannot fall back outside of a session as limits of time need its clock, `host`: current value is none",
  );
}

/** The report of one model of the list: it is measured as itself; its failures are told only when none is left. */
export function childReport({ report }: ModelHost): AttemptReport {
  return {
    error: () => {},
    metrics: (metrics) => report.metrics(metrics),
    ...(report.attempt === undefined ? {} : { attempt: (retryCount: number) => report.attempt!(retryCount) }),
  };
}

/** The report of a probe: what it costs is counted, and marked. */
export function probeReport({ report }: ModelHost): AttemptReport {
  return {
    error: () => {},
    metrics: (metrics) =>
      report.metrics(
        metrics.type === "llm_metrics" || metrics.type === "tts_metrics" || metrics.type === "stt_metrics"
          ? { ...metrics, probe: true }
          : metrics,
      ),
  };
}

/** The error of a call that no model of the list answered. */
export function allFailed(
  models: readonly { readonly provider: string; readonly model: string }[],
  elapsedMs: number,
  cause: unknown,
): APIConnectionError {
  return new APIConnectionError({
    message: `None of ${models.map(labelOf).join(", ")} answered within ${Math.round(elapsedMs)} ms`,
    options: { retryable: false, cause },
  });
}
