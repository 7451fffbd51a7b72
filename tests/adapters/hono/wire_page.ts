/**
 * A page at the end of the wire: what the browser's client does, over a virtual clock and without a network.
 */
import type { VirtualClock } from "../../../adapters/runtime/virtual.ts";
import type { VoiceCall, VoiceConnection } from "../../../adapters/hono/voice_call.ts";
import type { CallMessage, HelloMessage, PlayoutReport, ServerMessage } from "../../../adapters/hono/voice_wire.ts";
import { pageModel } from "./voice_page_model.ts";

export interface WirePage {
  /** What happened in the call, as the page saw it: each once. */
  readonly messages: (CallMessage & { readonly seq: number })[];
  /** Everything that came, in order, with what only the connection is about. */
  readonly all: ServerMessage[];
  /** Codes with which the server closed connections. */
  readonly closed: number[];
  /** Bytes that the server finds on their way. */
  buffered: number;
  /** Samples that were audible. */
  heardMs(): number;
  token(): string;
  /** A connection to it, at which it is from then on. */
  connection(): VoiceConnection;
  hello(): HelloMessage;
  /** Tells the call what the page plays, from now on. */
  at(call: VoiceCall | undefined): void;
  /** The first message of a type. */
  first<T extends CallMessage["type"]>(type: T): Extract<CallMessage, { type: T }> | undefined;
}

export function wirePage(clock: VirtualClock, sampleRate = 8_000): WirePage {
  const all: ServerMessage[] = [];
  const messages: (CallMessage & { readonly seq: number })[] = [];
  const closed: number[] = [];
  const received = new Map<number, number>();
  const reports = new Map<number, PlayoutReport>();
  let call: VoiceCall | undefined;
  let token: string | undefined;
  let seen = 0;
  let present: VoiceConnection | undefined;
  const played = new Map<number, number>();
  const model = pageModel(clock, {
    sampleRate,
    report(report) {
      reports.set(report.segment, report);
      played.set(report.segment, report.samples);
      if (report.event === "finished" || report.event === "cleared") received.delete(report.segment);
      call?.message({ type: "played", ...report });
    },
  });
  const take = (data: string | Uint8Array): void => {
    if (typeof data !== "string") {
      const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
      const segment = view.getUint32(0, true);
      const index = view.getUint32(4, true);
      const samples = new Int16Array(data.slice(8).buffer);
      received.set(segment, Math.max(received.get(segment) ?? 0, index + samples.length));
      return model.line.sound(segment, index, samples);
    }
    const message = JSON.parse(data) as ServerMessage;
    all.push(message);
    if (message.type === "welcome") ({ token } = message);
    if (message.type === "pause" || message.type === "clear" || message.type === "segment") model.line.control(message);
    if (!("seq" in message) || message.seq <= seen) return;
    seen = message.seq;
    messages.push(message);
  };
  const page: WirePage = {
    messages,
    all,
    closed,
    buffered: 0,
    heardMs: () => [...played.values()].reduce((sum, samples) => sum + (samples * 1000) / sampleRate, 0),
    token: () => token ?? "",
    connection() {
      const own: VoiceConnection = {
        send: (data) => present === own && take(data),
        close(code) {
          closed.push(code);
          if (present === own) present = undefined;
        },
        bufferedBytes: () => page.buffered,
      };
      present = own;
      return own;
    },
    hello: () => ({
      type: "hello",
      version: 1,
      sampleRate: 16_000,
      ...(token !== undefined && {
        resume: {
          token,
          seen,
          received: Array.from(received, ([segment, samples]) => ({ segment, samples })),
          reports: [...reports.values()],
        },
      }),
    }),
    at: (next) => void (call = next),
    first: (type) => messages.find((message) => message.type === type) as never,
  };
  return page;
}
