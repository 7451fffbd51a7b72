/**
 * The interfaces of Standard Schema and Standard JSON Schema (standardschema.dev), as far as they are used here. They are
 * structural, so that any library that implements them fits, and none has to be installed.
 *
 * @module
 */

/** A schema of any library that implements Standard Schema. */
export interface StandardSchemaV1<Input = unknown, Output = Input> {
  /** All that the standard says of the schema. */
  readonly "~standard": StandardSchemaProps<Input, Output>;
}

/** What a schema says of itself. */
export interface StandardSchemaProps<Input = unknown, Output = Input> {
  /** The version of the standard. */
  readonly version: 1;
  /** The library. */
  readonly vendor: string;
  /** Checks a value, and may return it changed. */
  readonly validate: (value: unknown) => StandardResult<Output> | Promise<StandardResult<Output>>;
  /** The types of what goes in and comes out. There for the compiler alone. */
  readonly types?: { readonly input: Input; readonly output: Output } | undefined;
  /** Present where the library can write its schemas as JSON Schema. */
  readonly jsonSchema?: StandardJSONSchemaConverter;
}

/** Writes a schema as JSON Schema. */
export interface StandardJSONSchemaConverter {
  /** What goes in. Throws where JSON Schema cannot say it. */
  readonly input: (options: { readonly target: string }) => Record<string, unknown>;
  /** What comes out. Throws where JSON Schema cannot say it. */
  readonly output: (options: { readonly target: string }) => Record<string, unknown>;
}

/** What came of a check. */
export type StandardResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly StandardIssue[] };

/** Something that is wrong with a value. */
export interface StandardIssue {
  /** What is wrong, for people. */
  readonly message: string;
  /** Where in the value, from the outside in. */
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

/** The type of what comes out of a schema. */
export type InferOutput<Schema extends StandardSchemaV1> = NonNullable<Schema["~standard"]["types"]>["output"];
