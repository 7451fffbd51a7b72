/**
 * Calls from a browser, as a route of a hono app: one WebSocket each.
 *
 * @module
 */
import type { Context, Env, MiddlewareHandler } from "hono";
import type { UpgradeWebSocket, WSContext, WSEvents } from "hono/ws";
import { AgentError, type ErrorCode } from "../../src/base/error.ts";
import type { Runtime } from "../../src/base/runtime.ts";
import type { Agent } from "../../src/session/agent.ts";
import { AgentSession } from "../../src/session/agent_session.ts";
import { defaultRuntime } from "../../src/session/default_runtime.ts";
import type { AgentSessionOptions, Logger } from "../../src/session/options.ts";
import { environmentTrace } from "../../src/trace/file.ts";
import type { TraceRecord } from "../../src/trace/record.ts";
import { type VoiceCall, voiceCall, type VoiceConnection } from "./voice_call.ts";
import {
  type HelloMessage,
  parseMicrophoneFrame,
  parsePageMessage,
  VOICE_CLOSE_CODES,
  VOICE_WIRE_VERSION,
} from "./voice_wire.ts";

/** How a {@linkcode voiceRoute} answers. */
export interface VoiceRouteOptions<E extends Env = Env> {
  /**
   * The place's own: from `@hono/node-server`, `hono/bun`, `hono/deno` or `hono/cloudflare-workers`. On Node, Bun, `serve` needs to
   * know of web sockets too; see the page of the adapter.
   */
  readonly upgradeWebSocket: UpgradeWebSocket;
  /** Makes the agent of a call. Called for each. */
  readonly agent: (c: Context<E>) => Agent | Promise<Agent>;
  /** The models of a call, and whatever else a session takes. Models may be shared between calls. As a function: called for each. */
  readonly session: AgentSessionOptions | ((c: Context<E>) => AgentSessionOptions | Promise<AgentSessionOptions>);
  /**
   * Says who calls; `null` refuses with 401. A call is given back to its owner only. Default: everybody is the same owner, and the
   * token of the call alone decides.
   */
  readonly authorize?: (c: Context<E>) => string | null | Promise<string | null>;
  /** From where pages may call. Default: from the host that the route is on. `"*"`: from anywhere. */
  readonly origins?: readonly string[] | "*";
  /** Told of each session before it starts: to listen to its events, or to keep its history when it closes. */
  readonly onSession?: (session: AgentSession, c: Context<E>) => void;
  /**
   * How long a call waits for a page that is gone, in milliseconds. Default 10,000; 0, which ends the call with its connection, in
   * workerd, where nothing outlives the request but in a Durable Object.
   */
  readonly graceMs?: number;
  /** Most calls at once. Default 100. */
  readonly maxCalls?: number;
  /** Samples per second of the agent's sound on the wire. Default 24,000. */
  readonly sampleRate?: number;
  /** Where failures are told that the page only sees the code of. Default: that of `session`. */
  readonly logger?: Logger;
  /** The place; found out when left out. */
  readonly runtime?: Runtime;
}

/** A route that holds calls. */
export interface VoiceRoute extends MiddlewareHandler {
  /** How many calls there are now, counting those that wait for their page. */
  callCount(): number;
  /** Ends all calls, as when the server stops, and resolves when they are over. */
  close(): Promise<void>;
}

const DEFAULT_GRACE_MS = 10_000; // chosen: a phone changing from one network to another
const DEFAULT_MAX_CALLS = 100; // chosen: what a core holds with models elsewhere
const DEFAULT_RATE = 24_000; // chosen: that of most voices
const HELLO_MS = 10_000; // chosen: how long a connection may be silent before it says what it wants
const MAX_BAD_MESSAGES = 20; // chosen: a page that sends more is not ours

/**
 * Makes a route on which pages call an agent. The page's side is {@linkcode voicePage}, or a page of your own over
 * {@linkcode voiceClientModule}; the wire between them is in `docs/voice_wire.md`.
 *
 * A page whose connection breaks comes back within `graceMs` and loses nothing; one that does not ends its session. Messages that
 * make no sense are answered with an error, and the call goes on.
 *
 * @throws {AgentError} `runtime.missing` in an unknown place, unless `runtime` is given.
 *
 * @example On Node
 * ```ts
 * const app = new Hono();
 * app.get("/", (c) => c.html(voicePage({ title: "Bookshop" })));
 * app.get("/voice", voiceRoute({ upgradeWebSocket, agent: () => new Bookseller(), session: () => ({ vad, stt, llm, tts }) }));
 * serve({ fetch: app.fetch, websocket: { server: new WebSocketServer({ noServer: true }) } });
 * ```
 */
