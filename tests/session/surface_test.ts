import assert from "node:assert/strict";
import { test } from "node:test";
import { VERSION } from "../../src/base/version.ts";
import { Agent } from "../../src/session/agent.ts";
import { AgentSession } from "../../src/session/agent_session.ts";
import { recordSession } from "../../src/session/report.ts";
import { tool } from "../../src/tool/define.ts";
import manifest from "../../package.json" with { type: "json" };
import { refusesWith, told, type World, world } from "./harness.ts";

const warnings = (w: World): unknown[] =>
  w.log.flatMap(({ level, fields }) => level === "warn" ? [fields["moved"] ?? fields["short"]] : []);

test("what holds for a session shows every default, and what was given", () => {
  const w = world({
    options: { maxToolSteps: 5, turnHandling: { endpointing: { maxDelay: 900 } }, userAwayTimeout: null },
  });
  const { turnHandling, ...rest } = w.session.sessionOptions;
  assert.deepEqual(turnHandling.endpointing, { mode: "fixed", minDelay: 500, maxDelay: 900, alpha: 0.9 });
  assert.equal(turnHandling.interruption.falseInterruptionTimeout, 2_000);
  assert.equal(turnHandling.preemptiveGeneration.maxRetries, 3);
  assert.deepEqual(rest, {
    maxToolSteps: 5,
    useTtsAlignedTranscript: true,
    ttsTextTransforms: ["filter_markdown", "filter_emoji"],
    minConsecutiveSpeechDelay: 0,
    aecWarmupDuration: 3_000,
    userAwayTimeout: null,
    transcriptionTimeout: null,
    sessionCloseTranscriptTimeout: 2_000,
    connOptions: w.session.connOptions,
  });
  w.session.updateOptions({ turnHandling: { turnDetection: "manual" } });
  assert.equal(w.session.turnDetection, "manual");
  assert.equal(w.session.sessionOptions.turnHandling.turnDetection, "manual");
  w.session.updateOptions({ turnHandling: { turnDetection: null } });
  assert.equal(w.session.turnDetection, null);
  assert.equal(w.session.interruptionDetection, undefined);
  assert.deepEqual(w.session.tools, []);
});

test("the copy of the history is nobody else's", async () => {
  const w = world();
  await w.start();
  await w.until(w.session.generateReply({ userInput: "Hi" }));
  const copy = w.session.chatCtx;
  copy.append(copy.items.at(-1)!.type === "message" ? { ...copy.items.at(-1)!, id: "more" } : copy.items.at(-1)!);
  assert.equal(w.session.history.length, copy.length - 1);
  await w.close();
});

test("options by their old names hold, and the log names the new ones once", async () => {
  const w = world({ options: { minEndpointingDelay: 100, voiceOptions: { maxToolSteps: 9 } } as object });
  assert.equal(w.session.sessionOptions.turnHandling.endpointing.minDelay, 100);
  assert.equal(w.session.sessionOptions.maxToolSteps, 9);
  assert.deepEqual(warnings(w), [[
    "minEndpointingDelay -> turnHandling.endpointing.minDelay",
    "voiceOptions.maxToolSteps -> maxToolSteps",
  ]]);
  w.log.length = 0;
  const agent = new Agent({ instructions: "", allowInterruptions: false });
  await w.start(agent);
  assert.equal(w.session.say("x").allowInterruptions, false);
  assert.deepEqual(warnings(w), [["allowInterruptions -> turnHandling.interruption.enabled"]]);
  await w.close();
});

test("times that were likely meant as seconds are told, and hold as they are", () => {
  const w = world({ options: { userAwayTimeout: 15, turnHandling: { endpointing: { minDelay: 0.5, maxDelay: 3 } } } });
  assert.deepEqual(warnings(w), [[
    "turnHandling.endpointing.minDelay",
    "turnHandling.endpointing.maxDelay",
    "userAwayTimeout",
  ]]);
  assert.equal(w.session.sessionOptions.userAwayTimeout, 15);
  assert.deepEqual(
    warnings(world({ options: { userAwayTimeout: 0, turnHandling: { endpointing: { minDelay: 0 } } } })),
    [],
  );
});

test("an agent's options are checked when it is made", async () => {
  for (
    const options of [
      {},
      { instructions: 7 },
      { instructions: "", tolls: [] },
      { instructions: "", tools: ["weather"] },
      { instructions: "", id: "" },
      { instructions: "", llm: "gpt" },
      { instructions: "", turnHandling: { endpointing: { minDelay: -1 } } },
      { instructions: "", toolHandling: { asyncOptions: { updateTemplate: 7 } } },
      { instructions: "", toolHandling: { asyncOptions: { template: "x" } } },
    ]
  ) await refusesWith("session.bad_option", () => new Agent(options as never));
  await refusesWith(
    "session.bad_option",
    () => new AgentSession({ toolHandling: { asyncOptions: { x: "" } } } as never),
  );
});

