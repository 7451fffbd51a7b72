/**
 * A recogniser and a detector of speech that hear what a test tells them to have heard.
 *
 * @module
 */
import { frameDurationMs } from "../audio/frame.ts";
import { type AudioInputPart, isMark } from "../model/marks.ts";
import type { SpeechEvent, STT, STTCapabilities, STTOptions, STTStream } from "../model/stt.ts";
import type { VAD, VADCapabilities, VADEvent } from "../model/vad.ts";

/** One opened stream of a scripted recogniser or detector. */
export interface ScriptedEar {
  /** How much sound went in, in milliseconds. */
  readonly heardMs: number;
  /** The marks that went in, in order. */
  readonly marks: readonly Exclude<AudioInputPart, { readonly data: Int16Array }>[];
  /** Neither closed, nor cancelled, nor failed. */
  readonly isOpen: boolean;
}

/** What {@linkcode ScriptedSTT} and {@linkcode ScriptedVAD} share. */
export interface ScriptedEars<E> {
  /** All streams so far, open or not. */
  readonly streams: readonly ScriptedEar[];
  /** Gives an event to the newest open stream. False when there is none. */
  push(event: E): boolean;
  /** Fails the newest open stream, behind what was pushed. False when there is none. */
  fail(error: unknown): boolean;
}

/** A recogniser that hears what it is told. */
export interface ScriptedSTT extends STT, ScriptedEars<SpeechEvent> {
  /** Makes a stream; those that run are in `ears`. */
  stream(options?: STTOptions): STTStream;
  /** Options of all streams so far. */
  readonly options: readonly STTOptions[];
}

/** A detector that hears what it is told. */
export interface ScriptedVAD extends VAD, ScriptedEars<VADEvent> {}

/** How a scripted recogniser is made. */
export interface ScriptedSTTOptions {
  /** The model's name, as its provider writes it. */
  readonly model?: string;
  /** Who makes the model, in a word. */
  readonly provider?: string;
  /** Default: streaming, with interim results. */
  readonly capabilities?: STTCapabilities;
  /** Asked when the input of a stream closes: what it says last. Default: nothing. */
  readonly onEnd?: () => readonly SpeechEvent[];
  /** Told when a stream is opened. What it throws, opening throws. */
  readonly onOpen?: () => void;
}

/** How a scripted detector is made. */
export interface ScriptedVADOptions {
  /** The model's name, as its provider writes it. */
  readonly model?: string;
  /** Who makes the model, in a word. */
  readonly provider?: string;
  /** Default: an event every 50 ms. */
  readonly capabilities?: VADCapabilities;
}

/**
 * Makes a recogniser that hears what it is told, whatever sound goes in.
 *
 * @example
 * ```ts
 * const stt = scriptedSTT();
 * stt.push({ type: "final_transcript", alternatives: [
 *   { text: "Hello", language: "en", startTimeMs: 0, endTimeMs: 400, confidence: 0.9 },
 * ] });
 * ```
 */
export function scriptedSTT(options: ScriptedSTTOptions = {}): ScriptedSTT {
  const ears = makeEars<SpeechEvent>(options.onEnd);
  const given: STTOptions[] = [];
  return {
    kind: "stt",
    model: options.model ?? "scripted",
    provider: options.provider ?? "repartee",
    capabilities: options.capabilities ?? { streaming: true, interimResults: true },
    options: given,
    streams: ears.streams,
    push: ears.push,
    fail: ears.fail,
    stream(streamOptions = {}) {
      options.onOpen?.();
      given.push(streamOptions);
      return ears.open(streamOptions.signal);
    },
  };
}

/** Makes a detector that hears what it is told, whatever sound goes in. */
export function scriptedVAD(options: ScriptedVADOptions = {}): ScriptedVAD {
  const ears = makeEars<VADEvent>();
  return {
    kind: "vad",
    model: options.model ?? "scripted",
    provider: options.provider ?? "repartee",
    capabilities: options.capabilities ?? { updateIntervalMs: 50 },
    streams: ears.streams,
    push: ears.push,
    fail: ears.fail,
    stream: ({ signal } = {}) => ears.open(signal),
  };
}

interface Ear<E> extends ScriptedEar {
  push(event: E): void;
  fail(error: unknown): void;
}

function makeEars<E>(onEnd: () => readonly E[] = () => []) {
  const streams: Ear<E>[] = [];
  const newest = (): Ear<E> | undefined => streams.findLast(({ isOpen }) => isOpen);
  return {
    streams,
    push(event: E): boolean {
      const ear = newest();
      ear?.push(event);
      return ear !== undefined;
    },
    fail(error: unknown): boolean {
      const ear = newest();
      ear?.fail(error);
      return ear !== undefined;
    },
    open(signal: AbortSignal | undefined): ReadableWritablePair<E, AudioInputPart> {
      const { ear, pair } = openEar(onEnd, signal);
      streams.push(ear);
      return pair;
    },
  };
}

function openEar<E>(onEnd: () => readonly E[], signal: AbortSignal | undefined) {
  const marks: Exclude<AudioInputPart, { readonly data: Int16Array }>[] = [];
  let heardMs = 0;
  let isOpen = true;
  let failed: { readonly error: unknown } | undefined;
  let out: ReadableStreamDefaultController<E>;
  let into: WritableStreamDefaultController;
  const leave = (): void => {
    isOpen = false;
    signal?.removeEventListener("abort", cut);
  };
  const cut = (): void => {
    if (!isOpen) return;
    leave();
    out.error(signal?.reason);
    into.error(signal?.reason);
  };
  const ear: Ear<E> = {
    get heardMs() {
      return heardMs;
    },
    marks,
    get isOpen() {
      return isOpen;
    },
    push: (event) => out.enqueue(event),
    fail(error) {
      leave();
      failed = { error };
      if (out.desiredSize === 0) out.error(error); // else `pull`, behind what is queued
      into.error(error);
    },
  };
  const readable = new ReadableStream<E>({
    start(controller) {
      out = controller;
    },
    pull(controller) {
      if (failed !== undefined) controller.error(failed.error);
    },
    cancel(reason) {
      if (!isOpen) return;
      leave();
      into.error(reason);
    },
  }, { highWaterMark: 0 });
  const writable = new WritableStream<AudioInputPart>({
    start(controller) {
      into = controller;
    },
    write(part) {
      if (isMark(part)) marks.push(part);
      else heardMs += frameDurationMs(part);
    },
    close() {
      if (!isOpen) return;
      for (const event of onEnd()) out.enqueue(event);
      leave();
      out.close();
    },
    abort(reason) {
      if (!isOpen) return;
      leave();
      out.error(reason);
    },
  });
  if (signal?.aborted) cut();
  else signal?.addEventListener("abort", cut);
  return { ear, pair: { readable, writable } };
}
