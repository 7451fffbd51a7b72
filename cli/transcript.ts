/**
 * A conversation, as text.
 *
 * @module
 */
import type { ChatMessage } from "../mod.ts";

/** Writes a conversation as Markdown: one paragraph for each message, with what was cut off marked. */
export function transcriptOf(messages: readonly ChatMessage[]): string {
  const lines = messages.map(({ role, textContent, interrupted }) =>
    `**${role === "user" ? "Caller" : "Agent"}:** ${textContent ?? ""}${interrupted ? " *(cut off)*" : ""}`
  );
  return `# Transcript\n\n${lines.join("\n\n")}\n`;
}
