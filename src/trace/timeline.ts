/**
 * What a trace shows, as spans and marks on one axis: the material of the timeline page.
 *
 * @module
 */
import { type LatencyAccount, latencyReader } from "./latency.ts";
import type { TraceRecord } from "./record.ts";

/** A stretch of time. Milliseconds from the start of the session. */
export interface Span {
  readonly from: number;
  readonly to: number;
  readonly label: string;
}

/** A message, and when it was said. */
export interface TimelineMessage {
  readonly role: string;
  readonly text: string;
  readonly interrupted: boolean;
  readonly from: number;
  readonly to: number;
}

/** What a trace shows. */
export interface Timeline {
  readonly durationMs: number;
  readonly userStates: readonly Span[];
  readonly agentStates: readonly Span[];
  /** When the detector heard speech. */
  readonly vad: readonly Span[];
  /** When the sink played, and what cut it off. */
  readonly playout: readonly (Span & { readonly cut: boolean })[];
  /** When the agent held its tongue, since it might have been interrupted. */
  readonly pauses: readonly Span[];
  readonly tools: readonly (Span & { readonly detail: string })[];
  readonly transcripts: readonly { readonly t: number; readonly text: string; readonly isFinal: boolean }[];
  readonly messages: readonly TimelineMessage[];
  /** When a user turn was accepted. */
  readonly commits: readonly { readonly t: number; readonly text: string }[];
  readonly falseInterruptions: readonly number[];
  /** Words over the agent's speech, and what was made of them. */
  readonly overlaps: readonly {
    readonly t: number;
    readonly text: string;
    readonly takesFloor: boolean;
    readonly reason: string;
  }[];
  readonly accounts: readonly LatencyAccount[];
}

/** Reads a trace. Pure. */
export function timelineOf(records: readonly TraceRecord[]): Timeline {
  const latency = latencyReader();
  const accounts: LatencyAccount[] = [];
  const user = new States("listening");
  const agent = new States("initializing");
  const vad = new Spans();
  const playout: (Span & { cut: boolean })[] = [];
  const playing = new Map<string, number>();
  const pauses = new Spans();
  const tools: (Span & { detail: string })[] = [];
  const openTools = new Map<string, { from: number; name: string; args: string }>();
  const transcripts: { t: number; text: string; isFinal: boolean }[] = [];
  const messages: TimelineMessage[] = [];
  const commits: { t: number; text: string }[] = [];
  const falseInterruptions: number[] = [];
  const overlaps: { t: number; text: string; takesFloor: boolean; reason: string }[] = [];
  let start: number | undefined;
  let end = 0;
  const at = (t: number): number => t - (start ?? 0);

  for (const record of records) {
    if (record.kind === "header") continue;
    start ??= record.t;
    end = Math.max(end, at(record.t));
    const account = latency(record);
    if (account !== undefined) accounts.push(shift(account, -(start ?? 0)));
    if (record.kind === "note") {
      const { fields } = record;
      if (record.name === "tool.start") {
        openTools.set(String(fields["callId"]), {
          from: at(record.t),
          name: String(fields["name"]),
          args: String(fields["args"]),
        });
      }
      if (record.name === "tool.end") {
        const open = openTools.get(String(fields["callId"]));
        openTools.delete(String(fields["callId"]));
        if (open !== undefined) {
          tools.push({
            from: open.from,
            to: at(record.t),
            label: open.name,
            detail: `${open.args} → ${String(fields["output"])}`,
          });
        }
      }
      if (record.name === "message") {
        const from = fields["startedAt"];
        const to = fields["endedAt"];
        messages.push({
          role: String(fields["role"]),
          text: String(fields["text"]),
          interrupted: fields["interrupted"] === true,
          from: typeof from === "number" ? at(from) : at(record.t),
          to: typeof to === "number" ? at(to) : at(record.t),
        });
      }
      continue;
    }
    const { fact, effects } = record;
    if (fact.type === "floor") {
      const { event } = fact;
      if (event.type === "vad.start") vad.open(at(record.t - event.speechDuration - event.inferenceDuration), "speech");
      if (event.type === "vad.end") vad.close(at(record.t - event.silenceDuration - event.inferenceDuration));
      if (event.type === "vad.closed") vad.close(at(record.t));
    }
    if (fact.type === "playout.ack") {
      if (fact.ack === "started") playing.set(fact.segmentId, at(fact.at));
      if (fact.ack === "finished" || fact.ack === "cleared") {
        const from = playing.get(fact.segmentId);
        playing.delete(fact.segmentId);
        if (from !== undefined) {
          playout.push({ from, to: at(fact.at), label: fact.handleId, cut: fact.ack === "cleared" });
        }
      }
    }
    for (const effect of effects) {
      if (effect.type === "playout.pause") pauses.open(at(record.t), "paused");
      if (effect.type === "playout.resume") pauses.close(at(record.t));
      if (effect.type === "turn.commit") commits.push({ t: at(record.t), text: effect.info.transcript });
      if (effect.type === "backchannel.judged") {
        const { text, takesFloor, reason } = effect;
        overlaps.push({ t: at(record.t), text, takesFloor, reason });
      }
      if (effect.type !== "emit") continue;
      if (effect.event === "user_state_changed") user.set(at(effect.createdAt), effect.newState);
      if (effect.event === "agent_state_changed") agent.set(at(effect.createdAt), effect.newState);
      if (effect.event === "agent_false_interruption") falseInterruptions.push(at(record.t));
      if (effect.event === "user_input_transcribed") {
        transcripts.push({ t: at(record.t), text: effect.transcript, isFinal: effect.isFinal });
      }
    }
  }
  return {
    durationMs: end,
    userStates: user.done(end),
    agentStates: agent.done(end),
    vad: vad.done(end),
    playout,
    pauses: pauses.done(end),
    tools,
    transcripts,
    messages,
    commits,
    falseInterruptions,
    overlaps,
    accounts,
  };
}

function shift(account: LatencyAccount, by: number): LatencyAccount {
  return {
    ...account,
    from: account.from + by,
    to: account.to + by,
    spans: account.spans.map(({ part, from, to }) => ({ part, from: from + by, to: to + by })),
  };
}

/** Spans that open and close; at most one is open. */
class Spans {
  readonly #spans: Span[] = [];
  #open: { from: number; label: string } | undefined;

  open(from: number, label: string): void {
    this.#open ??= { from, label };
  }

  close(to: number): void {
    if (this.#open !== undefined) this.#spans.push({ ...this.#open, to });
    this.#open = undefined;
  }

  done(end: number): readonly Span[] {
    this.close(end);
    return this.#spans;
  }
}

/** A state that is always one of several. */
class States {
  readonly #spans: Span[] = [];
  #state: string;
  #from = 0;

  constructor(state: string) {
    this.#state = state;
  }

  set(at: number, state: string): void {
    if (at > this.#from) this.#spans.push({ from: this.#from, to: at, label: this.#state });
    this.#from = Math.max(at, this.#from);
    this.#state = state;
  }

  done(end: number): readonly Span[] {
    this.set(Math.max(end, this.#from), this.#state);
    return this.#spans;
  }
}
