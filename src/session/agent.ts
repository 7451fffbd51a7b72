/**
 * Who speaks: instructions, tools and models of their own, hooks, and nodes that can be replaced.
 *
 * @module
 */
import { AgentError } from "../base/error.ts";
import { ChatContext } from "../chat/context.ts";
import type { Instructions } from "../chat/instructions.ts";
import type { ChatMessage } from "../chat/item.ts";
import type { AudioFrame } from "../audio/frame.ts";
import type { ChatChunk, LLM } from "../model/llm.ts";
import type { AudioInputPart, FlushMark, TimedString } from "../model/marks.ts";
import type { SpeechEvent, STT } from "../model/stt.ts";
import type { TTS } from "../model/tts.ts";
import type { VAD } from "../model/vad.ts";
import { AGENT_BRAND } from "../tool/result.ts";
import type { ToolHandlingOptions } from "../tool/templates.ts";
import { toolContext } from "../tool/tool_context.ts";
import type { AnyTool, ToolChoice, ToolContext } from "../tool/tool.ts";
import type { Activity } from "./activity.ts";
import { type AgentFunctions, giveFunctions, splitFunctions } from "./agent_functions.ts";
import type { AgentSession } from "./agent_session.ts";
import type { AgentTask } from "./agent_task.ts";
import { type FlatAgentOptions, unflattenAgent } from "./flat_options.ts";
import { checkAgentOptions, type TurnHandlingOptions } from "./options.ts";

/** What a node may give back: a stream, anything that yields, a promise of one, or null for nothing. */
export type NodeResult<T> =
  | ReadableStream<T>
  | AsyncIterable<T>
  | null
  | Promise<ReadableStream<T> | AsyncIterable<T> | null>;

/** What a node is told beside its input. */
export interface ModelSettings {
  /** Whether a tool may or must be called. Default `"auto"`. */
  readonly toolChoice?: ToolChoice;
}

/** What a hook is given. */
export interface HookContext<UserData = unknown> {
  /** The session, as this hook may use it. */
  readonly session: AgentSession<UserData>;
  /** The program's own data, handed to tools and hooks. */
  readonly userData: UserData;
  /** Aborted when the hook takes too long, or its agent is taken off. */
  readonly signal: AbortSignal;
  /**
   * Has a task take the stage, and waits for what it comes to: in `onEnter` and `onExit`. Time that it takes does not count for
   * the hook.
   *
   * @throws {AgentError} Rejects with the error that the task completed with; `task.cancelled` when it was called off, since
   *   the session closed or another agent took over; `task.already_run`; `task.no_context` in other hooks, and after the hook.
   */
  run<Result>(task: AgentTask<Result>): Promise<Result>;
}

/** A user who talks on and on. Given to `onUserTurnExceeded`; not an event of the session. */
export interface UserTurnExceededEvent {
  /** Its name. */
  readonly type: "user_turn_exceeded";
  /** When it happened, in milliseconds since 1970. */
  readonly createdAt: number;
  /** What was said in this turn and is not answered. */
  readonly transcript: string;
  /** What was said since the agent was last heard, over all turns. */
  readonly accumulatedTranscript: string;
  /** Its words, as they stand between spaces. */
  readonly accumulatedWordCount: number;
  /** Since the first of them began, in milliseconds. */
  readonly duration: number;
  /** Gives the words back to the turn: the hook does not answer them. */
  restore(): void;
}

/** What the model is told when a user is cut in on. */
const CUT_IN =
  "The user has been talking for long without a pause. Cut in politely, in one or two short sentences: answer " +
  "what matters most of what was said, and let the user go on from there. The user cannot interrupt you meanwhile.";

/** How an agent is made. `undefined` takes the session's, `null` means none. */
export interface AgentOptions {
  /** The system prompt. */
  readonly instructions: string | Instructions;
  /** Names the agent in hand-offs; default: its class, in snake case. */
  readonly id?: string;
  /** What it knows from before. Copied. */
  readonly chatCtx?: ChatContext;
  /** What it can call. */
  readonly tools?: readonly AnyTool[];
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
  /** What models read about calls that go on, in place of what the session says. */
  readonly toolHandling?: ToolHandlingOptions;
  /** Least pause between two speeches, in milliseconds. */
  readonly minConsecutiveSpeechDelay?: number;
  /** Captions follow the times that the voice gives with its sound, where it gives them. Default true. */
  readonly useTtsAlignedTranscript?: boolean;
}

