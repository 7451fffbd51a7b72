/**
 * Tells the recogniser what to listen for, and has a model pick further words from the conversation.
 *
 * @module
 */
import { ChatContext } from "../chat/context.ts";
import type { ChatMessage } from "../chat/item.ts";
import { chatMessage } from "../chat/make.ts";
import { llmAttempt } from "../model/attempt.ts";
import type { LLM } from "../model/llm.ts";
import { tool } from "../tool/define.ts";
import { toolContext } from "../tool/tool_context.ts";
import {
  applyKeytermPass,
  createKeyterms,
  effectiveKeyterms,
  type KeytermPass,
  type KeytermState,
  parseKeytermPass,
  sameKeyterms,
  withFixedKeyterms,
} from "../turn/keyterms.ts";
import type { Activity } from "./activity.ts";
import type { SessionCore } from "./core.ts";
import { RANK } from "./inbox.ts";

/** How a model picks words from the conversation that the recogniser should listen for. */
export interface KeytermDetectionOptions {
  /** Default false. */
  readonly enabled?: boolean;
  /** The model that is asked. The agent's own is not used. */
  readonly llm?: LLM;
  /** It is asked after each so many messages of the user. Default 1. */
  readonly turnInterval?: number;
  /** How many words it may have picked; the oldest go first. Default: any number. */
  readonly maxKeyterms?: number | null;
  /** In place of our own prompt. */
  readonly instructions?: string;
  /** A pass that takes longer is dropped, in milliseconds. Default 10,000. */
  readonly timeout?: number;
}

/** What the recogniser is told beside the sound. */
export interface KeytermsOptions {
  /** Words to listen for, such as names. Never changed by detection. */
  readonly keyterms?: readonly string[];
  /** Finds more of them in the conversation. */
  readonly keytermDetection?: KeytermDetectionOptions;
  /** Messages are told to a recogniser whose `capabilities.chatContext` wants them. Default true. */
  readonly forwardChatContext?: boolean;
}

/** How much of the conversation a pass sees. Specified: 02 section 23. */
const MAX_MESSAGES = 12;

const INSTRUCTIONS =
  `You keep the list of words that a speech recogniser is told to listen for in one conversation: names of
people, places, products and companies, codes, and terms of a trade. Call record_keyterms once, with differences only.

- Lines of the user are raw recognition: expect them to be wrong exactly where it matters. Lines of the assistant are written:
  take their spelling.
- Be precise rather than complete. In doubt change nothing.
- "pending": a word that may matter and whose spelling is not settled yet.
- "confirm": a word whose spelling is settled: the user has spelled it out and the assistant took that spelling without doubt;
  or the assistant itself uses it with confidence; or the user corrects a spelling in so many words. That it was repeated, or
  that the assistant hedges ("did you say ...?"), settles nothing.
- "remove": a listed word that a correction of the user has made wrong, and nothing else.
- Leave out ordinary words, words that merely sound like a listed one, and a name joined with a common noun.`;

const RECORD = tool({
  name: "record_keyterms",
  description: "Records what changes in the list of words to listen for.",
  parameters: {
    type: "object",
    properties: Object.fromEntries(
      ["pending", "confirm", "remove"].map((name) => [name, { type: "array", items: { type: "string" } }]),
    ),
    required: ["pending", "confirm", "remove"],
    additionalProperties: false,
  } as const,
  execute: () => null, // never called: its arguments are the answer
});

/** The words of a session, and who picks them. They outlive a hand-off; passes do not. */
export class Keyterms {
  readonly #core: SessionCore;
  readonly #options: KeytermsOptions;
  #state: KeytermState;
  #activity: Activity | undefined;
  #messageCount = 0;
  #pass: AbortController | undefined;
  readonly #warned = new Set<string>();

  constructor(core: SessionCore, options: KeytermsOptions) {
    this.#core = core;
    this.#options = options;
    this.#state = createKeyterms(options.keyterms ?? []);
  }

