import type { Clock } from "../base/runtime.ts";
export class SessionTelemetry {
  constructor(_c: Clock) {}
  sessionStarted(_a: string): void {} sessionEnded(): void {} stateChanged(_e: unknown): void {}
  start(_s: string, _at: number): void {} end(_s: string, _at: number, _a?: unknown): void {}
  tool<T>(_call: unknown, body: () => Promise<T>): Promise<T> { return body(); }
  hook<T>(_h: string, body: () => Promise<T>): Promise<T> { return body(); }
}