/** Other models for an agent. What is left out stays, `undefined` takes the session's, `null` means none. */
export type AgentModels = { readonly [Kind in "stt" | "vad" | "llm" | "tts"]?: AgentOptions[Kind] | undefined };

/** What only the session may change. */
interface AgentInner {
  chatCtx: ChatContext;
  instructions: string | Instructions;
  tools: readonly AnyTool[];
  activity: Activity | undefined;
  options: AgentOptions;
  /** Options that were given by their old names, for the log of the session. */
  readonly moved: readonly string[];
}

/**
 * An agent: what it is told, what it can do, and how it behaves. Extend it to give it hooks and nodes.
 *
 * @example
 * ```ts
 * class Host extends Agent {
 *   constructor() {
 *     super({ instructions: "You take bookings for a small restaurant." });
 *   }
 *   override async onEnter({ session }: HookContext) {
 *     session.say("Good evening! A table for tonight?");
 *   }
 * }
 * ```
 */
export class Agent<UserData = unknown> {
  /** @ignore */
  readonly "~": AgentInner;
  /** Names the agent in hand-offs. */
  readonly id: string;

  /**
   * Makes an agent. It can be used in one session at a time.
   *
   * @throws {AgentError} `session.bad_option` for a `turnHandling` option that does not exist or does not fit.
   */
  constructor(given: AgentOptions & FlatAgentOptions) {
    const { options, moved } = unflattenAgent<AgentOptions>(given);
    checkAgentOptions(options);
    this.id = options.id ?? (new.target === Agent ? "default_agent" : snakeCase(new.target.name));
    Object.defineProperty(this, AGENT_BRAND, { value: true }); // tools hand over by returning an agent
    this["~"] = {
      chatCtx: options.chatCtx === undefined ? new ChatContext() : options.chatCtx.copy(),
      instructions: options.instructions,
      tools: [...(options.tools ?? [])],
      activity: undefined,
      options,
      moved,
    };
  }

  /**
   * Makes an agent from functions, where a class is too much. Each function is given the agent first, and then what the method of
   * its name is given.
   *
   * @throws {AgentError} `session.bad_option` for an option that does not exist or does not fit.
   *
   * @example
   * ```ts
   * const host = Agent.create({
   *   instructions: "You take bookings for a small restaurant.",
   *   onEnter: (agent) => void agent.session.say("Good evening! A table for tonight?"),
   * });
   * ```
   */
  static create<UserData = unknown>(given: AgentOptions & AgentFunctions<Agent<UserData>, UserData>): Agent<UserData> {
    const { options, functions } = splitFunctions(given);
    return giveFunctions(new Agent<UserData>(options), functions);
  }

  /** The system prompt. */
  get instructions(): string | Instructions {
    return this["~"].instructions;
  }

  /** Its own tools. */
  get tools(): readonly AnyTool[] {
    return this["~"].tools;
  }

  /** What its model sees. Read-only: copy it, change the copy, and give it to `updateChatCtx`. */
  get chatCtx(): ChatContext {
    return this["~"].chatCtx.readonly();
  }

  /**
   * The session it is on stage of.
   *
   * @throws {AgentError} `agent.not_running` when it is on none.
   */
  get session(): AgentSession<UserData> {
    return this.#activity("session").session as AgentSession<UserData>;
  }

  /** Its own models and settings, as they were given. */
  get options(): AgentOptions {
    return this["~"].options;
  }

  /** Changes the system prompt, from the next request on. */
  updateInstructions(instructions: string | Instructions): void {
    this["~"].instructions = instructions;
    this["~"].activity?.instructionsChanged();
  }

  /**
   * Changes its tools, from the next request on, even within a turn. Toolsets that are new are set up, those that are gone end.
   *
   * @throws {AgentError} `tool.bad_definition` for something that is no tool, and for two of one name; nothing changes then.
   */
  updateTools(tools: readonly AnyTool[]): void {
    const before = this["~"].tools;
    this["~"].tools = [...tools];
    try {
      if (this["~"].activity === undefined) toolContext(tools);
      else this["~"].activity.toolsChanged();
    } catch (error) {
      this["~"].tools = before;
      throw error;
    }
  }

