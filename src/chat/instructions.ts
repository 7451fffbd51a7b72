/**
 * Instructions that read differently for a conversation by voice and by text.
 *
 * @module
 */

/** Instructions with a variant for each modality. */
export interface Instructions {
  readonly type: "instructions";
  readonly audio: string;
  readonly text: string;
}
