/** Runs that must end with an output of a type. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { z } from "zod";
import type { ErrorCode } from "../../src/base/error.ts";
import { UnexpectedModelBehavior } from "../../src/model/error.ts";
import { AgentTask } from "../../src/session/agent_task.ts";
import type { ScriptedReply } from "../../src/testing/scripted_llm.ts";
import { tool } from "../../src/tool/define.ts";
import { refusesWith, told, type World, world } from "./harness.ts";

const address = z.object({ street: z.string(), number: z.number().int() });

/** Completes with whatever the model gives. */
class AskAddress extends AgentTask<unknown> {
  constructor() {
    super({
      instructions: "Find out the address.",
      tools: [tool({
        name: "give",
        description: "Gives the address.",
        parameters: { type: "object", properties: { value: {} } },
        execute: ({ value }) => this.complete(value),
      })],
    });
  }
}

const gives = (value: unknown): ScriptedReply => ({ toolCalls: [{ name: "give", id: "c", args: { value } }] });

async function asking(...llm: readonly ScriptedReply[]): Promise<World> {
  const w = world({ llm });
  await w.start(new AskAddress());
  return w;
}

const unexpected = (work: PromiseLike<unknown>, message: RegExp) =>
  assert.rejects(
    async () => await work,
    (error) => error instanceof UnexpectedModelBehavior && message.test(error.message),
  );

async function ends(w: World): Promise<void> {
  await w.close();
  assert.equal(w.clock.armed, 0);
}

test("a run ends with what a task completes with, as its type reads it", async () => {
  const w = await asking({ when: { user: "Here." }, ...gives({ street: "Quay", number: 7 }) });
  const { finalOutput, events } = await w.until(w.session.run({ userInput: "Here.", outputType: address }));
  assert.equal(finalOutput.street.toUpperCase(), "QUAY");
  assert.equal(finalOutput.number, 7);
  assert.deepEqual(events.map(({ type }) => type), ["function_call", "function_call_output"]);
  await ends(w);
});

test("a model that answers in words alone is reminded, and what it does then belongs to the same run", async () => {
  const w = await asking(
    { when: { user: "Here." }, text: "Quay 7, I see." },
    { when: { system: "Hand it over." }, ...gives({ street: "Quay", number: 7 }) },
  );
  const result = await w.until(w.session.run({
    userInput: "Here.",
    outputType: address,
    outputOptions: { retryInstructions: "Hand it over." },
  }));
  assert.deepEqual(result.finalOutput, { street: "Quay", number: 7 });
  assert.deepEqual(told(result.events.map(({ item }) => item)).map((line) => line.split(" ")[0]), [
    "assistant:",
    "call",
    "output",
  ]);
  assert.equal(w.llm.requests.length, 2);
  await ends(w);
});

test("after two reminders the run is over without an output; none are made when they are switched off", async () => {
  const w = await asking({ text: "I see." });
  await unexpected(w.until(w.session.run({ userInput: "Here.", outputType: address })), /none, after 2 reminders/);
  assert.equal(w.llm.requests.length, 3);
  await unexpected(
    w.until(w.session.run({ userInput: "Here.", outputType: address, outputOptions: null })),
    /none, after 0 reminders/,
  );
  assert.equal(w.llm.requests.length, 4);
  await unexpected(
    w.until(w.session.run({ userInput: "Here.", outputType: address, outputOptions: { maxRetries: 1 } })),
    /none, after 1 reminders/,
  );
  const { events } = await w.until(w.session.run({ userInput: "Still there?" })); // and the session goes on
  assert.equal(events.length, 1);
  await ends(w);
});

test("an output that does not fit is not asked for again", async () => {
  const w = await asking({ when: { user: "Here." }, ...gives({ street: 7 }) });
  await unexpected(w.until(w.session.run({ userInput: "Here.", outputType: address })), /must fit `outputType`/);
  assert.equal(w.llm.requests.length, 1);
  await ends(w);
});

test("null is an output, and a schema may take its time", async () => {
  const w = await asking({ when: { user: "None." }, ...gives(null) });
  const slow = z.null().refine(async () => true);
  const { finalOutput } = await w.until(w.session.run({ userInput: "None.", outputType: slow }));
  assert.equal(finalOutput, null);
  await ends(w);
});

test("a task that completes with an error rejects the run with it, without a reminder", async () => {
  const w = world({ llm: [{ when: { user: "Here." }, ...gives("x") }] });
  const failed = new Error("No such street");
  class Fails extends AskAddress {
    override complete(): void {
      super.complete(failed);
    }
  }
  await w.start(new Fails());
  const run = w.session.run({ userInput: "Here.", outputType: address });
  await assert.rejects(async () => await w.until(run), failed);
  assert.equal(w.llm.requests.length, 1);
  await ends(w);
});

test("a session that closes ends the run, also while the model is being reminded", async () => {
  const w = await asking({ when: { request: 0 }, text: "I see." }, { hangs: true, ttftMs: 1 });
  const run = w.session.run({ userInput: "Here.", outputType: address });
  const over = assert.rejects(async () => await run, (error) => (error as { code: ErrorCode }).code === "run.closed");
  await w.clock.advance(1_000);
  assert.equal(w.llm.requests.length, 2);
  await ends(w);
  await over;
});

test("what is no type, and no count, is refused, and leaves no run behind", async () => {
  const w = await asking({ text: "Hello." });
  await refusesWith("session.bad_option", () => w.session.run({ userInput: "x", outputType: "address" as never }));
  const outputOptions = { maxRetries: -1 };
  await refusesWith("session.bad_option", () => w.session.run({ userInput: "x", outputType: address, outputOptions }));
  await w.until(w.session.run({ userInput: "x" }));
  await ends(w);
});
