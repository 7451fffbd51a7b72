// Recognises, and leaves the recogniser open: the process must end by itself.
import { whisperSTT } from "../../../adapters/whisper/whisper.ts";
import { audioFrame } from "../../../src/audio/frame.ts";

const noise = Int16Array.from({ length: 8_000 }, (_, index) => ((index * 7_919) % 2_001) - 1_000);
const event = await whisperSTT().recognize([audioFrame(noise, 16_000)]);
console.log(`heard ${"alternatives" in event ? event.alternatives.length : "nothing"}`);
