/**
 * Conversations by text as routes of a hono app, in the UI message stream of the AI SDK.
 *
 * Nothing of hono is imported but its types: the app is the program's own.
 *
 * @module
 */
import type { Context, Env, Hono } from "hono";
import { AgentError } from "../../src/base/error.ts";
import type { Runtime } from "../../src/base/runtime.ts";
import type { Agent } from "../../src/session/agent.ts";
import { defaultRuntime } from "../../src/session/default_runtime.ts";
import type { AgentSessionOptions, Logger } from "../../src/session/options.ts";
import type { AgentRegistry } from "../../src/session/resume.ts";
import { memoryStore, type SessionStore } from "../../src/session/store.ts";
import { publicError, statusOf } from "./chat_error.ts";
import { uiMessages } from "./chat_messages.ts";
import { parseChatRequest, parseId, readBody } from "./chat_request.ts";
import { ChatTurn } from "./chat_turn.ts";
import { load } from "./keep.ts";
import { RunningTurns } from "./running_turns.ts";

/** How a chat is mounted. */
export interface ChatOptions<E extends Env = Env> {
  /** Makes the agent, anew for each turn: it finds its history there. */
  readonly agent?: (c: Context<E>) => Agent;
  /** Several agents that hand over to each other, by their ids; the first begins, unless the client names one. */
  readonly agents?: Readonly<Record<string, (c: Context<E>) => Agent>>;
  /** Models, tools and user data that all agents share. As a function: what depends on the request, such as bindings. */
  readonly session?: AgentSessionOptions | ((c: Context<E>) => AgentSessionOptions);
  /**
   * Says who asks; null refuses. Conversations belong to who began them: others do not see them. Left out: whoever knows
   * the id of a conversation may go on with it.
   */
  readonly authorize?: (c: Context<E>) => string | null | Promise<string | null>;
  /** Where conversations are kept. Default: in the memory of this process. */
  readonly store?: SessionStore;
  /** What a turn does when its client leaves. Default `"interrupt"`: the model is stopped at once, and what was said is kept. */
  readonly onDisconnect?: "interrupt" | "continue";
  /** The longest turn, in milliseconds. Default 120,000. */
  readonly turnTimeout?: number;
  /** How often an idle stream shows that it is alive, in milliseconds. Default 15,000; 250 at the edge, where nothing else tells that a client has left. */
  readonly pingInterval?: number;
  /** The largest body of a request, in bytes. Default 1 MiB. */
  readonly maxBodySize?: number;
  /** Where failures are told that the client only sees the code of. Default: that of `session`. */
  readonly logger?: Logger;
}

const TURN_TIMEOUT_MS = 120_000; // chosen: a dozen slow tools
const PING_INTERVAL_MS = 15_000; // chosen: below the 30 s after which common proxies give up
// workerd notices that a client has left when it writes to it. Chosen: eight bytes four times a second while a model says nothing.
const EDGE_PING_INTERVAL_MS = 250;
const MAX_BODY_BYTES = 1_048_576; // chosen: a long conversation with a few pictures, since clients post all of it

/**
 * Hosts whose servers cancel the body of a response when its client leaves, as the tests show; elsewhere the signal of the request
 * counts too. It is not looked at in vain: on Node it makes a whole `Request`, and on Deno it fires after every answer.
 */
const CANCELLING_HOSTS: ReadonlySet<string> = new Set(["node", "bun", "deno"]);

const STREAM_HEADERS: Readonly<Record<string, string>> = {
  "content-type": "text/event-stream",
  "cache-control": "no-cache",
  "connection": "keep-alive",
  "x-vercel-ai-ui-message-stream": "v1",
  "x-accel-buffering": "no", // else proxies collect the words and send them at the end
};

/**
 * Mounts a chat in a hono app. What it sends is the UI message stream of the AI SDK, so that `useChat` and
 * `DefaultChatTransport` talk to it as they are.
 *
 * | request | answer |
 * |---|---|
 * | `POST path` | a turn, as a stream; an id that is new begins a conversation |
 * | `GET path/:id` | the messages so far; 404 for an unknown conversation, and for somebody else's |
 * | `GET path/:id/stream` | the turn that runs, from its beginning; 204 when none runs |
 * | `DELETE path/:id` | the conversation is forgotten |
 *
 * Of what the client posts only the last message of the user is read: the history is ours. A message that is known already
 * cuts the conversation back to it, as `regenerate()` and edits want it. A turn that comes while another runs cuts that one
 * off. Failures are `{ error: { code, message } }`, and within a stream an `error` chunk behind a `data-error` with the code.
 *
 * @throws {AgentError} `http.bad_option` when there is neither `agent` nor `agents`.
 *
 * @example
 * ```ts
 * const app = new Hono();
 * const llm = openaiLLM({ model: "gpt-4.1-mini", apiKey });
 * mountChat(app, "/chat", { agent: () => new Agent({ instructions: "Be brief.", llm }) });
 * export default app;
 * ```
 */
export function mountChat<E extends Env = Env>(app: Hono<E>, path: string, options: ChatOptions<E>): void {
  mount(app as unknown as Hono, path.replace(/\/+$/, ""), options as unknown as ChatOptions); // within, bindings are nothing special
}

