/** A server that speaks the chat completions wire, well or badly, over real connections. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";

export interface Received {
  readonly url: string;
  readonly headers: IncomingMessage["headers"];
  readonly body: Readonly<Record<string, unknown>>;
  /** Settles when the connection of this request is gone. */
  readonly closed: Promise<void>;
}

export interface TestServer extends AsyncDisposable {
  readonly baseURL: string;
  readonly received: Received[];
  /** What the next request gets; each answer serves one request, the last all that follow. */
  answers: ((response: ServerResponse, request: Received) => void | Promise<void>)[];
}

export async function openServer(...answers: TestServer["answers"]): Promise<TestServer> {
  const received: Received[] = [];
  const state = { answers };
  const server: Server = createServer((request, response) => {
    const blocks: Uint8Array[] = [];
    request.on("data", (block: Uint8Array) => blocks.push(block));
    request.on("end", () => {
      const entry: Received = {
        url: request.url ?? "",
        headers: request.headers,
        body: JSON.parse(new TextDecoder().decode(join(blocks))),
        closed: new Promise((go) => response.on("close", () => go())),
      };
      received.push(entry);
      const answer = state.answers.length > 1 ? state.answers.shift()! : state.answers[0]!;
      void answer(response, entry);
    });
  });
  await new Promise<void>((go) => server.listen(0, "127.0.0.1", go));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("The server has no port");
  return {
    baseURL: `http://127.0.0.1:${address.port}/v1`,
    received,
    get answers() {
      return state.answers;
    },
    set answers(next) {
      state.answers = next;
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise<void>((go) => server.close(() => go()));
    },
  };
}

/** An answer of events, as they stand, in blocks that are sent one by one. */
export function events(...blocks: (string | Uint8Array)[]): TestServer["answers"][number] {
  return async (response) => {
    response.writeHead(200, { "content-type": "text/event-stream; charset=utf-8" });
    for (const block of blocks) {
      await new Promise<void>((go) => response.write(block, () => go()));
      await new Promise<void>((go) => setImmediate(go)); // so that the block goes out alone
    }
    response.end();
  };
}

export function json(
  status: number,
  body: unknown,
  headers: Record<string, string> = {},
): TestServer["answers"][number] {
  return (response) => {
    response.writeHead(status, { "content-type": "application/json", ...headers });
    response.end(typeof body === "string" ? body : JSON.stringify(body));
  };
}

/** A chunk of the wire. */
export function chunk(delta: unknown, finish: string | null = null, more: object = {}): string {
  const body = { id: "cmpl_1", object: "chat.completion.chunk", choices: [{ index: 0, delta, finish_reason: finish }] };
  return `data: ${JSON.stringify({ ...body, ...more })}\n\n`;
}

export const DONE = "data: [DONE]\n\n";

function join(blocks: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(blocks.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const block of blocks) {
    all.set(block, at);
    at += block.length;
  }
  return all;
}
