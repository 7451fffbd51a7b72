/**
 * A WebSocket of any place as a {@linkcode Socket}, where each event ends up as a value.
 *
 * @module
 */
import { AgentError } from "../../src/base/error.ts";
import type { ConnectOptions, Socket } from "../../src/base/runtime.ts";

/** The part of a WebSocket that is used here, structurally, since runtimes type and extend it differently. */
export interface WebSocketLike {
  readonly readyState: number;
  /** Bytes handed over and not yet sent. Absent on workerd. */
  readonly bufferedAmount?: number;
  binaryType?: string;
  send(data: string | Uint8Array): void;
  close(code?: number, reason?: string): void;
  /** workerd: begins to receive. */
  accept?(): void;
  addEventListener(type: string, listener: (event: SocketEvent) => void): void;
}

/** What the events of a WebSocket may hold. */
export interface SocketEvent {
  readonly data?: unknown;
  readonly code?: number;
  readonly reason?: string;
  readonly message?: string;
  readonly error?: unknown;
}

const OPEN = 1; // `WebSocket.OPEN`, the same in every place
const MAX_UNREAD_BYTES = 16 * 1024 * 1024; // chosen: five minutes of 24 kHz speech; a WebSocket cannot be told to wait
const MAX_UNSENT_BYTES = 1024 * 1024; // chosen: a writer waits while more than this is on its way
const SEND_POLL_MS = 10; // chosen: there is no event for "sent", so that a writer has to look
const CLOSE_TIMEOUT_MS = 2_000; // chosen: a peer that does not answer the closing handshake is given up
const ABNORMAL = 1006; // RFC 6455, 7.1.5: the connection broke without a closing frame
const NO_STATUS = 1005; // RFC 6455, 7.1.5: a closing frame without a code
const NORMAL = 1000;
const MAX_REASON_BYTES = 123; // RFC 6455, 5.5: a control frame holds 125 bytes, of which the code takes two

/**
 * Opens a socket by what the place has for it.
 *
 * The readable ends when the peer closes with a code, and errors with `socket.failed` when the connection breaks, with
 * `stream.overflow` when more than 16 MiB are left unread, and with the signal's reason when it is aborted. A write waits
 * while more than 1 MiB is unsent. Closing waits up to 2,000 ms for the peer's answer.
 *
 * @param make Makes the WebSocket of the place; it may be open already, or still connecting.
 * @throws {AgentError} `socket.failed` when it cannot be opened.
 */
export async function openSocket(
  make: () => WebSocketLike | Promise<WebSocketLike>,
  url: string,
  { signal }: Pick<ConnectOptions, "signal"> = {},
): Promise<Socket> {
  signal?.throwIfAborted();
  let host: WebSocketLike;
  try {
    const made = make();
    host = made instanceof Promise ? await made : made; // without a pause, in which an event could be missed
  } catch (cause) {
    signal?.throwIfAborted();
    throw cause instanceof AgentError ? cause : cannotOpen(url, cause);
  }
  const { socket, opened } = wrap(host, url, signal);
  await opened;
  return socket;
}

/** Opens a socket with the WebSocket constructor of Node, Bun and Deno, which take headers in the second argument. */
export function openWebSocket(url: string, { headers, protocols, signal }: ConnectOptions = {}): Promise<Socket> {
  const options = { ...(headers && { headers }), ...(protocols && { protocols: [...protocols] }) };
  const { WebSocket } = globalThis as unknown as { WebSocket: new (url: string, options: object) => WebSocketLike };
  return openSocket(() => new WebSocket(url, options), url, { ...(signal && { signal }) });
}

