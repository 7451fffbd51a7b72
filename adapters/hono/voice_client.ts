/**
 * The page's end of a call: microphone, loudspeaker and connection, without a word about how the page looks.
 *
 * Runs in browsers. Bundlers take it from `@repartee/agents/voice-client`; pages without one load what `voiceClientModule` of
 * `@repartee/agents/hono` gives, which is the same as text.
 *
 * @module
 */
import { levelOf, type Loudspeaker, type Microphone, openLoudspeaker, openMicrophone } from "./voice_devices.ts";
import { type LinkSocket, type VoiceEnd, voiceLink, type VoiceStatus } from "./voice_link.ts";
import type { CallMessage, PlayoutReport, ResumeState, ServerMessage } from "./voice_wire.ts";
import type { PlayerOrder } from "./voice_worklet.ts";

export type { LatencyPart } from "../../src/trace/latency.ts";
export type { AgentState, UserState } from "../../src/turn/effect.ts";
export type { VoiceEnd, VoiceStatus } from "./voice_link.ts";
export type { CallMessage } from "./voice_wire.ts";

/** How a page calls. */
export interface VoiceClientOptions {
  /** Where the route is: a path or an address. Default `"/voice"`. */
  readonly url?: string;
  /** False: the user only types. Constraints: instead of echo cancellation, noise suppression and gain control. Default true. */
  readonly microphone?: boolean | MediaTrackConstraints;
  /** Told what happens in the call. */
  readonly onMessage?: (message: CallMessage) => void;
  /** Told when the connection comes, breaks, comes back and ends. */
  readonly onStatus?: (status: VoiceStatus, end?: VoiceEnd) => void;
}

/** A call, as the page holds it. */
export interface VoiceClient {
  /** Where the call is. */
  readonly status: VoiceStatus;
  /** Whether the microphone is off. Nothing leaves the page then. */
  readonly muted: boolean;
  /** The last round trip to the server, in milliseconds. */
  readonly roundTripMs: number | undefined;
  /** Where the agent's sound comes out, for meters and recorders; undefined until the server is there. */
  readonly output: AudioNode | undefined;
  /** Switches the microphone off or on. */
  mute(muted: boolean): void;
  /** Sends what the user typed; up to 16 texts wait for a connection that is away. */
  sendText(text: string): void;
  /** How loud it is now, from 0 to 1. */
  levels(): { readonly microphone: number; readonly agent: number };
  /** Hangs up, and lets go of the microphone. */
  end(): void;
}

const RATE = 16_000; // of the microphone: what recognisers want
const KEPT_FRAMES = 250; // of the microphone, for a server that lost them: 5 s of 20 ms
const MAX_REPORTS = 32; // segments whose end a server may have to be told again
const MAX_TYPED = 16;

/**
 * Calls an agent from a page: asks for the microphone, plays what the agent says, and keeps the call through a break of the
 * connection. Call it from a click, since browsers play nothing before one.
 *
 * @returns The call, when the microphone is there; the connection may still be on its way: see `onStatus`.
 * @throws {DOMException} `NotAllowedError` when the user refuses the microphone, `NotFoundError` when there is none: then offer
 *   `microphone: false`.
 *
 * @example
 * ```ts
 * const call = await connectVoice({ url: "/voice", onMessage: (message) => show(message) });
 * hangUpButton.onclick = () => call.end();
 * ```
 */
export async function connectVoice(options: VoiceClientOptions = {}): Promise<VoiceClient> {
  const { url = "/voice", microphone: wanted = true, onMessage, onStatus } = options;
  const address = new URL(url, location.href);
  address.protocol = address.protocol.replace("http", "ws");
  const uplink = new Uplink((frame) => void link.send(frame));
  const playback = new Playback((report) => void link.send({ type: "played", ...report }));
  const typed: string[] = []; // what the user typed while nobody could be told
  let seen = 0;

  // The microphone first: a user who refuses it must not be put through.
  const stream = wanted === false ? undefined : await navigator.mediaDevices.getUserMedia({
    audio: typeof wanted === "object"
      ? wanted
      : { echoCancellation: true, noiseSuppression: true, autoGainControl: true, channelCount: 1 },
  });
  const stopTracks = (): void => stream?.getTracks().forEach((track) => track.stop());
  let microphone: Microphone | undefined;
  try {
    microphone = stream && await openMicrophone(stream, RATE, (samples) => uplink.take(samples));
  } catch (error) {
    stopTracks();
    throw error;
  }

  const take = (message: ServerMessage): void => {
    if (message.type === "segment" || message.type === "clear" || message.type === "pause") {
      return playback.order({ control: message });
    }
    if (!("seq" in message) || message.seq <= seen) return;
    seen = message.seq;
    onMessage?.(message);
    if (message.type === "end") link.end({ reason: message.reason });
  };

  const letGo = (): void => {
    removeEventListener("pagehide", hangUp);
    removeEventListener("online", link.connect);
    stopTracks();
    microphone?.close();
    playback.close();
  };

  const link = voiceLink({
    open: () => new WebSocket(address) as LinkSocket,
    now: () => performance.now(),
    later: (ms, work) => {
      const timer = setTimeout(work, ms);
      return () => clearTimeout(timer);
    },
    sampleRate: () => microphone?.sampleRate ?? RATE,
    resume: () => ({ seen, ...playback.standing() }),
    onWelcome(welcome, isFirst) {
      if (isFirst) {
        playback.open(welcome.sampleRate).catch((error) => link.end({ reason: "failed", message: String(error) }));
      }
      uplink.again(welcome.received);
      if (uplink.isMuted) link.send({ type: "mute", muted: true });
      for (const text of typed.splice(0)) link.send({ type: "text", text });
    },
    onData: (data) => data instanceof ArrayBuffer ? playback.sound(data) : take(data),
    onStatus(status, end) {
      if (status === "ended") letGo();
      onStatus?.(status, end);
    },
  });

  function hangUp(): void {
    link.send({ type: "end" });
    link.end({ reason: "user_initiated" });
  }

  addEventListener("pagehide", hangUp);
  addEventListener("online", link.connect);
  onStatus?.("connecting");
  link.connect();
  return {
    get status() {
      return link.status;
    },
    get muted() {
      return uplink.isMuted;
    },
    get roundTripMs() {
      return link.roundTripMs;
    },
    get output() {
      return playback.output;
    },
    mute(muted) {
      uplink.isMuted = muted;
      stream?.getAudioTracks().forEach((track) => (track.enabled = !muted));
      link.send({ type: "mute", muted });
    },
    sendText(text) {
      if (link.send({ type: "text", text })) return;
      if (link.status !== "ended" && typed.length < MAX_TYPED) typed.push(text);
    },
    levels: () => ({
      microphone: uplink.isMuted ? 0 : levelOf(microphone?.meter),
      agent: levelOf(playback.output),
    }),
    end: hangUp,
  };
}

