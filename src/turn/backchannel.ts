/**
 * Backchannels: what people say while another speaks, to show that they listen. They do not ask for the floor.
 *
 * Pure, local and quick: lists of words by language, and where in the agent's speech they came. What is not known to be a
 * backchannel takes the floor, since an interruption that is missed costs more than one that was none.
 *
 * @module
 */
import { CJK_SOUNDS, SIGNALS } from "./backchannel_words.ts";

/** Words of the user over the agent's speech, and where they came in it. Milliseconds. */
export interface BackchannelQuestion {
  /** The words, as the recogniser wrote them. */
  readonly text: string;
  /** Language code of the recogniser; empty when unknown. */
  readonly language: string;
  /** False: the words may still change. */
  readonly isFinal: boolean;
  /** How long the user's voice was heard; null where there is no voice activity detector. */
  readonly durationMs: number | null;
  /** How much of the agent's speech had been heard when the user began; null: none of it yet, the agent was thinking. */
  readonly heardMs: number | null;
  /** How much of the agent's speech was still to come then; null: not known yet, since it is still being made. */
  readonly untilEndMs: number | null;
  /** The agent's speech ends with a question. False while its end is not known. */
  readonly isQuestion: boolean;
}

/** Whether the words take the floor, and why. */
export interface BackchannelAnswer {
  /** True: the agent is interrupted, and the words are a turn. False: it speaks on, and the words are dropped. */
  readonly takesFloor: boolean;
  /** A word for the trace: one of {@linkcode BackchannelReason}, or one of the program's own. */
  readonly reason: string;
}

/** Why the local policy decided as it did. */
export type BackchannelReason =
  /** Nothing but words that show attention. */
  | "backchannel"
  /** Nothing but sounds: a hum, a laugh, a cough. */
  | "sound"
  /** Something else was said. */
  | "words"
  /** It is a question. */
  | "question"
  /** More voice than these words need: the recogniser has missed some. */
  | "too_long"
  /** The agent was about to end, or to be answered. */
  | "near_end"
  /** Hardly anything of the agent had been heard: the words go with what the user said before. */
  | "not_heard";

/**
 * Decides whether words over the agent's speech take the floor. Called at once, while a decision waits: it must not take
 * long. One that throws is answered as the local policy would.
 */
export type BackchannelPolicy = (question: BackchannelQuestion) => BackchannelAnswer | boolean;

/** Someone who began before had not heard the agent. Specified for endpointing, 02 section 2.4: leading silence. */
const UNHEARD_MS = 250;
/** So close to its end the agent is as good as silent, and words are a turn. Chosen: the time to react to a last word. */
const NEAR_END_MS = 500;
/** A question is answered before it is quite over. Chosen: people answer up to a clause early. */
const NEAR_QUESTION_END_MS = 1_500;
/** The longest voice of one backchannel, and of each further one. Chosen: a drawn-out "okay" takes a second. */
const FIRST_MS = 1_500;
const NEXT_MS = 600;
/** A laugh or a cough may last. */
const SOUND_MS = 4_000;
/** More than these in a row are impatience. */
const MAX_PHRASES = 6;

/**
 * The policy that is used unless another is given: lists for English, German, French, Spanish, Portuguese, Chinese and
 * Japanese, and sounds of any language. A language that has no list: only sounds are backchannels. An unknown language: all
 * lists together.
 *
 * @example Be stricter near the beginning
 * ```ts
 * const session = new AgentSession({
 *   turnHandling: {
 *     interruption: {
 *       backchannel: (question) => (question.heardMs ?? 0) < 1_000 ? true : judgeBackchannel(question),
 *     },
 *   },
 * });
 * ```
 */
export function judgeBackchannel(question: BackchannelQuestion): BackchannelAnswer {
  const { text, heardMs, untilEndMs, isQuestion, durationMs } = question;
  const answer = (takesFloor: boolean, reason: BackchannelReason): BackchannelAnswer => ({ takesFloor, reason });
  if (/[?？؟¿]/.test(text)) return answer(true, "question");
  const found = readBackchannel(text, question.language);
  if (found === null || found.count > MAX_PHRASES) return answer(true, "words");
  const { isSound, count } = found;
  if (durationMs !== null && durationMs > (isSound ? SOUND_MS : FIRST_MS + NEXT_MS * (count - 1))) {
    return answer(true, "too_long");
  }
  if (!isSound && (heardMs === null || heardMs < UNHEARD_MS)) return answer(true, "not_heard");
  if (untilEndMs !== null) {
    const isAnswer = isQuestion && untilEndMs <= NEAR_QUESTION_END_MS && !found.isNoise;
    if (isAnswer || (!isSound && untilEndMs <= NEAR_END_MS)) return answer(true, "near_end");
  }
  return answer(false, isSound ? "sound" : "backchannel");
}

