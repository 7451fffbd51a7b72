import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { before, describe, it } from "node:test";
import { whisperSTT } from "../../adapters/whisper/mod.ts";
import { CALL } from "../../cli/caller.ts";
import { audioFrame } from "../../src/audio/frame.ts";
import { replay } from "../../src/trace/replay.ts";
import { type LeftCall, newFolder, readCall, repartee, type RuntimeName, stretchesOf } from "./held_call.ts";
import { plainWords, wordErrorRate, wordErrors } from "./word_errors.ts";

/** A pause that ends a stretch of speech. Between sentences there is less. */
const PAUSE_MS = 700;

const said = CALL.flatMap((act) => act.kind === "say" ? [act.text] : []);
const actAt = (kind: "cough" | "hum"): number => CALL.find((act) => act.kind === kind)?.at ?? NaN;
const bargeInAt = CALL.find((act) => act.kind === "say" && act.text.startsWith("Stop"))?.at ?? NaN;

/** What each side said, as the transcript has it. */
function linesOf({ transcript }: LeftCall, who: "Caller" | "Agent"): string[] {
  return transcript.split("\n").flatMap((line) => line.startsWith(`**${who}:** `) ? [line.slice(who.length + 6)] : []);
}

function checkCall(title: string, on: RuntimeName, args: readonly string[], mostWordErrors: number): void {
  describe(title, () => {
    const folder = newFolder();
    let call: LeftCall;
    before(async () => {
      const { code, stdout, stderr } = await repartee(["demo", "--out", folder, ...args], on);
      assert.equal(code, 0, `${stdout}\n${stderr}`);
      call = readCall(folder);
    });

    it("commits each turn of the caller, with few word errors", () => {
      const heard = linesOf(call, "Caller");
      assert.equal(heard.length, said.length, call.transcript);
      assert.equal(call.ordersAt("turn.commit").length, said.length);
      const rate = wordErrorRate(said.join(" "), heard.join(" "));
      assert.ok(rate <= mostWordErrors, `${(rate * 100).toFixed(1)} % word errors:\n${call.transcript}`);
    });

    it("falls silent within 300 ms of deciding to, and 1,000 ms of the caller's onset", () => {
      const decidedAt = call.ordersAt("playout.pause").find((at) => at > bargeInAt) ?? NaN;
      const onset = stretchesOf(call.caller, call.sampleRate, PAUSE_MS).find(({ to }) => to > bargeInAt)?.from ?? NaN;
      const silentAt = stretchesOf(call.agent, call.sampleRate, PAUSE_MS).find(({ to }) => to > onset)?.to ?? NaN;
      assert.ok(silentAt <= decidedAt + 300, `decided at ${decidedAt}, silent at ${silentAt}`);
      assert.ok(silentAt <= onset + 1_000, `the caller begins at ${onset}, silent at ${silentAt}`);
    });

    it("is not even paused by a cough", () => {
      const coughAt = actAt("cough");
      assert.deepEqual(call.ordersAt("playout.pause").filter((at) => at > coughAt - 500 && at < bargeInAt), []);
      const around = stretchesOf(call.agent, call.sampleRate, PAUSE_MS).find(({ from, to }) =>
        from < coughAt && to > coughAt
      );
      assert.ok(around !== undefined && around.to > coughAt + 1_000, JSON.stringify(around));
    });

    it("goes on after a hum without words, to the end of what it was saying", () => {
      const humAt = actAt("hum");
      const pausedAt = call.ordersAt("playout.pause").find((at) => at > humAt) ?? NaN;
      const resumedAt = call.ordersAt("playout.resume").find((at) => at > pausedAt) ?? NaN;
      assert.ok(
        pausedAt < humAt + 1_500 && resumedAt < humAt + 5_000,
        `paused at ${pausedAt}, resumed at ${resumedAt}`,
      );
      const next = stretchesOf(call.agent, call.sampleRate, PAUSE_MS).find(({ to }) => to > resumedAt);
      assert.ok(next !== undefined && next.to - resumedAt > 500, "something is said after the pause");
      assert.equal(linesOf(call, "Agent").filter((line) => line.includes("cut off")).length, 1, call.transcript);
    });

    it("calls the tool once", () => {
      assert.equal(call.notesAt("tool.start").length, 1);
      assert.match(linesOf(call, "Agent").join("\n"), /On Sunday we are open from ten in the morning/);
    });

    it("has in its history what was heard of it: a recogniser hears the same words in the recording", async () => {
      await using stt = whisperSTT();
      let from = 0;
      for (const { at, fields } of call.notesAt("message")) {
        if (fields["role"] !== "assistant") continue;
        const text = String(fields["text"]);
        const perMs = call.sampleRate / 1000;
        const [first, ...rest] = stretchesOf(call.agent.subarray(from * perMs, at * perMs), call.sampleRate, PAUSE_MS);
        assert.ok(first !== undefined, `nothing is heard of ${text}`);
        const to = rest[rest.length - 1]?.to ?? first.to;
        const part = call.agent.slice((from + Math.max(0, first.from - 200)) * perMs, (from + to + 300) * perMs);
        const event = await stt.recognize([audioFrame(part, call.sampleRate)]);
        assert.ok(event.type === "final_transcript");
        // By letters: how a name is spelt cannot be heard. Where it was cut off, a word may be begun and not counted.
        const heard = plainWords(event.alternatives[0]?.text ?? "").join("");
        const told = plainWords(text).join("");
        const allowed = Math.ceil(told.length * 0.15) + (fields["interrupted"] === true ? 12 : 2);
        assert.ok(wordErrors([...told], [...heard]) <= allowed, `told:  ${told}\nheard: ${heard}`);
        from = at;
      }
    });

    it("leaves a trace that replays to the same orders", () => {
      const { difference, stepCount } = replay(call.records);
      assert.equal(difference, undefined);
      assert.ok(stepCount > 1_000);
    });

    it("leaves a page that draws the call and plays it", () => {
      const page = readFileSync(`${folder}/timeline.html`, "utf8");
      assert.match(page, /<audio[^>]*>/);
      assert.match(page, /data:audio\/wav;base64,/);
      assert.doesNotMatch(page, /(src|href)="https?:/);
      for (const text of said.slice(3)) assert.ok(page.includes(text), text);
    });
  });
}

checkCall("the call, on a virtual clock, on Node", "node", ["--fast"], 0.1);
checkCall("the call, on a virtual clock, on Bun", "bun", ["--fast"], 0.1);
checkCall("the call, on a virtual clock, on Deno", "deno", ["--fast"], 0.1);
checkCall("the call with a second voice", "node", ["--fast", "--voice", "rms"], 0.15);
checkCall("the call in real time", "node", [], 0.1);
