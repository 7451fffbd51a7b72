/** What can be told without a room: options, who may be the caller, and what is written last. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { latestWriter } from "../../../adapters/livekit/agent_state.ts";
import { endsConversation, mayLink } from "../../../adapters/livekit/linking.ts";
import { roomIO } from "../../../adapters/livekit/mod.ts";
import { resolveRoomOptions, type RoomIOOptions } from "../../../adapters/livekit/options.ts";
import { PARTICIPANT_KINDS, type ParticipantKindName, type RtcParticipant } from "../../../adapters/livekit/rtc.ts";
import { AgentError } from "../../../mod.ts";

const address = { url: "ws://127.0.0.1:1", token: "t" };

test("options that are left out have the defaults that the page tells of", () => {
  const { textInput, ...others } = resolveRoomOptions({});
  assert.equal(typeof (textInput && textInput.textInputCallback), "function");
  assert.deepEqual(others, {
    audioInput: {
      sampleRate: 24_000,
      numChannels: 1,
      frameSizeMs: 20,
      preConnectAudio: true,
      preConnectAudioTimeout: 3_000,
    },
    audioOutput: { sampleRate: 24_000, numChannels: 1, trackName: "roomio_audio" },
    textOutput: { syncTranscription: true, jsonFormat: false },
    participantKinds: ["connector", "sip", "standard"],
    participantIdentity: undefined,
    closeOnDisconnect: true,
  });
  const off = resolveRoomOptions({ textInput: false, audioInput: false, audioOutput: false, textOutput: false });
  assert.deepEqual([off.textInput, off.audioInput, off.audioOutput, off.textOutput], [false, false, false, false]);
  assert.deepEqual(resolveRoomOptions({ audioInput: true }).audioInput, others.audioInput);
});

const wrong: readonly (readonly [options: unknown, names: RegExp])[] = [
  [{ audioInput: { frameSizeMs: 0 } }, /`audioInput\.frameSizeMs`/],
  [{ audioInput: { sampleRate: 100 } }, /sampleRate/],
  [{ audioOutput: { numChannels: 3 } }, /numChannels/],
  [{ audioOutput: { trackName: "" } }, /trackName/],
  [{ audioInput: "on" }, /audioInput/],
  [{ participantKinds: ["human"] }, /participantKinds/],
  [{ videoInput: true }, /videoInput/],
  [{ textInput: { textInputCallback: 1 } }, /textInputCallback/],
  [{ closeOnDisconnect: 1 }, /closeOnDisconnect/],
  [null, /options/],
];
for (const [options, names] of wrong) {
  test(`${JSON.stringify(options)} is refused with its name`, () => {
    assert.throws(() => roomIO(address, options as RoomIOOptions), (error: unknown) => {
      assert.ok(error instanceof AgentError && error.code === "session.bad_option");
      assert.match(error.message, names);
      return true;
    });
  });
}

for (const room of [undefined, null, {}, "room", { url: "ws://a" }, { remoteParticipants: new Map() }]) {
  test(`${JSON.stringify(room)} is no room`, () => {
    assert.throws(() => roomIO(room as never), { code: "session.bad_option" });
  });
}

test("what needs a session says so", async () => {
  const io = roomIO(address);
  assert.equal(io.room, undefined);
  assert.equal(io.linkedParticipant, undefined);
  assert.throws(() => io.setParticipant("a"), { code: "room.not_connected" });
  await assert.rejects(io.waitForReady(), { code: "room.not_connected" });
});

const participant = (
  identity: string,
  kind: ParticipantKindName | undefined = "standard",
  attributes: Record<string, string> = {},
): RtcParticipant => ({
  identity,
  kind: kind === undefined ? undefined : PARTICIPANT_KINDS[kind],
  attributes,
  trackPublications: new Map(),
});

test("who may be the caller", () => {
  const rules = { identity: undefined, kinds: ["connector", "sip", "standard"], localIdentity: "agent" } as const;
  for (const kind of ["connector", "sip", "standard"] as const) assert.ok(mayLink(participant("a", kind), rules));
  for (const kind of ["agent", "ingress", "egress", "bridge"] as const) {
    assert.ok(!mayLink(participant("a", kind), rules), kind);
    assert.ok(!mayLink(participant("a", kind), { ...rules, identity: "a" }), `${kind}, even when it is named`);
  }
  assert.ok(mayLink(participant("a", "agent"), { ...rules, kinds: ["agent"] }));
  assert.ok(!mayLink(participant("b"), { ...rules, identity: "a" }));
  assert.ok(!mayLink(participant("a", "standard", { "lk.publish_on_behalf": "agent" }), rules), "our own avatar");
  assert.ok(mayLink(participant("a", "standard", { "lk.publish_on_behalf": "other" }), rules));
  assert.ok(
    mayLink(participant("a", "standard", { "lk.publish_on_behalf": "agent" }), { ...rules, identity: "a" }),
    "who is named is meant",
  );
});

test("leaving ends the conversation only when it was wanted", () => {
  assert.deepEqual(Array.from({ length: 17 }, (_, reason) => reason).filter(endsConversation), [1, 5, 12]);
  assert.equal(endsConversation(undefined), false);
});

test("of states that change faster than they can be told, the last one is told, and none twice", async () => {
  const written: string[] = [];
  const waiting: (() => void)[] = [];
  const errors: unknown[] = [];
  let isOpen = false;
  const writer = latestWriter((value) => {
    if (!isOpen) return undefined;
    written.push(value);
    return new Promise((resolve, reject) => void waiting.push(value === "bad" ? () => reject(value) : resolve));
  }, (error) => errors.push(error));
  const answer = async (): Promise<void> => {
    waiting.shift()?.();
    for (let turn = 0; turn < 5; turn++) await Promise.resolve();
  };
  writer.set("initializing");
  assert.deepEqual(written, [], "nothing can be written yet");
  isOpen = true;
  writer.poke();
  for (const state of ["listening", "thinking", "speaking"]) writer.set(state);
  assert.deepEqual(written, ["initializing"], "one at a time");
  await answer();
  assert.deepEqual(written, ["initializing", "speaking"]);
  await answer();
  writer.poke();
  assert.deepEqual(written, ["initializing", "speaking"]);
  writer.set("bad");
  writer.set("listening");
  await answer();
  assert.deepEqual([written.at(-1), errors], ["listening", ["bad"]]);
  writer.stop();
  writer.set("thinking");
  await answer();
  assert.equal(written.at(-1), "listening");
});
