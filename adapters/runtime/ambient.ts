/**
 * Values that follow the code that runs under them, where the place has them.
 *
 * @module
 */
import type { Ambient } from "../../src/base/runtime.ts";

/** The parts of a host that are used here. Structural, so that this loads where they are absent. */
interface Host {
  readonly AsyncLocalStorage?: new <T>() => Storage<T>;
  readonly AsyncContext?: { readonly Variable: new <T>() => Variable<T> };
  readonly process?: { getBuiltinModule?(name: string): { AsyncLocalStorage: new <T>() => Storage<T> } | undefined };
}

interface Storage<T> {
  getStore(): T | undefined;
  run<R>(value: T, body: () => R): R;
}

interface Variable<T> {
  get(): T | undefined;
  run<R>(value: T, body: () => R): R;
}

/**
 * Gives what makes an {@linkcode Ambient} here, or `undefined` where there is nothing of the kind (a browser, an isolate
 * without Node compatibility).
 */
export function hostAmbient(): (<T>() => Ambient<T>) | undefined {
  const { AsyncContext, AsyncLocalStorage, process } = globalThis as Host;
  if (AsyncContext !== undefined) return <T>(): Ambient<T> => new AsyncContext.Variable<T>();
  const Storage = AsyncLocalStorage ?? process?.getBuiltinModule?.("node:async_hooks")?.AsyncLocalStorage;
  if (Storage === undefined) return undefined;
  return <T>(): Ambient<T> => {
    const storage = new Storage<T>();
    return { get: () => storage.getStore(), run: (value, body) => storage.run(value, body) };
  };
}
