/** A person calls the demo from a browser: a real page, a real microphone (from a file), the embedded models. */
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { before, describe, it } from "node:test";
import type { Page } from "playwright-core";
import { whisperSTT } from "../../adapters/whisper/mod.ts";
import { speakCall } from "../../cli/caller.ts";
import { missingChromium, openChromium } from "../../scripts/chromium.ts";
import { audioFrame } from "../../src/audio/frame.ts";
import { writeWav } from "../../src/audio/wav.ts";
import { latencyReader } from "../../src/trace/latency.ts";
import { replay } from "../../src/trace/replay.ts";
import { newFolder, type RuntimeName, stretchesOf } from "./held_call.ts";
import { messagesOf, micDemo, network, type Played, playedBy, recordLoudspeaker, shownBy, wallOf } from "./mic_call.ts";
import { plainWords, wordErrorRate, wordErrors } from "./word_errors.ts";

const reason = missingChromium();
const SAID = [
  "Hello. When do you open on Sunday?",
  "Thank you. Please tell me about the history of the shop.",
  "Stop, please. Where are the cooking books?",
];
/** A pause that ends a stretch of speech. Between sentences there is less. */
const PAUSE_MS = 700;
const COOKBOOKS = "The cookbooks are on the ground floor";

async function callerFile(): Promise<string> {
  const file = `${newFolder()}/caller.wav`;
  const call = await speakCall([
    { at: 8_000, kind: "say", text: SAID[0]! },
    { at: 20_000, kind: "say", text: SAID[1]! },
    { at: 30_500, kind: "say", text: SAID[2]! },
  ], "kal16");
  writeFileSync(file, writeWav(call));
  return file;
}

const bubble = (page: Page, text: string, timeout = 60_000): Promise<unknown> =>
  page.locator(".said:not(.live)", { hasText: text }).waitFor({ timeout });
const status = (page: Page, name: string, timeout = 30_000): Promise<unknown> =>
  page.locator(`body[data-status=${name}]`).waitFor({ timeout });

function checkCall(on: RuntimeName): void {
  describe(`a call from a browser, served by ${on}`, { skip: reason ?? false }, () => {
    let shown: string[];
    let played: Played;
    let records: ReturnType<typeof parse>;
    let accounts: string[];
    const parse = (demo: Awaited<ReturnType<typeof micDemo>>) => demo.trace(1);

    before(async () => {
      const file = await callerFile();
      await using demo = await micDemo(on);
      await using browser = await openChromium({ microphone: `${file}%noloop` });
      const page = await browser.context.newPage();
      const faults: string[] = [];
      page.on("pageerror", (error) => faults.push(String(error)));
      await recordLoudspeaker(page);
      await page.goto(demo.url);
      await page.click("#start");
      await bubble(page, COOKBOOKS, 90_000);
      await page.waitForTimeout(1_000); // of silence behind the last word
      shown = await shownBy(page);
      accounts = await page.locator(".said.agent summary b").allTextContents();
      await page.click("#end");
      await status(page, "ended");
      played = await playedBy(page);
      await demo.until("Call 1 is over");
      records = parse(demo);
      assert.deepEqual(faults, []);
    });

    it("shows what each side said, with few word errors, and what was cut off", () => {
      const heard = shown.filter((line) => line.startsWith("You: ")).map((line) => line.slice(5));
      assert.equal(heard.length, SAID.length, shown.join("\n"));
      const rate = wordErrorRate(SAID.join(" "), heard.join(" "));
      assert.ok(rate <= 0.15, `${(rate * 100).toFixed(1)} % word errors:\n${shown.join("\n")}`);
      assert.match(shown.join("\n"), /^Agent: Good morning, this is the Harbour Bookshop\./);
      assert.match(shown.join("\n"), /On Sunday we are open from ten in the morning/);
      assert.equal(shown.filter((line) => line === "(Looked up: opening hours)").length, 1);
      const [story, ...others] = shown.filter((line) => line.endsWith("cut off"));
      assert.match(story ?? "", /^Agent: The shop was founded/);
      assert.equal(others.length, 0);
    });

    it("shows the latency account of each answered turn, as the trace has it", () => {
      const read = latencyReader();
      const totals = records.flatMap((record) => read(record)?.totalMs ?? []);
      assert.equal(totals.length, SAID.length);
      assert.deepEqual(
        accounts.map((text) => Number(text.replace(" s", ""))),
        totals.map((ms) => Number((ms / 1000).toFixed(2))),
      );
    });

    it("plays what it shows: a recogniser hears the same words in the loudspeaker", async () => {
      await using stt = whisperSTT();
      let from = 0;
      let count = 0;
      for (const { at, role, text, interrupted } of messagesOf(records)) {
        if (role !== "assistant") continue;
        const to = at - played.from + 300; // the page plays what is on its way
        const perMs = played.rate / 1000;
        const part = played.samples.slice(Math.max(0, from) * perMs, to * perMs);
        from = to;
        const event = await stt.recognize([audioFrame(part, played.rate)]);
        assert.ok(event.type === "final_transcript");
        assert.ok(shown.includes(`Agent: ${text}${interrupted ? "cut off" : ""}`), `${text}\n${shown.join("\n")}`);
        const words = plainWords(text).join("");
        // Where a voice breaks off, a recogniser may say the last words again and again.
        const heard = plainWords(event.alternatives[0]?.text ?? "").join("").slice(0, words.length + 14);
        const allowed = Math.ceil(words.length * 0.2) + (interrupted ? 14 : 2);
        assert.ok(wordErrors([...words], [...heard]) <= allowed, `shown: ${words}\nheard: ${heard}`);
        count++;
      }
      assert.equal(count, SAID.length + 1);
    });

    it("falls silent within 300 ms of the decision", () => {
      const pausedAt = wallOf(records, "playout.pause").at(-1) ?? NaN;
      const stretches = stretchesOf(played.samples, played.rate, PAUSE_MS);
      const silentAt = played.from + (stretches.find(({ to }) => played.from + to > pausedAt - 500)?.to ?? NaN);
      assert.ok(silentAt <= pausedAt + 300, `decided at ${pausedAt}, silent at ${silentAt}`);
    });

    it("leaves a trace that replays to the same orders", () => {
      const { difference, stepCount } = replay(records);
      assert.equal(difference, undefined);
      assert.ok(stepCount > 500);
      assert.equal(wallOf(records, "turn.commit").length, SAID.length);
    });
  });
}

