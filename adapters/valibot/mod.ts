/**
 * Lets schemas of valibot describe the arguments of tools. Needs the package `@valibot/to-json-schema`.
 *
 * @module
 */
export type { SchemaPair } from "../../src/tool/schema.ts";
export type {
  StandardIssue,
  StandardJSONSchemaConverter,
  StandardResult,
  StandardSchemaProps,
  StandardSchemaV1,
} from "../../src/tool/standard_schema.ts";
export { valibotSchema } from "./valibot_schema.ts";
