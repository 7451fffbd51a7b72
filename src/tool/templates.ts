/**
 * What models read about calls that go on: templates, and how they are filled in. Pure.
 *
 * @module
 */
import { AgentError } from "../base/error.ts";

/** A text with `{name}` in it, or a function that writes it. */
export type Template<Values> = string | ((values: Values) => string);

/** What is known of a call that reports its progress. */
export interface UpdateValues {
  /** The tool. */
  readonly functionName: string;
  /** The id that the model gave the call. */
  readonly callId: string;
  /** What the tool says. */
  readonly message: string;
}

/** What is known of a call that stands in another's way. */
export interface DuplicateValues {
  /** The tool. */
  readonly functionName: string;
  /** The running calls, as a JSON list of `{ callId, arguments }`. */
  readonly functionCallsJson: string;
  /** The running calls, in words. */
  readonly functionCallsText: string;
}

/** What a reply is about. */
export interface ReplyValues {
  /** Ids of the calls that have news, with commas between them. */
  readonly callIds: string;
}

/** What models read about calls that go on. What is left out has its default. */
export interface AsyncTemplates {
  /** Around what a tool says while it works. */
  readonly updateTemplate?: Template<UpdateValues>;
  /** In answer to a call that `onDuplicate: "reject"` refuses. */
  readonly duplicateRejectTemplate?: Template<DuplicateValues>;
  /** In answer to a call that `onDuplicate: "confirm"` wants confirmed. */
  readonly duplicateConfirmTemplate?: Template<DuplicateValues>;
  /** Instructions for the reply about news that nothing was said after. */
  readonly replyAtTailTemplate?: Template<ReplyValues>;
  /** Instructions for the reply about news after which something else was said. */
  readonly replyMaybeCoveredTemplate?: Template<ReplyValues>;
}

/** How a session, an agent or a toolset handles tools. */
export interface ToolHandlingOptions {
  /** What models read about calls that go on. */
  readonly asyncOptions?: AsyncTemplates;
}

/** What holds where nothing else is said. */
export const DEFAULT_TEMPLATES: Required<AsyncTemplates> = {
  updateTemplate: "{functionName} ({callId}) is still at work and reports: {message} " +
    "Its result is not known yet; do not guess it, and do not call again for the same thing.",
  duplicateRejectTemplate: "{functionName} is running already: {functionCallsText}. This call was not made. " +
    "Wait for the result. Call off what runs, or ask again, only when the user asks for it.",
  duplicateConfirmTemplate: "{functionName} is running already: {functionCallsText}. This call was not made. " +
    "Only when the user wants a second one as well: confirm it with them, then call again with {confirmParameter} set to true.",
  replyAtTailTemplate:
    "There is news of the calls {callIds}. Tell the user what it is, in your own words and in short, " +
    "without what was said before.",
  replyMaybeCoveredTemplate:
    "There is news of the calls {callIds}, and something was said since. Tell the user only what was " +
    "not said yet; when all was said, answer with nothing at all.",
};

/** Fills in a template. `{names}` that there are no values for stay as they are. */
export function fillTemplate<Values extends object>(template: Template<Values>, values: Values): string {
  if (typeof template === "function") return template(values);
  return template.replace(/\{(\w+)\}/g, (whole, name: string) => {
    const value = (values as Record<string, unknown>)[name];
    return value === undefined ? whole : String(value);
  });
}

/** The templates that hold, of several options in the order of their rank, key by key. */
export function pickTemplates(...ranked: readonly (ToolHandlingOptions | undefined)[]): Required<AsyncTemplates> {
  const picked: Record<string, unknown> = { ...DEFAULT_TEMPLATES };
  for (const options of ranked.toReversed()) {
    for (const [key, value] of Object.entries(options?.asyncOptions ?? {})) {
      if (value !== undefined) picked[key] = value;
    }
  }
  return picked as unknown as Required<AsyncTemplates>;
}

/**
 * Checks what a toolset, an agent or a session says about handling tools.
 *
 * @throws {AgentError} `session.bad_option` for a template that is neither a text nor a function.
 */
export function checkToolHandling(options: ToolHandlingOptions | undefined): void {
  for (const [key, value] of Object.entries(options?.asyncOptions ?? {})) {
    if (key in DEFAULT_TEMPLATES && (value === undefined || typeof value === "string" || typeof value === "function")) {
      continue;
    }
    throw new AgentError(
      "session.bad_option",
      `Cannot handle tools as \`asyncOptions.${key}\` must be ${
        key in DEFAULT_TEMPLATES ? "a text or a function" : "an option that there is"
      }: current value is ${typeof value}`,
    );
  }
}
