/**
 * A browser for tests of pages: Debian's Chromium, installed where it is missing and the rights are there.
 *
 *     const reason = missingChromium();   // undefined: it is there. Where CI=true, what is missing fails instead.
 *     test("the page", { skip: reason ?? false }, async () => {
 *       await using browser = await openChromium({ microphone: "caller.wav" });
 *       const page = await browser.context.newPage();
 *     });
 */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import process from "node:process";
import { type Browser, type BrowserContext, type BrowserContextOptions, chromium } from "playwright-core";
import { mustHaveAll } from "./places.ts";

/** Where systems keep it. */
const PATHS = [
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
  "/usr/bin/google-chrome-stable",
];

const find = (): string | undefined => [process.env["CHROMIUM"], ...PATHS].find((path) => path && existsSync(path));

function install(): void {
  const isRoot = process.getuid?.() === 0;
  if (!isRoot || !existsSync("/usr/bin/apt-get")) return;
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  const apt = (...args: string[]): boolean => spawnSync("apt-get", args, { env, stdio: "ignore" }).status === 0;
  // The lock is waited for: test files that run at once find each other's installation.
  const wait = ["-o", "DPkg::Lock::Timeout=300"];
  if (apt(...wait, "update")) apt(...wait, "install", "-y", "--no-install-recommends", "chromium");
}

/**
 * Says in a line why there is no Chromium, or nothing where there is one, which it installs if it may.
 *
 * @throws {Error} Where everything is promised to be there (`CI=true`), in place of the line.
 */
export function missingChromium(): string | undefined {
  if (find() === undefined) install();
  if (find() !== undefined) return undefined;
  const reason = "no Chromium here: install Debian's `chromium`, or name one in the environment as CHROMIUM";
  if (mustHaveAll) throw new Error(reason);
  return reason;
}

/** How a browser is opened. */
export interface ChromiumOptions {
  /** A WAV file that is its microphone, over and over; `%noloop` at the end of the name: once. Default: beeps. */
  readonly microphone?: string;
  /** False: pages are refused the microphone. Default true. */
  readonly allowMicrophone?: boolean;
  /** Colours, size and so on of its pages. */
  readonly context?: BrowserContextOptions;
}

/** An open browser. Disposing of it ends it. */
export interface Chromium extends AsyncDisposable {
  readonly browser: Browser;
  readonly context: BrowserContext;
}

/** Opens a headless browser that reaches nothing but this machine. */
export async function openChromium(options: ChromiumOptions = {}): Promise<Chromium> {
  const { microphone, allowMicrophone = true, context } = options;
  const executablePath = find();
  if (executablePath === undefined) throw new Error("Chromium is missing: ask `missingChromium()` first");
  const browser = await chromium.launch({
    executablePath,
    args: [
      "--no-sandbox", // it may run as root in a container
      "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
      "--disable-component-update",
      "--disable-background-networking",
      "--autoplay-policy=no-user-gesture-required",
      "--use-fake-device-for-media-stream",
      ...(allowMicrophone ? ["--use-fake-ui-for-media-stream"] : ["--deny-permission-prompts"]),
      ...(microphone === undefined ? [] : [`--use-file-for-fake-audio-capture=${microphone}`]),
    ],
  });
  try {
    return {
      browser,
      context: await browser.newContext({ permissions: allowMicrophone ? ["microphone"] : [], ...context }),
      [Symbol.asyncDispose]: () => browser.close(),
    };
  } catch (error) {
    await browser.close();
    throw error;
  }
}
