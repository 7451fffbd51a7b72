import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "../../property.ts";
import { completionReader } from "../../../adapters/openai/completion.ts";
import { openaiFromEnv, openaiLLM } from "../../../adapters/openai/mod.ts";
import { sseParser } from "../../../adapters/openai/sse.ts";
import { virtualClock } from "../../../adapters/runtime/virtual.ts";
import { ChatContext } from "../../../src/chat/context.ts";
import { APIConnectionError, APIError, APIStatusError } from "../../../src/model/error.ts";
import { llmAttempt } from "../../../src/model/attempt.ts";
import { connectOptions } from "../../../src/model/connect_options.ts";
import type { ChatChunk, ChatRequest, LLM } from "../../../src/model/llm.ts";
import { THINK_TAGS } from "../../../src/model/thinking.ts";
import { tool } from "../../../src/tool/define.ts";
import { toolContext } from "../../../src/tool/tool_context.ts";
import { llmContract } from "../../contracts/llm.ts";
import { drain, recording } from "../../model/recording.ts";
import { chunk, DONE, events, json, openServer, type TestServer } from "./server.ts";

const said = (chunks: readonly ChatChunk[]): string => chunks.map(({ delta }) => delta?.content ?? "").join("");
const calls = (chunks: readonly ChatChunk[]) => chunks.flatMap(({ delta }) => delta?.toolCalls ?? []);

function talk(text = "Hi"): ChatContext {
  const chatCtx = new ChatContext();
  chatCtx.addMessage({ role: "user", content: text });
  return chatCtx;
}

function ask(llm: LLM, request: Partial<ChatRequest> = {}): ReadableStream<ChatChunk> {
  return llm.chat({ chatCtx: talk(), ...request });
}

test("text comes as it is streamed, usage behind it, and the request says what was asked", async () => {
  await using server = await openServer(events(
    ": hello\n\n",
    chunk({ role: "assistant", content: "" }),
    chunk({ content: "Hel" }),
    chunk({ content: "lo" }),
    chunk({}, "stop"),
    `data: {"id":"cmpl_1","choices":[],"usage":{"prompt_tokens":10,"completion_tokens":2,"total_tokens":12,"prompt_tokens_details":{"cached_tokens":8}}}\n\n`,
    DONE,
  ));
  const llm = openaiLLM({
    model: "m",
    apiKey: "secret",
    baseURL: `${server.baseURL}/`,
    headers: { "x-gateway": "a" },
    query: { "api-version": "1" },
    temperature: 0.5,
    maxCompletionTokens: 100,
    extraBody: { top_k: 3 },
  });
  const { parts, failure } = await drain(ask(llm, { extraKwargs: { top_k: 4 } }));
  assert.equal(failure, undefined);
  assert.deepEqual(parts, [
    { id: "cmpl_1", delta: { role: "assistant", content: "Hel" } },
    { id: "cmpl_1", delta: { role: "assistant", content: "lo" } },
    {
      id: "cmpl_1",
      usage: { promptTokens: 10, completionTokens: 2, totalTokens: 12, promptCachedTokens: 8 },
    },
  ]);
  const [{ url, headers, body }] = server.received as [typeof server.received[0]];
  assert.equal(url, "/v1/chat/completions?api-version=1");
  assert.equal(headers.authorization, "Bearer secret");
  assert.equal(headers["x-gateway"], "a");
  assert.deepEqual(body, {
    model: "m",
    messages: [{ role: "user", content: "Hi" }],
    stream: true,
    stream_options: { include_usage: true },
    temperature: 0.5,
    max_completion_tokens: 100,
    top_k: 4,
  });
});

test("tools are offered, and their calls come when they are whole", async () => {
  const weather = tool({
    name: "weather",
    description: "Tells the weather.",
    parameters: { type: "object", properties: { city: { type: "string" } }, required: ["city"] },
    execute: () => "sunny",
  });
  await using server = await openServer(events(
    chunk({ content: "Let me see. " }),
    chunk({ tool_calls: [{ index: 0, id: "c1", type: "function", function: { name: "weather", arguments: "" } }] }),
    chunk({ tool_calls: [{ index: 0, function: { arguments: '{"ci' } }] }),
    chunk({ tool_calls: [{ index: 0, function: { arguments: 'ty":"Oslo"}' } }] }),
    chunk({ tool_calls: [{ index: 1, id: "c2", type: "function", function: { name: "weather", arguments: "{}" } }] }),
    chunk({}, "tool_calls"),
    DONE,
  ));
  const llm = openaiLLM({ model: "m", baseURL: server.baseURL, includeUsage: false });
  const toolCtx = toolContext([weather]);
  const { parts } = await drain(ask(llm, { toolCtx, toolChoice: "required", parallelToolCalls: false }));
  assert.equal(said(parts), "Let me see. ");
  assert.deepEqual(calls(parts), [
    { type: "function", callId: "c1", name: "weather", args: '{"city":"Oslo"}' },
    { type: "function", callId: "c2", name: "weather", args: "{}" },
  ]);
  const { body } = server.received[0]!;
  assert.deepEqual([body["tool_choice"], body["parallel_tool_calls"], body["stream_options"]], [
    "required",
    false,
    undefined,
  ]);
  assert.equal((body["tools"] as { function: { name: string } }[])[0]!.function.name, "weather");
});