test("replies can be held back and let go only while the session runs", async () => {
  const w = world();
  await refusesWith("session.not_running", () => w.session.pauseReplyAuthorization());
  await refusesWith("session.not_running", () => w.session.resumeReplyAuthorization());
  await w.start();
  w.session.pauseReplyAuthorization();
  const handle = w.session.say("Hello.");
  await w.clock.advance(1_000);
  assert.equal(handle.done(), false);
  w.session.resumeReplyAuthorization();
  await w.until(handle);
  await w.close();
});

test("a captured start gives all that onEnter did, also behind a close; on a running session it gives nothing", async () => {
  class Greeter extends Agent {
    override onEnter({ session }: Parameters<Agent["onEnter"]>[0]): void {
      session.generateReply({ instructions: "Greet." });
    }
  }
  const w = world();
  for (let round = 0; round < 2; round++) {
    const run = await w.until(w.session.start({ agent: new Greeter({ instructions: "" }), captureRun: true }));
    assert.deepEqual(run?.events.map(({ type }) => type), ["agent_handoff", "message"]);
    assert.equal(await w.until(w.session.start({ agent: w.agent, captureRun: true })), undefined);
    await w.close();
  }
  const running = world({ llm: [{ hangs: true }] });
  await running.start();
  running.session.run({ userInput: "Hi" }).wait().catch(() => {});
  await running.close();
  const failing = world();
  await assert.rejects(failing.until(failing.session.start({
    agent: failing.agent,
    captureRun: true,
    io: { attach: () => Promise.reject(new Error("no room")) },
  })));
  await failing.start(); // the way is free
  await failing.until(failing.session.run({ userInput: "Hi" }));
  await failing.close();
});

test("waiting for silence resolves when nobody speaks, and rejects at the close and with its signal", async () => {
  const w = world({ tts: { msPerChar: 100 } });
  await refusesWith("session.not_running", () => w.session.waitForIdle());
  await w.session.waitForInactive();
  await w.start();
  let at = -1;
  const speech = w.session.say("Ten letters");
  void w.session.waitForIdle().then(() => (at = w.clock.now()));
  await w.until(speech);
  await w.clock.advance(0);
  assert.equal(at, 1_100);
  const abort = new AbortController();
  w.session.say("Ten letters");
  const stopped = w.session.waitForIdle({ signal: abort.signal });
  abort.abort(new Error("enough"));
  await assert.rejects(stopped, /enough/);
  const closing = w.session.waitForIdle();
  const inactive = w.session.waitForInactive();
  closing.catch(() => {});
  await w.close();
  await refusesWith("session.closing", () => closing);
  await inactive;
  assert.equal(w.clock.armed, 0);
});

test("a report has LiveKit's names and units, and nothing that is alive", async () => {
  const w = world({
    tts: { msPerChar: 10 },
    llm: [
      {
        when: { user: "Go" },
        times: 1,
        toolCalls: [{ name: "now", id: "c1", args: {} }],
        usage: { promptTokens: 3, promptCachedTokens: 0, completionTokens: 2, totalTokens: 5 },
      },
      { when: { user: "Fail" }, error: { retryable: false, error: new Error("secret") } },
      { text: "Noon." },
    ],
    agent: { tools: [tool({ name: "now", description: "", execute: () => "noon" })] },
  });
  const recorder = recordSession(w.session);
  await w.start();
  await w.until(w.session.generateReply({ userInput: "Go" }));
  await w.until(w.session.generateReply({ userInput: "Fail" }));
  await w.close();
  const report = recorder.report({
    jobId: "job_1",
    recording: { path: "/tmp/audio.ogg", startedAt: w.session.startedAt },
  });
  const text = JSON.stringify(report);
  assert.doesNotMatch(text, /secret/);
  assert.doesNotMatch(text, /metrics_collected/);
  assert.equal(report["sdk_version"], manifest.version);
  assert.equal(report["job_id"], "job_1");
  assert.equal(report["duration"], (w.session["~core"].wall() - w.session.startedAt) / 1000);
  assert.equal((report["options"] as Record<string, unknown>)["user_away_timeout"], 15);
  assert.deepEqual(report["usage"], [
    { type: "llm_usage", provider: "repartee", model: "scripted", input_tokens: 3, output_tokens: 2 },
    { type: "tts_usage", provider: "repartee", model: "scripted", characters_count: 5, audio_duration: 0.05 },
  ]);
  const history = (report["chat_history"] as { items: Record<string, unknown>[] }).items;
  assert.equal(history.length, w.session.history.length);
  const message = w.session.history.items.find((item) => item.type === "message" && item.role === "assistant");
  const written = history.find(({ id }) => id === message?.id);
  assert.ok(message?.type === "message" && written !== undefined);
  assert.equal(written["created_at"], message.createdAt / 1000);
  assert.equal(
    (written["metrics"] as Record<string, unknown>)["started_speaking_at"],
    message.metrics.startedSpeakingAt! / 1000,
  );
  const events = report["events"] as Record<string, unknown>[];
  const created = events.find(({ type }) => type === "speech_created")!;
  assert.deepEqual(Object.keys(created).toSorted(), ["created_at", "source", "speech_id", "type", "user_initiated"]);
  assert.deepEqual(events.find(({ type }) => type === "error")!["source"], { model: "scripted", provider: "repartee" });
  assert.deepEqual(events.at(-1), {
    type: "close",
    created_at: w.session["~core"].wall() / 1000,
    reason: "user_initiated",
    error: null,
  });
  assert.deepEqual(JSON.parse(text), report); // it is plain data

  await w.start();
  assert.equal(recorder.events[0]?.type, "conversation_item_added"); // a start begins anew
  recorder.end();
  const { length } = recorder.events;
  await w.close();
  assert.equal(recorder.events.length, length);
});

