/**
 * What a tool throws to say something to the model, or nothing.
 *
 * @module
 */

/**
 * A failure whose message is for the model. The text of any other error is for the log alone.
 *
 * @example
 * ```ts
 * throw new ToolError("There is no table free at eight. Offer seven or nine.");
 * ```
 */
export class ToolError extends Error {
  /** Known by name, too, where two copies of the library meet. */
  override readonly name: string = "ToolError";
}

/** Thrown or returned by a tool after which the agent is to say nothing. The call counts as answered with nothing. */
export class StopResponse extends Error {
  /** Known by name, too, where two copies of the library meet. */
  override readonly name: string = "StopResponse";

  /** Takes nothing, since nothing is said. */
  constructor() {
    super("The tool asked for no reply");
  }
}
