/**
 * The options of a session and of an agent's turn handling, checked once, at the face.
 *
 * @module
 */
import * as v from "valibot";
import { AgentError } from "../base/error.ts";
import type { Runtime } from "../base/runtime.ts";
import type { SessionConnectOptions } from "../model/connect_options.ts";
import type { InterruptionDetector } from "../model/interruption_detector.ts";
import type { LLM } from "../model/llm.ts";
import type { STT } from "../model/stt.ts";
import type { TTS } from "../model/tts.ts";
import type { VAD } from "../model/vad.ts";
import { checkToolHandling, type ToolHandlingOptions } from "../tool/templates.ts";
import type { AnyTool } from "../tool/tool.ts";
import type { StreamingTurnDetector, TurnDetector } from "../model/turn_detector.ts";
import type { TraceRecord } from "../trace/record.ts";
import type { TextTransform } from "../reply/text_transforms.ts";
import type { BackchannelPolicy } from "../turn/backchannel.ts";
import type { KeytermsOptions } from "./keyterms.ts";

/** How turns are taken. All durations are milliseconds; what is left out has its default. */
export interface TurnHandlingOptions {
  /** Who decides that the user's turn is over; left out: whatever signals there are. */
  readonly turnDetection?: "vad" | "stt" | "manual" | "realtime_llm" | TurnDetector | StreamingTurnDetector | null;
  /** How the end of the user's turn is found. */
  readonly endpointing?: {
    /**
     * `"dynamic"` learns the least time from the pauses of this user. `"graded"` waits the longer the less likely a detector
     * calls the end, where `"fixed"` waits `maxDelay` for all that is unlikely. Default `"fixed"`.
     */
    readonly mode?: "fixed" | "dynamic" | "graded";
    /** Least time from the last speech to the end of the turn. Default 500; 300 with a streaming detector. */
    readonly minDelay?: number;
    /** The same, when a detector says that the user goes on. Default 3,000; 2,500 with a streaming detector. */
    readonly maxDelay?: number;
    /** Weight of what was learned, above 0 and at most 1. Default 0.9. */
    readonly alpha?: number;
  };
  /** What it takes to cut in, and what happens then. */
  readonly interruption?: {
    /** The user may cut in. Default true. */
    readonly enabled?: boolean;
    /**
     * `"vad"`: sound alone interrupts, though there is a `detector`. `"adaptive"`: warns where the detector cannot be used.
     * Left out: the detector judges where there is one.
     */
    readonly mode?: "adaptive" | "vad";
    /**
     * A model that judges from the sound whether speech over the agent is an interruption. It needs a VAD, and a recogniser
     * that streams and says when words were said; it takes the place of `backchannel`.
     */
    readonly detector?: InterruptionDetector | null;
    /** While a protected speech plays, nothing is recognised. Default true. */
    readonly discardAudioIfUninterruptible?: boolean;
    /** Speech it takes to cut in. Default 500. */
    readonly minDuration?: number;
    /** Words it takes to cut in, with a recogniser. Default 0. */
    readonly minWords?: number;
    /** Pause first, and go on when it was no interruption. Default true. */
    readonly resumeFalseInterruption?: boolean;
    /** Silence after which a pause was no interruption; null: never. Default 2,000. */
    readonly falseInterruptionTimeout?: number | null;
    /**
     * With a `detector`: how long sound alone interrupts at the start of the agent's speech, and how long before its end words
     * are a turn. One number is both. Null: not at all. Default `[1_000, 1_000]`.
     */
    readonly backchannelBoundary?: number | readonly [number, number] | null;
    /**
     * Tells words that only show attention, which leave the agent the floor, from those that take it. Left out: lists for
     * seven languages and sounds of all. Null: every word takes the floor.
     */
    readonly backchannel?: BackchannelPolicy | null;
  };
  /** Replies that are begun before the turn is surely over. */
  readonly preemptiveGeneration?: {
    /** Ask the model before the turn is surely over. Default true. */
    readonly enabled?: boolean;
    /** Synthesise too. Default false. */
    readonly preemptiveTts?: boolean;
    /** Not for speech that is longer. Default 10,000. */
    readonly maxSpeechDuration?: number;
    /** Attempts in one turn. Default 3. */
    readonly maxRetries?: number;
  };
  /** How much the user may say before the agent may cut in; null or left out: no limit. `maxDuration` is milliseconds. */
  readonly userTurnLimit?: { readonly maxWords?: number | null; readonly maxDuration?: number | null };
}

