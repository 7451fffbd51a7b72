/**
 * Spans by the session's clock, which end once and tell no more than they may.
 *
 * @module
 */
import {
  type Attributes,
  type Context,
  type HrTime,
  type Span,
  SpanStatusCode,
  trace,
  type Tracer,
} from "@opentelemetry/api";
import type { Clock } from "../base/runtime.ts";

/** How a span ends. */
export interface SpanEnd {
  /** When, by the session's clock. Default: now. */
  readonly at?: number;
  readonly attributes?: Attributes;
  /** What failed. */
  readonly error?: unknown;
}

/** An open span. */
export interface SpanNode {
  readonly span: Span;
  /** The context in which its children start. */
  readonly context: Context;
  set(attributes: Attributes): void;
  /** Ends it. Only the first call counts. */
  end(how?: SpanEnd): void;
}

/** What all spans of a session share. */
export interface SpanFamily {
  readonly tracer: Tracer;
  readonly clock: Pick<Clock, "now" | "wallOffset">;
  /** False: nothing that a person said or wrote, and no text of an error, leaves. */
  readonly pii: boolean;
  /** All that are open, in the order of their start. */
  readonly open: Set<SpanNode>;
}

/** Starts a span, `at` a time of the session's clock (default: now). */
export function startSpan(
  family: SpanFamily,
  name: string,
  parent: Context,
  attributes: Attributes = {},
  at?: number,
): SpanNode {
  const { tracer, clock, open } = family;
  const span = tracer.startSpan(name, {
    startTime: wallTime(clock, at ?? clock.now()),
    attributes: allowed(family, attributes),
  }, parent);
  const node: SpanNode = {
    span,
    context: trace.setSpan(parent, span),
    set: (more) => void span.setAttributes(allowed(family, more)),
    end(how = {}) {
      if (!open.delete(node)) return;
      if (how.attributes !== undefined) span.setAttributes(allowed(family, how.attributes));
      const time = wallTime(clock, how.at ?? clock.now());
      if (how.error !== undefined) recordError(family, span, how.error, time);
      span.end(time);
    },
  };
  open.add(node);
  return node;
}

/** The wall time of a time of the clock, in the one form that is never mistaken for another. */
function wallTime({ wallOffset }: Pick<Clock, "wallOffset">, at: number): HrTime {
  const ms = wallOffset + at;
  const seconds = Math.floor(ms / 1000);
  return [seconds, Math.round((ms - seconds * 1000) * 1e6)];
}

function allowed({ pii }: SpanFamily, attributes: Attributes): Attributes {
  if (pii) return attributes;
  return Object.fromEntries(Object.entries(attributes).filter(([name]) => !name.includes(".pii.")));
}

function recordError({ pii }: SpanFamily, span: Span, error: unknown, time: HrTime): void {
  const type = error instanceof Error ? error.name : typeof error;
  const message = !pii ? "exception details redacted" : error instanceof Error ? error.message : String(error);
  const stack = pii && error instanceof Error ? error.stack : undefined;
  const attributes: Attributes = {
    "exception.type": type,
    "exception.message": message,
    ...(stack === undefined ? {} : { "exception.stacktrace": stack }),
  };
  span.addEvent("exception", attributes, time);
  span.setAttributes(attributes); // some backends show no events
  span.setStatus({ code: SpanStatusCode.ERROR, message });
}
