/** `examples/room.ts` holds a call in a room of a real LiveKit server, on each runtime; judged by what the caller received. */
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { dispose } from "@livekit/rtc-node";
import { type WhisperSTT, whisperSTT } from "../../adapters/whisper/mod.ts";
import { type LiveKitServer, missingLiveKitServer, openLiveKitServer } from "../../scripts/livekit_server.ts";
import type { AudioFrame } from "../../src/audio/frame.ts";
import { replay } from "../../src/trace/replay.ts";
import type { RuntimeName } from "./held_call.ts";
import { holdRoomCall, type RoomCall, SAID } from "./room_call.ts";
import { isFinal, type Text } from "./room_caller.ts";
import { plainWords, wordErrorRate, wordErrors } from "./word_errors.ts";

const reason = missingLiveKitServer();

describe("a call in a room", { skip: reason ?? false }, () => {
  let server: LiveKitServer;
  let stt: WhisperSTT;
  before(async () => {
    server = await openLiveKitServer();
    stt = whisperSTT();
  });
  after(async () => {
    await stt.close();
    await server.stop();
    await dispose();
  });

  /** What a recogniser hears in what the caller received. */
  const wordsIn = async (sound: AudioFrame): Promise<string> => {
    const event = await stt.recognize([sound]);
    assert.ok(event.type === "final_transcript");
    return event.alternatives[0]?.text ?? "";
  };

  for (const on of ["node", "bun", "deno"] satisfies RuntimeName[]) {
    describe(`with an agent on ${on}`, () => {
      let call: RoomCall;
      before(async () => void (call = await holdRoomCall(server, on)));

      const finals = (from: string): Text[] => call.texts.filter((text) => text.from === from && isFinal(text));

      it("the caller hears the greeting, the answers and the goodbye", async () => {
        const told = finals("agent").map(({ text }) => text);
        const heard = [call.greeting, call.question.sound, call.story.sound, call.stop.sound, call.goodbye.sound];
        assert.equal(told.length, heard.length, told.join("\n"));
        for (const [index, sound] of heard.entries()) {
          // By letters: how a name is spelt cannot be heard. Where it was cut off, a word may be begun and not counted.
          const words = plainWords(await wordsIn(sound)).join("");
          const text = plainWords(told[index] as string).join("");
          const allowed = Math.ceil(text.length * 0.15) + (index === 2 ? 16 : 2);
          assert.ok(wordErrors([...text], [...words]) <= allowed, `told:  ${text}\nheard: ${words}`);
        }
        assert.match(told.join("\n"), /On Sunday we are open from ten in the morning/);
        assert.match(told.join("\n"), /cookbooks are on the ground floor/);
        assert.match(told.at(-1) as string, /Goodbye/);
      });

      it("the agent falls silent within 300 ms of deciding to, and 1,000 ms of the caller's onset", () => {
        const onset = call.stop.said.from;
        const silentAt = call.story.answer.to;
        const decidedAt = call.ordersAt("playout.pause").find((at) => at > onset) ?? NaN;
        assert.ok(silentAt <= decidedAt + 300, `silent ${silentAt - decidedAt} ms after the decision`);
        assert.ok(silentAt <= onset + 1_000, `silent ${silentAt - onset} ms after the onset`);
        assert.ok(silentAt > onset, "it was speaking");
      });

      it("nothing is heard after the goodbye", () => assert.deepEqual(call.after, []));

      it("the caller reads both sides, each segment with one final text under its own id", () => {
        const rate = wordErrorRate(Object.values(SAID).join(" "), finals("caller").map(({ text }) => text).join(" "));
        assert.ok(rate <= 0.15, `${(rate * 100).toFixed(1)} % word errors`);
        assert.ok(call.texts.every(({ isOver }) => isOver));
        const ids = new Map<string, Text[]>();
        for (const text of call.texts) {
          const id = text.attributes["lk.segment_id"] ?? "";
          assert.match(id, /^SG_[0-9a-f]{12}$/);
          assert.match(text.attributes["lk.transcribed_track_id"] ?? "", /^TR_/);
          ids.set(id, [...(ids.get(id) ?? []), text]);
        }
        for (const texts of ids.values()) {
          assert.equal(new Set(texts.map(({ from }) => from)).size, 1);
          assert.deepEqual(texts.map(isFinal), texts.map((_, index) => index === texts.length - 1));
        }
      });

      it("the room is told what the agent does", () => {
        assert.ok(call.states.includes("thinking"));
        assert.equal(call.states.filter((state) => state === "speaking").length, 5, call.states.join(" "));
        assert.equal(call.states.at(-1), "listening");
      });

      it("the process ends by itself when the caller has left, and says why", () => {
        assert.deepEqual([call.code, call.signal], [0, null], call.stderr);
        assert.ok(call.exitMs < 5_000, `${call.exitMs} ms`);
        assert.match(call.stdout, /over: participant_disconnected\n$/);
      });

      it("the trace replays, and its latency accounts lie within what the caller waited", (t) => {
        const { difference, stepCount } = replay(call.records);
        assert.equal(difference, undefined);
        assert.ok(stepCount > 500);
        const exchanges = [call.question, call.story, call.stop, call.goodbye];
        assert.equal(call.accounts.length, exchanges.length);
        for (const [index, account] of call.accounts.entries()) {
          const { said, answer } = exchanges[index] as (typeof exchanges)[number];
          const waited = answer.from - said.to;
          t.diagnostic(
            `${on}: waited ${Math.round(waited)} ms; ${
              account.spans.map(({ part, from, to }) => `${part} ${Math.round(to - from)}`).join(", ")
            }`,
          );
          assert.ok(account.to <= answer.from + 20, "the agent's first sample was sent before it was heard");
          assert.ok(account.totalMs <= waited + 300, `${account.totalMs} of ${waited} ms`);
        }
      });
    });
  }
});
