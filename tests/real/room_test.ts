/** A session in a room of a real LiveKit server, with scripted models: who is heard, who hears, what is read, and how it ends. */
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { dispose, Room } from "@livekit/rtc-node";
import {
  waitForAgent,
  waitForParticipant,
  waitForParticipantAttribute,
  waitForTrackPublication,
} from "../../adapters/livekit/mod.ts";
import { type LiveKitServer, missingLiveKitServer, openLiveKitServer } from "../../scripts/livekit_server.ts";
import {
  Agent,
  AgentError,
  AgentSession,
  type AudioFrame,
  type AudioInputPart,
  type ModelSettings,
  type NodeResult,
  type SpeechEvent,
} from "../../mod.ts";
import { scriptedSTT } from "../../src/testing/mod.ts";
import { roomIO } from "../../adapters/livekit/mod.ts";
import { told } from "../session/harness.ts";
import { Caller, isFinal, sleep, until, wallNow } from "./room_caller.ts";
import {
  acksOf,
  mostOf,
  newRoom,
  type RoomSession,
  runtime,
  soundOf,
  startSession,
  strengthOf,
  tone,
} from "./room_session.ts";

/** Remembers what reaches the recogniser. */
class Listener extends Agent {
  readonly heard: AudioFrame[] = [];

  override sttNode(audio: ReadableStream<AudioInputPart>, settings: ModelSettings): NodeResult<SpeechEvent> {
    const tap = new TransformStream<AudioInputPart, AudioInputPart>({
      transform: (part, controller) => {
        if ("data" in part) this.heard.push(part);
        controller.enqueue(part);
      },
    });
    return super.sttNode(audio.pipeThrough(tap), settings);
  }
}

/** As long as it was said: nothing is lost, and the caller's jitter buffer may stretch it when the machine is busy. */
function assertLasts(heardMs: number, saidMs: number): void {
  assert.ok(heardMs >= saidMs - 100 && heardMs <= saidMs + 300, `${heardMs} ms were heard of ${saidMs}`);
}

/** What counts as heard was heard; and all that was heard counts, but for what a jitter buffer stretches. */
function assertTells(toldMs: number, heardMs: number): void {
  assert.ok(toldMs <= heardMs + 80 && toldMs >= heardMs - 250, `${toldMs} ms told, ${heardMs} ms heard`);
}

/** The events that a room is listened to for, but by LiveKit's own tracks. */
const listenersOf = (room: Room): string[] =>
  room.eventNames().filter((name) => name !== "tokenRefreshed").flatMap((name) =>
    room.listeners(name as never).map(() => String(name))
  );

const reason = missingLiveKitServer();

