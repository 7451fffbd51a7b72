/**
 * One turn of the agent: asks the model, says what it answers, runs the tools it calls, and goes on until it is done.
 *
 * It decides nothing about turn taking. It starts its work, waits until the machine lets it speak, and reports what has
 * become of it; being stopped is an aborted signal.
 *
 * @module
 */
import type { AudioFrame } from "../audio/frame.ts";
import { OVER } from "../base/over.ts";
import type { Clock } from "../base/runtime.ts";
import type { ChatContext } from "../chat/context.ts";
import type { PlayoutSink } from "../io/playout.ts";
import type { TimedString } from "../model/marks.ts";
import type { ToolChoice, ToolContext } from "../tool/tool.ts";
import { type LlmOutput, type LlmRequest, type LlmStep, startLlmStep } from "./llm_step.ts";
import { FrameQueue } from "./frame_queue.ts";
import type { ReplyPart } from "./part.ts";
import { speak, type Speaking, type SpeechOutputs, type Spoken } from "./speak.ts";
import { TextBuffer } from "./text_buffer.ts";
import { hasSafeTools, startToolStep, type ToolHost, type ToolStep } from "./tool_step.ts";
import { startTtsStep, type TtsOutput, type TtsStep } from "./tts_step.ts";

/** What a reply is made of. */
export type ReplySource =
  | {
    readonly kind: "say";
    readonly text: string | ReadableStream<string>;
    readonly audio: ReadableStream<AudioFrame> | undefined;
  }
  | {
    readonly kind: "reply";
    /** Makes the prompt; a promise while what was cut off is still being accounted for. */
    readonly prompt: () => ChatContext | Promise<ChatContext>;
    readonly toolCtx: ToolContext;
    readonly toolChoice: ToolChoice | undefined;
  };

/** What a step ended with. */
export interface StepOutcome {
  readonly spoken: Spoken;
  readonly interrupted: boolean;
  readonly llm: LlmStep | undefined;
  readonly tts: TtsStep | undefined;
  readonly tools: ToolStep | undefined;
  /** Clock time at which it was let speak: its message's creation time; undefined when it never was. */
  readonly startedAt: number | undefined;
}

/** What follows a round of tools: another request, or nothing. */
export interface FollowUp {
  readonly prompt: () => ChatContext | Promise<ChatContext>;
  readonly toolCtx: ToolContext;
  readonly toolChoice: ToolChoice | undefined;
}

/** What a reply needs of the session. */
export interface ReplyHost {
  readonly clock: Clock;
  /** A new id for a message. */
  itemId(): string;
  outputs(): SpeechOutputs;
  askLlm(request: LlmRequest): LlmOutput | Promise<LlmOutput>;
  /** Null: there is no voice. */
  readonly speakTts: ((text: ReadableStream<string>, signal: AbortSignal) => TtsOutput | Promise<TtsOutput>) | null;
  readonly transcribe:
    | ((text: ReadableStream<string | TimedString>) => Promise<AsyncIterable<string | TimedString> | null>)
    | null;
  /** What is transcribed are the words that the voice tells with its sound. */
  readonly usesTimedWords: boolean;
  readonly tools: ToolHost;
  readonly maxToolSteps: number;
  part(part: ReplyPart): void;
  /** Something worth a line in the trace has happened. */
  note(name: "llm.first" | "tts.first"): void;
  /** Present when somebody traces: a model has given all, and a voice. */
  readonly traced: { llmOver(step: LlmStep): void; ttsOver(step: TtsStep): void } | undefined;
  failed(where: "llm" | "tts" | "reply", error: unknown): void;
  /** The first text was written, where there is no sound. */
  firstText(): void;
  /** The sound of a step is all there. */
  soundKnown(durationMs: number, text: string, isOver: () => boolean): void;
  /** A step was played or torn down. */
  played(outcome: StepOutcome): void;
  /** The tools of the step have ended; {@linkcode Reply.followUp} answers. */
  toolsEnded(): void;
  /** Another step wants its turn. */
  again(): void;
  /** All of it is over. */
  over(): void;
}

/** A turn of the agent, at work. */
export class Reply {
  readonly #host: ReplyHost;
  readonly #source: ReplySource;
  readonly #handleId: string;
  readonly #controller = new AbortController();
  #step = 1;
  #llm: LlmStep | undefined;
  #tts: TtsStep | undefined;
  #speaking: Speaking | undefined;
  #tools: ToolStep | undefined;
  /** The tools of a step that may never be heard, where some may run all the same. */
  #early: ToolStep | undefined;
  #gate: (() => void) | undefined;
  #open = false;
  #next: ((next: FollowUp | null) => void) | undefined;
  #outcome: StepOutcome | undefined;
  #request: FollowUp | undefined;

