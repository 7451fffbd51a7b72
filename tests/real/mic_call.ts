/**
 * `repartee demo --mic` in a process of its own, a browser that calls it, and a network between them that can fail.
 */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { connect, createServer, type Socket } from "node:net";
import type { Page } from "playwright-core";
import { environment, root } from "../../scripts/places.ts";
import type { TraceRecord } from "../../src/trace/record.ts";
import { parseTrace } from "../../src/trace/replay.ts";
import { COMMANDS, newFolder, type RuntimeName } from "./held_call.ts";

/** A running demo. Disposing of it ends it as Ctrl-C does, and checks that it ends by itself. */
export interface MicDemo extends AsyncDisposable {
  readonly url: string;
  readonly folder: string;
  readonly stdout: () => string;
  /** Waits for words on its terminal. */
  until(words: string): Promise<void>;
  /** The trace of a call that is over. */
  trace(call: number): TraceRecord[];
}

export async function micDemo(on: RuntimeName): Promise<MicDemo> {
  const folder = newFolder();
  const [command, ...rest] = [...COMMANDS[on], `${root}cli/main.ts`, "demo", "--mic", "--port", "0", "--out", folder];
  const child = spawn(command as string, rest, { env: environment(), stdio: ["ignore", "pipe", "pipe"] });
  let text = "";
  let wake = (): void => {};
  const take = (data: unknown): void => {
    text += data;
    wake();
  };
  child.stdout.on("data", take);
  child.stderr.on("data", take);
  const ended = new Promise<number | null>((resolve) => child.on("close", resolve));
  void ended.then(() => wake());
  const until = async (words: string): Promise<void> => {
    while (!text.includes(words)) {
      assert.equal(child.exitCode, null, `it ended before it said ${words}:\n${text}`);
      await new Promise<void>((go) => (wake = go));
    }
  };
  await until("Open http");
  return {
    url: /http:\S+/.exec(text)![0],
    folder,
    stdout: () => text,
    until,
    trace: (call) => parseTrace(readFileSync(`${folder}/call-${call}.jsonl`, "utf8")),
    async [Symbol.asyncDispose]() {
      child.kill("SIGINT");
      const late = setTimeout(() => child.kill("SIGKILL"), 20_000);
      const code = await ended;
      clearTimeout(late);
      assert.equal(code, 0, `it ends by itself, with nothing left open:\n${text}`);
    },
  };
}

/** A network: a port that leads to another, until it is cut. */
export interface Network extends AsyncDisposable {
  readonly url: string;
  /** Breaks what is connected, and refuses what comes. */
  cut(): void;
  /** Keeps what is connected and carries nothing, in either direction. */
  stall(): void;
  restore(): void;
}

