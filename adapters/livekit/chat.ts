/**
 * What the caller types.
 *
 * @module
 */
import { AgentError } from "../../src/base/error.ts";
import type { Clock } from "../../src/base/runtime.ts";
import type { AgentSession } from "../../src/session/agent_session.ts";
import type { RtcRoom, RtcTextReader } from "./rtc.ts";

/** The topic of what is typed. */
export const CHAT_TOPIC = "lk.chat";

/** A longer message is no message. Chosen. */
const MAX_CHARACTERS = 64 * 1024;
/** How long a message may take to come in before those behind it are heard. Chosen. */
const READ_LIMIT_MS = 10_000;
/** Messages that wait for those before them. Chosen: nobody types that fast. */
const MAX_WAITING = 32;

/** Something that the caller typed. */
export interface TextInputEvent {
  /** The whole of it. */
  readonly text: string;
  /** Who typed it. */
  readonly participantIdentity: string;
  /** LiveKit's id of the message. */
  readonly streamId: string;
  /** What came with it. */
  readonly attributes: Readonly<Record<string, string>>;
}

/** What to do with something that was typed. */
export type TextInputCallback = (session: AgentSession, event: TextInputEvent) => void | Promise<void>;

/** Cuts the agent off and has it answer: what happens with typed text by default. */
export const answerText: TextInputCallback = async (session, { text }) => {
  await session.interrupt().catch((error: unknown) => {
    // What is being said is protected: the answer waits its turn behind it.
    if (!(error instanceof AgentError && error.code === "speech.not_interruptible")) throw error;
  });
  session.generateReply({ userInput: text, inputModality: "text" });
};

/** What typed text needs. */
export interface ChatOptions {
  readonly session: AgentSession;
  readonly clock: Clock;
  /** Who may type just now. */
  readonly accepts: (identity: string) => boolean;
  readonly callback: TextInputCallback;
  readonly log: (level: "debug" | "warn", message: string, fields?: Readonly<Record<string, unknown>>) => void;
}

/**
 * Takes what is typed, message by message, in the order in which they came. Returns the function that ends it. Where somebody
 * else takes the topic already, it says so and takes nothing.
 */
export function listenToChat(room: RtcRoom, o: ChatOptions): () => void {
  let tail: Promise<void> = Promise.resolve();
  let waitingCount = 0;
  let isOver = false;

  const handle = async (text: Promise<string | undefined>, reader: RtcTextReader, identity: string): Promise<void> => {
    const whole = await text;
    if (isOver || whole === undefined || whole.trim() === "") return;
    const release = o.session["~claimUserTurn"]();
    try {
      await o.callback(o.session, {
        text: whole,
        participantIdentity: identity,
        streamId: reader.info.streamId,
        attributes: reader.info.attributes ?? {},
      });
    } finally {
      release();
    }
  };

  try {
    room.registerTextStreamHandler(CHAT_TOPIC, (reader, { identity }) => {
      if (isOver || !o.accepts(identity) || !room.remoteParticipants.has(identity) || waitingCount >= MAX_WAITING) {
        void discard(reader);
        if (!isOver) o.log("debug", "a typed message is left out", { participant: identity });
        return;
      }
      waitingCount += 1;
      const text = readText(reader, o.clock); // they come in side by side, and are handled in their order
      tail = tail.then(() => handle(text, reader, identity)).catch((error: unknown) => {
        o.log("warn", "a typed message could not be handled", { error });
      }).finally(() => void (waitingCount -= 1));
    });
  } catch (error) {
    o.log("warn", "typed text is not heard, as something else takes it", { topic: CHAT_TOPIC, error });
    return () => {};
  }
  return () => {
    if (!isOver) room.unregisterTextStreamHandler(CHAT_TOPIC);
    isOver = true;
  };
}

async function discard(reader: RtcTextReader): Promise<void> {
  try {
    for await (const _ of reader) break; // leaving the loop lets it go
  } catch {
    // It failed: there is nothing to let go.
  }
}

/** The whole text; undefined when it is too long, takes too long, or breaks off. */
async function readText(reader: RtcTextReader, clock: Clock): Promise<string | undefined> {
  let off = (): void => {};
  const late = new Promise<undefined>((resolve) => {
    off = clock.schedule(clock.now() + READ_LIMIT_MS, () => resolve(undefined));
  });
  const read = async (): Promise<string | undefined> => {
    let text = "";
    for await (const piece of reader) {
      text += piece;
      if (text.length > MAX_CHARACTERS) return undefined;
    }
    return text;
  };
  try {
    return await Promise.race([read(), late]);
  } catch {
    return undefined; // it broke off with its sender
  } finally {
    off();
  }
}
