/**
 * A voice activity detector that listens to loudness alone: no weights, no WebAssembly, no threads, for places that have
 * none. It takes music, a door and a cough for speech; where Silero runs, Silero is better.
 *
 * @module
 */
export { type EnergyVAD, energyVAD, type EnergyVADOptions, type VADOptions, type VADThresholds } from "./energy_vad.ts";
