export interface SessionUsage { readonly modelUsage: readonly unknown[] }
export class UsageCollector { collect(_m: unknown): boolean { return false; } snapshot(): SessionUsage { return { modelUsage: [] }; } reset(): void {} }