test("without tools nothing is said about them", async () => {
  await using server = await openServer(events(chunk({ content: "Hi" }, "stop"), DONE));
  await drain(ask(openaiLLM({ model: "m", baseURL: server.baseURL }), { toolChoice: "none", parallelToolCalls: true }));
  assert.deepEqual(Object.keys(server.received[0]!.body).sort(), ["messages", "model", "stream", "stream_options"]);
});

test("thoughts are told from text, by tags or by field", async () => {
  await using server = await openServer(
    events(
      chunk({ reasoning_content: "First" }),
      chunk({ content: "<thi" }),
      chunk({ content: "nk>hm</think>Hello <" }, "stop"),
      DONE,
    ),
  );
  const { parts } = await drain(ask(openaiLLM({ model: "m", baseURL: server.baseURL })));
  assert.equal(said(parts), "Hello <");
  assert.equal(parts.map(({ delta }) => delta?.reasoning ?? "").join(""), "Firsthm");
  const raw = await drain(ask(openaiLLM({ model: "m", baseURL: server.baseURL, thinkingTags: null })));
  assert.equal(said(raw.parts), "<think>hm</think>Hello <");
});

test("a status becomes an error with its body, its request id and whether to try again", async () => {
  for (const [status, retryable] of [[401, false], [429, true], [500, true]] as const) {
    const body = { error: { message: "No such key", type: "auth" } };
    await using server = await openServer(json(status, body, { "x-request-id": "req_1" }));
    const { parts, failure } = await drain(ask(openaiLLM({ model: "m", apiKey: "secret", baseURL: server.baseURL })));
    assert.deepEqual(parts, []);
    assert.ok(failure instanceof APIStatusError);
    assert.deepEqual([failure.statusCode, failure.requestId, failure.retryable, failure.body], [
      status,
      "req_1",
      retryable,
      body,
    ]);
    assert.match(failure.message, /No such key$/);
    assert.doesNotMatch(`${failure} ${failure.stack}`, /secret/);
  }
});

test("an error page that is no JSON is kept as text", async () => {
  await using server = await openServer(json(502, "<h1>Bad gateway</h1>"));
  const { failure } = await drain(ask(openaiLLM({ model: "m", baseURL: server.baseURL })));
  assert.ok(failure instanceof APIStatusError);
  assert.deepEqual([failure.message, failure.body], ["Bad Gateway (502)", "<h1>Bad gateway</h1>"]);
});

test("a server that is not there is a failed connection", async () => {
  const server = await openServer(json(200, {}));
  const { baseURL } = server;
  await server[Symbol.asyncDispose]();
  const { failure } = await drain(ask(openaiLLM({ model: "m", baseURL })));
  assert.ok(failure instanceof APIConnectionError);
  assert.equal(failure.retryable, true);
  assert.ok(failure.cause instanceof Error);
});

test("a connection that breaks amid the answer fails behind what came", async () => {
  await using server = await openServer(async (response) => {
    response.writeHead(200, { "content-type": "text/event-stream" });
    await new Promise<void>((go) => response.write(chunk({ content: "Hel" }), () => go()));
    setTimeout(() => response.destroy(), 20);
  });
  const { parts, failure } = await drain(ask(openaiLLM({ model: "m", baseURL: server.baseURL })));
  assert.equal(said(parts), "Hel");
  assert.ok(failure instanceof APIConnectionError);
});

test("an answer that ends before the model is done was cut off", async () => {
  await using server = await openServer(events(chunk({ content: "Hel" })));
  const { parts, failure } = await drain(ask(openaiLLM({ model: "m", baseURL: server.baseURL })));
  assert.equal(said(parts), "Hel");
  assert.ok(failure instanceof APIConnectionError);
});

test("an answer without its last mark is whole when the model said that it is done", async () => {
  await using server = await openServer(events(chunk({ content: "Hello" }), chunk({}, "stop")));
  const { parts, failure } = await drain(ask(openaiLLM({ model: "m", baseURL: server.baseURL })));
  assert.deepEqual([said(parts), failure], ["Hello", undefined]);
});

