/**
 * One turn of the agent, all its tool rounds included, as the program sees it.
 *
 * @module
 */
import { AgentError } from "../base/error.ts";
import type { ChatItem } from "../chat/item.ts";
import type { ReplyPart } from "../reply/part.ts";
import type { TaskOutcome } from "./agent_task.ts";

/** Priorities in the queue of speech: higher first, and in order of arrival among equals. */
export const SPEECH_PRIORITY_LOW = 0;
/** What everything has that does not say otherwise. */
export const SPEECH_PRIORITY_NORMAL = 5;
/** Before all that waits; what is being said is not cut off for it. */
export const SPEECH_PRIORITY_HIGH = 10;

/** What a handle asks of the session that made it. */
export interface SpeechPort {
  interrupt(handle: SpeechHandle, force: boolean): void;
  allowInterruptions(handle: SpeechHandle, value: boolean): void;
  /** The code that calls is a tool of this very turn. */
  isOwnTool(handle: SpeechHandle): boolean;
  /** A callback failed. */
  failed(error: unknown): void;
}

/** How the turn came about. */
export interface InputDetails {
  /** By which of them the user spoke. */
  readonly modality: "text" | "audio";
}

/** A turn that is over: the handle itself, no longer a promise. */
export type SettledSpeech = Omit<SpeechHandle, "then">;

/** Told once, when a speech is done. */
export type DoneCallback = (handle: SpeechHandle) => void;

/** What only the session may change. */
interface SpeechInner {
  readonly port: SpeechPort;
  interrupted: boolean;
  allowInterruptions: boolean;
  /** How many hold it uninterruptible, whatever was asked for. */
  holdCount: number;
  /** What it goes back to when nobody holds it any more. */
  heldValue: boolean;
  /** What a task that was completed in this turn has come to. */
  finalOutput: TaskOutcome | undefined;
  done: boolean;
  scheduled: boolean;
  numSteps: number;
  error: unknown;
  readonly items: ChatItem[];
  readonly onDone: Set<DoneCallback>;
  readonly onInterrupted: Set<() => void>;
  parts: Set<(part: ReplyPart) => void> | undefined;
}

/**
 * One turn of the agent. Made by `say()` and `generateReply()`, and for every reply to the user.
 *
 * `await handle` waits until the turn is over, however it ends, and gives the handle. It never rejects: see
 * {@linkcode SpeechHandle.exception}. After an interruption it is over within 5,000 ms.
 *
 * @example Say something, and know whether it was heard
 * ```ts
 * const handle = session.say("Your table is booked.");
 * await handle;
 * if (handle.interrupted) console.log("cut off");
 * ```
 */
export class SpeechHandle {
  /** @ignore */
  readonly "~": SpeechInner;
  /** Identifies the turn within its session. */
  readonly id: string;
  /** What the speech answers. */
  readonly inputDetails: InputDetails;
  /** Priority in the queue. */
  readonly priority: number;

  /** @ignore */
  constructor(
    id: string,
    port: SpeechPort,
    o: { allowInterruptions: boolean; modality: "text" | "audio"; priority: number },
  ) {
    this.id = id;
    this.inputDetails = { modality: o.modality };
    this.priority = o.priority;
    this["~"] = {
      port,
      interrupted: false,
      allowInterruptions: o.allowInterruptions,
      holdCount: 0,
      heldValue: o.allowInterruptions,
      finalOutput: undefined,
      done: false,
      scheduled: false,
      numSteps: 1,
      error: undefined,
      items: [],
      onDone: new Set(),
      onInterrupted: new Set(),
      parts: undefined,
    };
  }

  /** It was put in the queue. */
  get scheduled(): boolean {
    return this["~"].scheduled;
  }

  /** It was cut off, or is about to be. Stays true. */
  get interrupted(): boolean {
    return this["~"].interrupted;
  }

  /** How many times a model was asked; 1 until tools want another reply. */
  get numSteps(): number {
    return this["~"].numSteps;
  }

  /** What this turn added to the history so far, in order. */
  get chatItems(): readonly ChatItem[] {
    return this["~"].items;
  }

  /**
   * Whether the user may cut in. May be changed while it is under way.
   *
   * @throws {AgentError} `speech.already_interrupted` when set to false after an interruption.
   */
  get allowInterruptions(): boolean {
    return this["~"].allowInterruptions;
  }
  set allowInterruptions(value: boolean) {
    if (!value && this.interrupted) {
      throw new AgentError(
        "speech.already_interrupted",
        `Cannot protect a speech as it is interrupted already: current value is ${this.id}`,
      );
    }
    if (this["~"].holdCount > 0) this["~"].heldValue = value; // it holds when the task is over
    else setAllowInterruptions(this, value);
  }

  /** All of it is over. */
  done(): boolean {
    return this["~"].done;
  }

  /**
   * Cuts the turn off. Does nothing to one that is over or cut off already.
   *
   * @throws {AgentError} `speech.not_interruptible` when it does not allow it, unless `force`.
   */
  interrupt({ force = false }: { readonly force?: boolean } = {}): this {
    const inner = this["~"];
    if (inner.interrupted || inner.done) return this;
    if (!inner.allowInterruptions && !force) {
      throw new AgentError(
        "speech.not_interruptible",
        `Cannot interrupt a speech as it does not allow interruptions: current value is ${this.id}`,
      );
    }
    inner.port.interrupt(this, force);
    return this;
  }