/** Where log lines go. `console` fits. */
export interface Logger {
  /** What only a search for a fault needs. */
  debug(message: string, fields?: Readonly<Record<string, unknown>>): void;
  /** What happened. */
  info(message: string, fields?: Readonly<Record<string, unknown>>): void;
  /** What may be wrong. */
  warn(message: string, fields?: Readonly<Record<string, unknown>>): void;
  /** What went wrong. */
  error(message: string, fields?: Readonly<Record<string, unknown>>): void;
}

/** How a session is made. Everything may be left out. */
export interface AgentSessionOptions<UserData = unknown> {
  /** Speech to text. `null`: none. */
  readonly stt?: STT | null;
  /** Voice activity detection. `null`: none. */
  readonly vad?: VAD | null;
  /** The language model. `null`: none. */
  readonly llm?: LLM | null;
  /** The voice. `null`: none. */
  readonly tts?: TTS | null;
  /** How turns are taken. */
  readonly turnHandling?: TurnHandlingOptions;
  /** Tools of every agent. */
  readonly tools?: readonly AnyTool[];
  /** What models read about calls that go on. */
  readonly toolHandling?: ToolHandlingOptions;
  /** Rounds of tools in one turn, after which the model must answer. Default 3. */
  readonly maxToolSteps?: number;
  /** Captions follow the times that the voice gives with its sound, where it gives them. Default true. */
  readonly useTtsAlignedTranscript?: boolean;
  /** What happens to text on its way to the voice. Default `["filter_markdown", "filter_emoji"]`; null: nothing. */
  readonly ttsTextTransforms?: readonly TextTransform[] | null;
  /** Least pause between two speeches, in milliseconds. Default 0. */
  readonly minConsecutiveSpeechDelay?: number;
  /** The program's own data, handed to tools and hooks. */
  readonly userData?: UserData;
  /** How long after the agent's first words its own echo is not taken for an interruption, in milliseconds; null: not at all. Default 3,000. */
  readonly aecWarmupDuration?: number | null;
  /** Silence of both after which the user is away, in milliseconds (not seconds); null: never. Default 15,000. */
  readonly userAwayTimeout?: number | null;
  /** How long words may take after speech before the session tells that none came, in milliseconds; null: never. */
  readonly transcriptionTimeout?: number | null;
  /** How long `close()` waits for the last words, in milliseconds. Default 2,000. */
  readonly sessionCloseTranscriptTimeout?: number;
  /** What the recogniser is told beside the sound: words to listen for, and what was said. */
  readonly keytermsOptions?: KeytermsOptions;
  /** Retries and time-outs of the models. */
  readonly connOptions?: SessionConnectOptions;
  /** `"reference"` behaves as LiveKit Agents does where we do better. Default `"fixed"`. */
  readonly compat?: "fixed" | "reference";
  /** The place; found out when left out. */
  readonly runtime?: Runtime;
  /** Default: silent. */
  readonly logger?: Logger;
  /**
   * Takes every fact and effect, as the flight recorder, and is closed with the session. A function is asked for one at each
   * start, so that a session that is started again is recorded again. Default: the file that `REPARTEE_TRACE` names in the
   * environment, if any.
   */
  readonly trace?: WritableStream<TraceRecord> | (() => WritableStream<TraceRecord>);
}

