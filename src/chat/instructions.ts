/**
 * Instructions that read differently for a conversation by voice and by text.
 *
 * @module
 */

/** How the words reach the other side. */
export type Modality = "audio" | "text";

/** The id of the message that holds an agent's instructions, first in its context. */
export const INSTRUCTIONS_MESSAGE_ID = "lk.agent_task.instructions";

/** Whole variants: `text` is the same as `audio` when it is not given. */
export interface InstructionVariants {
  /** For speech. */
  readonly audio: string;
  /** For text. */
  readonly text?: string;
  /** Which variant {@linkcode Instructions.value} shows. Default `"audio"`. */
  readonly represent?: Modality;
}

/** A common part, and what each modality adds to it after a blank line. */
export interface InstructionAdditions {
  /** For both. */
  readonly common: string;
  /** Added for speech. */
  readonly audio?: string | null;
  /** Added for text. */
  readonly text?: string | null;
}

/**
 * Instructions with a variant for each modality. Frozen.
 *
 * @example Two whole variants
 * ```ts
 * const instructions = new Instructions({ audio: "Answer in one sentence.", text: "Answer with a table." });
 * instructions.asModality("text").value; // "Answer with a table."
 * ```
 *
 * @example A common part with additions
 * ```ts
 * const instructions = new Instructions({ common: "You book tables.", audio: "Spell out numbers." });
 * renderInstructions(instructions, "audio"); // "You book tables.\n\nSpell out numbers."
 * renderInstructions(instructions, "text"); // "You book tables."
 * ```
 */
export class Instructions {
  /** Tells them from other content. */
  readonly type = "instructions" as const;
  /** The variant for speech. */
  readonly audio: string;
  /** The variant for text; the same as `audio` when none was given. */
  readonly text: string;
  /** Whether the variant for text was given. */
  readonly hasText: boolean;
  /** The variant that is shown where no modality is named; for the form with `common`, the common part. */
  readonly value: string;

  /** Makes instructions of whole variants, or of a common part and additions. */
  constructor(variants: InstructionVariants | InstructionAdditions) {
    if ("common" in variants) {
      this.audio = joinParts(variants.common, variants.audio);
      this.text = joinParts(variants.common, variants.text);
      this.hasText = this.text !== this.audio;
      this.value = variants.common;
    } else {
      this.audio = variants.audio;
      this.text = variants.text ?? variants.audio;
      this.hasText = variants.text !== undefined;
      this.value = variants.represent === "text" ? this.text : this.audio;
    }
    Object.freeze(this);
  }

  /** The same variants, showing the one named. */
  asModality(modality: Modality): Instructions {
    return make(this.audio, this.hasText ? this.text : undefined, modality === "text" ? this.text : this.audio);
  }

  /** Puts something behind each variant: a string behind both, other instructions variant by variant. */
  concat(other: Instructions | string): Instructions {
    if (typeof other === "string") {
      return make(this.audio + other, this.hasText ? this.text + other : undefined, this.value + other);
    }
    const text = this.hasText || other.hasText ? this.text + other.text : undefined;
    return make(this.audio + other.audio, text, this.value + other.value);
  }

  /**
   * Fills `{name}` and `{name.inner}` in each variant. Missing names and `null` become nothing; instructions among the
   * values give the variant that fits.
   */
  format(values: Readonly<Record<string, unknown>>): Instructions {
    const variant = Object.values(values).some(isInstructions);
    const audio = fillPlaceholders(this.audio, values, "audio");
    const text = fillPlaceholders(this.text, values, "text");
    return make(audio, this.hasText || variant ? text : undefined, fillPlaceholders(this.value, values));
  }

  /** The variant for a modality, or the one shown. */
  render(modality?: Modality): string {
    return modality === undefined ? this.value : this[modality];
  }

  /** As `{ type, audio, text }`, without `text` when none was given. */
  toJSON(): { type: "instructions"; audio: string; text?: string } {
    return { type: this.type, audio: this.audio, ...(this.hasText ? { text: this.text } : {}) };
  }

  /** The variant that is shown. */
  toString(): string {
    return this.value;
  }

  /**
   * A template whose values may be instructions. The variant for text is dropped when it equals the one for speech.
   *
   * @example
   * ```ts
   * const style = new Instructions({ audio: "Be brief.", text: "Be thorough." });
   * const instructions = Instructions.tpl`You book tables. ${style}`;
   * ```
   */
  static tpl(strings: TemplateStringsArray, ...values: readonly unknown[]): Instructions {
    const render = (modality?: Modality): string =>
      strings.reduce((whole, part, index) => whole + show(values[index - 1], modality) + part);
    const audio = render("audio");
    const text = render("text");
    return make(audio, text === audio ? undefined : text, render());
  }
}

/** Makes instructions that show any string, which no public form can ask for. */
function make(audio: string, text: string | undefined, value: string): Instructions {
  const made = new Instructions({ audio, ...(text === undefined ? {} : { text }) });
  if (made.value === value) return made;
  return Object.freeze(Object.assign(Object.create(Instructions.prototype) as Instructions, { ...made, value }));
}

function joinParts(common: string, addition: string | null | undefined): string {
  return [common, addition ?? ""].filter((part) => part !== "").join("\n\n");
}

function show(value: unknown, modality?: Modality): string {
  if (value === null || value === undefined) return "";
  return isInstructions(value) ? renderInstructions(value, modality) : String(value);
}

function fillPlaceholders(template: string, values: Readonly<Record<string, unknown>>, modality?: Modality): string {
  return template.replace(/\{([A-Za-z_]\w*(?:\.\w+)*)\}/g, (_whole, path: string) => {
    const found = path.split(".").reduce<unknown>(
      (value, key) =>
        typeof value === "object" && value !== null && Object.hasOwn(value, key)
          ? (value as Record<string, unknown>)[key]
          : undefined,
      values,
    );
    return show(found, modality);
  });
}

/** Whether a value is {@linkcode Instructions}, also when it was cloned and is a plain object. */
export function isInstructions(value: unknown): value is Instructions {
  return typeof value === "object" && value !== null && (value as { type?: unknown }).type === "instructions";
}

/**
 * The words of instructions: of the variant for `modality`, or of the one shown when none is named. A string is returned
 * as it is.
 */
export function renderInstructions(instructions: Instructions | string, modality?: Modality): string {
  if (typeof instructions === "string") return instructions;
  if (modality === undefined) return instructions.value ?? instructions.audio;
  return modality === "text" ? instructions.text ?? instructions.audio : instructions.audio;
}

/** Whether both have the same variants. A string never equals instructions. */
export function instructionsEqual(a: Instructions | string, b: Instructions | string): boolean {
  if (typeof a === "string" || typeof b === "string") return a === b;
  return a.audio === b.audio && renderInstructions(a, "text") === renderInstructions(b, "text");
}

/** Joins parts; a plain string when none of them is {@linkcode Instructions}. */
export function concatInstructions(...parts: readonly (Instructions | string)[]): Instructions | string {
  if (parts.every((part) => typeof part === "string")) return parts.join("");
  return parts.reduce<Instructions>(
    (whole, part) => whole.concat(part),
    make("", undefined, ""),
  );
}

/**
 * Fills a template for each modality. Where no value is {@linkcode Instructions}, the variants are the same; otherwise each
 * is a rendering of the whole template with the variants of the values.
 */
export function resolveTemplate(template: string, values: Readonly<Record<string, unknown>> = {}): Instructions {
  const audio = fillPlaceholders(template, values, "audio");
  const text = fillPlaceholders(template, values, "text");
  return audio === text ? new Instructions({ common: audio }) : new Instructions({ audio, text });
}
