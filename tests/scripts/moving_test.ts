import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { test } from "node:test";
import { LIVEKIT_NAMES, type LivekitName } from "../../scripts/livekit_names.ts";
import { movingPage } from "../../scripts/moving.ts";
import { bin } from "../../scripts/places.ts";

const skip = existsSync(bin("deno")) ? false : "deno is not installed";
const page = (...names: LivekitName[]): string[] =>
  movingPage((_head, rows) => rows.map((row) => row.join("|")).join("\n"), [{ title: "T", names }])
    .split("## T\n\n")[1]!.trimEnd().split("\n");

test("a name is found with its members, at any depth, through parents, and in other entries", { skip }, () => {
  assert.deepEqual(
    page(
      { theirs: "say", ours: "AgentSession.say" },
      { theirs: "endpointing.minDelay", ours: "TurnHandlingOptions.endpointing.minDelay" },
      { theirs: "createdAt", ours: "CloseEvent.createdAt" },
      { theirs: "containsMessage", ours: "./testing:RunAssert.containsMessage", note: "of a parent" },
      { theirs: "aclose", ours: "AgentSession.close" },
      { theirs: "loop", ours: "AgentSessionOptions.loop", reason: "none here" },
    ),
    [
      "`say`|`AgentSession.say`|present|",
      "`endpointing.minDelay`|`TurnHandlingOptions.endpointing.minDelay`|present|",
      "`createdAt`|`CloseEvent.createdAt`|present|",
      "`containsMessage`|`RunAssert.containsMessage` in `./testing`|present|of a parent",
      "`aclose`|`AgentSession.close`|renamed|",
      "`loop`||missing|none here",
    ],
  );
});

test("a name that is not where the list says, and has no reason, is an error that names it", { skip }, () => {
  for (
    const ours of [
      "AgentSession.shout",
      "Shouter",
      "TurnHandlingOptions.endpointing.shout",
      "./testing:shout",
      "./no:x",
    ]
  ) {
    assert.throws(() => page({ theirs: "shout", ours }), (error: Error) => error.message.includes(`shout (${ours})`));
  }
});

test("the list names every member that a program of sessions touches, each once in its group", () => {
  assert.ok(LIVEKIT_NAMES.flatMap(({ names }) => names).length > 400);
  for (const { title, names } of LIVEKIT_NAMES) {
    const seen = names.map(({ theirs }) => theirs);
    assert.deepEqual(seen.filter((name, index) => seen.indexOf(name) !== index), [], title);
  }
});
