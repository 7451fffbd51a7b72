/**
 * Moves what a recogniser says along the time line.
 *
 * @module
 */
import type { SpeechData, SpeechEvent } from "./stt.ts";

/** The event by the time line of the whole stream, where its connection began `byMs` later. */
export function later(event: SpeechEvent, byMs: number): SpeechEvent {
  if (byMs === 0) return event;
  if (event.type === "start_of_speech") {
    return event.speechStartTimeMs === undefined
      ? event
      : { ...event, speechStartTimeMs: event.speechStartTimeMs + byMs };
  }
  if (!("alternatives" in event)) return event;
  const move = (data: SpeechData): SpeechData => ({
    ...data,
    startTimeMs: data.startTimeMs + byMs,
    endTimeMs: data.endTimeMs + byMs,
    ...(data.words === undefined ? {} : {
      words: data.words.map((word) => ({
        ...word,
        ...(word.startMs === undefined ? {} : { startMs: word.startMs + byMs }),
        ...(word.endMs === undefined ? {} : { endMs: word.endMs + byMs }),
      })),
    }),
  });
  return { ...event, alternatives: event.alternatives.map(move) };
}
