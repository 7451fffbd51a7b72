/**
 * Traces as files.
 *
 * @module
 */
import type { Files, Runtime } from "../base/runtime.ts";
import type { TraceRecord } from "./record.ts";

/**
 * Makes a sink for the `trace` option of a session that writes lines of JSON to a file. Each line is written when it is made, so that
 * the file ends with a whole line wherever the process is cut off. A file that cannot be opened fails the sink, which the session
 * tells its logger.
 *
 * @example
 * ```ts
 * const session = new AgentSession({ trace: traceFile(runtime.files.write("trace.jsonl")) });
 * ```
 */
export function traceFile(
  file: WritableStream<Uint8Array> | Promise<WritableStream<Uint8Array>>,
): WritableStream<TraceRecord> {
  const encoder = new TextEncoder();
  let writer: WritableStreamDefaultWriter<Uint8Array> | undefined;
  return new WritableStream<TraceRecord>({
    async start() {
      writer = (await file).getWriter();
    },
    write: (record) => writer?.write(encoder.encode(`${JSON.stringify(record)}\n`)),
    close: () => writer?.close(),
    abort: (reason) => writer?.abort(reason),
  });
}

/** The setting that names the file. */
const SETTING = "REPARTEE_TRACE";

const tracedCounts = new WeakMap<Files, number>();

/**
 * The trace that the environment asks for with `REPARTEE_TRACE=file`, if it does and the place has files. The first session of a
 * process gets the file itself; later ones get `file.2`, `file.3` and so on, with the ending kept.
 */
export function environmentTrace({ env, files }: Runtime): WritableStream<TraceRecord> | undefined {
  const path = env?.(SETTING);
  if (path === undefined || path === "" || files === undefined) return undefined;
  const count = (tracedCounts.get(files) ?? 0) + 1;
  tracedCounts.set(files, count);
  return traceFile(files.write(count === 1 ? path : numbered(path, count)));
}

function numbered(path: string, count: number): string {
  return path.replace(/(\.[^./\\]+)?$/, `.${count}$1`);
}