const duration = v.pipe(v.number(), v.finite(), v.minValue(0));
const count = v.pipe(v.number(), v.integer(), v.minValue(0));
const model = v.nullish(v.looseObject({ kind: v.string() }));

/** What a session accepts of {@linkcode TurnHandlingOptions}. */
export const turnHandlingSchema: v.GenericSchema<unknown, unknown> = v.strictObject({
  turnDetection: v.nullish(v.union([
    v.picklist(["vad", "stt", "manual", "realtime_llm"]),
    v.looseObject({ kind: v.picklist(["turn_detector", "streaming_turn_detector"]) }),
  ])),
  endpointing: v.optional(v.strictObject({
    mode: v.optional(v.picklist(["fixed", "dynamic", "graded"])),
    minDelay: v.optional(duration),
    maxDelay: v.optional(duration),
    alpha: v.optional(v.pipe(v.number(), v.gtValue(0), v.maxValue(1))),
  })),
  interruption: v.optional(v.strictObject({
    enabled: v.optional(v.boolean()),
    mode: v.optional(v.picklist(["adaptive", "vad"])),
    discardAudioIfUninterruptible: v.optional(v.boolean()),
    minDuration: v.optional(duration),
    minWords: v.optional(count),
    resumeFalseInterruption: v.optional(v.boolean()),
    falseInterruptionTimeout: v.nullish(duration),
    backchannelBoundary: v.nullish(v.union([duration, v.strictTuple([duration, duration])])),
    backchannel: v.nullish(v.function()),
    detector: v.nullish(v.looseObject({ kind: v.literal("interruption_detector") })),
  })),
  preemptiveGeneration: v.optional(v.strictObject({
    enabled: v.optional(v.boolean()),
    preemptiveTts: v.optional(v.boolean()),
    maxSpeechDuration: v.optional(duration),
    maxRetries: v.optional(count),
  })),
  userTurnLimit: v.optional(v.strictObject({ maxWords: v.nullish(count), maxDuration: v.nullish(duration) })),
});

const connect = v.optional(v.strictObject({
  maxRetry: v.optional(count),
  retryIntervalMs: v.optional(duration),
  timeoutMs: v.optional(duration),
}));

const anything = v.optional(v.unknown());
const tools = v.optional(v.array(v.looseObject({ type: v.string() })));

const agentSchema = v.strictObject({
  instructions: v.union([v.string(), v.looseObject({})]),
  id: v.optional(v.pipe(v.string(), v.minLength(1))),
  chatCtx: v.optional(v.looseObject({})),
  tools,
  stt: model,
  vad: model,
  llm: model,
  tts: model,
  turnHandling: v.optional(turnHandlingSchema),
  toolHandling: anything,
  minConsecutiveSpeechDelay: v.optional(duration),
  useTtsAlignedTranscript: v.optional(v.boolean()),
});

/**
 * Checks the options of an agent.
 *
 * @throws {AgentError} `session.bad_option` naming the first option that does not fit.
 */
export function checkAgentOptions(options: unknown): void {
  check(agentSchema, options, "make an agent");
  checkToolHandling((options as AgentSessionOptions).toolHandling);
}

const sessionSchema = v.strictObject({
  stt: model,
  vad: model,
  llm: model,
  tts: model,
  turnHandling: v.optional(turnHandlingSchema),
  tools,
  toolHandling: anything,
  maxToolSteps: v.optional(count),
  useTtsAlignedTranscript: v.optional(v.boolean()),
  ttsTextTransforms: v.nullish(v.array(v.unknown())),
  minConsecutiveSpeechDelay: v.optional(duration),
  userData: anything,
  aecWarmupDuration: v.nullish(duration),
  userAwayTimeout: v.nullish(duration),
  transcriptionTimeout: v.nullish(duration),
  sessionCloseTranscriptTimeout: v.optional(duration),
  keytermsOptions: v.optional(v.strictObject({
    keyterms: v.optional(v.array(v.string())),
    keytermDetection: v.optional(v.strictObject({
      enabled: v.optional(v.boolean()),
      llm: v.optional(v.looseObject({ kind: v.literal("llm") })),
      turnInterval: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1))),
      maxKeyterms: v.nullish(count),
      instructions: v.optional(v.string()),
      timeout: v.optional(duration),
    })),
    forwardChatContext: v.optional(v.boolean()),
  })),
  connOptions: v.optional(v.strictObject({
    sttConnOptions: connect,
    llmConnOptions: connect,
    ttsConnOptions: connect,
    maxUnrecoverableErrors: v.optional(count),
  })),
  compat: v.optional(v.picklist(["fixed", "reference"])),
  runtime: anything,
  logger: anything,
  trace: anything,
});

