/**
 * What became of a session, for whoever keeps account: its events, its conversation, its settings and what it used.
 *
 * @module
 */
import { VERSION } from "../base/version.ts";
import type { ChatItem } from "../chat/item.ts";
import { itemsToJSON } from "../chat/json.ts";
import { filterZeroValues, type SessionUsage } from "../telemetry/usage.ts";
import type { AgentSession } from "./agent_session.ts";
import type { SessionEvent, SessionEvents } from "./events.ts";
import type { ResolvedSessionOptions } from "./resolved_options.ts";

/** Where a session took place, as a job knows it. */
export interface ReportJob {
  /** The job. */
  readonly jobId?: string;
  /** The room's id. */
  readonly roomId?: string;
  /** The room's name. */
  readonly room?: string;
  /** The recording, where there is one. `startedAt` is milliseconds since 1970. */
  readonly recording?: { readonly path: string; readonly startedAt: number };
}

/** What a report is made of. Times are milliseconds since 1970. */
export interface ReportFacts extends ReportJob {
  /** What the session told, in order. */
  readonly events: readonly SessionEvent[];
  /** Everything that was said and done. */
  readonly history: readonly ChatItem[];
  /** What held for the session. */
  readonly options: ResolvedSessionOptions;
  /** What it used. */
  readonly usage: SessionUsage;
  /** When it was started. */
  readonly startedAt: number;
  /** When the report was made. */
  readonly timestamp: number;
}

/** A report as JSON, with the names and units that LiveKit's has: seconds, and seconds since 1970. */
export type SessionReport = Readonly<Record<string, unknown>>;

/** Writes down what a session tells, from its next start on. */
export interface SessionRecorder {
  /** What it told since it was last started, in order. Grows with the session: made for one that is reported on. */
  readonly events: readonly SessionEvent[];
  /** The report on what is there now. */
  report(job?: ReportJob): SessionReport;
  /** No more is written down. */
  end(): void;
}

/** Every event, so that none is forgotten. */
const EVENTS: Readonly<Record<keyof SessionEvents, true>> = {
  user_state_changed: true,
  agent_state_changed: true,
  user_input_transcribed: true,
  user_transcription_timeout: true,
  conversation_item_added: true,
  agent_false_interruption: true,
  eot_prediction: true,
  overlapping_speech: true,
  function_tools_executed: true,
  tool_execution_updated: true,
  metrics_collected: true,
  session_usage_updated: true,
  speech_created: true,
  user_turn_dropped: true,
  error: true,
  close: true,
};

/**
 * Writes down what a session tells. A session that nobody records keeps nothing of it.
 *
 * @example
 * ```ts
 * const recorder = recordSession(session);
 * session.on("close", () => save(JSON.stringify(recorder.report())));
 * ```
 */
export function recordSession(session: AgentSession): SessionRecorder {
  const core = session["~core"];
  let events: SessionEvent[] = [];
  let startedAt = core.startedAt;
  const offs = (Object.keys(EVENTS) as (keyof SessionEvents)[]).map((name) =>
    session.on(name, (event) => {
      if (core.startedAt !== startedAt) {
        startedAt = core.startedAt;
        events = [];
      }
      events.push(event as SessionEvent);
    })
  );
  return {
    get events() {
      return events;
    },
    report: (job = {}) =>
      sessionReport({
        ...job,
        events,
        history: session.history.items,
        options: session.sessionOptions,
        usage: session.usage,
        startedAt: core.startedAt,
        timestamp: core.wall(),
      }),
    end() {
      for (const off of offs) off();
    },
  };
}

