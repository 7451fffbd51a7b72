/**
 * A place where time moves only when nothing can run, so that a whole conversation takes milliseconds and goes the same
 * way each time. Tests, simulations and replays live here.
 *
 * @module
 */
import { AgentError } from "../../src/base/error.ts";
import { type SeededRandom, seededRandom } from "../../src/base/random.ts";
import type { Clock, Runtime } from "../../src/base/runtime.ts";
import { hostAmbient } from "./ambient.ts";
import { TimerHeap } from "./timer_heap.ts";

/** How to make a {@linkcode VirtualClock}. */
export interface VirtualClockOptions {
  /** Milliseconds since 1970 at `now() === 0`. Default: 2025-01-01T00:00:00Z, so that traces are equal. */
  readonly wallStart?: number;
}

/** How to make a {@linkcode VirtualRuntime}. */
export interface VirtualRuntimeOptions extends VirtualClockOptions {
  /** What all dice come from. Default: 0. */
  readonly seed?: number | string;
  /** Settings that `env` gives. Default: none. */
  readonly env?: Readonly<Record<string, string>>;
}

/**
 * A clock that a test moves. It starts at 0.
 *
 * An *instant* runs until it is quiet: all timers that are due fire as one batch, in order of their time and then of their
 * making; promises and streams get to run, one turn of the event loop that all virtual clocks of the process share; what
 * asked to `gather` is called, in order; and again, until nothing is left to run. Then time jumps to the next timer.
 *
 * Timers that are due at once and gathered drains run by themselves. Time moves only inside `advance`, `runUntil`, `run`
 * and `until`. These may overlap: each ends when time has come as far as it asked.
 */
export interface VirtualClock extends Clock {
  /** How many timers are armed. 0 when nothing is left behind. */
  readonly armed: number;
  /** How many pieces of host work are held. */
  readonly held: number;
  /** Calls `drain` once, in this instant, when nothing else can run. */
  readonly gather: (drain: () => void) => void;
  /**
   * Moves time on, running everything that is due until then, and all that this causes.
   *
   * @throws {AgentError} `clock.bad_time` when it would go back, `clock.stuck` when an instant does not end. What a timer
   * or a drain throws rejects it too, after the others of its batch ran.
   */
  advance(ms: number): Promise<void>;
  /** Moves time to `at`. Like `advance` otherwise. */
  runUntil(at: number): Promise<void>;
  /** Moves time until no timer is armed and no work is held. Does not end while a timer arms itself anew each time. */
  run(): Promise<void>;
  /**
   * Moves time until the promise settles, and gives what it gives.
   *
   * @throws {AgentError} `clock.stuck` when nothing is left that could settle it: no timer, and no work that is held.
   */
  until<T>(work: PromiseLike<T>): Promise<T>;
}

/** A {@linkcode Runtime} whose time a test moves, and whose dice fall the same way each time. */
export interface VirtualRuntime extends Runtime {
  /** Says that nothing here is real. */
  readonly name: "virtual";
  /** The time of the place, which a test moves. */
  readonly clock: VirtualClock;
  /** The dice of the place; parts fork their own from it. */
  readonly random: SeededRandom;
}

/** Somebody who waits for time to come as far as `at`, or for `isDone`. */
interface Request {
  readonly at: number;
  readonly isDone?: () => boolean;
  readonly resolve: () => void;
  readonly reject: (reason: unknown) => void;
}

/** Host work under way: when it began, in virtual time and in the host's. */
interface Hold {
  readonly began: number;
  readonly hostBegan: number;
}

const DEFAULT_WALL_START = 1_735_689_600_000; // 2025-01-01T00:00:00Z; chosen: any fixed day does
const MAX_ROUNDS_PER_INSTANT = 100_000; // chosen: far above any real instant, and still under a second

// Kept at load, so that fake timers of a test cannot stop the world. `setImmediate` is the one macrotask that comes after
// all microtasks on every runtime that has it; a `MessageChannel` is none on Deno and workerd, and `setTimeout` is slow.
const { setImmediate: hostImmediate, setTimeout: hostTimeout } = globalThis as {
  setImmediate?: (run: () => void) => unknown;
  setTimeout: (run: () => void, ms: number) => unknown;
};
const { performance: hostPerformance } = globalThis;
const hostNow = (): number => hostPerformance.now();

let waiting: (() => void)[] = [];
const wakeAll = (): void => {
  const all = waiting;
  waiting = [];
  for (const wake of all) wake();
};

/** One turn of the event loop, shared by all virtual clocks of the process. */
function settle(): Promise<void> {
  return new Promise((wake) => {
    if (waiting.push(wake) > 1) return;
    if (hostImmediate !== undefined) hostImmediate(wakeAll);
    else hostTimeout(wakeAll, 0);
  });
}

/**
 * Makes a clock that a test moves.
 *
 * @example
 * ```ts
 * const clock = virtualClock();
 * clock.schedule(500, () => console.log("half a second"));
 * await clock.advance(499); // silence
 * await clock.advance(1); // half a second
 * ```
 */