/** Frames of the microphone on their way to the server, the last 5 s kept. */
class Uplink {
  isMuted = false;
  #captured = 0; // samples
  readonly #kept: { readonly index: number; readonly frame: ArrayBuffer }[] = [];
  readonly #send: (frame: ArrayBuffer) => void;

  constructor(send: (frame: ArrayBuffer) => void) {
    this.#send = send;
  }

  take(samples: Int16Array): void {
    if (this.isMuted) return;
    const frame = new ArrayBuffer(4 + samples.length * 2);
    const view = new DataView(frame);
    view.setUint32(0, this.#captured % 2 ** 32, true);
    for (let at = 0; at < samples.length; at++) view.setInt16(4 + at * 2, samples[at]!, true);
    this.#kept.push({ index: this.#captured, frame });
    if (this.#kept.length > KEPT_FRAMES) this.#kept.shift();
    this.#captured += samples.length;
    this.#send(frame);
  }

  /** Sends again what the server has not received; its index is modulo 2^32. */
  again(received: number): void {
    for (const { index, frame } of this.#kept) if (((index - received) | 0) >= 0) this.#send(frame);
  }
}

/** What the agent says on its way to the loudspeaker, and how far each segment has come. */
class Playback {
  #speaker: Loudspeaker | undefined;
  #isClosed = false;
  #waiting: PlayerOrder[] = []; // for the loudspeaker; bounded, since the server sends no more than 400 ms ahead
  readonly #received = new Map<number, number>();
  #reports: PlayoutReport[] = [];
  readonly #send: (report: PlayoutReport) => void;

  constructor(send: (report: PlayoutReport) => void) {
    this.#send = send;
  }

  get output(): AnalyserNode | undefined {
    return this.#speaker?.output;
  }

  async open(sampleRate: number): Promise<void> {
    const speaker = await openLoudspeaker(sampleRate, (report) => this.#reported(report));
    if (this.#isClosed) return speaker.close();
    this.#speaker = speaker;
    for (const order of this.#waiting.splice(0)) speaker.order(order);
  }

  close(): void {
    this.#isClosed = true;
    this.#speaker?.close();
  }

  order(order: PlayerOrder): void {
    if (this.#speaker === undefined) this.#waiting.push(order);
    else this.#speaker.order(order);
  }

  sound(bytes: ArrayBuffer): void {
    const view = new DataView(bytes);
    const segment = view.getUint32(0, true);
    const index = view.getUint32(4, true);
    const sound = new Int16Array((bytes.byteLength - 8) / 2);
    for (let at = 0; at < sound.length; at++) sound[at] = view.getInt16(8 + at * 2, true);
    const before = this.#received.get(segment) ?? 0;
    if (index <= before) this.#received.set(segment, Math.max(before, index + sound.length));
    this.order({ sound, segment, index });
  }

  /** Where it stands, for a server that was out of reach. */
  standing(): Pick<ResumeState, "received" | "reports"> {
    const received = Array.from(this.#received, ([segment, samples]) => ({ segment, samples }));
    return { received, reports: this.#reports };
  }

  #reported(report: PlayoutReport): void {
    const told = { ...report, latencyMs: this.#speaker?.latencyMs() ?? 0 };
    this.#reports = [...this.#reports.filter(({ segment }) => segment !== report.segment), told].slice(-MAX_REPORTS);
    if (report.event === "finished" || report.event === "cleared") this.#received.delete(report.segment);
    this.#send(told);
  }
}
