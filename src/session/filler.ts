/**
 * Something to say while a tool takes its time.
 *
 * @module
 */
import { AgentError } from "../base/error.ts";
import type { RunContext } from "../tool/context.ts";
import { callOf } from "./run_context.ts";
import type { SpeechHandle } from "./speech_handle.ts";

/** What is said: a text, or what a function makes for the number of fillers so far. Nothing skips this one. */
export type FillerSource = string | ((step: number) => string | SpeechHandle | null | undefined | void);

/** When fillers come. Durations are milliseconds. */
export interface FillerOptions {
  /** How long nobody must have spoken, and the tool told nothing, before a filler. Default 0. */
  readonly delay?: number;
  /** Pause after each filler before silence is waited for again. Left out: one filler at most. */
  readonly interval?: number;
  /** The most that are said. Default: any number. */
  readonly maxSteps?: number;
  /** Aborting it ends the fillers, not the work. */
  readonly signal?: AbortSignal;
}

/**
 * Does a part of a tool's work, and has the agent say something while it takes its time: as soon as nobody has spoken for
 * `delay`. Fillers end with the work, with the interruption of the speech that the tool was called in, and with the call. What
 * is being said then is said to its end.
 *
 * @returns What the work gives; it rejects with what that throws, and with nothing that a filler does.
 * @throws {AgentError} `session.bad_option` for a number below 0.
 *
 * @example
 * ```ts
 * execute: ({ query }, { ctx }) => filler(ctx, "Let me look.", { delay: 1_500 }, () => search(query)),
 * ```
 */
export async function filler<T, UserData = unknown>(
  ctx: RunContext<UserData>,
  source: FillerSource,
  options: FillerOptions,
  work: () => T | PromiseLike<T>,
): Promise<T> {
  const { delay = 0, interval, maxSteps = Infinity, signal } = options;
  for (const [name, value] of Object.entries({ delay, interval: interval ?? 0, maxSteps })) {
    if (value >= 0) continue;
    throw new AgentError(
      "session.bad_option",
      `Cannot fill a pause as \`${name}\` must be at least 0: current value is ${value}`,
    );
  }
  const end = start(ctx, source, { delay, interval, maxSteps }, signal);
  try {
    return await work();
  } finally {
    end();
  }
}

/** Begins to wait for silence. Returns what ends it. */
function start(
  ctx: RunContext,
  source: FillerSource,
  o: { readonly delay: number; readonly interval: number | undefined; readonly maxSteps: number },
  signal: AbortSignal | undefined,
): () => void {
  const entry = callOf(ctx);
  if (entry === undefined || o.maxSteps === 0 || signal?.aborted || ctx.signal.aborted) return () => {};
  const { session } = ctx;
  const core = session["~core"];
  const { clock } = core;
  const speech = entry.live.handle["~"];
  let count = 0;
  let off = (): void => {}; // of what is waited for now
  let isDwelling = false;
  let isOver = false;

  const after = (ms: number, go: () => void): void => {
    off();
    off = clock.schedule(clock.now() + ms, go);
  };
  const listen = (): void => {
    isDwelling = false;
    off();
    off = core.idle.when(dwell, end);
  };
  const dwell = (): void => {
    if (o.delay === 0) return say();
    isDwelling = true;
    after(o.delay, () => core.idle.isIdle ? say() : listen());
  };
  const disturbed = (): void => {
    if (isDwelling) listen();
  };
  const say = (): void => {
    isDwelling = false;
    let made: SpeechHandle | undefined;
    try {
      const said = typeof source === "string" ? source : source(count);
      if (said !== null && said !== undefined) made = typeof said === "string" ? session.say(said) : said;
    } catch (error) {
      core.log("error", "a filler failed", { area: "tool", error });
      return end();
    }
    if (made !== undefined) count += 1;
    const pause = o.interval ?? (made === undefined ? o.delay : 0);
    if (count >= o.maxSteps || pause === 0) return end();
    after(pause, listen);
  };
  const offs = [
    session.on("agent_state_changed", ({ newState }) => newState !== "listening" && disturbed()),
    session.on("user_state_changed", ({ newState }) => newState === "speaking" && disturbed()),
  ];
  const end = (): void => {
    if (isOver) return;
    isOver = true;
    off();
    for (const one of offs) one();
    entry.onUpdate.delete(disturbed);
    speech.onInterrupted.delete(end);
    ctx.signal.removeEventListener("abort", end);
    signal?.removeEventListener("abort", end);
  };
  entry.onUpdate.add(disturbed);
  if (!entry.live.handle.done()) speech.onInterrupted.add(end);
  ctx.signal.addEventListener("abort", end, { once: true });
  signal?.addEventListener("abort", end, { once: true });
  if (entry.live.handle.interrupted) end();
  else listen();
  return end;
}
