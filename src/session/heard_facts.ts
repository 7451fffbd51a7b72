/**
 * What models that listen say, as facts of the turn machine. What they leave out or get wrong becomes plain here.
 *
 * @module
 */
import type { SpeechEvent } from "../model/stt.ts";
import type { TurnPrediction } from "../model/turn_detector.ts";
import type { VADEvent } from "../model/vad.ts";
import type { TurnEvent } from "../turn/event.ts";

/** What a recogniser understood; undefined: nothing that the machine needs. A node of the user's may give plain text. */
export function sttFact(given: SpeechEvent | string): TurnEvent | undefined {
  const event = typeof given === "string" ? finalOf(given) : given;
  const requestId = event.requestId ?? "";
  switch (event.type) {
    case "start_of_speech":
      return {
        type: "stt.start",
        t: 0,
        requestId,
        speechStartTime: event.speechStartTimeMs === undefined ? null : finite(event.speechStartTimeMs),
      };
    case "end_of_speech":
      return { type: "stt.end", t: 0, requestId };
    case "recognition_usage":
      return undefined;
    default: {
      const best = event.alternatives[0];
      return {
        type: event.type === "interim_transcript"
          ? "stt.interim"
          : event.type === "preflight_transcript"
          ? "stt.preflight"
          : "stt.final",
        t: 0,
        requestId,
        text: best?.text ?? "",
        language: best?.language ?? "",
        confidence: finite(best?.confidence),
        startTime: finite(best?.startTimeMs),
        endTime: finite(best?.endTimeMs),
        speakerId: best?.speakerId ?? null,
      };
    }
  }
}

/** What a voice activity detector heard. */
export function vadFact(event: VADEvent): TurnEvent {
  switch (event.type) {
    case "start_of_speech":
      return {
        type: "vad.start",
        t: 0,
        speechDuration: finite(event.speechDurationMs),
        inferenceDuration: finite(event.inferenceDurationMs),
      };
    case "end_of_speech":
      return {
        type: "vad.end",
        t: 0,
        speechDuration: finite(event.speechDurationMs),
        silenceDuration: finite(event.silenceDurationMs),
        inferenceDuration: finite(event.inferenceDurationMs),
      };
    default:
      return {
        type: "vad.inference",
        t: 0,
        speechDuration: finite(event.speechDurationMs),
        silenceDuration: finite(event.silenceDurationMs),
        rawSpeech: finite(event.rawSpeechMs),
        rawSilence: finite(event.rawSilenceMs),
        speaking: event.speaking,
      };
  }
}

/** What a detector of turns answered, against the threshold of the language. */
export function predictionFact(
  { id, probability, inferenceDurationMs }: TurnPrediction,
  threshold: number | undefined,
): TurnEvent {
  return {
    type: "eot.answer",
    t: 0,
    id,
    probability: finite(probability),
    threshold: threshold ?? null,
    backchannelProbability: null,
    inferenceDuration: finite(inferenceDurationMs),
  };
}

/** A number of a model as the machine may have it: what is none would be something else in a trace. */
export function finite(value: number | undefined): number {
  return value !== undefined && Number.isFinite(value) ? value : 0;
}

function finalOf(text: string): SpeechEvent {
  return {
    type: "final_transcript",
    alternatives: [{ text, language: "", startTimeMs: 0, endTimeMs: 0, confidence: 1 }],
  };
}