export function voiceRoute<E extends Env = Env>(options: VoiceRouteOptions<E>): VoiceRoute {
  const { upgradeWebSocket, authorize, origins, maxCalls = DEFAULT_MAX_CALLS, sampleRate = DEFAULT_RATE } = options;
  const calls = new Map<string, { readonly call: VoiceCall; readonly owner: string }>();
  let found: Runtime | undefined;
  const runtimeOf = (): Runtime => found ??= options.runtime ?? defaultRuntime();
  const graceMs = (): number => options.graceMs ?? (runtimeOf().name === "edge" ? 0 : DEFAULT_GRACE_MS);

  const begin = async (call: VoiceCall, c: Context<E>): Promise<void> => {
    const runtime = runtimeOf();
    let { logger } = options;
    try {
      const { session: models } = options;
      const [agent, given] = await Promise.all([
        options.agent(c),
        typeof models === "function" ? models(c) : models,
      ]);
      logger ??= given.logger;
      const trace = typeof given.trace === "function" ? given.trace() : given.trace ?? environmentTrace(runtime);
      const session = new AgentSession({ runtime, ...given, trace: tap(trace, (record) => call.record(record)) });
      options.onSession?.(session, c);
      await session.start({ agent, io: call.io });
      call.begun();
    } catch (error) {
      logger?.error("a call could not begin", { area: "voice", error });
      const code: ErrorCode = error instanceof AgentError ? error.code : "session.start_failed";
      call.fail(code, "Cannot begin the call as the server could not start its session");
    }
  };

  /** What a connection asks for in its first message; the call that it is part of from then on. */
  const admit = (hello: HelloMessage, owner: string, connection: VoiceConnection, c: Context<E>): VoiceCall => {
    if (hello.version !== VOICE_WIRE_VERSION) {
      throw new Refusal(
        "voice.bad_version",
        VOICE_CLOSE_CODES.badHello,
        `Cannot begin a call as the page must speak version ${VOICE_WIRE_VERSION}: current value is ${hello.version}`,
      );
    }
    if (hello.resume !== undefined) {
      const known = calls.get(hello.resume.token);
      if (known === undefined || known.owner !== owner || known.call.inputRate !== hello.sampleRate) {
        throw new Refusal(
          "voice.unknown_call",
          VOICE_CLOSE_CODES.unknownCall,
          "Cannot go on with a call as it must be alive and yours: current value is unknown",
        );
      }
      known.call.join(connection, hello);
      return known.call;
    }
    if (calls.size >= maxCalls) {
      throw new Refusal(
        "voice.too_many_calls",
        VOICE_CLOSE_CODES.tooMany,
        `Cannot begin a call as there may be ${maxCalls} at once: current value is ${calls.size}`,
      );
    }
    const call = voiceCall({
      runtime: runtimeOf(),
      sampleRate,
      graceMs: graceMs(),
      onOver: () => calls.delete(call.token),
    }, hello);
    calls.set(call.token, { call, owner });
    call.join(connection, hello);
    void begin(call, c);
    return call;
  };

  const eventsOf = (owner: string, c: Context<E>): WSEvents => {
    const { clock } = runtimeOf();
    let connection: VoiceConnection | undefined;
    let call: VoiceCall | undefined;
    let badCount = 0;
    let tail: Promise<void> | undefined; // while a Blob is read, what comes after it waits
    let isOver = false;
    const offHello = clock.schedule(clock.now() + HELLO_MS, () => {
      connection?.close(VOICE_CLOSE_CODES.silent, "silent");
      isOver = true;
    });

    const take = (data: string | Uint8Array): void => {
      if (isOver || connection === undefined) return;
      try {
        if (typeof data !== "string") {
          if (call === undefined) throw noHello("sound");
          return call.sound(parseMicrophoneFrame(data));
        }
        const message = parsePageMessage(data);
        if (message.type === "hello") {
          if (call !== undefined) throw noHello("a second hello");
          offHello();
          call = admit(message, owner, connection, c);
        } else if (call === undefined) throw noHello(message.type);
        else call.message(message);
      } catch (error) {
        if (!(error instanceof AgentError)) throw error;
        if (call !== undefined && ++badCount <= MAX_BAD_MESSAGES) return call.complain(error);
        isOver = true;
        offHello();
        connection.send(JSON.stringify({ type: "refused", code: error.code, message: error.message }));
        connection.close(error instanceof Refusal ? error.closeCode : VOICE_CLOSE_CODES.badHello, error.code);
        call?.left(connection); // not every place tells of a closing that it began itself
      }
    };

    const leave = (): void => {
      offHello();
      isOver = true;
      if (connection !== undefined) call?.left(connection);
    };

    return {
      onOpen: (_event, ws) => void (connection ??= connectionOf(ws)),
      onMessage({ data }, ws) {
        connection ??= connectionOf(ws); // workerd tells of no opening
        if (typeof data === "string") return later(() => take(data));
        if (!(data instanceof Blob)) return later(() => take(new Uint8Array(data)));
        let bytes: ArrayBuffer | undefined;
        const read = data.arrayBuffer().then((buffer) => void (bytes = buffer), () => {});
        tail = Promise.all([tail, read]).then(() => bytes && take(new Uint8Array(bytes)));
      },
      onClose: leave,
      onError: leave,
    };

    function later(work: () => void): void {
      if (tail === undefined) work();
      else tail = tail.then(work);
    }
  };

  const handler: MiddlewareHandler = async (c, next) => {
    const context = c as unknown as Context<E>;
    const origin = c.req.header("origin");
    if (origin !== undefined && !isAllowed(origin, c.req.header("host"), origins)) {
      return refuse(c, 403, "voice.bad_origin", "Cannot begin a call as its page must be of an allowed origin");
    }
    const owner = authorize === undefined ? "" : await authorize(context);
    if (owner === null) return refuse(c, 401, "voice.unauthorized", "Cannot begin a call as the caller must be known");
    if (c.req.header("upgrade")?.toLowerCase() !== "websocket") {
      return refuse(c, 426, "voice.bad_message", "Cannot begin a call as the request must ask for a WebSocket");
    }
    return await upgradeWebSocket(() => eventsOf(owner, context))(c, next);
  };

  return Object.assign(handler, {
    callCount: () => calls.size,
    close: async () => {
      await Promise.all([...calls.values()].map(({ call }) => call.close("job_shutdown")));
    },
  });
}

