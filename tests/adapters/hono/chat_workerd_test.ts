/** The AI SDK's own client against a chat in a bare isolate of workerd. Run on Node, which starts it. */
import { after, before, test } from "node:test";
import type { Workerd } from "../../../scripts/workerd.ts";
import { cases } from "./chat_cases.ts";

const isNode = !("Bun" in globalThis) && !("Deno" in globalThis);
const skip = isNode ? false : "started by Node";
let workerd: Workerd | undefined;
before(async () => {
  if (!isNode) return;
  const { openWorkerd } = await import("../../../scripts/workerd.ts");
  workerd = await openWorkerd(
    `import { chatApp } from "./tests/adapters/hono/chat_app.ts"; export default chatApp();`,
  );
});
after(() => workerd?.[Symbol.asyncDispose]());

for (const { name, run } of cases) test(name, { skip }, () => run(workerd?.origin ?? ""));
