import assert from "node:assert/strict";
import { test } from "node:test";
import { virtualRuntime } from "../../adapters/runtime/virtual.ts";
import { type AudioFrame, audioFrame } from "../../src/audio/frame.ts";
import { AgentError } from "../../src/base/error.ts";
import type { STT } from "../../src/model/stt.ts";
import type { VAD } from "../../src/model/vad.ts";
import { Agent } from "../../src/session/agent.ts";
import { AgentSession } from "../../src/session/agent_session.ts";
import { scriptedLLM } from "../../src/testing/scripted_llm.ts";
import { microphone, refusesWith, told, userSays, type World, world } from "./harness.ts";

const errorsOf = (w: World): unknown[] => w.events.flatMap((e) => e.type === "error" ? [e.error.error] : []);

/** A microphone that a test speaks into. */
function pushMicrophone(): {
  readonly stream: ReadableStream<AudioFrame>;
  readonly push: (frame: unknown) => void;
  readonly fail: (error: unknown) => void;
  readonly end: () => void;
} {
  let controller: ReadableStreamDefaultController<AudioFrame> | undefined;
  return {
    stream: new ReadableStream<AudioFrame>({ start: (c) => void (controller = c) }, { highWaterMark: 1_000 }),
    push: (frame) => controller?.enqueue(frame as AudioFrame),
    fail: (error) => controller?.error(error),
    end: () => controller?.close(),
  };
}

test("frames that are none are left out with one error event, and the rest is heard", async () => {
  const mic = pushMicrophone();
  const w = world({ ears: true, microphone: mic.stream });
  await w.start();
  const good = audioFrame(new Int16Array(100), 1_000);
  for (
    const frame of [
      good,
      null,
      7,
      {},
      { ...good, data: new Float32Array(100) },
      { ...good, sampleRate: 0 },
      { ...good, sampleRate: Number.NaN },
      { ...good, channels: 0 },
      { ...good, samplesPerChannel: 99 },
      audioFrame(new Int16Array(0), 1_000),
      good,
    ]
  ) mic.push(frame);
  await w.clock.advance(100);
  assert.equal(errorsOf(w).length, 1);
  assert.equal((errorsOf(w)[0] as AgentError).code, "audio.bad_frame");
  assert.equal(w.vad.streams[0]?.heardMs, 200);
  assert.equal(w.stt.streams[0]?.heardMs, 200);
  await w.close();
});

test("a microphone whose rate and channels change in the middle goes on being heard", async () => {
  const mic = pushMicrophone();
  const w = world({ ears: true, microphone: mic.stream, trace: true });
  await w.start();
  mic.push(audioFrame(new Int16Array(4_410), 44_100));
  mic.push(audioFrame(new Int16Array(1_102), 11_025, 2));
  mic.push(audioFrame(new Int16Array(1), 7));
  await w.clock.advance(100);
  assert.equal(Math.round(w.vad.streams[0]?.heardMs ?? 0), Math.round(100 + 551_000 / 11_025 + 1_000 / 7));
  assert.deepEqual(errorsOf(w), []);
  assert.equal(
    w.trace.filter((r) => r.kind === "step" && r.fact.type === "floor" && r.fact.event.type === "audio.began").length,
    3,
  );
  await w.close();
});

test("a microphone that fails is an error event; text goes on, and another microphone may be given", async () => {
  const mic = pushMicrophone();
  const w = world({ ears: true, microphone: mic.stream });
  await w.start();
  mic.fail(new Error("unplugged"));
  await w.clock.advance(10);
  assert.deepEqual(errorsOf(w).map(String), ["Error: unplugged"]);
  await w.until(w.session.run({ userInput: "Hi" }));
  w.session.input.audio = microphone(w.clock);
  userSays(w, { from: 1_000, until: 2_000, text: "Can you hear me" });
  await w.clock.advance(5_000);
  assert.ok(told(w.session.history.items).includes("user: Can you hear me"));
  await w.close();
  assert.equal(w.clock.armed, 0);
});

test("a microphone that ends is no error, and the session goes on", async () => {
  const mic = pushMicrophone();
  const w = world({ ears: true, microphone: mic.stream });
  await w.start();
  mic.end();
  await w.clock.advance(10);
  assert.deepEqual(errorsOf(w), []);
  assert.equal(mic.stream.locked, false);
  await w.until(w.session.run({ userInput: "Hi" }));
  await w.close();
});