  /**
   * Waits until the turn is over. Never rejects. Inside a tool of this very turn use `ctx.waitForPlayout()`: the handle
   * that a tool is given refuses, since the turn waits for the tool.
   *
   * @throws {AgentError} `speech.circular_wait` there, and for every handle of the turn where the place has ambient storage.
   */
  waitForPlayout(): Promise<void> {
    if (this["~"].done) return Promise.resolve();
    if (this["~"].port.isOwnTool(this)) throw circularWait(this.id);
    return new Promise((resolve) => this["~"].onDone.add(() => resolve()));
  }

  /** What failed the turn, or undefined. Meaningful once it is over. */
  exception(): unknown {
    return this["~"].error;
  }

  /** Calls back when the turn is over; for one that is over already, soon. Returns the handle. */
  addDoneCallback(callback: DoneCallback): this {
    if (this["~"].done) queueMicrotask(() => callBack(this, callback));
    else this["~"].onDone.add(callback);
    return this;
  }

  /** Takes a callback back. */
  removeDoneCallback(callback: DoneCallback): this {
    this["~"].onDone.delete(callback);
    return this;
  }

  /** Waits for all of the promises, however they end, but no longer than until the turn is cut off. */
  async waitIfNotInterrupted(promises: readonly PromiseLike<unknown>[]): Promise<void> {
    const inner = this["~"];
    if (inner.interrupted) return;
    let stop = (): void => {};
    const cut = new Promise<void>((resolve) => inner.onInterrupted.add(stop = resolve));
    await Promise.race([Promise.allSettled(promises), cut]);
    inner.onInterrupted.delete(stop);
  }

  /**
   * The turn as a stream of parts: text, reasoning, tool calls and results, hand-offs, the agent's state, usage, errors, and
   * its end. Starts with what comes after the call; holds at most 4,096 parts for a slow reader, then drops the oldest.
   * Cancelling it does not cut the turn off.
   */
  parts(): ReadableStream<ReplyPart> {
    const inner = this["~"];
    const held: ReplyPart[] = [];
    let wake = (): void => {};
    let over = false;
    const listener = (part: ReplyPart): void => {
      if (held.push(part) > 4_096) held.shift();
      if (part.type === "end") over = true;
      wake();
    };
    if (inner.done) listener(endPart(this));
    else (inner.parts ??= new Set()).add(listener);
    return new ReadableStream<ReplyPart>({
      async pull(controller) {
        if (held.length === 0 && !over) await new Promise<void>((resolve) => (wake = resolve));
        if (held.length > 0) controller.enqueue(held.shift() as ReplyPart);
        if (held.length === 0 && over) controller.close();
      },
      cancel: () => void inner.parts?.delete(listener),
    }, { highWaterMark: 0 });
  }

  /** Makes `await handle` work. It gives the handle itself, in a form that is no promise, so that it is not awaited again. */
  then<A = SettledSpeech, B = never>(
    onFulfilled?: ((handle: SettledSpeech) => A | PromiseLike<A>) | null,
    onRejected?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    const settled: SettledSpeech = Object.create(this, { then: { value: undefined } });
    return this.waitForPlayout().then(() => settled).then(onFulfilled, onRejected);
  }
}

/** A tool would wait for its own turn, which waits for the tool. */
export function circularWait(handleId: string, toolName = "its own tool"): AgentError {
  return new AgentError(
    "speech.circular_wait",
    `Cannot wait for a speech as it waits for this tool itself: current value is ${handleId} in ${toolName}. Use \`ctx.waitForPlayout()\``,
  );
}

/** The last part of a turn. */
export function endPart(handle: SpeechHandle): ReplyPart {
  return { type: "end", interrupted: handle.interrupted, error: handle.exception() };
}

function setAllowInterruptions(handle: SpeechHandle, value: boolean): void {
  const inner = handle["~"];
  if (value === inner.allowInterruptions) return;
  inner.allowInterruptions = value;
  inner.port.allowInterruptions(handle, value);
}

/** Nobody may cut the turn off until all who hold it have let go. */
export function holdInterruptions(handle: SpeechHandle): void {
  const inner = handle["~"];
  if (inner.holdCount++ > 0) return;
  inner.heldValue = inner.allowInterruptions;
  setAllowInterruptions(handle, false);
}

/** Lets go. The last one brings back what was before, unless the turn was cut off by force. */
export function releaseInterruptions(handle: SpeechHandle): void {
  const inner = handle["~"];
  if (--inner.holdCount === 0 && !inner.interrupted) setAllowInterruptions(handle, inner.heldValue);
}

/** Marks a turn cut off. True the first time. */
export function markInterrupted(handle: SpeechHandle): boolean {
  const inner = handle["~"];
  if (inner.interrupted || inner.done) return false;
  inner.interrupted = true;
  for (const wake of [...inner.onInterrupted]) wake();
  inner.onInterrupted.clear();
  return true;
}

/** Marks a turn over, and tells whoever waits. */
export function markDone(handle: SpeechHandle): void {
  const inner = handle["~"];
  if (inner.done) return;
  inner.done = true;
  emitPart(handle, endPart(handle));
  inner.parts = undefined;
  for (const callback of [...inner.onDone]) callBack(handle, callback);
  inner.onDone.clear();
}

/** Calls back. What fails, now or later, is told and contained. */
function callBack(handle: SpeechHandle, callback: (handle: SpeechHandle) => unknown): void {
  const { port } = handle["~"];
  try {
    const result = callback(handle);
    if (result instanceof Promise) result.catch((error: unknown) => port.failed(error));
  } catch (error) {
    port.failed(error);
  }
}

/** Gives a part to the readers of a turn. */
export function emitPart(handle: SpeechHandle, part: ReplyPart): void {
  const { parts } = handle["~"];
  if (parts !== undefined) { for (const listener of parts) listener(part); }
}
