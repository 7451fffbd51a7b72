/**
 * Question: how long does the session itself keep a voice turn waiting, and how fast does it fall silent?
 *
 * Models and sink cost nothing, endpointing waits for nothing, and nothing is asked ahead, so the final transcript is what
 * the decision hangs on. From giving it to the session: milliseconds until the model is asked, and until the first frame is
 * written to the sink. Then, over a speech that plays on: milliseconds from the detector's word that the user speaks until
 * the sink is told to fall silent. 300 turns, after 100 that are not counted. Beside each 99th percentile the same of the time
 * in which the process was at work, since on a shared machine others have the core too.
 *
 *     node bench/voice_latency.ts
 */
import { openVoice } from "./instant_voice.ts";
import { report } from "./measure.ts";
import { voiceLatency } from "./voice_turns.ts";

if (import.meta.main) await report(() => voiceLatency(openVoice));