/** What a text consists of, if of nothing but backchannels. */
interface Found {
  readonly count: number;
  /** No word with a meaning. */
  readonly isSound: boolean;
  /** A laugh or a cough: it says neither yes nor no. */
  readonly isNoise: boolean;
}

// What recognisers write for what is no word: (laughs), [cough], *sigh*, <noise>, ♪.
const NOTED = /\([^)]*\)|\[[^\]]*\]|\*[^*]*\*|<[^>]*>|（[^）]*）|[♪♫]/g;
const APART = /[^\p{L}\p{N}]+/gu;
const CJK = /[぀-ヿ㐀-鿿]/;
const LAUGH = /^(?:(?:h[aeiou]+){2,}h*|(?:j[aei]){2,}j*|(?:rs){2,}|kk+|lol|a(?:ha){2,}h*)$/;
// Hums, sighs and hesitations of Latin script: mm, mmh, hmm, mhm, uh, um, uhum, ah, ahm, oh, eh, euh, er, huh, aha, aja, aw, ooh.
const HUM =
  /^(?:m+h*|h+m+|m+h+m+|h+u+[mh]+|u+h+u*m*|u+m+|a+h+(?:m+|a+m?)?|aa+h*|o+h+|oo+|e+h+m*|h*e+u+h+m?|heu|e+rm+|err+|h+a+|h+e+h|aja|a+w+)$/;

/** The languages as sets of folded phrases, made when first asked for. */
const tables = new Map<string, ReadonlySet<string>>();

function tableOf(language: string): ReadonlySet<string> {
  let table = tables.get(language);
  if (table === undefined) {
    const list = language === "*" ? Object.values(SIGNALS).join("|") : SIGNALS[language] ?? "";
    table = new Set(list.split("|").filter((phrase) => phrase !== "").map(foldPhrase));
    tables.set(language, table);
  }
  return table;
}

let cjkSounds: ReadonlySet<string> | undefined;

/** Reads a text as a row of backchannels, the longest phrase first; null when anything else is in it. */
function readBackchannel(text: string, language: string): Found | null {
  const spoken = text.replace(NOTED, " ");
  const noted = spoken !== text;
  const folded = foldText(spoken);
  if (folded === "") return noted ? { count: 1, isSound: true, isNoise: true } : null;
  const primary = language.toLowerCase().split(/[-_]/)[0] ?? "";
  const known = primary !== "" && primary !== "multi" && primary !== "auto" && primary !== "und";
  const table = tableOf(known ? primary : "*");
  const isCjk = CJK.test(folded);
  const units = isCjk ? [...folded.replaceAll(" ", "")] : folded.split(" ");
  const join = isCjk ? "" : " ";
  const longest = isCjk ? 10 : 6;
  let count = 0;
  let signals = 0;
  let hums = 0;
  for (let at = 0; at < units.length; count += 1) {
    let taken = 0;
    for (let length = Math.min(longest, units.length - at); length > 0 && taken === 0; length -= 1) {
      const phrase = units.slice(at, at + length).join(join);
      if (table.has(phrase) || (length === 1 && table.has(phrase.replace(/(.)\1+/gu, "$1")))) {
        taken = length;
        signals += 1;
      } else if (isCjk && isCjkSound(phrase)) taken = length;
    }
    const word = units[at] ?? "";
    if (taken === 0 && !isCjk && (HUM.test(word) || LAUGH.test(word))) {
      taken = 1;
      if (HUM.test(word)) hums += 1;
    }
    if (taken === 0) return null;
    // A sound drawn out or repeated is one, whatever its length: ははは, 嗯嗯嗯.
    if (isCjk && signals === 0 && count > 0) count -= 1;
    at += taken;
  }
  return { count, isSound: signals === 0, isNoise: signals === 0 && hums === 0 && !isCjk };
}

function isCjkSound(phrase: string): boolean {
  cjkSounds ??= new Set(CJK_SOUNDS.split("|"));
  return cjkSounds.has(phrase);
}

/** Lower case, no accents, no punctuation, one space between words; a letter thrice or more counts as twice. */
function foldText(text: string): string {
  return text.toLowerCase().replace(/['’ʼ`´]/g, "").normalize("NFKD").replace(/[\u0300-\u036f]/g, "").normalize("NFC")
    .replaceAll("ß", "ss").replace(/[ー〜～]/g, "").replace(APART, " ").trim()
    .replace(/(\p{Script=Latin})\1{2,}/gu, "$1$1");
}

function foldPhrase(phrase: string): string {
  return foldText(phrase);
}
