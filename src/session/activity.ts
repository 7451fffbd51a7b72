/**
 * One agent's time on stage, as far as it holds things: resolved models, tools, and the default nodes.
 *
 * @module
 */
import type { AudioFrame } from "../audio/frame.ts";
import { AgentError } from "../base/error.ts";
import { OVER } from "../base/over.ts";
import { type Instructions, INSTRUCTIONS_MESSAGE_ID, renderInstructions } from "../chat/instructions.ts";
import type { ChatContext } from "../chat/context.ts";
import { chatMessage } from "../chat/make.ts";
import { llmAttempt, sttAttempt, ttsAttempt } from "../model/attempt.ts";
import type { ChatChunk } from "../model/llm.ts";
import type { AudioInputPart, TimedString } from "../model/marks.ts";
import type { SpeechEvent } from "../model/stt.ts";
import { sttStreamAdapter } from "../model/stt_stream_adapter.ts";
import type { SynthesizedAudio } from "../model/tts.ts";
import { ttsStreamAdapter } from "../model/tts_stream_adapter.ts";
import type { LlmOutput, LlmRequest } from "../reply/llm_step.ts";
import type { TtsOutput } from "../reply/tts_step.ts";
import { toolContext } from "../tool/tool_context.ts";
import { closeToolset, keepToolset, openToolset } from "../tool/toolset_life.ts";
import type { ToolContext, Toolset } from "../tool/tool.ts";
import { Agent, type ModelSettings } from "./agent.ts";
import type { SessionCore } from "./core.ts";
import { resolveActivity, type Resolved } from "./resolve.ts";

/** Speaks a text for a speech. */
export type SpeakTts = (
  text: ReadableStream<string>,
  signal: AbortSignal,
  speechId: string,
) => TtsOutput | Promise<TtsOutput>;

/** One agent's time on stage. */
export class Activity {
  /** Whose speech a context was made for. */
  readonly #speechOf = new WeakMap<ChatContext, string>();
  readonly id: string;
  readonly agent: Agent;
  readonly core: SessionCore;
  /** It was on stage before, in another process: it does not enter again. */
  readonly isResumed: boolean;
  resolved: Resolved;
  toolCtx: ToolContext;
  /** Aborted when its tools have had their time. */
  readonly toolAbort: AbortController = new AbortController();
  /** Aborted when `onEnter` has had its time. */
  readonly enterAbort: AbortController = new AbortController();
  /** Aborted when `onExit` has had its time. */
  readonly exitAbort: AbortController = new AbortController();
  /** Toolsets that it has set up. */
  readonly #opened: Toolset[] = [];

  constructor(id: string, agent: Agent, core: SessionCore, isResumed = false) {
    this.id = id;
    this.agent = agent;
    this.core = core;
    this.isResumed = isResumed;
    this.resolved = resolveActivity(core.options, agent.options);
    this.toolCtx = this.#allTools();
  }

  get session(): unknown {
    return this.core.session;
  }

  /** Loads what its models need, so that the first turn does not wait for it; those that `before` had are loaded already. */
  prewarm(before?: Resolved): void {
    for (const kind of ["stt", "vad", "llm", "tts"] as const) {
      const model = this.resolved[kind];
      if (model?.prewarm === undefined || model === before?.[kind]) continue;
      void (async () => await model.prewarm?.())().catch((error: unknown) =>
        this.core.log("warn", "a model could not be loaded ahead", { area: kind, model: model.model, error })
      );
    }
  }

  /** Takes the agent; it can be on one stage only. */
  begin(): void {
    this.agent["~"].activity = this;
    this.prewarm();
    this.contextChanged();
    if (this.isResumed) return; // its configuration is in the history
    const { instructions } = this.agent;
    const text = renderInstructions(instructions);
    const tools = [...this.toolCtx.functionTools.keys()];
    if (text === "" && tools.length === 0) return;
    const update = this.core.items.agentConfigUpdate({ instructions: text, toolsAdded: tools });
    this.agent["~"].chatCtx.append(update);
    this.core.history.insert(update);
  }

  /** What its model sees was given from outside. */
  contextChanged(): void {
    this.core.toolCalls.adopt(this.agent["~"].chatCtx);
    this.instructionsChanged();
  }

  /** It comes next: what others have of its toolsets must not end. */
  keepToolsets(): void {
    for (const set of this.toolCtx.toolsets) keepToolset(set, this);
  }

  /** Sets up what its tools need. A promise when there is something to wait for; it never rejects. */
  openToolsets(): Promise<void> | undefined {
    const { core } = this;
    for (const set of toolContext(core.options.tools ?? []).toolsets) keepToolset(set, core);
    return this.#openToolsets(this.toolCtx.toolsets);
  }

