/**
 * What runs beside the sound card of a page: a player and a microphone, as an AudioWorklet.
 *
 * Sent to the page as text, so that each function stands for itself.
 *
 * @module
 */
import { type VoicePlayer, voicePlayer } from "./voice_player.ts";
import type { PlayoutMessage, PlayoutReport } from "./voice_wire.ts";

/** What the page tells its player: one of the two. */
export type PlayerOrder =
  | { readonly sound: Int16Array; readonly segment: number; readonly index: number }
  | { readonly control: PlayoutMessage };

/** The globals of a worklet that are used here. */
interface Scope {
  readonly sampleRate: number;
  readonly AudioWorkletProcessor: new () => { readonly port: MessagePort };
  registerProcessor(name: string, processor: new () => unknown): void;
}

function registerProcessors(scope: Scope, makePlayer: typeof voicePlayer): void {
  const { sampleRate, AudioWorkletProcessor } = scope;

  class Player extends AudioWorkletProcessor {
    player: VoicePlayer;

    constructor() {
      super();
      const report = (told: PlayoutReport): void => this.port.postMessage(told);
      this.player = makePlayer(report, sampleRate / 10);
      this.port.onmessage = ({ data }: MessageEvent<PlayerOrder>) => {
        if ("sound" in data) this.player.sound(data.segment, data.index, data.sound);
        else this.player.control(data.control);
      };
    }

    process(_inputs: Float32Array[][], outputs: Float32Array[][]): boolean {
      const output = outputs[0]?.[0];
      if (output !== undefined) this.player.render(output);
      return true;
    }
  }

  class Microphone extends AudioWorkletProcessor {
    frame: Int16Array = new Int16Array(Math.floor(sampleRate / 50));
    length = 0;

    process(inputs: Float32Array[][]): boolean {
      const input = inputs[0]?.[0] ?? [];
      for (let at = 0; at < input.length; at++) {
        const sample = Math.max(-1, Math.min(1, input[at]!));
        this.frame[this.length++] = Math.round(sample * 32_767);
        if (this.length < this.frame.length) continue;
        this.port.postMessage(this.frame, [this.frame.buffer as ArrayBuffer]);
        this.frame = new Int16Array(Math.floor(sampleRate / 50));
        this.length = 0;
      }
      return true;
    }
  }

  scope.registerProcessor("repartee-player", Player);
  scope.registerProcessor("repartee-microphone", Microphone);
}

/** The worklet, as a script. A bundler that keeps names calls `__name`. */
export function workletSource(): string {
  return `const __name = (value) => value;\n(${registerProcessors})(globalThis, ${voicePlayer});\n`;
}
