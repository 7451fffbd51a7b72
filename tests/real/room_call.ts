/**
 * A call in a room of a real server: `examples/room.ts` answers in a process of its own, on one of the runtimes, with embedded
 * models; a caller with a synthetic voice asks, cuts in, and says goodbye.
 */
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { speakCall } from "../../cli/caller.ts";
import type { LiveKitServer } from "../../scripts/livekit_server.ts";
import { environment, root } from "../../scripts/places.ts";
import type { AudioFrame } from "../../src/audio/frame.ts";
import { type LatencyAccount, latencyReader } from "../../src/trace/latency.ts";
import type { TraceRecord } from "../../src/trace/record.ts";
import { parseTrace } from "../../src/trace/replay.ts";
import { COMMANDS, newFolder, type RuntimeName } from "./held_call.ts";
import { Caller, sleep, type Stretch, type Text, until, wallNow } from "./room_caller.ts";

/** What the caller says, in turn. */
export const SAID = {
  question: "Hello. When do you open on Sunday?",
  story: "Thank you. Please tell me about the history of the shop.",
  /** Without a pause in it: what cuts in is half a second of speech. */
  stop: "I am looking for the cooking books.",
  goodbye: "Thank you very much. Goodbye.",
} as const;

/** How long the agent tells its story before it is cut off. Beyond the time in which its own echo would not count. */
const STORY_MS = 4_000;
/** How long nothing more may be heard behind the goodbye. */
const AFTER_MS = 2_500;

/** Something that the caller said and what the agent answered, by the wall clock; and the sound of the answer. */
export interface Exchange {
  readonly said: Stretch;
  readonly answer: Stretch;
  readonly sound: AudioFrame;
}

/** What came of a call. */
export interface RoomCall {
  readonly greeting: Exchange["sound"];
  readonly question: Exchange;
  readonly story: Exchange;
  readonly stop: Exchange;
  readonly goodbye: Exchange;
  /** What was heard behind the goodbye. */
  readonly after: readonly Stretch[];
  readonly texts: readonly Text[];
  readonly states: readonly string[];
  /** How the agent's process ended, and how long after the caller left. */
  readonly code: number | null;
  readonly signal: string | null;
  readonly exitMs: number;
  readonly stdout: string;
  readonly stderr: string;
  readonly records: readonly TraceRecord[];
  /** When the machines ordered something, by the wall clock. */
  ordersAt(type: string): number[];
  /** The latency accounts, by the wall clock. */
  readonly accounts: readonly LatencyAccount[];
}

/** Holds a call. */
export async function holdRoomCall(server: LiveKitServer, on: RuntimeName): Promise<RoomCall> {
  const sounds = Object.fromEntries(
    await Promise.all(
      Object.entries(SAID).map(async (
        [name, text],
      ) => [name, await speakCall([{ at: 0, kind: "say", text }], "kal16")]),
    ),
  ) as Record<keyof typeof SAID, AudioFrame>;
  const room = `call-${on}`;
  const trace = `${newFolder()}/trace.jsonl`;
  const [command, ...args] = [...COMMANDS[on], `${root}examples/room.ts`];
  const child = spawn(command as string, args, {
    cwd: root,
    env: {
      ...environment(),
      LIVEKIT_URL: server.url,
      LIVEKIT_TOKEN: await server.token({ identity: "agent", room, kind: "agent" }),
      REPARTEE_TRACE: trace,
      OPENAI_API_KEY: "",
      OPENAI_BASE_URL: "",
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let stdout = "";
  let stderr = "";
  child.stdout.on("data", (data) => (stdout += data));
  child.stderr.on("data", (data) => (stderr += data));
  const ended = new Promise<void>((resolve) => child.once("close", () => resolve()));
  try {
    await using caller = await Caller.join(server, { room });
    const exchange = async (name: keyof typeof SAID): Promise<Exchange> => {
      const said = await caller.say(sounds[name]);
      const answer = await caller.hearsOut(said.to);
      return { said, answer, sound: caller.sound(answer.from - 200, answer.to + 200) };
    };
    const greeting = await caller.hearsOut(0, 700, 60_000);
    const question = await exchange("question");
    const told = await caller.say(sounds.story);
    const storyAt = await caller.hears(told.to);
    await sleep(STORY_MS);
    const stop = await exchange("stop");
    const heardOf = caller.stretches(storyAt, 300)[0] as Stretch;
    const story = { said: told, answer: heardOf, sound: caller.sound(heardOf.from - 200, heardOf.to + 200) };
    const goodbye = await exchange("goodbye");
    await sleep(AFTER_MS);
    const after = caller.stretches(goodbye.answer.to + 300);
    await until("the last words are read", () => caller.texts.every(({ isOver }) => isOver), 5_000).catch(() => {});
    await caller.leave();
    const leftAt = wallNow();
    await Promise.race([ended, sleep(15_000)]);
    const records = parseTrace(readFileSync(trace, "utf8"));
    const header = records.find((record) => record.kind === "header");
    const offset = header?.kind === "header" ? header.wallOffset : NaN;
    const read = latencyReader();
    return {
      greeting: caller.sound(greeting.from - 200, greeting.to + 200),
      question,
      story,
      stop,
      goodbye,
      after,
      texts: caller.texts,
      states: caller.states,
      code: child.exitCode,
      signal: child.signalCode,
      exitMs: wallNow() - leftAt,
      stdout,
      stderr,
      records,
      ordersAt: (type) =>
        records.flatMap((record) =>
          record.kind === "step"
            ? record.effects.filter((effect) => effect.type === type).map(() => record.t + offset)
            : []
        ),
      accounts: records.flatMap((record) => {
        const account = read(record);
        return account === undefined ? [] : [{ ...account, from: account.from + offset, to: account.to + offset }];
      }),
    };
  } catch (error) {
    throw new Error(`the call failed:\n${stdout}\n${stderr}`, { cause: error });
  } finally {
    if (child.exitCode === null && child.signalCode === null) child.kill("SIGKILL");
    await ended;
  }
}
