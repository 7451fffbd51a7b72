/**
 * Reads server-sent events from bytes, however these are cut.
 *
 * @module
 */
import { APIError } from "../../src/model/error.ts";

/** An event, with the lines of its data joined by line feeds. */
export interface ServerSentEvent {
  /** Its kind; `"message"` when the server names none. */
  readonly event: string;
  readonly data: string;
}

/** Takes bytes, gives events. */
export interface SSEParser {
  /**
   * Takes the next bytes and gives the events that they end.
   *
   * @throws {APIError} `model.bad_response` when an event passes the limit.
   */
  push(bytes: Uint8Array): ServerSentEvent[];
  /** The end of the bytes. An event that its blank line does not end is no event. */
  end(): ServerSentEvent[];
}

const MAX_EVENT_LENGTH = 8 * 1024 * 1024; // UTF-16 units; chosen: far above any chunk, far below what hurts

/**
 * Makes a parser. Lines end with LF, CR or CRLF; comments, `id` and `retry` are passed over; a byte order mark is dropped.
 * Characters that are cut between two blocks of bytes are joined.
 */
export function sseParser(): SSEParser {
  const decoder = new TextDecoder();
  let line = ""; // the unfinished one
  let skipsLF = false; // the last block ended with CR, so that an LF at the start of the next belongs to it
  let event = "";
  let data: string[] = [];
  let length = 0;

  const take = (text: string): ServerSentEvent[] => {
    const found: ServerSentEvent[] = [];
    let from = 0;
    if (skipsLF && text !== "") {
      skipsLF = false;
      if (text[0] === "\n") from = 1;
    }
    for (let at = from; at < text.length; at += 1) {
      const code = text.charCodeAt(at);
      if (code !== 10 && code !== 13) continue;
      const whole = line + text.slice(from, at);
      line = "";
      if (code === 13) {
        if (at + 1 === text.length) skipsLF = true;
        else if (text.charCodeAt(at + 1) === 10) at += 1;
      }
      from = at + 1;
      const made = takeLine(whole);
      if (made !== undefined) found.push(made);
    }
    line += text.slice(from);
    if (line.length + length > MAX_EVENT_LENGTH) {
      throw new APIError(
        `Cannot read the answer as an event must not pass ${MAX_EVENT_LENGTH} characters: current value is ${
          line.length + length
        }`,
        { retryable: false },
      );
    }
    return found;
  };

  const takeLine = (whole: string): ServerSentEvent | undefined => {
    if (whole === "") {
      const made = data.length === 0 ? undefined : { event: event === "" ? "message" : event, data: data.join("\n") };
      event = "";
      data = [];
      length = 0;
      return made;
    }
    const colon = whole.indexOf(":");
    const field = colon < 0 ? whole : whole.slice(0, colon);
    const value = colon < 0 ? "" : whole.slice(whole[colon + 1] === " " ? colon + 2 : colon + 1);
    if (field === "data") {
      data.push(value);
      length += value.length + 1;
    } else if (field === "event") {
      event = value;
    }
    return undefined;
  };

  return {
    push: (bytes) => take(decoder.decode(bytes, { stream: true })),
    end: () => take(decoder.decode()),
  };
}