  /** What a recogniser that opens a stream is told. */
  get effective(): readonly string[] {
    return effectiveKeyterms(this.#state);
  }

  /** Words that wait to be confirmed. */
  get pending(): readonly string[] {
    return this.#state.pending.map(([term]) => term);
  }

  /** The agent hears from now on. */
  bind(activity: Activity): void {
    this.#activity = activity;
    this.#messageCount = 0;
    const { stt } = activity.resolved;
    const wanted = this.effective.length > 0 || this.#isDetecting;
    if (stt !== null && wanted && stt.capabilities.keyterms !== true) this.#warn("keyterms.unsupported");
    if (this.#isDetecting && this.#options.keytermDetection?.llm === undefined) this.#warn("keyterms.no_llm");
  }

  /** The agent leaves: a pass that runs is called off. */
  leave(): void {
    this.#activity = undefined;
    this.#pass?.abort();
    this.#pass = undefined;
  }

  /** Replaces the words of the program. */
  replace(keyterms: readonly string[]): void {
    this.#change(withFixedKeyterms(this.#state, keyterms));
  }

  /** A message went into the history. */
  added(message: ChatMessage): void {
    const text = message.textContent ?? "";
    const stt = this.#activity?.resolved.stt;
    if (text === "" || stt === undefined || stt === null) return;
    if (stt.capabilities.chatContext === true && this.#options.forwardChatContext !== false) {
      this.#core.listening.tellStt({ type: "context", messages: [{ role: message.role, text }] });
    }
    if (message.role !== "user" || !this.#isDetecting || stt.capabilities.keyterms !== true) return;
    this.#messageCount += 1;
    const { llm, turnInterval = 1 } = this.#options.keytermDetection ?? {};
    if (llm === undefined || this.#pass !== undefined || this.#messageCount % Math.max(1, turnInterval) !== 0) return;
    void this.#run(llm);
  }

  get #isDetecting(): boolean {
    return this.#options.keytermDetection?.enabled === true;
  }

  async #run(llm: LLM): Promise<void> {
    const core = this.#core;
    const pass = new AbortController();
    this.#pass = pass;
    const { timeout = 10_000 } = this.#options.keytermDetection ?? {};
    const off = core.clock.schedule(core.clock.now() + timeout, () => pass.abort());
    let found: KeytermPass | null = null;
    try {
      found = await this.#ask(llm, pass.signal);
    } catch (error) {
      if (!pass.signal.aborted) core.log("warn", "keyterms.failed", { area: "stt", error });
    }
    off();
    core.inbox.report(RANK.detector, () => {
      if (this.#pass !== pass) return; // its agent has left
      this.#pass = undefined;
      if (found === null || pass.signal.aborted) return;
      this.#change(applyKeytermPass(this.#state, found, this.#options.keytermDetection?.maxKeyterms ?? null));
    });
  }

  async #ask(llm: LLM, signal: AbortSignal): Promise<KeytermPass | null> {
    const core = this.#core;
    const stream = llmAttempt(llm, {
      chatCtx: this.#prompt(),
      toolCtx: toolContext([RECORD]),
      toolChoice: { type: "function", function: { name: RECORD.name } },
      signal,
    }, {
      clock: core.clock,
      connOptions: core.connect.llmConnOptions,
      // Its usage counts; its failures are logged, and end no conversation.
      report: core.telemetry.request("llm", llm, { error: () => {}, metrics: core.report(llm).metrics }),
      requestId: () => core.newId("req"),
      closing: core.closing.signal,
    });
    let found: KeytermPass | null = null;
    for await (const { delta } of stream) {
      for (const call of delta?.toolCalls ?? []) {
        if (call.name === RECORD.name) found ??= parseKeytermPass(call.args);
      }
    }
    return found;
  }

  /** The rules, the lists, and the last messages. Only what was said and written; no calls, hand-offs and instructions. */
  #prompt(): ChatContext {
    const { confirmed, fixed, pending } = this.#state;
    const lists = { applied: [...fixed, ...confirmed], candidates: pending.map(([term]) => term) };
    const said = this.#core.history.items.filter((item): item is ChatMessage =>
      item.type === "message" && (item.role === "user" || item.role === "assistant") && (item.textContent ?? "") !== ""
    ).slice(-MAX_MESSAGES);
    const lines = said.map(({ role, textContent }) => `${role}: ${textContent}`);
    const make = (role: "system" | "user", content: string): ChatMessage =>
      chatMessage({ id: `keyterms_${role}`, createdAt: this.#core.wall(), role, content: [content] });
    return new ChatContext([
      make("system", this.#options.keytermDetection?.instructions ?? INSTRUCTIONS),
      make("user", `${JSON.stringify(lists)}\n\n${lines.join("\n")}`),
    ]);
  }

  #change(next: KeytermState): void {
    const before = this.#state;
    this.#state = next;
    if (sameKeyterms(before, next)) return;
    const keyterms = this.effective;
    this.#core.note("keyterms", { keyterms });
    if (this.#activity?.resolved.stt?.capabilities.keyterms === true) {
      this.#core.listening.tellStt({ type: "context", keyterms });
    }
  }

  #warn(code: string): void {
    if (this.#warned.has(code)) return;
    this.#warned.add(code);
    this.#core.log("warn", code, { area: "stt" });
  }
}
