/**
 * A page without a browser: its player, as the worklet runs it, driven by a virtual clock in place of a sound card.
 */
import type { VirtualClock } from "../../../adapters/runtime/virtual.ts";
import { voicePlayer } from "../../../adapters/hono/voice_player.ts";
import { type VoiceLine, type VoiceSink, voiceSink } from "../../../adapters/hono/voice_sink.ts";
import type { PlayoutReport } from "../../../adapters/hono/voice_wire.ts";
import { type AudioFrame, audioFrame } from "../../../src/audio/frame.ts";

export interface PageModel {
  readonly line: VoiceLine;
  /** What was audible, and when. */
  readonly heard: { readonly frame: AudioFrame; readonly at: number }[];
  /** Sound that the page was sent and has not played, in samples: most at any time. */
  readonly mostHeld: number;
}

/** Makes a page whose sound card takes `quantumMs` at a time. */
export function pageModel(
  clock: VirtualClock,
  { sampleRate, report, quantumMs = 1, reportEveryMs = 100 }: {
    readonly sampleRate: number;
    readonly report: (report: PlayoutReport) => void;
    readonly quantumMs?: number;
    readonly reportEveryMs?: number;
  },
): PageModel {
  const heard: { frame: AudioFrame; at: number }[] = [];
  const size = (sampleRate * quantumMs) / 1000;
  let isTicking = false;
  let received = 0;
  let mostHeld = 0;
  let playedBefore = 0;
  let playing = { segment: 0, samples: 0 };
  const player = voicePlayer((told) => {
    if (told.segment !== playing.segment) {
      playedBefore += playing.samples;
      playing = { segment: told.segment, samples: 0 };
    }
    playing.samples = told.samples;
    report(told);
  }, (sampleRate * reportEveryMs) / 1000);
  let nextAt = 0; // a sound card never takes twice for the same moment
  const tick = (): void => {
    const at = clock.now();
    nextAt = at + quantumMs;
    const output = new Float32Array(size);
    player.render(output);
    let length = size;
    while (length > 0 && output[length - 1] === 0) length--;
    if (length > 0) hear(Int16Array.from(output.subarray(0, length), (sample) => Math.round(sample * 32_768)), at);
    isTicking = player.isBusy;
    if (isTicking) clock.schedule(nextAt, tick);
  };
  let run = new Int16Array(4_096); // the last frame, with room for what follows it
  /** Joins what follows without a gap and counts on, so that tests see the frames that were written. */
  const hear = (data: Int16Array, at: number): void => {
    const last = heard.at(-1);
    const length = last?.frame.data.length ?? 0;
    const follows = last !== undefined && at - last.at === (length * 1000) / sampleRate &&
      data[0] === last.frame.data[length - 1]! + 1;
    const from = follows ? length : 0;
    if (!follows || from + data.length > run.length) {
      const grown = new Int16Array(Math.max(4_096, 2 * (from + data.length)));
      grown.set(run.subarray(0, from));
      run = grown;
    }
    run.set(data, from);
    if (follows) heard.pop();
    heard.push({ frame: audioFrame(run.subarray(0, from + data.length), sampleRate), at: follows ? last.at : at });
  };
  const wake = (): void => {
    if (isTicking || !player.isBusy) return;
    isTicking = true;
    if (nextAt > clock.now()) clock.schedule(nextAt, tick);
    else tick();
  };
  return {
    heard,
    get mostHeld() {
      return mostHeld;
    },
    line: {
      sound(segment, index, samples) {
        received += samples.length;
        mostHeld = Math.max(mostHeld, received - playedBefore - playing.samples);
        player.sound(segment, index, samples.slice());
        wake();
      },
      control(message) {
        player.control(message);
        wake();
      },
    },
  };
}

/** A sink and a page with a network between them, which takes its time and can be cut. */
export interface NetworkedPage {
  readonly sink: VoiceSink;
  /** What was audible, sample by sample. */
  heard(): number[];
  /** Connects; the second time, the page says where it stands. */
  connect(): void;
  /** Breaks the connection. What is on its way is lost. */
  cut(): void;
}

export function networkedPage(
  clock: VirtualClock,
  { sampleRate, latencyMs }: { readonly sampleRate: number; readonly latencyMs: number },
): NetworkedPage {
  let generation = 0; // of the connection: what an older one carries is lost
  let isConnected = false;
  const received = new Map<number, number>();
  const reports = new Map<number, PlayoutReport>();
  const carry = (work: () => void): void => {
    const sent = generation;
    if (!isConnected) return;
    clock.schedule(clock.now() + latencyMs, () => {
      if (sent === generation) work();
    });
  };
  let isKnown = false;
  const page = pageModel(clock, {
    sampleRate,
    report(report) {
      reports.set(report.segment, report);
      if (report.event === "finished" || report.event === "cleared") received.delete(report.segment);
      carry(() => sink.reported(report));
    },
  });
  const sink = voiceSink(clock, {
    sampleRate,
    line: {
      sound: (segment, index, samples) =>
        carry(() => {
          const before = received.get(segment) ?? 0;
          if (index <= before) received.set(segment, Math.max(before, index + samples.length));
          page.line.sound(segment, index, samples);
        }),
      control: (message) => carry(() => page.line.control(message)),
    },
  });
  return {
    sink,
    heard: () => page.heard.flatMap(({ frame }) => [...frame.data]),
    connect() {
      generation++;
      isConnected = true;
      const resume = {
        received: Array.from(received, ([segment, samples]) => ({ segment, samples })),
        reports: [...reports.values()],
      };
      sink.connected(isKnown ? resume : undefined);
      isKnown = true;
    },
    cut() {
      generation++;
      isConnected = false;
      sink.disconnected();
    },
  };
}