test("what cannot be read is a bad response, behind what could", async () => {
  const bad = [
    "data: {oops\n\n",
    'data: "text"\n\n',
    'data: {"choices":7}\n\n',
    'data: {"choices":[null]}\n\n',
    chunk({ tool_calls: "x" }),
    chunk({ tool_calls: [{ index: 0, id: "c1", function: { arguments: "{}" } }] }, "tool_calls"),
  ];
  for (const block of bad) {
    await using server = await openServer(events(chunk({ content: "Hel" }) + block, DONE));
    const { parts, failure } = await drain(ask(openaiLLM({ model: "m", baseURL: server.baseURL })));
    assert.equal(said(parts), "Hel", block);
    assert.ok(failure instanceof APIError, block);
    assert.equal(failure.code, "model.bad_response", block);
  }
});

test("a failure that is told amid the stream is one", async () => {
  await using server = await openServer(
    events(`data: {"error":{"message":"Overloaded","code":503}}\n\n`),
    events(`data: {"error":{"message":"Odd","code":"odd"}}\n\n`),
  );
  const llm = openaiLLM({ model: "m", baseURL: server.baseURL });
  const first = (await drain(ask(llm))).failure;
  assert.ok(first instanceof APIStatusError);
  assert.equal(first.statusCode, 503);
  assert.match(first.message, /Overloaded/);
  const second = (await drain(ask(llm))).failure;
  assert.ok(second instanceof APIError && !(second instanceof APIStatusError));
});

test("a server that does not stream is understood", async () => {
  const message = {
    role: "assistant",
    content: "Hello",
    tool_calls: [{ id: "c1", function: { name: "f", arguments: {} } }],
  };
  await using server = await openServer(json(200, {
    id: "cmpl_2",
    choices: [{ index: 0, message, finish_reason: "stop" }],
    usage: { prompt_tokens: 3, completion_tokens: 1 },
  }));
  const { parts, failure } = await drain(ask(openaiLLM({ model: "m", baseURL: server.baseURL })));
  assert.equal(failure, undefined);
  assert.equal(said(parts), "Hello");
  assert.deepEqual(calls(parts).map(({ name, args }) => [name, args]), [["f", "{}"]]);
  assert.deepEqual(parts.at(-1)!.usage, { promptTokens: 3, completionTokens: 1, totalTokens: 4 });
});

test("an abort closes the connection, before and amid the answer", async () => {
  for (const first of [[], [chunk({ content: "Hel" })]]) {
    await using server = await openServer((response) => {
      response.writeHead(200, { "content-type": "text/event-stream" });
      response.flushHeaders();
      for (const block of first) response.write(block);
    });
    const stop = new AbortController();
    const reader = ask(openaiLLM({ model: "m", baseURL: server.baseURL }), { signal: stop.signal }).getReader();
    if (first.length > 0) assert.equal((await reader.read()).value?.delta?.content, "Hel");
    const reading = reader.read();
    while (server.received.length === 0) await new Promise<void>((go) => setImmediate(go));
    stop.abort();
    await assert.rejects(reading, (error) => error === stop.signal.reason);
    await server.received[0]!.closed;
  }
});

test("a cancel closes the connection", async () => {
  await using server = await openServer((response) => {
    response.writeHead(200, { "content-type": "text/event-stream" });
    response.write(chunk({ content: "Hel" }));
  });
  const reader = ask(openaiLLM({ model: "m", baseURL: server.baseURL })).getReader();
  await reader.read();
  await reader.cancel();
  await server.received[0]!.closed;
});

test("a signal that was aborted before sends nothing", async () => {
  await using server = await openServer(json(200, {}));
  const signal = AbortSignal.abort();
  const { failure } = await drain(ask(openaiLLM({ model: "m", baseURL: server.baseURL }), { signal }));
  assert.equal(failure, signal.reason);
  assert.deepEqual(server.received, []);
});

test("a server that keeps silent is given up by the clock, and its connection closed", async () => {
  await using server = await openServer(() => {}, events(chunk({ content: "Hi" }, "stop"), DONE));
  const clock = virtualClock();
  const report = recording();
  const o = { clock, report, connOptions: connectOptions({ timeoutMs: 5_000 }), requestId: () => "own" };
  const reading = drain(llmAttempt(openaiLLM({ model: "m", baseURL: server.baseURL }), { chatCtx: talk() }, o));
  while (server.received.length < 1) await new Promise<void>((go) => setImmediate(go));
  await clock.advance(5_000);
  await server.received[0]!.closed;
  await clock.advance(100);
  assert.equal(said((await reading).parts), "Hi");
  assert.deepEqual(report.errors.map(({ timestamp, recoverable }) => [timestamp, recoverable]), [[5_000, true]]);
  assert.equal(clock.armed, 0);
});

