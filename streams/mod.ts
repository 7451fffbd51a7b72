/**
 * Stream parts that compose: sources, fan-out, switching, merging, pacing, sentences.
 *
 * @module
 */
export { broadcast } from "./broadcast.ts";
export { fromPush } from "./from_push.ts";
export { fuse } from "./fuse.ts";
export { switchable } from "./switchable.ts";
export { toStream } from "./to_stream.ts";
