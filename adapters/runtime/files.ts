/**
 * Files by the Node file system, which Node and Bun share.
 *
 * @module
 */
import type { Files } from "../../src/base/runtime.ts";

/** The part of `node:fs/promises` used here. Structural, so that this file loads where there is none. */
interface FileSystem {
  readFile(path: string | URL): Promise<Uint8Array>;
  mkdir(path: string, options: { recursive: boolean }): Promise<unknown>;
  open(path: string, flags: string): Promise<FileHandle>;
}

interface FileHandle {
  write(bytes: Uint8Array, offset: number): Promise<{ bytesWritten: number }>;
  close(): Promise<void>;
}

interface Host {
  readonly process: {
    getBuiltinModule(name: "node:fs/promises"): FileSystem;
    getBuiltinModule(name: "node:path"): { dirname(path: string): string };
    getBuiltinModule(name: "node:url"): { fileURLToPath(url: URL): string };
  };
}

/** Files of Node and Bun. What is written is in the file as soon as the write is done, also when the process ends then. */
export function nodeFiles(): Files {
  const { process } = globalThis as unknown as Host;
  const fs = process.getBuiltinModule("node:fs/promises");
  return {
    async read(path) {
      const { buffer, byteOffset, byteLength } = await fs.readFile(path); // a Buffer, which is more than promised
      return new Uint8Array(buffer, byteOffset, byteLength);
    },
    async write(path) {
      const name = typeof path === "string" ? path : process.getBuiltinModule("node:url").fileURLToPath(path);
      await fs.mkdir(process.getBuiltinModule("node:path").dirname(name), { recursive: true });
      const file = await fs.open(name, "w");
      return new WritableStream<Uint8Array>({
        async write(bytes) {
          for (let offset = 0; offset < bytes.length;) offset += (await file.write(bytes, offset)).bytesWritten;
        },
        close: () => file.close(),
        abort: () => file.close(),
      });
    },
  };
}