test("settings of the place make a model, and their absence makes none", async () => {
  const env = (settings: Record<string, string>) => (name: string) => settings[name];
  assert.equal(openaiFromEnv(env({})), undefined);
  assert.equal(openaiFromEnv(env({ OPENAI_API_KEY: " " })), undefined);
  assert.equal(openaiFromEnv(env({ OPENAI_API_KEY: "k", OPENAI_MODEL: "big" }))?.model, "big");
  await using server = await openServer(events(chunk({ content: "Hi" }, "stop"), DONE));
  const llm = openaiFromEnv(env({ OPENAI_BASE_URL: server.baseURL }), { model: "small" })!;
  assert.equal(said((await drain(ask(llm))).parts), "Hi");
  assert.deepEqual([server.received[0]!.headers.authorization, server.received[0]!.body["model"]], [
    undefined,
    "small",
  ]);
});

test("a fetch that is given is used", async () => {
  const urls: string[] = [];
  const llm = openaiLLM({
    model: "m",
    fetch: (url) => {
      urls.push(url);
      return Promise.resolve(
        new Response(chunk({ content: "Hi" }, "stop"), { headers: { "content-type": "text/event-stream" } }),
      );
    },
  });
  assert.equal(said((await drain(ask(llm))).parts), "Hi");
  assert.deepEqual(urls, ["https://api.openai.com/v1/chat/completions"]);
});

test("an answer that must fit a schema is asked for so", async () => {
  await using server = await openServer(events(chunk({ content: "{}" }, "stop"), DONE));
  const schema = { type: "object", properties: { a: { type: "string" } }, required: ["a"] };
  await drain(ask(openaiLLM({ model: "m", baseURL: server.baseURL }), { responseFormat: { name: "answer", schema } }));
  assert.equal((server.received[0]!.body["response_format"] as { type: string }).type, "json_schema");
});

test("calls without index or id, and several answers, are understood", () => {
  const reader = completionReader(null);
  const named = (name: string, args: string, fields: object = {}) => ({
    ...fields,
    function: { name, arguments: args },
  });
  const chunks = [
    ...reader.push({ id: "x", choices: [{ delta: { tool_calls: [named("f", '{"a":1}')] } }] }),
    ...reader.push({ id: "x", choices: [{ delta: { tool_calls: [named("g", "{}")] } }] }),
    ...reader.push({ id: "x", choices: [{ index: 1, delta: { content: "another answer" } }] }),
    ...reader.push({ id: "x", choices: [{ delta: {}, finish_reason: "tool_calls" }] }),
  ];
  assert.deepEqual(calls(chunks).map(({ callId, name, args }) => [callId, name, args]), [
    ["call_x_1", "f", '{"a":1}'],
    ["call_x_2", "g", "{}"],
  ]);
  assert.equal(said(chunks), "");
  const sameIndex = completionReader(null);
  const both = [named("f", "{}", { index: 0, id: "c1" }), named("f", "{}", { index: 0, id: "c2" })];
  const made = [...sameIndex.push({ choices: [{ delta: { tool_calls: both }, finish_reason: "stop" }] })];
  assert.deepEqual(calls(made).map(({ callId }) => callId), ["c1", "c2"]);
});

test("however the bytes of an answer are cut, text and calls are the same", () => {
  const wire = new TextEncoder().encode(
    chunk({ content: "Grüße <think>漢" }) + chunk({ content: "字</think>😀" }) +
      chunk({ tool_calls: [{ index: 0, id: "c1", function: { name: "f", arguments: '{"a":"' } }] }) +
      chunk({ tool_calls: [{ index: 0, function: { arguments: 'é"}' } }] }) + chunk({}, "tool_calls"),
  );
  fc.assert(fc.property(fc.array(fc.integer({ min: 1, max: 40 }), { maxLength: 80 }), (sizes) => {
    const parser = sseParser();
    const reader = completionReader(THINK_TAGS);
    const chunks: ChatChunk[] = [];
    let at = 0;
    for (const size of [...sizes, wire.length]) {
      for (const { data } of parser.push(wire.subarray(at, at + size))) chunks.push(...reader.push(JSON.parse(data)));
      at += size;
    }
    assert.equal(said(chunks), "Grüße 😀");
    assert.deepEqual(calls(chunks), [{ type: "function", callId: "c1", name: "f", args: '{"a":"é"}' }]);
  }));
});

const served = (...answers: TestServer["answers"]) => async (): Promise<LLM & AsyncDisposable> => {
  const server = await openServer(...answers);
  return {
    ...openaiLLM({ model: "m", baseURL: server.baseURL }),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
};
llmContract("openai", {
  make: served(events(chunk({ content: "Hel" }), chunk({ content: "lo" }, "stop"), DONE)),
  makeStalled: served((response) => {
    response.writeHead(200, { "content-type": "text/event-stream" });
    response.write(chunk({ content: "Hel" }));
  }),
  makeBroken: served(json(500, {})),
});
