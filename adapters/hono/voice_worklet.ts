/**
 * What runs beside the sound card of a page: a player and a microphone, as the script of an AudioWorklet.
 *
 * `scripts/page_text.ts` makes a text of it, which the page loads.
 *
 * @module
 */
import { type VoicePlayer, voicePlayer } from "./voice_player.ts";
import type { PlayoutMessage } from "./voice_wire.ts";

/** What the page tells its player: one of the two. */
export type PlayerOrder =
  | { readonly sound: Int16Array; readonly segment: number; readonly index: number }
  | { readonly control: PlayoutMessage };

/** The globals of a worklet that are used here. */
export interface WorkletScope {
  readonly sampleRate: number;
  readonly AudioWorkletProcessor: new () => { readonly port: MessagePort };
  registerProcessor(name: string, processor: new () => unknown): void;
}

/** Makes the processors `repartee-player` and `repartee-microphone`. */
export function registerProcessors(scope: WorkletScope): void {
  const { sampleRate, AudioWorkletProcessor } = scope;
  const frameSize = Math.floor(sampleRate / 50); // 20 ms
  const reportEvery = sampleRate / 10; // as the wire says: 100 ms

  class Player extends AudioWorkletProcessor {
    readonly #player: VoicePlayer;

    constructor() {
      super();
      this.#player = voicePlayer((report) => this.port.postMessage(report), reportEvery);
      this.port.onmessage = ({ data }: MessageEvent<PlayerOrder>) => {
        if ("sound" in data) this.#player.sound(data.segment, data.index, data.sound);
        else this.#player.control(data.control);
      };
    }

    process(_inputs: Float32Array[][], outputs: Float32Array[][]): boolean {
      const output = outputs[0]?.[0];
      if (output !== undefined) this.#player.render(output);
      return true;
    }
  }

  class Microphone extends AudioWorkletProcessor {
    #frame = new Int16Array(frameSize);
    #length = 0;

    process(inputs: Float32Array[][]): boolean {
      for (const sample of inputs[0]?.[0] ?? []) {
        this.#frame[this.#length++] = Math.round(Math.max(-1, Math.min(1, sample)) * 32_767);
        if (this.#length < frameSize) continue;
        this.port.postMessage(this.#frame, [this.#frame.buffer]);
        this.#frame = new Int16Array(frameSize);
        this.#length = 0;
      }
      return true;
    }
  }

  scope.registerProcessor("repartee-player", Player);
  scope.registerProcessor("repartee-microphone", Microphone);
}
