// Speaks, and leaves the voice open: the process must end by itself.
import { fliteTTS } from "../../../adapters/flite/flite.ts";

let length = 0;
for await (const { frame } of fliteTTS().synthesize("Hello there! Goodbye.")) length += frame.data.length;
console.log(`spoke ${length}`);