/**
 * Checks the options of a session.
 *
 * @throws {AgentError} `session.bad_option` naming the first option that does not fit.
 */
export function checkSessionOptions(options: unknown): void {
  check(sessionSchema, options, "make a session");
  checkToolHandling((options as AgentSessionOptions).toolHandling);
}

/**
 * Options that were likely given in seconds, as LiveKit's Python port has them: no such time makes sense in milliseconds.
 */
export function likelySeconds({ userAwayTimeout, ...options }: AgentSessionOptions): string[] {
  const { endpointing, interruption, preemptiveGeneration, userTurnLimit } = options.turnHandling ?? {};
  const times = {
    aecWarmupDuration: options.aecWarmupDuration,
    sessionCloseTranscriptTimeout: options.sessionCloseTranscriptTimeout,
    transcriptionTimeout: options.transcriptionTimeout,
    "turnHandling.endpointing.minDelay": endpointing?.minDelay,
    "turnHandling.endpointing.maxDelay": endpointing?.maxDelay,
    "turnHandling.interruption.minDuration": interruption?.minDuration,
    "turnHandling.interruption.falseInterruptionTimeout": interruption?.falseInterruptionTimeout,
    "turnHandling.preemptiveGeneration.maxSpeechDuration": preemptiveGeneration?.maxSpeechDuration,
    "turnHandling.userTurnLimit.maxDuration": userTurnLimit?.maxDuration,
  };
  const short = Object.entries(times).flatMap(([name, ms]) =>
    typeof ms === "number" && ms > 0 && ms < 10 ? [name] : []
  );
  if (typeof userAwayTimeout === "number" && userAwayTimeout > 0 && userAwayTimeout < 1_000) {
    short.push("userAwayTimeout");
  }
  return short;
}

/** Options with some changed: groups are merged, not replaced. */
export function mergeTurnHandling(before: TurnHandlingOptions, change: TurnHandlingOptions): TurnHandlingOptions {
  const merged: Record<string, unknown> = { ...before };
  for (const [name, value] of Object.entries(change)) {
    const old = merged[name];
    merged[name] = isGroup(old) && isGroup(value) && name !== "turnDetection" ? { ...old, ...value } : value;
  }
  return merged;
}

function isGroup(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Checks what a running session is to change. See {@linkcode checkSessionOptions}. */
export function checkUpdate(options: unknown): void {
  check(
    v.strictObject({ turnHandling: v.optional(turnHandlingSchema), keyterms: v.optional(v.array(v.string())) }),
    options,
    "change the options",
  );
}

/** Checks turn handling options. See {@linkcode checkSessionOptions}. */
export function checkTurnHandling(options: unknown): void {
  check(turnHandlingSchema, options, "handle turns");
}

function check(schema: v.GenericSchema, value: unknown, action: string): void {
  const result = v.safeParse(schema, value);
  if (result.success) return;
  const issue = result.issues[0];
  const path = v.getDotPath(issue) ?? "options";
  const rule = issue.expected === "never" ? "is not an option" : `must be ${issue.expected ?? "valid"}`;
  throw new AgentError(
    "session.bad_option",
    `Cannot ${action} as \`${path}\` ${rule}: current value is ${issue.received}`,
  );
}
