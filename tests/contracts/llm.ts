/**
 * What every language model must do. A model passes `llmContract`, on every runtime.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ChatContext } from "../../src/chat/context.ts";
import type { ChatChunk, ChatRequest, LLM } from "../../src/model/llm.ts";

/** What the suite asks of the model under test. */
export interface LLMContractOptions {
  /** Makes a model that answers any request with some text, in more than one chunk. */
  readonly make: () => (LLM & Partial<AsyncDisposable>) | Promise<LLM & Partial<AsyncDisposable>>;
  /** Makes a model that gives a first chunk and then nothing, until it is stopped. */
  readonly makeStalled: () => (LLM & Partial<AsyncDisposable>) | Promise<LLM & Partial<AsyncDisposable>>;
  /** Makes a model whose every request fails. */
  readonly makeBroken: () => (LLM & Partial<AsyncDisposable>) | Promise<LLM & Partial<AsyncDisposable>>;
  /** Lets time pass, for a model on a clock of its own. */
  readonly settle?: () => Promise<void>;
}

/** Holds a model to the contract. */
export function llmContract(name: string, { make, makeStalled, makeBroken, settle }: LLMContractOptions): void {
  const check = (title: string, from: LLMContractOptions["make"], run: (llm: LLM) => Promise<void>): void => {
    test(`${name}: ${title}`, async () => {
      const llm = await from();
      try {
        await run(llm);
      } finally {
        await llm[Symbol.asyncDispose]?.();
      }
    });
  };
  const request = (fields: Partial<ChatRequest> = {}): ChatRequest => {
    const chatCtx = new ChatContext();
    chatCtx.addMessage({ role: "user", content: "Say hello." });
    return { chatCtx, ...fields };
  };
  const read = async (stream: ReadableStream<ChatChunk>): Promise<ChatChunk[]> => {
    const chunks: ChatChunk[] = [];
    const reading = (async () => {
      for await (const chunk of stream) chunks.push(chunk);
    })();
    await Promise.all([reading, settle?.()]);
    return chunks;
  };
  const textOf = (chunks: readonly ChatChunk[]): string => chunks.map(({ delta }) => delta?.content ?? "").join("");

  check("says what it is", make, async (llm) => {
    assert.equal(llm.kind, "llm");
    assert.ok(llm.model !== "" && llm.provider !== "");
  });

  check("answers in chunks of plain data, and ends", make, async (llm) => {
    const chunks = await read(llm.chat(request()));
    assert.ok(chunks.length > 1);
    assert.notEqual(textOf(chunks).trim(), "");
    assert.deepEqual(structuredClone(chunks), chunks);
    for (const { id } of chunks) assert.equal(typeof id, "string");
  });

  check("answers several requests at once, each in its own stream", make, async (llm) => {
    const [one, two] = await Promise.all([read(llm.chat(request())), read(llm.chat(request()))]);
    assert.notEqual(textOf(one!), "");
    assert.notEqual(textOf(two!), "");
  });

  check("lets its conversation alone", make, async (llm) => {
    const given = request();
    const before = JSON.stringify(given.chatCtx.items);
    await read(llm.chat(given));
    assert.equal(JSON.stringify(given.chatCtx.items), before);
  });

  check("gives nothing under a signal that was aborted before", make, async (llm) => {
    const chunks: ChatChunk[] = [];
    try {
      for await (const chunk of llm.chat(request({ signal: AbortSignal.abort() }))) chunks.push(chunk);
    } catch {
      // It may end or fail: what counts is that nothing comes.
    }
    assert.deepEqual(chunks, []);
  });

  check("stops when its signal is aborted, though it waits", makeStalled, async (llm) => {
    const stop = new AbortController();
    const reader = llm.chat(request({ signal: stop.signal })).getReader();
    const first = reader.read();
    await settle?.();
    assert.equal((await first).done, false);
    const waiting = reader.read().then(({ done }) => assert.equal(done, true), () => {});
    stop.abort();
    await waiting;
  });

  check("stops when its reader leaves, though it waits", makeStalled, async (llm) => {
    const reader = llm.chat(request()).getReader();
    const first = reader.read();
    await settle?.();
    await first;
    const waiting = reader.read();
    await reader.cancel();
    assert.equal((await waiting).done, true);
  });

  check("fails in its stream, and does not throw", makeBroken, async (llm) => {
    const stream = llm.chat(request());
    await assert.rejects(read(stream), Error);
  });
}