test("every event is written down once, in the order in which it went out", async () => {
  const w = world();
  const recorder = recordSession(w.session);
  w.session.on("speech_created", () => void 0);
  await w.start();
  await w.until(w.session.generateReply({ userInput: "Hi" }));
  await w.close();
  assert.deepEqual(recorder.events, w.events);
  assert.equal(told(w.session.history.items).length, 2);
});

test("what models cost for a speech is measured as that speech, through a node that hands its context on, too", async () => {
  class Passing extends Agent {
    override llmNode(...args: Parameters<Agent["llmNode"]>): ReturnType<Agent["llmNode"]> {
      return super.llmNode(...args);
    }
  }
  for (const agent of [new Agent({ instructions: "" }), new Passing({ instructions: "" })]) {
    const w = world({ tts: {} });
    await w.start(agent);
    const handle = w.session.generateReply({ userInput: "Hi" });
    await w.until(handle);
    await w.close();
    const measured = w.events.flatMap((event) =>
      event.type === "metrics_collected" && "speechId" in event.metrics
        ? [`${event.metrics.type} ${event.metrics.speechId === handle.id}`]
        : []
    );
    assert.deepEqual(measured.toSorted(), ["llm_metrics true", "tts_metrics true"]);
  }
});

test("how quickly a model wrote is noted with its message, where its text took time and its tokens were counted", async () => {
  const usage = { promptTokens: 1, promptCachedTokens: 0, completionTokens: 10, totalTokens: 11 };
  const w = world({
    llm: [
      { when: { user: "Slowly" }, chunks: [{ text: "One " }, { text: "two.", afterMs: 500 }], usage },
      { when: { user: "At once" }, text: "One two.", usage },
    ],
  });
  await w.start();
  await w.until(w.session.generateReply({ userInput: "Slowly" }));
  await w.until(w.session.generateReply({ userInput: "At once" }));
  const rates = w.session.history.items.flatMap((item) =>
    item.type === "message" && item.role === "assistant" ? [item.metrics.llmNodeTps] : []
  );
  assert.deepEqual(rates, [20, undefined]);
  await w.close();
});

test("the version is that of the manifest", () => assert.equal(VERSION, manifest.version));

test("while a turn of the user's is being handled the user counts as speaking, and whoever waits for silence waits", async () => {
  const w = world();
  await w.start();
  const first = w.session["~claimUserTurn"]();
  const second = w.session["~claimUserTurn"]();
  assert.equal(w.session.userState, "speaking");
  let at: number | undefined;
  void w.session.waitForIdle().then(() => (at = w.clock.now()));
  await w.clock.advance(1_000);
  first();
  first(); // once is enough
  await w.clock.advance(1_000);
  assert.equal(at, undefined);
  assert.equal(w.session.userState, "speaking");
  second();
  await w.clock.advance(1);
  assert.equal(at, 2_000);
  assert.equal(w.session.userState, "listening");

  const third = w.session["~claimUserTurn"]();
  await w.close();
  third();
  assert.equal(w.session.userState, "listening");
  assert.equal(w.clock.armed, 0);
});

test("toolCtx is what the next request offers, by name", async () => {
  const make = (name: string) => tool({ name, description: name, execute: () => name });
  const w = world({ agent: { tools: [make("own")] }, options: { tools: [make("shared")] } });
  await refusesWith("session.not_running", () => void w.session.toolCtx);
  await w.start();
  assert.deepEqual([...w.session.toolCtx.functionTools.keys()].sort(), ["own", "shared"]);
  w.agent.updateTools([]);
  assert.deepEqual([...w.session.toolCtx.functionTools.keys()], ["shared"]);
  await w.close();
});
