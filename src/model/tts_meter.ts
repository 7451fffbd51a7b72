/**
 * Measures speech synthesis, segment by segment.
 *
 * @module
 */
import { frameDurationMs } from "../audio/frame.ts";
import { type AttemptOptions, metadataOf, type Reporter } from "./attempt_policy.ts";
import type { ConnectionInfo } from "./host.ts";
import type { SynthesizedAudio, TTS } from "./tts.ts";

/** Watches one synthesis. */
export interface TTSMeter {
  /** The provider has its connection: the next segment that is measured tells of it. */
  connected(connection: ConnectionInfo): void;
  /** Text goes to the voice. */
  text(text: string): void;
  /** The segment of the text ends. */
  flush(): void;
  /** Audio came. */
  audio(audio: SynthesizedAudio): void;
  /** Text was flushed whose audio has not come. */
  awaitsAudio(): boolean;
  /** The attempt failed: all of it is forgotten. */
  restart(): void;
  /** No more comes. What is not yet measured is measured together. */
  end(cancelled: boolean): void;
}

interface TextSegment {
  charactersCount: number;
  startedAt: number;
  /** Nothing but white space so far, such as the line break behind the last sentence. */
  isBlank: boolean;
}

interface AudioSegment {
  firstAt: number;
  durationMs: number;
  requestId: string;
  segmentId?: string;
}

/** Makes a {@linkcode TTSMeter}, which reports each segment at its final frame. */
export function ttsMeter(tts: TTS, label: string, o: AttemptOptions, report: Reporter): TTSMeter {
  const { clock } = o;
  let flushed: TextSegment[] = []; // no longer than the segments that the voice is behind
  let open: TextSegment | undefined;
  let sounding: AudioSegment | undefined;
  let connection: ConnectionInfo | undefined;

  const emit = (text: TextSegment | undefined, cancelled: boolean): void => {
    const sound = sounding;
    sounding = undefined;
    if (text === undefined && sound === undefined) return;
    const now = clock.now();
    const startedAt = text?.startedAt ?? sound!.firstAt;
    report.metrics({
      type: "tts_metrics",
      timestamp: now,
      label,
      metadata: metadataOf(tts),
      requestId: sound === undefined || sound.requestId === "" ? o.requestId() : sound.requestId,
      ttfbMs: sound === undefined ? -1 : sound.firstAt - startedAt,
      durationMs: now - startedAt,
      audioDurationMs: sound?.durationMs ?? 0,
      cancelled,
      charactersCount: text?.charactersCount ?? 0,
      inputTokens: 0,
      outputTokens: 0,
      streamed: true,
      ...(connection && { acquireTimeMs: connection.acquireTimeMs, connectionReused: connection.reused }),
      ...(sound?.segmentId === undefined ? {} : { segmentId: sound.segmentId }),
      ...(o.speechId === undefined ? {} : { speechId: o.speechId }),
    });
    connection = undefined;
  };

  const takeText = (): TextSegment | undefined => {
    const next = flushed.shift();
    if (next !== undefined) return next;
    const rest = open;
    open = undefined;
    return rest;
  };

  return {
    connected(how) {
      connection = how;
    },
    text(text) {
      open ??= { charactersCount: 0, startedAt: clock.now(), isBlank: true };
      open.charactersCount += text.length;
      if (open.isBlank && /\S/.test(text)) open.isBlank = false;
    },
    flush() {
      if (open !== undefined && !open.isBlank) flushed.push(open);
      open = undefined;
    },
    audio({ frame, requestId = "", segmentId, final }) {
      if (sounding !== undefined && sounding.segmentId !== segmentId) emit(takeText(), false);
      sounding ??= {
        firstAt: clock.now(),
        durationMs: 0,
        requestId,
        ...(segmentId === undefined ? {} : { segmentId }),
      };
      sounding.durationMs += frameDurationMs(frame);
      if (final) emit(takeText(), false);
    },
    awaitsAudio: () => flushed.length > 0 && sounding === undefined,
    restart() {
      flushed = [];
      open = undefined;
      sounding = undefined;
      connection = undefined;
    },
    end(cancelled) {
      const rest = open === undefined || open.isBlank ? flushed : [...flushed, open];
      flushed = [];
      open = undefined;
      const [first] = rest;
      const charactersCount = rest.reduce((sum, segment) => sum + segment.charactersCount, 0);
      emit(first && { ...first, charactersCount }, cancelled);
    },
  };
}
