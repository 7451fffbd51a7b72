/**
 * The page's end of a call: microphone, loudspeaker and connection, without a word about how the page looks.
 *
 * Runs in browsers. Bundlers take it from `@repartee/agents/voice-client`; pages without one load what `voiceClientModule` of
 * `@repartee/agents/hono` gives, which is the same as text.
 *
 * @module
 */
import { WORKLET } from "./voice_worklet_text.ts";
import type { PlayerOrder } from "./voice_worklet.ts";
import type { CallMessage, HelloMessage, PageMessage, PlayoutReport, ServerMessage } from "./voice_wire.ts";

export type { LatencyPart } from "../../src/trace/latency.ts";
export type { AgentState, UserState } from "../../src/turn/effect.ts";
export type { CallMessage } from "./voice_wire.ts";

/** Where a call is. `reconnecting`: the connection broke, and what is said is kept for up to 5 s. */
export type VoiceStatus = "connecting" | "connected" | "reconnecting" | "ended";

/** Why a call ended: as the server said, or `"lost"` when it could not be reached again, `"refused"` with what the server had against it. */
export interface VoiceEnd {
  /** The reason, in a word. */
  readonly reason: string;
  /** The code of the server's error, when it refused. */
  readonly code?: string;
  /** What it said. */
  readonly message?: string;
}

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
  /** Where the agent's sound comes out, for meters and recorders. */
  readonly output: AudioNode;
  /** Switches the microphone off or on. */
  mute(muted: boolean): void;
  /** Sends what the user typed; up to 16 texts wait for a connection that is away. */
  sendText(text: string): void;
  /** How loud it is now, from 0 to 1. */
  levels(): { readonly microphone: number; readonly agent: number };
  /** Hangs up, and lets go of the microphone. */
  end(): void;
}