  /** Gives the agent back, and what was its own. */
  end(): void {
    this.toolAbort.abort(OVER);
    this.enterAbort.abort(OVER);
    this.exitAbort.abort(OVER);
    for (const set of this.#opened.splice(0)) this.#closeToolset(set);
    if (this.agent["~"].activity === this) this.agent["~"].activity = undefined;
  }

  /** Puts the agent's instructions first in its context, in place of what stood there. */
  instructionsChanged(): void {
    const { chatCtx } = this.agent["~"];
    const old = chatCtx.getById(INSTRUCTIONS_MESSAGE_ID);
    const message = chatMessage({
      id: INSTRUCTIONS_MESSAGE_ID,
      createdAt: old?.createdAt ?? this.core.wall(),
      role: "system",
      content: [this.agent.instructions],
    });
    if (old === undefined) chatCtx.insertAt(0, message);
    else chatCtx.upsert(message);
  }

  /** The tools of the agent, of the session, or of a toolset are others now: they count from the next request on. */
  toolsChanged(): void {
    const before = this.toolCtx;
    this.toolCtx = this.#allTools();
    const is = this.toolCtx.toolsets;
    for (const set of this.#opened.filter((set) => !is.includes(set))) {
      this.#opened.splice(this.#opened.indexOf(set), 1);
      this.#closeToolset(set);
    }
    void this.#openToolsets(is.filter((set) => !this.#opened.includes(set)));
    const toolsAdded = namesBeside(this.toolCtx, before);
    const toolsRemoved = namesBeside(before, this.toolCtx);
    if (toolsAdded.length === 0 && toolsRemoved.length === 0) return;
    const update = this.core.items.agentConfigUpdate({ toolsAdded, toolsRemoved });
    this.agent["~"].chatCtx.append(update);
    this.core.history.insert(update);
  }

  #openToolsets(sets: readonly Toolset[]): Promise<void> | undefined {
    const settingUp: Promise<void>[] = [];
    for (const set of sets) {
      this.#opened.push(set);
      const opening = openToolset(set, this, () => this.core.inbox.call(() => this.#toolsetChanged()));
      const told = opening.catch((error: unknown) => this.core.hookFailed("toolset.setup", error));
      if (set.setup !== undefined) settingUp.push(told);
    }
    return settingUp.length === 0 ? undefined : Promise.all(settingUp).then(() => {});
  }

  #closeToolset(set: Toolset): void {
    closeToolset(set, this).catch((error: unknown) => this.core.hookFailed("toolset.aclose", error));
  }

  /** A toolset holds other tools. What does not go together is told, and changes nothing. */
  #toolsetChanged(): void {
    if (this.core.activity !== this) return;
    try {
      this.toolsChanged();
    } catch (error) {
      this.core.hookFailed("toolset.updateTools", error);
    }
  }

