export { valibotSchema } from "./valibot_schema.ts";