export function virtualClock({ wallStart = DEFAULT_WALL_START }: VirtualClockOptions = {}): VirtualClock {
  const heap = new TimerHeap();
  const holds = new Set<Hold>();
  let now = 0;
  let drains: (() => void)[] = [];
  let requests: Request[] = [];
  let isPumping = false;
  let poke = (): void => {}; // wakes the pump while it waits for the host

  const wakePump = (): void => {
    poke();
    if (isPumping) return;
    isPumping = true;
    void pump(); // never rejects: what goes wrong goes to the requests
  };

  const fail = (reason: unknown): void => {
    if (requests.length === 0) void Promise.reject(reason); // unhandled on purpose: a test must not miss it
    for (const { reject } of requests.splice(0)) reject(reason);
  };

  const call = (run: () => void): void => {
    try {
      run();
    } catch (error) {
      fail(error);
    }
  };

  /** Runs what is ready in this instant. False when there was nothing. */
  const runReady = (): boolean => {
    if (drains.length > 0) {
      const batch = drains;
      drains = [];
      batch.forEach(call);
      return true;
    }
    if (heap.next() > now) return false;
    for (const timer of heap.due(now)) {
      const fire = heap.take(timer); // undefined when an earlier one of the batch called it off
      if (fire !== undefined) call(fire);
    }
    return true;
  };

  /** Lets those go on whose time has come. False when there is nobody. */
  const answer = (): boolean => {
    const isAnswered = ({ at, isDone }: Request): boolean => at <= now || isDone?.() === true;
    if (!requests.some(isAnswered)) return false;
    const all = requests;
    requests = [];
    for (const request of all) {
      if (isAnswered(request)) request.resolve();
      else requests.push(request);
    }
    return true;
  };

  /** How far time may go while host work is under way: no further than each piece of it has really taken. */
  const horizon = (): number => {
    let limit = Infinity;
    for (const { began, hostBegan } of holds) limit = Math.min(limit, began + hostNow() - hostBegan);
    return limit;
  };

  const pump = async (): Promise<void> => {
    let rounds = 0;
    for (let isTouched = true;;) {
      if (isTouched) await settle();
      isTouched = runReady();
      if (isTouched) {
        rounds += 1;
        if (rounds < MAX_ROUNDS_PER_INSTANT) continue;
        fail(stuck(`move time past ${now} ms`, `an instant must end within ${MAX_ROUNDS_PER_INSTANT} rounds`, rounds));
        break;
      }
      isTouched = answer(); // who waited for this instant goes on, and may cause more before time moves
      if (isTouched) continue;
      if (requests.length === 0) break;

      let target = heap.next();
      for (const { at } of requests) target = Math.min(target, at);
      if (target <= horizon() && target < Infinity) {
        now = target; // later than `now`, or it would have run or been answered
        rounds = 0;
      } else if (holds.size > 0) {
        await new Promise<void>((go) => (poke = go));
        isTouched = true;
      } else {
        fail(stuck("wait for the promise", "a timer or held work must be left that could settle it", "nothing"));
        break;
      }
    }
    isPumping = false;
  };

  const ask = (at: number, isDone?: () => boolean): Promise<void> =>
    new Promise((resolve, reject) => {
      requests.push({ at, resolve, reject, ...(isDone && { isDone }) });
      wakePump();
    });

  const runUntil = (at: number): Promise<void> => {
    if (!(at >= now && at < Infinity)) {
      throw badTime("move time", `the new time must be finite and at least ${now}`, at);
    }
    return ask(at);
  };

  return {
    now: () => now,
    wallOffset: wallStart,
    get armed() {
      return heap.armed;
    },
    get held() {
      return holds.size;
    },
    schedule(at, fire) {
      if (Number.isNaN(at)) throw badTime("schedule a timer", "its time must be a number", at);
      if (at === Infinity) return () => {}; // never comes, so that nothing is armed
      const timer = heap.add(at, fire);
      if (at <= now) wakePump();
      return () => heap.cancel(timer);
    },
    gather(drain) {
      drains.push(drain);
      wakePump();
    },
    hold<T>(work: Promise<T>): Promise<T> {
      const hold: Hold = { began: now, hostBegan: hostNow() };
      holds.add(hold);
      return new Promise<T>((resolve, reject) => {
        const end = (pass: () => void): void => {
          const tookMs = Math.round((hostNow() - hold.hostBegan) * 1000) / 1000; // whole microseconds read better in traces
          holds.delete(hold);
          heap.add(Math.max(now, hold.began + tookMs), pass);
          wakePump();
        };
        work.then((value) => end(() => resolve(value)), (reason) => end(() => reject(reason)));
      });
    },
    advance: (ms) => runUntil(now + ms),
    runUntil,
    run: () => ask(Infinity, () => heap.armed === 0 && holds.size === 0),
    async until<T>(work: PromiseLike<T>): Promise<T> {
      let isSettled = false;
      const mark = (): void => {
        isSettled = true;
      };
      work.then(mark, mark);
      await ask(Infinity, () => isSettled);
      return work;
    },
  };
}

/**
 * Makes a place for a test: a virtual clock, seeded dice, and nothing of the outside but what `env` says.
 *
 * `secret` gives seeded bytes here, which anybody can guess.
 *
 * @example
 * ```ts
 * const runtime = virtualRuntime({ seed: 7 });
 * const session = new AgentSession({ runtime, llm, tts });
 * await runtime.clock.until(session.start({ agent }));
 * ```
 */
export function virtualRuntime({ seed = 0, env, ...clockOptions }: VirtualRuntimeOptions = {}): VirtualRuntime {
  const random = seededRandom(seed);
  const secrets = random.fork("secret");
  const ambient = hostAmbient();
  return {
    name: "virtual",
    clock: virtualClock(clockOptions),
    random,
    secret: (byteCount) => Uint8Array.from({ length: byteCount }, () => secrets.below(256)),
    env: (name) => env?.[name],
    ...(ambient && { ambient }),
  };
}

function badTime(action: string, rule: string, value: number): AgentError {
  return new AgentError("clock.bad_time", `Cannot ${action} as ${rule}: current value is ${value}`);
}

function stuck(action: string, rule: string, value: unknown): AgentError {
  return new AgentError("clock.stuck", `Cannot ${action} as ${rule}: current value is ${value}`);
}