/** The report on a session. Pure: it holds no handle, no sound, no picture and no error object. */
export function sessionReport(facts: ReportFacts): SessionReport {
  const { options, usage, recording } = facts;
  const { endpointing, interruption, preemptiveGeneration } = options.turnHandling;
  return {
    job_id: facts.jobId ?? null,
    room_id: facts.roomId ?? null,
    room: facts.room ?? null,
    started_at: facts.startedAt / 1000,
    timestamp: facts.timestamp / 1000,
    audio_recording_path: recording?.path ?? null,
    audio_recording_started_at: recording === undefined ? null : recording.startedAt / 1000,
    duration: recording === undefined ? null : (facts.timestamp - recording.startedAt) / 1000,
    options: {
      allow_interruptions: interruption.enabled,
      discard_audio_if_uninterruptible: interruption.discardAudioIfUninterruptible,
      min_interruption_duration: interruption.minDuration / 1000,
      min_interruption_words: interruption.minWords,
      min_endpointing_delay: endpointing.minDelay / 1000,
      max_endpointing_delay: endpointing.maxDelay / 1000,
      max_tool_steps: options.maxToolSteps,
      user_away_timeout: options.userAwayTimeout === null ? null : options.userAwayTimeout / 1000,
      min_consecutive_speech_delay: options.minConsecutiveSpeechDelay / 1000,
      preemptive_generation: preemptiveGeneration.enabled,
    },
    events: facts.events.flatMap((event) => event.type === "metrics_collected" ? [] : [eventToJSON(event)]),
    chat_history: { items: itemsToJSON(facts.history, { excludeTimestamp: false }).map((item) => snake(item)) },
    usage: usage.modelUsage.length === 0 ? null : usage.modelUsage.map((entry) => snake(filterZeroValues(entry))),
    sdk_version: VERSION,
  };
}

/** An event as JSON, with LiveKit's names and units. */
export function eventToJSON(event: SessionEvent): SessionReport {
  switch (event.type) {
    case "conversation_item_added": {
      const [item] = itemsToJSON([event.item], { excludeTimestamp: false });
      return { type: event.type, created_at: event.createdAt / 1000, item: snake(item) };
    }
    case "speech_created": {
      const { speechHandle, ...rest } = event;
      return { ...snake(rest) as object, speech_id: speechHandle.id };
    }
    case "error": {
      const { error: _exception, ...rest } = event.error as unknown as Record<string, unknown>;
      return {
        type: event.type,
        created_at: event.createdAt / 1000,
        error: snake(rest),
        source: sourceToJSON(event.source),
      };
    }
    case "close":
      return {
        type: event.type,
        created_at: event.createdAt / 1000,
        reason: event.reason,
        error: event.error === undefined || event.error === null ? null : snake(withoutException(event.error)),
      };
    case "function_tools_executed":
      return snake({
        type: event.type,
        createdAt: event.createdAt,
        functionCalls: event.functionCalls,
        functionCallOutputs: event.functionCallOutputs,
      }) as SessionReport;
    default:
      return snake(event) as SessionReport;
  }
}

function withoutException(error: unknown): unknown {
  if (typeof error !== "object" || error === null || !("recoverable" in error)) return { type: "unknown" };
  const { error: _exception, ...rest } = error as Record<string, unknown>;
  return rest;
}

function sourceToJSON(source: unknown): unknown {
  if (typeof source !== "object" || source === null) return String(source);
  const { model, provider, id } = source as { model?: unknown; provider?: unknown; id?: unknown };
  return model === undefined ? { id: id ?? null } : { model, provider };
}

/** Durations and times whose names do not say their unit; all are milliseconds here. */
const MILLISECONDS: ReadonlySet<string> = new Set([
  "createdAt",
  "timestamp",
  "vadSpeechStartedAt",
  "speechDuration",
  "startedSpeakingAt",
  "stoppedSpeakingAt",
  "transcriptionDelay",
  "endOfTurnDelay",
  "onUserTurnCompletedDelay",
  "llmNodeTtft",
  "ttsNodeTtfb",
  "playbackLatency",
  "e2eLatency",
]);

/** Plain data with other names and units. What providers and programs keep with an item stays as it is. */
function snake(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(snake);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).flatMap(([key, inner]: [string, unknown]) => {
    if (inner === undefined || typeof inner === "function") return [];
    if (key === "extra") return [[key, inner] as const];
    const isMs = key.endsWith("Ms");
    const name = (isMs ? key.slice(0, -2) : key).replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
    const isTime = typeof inner === "number" && (isMs || MILLISECONDS.has(key));
    return [[name, isTime ? inner / 1000 : snake(inner)] as const];
  });
  return Object.fromEntries(entries);
}