  constructor(handleId: string, source: ReplySource, host: ReplyHost) {
    this.#handleId = handleId;
    this.#source = source;
    this.#host = host;
  }

  /** Id of the segment of sound that this step plays. */
  get segmentId(): string {
    return `${this.#handleId}#${this.#step}`;
  }

  get numSteps(): number {
    return this.#step;
  }

  /** It has the floor, or had it. */
  get speaks(): boolean {
    return this.#speaking !== undefined;
  }

  /** Where this step is heard; null: nowhere. */
  get sink(): PlayoutSink | null {
    return this.#speaking?.sink ?? null;
  }

  /** Settles when what is being said in this step has been heard. */
  playedStep(): Promise<void> {
    return this.#speaking === undefined ? Promise.resolve() : this.#speaking.done.then(() => {});
  }

  /** The tools of this step; undefined until it was let speak. */
  get tools(): ToolStep | undefined {
    return this.#tools;
  }

  /** What the last step ended with. */
  get outcome(): StepOutcome | undefined {
    return this.#outcome;
  }

  /** Begins: the model is asked at once; nothing is heard before {@linkcode Reply.play}. */
  start(): void {
    if (this.#source.kind === "reply") this.#ask(this.#source);
    void this.#run();
  }

  /** It is going to be played: the voice may begin, where there is one. */
  synthesise(): void {
    if (this.#tts !== undefined || this.#controller.signal.aborted || this.#llm === undefined) return;
    this.#startTts(this.#llm.text);
  }

  /** It has the floor. */
  play(): void {
    this.#open = true;
    this.#gate?.();
  }

  /** Cuts it off. Its sound in the sink is cleared by the caller. */
  interrupt(): void {
    if (this.#controller.signal.aborted) return;
    this.#tools?.stop();
    this.#early?.stop();
    this.#controller.abort(OVER);
    this.#gate?.();
    this.#next?.(null);
  }

  ack(segmentId: string, kind: "started" | "position" | "finished" | "cleared", positionMs: number, at: number): void {
    if (segmentId === this.segmentId) this.#speaking?.ack(kind, positionMs, at);
  }

  paused(at: number): void {
    this.#speaking?.paused(at);
  }

  resumed(at: number): void {
    this.#speaking?.resumed(at);
  }

  /** Answers `toolsEnded`: what the model is asked next, or null. */
  followUp(next: FollowUp | null): void {
    this.#next?.(next);
  }

  #ask(request: FollowUp): void {
    const { signal } = this.#controller;
    const prompt = request.prompt();
    const ask = (chatCtx: ChatContext): LlmOutput | Promise<LlmOutput> =>
      signal.aborted
        ? null
        : this.#host.askLlm({ chatCtx, toolCtx: request.toolCtx, toolChoice: request.toolChoice, signal });
    this.#request = request;
    this.#llm = startLlmStep(this.#host.itemId(), {
      clock: this.#host.clock,
      ask: () => prompt instanceof Promise ? prompt.then(ask) : ask(prompt),
      signal,
      onUsage: (usage) => this.#host.part({ type: "usage", usage }),
      onReasoning: (delta) => this.#host.part({ type: "reasoning", delta }),
      onFirst: () => this.#host.note("llm.first"),
    });
    if (!signal.aborted && hasSafeTools(request.toolCtx)) this.#early = this.#startTools(this.#llm, request, true);
    const { traced } = this.#host;
    if (traced !== undefined) {
      const step = this.#llm;
      void step.over.then(() => traced.llmOver(step));
    }
  }

