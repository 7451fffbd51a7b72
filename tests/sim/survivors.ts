/**
 * Faults that nobody catches, and why nobody can: the line is a shortcut, or another line does the same again. Keyed by
 * region, operator and line.
 */
export const SURVIVORS: Readonly<Record<string, string>> = {};
