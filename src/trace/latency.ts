/**
 * The latency account of a turn: where the time went between the user's last sound and the agent's first.
 *
 * Contiguous spans on one clock, which add up exactly to what the user waited.
 *
 * @module
 */
import type { TraceRecord } from "./record.ts";

/** What the time of a span went into. */
export type LatencyPart =
  /** Until the final transcript was there. */
  | "transcription"
  /** Until the turn was surely over. */
  | "endpointing"
  /** In the agent's `onUserTurnCompleted`. */
  | "hook"
  /** Until the reply had the floor. */
  | "floor"
  /** Until the model's first token, or its call of a tool. */
  | "llm"
  /** Until the tools had answered. */
  | "tools"
  /** Until the voice's first sound. */
  | "tts"
  /** Until it was audible. */
  | "playout";

/** One span. Milliseconds on the session's clock. */
export interface LatencySpan {
  readonly part: LatencyPart;
  readonly from: number;
  readonly to: number;
}

/** Where the time of one turn went. */
export interface LatencyAccount {
  readonly turnId: number;
  readonly handleId: string;
  readonly transcript: string;
  /** Clock time of the user's last sound. */
  readonly from: number;
  /** Clock time of the agent's first. */
  readonly to: number;
  readonly totalMs: number;
  readonly spans: readonly LatencySpan[];
}

/** When things happened, on the session's clock; what is unknown or came earlier takes no time. */
export interface LatencyMarks {
  readonly stoppedSpeakingAt: number;
  readonly finalAt?: number | undefined;
  readonly committedAt: number;
  readonly hookDoneAt?: number | undefined;
  readonly playedAt?: number | undefined;
  /** What the reply's parts gave, and when, in order. */
  readonly steps?: readonly (readonly [part: "llm" | "tools" | "tts", at: number])[] | undefined;
  readonly startedAt: number;
}

/** Makes the spans. Each mark counts from the latest before it, so that the spans add up whatever the order was. */
export function latencySpans(marks: LatencyMarks): readonly LatencySpan[] {
  const order: readonly (readonly [LatencyPart, number | undefined])[] = [
    ["transcription", marks.finalAt],
    ["endpointing", marks.committedAt],
    ["hook", marks.hookDoneAt],
    ["floor", marks.playedAt],
    ...(marks.steps ?? []),
    ["playout", marks.startedAt],
  ];
  const spans: LatencySpan[] = [];
  let from = marks.stoppedSpeakingAt;
  for (const [part, at] of order) {
    if (at === undefined || at <= from) continue;
    const to = Math.min(at, marks.startedAt);
    if (to > from) spans.push({ part, from, to });
    from = Math.max(from, to);
  }
  return spans;
}

const NOTES: Readonly<Record<string, "llm" | "tools" | "tts">> = {
  "llm.first": "llm",
  "tool.end": "tools",
  "tts.first": "tts",
};

interface Open {
  readonly turnId: number;
  readonly transcript: string;
  readonly stoppedSpeakingAt: number;
  readonly finalAt: number | undefined;
  readonly committedAt: number;
  hookDoneAt?: number;
  handleId?: string;
  playedAt?: number;
}

/** Reads accounts out of a trace as it grows: give it each record, and take what it returns. */
export function latencyReader(): (record: TraceRecord) => LatencyAccount | undefined {
  const turns = new Map<number, Open>();
  const byHandle = new Map<string, Open>();
  const steps = new Map<string, (readonly ["llm" | "tools" | "tts", number])[]>();
  let finalAt: number | undefined;
  return (record) => {
    if (record.kind === "note") {
      const handleId = record.fields["handleId"];
      if (typeof handleId !== "string") return undefined;
      const part = NOTES[record.name];
      if (part !== undefined) steps.set(handleId, [...(steps.get(handleId) ?? []), [part, record.t]]);
      return undefined;
    }
    if (record.kind !== "step") return undefined;
    const { fact, effects, t } = record;
    if (fact.type === "floor" && fact.event.type === "stt.final" && fact.event.text !== "") finalAt = t;
    for (const effect of effects) {
      if (effect.type === "turn.commit" && effect.info.metrics.stoppedSpeakingAt !== undefined) {
        turns.set(effect.turnId, {
          turnId: effect.turnId,
          transcript: effect.info.transcript,
          stoppedSpeakingAt: effect.info.metrics.stoppedSpeakingAt,
          finalAt,
          committedAt: t,
        });
        finalAt = undefined;
      }
      if (effect.type === "gen.reply" || effect.type === "gen.usePreemptive") {
        const turn = turns.get(effect.turnId);
        if (turn !== undefined) {
          turn.hookDoneAt = t;
          turn.handleId = effect.handleId;
          byHandle.set(effect.handleId, turn);
        }
      }
      if (effect.type === "speech.play") {
        const turn = byHandle.get(effect.handleId);
        if (turn !== undefined) turn.playedAt ??= t;
      }
    }
    const started = fact.type === "playout.ack" && fact.ack === "started"
      ? { handleId: fact.handleId, at: fact.at }
      : fact.type === "floor" && fact.event.type === "playout.started"
      ? fact.event
      : undefined;
    const turn = started === undefined ? undefined : byHandle.get(started.handleId);
    if (started === undefined || turn === undefined) return undefined;
    byHandle.delete(started.handleId);
    turns.delete(turn.turnId);
    const from = turn.stoppedSpeakingAt;
    const account: LatencyAccount = {
      turnId: turn.turnId,
      handleId: started.handleId,
      transcript: turn.transcript,
      from,
      to: started.at,
      totalMs: started.at - from,
      spans: latencySpans({
        ...turn,
        steps: steps.get(started.handleId),
        startedAt: started.at,
      }),
    };
    steps.delete(started.handleId);
    return account;
  };
}