function wrap(
  host: WebSocketLike,
  url: string,
  signal: AbortSignal | undefined,
): { socket: Socket; opened: Promise<void> } {
  const opened = Promise.withResolvers<void>();
  const closed = Promise.withResolvers<{ readonly code: number; readonly reason: string }>();
  const unread: (string | Uint8Array)[] = [];
  let unreadBytes = 0;
  let phase: "opening" | "open" | "closing" | "over" = "opening";
  let hasFailed = false;
  let lastError: unknown;
  let isReadOver = false; // cancelled or failed: nothing may be put in any more
  let wakeReader = (): void => {};
  let wakeWriter = (): void => {};
  let giveUp: ReturnType<typeof setTimeout> | undefined;
  let input!: ReadableStreamDefaultController<string | Uint8Array>;
  let output!: WritableStreamDefaultController;

  /** The one way out. Without a failure the reader gets what is unread, and then the end. */
  const end = (code: number, reason: string, failure?: unknown): void => {
    if (phase === "over") return;
    const wasOpening = phase === "opening";
    phase = "over";
    clearTimeout(giveUp);
    signal?.removeEventListener("abort", abort);
    const error = failure ??
      new AgentError("socket.failed", `Cannot send as the socket must be open: current value is closed (${code})`);
    if (wasOpening) opened.reject(failure ?? cannotOpen(url, lastError));
    if (failure !== undefined) {
      isReadOver = true;
      input.error(failure);
    }
    output.error(error);
    wakeReader();
    wakeWriter();
    closed.resolve({ code, reason });
  };

  const closeHost = (code: number, reason: string): void => {
    try {
      host.close(isAllowed(code) ? code : NORMAL, fit(reason));
    } catch (error) {
      lastError = error; // some places refuse to close what is still connecting: then it ends by its own events
    }
  };

  const close = (code: number = NORMAL, reason = ""): void => {
    if (phase === "closing" || phase === "over") return;
    if (phase === "opening") {
      end(ABNORMAL, reason);
      closeHost(code, reason);
      return;
    }
    phase = "closing";
    giveUp = setTimeout(() => end(ABNORMAL, "the peer did not answer in time"), CLOSE_TIMEOUT_MS);
    closeHost(code, reason);
  };

  const fail = (failure: unknown, code: number, reason: string): void => {
    end(ABNORMAL, reason, failure); // first, since Node tells of the closing while `close` runs
    closeHost(code, reason);
  };

  const abort = (): void => fail(signal!.reason, NORMAL, "");

  const open = (): void => {
    if (phase !== "opening") return;
    phase = "open";
    opened.resolve();
  };

  const readable = new ReadableStream<string | Uint8Array>({
    start: (controller) => void (input = controller),
    async pull(controller) {
      if (unread.length === 0 && phase !== "over") await new Promise<void>((go) => (wakeReader = go));
      if (isReadOver) return;
      const message = unread.shift();
      if (message === undefined) return controller.close();
      unreadBytes -= message.length;
      controller.enqueue(message);
    },
    cancel() {
      isReadOver = true;
      close();
    },
  }, { highWaterMark: 0 });

  const writable = new WritableStream<string | Uint8Array>({
    start: (controller) => void (output = controller),
    async write(message) {
      if (phase !== "open") {
        throw new AgentError("socket.failed", `Cannot send as the socket must be open: current value is ${phase}`);
      }
      host.send(message);
      while (phase === "open" && (host.bufferedAmount ?? 0) > MAX_UNSENT_BYTES) {
        await new Promise<void>((go) => {
          wakeWriter = go;
          setTimeout(go, SEND_POLL_MS);
        });
      }
    },
    close: () => {
      close();
      return closed.promise.then(() => {});
    },
    abort: () => close(),
  });

  host.binaryType = "arraybuffer";
  host.addEventListener("open", open);
  host.addEventListener("message", ({ data }) => {
    if (phase === "over") return;
    const message = typeof data === "string" ? data : new Uint8Array(data as ArrayBuffer);
    unread.push(message);
    unreadBytes += message.length;
    if (unreadBytes > MAX_UNREAD_BYTES) {
      const failure = new AgentError(
        "stream.overflow",
        `Cannot keep more messages as at most ${MAX_UNREAD_BYTES} bytes may be unread: current value is ${unreadBytes}`,
      );
      unread.length = 0;
      fail(failure, NORMAL, "reader is too slow");
    } else {
      wakeReader();
    }
  });
  host.addEventListener("error", ({ error, message }) => {
    hasFailed = true;
    lastError ??= error ?? message;
    if (phase === "opening") end(ABNORMAL, ""); // Node 22 tells no more than this of an opening that failed
  });
  host.addEventListener("close", ({ code = NO_STATUS, reason = "" }) => {
    const isBroken = phase === "open" && (hasFailed || code === ABNORMAL); // Deno gives no code
    end(
      code,
      reason,
      isBroken
        ? new AgentError("socket.failed", "Cannot go on as the connection must not break: current value is broken", {
          cause: lastError,
        })
        : undefined,
    );
  });
  signal?.addEventListener("abort", abort, { once: true });
  host.accept?.();
  if (host.readyState === OPEN) open();

  return { opened: opened.promise, socket: { readable, writable, closed: closed.promise, close } };
}

/** Without the query, where some providers put their keys: Bun quotes the whole address. */
function cannotOpen(url: string, cause: unknown): AgentError {
  const address = url.split(/[?#]/, 1)[0]!;
  const said = (cause instanceof Error ? cause.message : typeof cause === "string" ? cause : "") || "refused";
  const detail = said.replaceAll(url, address);
  const message = `Cannot open a socket to ${address} as the server must accept it: current value is ${detail}`;
  return new AgentError("socket.failed", message, { cause: detail === said ? cause : new Error(detail) });
}

function isAllowed(code: number): boolean {
  return code === NORMAL || (code >= 3000 && code <= 4999); // what `close` takes; anything else throws
}

function fit(reason: string): string {
  const bytes = new TextEncoder().encode(reason);
  if (bytes.length <= MAX_REASON_BYTES) return reason;
  return new TextDecoder().decode(bytes.subarray(0, MAX_REASON_BYTES), { stream: true }); // leaves a torn character out
}