describe("a session in a room", { skip: reason ?? false }, () => {
  let server: LiveKitServer;
  before(async () => void (server = await openLiveKitServer()));
  after(async () => {
    await server.stop();
    await dispose();
  });

  const speaking = ({ userStates }: RoomSession): boolean => userStates.at(-1) === "speaking";

  describe("its sink", () => {
    it("keeps what is said before the caller comes, and plays it whole", async () => {
      const room = newRoom();
      await using a = await startSession(server, { room });
      const handle = a.session.say("Hello.", { audio: soundOf(tone(1_000)) });
      await sleep(1_000);
      assert.equal(handle.done(), false);
      await using caller = await Caller.join(server, { room });
      const { from, to } = await caller.hearsOut(0);
      assertLasts(to - from, 1_000);
      await handle;
      assert.deepEqual(told(a.session.history.items), ["assistant: Hello."]);
      assert.deepEqual(acksOf(a.trace).at(-1)?.positionMs, 1_000);
    });

    it("does not wait for ever for a caller who does not listen", async () => {
      const room = newRoom();
      await using a = await startSession(server, { room });
      await using caller = await Caller.join(server, { room, subscribes: false });
      await until("the caller is linked", () => a.io.linkedParticipant?.identity === caller.identity);
      await a.session.say("Hello.", { audio: soundOf(tone(500)) });
      assert.ok(a.log.some(({ message }) => message.includes("does not listen")));
      assert.equal(acksOf(a.trace).at(-1)?.positionMs, 500);
    });

    it("falls silent on a pause, keeps the position, and goes on without losing a sample", async () => {
      const room = newRoom();
      await using a = await startSession(server, { room });
      await using caller = await Caller.join(server, { room });
      await a.io.waitForReady();
      a.session.say("A long tone.", { audio: soundOf(tone(3_000)) });
      const from = await caller.hears(0);
      await sleep(1_000);
      const pausedAt = wallNow();
      a.session.output.audio!.pause();
      await sleep(1_000);
      const [first] = caller.stretches(0, 100);
      assert.ok(first !== undefined && first.to <= pausedAt + 250, `silent ${first!.to - pausedAt} ms after the pause`);
      const { positionMs } = acksOf(a.trace).at(-1)!;
      assertTells(positionMs, first.to - from);
      a.session.output.audio!.resume();
      await until("it is played out", () => acksOf(a.trace).at(-1)?.ack === "finished");
      await sleep(300);
      const all = caller.stretches(0, 100);
      const heardMs = all.reduce((sum, stretch) => sum + stretch.to - stretch.from, 0);
      assert.equal(all.length, 2);
      assertLasts(heardMs, 3_000);
      assert.equal(acksOf(a.trace).at(-1)?.positionMs, 3_000);
    });

    it("throws away what is not heard on an interruption, and tells how much was", async () => {
      const room = newRoom();
      await using a = await startSession(server, { room });
      await using caller = await Caller.join(server, { room });
      await a.io.waitForReady();
      a.session.say("A long tone.", { audio: soundOf(tone(5_000)) });
      const from = await caller.hears(0);
      await sleep(1_500);
      const cutAt = wallNow();
      await a.session.interrupt();
      await sleep(500);
      const [first, ...others] = caller.stretches(0, 100);
      assert.ok(first !== undefined && first.to <= cutAt + 250, `silent ${first!.to - cutAt} ms after the cut`);
      assert.deepEqual(others, []);
      const { positionMs, ack } = acksOf(a.trace).at(-1)!;
      assert.equal(ack, "cleared");
      assertTells(positionMs, first.to - from);
      // The next speech is not cut by the last interruption.
      a.session.say("Next.", { audio: soundOf(tone(500, { hz: 880 })) });
      const next = await caller.hearsOut(cutAt + 400);
      assertLasts(next.to - next.from, 500);
    });

    it("plays speeches one after the other, whatever their rates", async () => {
      const room = newRoom();
      await using a = await startSession(server, { room, options: { audioOutput: { sampleRate: 48_000 } } });
      await using caller = await Caller.join(server, { room });
      for (const [index, rate] of [8_000, 16_000, 22_050, 48_000].entries()) {
        a.session.say(`Tone ${index}.`, { audio: soundOf(tone(500, { hz: 500 + 200 * index, rate })) });
      }
      await until("all is played", () => acksOf(a.trace).filter(({ ack }) => ack === "finished").length === 4);
      await sleep(300);
      const [all] = caller.stretches(0, 200);
      assert.ok(all !== undefined);
      assertLasts(all.to - all.from, 2_000);
      for (let index = 0; index < 4; index++) {
        const part = caller.sound(all.from + index * 500 + 150, all.from + index * 500 + 400);
        const strength = mostOf(part, 500 + 200 * index);
        assert.ok(strength > 3_000, `tone ${index} has ${strength}`);
      }
    });
  });

  describe("the caller", () => {
    it("is whoever comes first of a fitting kind; agents and a second one are not heard", async () => {
      const room = newRoom();
      await using a = await startSession(server, { room });
      await using bot = await Caller.join(server, { room, identity: "bot", kind: "agent" });
      await using first = await Caller.join(server, { room, identity: "first" });
      await until("the first is linked", () => a.io.linkedParticipant?.identity === "first");
      await using second = await Caller.join(server, { room, identity: "second" });
      await a.io.waitForReady();
      await Promise.all([bot.say(tone(1_000)), second.say(tone(1_000))]);
      assert.ok(!a.userStates.includes("speaking"), "nobody else is heard");
      const said = first.say(tone(1_500));
      await until("the first is heard", () => speaking(a));
      await said;
      a.io.setParticipant("second");
      await until("silence ends the turn of the first", () => !speaking(a));
      await first.say(tone(700));
      assert.ok(!speaking(a));
      const saying = second.say(tone(1_500));
      await until("the second is heard", () => speaking(a));
      await saying;
    });

    it("is only the one that is named, and not if the kind does not fit", async () => {
      const room = newRoom();
      await using a = await startSession(server, { room, options: { participantIdentity: "anna" } });
      await using other = await Caller.join(server, { room, identity: "other" });
      await using agent = await Caller.join(server, { room, identity: "anna", kind: "agent" });
      await sleep(300);
      assert.equal(a.io.linkedParticipant, undefined);
      await agent.leave();
      await until("she is gone", () => !a.io.room!.remoteParticipants.has("anna"), 10_000);
      await using anna = await Caller.join(server, { room, identity: "anna" });
      await until("anna is linked", () => a.io.linkedParticipant?.identity === "anna");
      assert.equal(other.identity, "other");
      assert.equal(anna.identity, "anna");
    });

    it("is whoever the program chooses, of any kind, who may come later", async () => {
      const room = newRoom();
      await using a = await startSession(server, { room });
      await using caller = await Caller.join(server, { room });
      await until("the caller is linked", () => a.io.linkedParticipant?.identity === caller.identity);
      a.io.setParticipant("bot");
      assert.equal(a.io.linkedParticipant, undefined);
      await using bot = await Caller.join(server, { room, identity: "bot", kind: "agent" });
      await until("the bot is linked", () => a.io.linkedParticipant?.identity === bot.identity);
      const said = bot.say(tone(1_500));
      await until("the bot is heard", () => speaking(a));
      await said;
    });

    it("is not our own avatar, even if that says so late", async () => {
      const room = newRoom();
      await using a = await startSession(server, { room });
      await using avatar = await Caller.join(server, {
        room,
        identity: "avatar",
        attributes: { "lk.publish_on_behalf": "agent" },
      });
      await using late = await Caller.join(server, { room, identity: "late" });
      await until("the late one is linked", () => a.io.linkedParticipant?.identity === "late");
      await using caller = await Caller.join(server, { room, identity: "caller" });
      await late.room.localParticipant!.setAttributes({ "lk.publish_on_behalf": "agent" });
      await until("the caller is linked", () => a.io.linkedParticipant?.identity === "caller");
      assert.deepEqual([avatar.identity, caller.identity], ["avatar", "caller"]);
    });

    it("who is muted or loses the track in the middle of a word is heard as silent, and again with a new track", async () => {
      const room = newRoom();
      await using a = await startSession(server, { room });
      await using caller = await Caller.join(server, { room });
      await a.io.waitForReady();
      const said = caller.say(tone(2_000)).catch(() => {});
      await until("the caller is heard", () => speaking(a));
      await caller.unpublish();
      await until("the turn ends without a track", () => !speaking(a), 5_000);
      await said;
      await caller.publish();
      const again = caller.say(tone(2_000));
      await until("the caller is heard again", () => speaking(a));
      await again;
      await until("the turn ends", () => !speaking(a), 5_000);
    });

    for (const [rate, channels] of [[8_000, 1], [16_000, 2], [48_000, 1], [48_000, 2]] as const) {
      it(`is heard from a microphone of ${rate} Hz with ${channels} channels, at the rate that is wanted`, async () => {
        const room = newRoom();
        const agent = new Listener({ instructions: "" });
        const session = new AgentSession({ runtime, stt: scriptedSTT() });
        const token = await server.token({ identity: "agent", room });
        await session.start({ agent, io: roomIO({ url: server.url, token }, { audioInput: { sampleRate: 16_000 } }) });
        await using caller = await Caller.join(server, { room, rate, channels });
        await caller.say(tone(1_500, { hz: 500, rate }));
        await until("the tone is heard", () => agent.heard.filter((one) => strengthOf(one, 500) > 4_000).length >= 40);
        assert.ok(agent.heard.every(({ sampleRate, channels }) => sampleRate === 16_000 && channels === 1));
        await session.close();
      });
    }
  });

  describe("what was said before the agent came", () => {
    const listen = async (room: string): Promise<{ agent: Listener; session: AgentSession }> => {
      const agent = new Listener({ instructions: "" });
      const session = new AgentSession({ runtime, stt: scriptedSTT() });
      const token = await server.token({ identity: "agent", room });
      const io = roomIO({ url: server.url, token }, {
        audioInput: { sampleRate: 16_000, preConnectAudioTimeout: 1_000 },
      });
      await session.start({ agent, io });
      return { agent, session };
    };
    const heardMs = ({ heard }: Listener, hz: number): number =>
      heard.filter((frame) => strengthOf(frame, hz) > 4_000).reduce(
        (sum, frame) => sum + frame.samplesPerChannel / 16,
        0,
      );

    it("is heard first, and whole", async () => {
      const room = newRoom();
      const { agent, session } = await listen(room);
      await using caller = await Caller.join(server, { room, speaks: false });
      await caller.publish({ announces: true });
      await caller.sendBefore(tone(2_000, { hz: 700, rate: 24_000 }));
      await caller.say(tone(500, { hz: 1_000 }));
      await until("both are heard", () => heardMs(agent, 700) >= 1_900 && heardMs(agent, 1_000) >= 300);
      const first = agent.heard.findIndex((frame) => strengthOf(frame, 1_000) > 4_000);
      const last = agent.heard.findLastIndex((frame) => strengthOf(frame, 700) > 4_000);
      assert.ok(last < first, "in its order");
      assert.ok(heardMs(agent, 700) <= 2_100);
      await session.close();
    });

    it("delays what is said now by no more than its limit when it never comes, or cannot be heard", async () => {
      const room = newRoom();
      const { agent, session } = await listen(room);
      await using caller = await Caller.join(server, { room, speaks: false });
      await caller.publish({ announces: true });
      await caller.sendBefore(tone(500), undefined, "audio/webm;codecs=opus");
      const said = caller.say(tone(3_000, { hz: 1_000 }));
      await until("it is heard", () => heardMs(agent, 1_000) >= 500, 5_000);
      await said;
      await session.close();
    });
  });

  describe("typing", () => {
    it("interrupts the agent, and is answered in order", async () => {
      const room = newRoom();
      await using a = await startSession(server, { room, llm: [{ text: "Yes." }] });
      await using caller = await Caller.join(server, { room });
      await a.io.waitForReady();
      const handle = a.session.say("A long tone.", { audio: soundOf(tone(10_000)) });
      await caller.hears(0);
      await caller.type("First");
      await caller.type("Second");
      await until(
        "both are answered",
        () => a.session.history.messages().filter(({ role }) => role === "user").length === 2,
      );
      assert.ok(handle.interrupted);
      await until("all is said", () => a.session.currentSpeech === null);
      const lines = told(a.session.history.items).filter((line) => line.startsWith("user"));
      assert.deepEqual(lines, ["user: First", "user: Second"]);
    });

    it("of others than the caller is not heard", async () => {
      const room = newRoom();
      const heard: string[] = [];
      const textInputCallback = (_: AgentSession, event: { text: string; participantIdentity: string }): void => {
        heard.push(`${event.participantIdentity}: ${event.text}`);
        if (event.text === "throw") throw new Error("thrown by the callback");
      };
      await using a = await startSession(server, { room, options: { textInput: { textInputCallback } } });
      await using caller = await Caller.join(server, { room });
      await until("the caller is linked", () => a.io.linkedParticipant !== undefined);
      await using other = await Caller.join(server, { room, identity: "other" });
      await other.type("not me");
      await caller.type("throw");
      await caller.type("me");
      await until("the caller is heard", () => heard.length === 2);
      assert.deepEqual(heard, ["caller: throw", "caller: me"]);
    });

    it("is left to whoever takes it already", async () => {
      const name = newRoom();
      const room = new Room();
      room.registerTextStreamHandler("lk.chat", () => {});
      await room.connect(server.url, await server.token({ identity: "agent", room: name }));
      const a = await startSession(server, { room: name, at: room });
      assert.ok(a.log.some(({ level, message }) => level === "warn" && message.includes("typed text")));
      await a.session.close();
      assert.throws(() => room.registerTextStreamHandler("lk.chat", () => {}), "it is still theirs");
      await room.disconnect();
    });
  });

  describe("the room is told", () => {
    it("what the agent does, and what both say, with whose words they are", async () => {
      const room = newRoom();
      await using a = await startSession(server, { room, llm: [{ text: "We open at ten." }] });
      await using caller = await Caller.join(server, { room });
      await a.io.waitForReady();
      const words = (type: "interim_transcript" | "final_transcript", text: string) => ({
        type,
        alternatives: [{ text, language: "en", startTimeMs: 0, endTimeMs: 0, confidence: 1 }] as const,
      });
      a.stt.push(words("interim_transcript", "When do"));
      await until("the interim is read", () => caller.texts.some(({ text, isOver }) => isOver && text === "When do"));
      a.stt.push(words("final_transcript", "When do you open?"));
      await a.session.run({ userInput: "When do you open?" });
      await until("all is read", () => caller.texts.length === 3 && caller.texts.every(({ isOver }) => isOver));
      const [interim, final, answer] = caller.texts.map(({ from, text, attributes }) => ({ from, text, attributes }));
      assert.deepEqual([interim!.from, final!.from, answer!.from], ["caller", "caller", "agent"]);
      assert.deepEqual([interim!.text, final!.text, answer!.text], ["When do", "When do you open?", "We open at ten."]);
      const of = (text: typeof interim, name: string): string | undefined => text!.attributes[name];
      assert.equal(of(interim, "lk.segment_id"), of(final, "lk.segment_id"));
      assert.notEqual(of(interim, "lk.segment_id"), of(answer, "lk.segment_id"));
      for (const text of [interim, final, answer]) assert.match(of(text, "lk.segment_id")!, /^SG_[0-9a-f]{12}$/);
      assert.equal(of(interim, "lk.transcription_final"), "false");
      assert.equal(of(final, "lk.transcription_final"), "true");
      assert.equal(of(answer, "lk.transcription_final"), "false");
      await until("the end is marked", () => isFinal(caller.texts[2]!));
      assert.equal(of(final, "lk.transcribed_track_id"), caller.trackSid);
      const [agentTrack] = caller.room.remoteParticipants.get("agent")!.trackPublications.keys();
      assert.equal(of(answer, "lk.transcribed_track_id"), agentTrack);
      await until("the state is told", () => caller.states.at(-1) === a.session.agentState);
      assert.equal(caller.room.remoteParticipants.get("agent")!.attributes["lk.agent.state"], "listening");
    });
  });

  describe("the end", () => {
    it("comes once when the caller leaves", async () => {
      const room = newRoom();
      const a = await startSession(server, { room });
      const caller = await Caller.join(server, { room });
      await a.io.waitForReady();
      await caller.leave();
      assert.equal((await a.closed).reason, "participant_disconnected");
      await a.session.close();
      assert.equal(a.closes.length, 1);
      assert.equal(a.io.room, undefined);
    });

    it("does not come when the caller was cut off, who is heard again when back, without any call", async () => {
      const room = newRoom();
      await using a = await startSession(server, { room });
      await using caller = await Caller.join(server, { room });
      await a.io.waitForReady();
      await server.rooms.removeParticipant(room, "caller");
      await until("the caller is gone", () => a.io.linkedParticipant === undefined, 10_000);
      const handle = a.session.say("Are you there?", { audio: soundOf(tone(500)) });
      await sleep(500);
      assert.equal(handle.done(), false, "what is said waits for the caller");
      await using back = await Caller.join(server, { room });
      await until("the caller is back", () => a.io.linkedParticipant !== undefined);
      const said = back.say(tone(1_500));
      await until("the caller is heard", () => speaking(a));
      await said;
      assert.equal(a.closes.length, 0);
      assert.equal(caller.identity, back.identity);
    });

    it("does not come when it is not wanted", async () => {
      const room = newRoom();
      await using a = await startSession(server, { room, options: { closeOnDisconnect: false } });
      const caller = await Caller.join(server, { room });
      await a.io.waitForReady();
      await caller.leave();
      await until("the caller is gone", () => a.io.linkedParticipant === undefined, 10_000);
      assert.equal(a.closes.length, 0);
      assert.ok(a.session.isRunning);
    });

    it("comes when the room is deleted under a speech, and nothing is left hanging", async () => {
      const room = newRoom();
      const a = await startSession(server, { room });
      await using caller = await Caller.join(server, { room });
      await a.io.waitForReady();
      const handle = a.session.say("A long tone.", { audio: soundOf(tone(20_000)) });
      await caller.hears(0);
      await server.rooms.deleteRoom(room);
      assert.equal((await a.closed).reason, "participant_disconnected");
      await handle;
      await a.session.close();
      assert.equal(a.closes.length, 1);
    });

    it("comes with an error when the server goes", async () => {
      const own = await openLiveKitServer();
      const room = newRoom();
      const a = await startSession(own, { room });
      await using caller = await Caller.join(own, { room });
      await a.io.waitForReady();
      const handle = a.session.say("A long tone.", { audio: soundOf(tone(20_000)) });
      await caller.hears(0);
      await own.stop();
      assert.equal((await a.closed).reason, "error");
      await handle;
      await a.session.close();
      const [event] = a.errors;
      const error = event?.type === "error" && "error" in event.error ? event.error.error : undefined;
      assert.ok(error instanceof AgentError && error.code === "room.lost", String(error));
    });

    it("leaves a room that was given as it was, for the next session", async () => {
      const name = newRoom();
      const room = new Room();
      await room.connect(server.url, await server.token({ identity: "agent", room: name }));
      await using caller = await Caller.join(server, { room: name });
      for (const hz of [500, 900]) {
        const since = wallNow();
        await using a = await startSession(server, { room: name, at: room });
        a.session.say("A tone.", { audio: soundOf(tone(500, { hz })) });
        const { from, to } = await caller.hearsOut(since);
        assert.ok(mostOf(caller.sound(from, to), hz) > 3_000);
        await a.session.close();
        assert.ok(room.isConnected);
      }
      const events = listenersOf(room);
      assert.deepEqual(events, ["disconnected"], "for the native part, which the room still needs");
      assert.deepEqual([...room.localParticipant!.trackPublications.keys()], []);
      await room.disconnect();
    });

    it("a room that is joined only after the session started is as good", async () => {
      const name = newRoom();
      const room = new Room();
      await using a = await startSession(server, { room: name, at: room });
      a.session.say("A tone.", { audio: soundOf(tone(500)) });
      await using caller = await Caller.join(server, { room: name });
      await room.connect(server.url, await server.token({ identity: "agent", room: name }));
      const { from, to } = await caller.hearsOut(0);
      assertLasts(to - from, 500);
      await a.session.close();
      await room.disconnect();
    });

    it("a server that refuses is told in a sentence, and the session can be started elsewhere", async () => {
      const session = new AgentSession({ runtime });
      const agent = new Agent({ instructions: "" });
      const start = session.start({ agent, io: roomIO({ url: server.url, token: "none" }) });
      await assert.rejects(start, (error: unknown) => {
        assert.ok(error instanceof AgentError && error.code === "session.start_failed");
        const { cause } = error;
        return cause instanceof AgentError && cause.code === "room.connect_failed";
      });
      await session.start({ agent });
      await session.close();
    });
  });

  for (const [what, scenario] of [["the signals break", 0], ["the session moves to another node", 4]] as const) {
    it(`both are heard again after ${what}, and what is said meanwhile waits`, async () => {
      const room = newRoom();
      await using a = await startSession(server, { room });
      await using caller = await Caller.join(server, { room });
      await a.io.waitForReady();
      a.session.say("A long tone.", { audio: soundOf(tone(4_000)) });
      await caller.hears(0);
      await sleep(500);
      await (a.io.room as Room).simulateScenario(scenario);
      await until("it is played out", () => acksOf(a.trace).at(-1)?.ack === "finished", 20_000);
      await sleep(500);
      const heardMs = caller.stretches(0, 50).reduce((sum, { from, to }) => sum + to - from, 0);
      assert.ok(heardMs >= 3_000, `${heardMs} ms were heard of 4,000`);
      const said = caller.say(tone(1_500));
      await until("the caller is heard", () => speaking(a));
      await said;
      assert.equal(a.closes.length, 0);
    });
  }

  describe("waiting", () => {
    it("finds who and what is there, and who and what comes, and leaves no listener", async () => {
      const name = newRoom();
      const room = new Room();
      await assert.rejects(waitForParticipant(room), { code: "room.not_connected" });
      await room.connect(server.url, await server.token({ identity: "me", room: name }));
      const coming = [
        waitForParticipant(room, { kind: ["standard", "sip"] }),
        waitForParticipant(room, { identity: "bot" }),
        waitForAgent(room, { agentName: "helper" }),
      ];
      const track = waitForTrackPublication(room, { identity: "caller", waitForSubscription: true });
      await using caller = await Caller.join(server, { room: name });
      await using bot = await Caller.join(server, { room: name, identity: "bot", kind: "agent" });
      await bot.room.localParticipant!.setAttributes({ "lk.agent.name": "helper" });
      assert.deepEqual((await Promise.all(coming)).map(({ identity }) => identity), ["caller", "bot", "bot"]);
      assert.equal((await track).sid, caller.trackSid);
      assert.equal((await waitForParticipant(room, { identity: "caller" })).identity, "caller");
      assert.equal((await waitForTrackPublication(room, { identity: "caller" })).sid, caller.trackSid);
      const state = waitForParticipantAttribute(room, "bot", "lk.agent.state", "listening");
      await bot.room.localParticipant!.setAttributes({ "lk.agent.state": "listening" });
      await state;
      await waitForParticipantAttribute(room, "bot", "lk.agent.state", "listening");
      await assert.rejects(waitForParticipantAttribute(room, "nobody", "a", "b"), { code: "room.participant_left" });
      const gone = waitForParticipantAttribute(room, "bot", "lk.agent.state", "speaking");
      const missed = assert.rejects(gone, { code: "room.participant_left" });
      await bot.leave();
      await missed;
      const stop = new AbortController();
      const stopped = waitForAgent(room, { signal: stop.signal });
      stop.abort(new Error("no more"));
      await assert.rejects(stopped, /no more/);
      assert.deepEqual(listenersOf(room), []);
      const lost = assert.rejects(waitForAgent(room), { code: "room.not_connected" });
      await room.disconnect();
      await lost;
    });
  });
});
