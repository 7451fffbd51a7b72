/**
 * The connection of a page to its call: breaks, comes back within the grace, and ends once.
 *
 * @module
 */
import type { HelloMessage, PageMessage, ResumeState, ServerMessage } from "./voice_wire.ts";

/** Where a call is. `reconnecting`: the connection broke, and what is said is kept for up to 5 s. */
export type VoiceStatus = "connecting" | "connected" | "reconnecting" | "ended";

/** Why a call ended: as the server said, or `"lost"` when it could not be reached again, `"refused"` with what the server had against it. */
export interface VoiceEnd {
  /** The reason, in a word. */
  readonly reason: string;
  /** The code of the server's error, when it refused. */
  readonly code?: string;
  /** What it said. */
  readonly message?: string;
}

/** The part of a WebSocket used here. */
export interface LinkSocket {
  binaryType: string;
  readonly readyState: number;
  onopen: ((event: never) => void) | null;
  onmessage: ((event: { readonly data: string | ArrayBuffer }) => void) | null;
  onclose: ((event: never) => void) | null;
  send(data: string | ArrayBuffer): void;
  close(code?: number): void;
}

/** What a link needs. Times are milliseconds. */
export interface LinkOptions {
  readonly open: () => LinkSocket;
  readonly now: () => number;
  /** Calls once, later. Returns what calls it off. */
  readonly later: (ms: number, work: () => void) => () => void;
  readonly sampleRate: () => number;
  /** Where the page stands. */
  readonly resume: () => Omit<ResumeState, "token">;
  /** The server is there, for the first time or again. */
  readonly onWelcome: (welcome: Extract<ServerMessage, { type: "welcome" }>, isFirst: boolean) => void;
  readonly onData: (data: Exclude<ServerMessage, { type: "welcome" | "pong" }> | ArrayBuffer) => void;
  readonly onStatus: (status: VoiceStatus, end?: VoiceEnd) => void;
}

/** A connection that comes back. */
export interface Link {
  readonly status: VoiceStatus;
  /** The last round trip to the server. */
  readonly roundTripMs: number | undefined;
  /** Connects, or tries again at once. */
  connect(): void;
  /** Sends, where there is a connection. Returns whether. */
  send(message: PageMessage | ArrayBuffer): boolean;
  /** Ends the call, once. */
  end(end: VoiceEnd): void;
}

const PING_MS = 2_000; // as the wire says
const LOST_MS = 6_000; // three pings without an answer
const FIRST_RETRY_MS = 250;
const LAST_RETRY_MS = 2_000;
const CONNECTING = 0;
const OPEN = 1;

/** Makes a link, which waits for `connect`. */
export function voiceLink(o: LinkOptions): Link {
  let socket: LinkSocket | undefined;
  let status: VoiceStatus = "connecting";
  let token: string | undefined;
  let graceMs = 0;
  let lostAt: number | undefined;
  let retryMs = FIRST_RETRY_MS;
  let offRetry = (): void => {};
  let offPing = (): void => {};
  let heardAt = 0;
  let ping = { id: 0, at: 0 };
  let roundTripMs: number | undefined;

  const change = (next: VoiceStatus, end?: VoiceEnd): void => {
    if (status === next) return;
    status = next;
    o.onStatus(next, end);
  };

  const send = (message: PageMessage | ArrayBuffer): boolean => {
    if (status !== "connected" || socket?.readyState !== OPEN) return false;
    socket.send(message instanceof ArrayBuffer ? message : JSON.stringify(message));
    return true;
  };

  /** Lets go of the socket, whose closing counts for nothing from then on. */
  const leave = (): void => {
    offPing();
    offRetry();
    const left = socket;
    socket = undefined;
    if (left === undefined) return;
    left.onopen = left.onmessage = left.onclose = null;
    left.close(1000);
  };

  const end = (why: VoiceEnd): void => {
    if (status === "ended") return;
    leave();
    change("ended", why);
  };

  const lose = (): void => {
    leave();
    lostAt ??= o.now();
    if (token === undefined || o.now() - lostAt >= graceMs) return end({ reason: "lost" });
    change("reconnecting");
    offRetry = o.later(retryMs, connect);
    retryMs = Math.min(retryMs * 2, LAST_RETRY_MS);
  };

  const watch = (): void => {
    offPing = o.later(PING_MS, () => {
      if (o.now() - heardAt >= LOST_MS) return lose();
      ping = { id: ping.id + 1, at: o.now() };
      send({ type: "ping", id: ping.id, seen: o.resume().seen });
      watch();
    });
  };

  const hear = (data: string | ArrayBuffer): void => {
    heardAt = o.now();
    if (typeof data !== "string") return o.onData(data);
    const message = JSON.parse(data) as ServerMessage;
    if (message.type === "welcome") {
      const isFirst = token === undefined;
      ({ token, graceMs } = message);
      lostAt = undefined;
      retryMs = FIRST_RETRY_MS;
      change("connected");
      o.onWelcome(message, isFirst);
    } else if (message.type === "pong") {
      if (message.id === ping.id) roundTripMs = o.now() - ping.at;
    } else if (message.type === "refused") {
      end({ reason: "refused", code: message.code, message: message.message });
    } else o.onData(message);
  };

  function connect(): void {
    if (status === "ended" || status === "connected" || socket?.readyState === CONNECTING) return;
    leave();
    const next = o.open();
    socket = next;
    next.binaryType = "arraybuffer";
    heardAt = o.now();
    watch();
    next.onopen = () => {
      const hello: HelloMessage = { type: "hello", version: 1, sampleRate: o.sampleRate() };
      next.send(JSON.stringify(token === undefined ? hello : { ...hello, resume: { token, ...o.resume() } }));
    };
    next.onmessage = ({ data }) => hear(data);
    next.onclose = lose;
  }

  return {
    get status() {
      return status;
    },
    get roundTripMs() {
      return roundTripMs;
    },
    connect,
    send,
    end,
  };
}
