import assert from "node:assert/strict";
import { test } from "node:test";
import { AgentError, REMEDIES } from "../../src/base/error.ts";
import { connectOptions, sessionConnectOptions } from "../../src/model/connect_options.ts";
import {
  APIConnectionError,
  APIError,
  APIStatusError,
  APITimeoutError,
  createAPIErrorFromHTTP,
  isAPIError,
  isRetryable,
  RealtimeError,
  UnexpectedModelBehavior,
} from "../../src/model/error.ts";

test("the family is one of errors with codes, and keeps its names", () => {
  const errors = [
    new APIError("a"),
    new APIStatusError(),
    new APIConnectionError(),
    new APITimeoutError(),
    new RealtimeError("a", { providerCode: "x" }),
    new UnexpectedModelBehavior("a"),
  ];
  assert.deepEqual(errors.map(({ name, code }) => [name, code]), [
    ["APIError", "model.bad_response"],
    ["APIStatusError", "model.status"],
    ["APIConnectionError", "model.connection"],
    ["APITimeoutError", "model.timeout"],
    ["RealtimeError", "model.realtime"],
    ["UnexpectedModelBehavior", "model.unexpected"],
  ]);
  for (const error of errors) {
    assert.ok(error instanceof AgentError);
    assert.ok(error.code in REMEDIES);
  }
  assert.ok(new APITimeoutError() instanceof APIConnectionError);
  assert.deepEqual(errors.map(isAPIError), [true, true, true, true, false, false]);
  assert.equal((errors[4] as RealtimeError).providerCode, "x");
});

test("an error is retryable unless it says otherwise, and has no body", () => {
  const error = new APIError("a");
  assert.deepEqual([error.retryable, error.body], [true, null]);
  assert.equal(new APIError("a", { retryable: false }).retryable, false);
  assert.equal(isRetryable(new TypeError("a")), false);
});

test("a status decides over retries: 4xx never, but for 408, 429 and 499, and an explicit no always holds", () => {
  const retryable = (statusCode?: number, given?: boolean): boolean =>
    new APIStatusError({
      options: {
        ...(statusCode === undefined ? {} : { statusCode }),
        ...(given === undefined ? {} : { retryable: given }),
      },
    }).retryable;
  assert.deepEqual([undefined, 400, 401, 404, 408, 429, 499, 500, 503].map((status) => retryable(status)), [
    true,
    false,
    false,
    false,
    true,
    true,
    true,
    true,
    true,
  ]);
  assert.equal(retryable(401, true), false);
  assert.equal(retryable(429, false), false);
  assert.equal(retryable(500, false), false);
});

test("a status error tells what it knows", () => {
  const bare = new APIStatusError({ message: "No", options: { statusCode: 503 } });
  assert.equal(String(bare), "APIStatusError: No (status 503, retryable)");
  const full = new APIStatusError({ message: "No", options: { statusCode: 400, requestId: "r1", body: { a: 1 } } });
  assert.equal(String(full), 'APIStatusError: No (status 400, not retryable, request r1, body {"a":1})');
  const loop: Record<string, unknown> = {};
  loop["self"] = loop;
  assert.match(String(new APIStatusError({ options: { body: loop } })), /cannot be shown/);
});

test("a connection error tells the root of its causes", () => {
  const withCause = (cause: unknown): string => String(new APIConnectionError({ message: "No", options: { cause } }));
  assert.equal(String(new APIConnectionError({ message: "No" })), "APIConnectionError: No");
  assert.equal(
    withCause(new Error("outer", { cause: new TypeError("root") })),
    "APIConnectionError: No (TypeError: root)",
  );
  assert.equal(withCause(new TypeError("")), "APIConnectionError: No (TypeError)");
  assert.equal(withCause("text"), "APIConnectionError: No (string: text)");
  assert.equal(withCause(new APITimeoutError({ message: "Late" })), "APIConnectionError: No (Late)");
  const unspeakable = {
    toString() {
      throw new Error("no");
    },
  };
  assert.equal(withCause(unspeakable), "APIConnectionError: No (object)");
});

test("a chain of causes that bites its tail, or never ends, is cut", () => {
  const own = new APIConnectionError({ message: "No" });
  own.cause = own;
  assert.equal(String(own), "APIConnectionError: No");
  const [a, b] = [new Error("a"), new Error("b")];
  a.cause = b;
  b.cause = a;
  assert.equal(
    String(new APIConnectionError({ message: "No", options: { cause: a } })),
    "APIConnectionError: No (Error: b)",
  );
  let chain = new Error("0");
  for (let index = 1; index < 20; index += 1) chain = new Error(`${index}`, { cause: chain });
  assert.equal(
    String(new APIConnectionError({ message: "No", options: { cause: chain } })),
    "APIConnectionError: No (Error: 10)",
  );
});

test("an answer of HTTP becomes an error that says what its status means", () => {
  const error = createAPIErrorFromHTTP("No such model", { status: 404, requestId: "r1", body: "text" });
  assert.equal(error.message, "Not Found (404): No such model");
  assert.deepEqual([error.statusCode, error.requestId, error.body, error.retryable], [404, "r1", "text", false]);
  assert.equal(createAPIErrorFromHTTP("not found", { status: 404 }).message, "Not Found (404)");
  assert.equal(createAPIErrorFromHTTP(" ", { status: 599 }).message, "HTTP 599");
});

test("connect options have defaults, and refuse what makes no sense", () => {
  assert.deepEqual(connectOptions(), { maxRetry: 3, retryIntervalMs: 2_000, timeoutMs: 10_000 });
  assert.equal(sessionConnectOptions().maxUnrecoverableErrors, 3);
  assert.equal(sessionConnectOptions({ sttConnOptions: { maxRetry: 0 } }).sttConnOptions.maxRetry, 0);
  for (const bad of [{ maxRetry: -1 }, { maxRetry: 1.5 }, { retryIntervalMs: -1 }, { timeoutMs: NaN }]) {
    assert.throws(() => connectOptions(bad), { code: "model.bad_option" });
  }
  assert.throws(() => sessionConnectOptions({ maxUnrecoverableErrors: -1 }), { code: "model.bad_option" });
});
