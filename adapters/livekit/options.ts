/**
 * How a session is joined to a room, checked once.
 *
 * @module
 */
import * as v from "valibot";
import { AgentError } from "../../src/base/error.ts";
import { answerText, type TextInputCallback } from "./chat.ts";
import { DEFAULT_PARTICIPANT_KINDS } from "./linking.ts";
import { PARTICIPANT_KINDS, type ParticipantKindName } from "./rtc.ts";

/** A filter of sound from one of LiveKit's packages; closed when the session lets go of the room. */
export interface NoiseFilter {
  /** Frees it. */
  close?(): void;
}

/** One filter for all tracks, or a choice for each. */
export type NoiseCancellation =
  | NoiseFilter
  | ((of: { readonly participantIdentity: string; readonly trackSid: string }) => NoiseFilter | undefined);

/** How typed text is taken. */
export interface TextInputOptions {
  /** What to do with a message. Default: the agent is interrupted and answers. */
  readonly textInputCallback?: TextInputCallback;
}

/** How the caller is heard. */
export interface AudioInputOptions {
  /** The rate of the frames. Default 24,000 Hz. */
  readonly sampleRate?: number;
  /** Their channels. Default 1. */
  readonly numChannels?: number;
  /** Their length, in milliseconds. Default 20. */
  readonly frameSizeMs?: number;
  /** A filter that LiveKit runs over the sound. Default: none. */
  readonly noiseCancellation?: NoiseCancellation;
  /** Hear what the caller's client recorded before the agent was there, where it sends that as PCM. Default true. */
  readonly preConnectAudio?: boolean;
  /** How long that is waited for when a track announces it, in milliseconds. Default 3,000. */
  readonly preConnectAudioTimeout?: number;
}

/** How the agent is heard. */
export interface AudioOutputOptions {
  /** The rate that is published. Default 24,000 Hz. */
  readonly sampleRate?: number;
  /** Its channels. Default 1. */
  readonly numChannels?: number;
  /** The name of the track. Default `"roomio_audio"`. */
  readonly trackName?: string;
}

/** How words are shown. */
export interface TextOutputOptions {
  /** The agent's words keep pace with its voice. Default true. */
  readonly syncTranscription?: boolean;
  /** Each of the agent's words is a line of JSON with its times, in seconds. Default false: plain text. */
  readonly jsonFormat?: boolean;
}

/** How a session is joined to a room. What is left out has its default. */
export interface RoomIOOptions {
  /** Hear what is typed on `lk.chat`. Default on. */
  readonly textInput?: boolean | TextInputOptions;
  /** Hear the caller. Default on. */
  readonly audioInput?: boolean | AudioInputOptions;
  /** Be heard. Default on. */
  readonly audioOutput?: boolean | AudioOutputOptions;
  /** Show what both sides say on `lk.transcription`. Default on. */
  readonly textOutput?: boolean | TextOutputOptions;
  /** Kinds of participants that may be the caller. Default: `connector`, `sip` and `standard`. */
  readonly participantKinds?: readonly ParticipantKindName[];
  /** Only this one may be the caller. Default: whoever comes first. */
  readonly participantIdentity?: string;
  /** The session closes when the caller leaves for good. Default true. */
  readonly closeOnDisconnect?: boolean;
}

/** Options with nothing left out; false: off. */
export interface ResolvedRoomOptions {
  readonly textInput: Required<TextInputOptions> | false;
  readonly audioInput:
    | (Required<Omit<AudioInputOptions, "noiseCancellation">> & Pick<AudioInputOptions, "noiseCancellation">)
    | false;
  readonly audioOutput: Required<AudioOutputOptions> | false;
  readonly textOutput: Required<TextOutputOptions> | false;
  readonly participantKinds: readonly ParticipantKindName[];
  readonly participantIdentity: string | undefined;
  readonly closeOnDisconnect: boolean;
}

const DEFAULT_RATE = 24_000; // specified: 05 section 2.1
/** Chosen: the frame of telephony and WebRTC; the reference waits for 50 ms, of which the caller waits 15 more on average. */
const DEFAULT_FRAME_MS = 20;

const DEFAULT_PRE_CONNECT_MS = 3_000; // specified: 05 section 2.1

