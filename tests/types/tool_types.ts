/**
 * What must compile when tools are defined, and what must not. Checked by `tsc`; nothing here runs.
 *
 * @module
 */
import { type } from "arktype";
import * as v from "valibot";
import { z } from "zod";
import { valibotSchema } from "../../adapters/valibot/valibot_schema.ts";
import type { ChatItem } from "../../src/chat/item.ts";
import { ChatContext } from "../../src/chat/context.ts";
import { tool, toolset } from "../../src/tool/define.ts";
import type { FunctionTool } from "../../src/tool/tool.ts";
import { toolContext } from "../../src/tool/tool_context.ts";

/** Compiles only when both types are the same. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends (<T>() => T extends B ? 1 : 2) ? true : false;
const same = <A, B>(_: Same<A, B>): void => {};

// The arguments of a tool's function are what the schema returns, whichever library it is of.
const withZod = tool({
  name: "weather",
  description: "",
  parameters: z.object({
    city: z.string(),
    days: z.number().default(3),
    when: z.string().transform((text) => text.length),
  }),
  execute: (args) => {
    same<typeof args, { city: string; days: number; when: number }>(true);
    return args.city;
  },
});
same<typeof withZod, FunctionTool<{ city: string; days: number; when: number }, string, unknown>>(true);

const withArktype = tool({
  name: "weather",
  description: "",
  parameters: type({ city: "string", "days?": "number" }),
  execute: ({ city, days }) => {
    same<typeof city, string>(true);
    same<typeof days, number | undefined>(true);
  },
});

const withValibot = tool({
  name: "weather",
  description: "",
  parameters: valibotSchema(v.object({ city: v.string(), days: v.optional(v.number(), 3) })),
  execute: ({ city, days }) => {
    same<typeof city, string>(true);
    same<typeof days, number>(true);
  },
});

tool({
  name: "weather",
  description: "",
  parameters: { schema: z.object({ city: z.string() }), jsonSchema: { type: "object" } },
  execute: ({ city }) => same<typeof city, string>(true),
});

// Of a plain JSON Schema nothing is known.
tool({
  name: "weather",
  description: "",
  parameters: { type: "object", properties: { city: { type: "string" } } },
  execute: (args) => {
    same<typeof args, Record<string, unknown>>(true);
    // @ts-expect-error -- nobody has checked that it is a string
    args["city"].toUpperCase();
  },
});

// Without parameters there are no arguments.
const without = tool({
  name: "hang_up",
  description: "",
  execute: (args, { ctx, toolCallId, abortSignal }) => {
    same<typeof args, Record<string, never>>(true);
    same<typeof toolCallId, string>(true);
    same<typeof abortSignal, AbortSignal>(true);
    return ctx.functionCall.callId;
  },
});

// The result may come later, and its type is known.
const later = tool({ name: "later", description: "", execute: async () => 7 });
same<typeof later, FunctionTool<Record<string, never>, number, unknown>>(true);

tool({
  name: "weather",
  description: "",
  parameters: z.object({ city: z.string() }),
  // @ts-expect-error -- there is no such argument
  execute: ({ town }) => town,
});

// @ts-expect-error -- a tool without a description
tool({ name: "weather", execute: () => "" });

// @ts-expect-error -- a tool that does nothing
tool({ name: "weather", description: "" });

// @ts-expect-error -- there is no such flag
tool({ name: "weather", description: "", flags: { cancelable: true }, execute: () => "" });

// @ts-expect-error -- there is no such rule for duplicates
tool({ name: "weather", description: "", onDuplicate: "ignore", execute: () => "" });

// @ts-expect-error -- a text is no schema
tool({ name: "weather", description: "", parameters: "city", execute: () => "" });

// Tools of any arguments stand in one list, or in an object.
toolContext([withZod, withArktype, withValibot, without, toolset({ id: "desk", tools: [later] })]);
toolContext({ withZod, without });

// @ts-expect-error -- a function is no tool
toolContext([() => ""]);

// Items are read by their type, and cannot be changed.
const chatCtx = new ChatContext();
const item: ChatItem | undefined = chatCtx.at(-1);
if (item?.type === "message") {
  // @ts-expect-error -- items are frozen
  item.role = "system";
  // @ts-expect-error -- so is what they hold
  item.content.push("more");
}
// @ts-expect-error -- so is the list of them
chatCtx.items.push(item);
// @ts-expect-error -- a message has a role
chatCtx.addMessage({ content: "hello" });
// @ts-expect-error -- nobody has that role
chatCtx.addMessage({ role: "robot", content: "hello" });
