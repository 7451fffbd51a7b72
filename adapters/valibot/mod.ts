/**
 * Lets schemas of valibot describe the arguments of tools. Needs the package `@valibot/to-json-schema`.
 *
 * @module
 */
export { valibotSchema } from "./valibot_schema.ts";
