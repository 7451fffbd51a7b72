/**
 * The microphone and the loudspeaker of a page.
 *
 * @module
 */
import type { PlayoutReport } from "./voice_wire.ts";
import type { PlayerOrder } from "./voice_worklet.ts";
import { WORKLET } from "./voice_worklet_text.ts";

/** Where the agent is heard. */
export interface Loudspeaker {
  /** What the agent's sound goes through, for meters and recorders. */
  readonly output: AnalyserNode;
  /** How long what is played now takes to be audible, in milliseconds, where the browser says. */
  latencyMs(): number;
  order(what: PlayerOrder): void;
  close(): void;
}

/** Where the user is heard. */
export interface Microphone {
  readonly meter: AnalyserNode;
  /** Samples per second that it gives. */
  readonly sampleRate: number;
  close(): void;
}

const RESUME_MS = 500; // a browser that plays nothing before a click must not hold the call up
const MAX_LATENCY_MS = 5_000; // as the wire says

async function openContext(sampleRate?: number): Promise<AudioContext> {
  const script = URL.createObjectURL(new Blob([WORKLET], { type: "text/javascript" }));
  const context = new AudioContext({ latencyHint: "interactive", ...(sampleRate && { sampleRate }) });
  try {
    await context.audioWorklet.addModule(script);
  } finally {
    URL.revokeObjectURL(script);
  }
  return context;
}

function close(context: AudioContext): void {
  void context.close().catch(() => {}); // it is closed already
}

/** Opens the loudspeaker at the rate of the agent's sound. */
export async function openLoudspeaker(
  sampleRate: number,
  onReport: (report: PlayoutReport) => void,
): Promise<Loudspeaker> {
  const context = await openContext(sampleRate);
  const node = new AudioWorkletNode(context, "repartee-player", { numberOfInputs: 0, outputChannelCount: [1] });
  node.port.onmessage = ({ data }: MessageEvent<PlayoutReport>) => onReport(data);
  const output = context.createAnalyser();
  node.connect(output);
  output.connect(context.destination);
  await Promise.race([context.resume(), new Promise((go) => setTimeout(go, RESUME_MS))]);
  return {
    output,
    latencyMs: () => Math.min(MAX_LATENCY_MS, (context.outputLatency || 0) * 1000),
    order: (what) => node.port.postMessage(what),
    close: () => close(context),
  };
}

/** Opens the microphone at a rate, or at its own where the browser cannot convert. Frames are of 20 ms. */
export async function openMicrophone(
  stream: MediaStream,
  wantedRate: number,
  onFrame: (samples: Int16Array) => void,
): Promise<Microphone> {
  let context = await openContext(wantedRate);
  let source: MediaStreamAudioSourceNode;
  try {
    source = context.createMediaStreamSource(stream);
  } catch { // Firefox joins no microphone to a context of another rate
    close(context);
    context = await openContext();
    source = context.createMediaStreamSource(stream);
  }
  const node = new AudioWorkletNode(context, "repartee-microphone", { outputChannelCount: [1] });
  node.port.onmessage = ({ data }: MessageEvent<Int16Array>) => onFrame(data);
  const meter = context.createAnalyser();
  source.connect(meter);
  source.connect(node);
  node.connect(context.destination); // it is silent; what is joined to nothing may not run
  void context.resume();
  const { sampleRate } = context;
  return { meter, sampleRate, close: () => close(context) };
}

/** How loud a meter is now, from 0 to 1. */
export function levelOf(meter: AnalyserNode | undefined): number {
  if (meter === undefined) return 0;
  const samples = new Float32Array(512);
  meter.getFloatTimeDomainData(samples);
  const power = samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length;
  return Math.min(1, Math.sqrt(power) * 4); // speech is far below full scale
}
