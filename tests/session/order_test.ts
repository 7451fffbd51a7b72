/** The order in which a session tells things: section 5.1 of the turn-taking specification. */
import { test } from "node:test";
import assert from "node:assert/strict";
import type { SessionEvent } from "../../src/session/events.ts";
import { holdConversation } from "./conversation.ts";

const place = (events: readonly SessionEvent[], what: (event: SessionEvent) => boolean, from = 0): number =>
  events.findIndex((event, i) => i >= from && what(event));

test("a user's message stands before its answer, in the history and in the events", async () => {
  const { events, session } = await holdConversation();
  const added = events.flatMap((e) =>
    e.type === "conversation_item_added" && e.item.type === "message" ? [e.item] : []
  );
  for (const item of added.filter(({ role }) => role === "assistant").slice(1)) {
    const before = added.slice(0, added.indexOf(item)).reverse().find(({ role }) => role === "user");
    assert.ok(before !== undefined, "somebody asked");
    assert.ok(before.createdAt <= item.createdAt);
    const history = session.history.items.map(({ id }) => id);
    assert.ok(history.indexOf(before.id) < history.indexOf(item.id));
  }
});

test("a speech is told before any state that it causes", async () => {
  const { events } = await holdConversation();
  const states = events.filter((e) =>
    e.type === "agent_state_changed" && (e.newState === "thinking" || e.newState === "speaking")
  );
  assert.ok(states.length > 4);
  let created = 0;
  for (const event of events) {
    if (event.type === "speech_created") created++;
    if (event.type === "agent_state_changed" && event.newState === "thinking") assert.ok(created > 0);
  }
  const first = place(events, (e) => e.type === "speech_created");
  assert.ok(first >= 0 && first < place(events, (e) => e.type === "agent_state_changed" && e.newState === "speaking"));
});

test("within a turn the words come first, then the user's silence, then the agent's thought and voice", async () => {
  const { events } = await holdConversation();
  const words = place(events, (e) => e.type === "user_input_transcribed" && e.isFinal);
  const silent = place(events, (e) => e.type === "user_state_changed" && e.newState === "listening", words);
  const stored = place(events, (e) => e.type === "conversation_item_added" && e.item.type === "message", silent);
  const thinking = place(events, (e) => e.type === "agent_state_changed" && e.newState === "thinking", silent);
  const speaking = place(events, (e) => e.type === "agent_state_changed" && e.newState === "speaking", thinking);
  assert.deepEqual([words, silent, stored, thinking, speaking].toSorted((a, b) => a - b), [
    words,
    silent,
    stored,
    thinking,
    speaking,
  ]);
  assert.ok(words >= 0);
});