  #allTools(): ToolContext {
    const { core, agent } = this;
    const own = toolContext([...(core.options.tools ?? []), ...agent.tools]);
    for (const { flags } of own.functionTools.values()) {
      if (flags.cancellable !== true) continue;
      const functionTools = new Map(own.functionTools);
      for (const tool of core.toolCalls.cancellation) functionTools.set(tool.name, tool);
      return { ...own, functionTools };
    }
    return own;
  }

  /** The context with the instructions as they read in this modality. */
  rendered(chatCtx: ChatContext, modality: "audio" | "text"): ChatContext {
    const first = chatCtx.getById(INSTRUCTIONS_MESSAGE_ID);
    if (first?.type !== "message" || typeof first.content[0] === "string") return chatCtx;
    const text = renderInstructions(first.content[0] as Instructions, modality);
    chatCtx.upsert(chatMessage({ id: first.id, createdAt: first.createdAt, role: "system", content: [text] }));
    return chatCtx;
  }

  /** Asks the model for a speech. A node that hands on the context it was given is measured as that speech, too. */
  askLlm(request: LlmRequest, speechId: string): LlmOutput | Promise<LlmOutput> {
    const settings: ModelSettings = request.toolChoice === undefined ? {} : { toolChoice: request.toolChoice };
    if (this.agent.llmNode === Agent.prototype.llmNode) {
      return this.#chat(request.chatCtx, request.toolCtx, settings, request.signal, speechId);
    }
    this.#speechOf.set(request.chatCtx, speechId);
    return this.agent.llmNode(request.chatCtx, request.toolCtx, settings) as LlmOutput | Promise<LlmOutput>;
  }

  defaultLlmNode(chatCtx: ChatContext, toolCtx: ToolContext, settings: ModelSettings): ReadableStream<ChatChunk> {
    return this.#chat(chatCtx, toolCtx, settings, undefined, this.#speechOf.get(chatCtx));
  }

  /** Null where there is no voice and no node in its place. */
  get speakTts(): SpeakTts | null {
    if (this.agent.ttsNode !== Agent.prototype.ttsNode) {
      return (text) => this.agent.ttsNode(this.core.transformText(text), {}) as TtsOutput | Promise<TtsOutput>;
    }
    if (this.resolved.tts === null) return null;
    return (text, signal, speechId) => this.#synthesise(this.core.transformText(text), signal, speechId);
  }

  async *defaultTtsNode(text: ReadableStream<string>): AsyncGenerator<AudioFrame> {
    const controller = new AbortController();
    try {
      for await (const audio of this.#synthesise(text, controller.signal, undefined)) yield audio.frame;
    } finally {
      controller.abort();
    }
  }

  /** Its voice tells when each word is heard, and that is wanted. A voice that does not stream is adapted, and tells it then. */
  get usesTimedWords(): boolean {
    const { tts, alignedTranscript } = this.resolved;
    return alignedTranscript && tts !== null &&
      (tts.capabilities.alignedTranscript === true || !tts.capabilities.streaming);
  }

  get transcribe():
    | ((text: ReadableStream<string | TimedString>) => Promise<AsyncIterable<string | TimedString> | null>)
    | null {
    if (this.agent.transcriptionNode === Agent.prototype.transcriptionNode) return null;
    return async (text: ReadableStream<string | TimedString>) =>
      (await this.agent.transcriptionNode(text, {})) as AsyncIterable<string | TimedString> | null;
  }

  defaultSttNode(audio: ReadableStream<AudioInputPart>): ReadableStream<SpeechEvent> {
    const { stt, vad } = this.resolved;
    if (stt === null) return audio.pipeThrough(new TransformStream<AudioInputPart, SpeechEvent>({ transform() {} }));
    let streaming = stt;
    const keyterms = this.core.keyterms.effective;
    if (!stt.capabilities.streaming) {
      if (vad === null) {
        throw new AgentError(
          "model.no_capability",
          `Cannot recognise speech as a recogniser that does not stream needs a \`vad\`: current value is ${stt.model} without`,
        );
      }
      streaming = sttStreamAdapter(stt, vad, { clock: this.core.clock });
    }
    return audio.pipeThrough(sttAttempt(streaming, {
      clock: this.core.clock,
      connOptions: this.core.connect.sttConnOptions,
      report: this.core.report(stt),
      requestId: () => this.core.newId("req"),
      closing: this.core.closing.signal,
      options: keyterms.length > 0 && stt.capabilities.keyterms === true ? { keyterms } : {},
    }));
  }

  #chat(
    chatCtx: ChatContext,
    toolCtx: ToolContext,
    settings: ModelSettings,
    signal: AbortSignal | undefined,
    speechId: string | undefined,
  ): ReadableStream<ChatChunk> {
    const { llm } = this.resolved;
    if (llm === null) {
      throw new AgentError("session.no_llm", "Cannot make a reply as there is no `llm`: current value is null");
    }
    return llmAttempt(llm, { chatCtx, toolCtx, ...settings, ...(signal && { signal }) }, {
      clock: this.core.clock,
      connOptions: this.core.connect.llmConnOptions,
      report: this.core.telemetry.request("llm", llm, this.core.report(llm)),
      requestId: () => this.core.newId("req"),
      closing: this.core.closing.signal,
      ...(speechId !== undefined && { speechId }),
    });
  }

  #synthesise(
    text: ReadableStream<string>,
    signal: AbortSignal,
    speechId: string | undefined,
  ): ReadableStream<SynthesizedAudio> {
    const { tts } = this.resolved;
    if (tts === null) {
      throw new AgentError("session.no_tts", "Cannot speak as there is no `tts`: current value is null");
    }
    const streaming = tts.capabilities.streaming ? tts : ttsStreamAdapter(tts);
    return text.pipeThrough(ttsAttempt(streaming, {
      clock: this.core.clock,
      connOptions: this.core.connect.ttsConnOptions,
      report: this.core.telemetry.request("tts", tts, this.core.report(tts)),
      requestId: () => this.core.newId("req"),
      closing: this.core.closing.signal,
      signal,
      ...(speechId !== undefined && { speechId }),
    }));
  }
}

/** Names of tools that are in one and not in the other. */
function namesBeside(these: ToolContext, those: ToolContext): string[] {
  return [...these.functionTools.keys()].filter((name) => !those.functionTools.has(name));
}