/** A reason to close a connection with a code of its own. */
class Refusal extends AgentError {
  readonly closeCode: number;

  constructor(code: ErrorCode, closeCode: number, message: string) {
    super(code, message);
    this.closeCode = closeCode;
  }
}

function noHello(what: string): AgentError {
  return new AgentError(
    "voice.bad_message",
    `Cannot begin a call as the first message must be hello: current value is ${what}`,
  );
}

function refuse(c: Context, status: 401 | 403 | 426, code: ErrorCode, message: string): Response {
  return c.json({ error: { code, message } }, status);
}

function isAllowed(origin: string, host: string | undefined, origins: readonly string[] | "*" | undefined): boolean {
  if (origins === "*") return true;
  if (origins !== undefined) return origins.includes(origin);
  return URL.canParse(origin) && new URL(origin).host === host;
}

/** What the sockets of the places have that hono's does not pass on. */
interface RawSocket {
  binaryType?: string;
  readonly bufferedAmount?: number;
  getBufferedAmount?(): number;
}

function connectionOf(ws: WSContext): VoiceConnection {
  const raw = ws.raw as RawSocket | undefined;
  if (raw !== undefined && raw.getBufferedAmount === undefined) raw.binaryType = "arraybuffer"; // Deno's default is Blob
  const quietly = (work: () => void): void => {
    try {
      work();
    } catch {
      // The socket is closing: its closing event tells the call.
    }
  };
  return {
    send: (data) => quietly(() => ws.send(data)),
    close: (code, reason) => quietly(() => ws.close(code, reason)),
    bufferedBytes: () => raw?.bufferedAmount ?? raw?.getBufferedAmount?.(),
  };
}

/** Reads records on their way to a trace, or in place of one. */
function tap(
  trace: WritableStream<TraceRecord> | undefined,
  onRecord: (record: TraceRecord) => void,
): WritableStream<TraceRecord> {
  const writer = trace?.getWriter();
  return new WritableStream({
    async write(record) {
      onRecord(record);
      await writer?.write(record);
    },
    close: () => writer?.close(),
    abort: (reason) => writer?.abort(reason),
  });
}
