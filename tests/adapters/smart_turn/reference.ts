/**
 * What native onnxruntime said about the sound of the fixture: see `scripts/smart_turn_reference.py`.
 */
import { readFile } from "node:fs/promises";

/** The reference. */
export interface Reference {
  readonly audioSha256: string;
  readonly weightsSha256: string;
  /** Band and column of each feature that is compared. */
  readonly places: readonly (readonly number[])[];
  readonly found: readonly {
    readonly endMs: number;
    readonly probability: number;
    readonly features: readonly number[];
  }[];
}

/** Reads it. */
export async function referenceOf(): Promise<Reference> {
  return JSON.parse(await readFile(new URL("../../fixtures/smart_turn_reference.json", import.meta.url), "utf8"));
}