function mount(app: Hono, path: string, options: ChatOptions): void {
  const { agent, agents, store = memoryStore(), maxBodySize = MAX_BODY_BYTES } = options;
  if (agent === undefined && Object.keys(agents ?? {}).length === 0) {
    throw new AgentError(
      "http.bad_option",
      "Cannot mount a chat as there must be `agent` or `agents`: current value is neither",
    );
  }
  const turns = new RunningTurns();
  let hasWarned = false;
  const answered = (handle: (c: Context) => Promise<Response>) => async (c: Context): Promise<Response> => {
    try {
      return await handle(c);
    } catch (error) {
      if (typeof (error as { getResponse?: unknown } | null)?.getResponse === "function") throw error; // hono's own, thrown on purpose
      const status = statusOf(error);
      if (status === 500) loggerOf(options)?.error("a chat request failed", { area: "hono", error });
      return c.json({ error: publicError(error) }, status);
    }
  };

  app.post(
    path || "/",
    answered(async (c) => {
      const owner = await ownerOf(options, c);
      const request = parseChatRequest(await readBody(c.req, maxBodySize));
      const session = sessionOf(options, c);
      const logger = options.logger ?? session.logger;
      if (!store.capabilities.atomic && !hasWarned) {
        hasWarned = true;
        logger?.warn("the store is not atomic: only the turns of one process wait for each other", { area: "hono" });
      }
      const key = keyOf(owner, request.id);
      const runtime = session.runtime ?? defaultRuntime();
      const stopsWhenLeft = options.onDisconnect !== "continue";
      const isKnownHost = CANCELLING_HOSTS.has(runtime.name);
      const turn = new ChatTurn({
        key,
        request,
        store,
        runtime,
        session,
        ...cast(options, c, request.agent),
        turnTimeout: options.turnTimeout ?? TURN_TIMEOUT_MS,
        pingInterval: options.pingInterval ?? (isKnownHost ? PING_INTERVAL_MS : EDGE_PING_INTERVAL_MS),
        stopsWhenLeft,
        logger,
      });
      const leave = await turns.enter(key, turn, runtime.clock);
      try {
        await turn.open();
      } catch (error) {
        turn.log.end();
        leave();
        throw error;
      }
      const body = turn.log.stream(runtime.clock);
      const run = turn.run().finally(leave);
      if (!isKnownHost) keepAlive(c, run);
      if (stopsWhenLeft && !isKnownHost) {
        c.req.raw.signal.addEventListener("abort", () => turn.stop("left"), { once: true });
      }
      return new Response(body, { headers: STREAM_HEADERS });
    }),
  );

  app.get(
    `${path}/:id`,
    answered(async (c) => {
      const owner = await ownerOf(options, c);
      const id = parseId(c.req.param("id"));
      const found = await load(store, keyOf(owner, id));
      if (found !== null) return c.json({ id, messages: uiMessages(found.snapshot) });
      throw new AgentError(
        "http.not_found",
        "Cannot show the conversation as it must exist and be yours: current value is none",
      );
    }),
  );

  app.get(
    `${path}/:id/stream`,
    answered(async (c) => {
      const key = keyOf(await ownerOf(options, c), parseId(c.req.param("id")));
      const log = turns.get(key)?.log;
      if (log === undefined || log.isOver) return c.body(null, 204);
      return new Response(log.stream(runtimeOf(options, c).clock, true), { headers: STREAM_HEADERS });
    }),
  );

  app.delete(
    `${path}/:id`,
    answered(async (c) => {
      const key = keyOf(await ownerOf(options, c), parseId(c.req.param("id")));
      const leave = await turns.enter(key, { stop() {} }, runtimeOf(options, c).clock); // what runs is cut off and stored first
      try {
        await store.delete(key);
      } finally {
        leave();
      }
      return c.body(null, 204);
    }),
  );
}

/** Whose conversations these are. */
async function ownerOf({ authorize }: ChatOptions, c: Context): Promise<string> {
  if (authorize === undefined) return "";
  const owner = await authorize(c);
  if (owner !== null) return owner;
  throw new AgentError("http.unauthorized", "Cannot go on as the request must say who asks: current value is nobody");
}

/** Two parts that cannot run into each other. */
function keyOf(owner: string, id: string): string {
  return `${encodeURIComponent(owner)}/${encodeURIComponent(id)}`;
}

/** Who may be on stage, and who begins. */
function cast(
  { agent, agents = {} }: ChatOptions,
  c: Context,
  wanted: string | undefined,
): { readonly registry: AgentRegistry; readonly firstAgent: () => Agent } {
  const registry: Record<string, () => Agent> = {};
  const only = agent?.(c);
  if (only !== undefined) registry[only.id] = () => only;
  for (const [id, make] of Object.entries(agents)) registry[id] = () => make(c);
  return {
    registry,
    firstAgent() {
      const names = Object.keys(registry);
      const name = wanted ?? names[0] as string;
      const make = Object.hasOwn(registry, name) ? registry[name] : undefined;
      if (make !== undefined) return make();
      throw new AgentError(
        "http.unknown_agent",
        `Cannot begin a conversation as its agent must be one of ${names.join(", ")}: current value is another one`,
      );
    },
  };
}

function sessionOf({ session }: ChatOptions, c: Context): AgentSessionOptions {
  return (typeof session === "function" ? session(c) : session) ?? {};
}

/** Where a failure is told. A function is not asked: it may be what failed. */
function loggerOf({ logger, session }: ChatOptions): Logger | undefined {
  return logger ?? (typeof session === "function" ? undefined : session?.logger);
}

function runtimeOf(options: ChatOptions, c: Context): Runtime {
  return sessionOf(options, c).runtime ?? defaultRuntime();
}

/** Where a place ends what a request began with its response, it is asked to wait. */
function keepAlive(c: Context, work: Promise<void>): void {
  try {
    c.executionCtx.waitUntil(work);
  } catch {
    // There is no such place here: what was begun goes on by itself.
  }
}
