import assert from "node:assert/strict";
import { test } from "node:test";
import { emitter, type EventGap } from "../../src/base/emitter.ts";

type Fact = { readonly type: "said"; readonly text: string } | { readonly type: "ended" };
const said = (text: string): Fact => ({ type: "said", text });
const make = () => {
  const errors: unknown[] = [];
  return { errors, facts: emitter<Fact>({ onError: (error) => errors.push(error) }) };
};

test("listeners are called at once, in the order in which they were added", () => {
  const { facts } = make();
  const calls: string[] = [];
  facts.on("said", ({ text }) => calls.push(`first ${text}`));
  facts.on("ended", () => calls.push("ended"));
  facts.on("said", ({ text }) => calls.push(`second ${text}`));
  facts.emit(said("a"));
  assert.deepEqual(calls, ["first a", "second a"]);
});

test("what `on` returns takes off that listener alone, however often", () => {
  const { facts } = make();
  let count = 0;
  const listener = () => count += 1;
  const off = facts.on("ended", listener);
  facts.on("ended", listener);
  off();
  off();
  facts.emit({ type: "ended" });
  assert.equal(count, 1);
});

test("`off` takes off the latest of the same listener, and none that it does not know", () => {
  const { facts } = make();
  const calls: string[] = [];
  const twice = () => calls.push("twice");
  facts.on("ended", twice);
  facts.on("ended", () => calls.push("between"));
  facts.once("ended", twice);
  facts.off("ended", twice);
  facts.off("ended", () => {});
  facts.off("said", () => {});
  facts.emit({ type: "ended" });
  assert.deepEqual(calls, ["twice", "between"]);
});

test("`once` hears one fact, even when it causes the next", () => {
  const { facts } = make();
  const heard: string[] = [];
  facts.once("said", ({ text }) => {
    heard.push(text);
    facts.emit(said("again"));
  });
  facts.emit(said("first"));
  assert.deepEqual(heard, ["first"]);
});

test("a listener added during a fact hears the next one; one taken off hears this one no more", () => {
  const { facts } = make();
  const calls: string[] = [];
  facts.once("said", () => {
    facts.on("said", ({ text }) => calls.push(`late ${text}`));
    off();
  });
  const off = facts.on("said", ({ text }) => calls.push(`gone ${text}`));
  facts.emit(said("a"));
  facts.emit(said("b"));
  assert.deepEqual(calls, ["late b"]);
});

test("a signal takes the listener off, and one that is aborted already adds none", () => {
  const { facts } = make();
  const calls: string[] = [];
  const controller = new AbortController();
  facts.on("said", ({ text }) => calls.push(text), { signal: controller.signal });
  facts.emit(said("a"));
  controller.abort();
  facts.emit(said("b"));
  facts.on("said", ({ text }) => calls.push(text), { signal: controller.signal });
  facts.emit(said("c"));
  assert.deepEqual(calls, ["a"]);
});

test("a listener that throws or rejects is reported, and the others are called", async () => {
  const { errors, facts } = make();
  const calls: string[] = [];
  facts.on("ended", () => {
    throw new Error("thrown");
  });
  facts.on("ended", () => Promise.reject(new Error("rejected")));
  facts.on("ended", () => calls.push("reached"));
  facts.emit({ type: "ended" });
  await Promise.resolve();
  assert.deepEqual(calls, ["reached"]);
  assert.deepEqual(errors.map((error) => (error as Error).message), ["thrown", "rejected"]);
});

test("an `onError` that throws itself stops nothing", () => {
  const facts = emitter<Fact>({
    onError: () => {
      throw new Error("logger broke");
    },
  });
  let wasReached = false;
  facts.on("ended", () => {
    throw new Error("listener broke");
  });
  facts.on("ended", () => wasReached = true);
  facts.emit({ type: "ended" });
  assert.equal(wasReached, true);
});

async function readAll(stream: ReadableStream<Fact | EventGap>): Promise<(Fact | EventGap)[]> {
  const all: (Fact | EventGap)[] = [];
  for await (const event of stream) all.push(event);
  return all;
}

test("each stream gets the facts from its making on, and ends with the emitter", async () => {
  const { facts } = make();
  const early = facts.events();
  facts.emit(said("a"));
  const late = facts.events();
  facts.emit(said("b"));
  facts.close();
  facts.emit(said("c"));
  assert.deepEqual(await readAll(early), [said("a"), said("b")]);
  assert.deepEqual(await readAll(late), [said("b")]);
  assert.deepEqual(await readAll(facts.events()), []);
});

test("a stream that waits is woken by the next fact", async () => {
  const { facts } = make();
  const reader = facts.events().getReader();
  const read = reader.read();
  facts.emit(said("a"));
  assert.deepEqual(await read, { done: false, value: said("a") });
  const end = reader.read();
  facts.close();
  assert.equal((await end).done, true);
});

test("a slow reader loses the oldest facts and is told how many", async () => {
  const { facts } = make();
  const events = facts.events({ limit: 2 });
  for (const text of ["a", "b", "c", "d", "e"]) facts.emit(said(text));
  facts.close();
  assert.deepEqual(await readAll(events), [{ type: "gap", droppedCount: 3 }, said("d"), said("e")]);
});

test("streams fail with the reason the emitter is closed with", async () => {
  const { facts } = make();
  const waiting = facts.events().getReader().read();
  const unread = facts.events();
  const reason = new Error("lost");
  facts.close({ reason });
  await assert.rejects(waiting, reason);
  await assert.rejects(readAll(unread), reason);
});

test("a stream that is cancelled, idle or waiting, is let go", async () => {
  const { facts } = make();
  await facts.events().cancel();
  const reader = facts.events().getReader();
  const waiting = reader.read();
  await reader.cancel();
  assert.equal((await waiting).done, true);
  facts.emit(said("a")); // must not throw into the caller
  facts.close();
});

test("names and facts are typed by the union", () => {
  const { facts } = make();
  facts.on("said", (event) => event.text satisfies string);
  // @ts-expect-error: no such name
  facts.on("sang", () => {});
  // @ts-expect-error: `ended` has no text
  facts.on("ended", (event) => event.text);
  // @ts-expect-error: the text is missing
  const bad: Parameters<typeof facts.emit>[0] = { type: "said" };
  assert.equal(bad.type, "said");
});
