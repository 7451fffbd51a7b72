/** The peer's side of `bench/voice_latency.ts`: the same turns, the same way. */
import { voiceLatency } from "../../voice_turns.ts";
import { report } from "./measure.js";
import { openVoice } from "./voice.js";

await report(() => voiceLatency(openVoice));
