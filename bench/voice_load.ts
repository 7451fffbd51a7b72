/**
 * Question: how much of a core does a voice session take, and how late is everything else at 50 of them?
 *
 * 50 sessions in one process, models and sinks free of cost, each fed with 50 frames of 20 ms a second from a timer of its
 * own. First they listen for four seconds: CPU time of the process, less what the same timers cost that feed nobody, in
 * percent of a core a session. Then for six seconds each takes a turn every two: how late a timer of 5 ms comes, 99th
 * percentile, in milliseconds. Beside it the most of that in which the process can have been at work (its CPU time
 * meanwhile), since others may have had the core, and the lateness before there are sessions, which is the machine's own.
 *
 *     node bench/voice_load.ts
 */
import { openVoice } from "./instant_voice.ts";
import { report } from "./measure.ts";
import { voiceLoad } from "./voice_crowd.ts";

if (import.meta.main) await report(() => voiceLoad(openVoice));
