import type { Clock } from "../base/runtime.ts";
import type { STT } from "./stt.ts";
import type { VAD } from "./vad.ts";
export function sttStreamAdapter(stt: STT, _vad: VAD, _o: { clock: Clock }): STT {
  return stt;
}
