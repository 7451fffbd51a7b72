/** The peer's side of `bench/voice_load.ts`: the same crowd. */
import { voiceLoad } from "../../voice_crowd.ts";
import { report } from "./measure.js";
import { openVoice } from "./voice.js";

await report(() => voiceLoad(openVoice));