checkCall("node");
checkCall("bun");
checkCall("deno");

describe("a page on a bad day", { skip: reason ?? false }, () => {
  const STORY_END = "the whole town comes to listen.";
  /** Voiced time of the story, in milliseconds: as long as nothing of it is lost or played twice. */
  const voicedMs = ({ samples, rate }: Played): number =>
    stretchesOf(samples, rate, 250).reduce((sum, { from, to }) => sum + to - from, 0);

  for (const failure of ["cut", "stall"] as const) {
    it(`the network ${failure === "cut" ? "breaks" : "stands still"} for two seconds, and the call goes on`, async () => {
      await using demo = await micDemo("node");
      await using net = await network(demo.url);
      await using browser = await openChromium({});
      const page = await browser.context.newPage();
      await recordLoudspeaker(page);
      // Typing alone: the microphone of this browser beeps.
      await page.addInitScript(() => {
        navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException("", "NotFoundError"));
      });
      await page.goto(net.url);
      await page.click("#start");
      await page.click("#typed");
      await bubble(page, "How can I help you?");
      await page.fill("#text", "Tell me the story of the shop.");
      await page.press("#text", "Enter");
      await page.locator(".said.agent.live", { hasText: "sailor" }).waitFor();
      net[failure]();
      if (failure === "cut") await status(page, "reconnecting");
      await page.waitForTimeout(2_000);
      net.restore();
      await status(page, "connected");
      await bubble(page, STORY_END);
      const shown = await shownBy(page);
      assert.equal(shown.filter((line) => line.startsWith("Agent: ")).length, 2, shown.join("\n"));
      assert.ok(!shown.some((line) => line.includes("cut off")), shown.join("\n"));
      const whole = voicedMs(await playedBy(page));
      await page.click("#end");
      await demo.until("Call 1 is over");
      assert.match(readFileSync(`${demo.folder}/call-1.md`, "utf8"), new RegExp(STORY_END));
      assert.ok(!demo.stdout().includes("Call 2"), "it was one call");
      const read = demo.trace(1);
      assert.equal(replay(read).difference, undefined);
      const positions = read.flatMap((record) =>
        record.kind === "step" && record.fact.type === "playout.ack" && record.fact.ack === "finished"
          ? [record.fact.positionMs]
          : []
      );
      const spoken = positions.reduce((sum, ms) => sum + ms, 0);
      // Pauses between sentences count in one and not in the other.
      assert.ok(
        whole <= spoken && whole >= spoken * 0.75,
        `${whole} ms were heard of ${spoken} ms that were acknowledged`,
      );
    });
  }

  it("pages that are closed, or crash, end their sessions; two at once are two sessions", async () => {
    await using demo = await micDemo("node");
    await using browser = await openChromium({});
    const open = async (): Promise<Page> => {
      const page = await browser.context.newPage();
      await page.goto(demo.url);
      await page.click("#start");
      await status(page, "connected");
      return page;
    };
    const [first, second] = [await open(), await open()];
    await Promise.all(
      [first, second].map((page) => page.locator(".said.agent", { hasText: "Good morning" }).waitFor()),
    );
    await first.fill("#text", "Where are the cooking books?");
    await first.press("#text", "Enter");
    await bubble(first, COOKBOOKS);
    assert.ok(!(await shownBy(second)).join().includes(COOKBOOKS));
    await first.close();
    await demo.until("Call 1 is over");
    assert.ok(!demo.stdout().includes("Call 2 is over"));
    const session = await second.context().newCDPSession(second);
    session.send("Page.crash").catch(() => {}); // it does not answer
    await demo.until("Call 2 is over"); // within the grace of 10 s
  });

  it("a refused microphone is told in words, and typing is offered", async () => {
    await using demo = await micDemo("node");
    await using browser = await openChromium({ allowMicrophone: false });
    const page = await browser.context.newPage();
    await page.goto(demo.url);
    await page.click("#start");
    const notice = page.locator("#notice");
    await notice.waitFor();
    assert.match(await notice.innerText(), /microphone was refused/);
    assert.ok(!demo.stdout().includes("Call 1"), "nobody is put through without a microphone");
    await page.keyboard.press("Tab"); // by keyboard alone
    await page.focus("#typed");
    await page.keyboard.press("Enter");
    await status(page, "connected");
    assert.equal(await page.locator("#mute").isVisible(), false);
    await page.keyboard.type("When do you open on Sunday?");
    await page.keyboard.press("Enter");
    await bubble(page, "On Sunday we are open");
    await page.focus("#end");
    await page.keyboard.press("Enter");
    await demo.until("Call 1 is over");
  });
});
