import type { TTS } from "./tts.ts";
export function ttsStreamAdapter(tts: TTS): TTS { return tts; }
