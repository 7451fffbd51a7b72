/** The AI SDK's own client against a chat on the server of the runtime that runs this. */
import { after, before, test } from "node:test";
import { chatApp } from "./chat_app.ts";
import { cases } from "./chat_cases.ts";
import { serveApp, type Serving } from "../../../examples/shared/serve.ts";

let serving: Serving;
before(async () => {
  serving = await serveApp(chatApp());
});
after(() => serving[Symbol.asyncDispose]());

for (const { name, run } of cases) test(name, () => run(serving.origin));