const PING_MS = 2_000; // as the wire says
const LOST_MS = 6_000; // three pings without an answer
const KEPT_MS = 5_000; // of the microphone, for a server that lost it
const FIRST_RETRY_MS = 250;
const LAST_RETRY_MS = 2_000;
const MAX_REPORTS = 32;
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
  const { url = "/voice", microphone = true, onMessage, onStatus } = options;
  const address = new URL(url, location.href);
  address.protocol = address.protocol.replace("http", "ws");

  // The microphone first: a user who refuses it must not be put through.
  const stream = microphone === false ? undefined : await navigator.mediaDevices.getUserMedia({
    audio: typeof microphone === "object"
      ? microphone
      : { echoCancellation: true, noiseSuppression: true, autoGainControl: true, channelCount: 1 },
  });

  const script = URL.createObjectURL(new Blob([WORKLET], { type: "text/javascript" }));
  const contexts: AudioContext[] = [];
  const open = async (sampleRate?: number): Promise<AudioContext> => {
    const context = new AudioContext({ latencyHint: "interactive", ...(sampleRate && { sampleRate }) });
    contexts.push(context);
    await context.audioWorklet.addModule(script);
    return context;
  };

  let socket: WebSocket | undefined;
  let status: VoiceStatus = "connecting";
  let isMuted = false;
  let inputRate = 16_000;
  let token: string | undefined;
  let graceMs = 0;
  let lostAt: number | undefined;
  let retryMs = FIRST_RETRY_MS;
  let retry: ReturnType<typeof setTimeout> | undefined;
  let pings: ReturnType<typeof setInterval> | undefined;
  let heardAt = 0;
  let seen = 0;
  let roundTripMs: number | undefined;
  let lastPing = { id: 0, at: 0 };
  let captured = 0; // samples of the microphone
  let kept: { readonly index: number; readonly samples: Int16Array }[] = [];
  let player: AudioWorkletNode | undefined;
  let playing: AudioContext | undefined;
  let agentMeter: AnalyserNode | undefined;
  let microphoneMeter: AnalyserNode | undefined;
  const typed: string[] = []; // what the user typed while nobody could be told
  const received = new Map<number, number>();
  let reports: PlayoutReport[] = [];
  let waiting: (ArrayBuffer | ServerMessage)[] | undefined = []; // until the loudspeaker is there

  const isOpen = (): boolean => socket?.readyState === 1;
  const send = (message: PageMessage): void => {
    if (isOpen() && status === "connected") socket!.send(JSON.stringify(message));
  };
  const sendFrame = (index: number, samples: Int16Array): void => {
    const bytes = new ArrayBuffer(4 + samples.length * 2);
    const view = new DataView(bytes);
    view.setUint32(0, index % 2 ** 32, true);
    for (let at = 0; at < samples.length; at++) view.setInt16(4 + at * 2, samples[at]!, true);
    socket!.send(bytes);
  };
  const order = (what: PlayerOrder): void => player?.port.postMessage(what);

  const change = (next: VoiceStatus, end?: VoiceEnd): void => {
    if (status === "ended" || (status === next && next !== "connecting")) return;
    status = next;
    onStatus?.(next, end);
  };

  const finish = (end: VoiceEnd): void => {
    if (status === "ended") return;
    clearTimeout(retry);
    clearInterval(pings);
    removeEventListener("pagehide", hangUp);
    removeEventListener("online", connect);
    for (const track of stream?.getTracks() ?? []) track.stop();
    for (const context of contexts) void context.close().catch(() => {});
    URL.revokeObjectURL(script);
    socket?.close(1000);
    kept = [];
    change("ended", end);
  };

  const hangUp = (): void => {
    send({ type: "end" });
    finish({ reason: "user_initiated" });
  };

  const reported = (report: PlayoutReport): void => {
    const told = { ...report, latencyMs: Math.min(5_000, ((playing as AudioContext).outputLatency || 0) * 1000) };
    reports = reports.filter((before) => before.segment !== report.segment);
    reports.push(told);
    if (reports.length > MAX_REPORTS) reports.shift();
    if (report.event === "finished" || report.event === "cleared") received.delete(report.segment);
    send({ type: "played", ...told });
  };

  const takeSound = (bytes: ArrayBuffer): void => {
    const view = new DataView(bytes);
    const segment = view.getUint32(0, true);
    const index = view.getUint32(4, true);
    const sound = new Int16Array((bytes.byteLength - 8) / 2);
    for (let at = 0; at < sound.length; at++) sound[at] = view.getInt16(8 + at * 2, true);
    const before = received.get(segment) ?? 0;
    if (index <= before) received.set(segment, Math.max(before, index + sound.length));
    order({ sound, segment, index });
  };

  const take = (message: ServerMessage): void => {
    switch (message.type) {
      case "pong":
        if (message.id === lastPing.id) roundTripMs = performance.now() - lastPing.at;
        return;
      case "segment":
      case "clear":
      case "pause":
        return order({ control: message });
      case "welcome":
        return;
      case "refused":
        return finish({ reason: "refused", code: message.code, message: message.message });
      default:
        if (message.seq <= seen) return;
        seen = message.seq;
        onMessage?.(message);
        if (message.type === "end") finish({ reason: message.reason });
    }
  };

  const startPlaying = async (sampleRate: number): Promise<void> => {
    playing = await open(sampleRate);
    player = new AudioWorkletNode(playing, "repartee-player", { numberOfInputs: 0, outputChannelCount: [1] });
    player.port.onmessage = ({ data }) => reported(data);
    agentMeter = playing.createAnalyser();
    player.connect(agentMeter);
    agentMeter.connect(playing.destination);
    await Promise.race([playing.resume(), new Promise((go) => setTimeout(go, 500))]);
    const held = waiting ?? [];
    waiting = undefined;
    for (const what of held) what instanceof ArrayBuffer ? takeSound(what) : take(what);
  };

  const startListening = async (): Promise<void> => {
    if (stream === undefined) return;
    let context: AudioContext;
    let source: MediaStreamAudioSourceNode;
    try {
      context = await open(inputRate);
      source = context.createMediaStreamSource(stream);
    } catch { // Firefox joins no microphone to a context of another rate
      context = await open();
      inputRate = context.sampleRate;
      source = context.createMediaStreamSource(stream);
    }
    const node = new AudioWorkletNode(context, "repartee-microphone", { outputChannelCount: [1] });
    microphoneMeter = context.createAnalyser();
    source.connect(microphoneMeter);
    source.connect(node);
    node.connect(context.destination); // it is silent; what is joined to nothing may not run
    node.port.onmessage = ({ data }: MessageEvent<Int16Array>) => {
      if (isMuted || status === "ended") return;
      const frame = { index: captured, samples: data };
      captured += data.length;
      kept.push(frame);
      if (kept.length * 20 > KEPT_MS) kept.shift();
      if (isOpen() && status === "connected") sendFrame(frame.index, frame.samples);
    };
    void context.resume();
  };

  const lose = (): void => {
    clearInterval(pings);
    if (status === "ended") return;
    lostAt ??= performance.now();
    if (token === undefined || performance.now() - lostAt >= graceMs) return finish({ reason: "lost" });
    change("reconnecting");
    clearTimeout(retry);
    retry = setTimeout(connect, retryMs);
    retryMs = Math.min(retryMs * 2, LAST_RETRY_MS);
  };

  const connect = (): void => {
    if (status === "ended" || status === "connected" || socket?.readyState === 0) return;
    const next = new WebSocket(address);
    socket = next;
    next.binaryType = "arraybuffer";
    heardAt = performance.now();
    clearInterval(pings);
    pings = setInterval(() => {
      if (performance.now() - heardAt > LOST_MS) {
        next.onclose = null; // its closing handshake would be waited for
        next.close();
        return lose();
      }
      lastPing = { id: lastPing.id + 1, at: performance.now() };
      send({ type: "ping", id: lastPing.id, seen });
    }, PING_MS);
    next.onopen = () => {
      const hello: HelloMessage = {
        type: "hello",
        version: 1,
        sampleRate: inputRate,
        ...(token !== undefined && {
          resume: {
            token,
            seen,
            received: Array.from(received, ([segment, samples]) => ({ segment, samples })),
            reports,
          },
        }),
      };
      next.send(JSON.stringify(hello));
    };
    next.onmessage = ({ data }: MessageEvent<string | ArrayBuffer>) => {
      heardAt = performance.now();
      const what = typeof data === "string" ? JSON.parse(data) as ServerMessage : data;
      if (!(what instanceof ArrayBuffer) && what.type === "welcome") {
        if (token === undefined) {
          startPlaying(what.sampleRate).catch((error) => finish({ reason: "failed", message: String(error) }));
        }
        ({ token, graceMs } = what);
        lostAt = undefined;
        retryMs = FIRST_RETRY_MS;
        change("connected");
        // What was lost on the way is sent again; the index is modulo 2^32.
        for (const { index, samples } of kept) if (((index - what.received) | 0) >= 0) sendFrame(index, samples);
        if (isMuted) send({ type: "mute", muted: true });
        for (const text of typed.splice(0)) send({ type: "text", text });
      } else if (waiting !== undefined) waiting.push(what);
      else if (what instanceof ArrayBuffer) takeSound(what);
      else take(what);
    };
    next.onclose = () => {
      if (socket === next) lose();
    };
  };

  const level = (meter: AnalyserNode | undefined): number => {
    if (meter === undefined) return 0;
    const samples = new Float32Array(512);
    meter.getFloatTimeDomainData(samples);
    const power = samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length;
    return Math.min(1, Math.sqrt(power) * 4);
  };

  addEventListener("pagehide", hangUp);
  addEventListener("online", connect);
  onStatus?.("connecting");
  try {
    await startListening();
  } catch (error) {
    finish({ reason: "failed", message: String(error) });
    throw error;
  }
  connect();

  return {
    get status() {
      return status;
    },
    get muted() {
      return isMuted;
    },
    get roundTripMs() {
      return roundTripMs;
    },
    get output() {
      return agentMeter as AudioNode;
    },
    mute(muted) {
      isMuted = muted;
      for (const track of stream?.getAudioTracks() ?? []) track.enabled = !muted;
      send({ type: "mute", muted });
    },
    sendText(text) {
      if (status === "connected") send({ type: "text", text });
      else if (status !== "ended" && typed.length < MAX_TYPED) typed.push(text);
    },
    levels: () => ({ microphone: isMuted ? 0 : level(microphoneMeter), agent: level(agentMeter) }),
    end: hangUp,
  };
}
