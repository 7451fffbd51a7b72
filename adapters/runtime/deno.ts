/**
 * Deno.
 *
 * @module
 */
import type { Runtime } from "../../src/base/runtime.ts";
import { hostAmbient } from "./ambient.ts";
import { processClock } from "./clock.ts";
import { webSecret } from "./secret.ts";
import { openWebSocket } from "./socket.ts";

/** The part of `Deno` used here. Structural, so that nobody needs Deno's types to build. */
interface Host {
  readonly Deno: {
    readonly env: { get(name: string): string | undefined };
    readonly errors: { readonly NotCapable: new () => Error };
    readFile(path: string | URL): Promise<Uint8Array>;
    mkdir(path: string | URL, options: { recursive: boolean }): Promise<void>;
    open(
      path: string | URL,
      options: { write: boolean; create: boolean; truncate: boolean },
    ): Promise<{ writeSync(bytes: Uint8Array): number; close(): void }>;
  };
}

/** Makes the {@linkcode Runtime} of Deno. Permissions are asked for when needed; a setting that may not be read is not given. */
export function denoRuntime(): Runtime {
  const { Deno } = globalThis as unknown as Host;
  const ambient = hostAmbient();
  return {
    name: "deno",
    clock: processClock(),
    random: Math.random,
    secret: webSecret,
    env(name) {
      try {
        return Deno.env.get(name);
      } catch (error) {
        if (error instanceof Deno.errors.NotCapable) return undefined;
        throw error;
      }
    },
    connect: openWebSocket,
    files: {
      read: (path) => Deno.readFile(path),
      async write(path) {
        await Deno.mkdir(folderOf(path), { recursive: true });
        const file = await Deno.open(path, { write: true, create: true, truncate: true });
        return new WritableStream<Uint8Array>({
          write(bytes) { // at once: an asynchronous write of Deno is done before its bytes are in the file
            for (let offset = 0; offset < bytes.length;) offset += file.writeSync(bytes.subarray(offset));
          },
          close: () => file.close(),
          abort: () => file.close(),
        });
      },
    },
    ...(ambient && { ambient }),
  };
}

function folderOf(path: string | URL): string | URL {
  if (path instanceof URL) return new URL(".", path);
  const end = Math.max(path.lastIndexOf("/"), path.lastIndexOf("\\"));
  return end < 0 ? "." : path.slice(0, end + 1);
}