const rate = v.optional(v.pipe(v.number(), v.integer(), v.minValue(8_000), v.maxValue(48_000)));
const channels = v.optional(v.picklist([1, 2]));
const aFunction = v.custom<(...args: never[]) => unknown>((value) => typeof value === "function", "must be a function");
const orSwitch = <Entries extends v.ObjectEntries>(entries: Entries) =>
  v.optional(v.union([v.boolean(), v.strictObject(entries)]));

const SCHEMA = v.strictObject({
  textInput: orSwitch({ textInputCallback: v.optional(aFunction) }),
  audioInput: orSwitch({
    sampleRate: rate,
    numChannels: channels,
    frameSizeMs: v.optional(v.pipe(v.number(), v.integer(), v.minValue(10), v.maxValue(200))),
    noiseCancellation: v.optional(v.union([aFunction, v.looseObject({})])),
    preConnectAudio: v.optional(v.boolean()),
    preConnectAudioTimeout: v.optional(v.pipe(v.number(), v.minValue(0), v.maxValue(60_000))),
  }),
  audioOutput: orSwitch({
    sampleRate: rate,
    numChannels: channels,
    trackName: v.optional(v.pipe(v.string(), v.nonEmpty())),
  }),
  textOutput: orSwitch({ syncTranscription: v.optional(v.boolean()), jsonFormat: v.optional(v.boolean()) }),
  participantKinds: v.optional(v.array(v.picklist(Object.keys(PARTICIPANT_KINDS) as ParticipantKindName[]))),
  participantIdentity: v.optional(v.pipe(v.string(), v.nonEmpty())),
  closeOnDisconnect: v.optional(v.boolean()),
});

/**
 * Checks options and fills in what is left out.
 *
 * @throws {AgentError} `session.bad_option` for one that does not exist or does not fit.
 */
export function resolveRoomOptions(options: RoomIOOptions): ResolvedRoomOptions {
  const { success, issues } = v.safeParse(SCHEMA, options);
  if (!success) {
    const { path, message } = deepest(issues[0]);
    throw new AgentError(
      "session.bad_option",
      `Cannot join a room as ${path === "" ? "the options" : `\`${path}\``} must fit: ${message}`,
    );
  }
  const of = <T extends object>(given: boolean | T | undefined): T | false =>
    given === false ? false : given === true || given === undefined ? ({} as T) : given;
  const textInput = of(options.textInput);
  const audioInput = of(options.audioInput);
  const audioOutput = of(options.audioOutput);
  const textOutput = of(options.textOutput);
  return {
    textInput: textInput && { textInputCallback: textInput.textInputCallback ?? answerText },
    audioInput: audioInput && {
      sampleRate: audioInput.sampleRate ?? DEFAULT_RATE,
      numChannels: audioInput.numChannels ?? 1,
      frameSizeMs: audioInput.frameSizeMs ?? DEFAULT_FRAME_MS,
      preConnectAudio: audioInput.preConnectAudio ?? true,
      preConnectAudioTimeout: audioInput.preConnectAudioTimeout ?? DEFAULT_PRE_CONNECT_MS,
      ...(audioInput.noiseCancellation && { noiseCancellation: audioInput.noiseCancellation }),
    },
    audioOutput: audioOutput && {
      sampleRate: audioOutput.sampleRate ?? DEFAULT_RATE,
      numChannels: audioOutput.numChannels ?? 1,
      trackName: audioOutput.trackName ?? "roomio_audio",
    },
    textOutput: textOutput && {
      syncTranscription: textOutput.syncTranscription ?? true,
      jsonFormat: textOutput.jsonFormat ?? false,
    },
    participantKinds: options.participantKinds ?? DEFAULT_PARTICIPANT_KINDS,
    participantIdentity: options.participantIdentity,
    closeOnDisconnect: options.closeOnDisconnect ?? true,
  };
}

/** Of a choice between a switch and an object, what is wrong with the object tells more. */
function deepest(issue: v.BaseIssue<unknown>): { readonly path: string; readonly message: string } {
  const path = v.getDotPath(issue) ?? "";
  const inner = issue.issues?.find((one) => one.path !== undefined);
  if (inner === undefined) return { path, message: issue.message };
  const { path: below, message } = deepest(inner);
  return { path: path === "" ? below : `${path}.${below}`, message };
}
