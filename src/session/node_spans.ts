/**
 * The spans of the model and the voice of one turn, where somebody records them.
 *
 * @module
 */
import type { LlmOutput, LlmRequest, LlmStep } from "../reply/llm_step.ts";
import type { TtsOutput, TtsStep } from "../reply/tts_step.ts";
import type { SessionTracer } from "../telemetry/spans.ts";
import type { Activity } from "./activity.ts";

/** Calls the nodes of one turn inside their spans. A turn has one model and one voice at work at a time. */
export class NodeSpans {
  readonly #tracer: SessionTracer;
  readonly #speechId: string;
  readonly #activity: Activity;
  #endLlm: ReturnType<SessionTracer["llmNode"]>["end"] = () => {};
  #endTts: ReturnType<SessionTracer["ttsNode"]>["end"] = () => {};

  constructor(tracer: SessionTracer, speechId: string, activity: Activity) {
    this.#tracer = tracer;
    this.#speechId = speechId;
    this.#activity = activity;
  }

  askLlm(request: LlmRequest): LlmOutput | Promise<LlmOutput> {
    const { toolCtx } = request;
    const { result, end } = this.#tracer.llmNode(this.#speechId, {
      model: this.#activity.resolved.llm,
      chatCtx: () => request.chatCtx,
      functionTools: toolCtx.functionTools.keys(),
      providerTools: toolCtx.providerTools.map(({ id }) => id),
      toolsets: toolCtx.toolsets.map(({ id }) => id),
    }, () => this.#activity.askLlm(request, this.#speechId));
    this.#endLlm = end;
    return result;
  }

  /** Null where there is no voice. */
  get speakTts(): ((text: ReadableStream<string>, signal: AbortSignal) => TtsOutput | Promise<TtsOutput>) | null {
    const speak = this.#activity.speakTts;
    if (speak === null) return null;
    return (text, signal) => {
      const { tts } = this.#activity.resolved;
      const { result, end } = this.#tracer.ttsNode(this.#speechId, tts, () => speak(text, signal, this.#speechId));
      this.#endTts = end;
      return result;
    };
  }

  llmOver({ ttft, text, calls, usage, error }: LlmStep): void {
    this.#endLlm({ ttftMs: ttft, text: text.text, calls: calls.all, usage, error });
  }

  ttsOver({ ttfb, error }: TtsStep): void {
    this.#endTts({ ttfbMs: ttfb, error });
  }
}
