/**
 * What both sides say, as text streams of the room.
 *
 * @module
 */
import type { Clock } from "../../src/base/runtime.ts";
import type { TranscriptSink } from "../../src/io/playout.ts";
import type { TimedString } from "../../src/model/marks.ts";
import type { RtcLocalParticipant, RtcRoom, RtcTextWriter } from "./rtc.ts";

/** The topic of transcripts. */
export const TRANSCRIPTION_TOPIC = "lk.transcription";
const FINAL = "lk.transcription_final";
const SEGMENT_ID = "lk.segment_id";
const TRACK_ID = "lk.transcribed_track_id";

/** How long the room may take for a piece before the segment is given up: words are no reason to hold up a voice. Chosen. */
const WRITE_LIMIT_MS = 2_000;
/** Updates that wait for the room before the oldest is dropped. Chosen: interim results replace each other, so that few ever wait. */
const WAITING_UPDATES = 32;

/** What transcripts need. */
export interface TranscriptionOptions {
  readonly room: RtcRoom;
  readonly clock: Clock;
  /** Makes an id with this prefix. */
  readonly newId: (prefix: string) => string;
  readonly warn: (message: string, fields: Readonly<Record<string, unknown>>) => void;
}

/** Rejects when the room takes too long. */
async function within<T>(clock: Clock, work: Promise<T>): Promise<T> {
  let off = (): void => {};
  const limit = new Promise<never>((_, reject) => {
    off = clock.schedule(
      clock.now() + WRITE_LIMIT_MS,
      () => reject(new Error(`the room took no text for ${WRITE_LIMIT_MS} ms`)),
    );
  });
  try {
    return await Promise.race([work, limit]);
  } finally {
    off();
    work.catch(() => {}); // when it fails behind the limit, nobody minds
  }
}

/**
 * Ends a text with attributes on its last packet, which the room carries and the package has no argument for: it makes the
 * request in `close`, before that returns, and there they are put in. A package of another make ends the text without them.
 */
function closeWith(
  local: RtcLocalParticipant,
  writer: RtcTextWriter,
  attributes: Record<string, string>,
): Promise<void> {
  const inner = local as { textStreamWriterClose?: (request: { attributes?: unknown }) => Promise<void> };
  const send = inner.textStreamWriterClose;
  if (typeof send !== "function") return writer.close();
  inner.textStreamWriterClose = (request) => {
    request.attributes = attributes;
    return send(request);
  };
  try {
    return writer.close();
  } finally {
    inner.textStreamWriterClose = send;
  }
}

/** The agent's words: one stream for each segment, which grows. */
export interface AgentTranscript extends TranscriptSink {
  /** Ends what is open. */
  close(): Promise<void>;
}

/** Makes the sink of the agent's words. `trackSid` is asked when a segment begins. A room that fails never fails a speech. */
export function agentTranscript(
  o: TranscriptionOptions & { readonly trackSid: () => string | undefined; readonly jsonFormat: boolean },
): AgentTranscript {
  const open = new Set<() => Promise<void>>();

  const begin = async (): Promise<
    { readonly local: RtcLocalParticipant; readonly writer: RtcTextWriter } | undefined
  > => {
    const local = o.room.localParticipant;
    if (!o.room.isConnected || local === undefined) return undefined;
    const trackSid = o.trackSid();
    const writer = await within(
      o.clock,
      local.streamText({
        topic: TRANSCRIPTION_TOPIC,
        senderIdentity: local.identity,
        attributes: {
          [FINAL]: "false",
          [SEGMENT_ID]: o.newId("SG"),
          ...(trackSid !== undefined && { [TRACK_ID]: trackSid }),
        },
      }),
    );
    return { local, writer };
  };

  return {
    open() {
      let begun: ReturnType<typeof begin> | undefined;
      let isGivenUp = false;
      let finishing: Promise<void> | undefined;
      const attempt = async (work: () => Promise<void>): Promise<void> => {
        if (isGivenUp) return;
        try {
          await work();
        } catch (error) {
          isGivenUp = true;
          if (o.room.isConnected) o.warn("the agent's words could not be shown in the room", { error });
        }
      };
      const end = (): Promise<void> => {
        open.delete(end);
        return finishing ??= attempt(async () => {
          const to = await begun;
          if (to !== undefined) await within(o.clock, closeWith(to.local, to.writer, { [FINAL]: "true" }));
        });
      };
      return new WritableStream<TimedString>({
        async write(part) {
          if (part.text === "") return;
          open.add(end);
          await attempt(async () => {
            const to = await (begun ??= begin());
            await (to && within(o.clock, to.writer.write(o.jsonFormat ? jsonOf(part) : part.text)));
          });
        },
        close: end,
        abort: end,
      });
    },
    async close() {
      await Promise.all([...open].map((end) => end()));
    },
  };
}

