/**
 * What a session asks of the place it runs in, and nothing more. Each place is an adapter under `adapters/runtime/`;
 * a place that lacks something leaves the member out, so that the caller has to say what happens then.
 *
 * @module
 */

/** Time, as one place keeps it. All times are milliseconds. */
export interface Clock {
  /** Monotonic milliseconds from an origin of its own. Never goes back. */
  now(): number;
  /** Milliseconds since 1970 that belong to `now() === 0`: added to monotonic time where the public sees a date. */
  readonly wallOffset: number;
  /** Calls `fire` once, at or after `at`, never before. Returns the function that calls it off. */
  schedule(at: number, fire: () => void): () => void;
  /**
   * Declares work of the host (a worker, a fetch, a compilation). A real clock returns the promise as it is; a virtual one
   * stands still until it settles, and then advances by the time that was measured.
   */
  hold<T>(work: Promise<T>): Promise<T>;
  /**
   * Present on a virtual clock only: asks to have `drain` called when nothing else can run in this instant.
   * Whoever gathers facts from streams uses it, so that the order of arrival cannot differ between runtimes.
   */
  readonly gather?: (drain: () => void) => void;
}

/** A socket whose every path yields a value: no event is left without a listener. */
export interface Socket {
  /** Messages, text as `string` and binary as bytes. Ends with the connection; errors when it fails. */
  readonly readable: ReadableStream<string | Uint8Array>;
  /** Messages to send. Closing it closes the connection. */
  readonly writable: WritableStream<string | Uint8Array>;
  /** Settles when the connection is over. Never rejects. */
  readonly closed: Promise<{ readonly code: number; readonly reason: string }>;
  /** Closes at once. Idempotent. */
  close(code?: number, reason?: string): void;
}

/** How to open a {@linkcode Socket}. */
export interface ConnectOptions {
  /** Headers of the opening request. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Subprotocols to offer. */
  readonly protocols?: readonly string[];
  /** Aborts the opening, and closes what is open. */
  readonly signal?: AbortSignal;
}

/** Files, where the place has them. */
export interface Files {
  /** Reads a whole file. Rejects where there is none. */
  read(path: string | URL): Promise<Uint8Array>;
  /** Opens a file for writing from its start, creating folders as needed. */
  write(path: string | URL): Promise<WritableStream<Uint8Array>>;
}

/** A value that follows the code that runs under it, through every promise it makes. */
export interface Ambient<T> {
  /** The value here, or `undefined` outside. */
  get(): T | undefined;
  /** Runs `body` with the value. */
  run<R>(value: T, body: () => R): R;
}

/** All that a session asks of its place. */
export interface Runtime {
  /** The place: `"node"`, `"bun"`, `"deno"`, `"edge"`, `"browser"` or `"virtual"`. */
  readonly name: string;
  /** The time of the place. */
  readonly clock: Clock;
  /** A number in [0, 1). Seeded in tests. Not for secrets. */
  random(): number;
  /** Bytes that nobody can guess, from Web Crypto. */
  secret(byteCount: number): Uint8Array;
  /** A setting of the place. */
  readonly env?: (name: string) => string | undefined;
  /** Opens a socket, with headers. Rejects with the cause when it cannot be opened. */
  readonly connect?: (url: string, options?: ConnectOptions) => Promise<Socket>;
  /** The files of the place. */
  readonly files?: Files;
  /** Makes an {@linkcode Ambient}. */
  readonly ambient?: <T>() => Ambient<T>;
}
