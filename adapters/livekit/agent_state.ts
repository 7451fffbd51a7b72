/**
 * Tells the room what the agent does.
 *
 * @module
 */

/** The attribute that says what the agent does. */
export const AGENT_STATE = "lk.agent.state";

/** Writes the latest value, one write at a time: what was superseded meanwhile is not written. */
export interface LatestWriter {
  /** Wants a value. */
  set(value: string): void;
  /** Writes what is wanted, if writing is possible now. */
  poke(): void;
  /** Writes nothing more. */
  stop(): void;
}

/**
 * Makes a writer.
 *
 * @param write Writes a value; undefined when nothing can be written now, and `poke` is called when it can.
 */
export function latestWriter(
  write: (value: string) => Promise<void> | undefined,
  onError: (error: unknown) => void,
): LatestWriter {
  let wanted: string | undefined;
  let written: string | undefined;
  let isWriting = false;
  let isStopped = false;
  const poke = (): void => {
    if (isStopped || isWriting || wanted === undefined || wanted === written) return;
    const value = wanted;
    const work = write(value);
    if (work === undefined) return;
    isWriting = true;
    written = value;
    work.catch(onError).then(() => {
      isWriting = false;
      poke();
    });
  };
  return {
    set(value) {
      wanted = value;
      poke();
    },
    poke,
    stop() {
      isStopped = true;
    },
  };
}
