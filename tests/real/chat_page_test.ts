/** The chat example as a person uses it: the page in a headless Chromium, served by each runtime, and by curl. */
import assert from "node:assert/strict";
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { test } from "node:test";
import type { Page } from "playwright-core";
import { missingChromium, openChromium } from "../../scripts/chromium.ts";
import { bin, environment, root } from "../../scripts/places.ts";

const shots = `${root}out/chat_page`;
const missing = missingChromium();

interface Shop extends AsyncDisposable {
  readonly origin: string;
  readonly process: ChildProcess;
}

/** Starts the example with one command. */
async function openShop(place: "node" | "bun" | "deno"): Promise<Shop> {
  const { OPENAI_API_KEY: _key, OPENAI_BASE_URL: _url, ...env } = environment();
  const args = place === "deno" ? ["run", "-A", "examples/hono_chat.ts"] : ["examples/hono_chat.ts"];
  const child = spawn(bin(place), args, {
    cwd: root,
    env: { ...env, PORT: "0" },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const ended = new Promise<void>((resolve) => child.on("close", () => resolve()));
  const origin = await new Promise<string>((resolve, reject) => {
    let seen = "";
    child.stdout.on("data", (data) => {
      seen += data;
      const found = /Open (http:\S+)/.exec(seen)?.[1];
      if (found !== undefined) resolve(found);
    });
    void ended.then(() => reject(new Error(`the example ended on ${place}: ${seen}`)));
  });
  return {
    origin,
    process: child,
    async [Symbol.asyncDispose]() {
      child.kill();
      await ended;
    },
  };
}

async function say(page: Page, text: string): Promise<void> {
  await page.getByRole("textbox").fill(text);
  await page.getByRole("textbox").press("Enter");
}

const idle = (page: Page) => page.getByRole("button", { name: "Send" }).waitFor();

test("a person asks, sees a tool at work, stops an answer, and finds it all again after a reload", {
  skip: missing ?? false,
}, async () => {
  mkdirSync(shots, { recursive: true });
  await using shop = await openShop("node");
  await using chromium = await openChromium({ context: { viewport: { width: 1_100, height: 800 } } });
  const page = await chromium.context.newPage();
  const failures: string[] = [];
  page.on("pageerror", (error) => failures.push(String(error)));
  page.on("console", (message) => void (message.type() === "error" && failures.push(message.text())));
  await page.goto(shop.origin);
  await page.getByText("Good morning, this is the Harbour Bookshop.").waitFor();
  await idle(page);
  await page.screenshot({ path: `${shots}/greeting.png` });

  await page.getByRole("button", { name: "When are you open on Sunday?" }).click();
  await page.getByText("On Sunday we are open from ten in the morning until four in the afternoon.").waitFor();
  await idle(page);
  const card = page.locator("details.done");
  assert.equal(await card.locator("summary").textContent(), "opening hours");
  await card.click();
  assert.match(await card.textContent() ?? "", /"day": "sunday"[\s\S]*→[\s\S]*from ten in the morning/);

  await say(page, "Tell me your history, please");
  await page.getByText("He bought a small house").waitFor();
  await page.screenshot({ path: `${shots}/answering.png` });
  await page.getByRole("button", { name: "Stop" }).click();
  await idle(page);
  await say(page, "Thank you, goodbye");
  await page.getByText("Thank you for calling. Goodbye!").waitFor();
  await idle(page);

  const shown = await page.locator(".said").allTextContents();
  await page.reload();
  await page.getByText("Thank you for calling. Goodbye!").waitFor();
  const again = await page.locator(".said").allTextContents();
  assert.equal(again.length, shown.length);
  for (const [at, text] of again.entries()) {
    // What was stopped is kept as far as the page took it: no more than a few words from what it shows.
    assert.ok(text.startsWith(shown[at] ?? "") || (shown[at] ?? "").startsWith(text), `${text} / ${shown[at]}`);
  }
  assert.ok(!again.some((text) => text.includes("the whole town comes to listen")), "it was stopped");

  await page.emulateMedia({ colorScheme: "dark" });
  await page.screenshot({ path: `${shots}/dark.png` });
  assert.deepEqual(failures, []);

  shop.process.kill();
  await new Promise((gone) => shop.process.on("close", gone));
  await say(page, "Are you there?");
  await page.getByRole("alert").getByText("The connection broke.").waitFor();
  assert.ok(await page.getByRole("button", { name: "Try again" }).isVisible());
});

test("the page fits a phone, light and dark", { skip: missing ?? false }, async () => {
  mkdirSync(shots, { recursive: true });
  await using shop = await openShop("bun");
  for (const colorScheme of ["light", "dark"] as const) {
    await using chromium = await openChromium({
      context: {
        viewport: { width: 360, height: 740 },
        deviceScaleFactor: 2,
        hasTouch: true,
        isMobile: true,
        colorScheme,
      },
    });
    const page = await chromium.context.newPage();
    await page.goto(shop.origin);
    await page.getByText("Good morning").waitFor();
    await idle(page);
    await say(page, "When are you open on Saturday, and do you have cookbooks?");
    await page.locator(".assistant").nth(1).getByText(/\.$/).first().waitFor();
    await idle(page);
    const { wide, high } = await page.evaluate(() => ({
      wide: document.documentElement.scrollWidth - innerWidth,
      high: document.documentElement.scrollHeight - innerHeight,
    }));
    assert.deepEqual([wide <= 0, high <= 0], [true, true], `it overflows by ${wide} and ${high}`);
    await page.screenshot({ path: `${shots}/phone_${colorScheme}.png` });
  }
});

for (const place of ["node", "bun", "deno"] as const) {
  test(`curl shows the stream of examples/hono_chat.ts on ${place}`, async (t) => {
    if (spawnSync("curl", ["--version"]).status !== 0) return t.skip("no curl here");
    await using shop = await openShop(place);
    const body = JSON.stringify({
      id: "curl",
      messages: [{ id: "u1", role: "user", parts: [{ type: "text", text: "When are you open on Sunday?" }] }],
    });
    const child = spawn("curl", ["-sN", `${shop.origin}/chat`, "-H", "content-type: application/json", "-d", body]);
    const times: number[] = [];
    let output = "";
    child.stdout.on("data", (data) => {
      output += data;
      times.push(performance.now());
    });
    await new Promise((gone) => child.on("close", gone));
    assert.ok(output.startsWith('data: {"type":"start","messageId":"re_u1"}\n\n'), output.slice(0, 100));
    assert.ok(output.endsWith("data: [DONE]\n\n"), output.slice(-100));
    assert.match(output, /"type":"tool-output-available"/);
    assert.ok((times.at(-1) ?? 0) - (times[0] ?? 0) > 300, "it comes as it is made");
  });
}
