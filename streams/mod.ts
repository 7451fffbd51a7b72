/**
 * Stream parts that compose: sources, fan-out, switching, merging, pacing, sentences, words.
 *
 * @module
 */
export { type Broadcast, broadcast, type BroadcastOptions, type SubscribeOptions } from "./broadcast.ts";
export { collect } from "./collect.ts";
export { type Disconnect, fromPush, type FromPushOptions, type Inlet } from "./from_push.ts";
export { fuse, type Stage, type Step } from "./fuse.ts";
export { merge } from "./merge.ts";
export { pace, type PaceOptions } from "./pace.ts";
export type { FrameCutterOptions } from "../src/audio/frames.ts";
export { rechunk } from "./rechunk.ts";
export { sentences, type SentencesOptions, type SentenceSplitter, sentenceSplitter } from "./sentences.ts";
export { type Switchable, switchable, type SwitchableOptions } from "./switchable.ts";
export { type StreamSource, toStream } from "./to_stream.ts";
export { words, type WordSplitter, wordSplitter } from "./words.ts";