test("a microphone that somebody else reads, or that is none, is refused when it is set", async () => {
  const w = world({ ears: true });
  const taken = new ReadableStream<AudioFrame>();
  taken.getReader();
  const before = w.session.input.audio;
  await refusesWith("session.bad_option", () => (w.session.input.audio = taken));
  await refusesWith("session.bad_option", () => (w.session.input.audio = "mic" as never));
  assert.equal(w.session.input.audio, before);
});

test("a voice activity detector or a recogniser that cannot be opened is an error event, and text goes on", async () => {
  const cannot = (): never => {
    throw new Error("no weights");
  };
  for (const broken of ["vad", "stt"] as const) {
    const w = world({
      ears: true,
      options: broken === "vad"
        ? {
          vad: {
            kind: "vad",
            model: "x",
            provider: "x",
            capabilities: { updateIntervalMs: 50 },
            stream: cannot,
          } as VAD,
        }
        : {
          stt: {
            kind: "stt",
            model: "x",
            provider: "x",
            capabilities: { streaming: true, interimResults: true },
            stream: cannot,
          } as STT,
        },
    });
    const from = w.clock.now();
    await w.start();
    assert.equal(w.clock.now(), from, "it does not wait for what cannot come");
    await w.clock.advance(200);
    await w.until(w.session.run({ userInput: "Hi" }));
    assert.ok(errorsOf(w).length >= 1, broken);
    await w.close();
    assert.equal(w.clock.armed, 0);
  }
});

test("a detector that fails in the middle is an error event, and the recogniser goes on hearing", async () => {
  const w = world({ ears: true });
  await w.start();
  await w.clock.advance(300);
  w.vad.fail(new Error("broken"));
  await w.clock.advance(300);
  assert.deepEqual(errorsOf(w).map(String), ["Error: broken"]);
  const heardMs = w.stt.streams[0]?.heardMs ?? 0;
  await w.clock.advance(500);
  assert.ok((w.stt.streams[0]?.heardMs ?? 0) > heardMs);
  await w.close();
  assert.equal(w.clock.armed, 0);
});

test("a recogniser that gives nonsense is started again, and the session survives", async () => {
  const w = world({ ears: true });
  await w.start();
  w.stt.push(undefined as never);
  await w.clock.advance(10_000);
  await w.until(w.session.run({ userInput: "Hi" }));
  await w.close();
  assert.equal(w.clock.armed, 0);
});

test("a model that throws at once, or whose stream is none, fails its turn alone", async () => {
  for (
    const chat of [
      () => {
        throw new Error("no key");
      },
      () => undefined,
      () => new ReadableStream({ start: (c) => c.enqueue(null) }),
      () => {
        const locked = new ReadableStream();
        locked.getReader();
        return locked;
      },
    ]
  ) {
    const w = world({ options: { llm: { kind: "llm", model: "x", provider: "x", chat } as never } });
    await w.start();
    const handle = w.session.generateReply({ userInput: "Hi" });
    await w.clock.advance(120_000);
    assert.equal(handle.done(), true, String(chat));
    assert.ok(handle.exception() !== undefined, String(chat));
    assert.equal(w.session.isRunning, true);
    await w.close();
    assert.equal(w.clock.armed, 0);
  }
});

test("a model whose stream never starts is given up after its time-outs, and the turn ends", async () => {
  const w = world({ llm: [{ hangs: true }] });
  await w.start();
  const handle = w.session.generateReply({ userInput: "Hi" });
  await w.clock.advance(120_000);
  assert.equal(handle.done(), true);
  assert.ok(handle.exception() instanceof Error);
  await w.close();
  assert.equal(w.clock.armed, 0);
});

test("a logger that throws, or has no methods, stops nothing", async () => {
  const fail = (): never => {
    throw new Error("no disk");
  };
  for (const logger of [{ debug: fail, info: fail, warn: fail, error: fail }, {}]) {
    const w = world({ tts: {}, options: { logger: logger as never } });
    w.session.on("speech_created", fail);
    await w.start();
    await w.until(w.session.say("Hello."));
    await w.close();
    assert.deepEqual(told(w.session.history.items), ["assistant: Hello."]);
  }
});