export async function network(to: string): Promise<Network> {
  const { port } = new URL(to);
  const pairs = new Set<readonly [Socket, Socket]>();
  let state: "up" | "cut" | "stalled" = "up";
  const server = createServer((outer) => {
    if (state === "cut") return outer.destroy();
    const inner = connect(Number(port), "127.0.0.1");
    const pair = [outer, inner] as const;
    pairs.add(pair);
    for (const [from, into] of [[outer, inner], [inner, outer]] as const) {
      from.on("data", (data) => into.write(data));
      from.on("error", () => into.destroy());
      from.on("close", () => {
        pairs.delete(pair);
        into.destroy();
      });
      if (state === "stalled") from.pause();
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const cut = (): void => {
    state = "cut";
    for (const [outer, inner] of pairs) {
      outer.resetAndDestroy();
      inner.resetAndDestroy();
    }
  };
  return {
    url: `http://127.0.0.1:${(server.address() as { port: number }).port}/`,
    cut,
    stall() {
      state = "stalled";
      for (const pair of pairs) for (const socket of pair) socket.pause();
    },
    restore() {
      state = "up";
      for (const pair of pairs) for (const socket of pair) socket.resume();
    },
    async [Symbol.asyncDispose]() {
      cut();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/**
 * Has a page keep what it plays: everything that reaches its loudspeaker, with the time of day of its first sample.
 * Before the page is opened.
 */
export async function recordLoudspeaker(page: Page): Promise<void> {
  await page.addInitScript(() => {
    const heard: { rate: number; parts: Float32Array[]; from: number | undefined } = {
      rate: 0,
      parts: [],
      from: undefined,
    };
    Object.assign(globalThis, { heard });
    const source = `registerProcessor("tap", class extends AudioWorkletProcessor {
      constructor() { super(); this.held = []; }
      process([[samples]]) {
        this.held.push(samples ? samples.slice() : new Float32Array(128));
        if (this.held.length === 75) this.port.postMessage(this.held.splice(0));
        return true;
      }
    });`;
    const url = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
    const join = AudioNode.prototype.connect as (this: AudioNode, ...args: unknown[]) => unknown;
    AudioNode.prototype.connect = function (this: AudioNode, ...args: unknown[]) {
      // The microphone is joined to the loudspeaker too, silent, so that it runs: it is at another rate.
      if (args[0] instanceof AudioDestinationNode && this instanceof AnalyserNode) {
        const context = this.context as AudioContext;
        void context.audioWorklet.addModule(url).then(() => {
          const tap = new AudioWorkletNode(context, "tap", { numberOfOutputs: 1 });
          tap.port.onmessage = ({ data }: MessageEvent<Float32Array[]>) => {
            // What has come ends now; what is on its way to the ears counts as heard.
            heard.from ??= Date.now() - (data.length * 128_000) / context.sampleRate;
            heard.parts.push(...data);
          };
          heard.rate = context.sampleRate;
          join.call(this, tap);
          join.call(tap, context.destination);
        });
      }
      return join.call(this, ...args);
    } as typeof AudioNode.prototype.connect;
  });
}

/** What a page has played. */
export interface Played {
  readonly samples: Int16Array;
  readonly rate: number;
  /** Milliseconds since 1970 at its first sample. */
  readonly from: number;
}

export async function playedBy(page: Page): Promise<Played> {
  const { base64, rate, from } = await page.evaluate(() => {
    const { heard } = globalThis as unknown as { heard: { rate: number; parts: Float32Array[]; from: number } };
    const bytes = new Uint8Array(heard.parts.length * 256);
    const view = new DataView(bytes.buffer);
    heard.parts.forEach((part, index) => {
      part.forEach((sample, at) => view.setInt16(index * 256 + at * 2, Math.round(sample * 32_767), true));
    });
    let text = "";
    for (let at = 0; at < bytes.length; at += 8_192) text += String.fromCharCode(...bytes.subarray(at, at + 8_192));
    return { base64: btoa(text), rate: heard.rate, from: heard.from };
  });
  const bytes = Uint8Array.from(Buffer.from(base64, "base64"));
  return { samples: new Int16Array(bytes.buffer), rate, from };
}

/** The transcript that a page shows: a line for each bubble and note. */
export function shownBy(page: Page): Promise<string[]> {
  return page.evaluate(() =>
    [...document.querySelectorAll("#talk > *")].map((element) => {
      const text = (element.querySelector("p") ?? element).textContent?.trim() ?? "";
      if (!element.classList.contains("said")) return `(${text})`;
      return `${element.classList.contains("user") ? "You" : "Agent"}: ${text}`;
    })
  );
}

/** When an order was given, as milliseconds since 1970. */
export function wallOf(records: readonly TraceRecord[], order: string): number[] {
  const offset = records[0]?.kind === "header" ? records[0].wallOffset : NaN;
  return records.flatMap((record) =>
    record.kind === "step" ? record.effects.filter(({ type }) => type === order).map(() => record.t + offset) : []
  );
}

/** The messages of the history as they were stored, with the time as milliseconds since 1970. */
export function messagesOf(records: readonly TraceRecord[]): {
  readonly at: number;
  readonly role: string;
  readonly text: string;
  readonly interrupted: boolean;
}[] {
  const offset = records[0]?.kind === "header" ? records[0].wallOffset : NaN;
  return records.flatMap((record) => {
    if (record.kind !== "note" || record.name !== "message") return [];
    const { role, text, interrupted } = record.fields;
    return [{ at: record.t + offset, role: String(role), text: String(text), interrupted: interrupted === true }];
  });
}
