/**
 * The output that a run must have: its type, and how the model is reminded of it.
 *
 * @module
 */
import { AgentError } from "../base/error.ts";
import { UnexpectedModelBehavior } from "../model/error.ts";
import { isStandardSchema } from "../tool/schema.ts";
import type { InferOutput, StandardResult, StandardSchemaV1 } from "../tool/standard_schema.ts";
import type { GenerateReplyOptions } from "./speech_options.ts";

/** How the model is reminded of an output that it did not give. */
export interface OutputOptions {
  /** How often. Default 2. */
  readonly maxRetries?: number;
  /** What it is told. Default: to give the result by the function that is there for it. */
  readonly retryInstructions?: string;
}

/** How a run is made. */
export interface RunOptions<Schema extends StandardSchemaV1 | undefined = undefined> extends GenerateReplyOptions {
  /** What the run must end with: a task of it completes with a value that fits. Default: it need not end with anything. */
  readonly outputType?: Schema;
  /** How the model is reminded when there is no output at all; null: not at all. */
  readonly outputOptions?: OutputOptions | null;
}

/** What a run ends with: the output of its schema; of none, nothing is known. */
export type RunOutput<Schema> = Schema extends StandardSchemaV1 ? InferOutput<Schema> : unknown;

/** An output that is expected. */
export interface ExpectedOutput {
  readonly schema: StandardSchemaV1;
  readonly maxRetries: number;
  readonly instructions: string;
  /** Reminders so far. */
  retries: number;
}

const REMINDER =
  "The conversation was to end with a result, and there is none yet. Give the result now, by calling the " +
  "function that is there for it. Do not answer in words alone.";

/**
 * Reads what is expected from the options of a run; nothing when that is nothing.
 *
 * @throws {AgentError} `session.bad_option` for a type that is no schema, or a count that is none.
 */
export function expectedOutput(
  { outputType, outputOptions }: RunOptions<StandardSchemaV1>,
): ExpectedOutput | undefined {
  if (outputType === undefined) return undefined;
  if (!isStandardSchema(outputType)) {
    throw badOption("outputType", "a schema that speaks Standard Schema", typeof outputType);
  }
  const maxRetries = outputOptions === null ? 0 : outputOptions?.maxRetries ?? 2;
  if (!Number.isInteger(maxRetries) || maxRetries < 0) {
    throw badOption("outputOptions.maxRetries", "a whole number of 0 or more", String(maxRetries));
  }
  return { schema: outputType, maxRetries, instructions: outputOptions?.retryInstructions ?? REMINDER, retries: 0 };
}

/** Reads a value as the schema does. Rejects or throws `UnexpectedModelBehavior` when it does not fit. */
export function readOutput({ schema }: ExpectedOutput, value: unknown): unknown {
  const read = (result: StandardResult<unknown>): unknown => {
    if (result.issues === undefined) return result.value;
    throw new UnexpectedModelBehavior(
      `Cannot finish the run as its output must fit \`outputType\`: current value does not, ${
        result.issues.map(({ message }) => message).join("; ")
      }`,
    );
  };
  const result = schema["~standard"].validate(value);
  return result instanceof Promise ? result.then(read) : read(result);
}

/** There is no output, however often the model was reminded. */
export function noOutput({ retries }: ExpectedOutput, cause?: unknown): UnexpectedModelBehavior {
  return new UnexpectedModelBehavior(
    `Cannot finish the run as it must end with an output: current value is none, after ${retries} reminders`,
    cause === undefined ? undefined : { cause },
  );
}

function badOption(name: string, rule: string, value: string): AgentError {
  return new AgentError(
    "session.bad_option",
    `Cannot start a run as \`${name}\` must be ${rule}: current value is ${value}`,
  );
}