/** A word with its times as the room's clients read it: seconds, and what is unknown left out. */
function jsonOf({ text, startMs, endMs }: TimedString): string {
  return `${
    JSON.stringify({
      text,
      ...(startMs !== undefined && { start_time: startMs / 1000 }),
      ...(endMs !== undefined && { end_time: endMs / 1000 }),
    })
  }\n`;
}

/** The caller's words: each update is a stream of its own that replaces those before it, under one segment id. */
export interface UserTranscript {
  /** Whose words they are from now on. What is open ends under the name of whoever said it. */
  bind(identity: string | null): void;
  /** What was understood so far, or for good. */
  push(text: string, isFinal: boolean): void;
  /** Sends what waits, and no more. */
  close(): Promise<void>;
}

interface Update {
  readonly identity: string;
  readonly trackSid: string | undefined;
  readonly segmentId: string;
  readonly text: string;
  readonly isFinal: boolean;
}

/** Makes the row of the caller's words, sent one after the other. */
export function userTranscript(
  o: TranscriptionOptions & { readonly trackSid: () => string | undefined },
): UserTranscript {
  const waiting: Update[] = [];
  let identity: string | null = null;
  let segment: Update | undefined; // the last update of a segment that is not final
  let sending: Promise<void> | undefined;
  let isClosed = false;

  const send = async ({ identity, trackSid, segmentId, text, isFinal }: Update): Promise<void> => {
    const local = o.room.localParticipant;
    if (!o.room.isConnected || local === undefined) return;
    const attributes = {
      [FINAL]: String(isFinal),
      [SEGMENT_ID]: segmentId,
      ...(trackSid !== undefined && { [TRACK_ID]: trackSid }),
    };
    await within(
      o.clock,
      (async () => {
        const writer = await local.streamText({ topic: TRANSCRIPTION_TOPIC, senderIdentity: identity, attributes });
        await writer.write(text);
        await writer.close();
      })(),
    );
  };

  const sendAll = async (): Promise<void> => {
    for (let update = waiting.shift(); update !== undefined; update = waiting.shift()) {
      await send(update).catch((error: unknown) => {
        if (o.room.isConnected) o.warn("the caller's words could not be shown in the room", { error });
      });
    }
    sending = undefined;
  };

  const put = (update: Update): void => {
    const last = waiting.at(-1);
    if (last?.segmentId === update.segmentId) waiting.pop(); // overtaken before it was sent
    waiting.push(update);
    if (waiting.length > WAITING_UPDATES) waiting.shift();
    segment = update.isFinal ? undefined : update;
    sending ??= sendAll();
  };

  return {
    bind(next) {
      if (next === identity) return;
      if (segment !== undefined) put({ ...segment, isFinal: true });
      identity = next;
    },
    push(text, isFinal) {
      if (isClosed || identity === null || text === "") return;
      put({ identity, trackSid: o.trackSid(), segmentId: segment?.segmentId ?? o.newId("SG"), text, isFinal });
    },
    async close() {
      isClosed = true;
      await sending;
    },
  };
}