  /**
   * Gives it other models: what is left out stays, `undefined` takes the session's, `null` means none. On stage they are in use
   * at once, but for a reply that is under way; a new recogniser and a new VAD begin with a stream of their own.
   *
   * @throws {AgentError} `session.bad_option` for something that is no model, or that does not fit beside the others; nothing
   *   changes then.
   *
   * @example A caller who turns out to speak French
   * ```ts
   * agent.updateOptions({ stt: frenchSTT, tts: frenchVoice });
   * ```
   */
  updateOptions(models: AgentModels): void {
    const { stt, vad, llm, tts } = { ...this["~"].options, ...models };
    const options = { ...this["~"].options, stt, vad, llm, tts } as AgentOptions;
    checkAgentOptions(options);
    const { activity } = this["~"];
    if (activity === undefined) this["~"].options = options;
    else activity.core.calls.changeModels(activity, options);
  }

  /** Replaces what its model sees. Copied. */
  updateChatCtx(chatCtx: ChatContext): void {
    this["~"].chatCtx = chatCtx.copy();
    this["~"].activity?.contextChanged();
  }

  /** Runs when the agent takes the stage. It may speak; a failure is logged and stops nothing. */
  onEnter(_ctx: HookContext<UserData>): void | Promise<void> {}

  /** Runs before the agent leaves the stage, once. It may speak; a failure is logged and stops nothing. */
  onExit(_ctx: HookContext<UserData>): void | Promise<void> {}

  /**
   * Runs when the user has ended a turn, before the reply. `turnCtx` is a copy that this reply alone is made from, without
   * the message; `newMessage.content` may be replaced.
   *
   * Throw `StopResponse` to have no reply and to store nothing. Any other failure, and taking longer than 30,000 ms, stores
   * the message without a reply.
   */
  onUserTurnCompleted(
    _turnCtx: ChatContext,
    _newMessage: MutableMessage,
    _ctx: HookContext<UserData>,
  ): void | Promise<void> {}

  /**
   * Runs when the user has talked past `turnHandling.userTurnLimit` while the agent was not heard. By default the agent cuts
   * in: it answers `event.transcript` in a few words, which nobody can interrupt.
   *
   * What the user has said so far belongs to the hook, and is in no later turn. An override that does not answer it calls
   * `event.restore()`; one that fails, or takes longer than 30,000 ms, is told as an error, and a failure restores the words.
   *
   * @example Only note it
   * ```ts
   * class Listener extends Agent {
   *   override async onUserTurnExceeded(event: UserTurnExceededEvent) {
   *     event.restore();
   *   }
   * }
   * ```
   */
  async onUserTurnExceeded(event: UserTurnExceededEvent, { session }: HookContext<UserData>): Promise<void> {
    await session.generateReply({
      userInput: event.transcript,
      instructions: CUT_IN,
      allowInterruptions: false,
      toolChoice: "none",
      inputModality: "audio",
    }).waitForPlayout();
  }

  /** Turns sound into transcripts. */
  sttNode(audio: ReadableStream<AudioInputPart>, _settings: ModelSettings): NodeResult<SpeechEvent> {
    return this.#activity("sttNode").defaultSttNode(audio);
  }

  /** Asks the model. May yield chunks, strings and flush marks; null means no reply. */
  llmNode(
    chatCtx: ChatContext,
    toolCtx: ToolContext,
    settings: ModelSettings,
  ): NodeResult<ChatChunk | string | FlushMark> {
    return this.#activity("llmNode").defaultLlmNode(chatCtx, toolCtx, settings);
  }

  /**
   * What the transcript and the history say; null means neither. It does not change what is spoken. With a voice that tells
   * when each word is heard, and unless `useTtsAlignedTranscript` is false, it is given those words with their times, as they
   * are spoken; otherwise the text of the model.
   */
  transcriptionNode(
    text: ReadableStream<string | TimedString>,
    _settings: ModelSettings,
  ): NodeResult<string | TimedString> {
    return text;
  }

  /** Speaks; null means silence. It does not change what the history says. */
  ttsNode(text: ReadableStream<string>, _settings: ModelSettings): NodeResult<AudioFrame> {
    return this.#activity("ttsNode").defaultTtsNode(text);
  }

  #activity(what: string): Activity {
    const { activity } = this["~"];
    if (activity === undefined) {
      throw new AgentError(
        "agent.not_running",
        `Cannot use ${what} as the agent is not on stage: current value is ${this.id}`,
      );
    }
    return activity;
  }
}

/** The user's message, before it is stored. */
export type MutableMessage = { -readonly [K in keyof ChatMessage]: ChatMessage[K] };

/** `HTTPAgent` becomes `http_agent`. */
function snakeCase(name: string): string {
  return name.replace(/([a-z0-9])([A-Z])/g, "$1_$2").replace(/([A-Z]+)([A-Z][a-z])/g, "$1_$2").toLowerCase() || "agent";
}