test("hooks that throw are error events, and nothing stops", async () => {
  class Careless extends Agent {
    override onEnter(): void {
      throw new Error("enter");
    }
    override onExit(): Promise<void> {
      return Promise.reject(new Error("exit"));
    }
    override onUserTurnCompleted(): void {
      throw new Error("turn");
    }
  }
  const w = world({ ears: true, tts: {} });
  await w.start(new Careless({ instructions: "" }));
  userSays(w, { from: 500, until: 1_500, text: "Hello" });
  await w.clock.advance(6_000);
  await w.close();
  assert.deepEqual(errorsOf(w).map(String), ["Error: enter", "Error: turn", "Error: exit"]);
  assert.deepEqual(told(w.session.history.items), ["user: Hello"]);
  assert.equal(w.events.at(-1)?.type, "close");
});

test("a reader of captions that fails does not stop the voice", async () => {
  const w = world({ tts: {} });
  w.session.output.transcription = {
    open: () => new WritableStream({ write: () => Promise.reject(new Error("gone")) }),
  };
  await w.start();
  const handle = w.session.say("Hello there.");
  await w.until(handle);
  assert.deepEqual(told(w.session.history.items), ["assistant: Hello there."]);
  w.session.output.transcription = {
    open: () => {
      throw new Error("cannot");
    },
  };
  const next = w.session.say("And on.");
  await w.until(next);
  assert.deepEqual(told(w.session.history.items), ["assistant: Hello there.", "assistant: And on."]);
  await w.close();
  assert.equal(w.clock.armed, 0);
});

test("a reader of captions that never takes a word does not hold up a voice, nor a text that is cut off", async () => {
  const stuck = { open: () => new WritableStream({ write: () => new Promise<void>(() => {}) }) };
  const voice = world({ tts: {} });
  voice.session.output.transcription = stuck;
  await voice.start();
  const spoken = voice.session.say("Hello there.");
  await voice.clock.advance(20_000);
  assert.equal(spoken.done(), true);
  await voice.close();
  assert.equal(voice.clock.armed, 0);

  const cut = world({ tts: { msPerChar: 100 } });
  cut.session.output.transcription = stuck;
  await cut.start();
  const half = cut.session.say("Hello there, my friend.");
  await cut.clock.advance(1_000);
  half.interrupt();
  await cut.clock.advance(250);
  assert.equal(half.done(), true);
  await cut.close();

  const text = world();
  text.session.output.transcription = stuck;
  await text.start();
  const written = text.session.say("Hello there.");
  await text.clock.advance(1_000);
  const from = text.clock.now();
  await text.until(text.session.interrupt());
  assert.equal(written.done(), true);
  assert.ok(text.clock.now() - from <= 250);
  await text.close();
  assert.equal(text.clock.armed, 0);
});

test("a session that fails in every way does not touch another on the same clock", async () => {
  const runtime = virtualRuntime();
  const bad = world({ runtime, ears: true, tts: {}, llm: [{ error: { retryable: false } }] });
  const good = world({ runtime, ears: true, tts: {} });
  await bad.start();
  await good.start();
  bad.vad.fail(new Error("vad"));
  bad.stt.fail(new Error("stt"));
  for (let n = 0; n < 6; n++) {
    try {
      bad.session.generateReply({ userInput: "x" });
    } catch (error) {
      assert.ok(error instanceof AgentError);
    }
    await runtime.clock.advance(500);
  }
  await runtime.clock.advance(30_000);
  assert.equal(bad.events.at(-1)?.type, "close");
  await good.until(good.session.run({ userInput: "Hi" }));
  assert.deepEqual(told(good.session.history.items), ["user: Hi", "assistant: Hello there."]);
  assert.deepEqual(errorsOf(good), []);
  await good.close();
  assert.equal(runtime.clock.armed, 0);
});

test("one set of models serves many sessions at once", async () => {
  const runtime = virtualRuntime();
  const llm = scriptedLLM([{ ttftMs: 50, text: "Hello." }], { clock: runtime.clock });
  const sessions = Array.from({ length: 20 }, () => new AgentSession({ runtime, llm }));
  await runtime.clock.until(
    Promise.all(sessions.map((session) => session.start({ agent: new Agent({ instructions: "" }) }))),
  );
  await runtime.clock.until(Promise.all(sessions.map((session) => session.run({ userInput: "Hi" }))));
  assert.equal(llm.requests.length, 20);
  await runtime.clock.until(Promise.all(sessions.map((session) => session.close())));
  assert.equal(runtime.clock.armed, 0);
});

test("a room handed to `start` is refused with the way to join it", async () => {
  const w = world();
  const start = w.session.start({ agent: w.agent, room: {} } as never);
  await refusesWith("session.bad_option", () => start);
  await assert.rejects(start, /roomIO\(room\)/);
  await w.start();
  await w.close();
});