  #startTools(llm: LlmStep, { toolCtx, toolChoice }: FollowUp, isHeld: boolean): ToolStep {
    return startToolStep({ itemId: llm.itemId, calls: llm.calls, toolCtx, toolChoice, host: this.#host.tools, isHeld });
  }

  #startTts(text: TextBuffer): void {
    const { speakTts } = this.#host;
    if (speakTts === null || this.#host.outputs().audio === null) return;
    const { signal } = this.#controller;
    this.#tts = startTtsStep({
      clock: this.#host.clock,
      text: text.stream(),
      speak: (input) => speakTts(input, signal),
      signal,
      onError: (error) => this.#host.failed("tts", error),
      onFirst: () => this.#host.note("tts.first"),
    });
    const { traced } = this.#host;
    if (traced !== undefined) {
      const step = this.#tts;
      void step.over.then(() => traced.ttsOver(step));
    }
  }

  async #run(): Promise<void> {
    const { signal } = this.#controller;
    try {
      for (;;) {
        if (!this.#open && !signal.aborted) await new Promise<void>((resolve) => (this.#gate = resolve));
        this.#open = false;
        this.#gate = undefined;
        await this.#say();
        const tools = this.#tools;
        if (tools === undefined || tools.count === 0) return;
        await tools.over;
        if (tools.results.length === 0) return;
        const answer = new Promise<FollowUp | null>((resolve) => (this.#next = resolve));
        this.#host.toolsEnded();
        const next = await answer;
        this.#next = undefined;
        if (next === null || signal.aborted) return;
        this.#step++;
        this.#speaking = undefined;
        this.#tts = undefined;
        this.#ask(next);
        this.#host.again();
        this.synthesise();
      }
    } catch (error) {
      this.#host.failed("reply", error);
      if (this.#outcome === undefined) this.#report(NOTHING, undefined);
    } finally {
      this.#controller.abort(OVER);
      this.#host.over();
    }
  }

  /** Says this step, if it was let; and reports what was heard. */
  async #say(): Promise<void> {
    const { signal } = this.#controller;
    const host = this.#host;
    this.#tools = undefined;
    if (signal.aborted) return this.#report(NOTHING, undefined);
    const startedAt = host.clock.now();
    const text = this.#source.kind === "say" ? this.#sayText(this.#source) : (this.#llm as LlmStep).text;
    const llm = this.#source.kind === "say" ? undefined : this.#llm;
    if (llm !== undefined && this.#request !== undefined) {
      this.#tools = this.#early ?? this.#startTools(llm, this.#request, false);
      this.#early = undefined;
      this.#tools.open();
    }
    this.#speaking = speak({
      clock: host.clock,
      segmentId: this.segmentId,
      text,
      transcription: host.transcribe,
      usesTimedWords: host.usesTimedWords && (this.#source.kind === "reply" || this.#source.audio === undefined),
      tts: this.#tts ?? null,
      outputs: host.outputs(),
      signal,
      onFirstText: host.firstText,
      onLength: host.soundKnown,
      onForward: (delta) => host.part({ type: "text", delta }),
    });
    const spoken = await this.#speaking.done;
    if (spoken.error !== undefined) host.failed("reply", spoken.error);
    if (llm !== undefined) {
      if (!signal.aborted) await llm.over;
      if (llm.error !== undefined) host.failed("llm", llm.error);
    } else if (text.error !== undefined) host.failed("reply", text.error);
    this.#report(spoken, startedAt);
  }

  #report(spoken: Spoken, startedAt: number | undefined): void {
    this.#outcome = {
      spoken,
      interrupted: this.#controller.signal.aborted || spoken.cut,
      llm: this.#source.kind === "say" ? undefined : this.#llm,
      tts: this.#tts,
      tools: this.#tools,
      startedAt,
    };
    this.#host.played(this.#outcome);
  }

  #sayText(source: Extract<ReplySource, { kind: "say" }>): TextBuffer {
    const text = new TextBuffer();
    const { signal } = this.#controller;
    if (typeof source.text === "string") {
      text.push(source.text);
      text.end();
    } else void pour(source.text, text, signal);
    if (source.audio === undefined) this.#startTts(text);
    else if (this.#host.outputs().audio !== null) {
      this.#tts = {
        frames: new FrameQueue(),
        silent: false,
        ready: Promise.resolve(),
        over: Promise.resolve(),
        ttfb: undefined,
        error: undefined,
      };
      void pourAudio(source.audio, this.#tts, signal, (error) => this.#host.failed("reply", error));
    }
    return text;
  }
}

const NOTHING: Spoken = {
  text: "",
  startedAt: undefined,
  endedAt: 0,
  playbackLatency: undefined,
  cut: false,
  error: undefined,
};

async function pour(source: ReadableStream<string>, text: TextBuffer, signal: AbortSignal): Promise<void> {
  let reader: ReadableStreamDefaultReader<string> | undefined;
  const stop = (): void => void reader?.cancel(signal.reason).catch(() => {}); // it may fail while it is stopped
  signal.addEventListener("abort", stop, { once: true });
  try {
    reader = source.getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done || signal.aborted) break;
      text.push(value);
    }
    text.end();
  } catch (error) {
    text.end(signal.aborted ? undefined : error);
    stop(); // when it is too long, it need not go on
  } finally {
    signal.removeEventListener("abort", stop);
  }
}

async function pourAudio(
  source: ReadableStream<AudioFrame>,
  tts: TtsStep,
  signal: AbortSignal,
  failed: (error: unknown) => void,
): Promise<void> {
  let reader: ReadableStreamDefaultReader<AudioFrame> | undefined;
  const stop = (): void => {
    tts.frames.clear();
    void reader?.cancel(signal.reason).catch(() => {}); // as above
  };
  signal.addEventListener("abort", stop, { once: true });
  try {
    reader = source.getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done || signal.aborted) break;
      await tts.frames.push({ frame: value });
    }
  } catch (error) {
    if (!signal.aborted) {
      tts.error = error;
      failed(error);
    }
  } finally {
    tts.frames.end();
    signal.removeEventListener("abort", stop);
  }
}
