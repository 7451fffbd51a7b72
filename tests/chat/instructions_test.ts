import assert from "node:assert/strict";
import { test } from "node:test";
import {
  concatInstructions,
  Instructions,
  instructionsEqual,
  isInstructions,
  renderInstructions,
  resolveTemplate,
} from "../../src/chat/instructions.ts";

const both = new Instructions({ audio: "speak", text: "write" });
const audioOnly = new Instructions({ audio: "speak" });

test("the variant for speech is shown unless the other one is asked for", () => {
  assert.equal(both.value, "speak");
  assert.equal(new Instructions({ audio: "speak", text: "write", represent: "text" }).value, "write");
  assert.equal(String(both), "speak");
});

test("the variant for text falls back to the one for speech", () => {
  assert.equal(audioOnly.text, "speak");
  assert.equal(audioOnly.hasText, false);
  assert.equal(audioOnly.asModality("text").value, "speak");
});

test("a modality can be switched back and forth, since both variants survive", () => {
  const text = both.asModality("text");
  assert.equal(text.value, "write");
  assert.equal(text.asModality("audio").value, "speak");
  assert.equal(both.value, "speak");
});

test("joining adds variant to variant, and strings to those that exist", () => {
  assert.deepEqual({ ...both.concat("!") }, { ...new Instructions({ audio: "speak!", text: "write!" }) });
  assert.equal(audioOnly.concat("!").hasText, false);
  const joined = audioOnly.concat(both);
  assert.deepEqual([joined.audio, joined.text, joined.value], ["speakspeak", "speakwrite", "speakspeak"]);
  assert.equal(both.asModality("text").concat(both).value, "writespeak");
});

test("joining strings alone gives a string", () => {
  assert.equal(concatInstructions("a", "b"), "ab");
  const joined = concatInstructions("a ", both, " b");
  assert.ok(isInstructions(joined));
  assert.deepEqual([joined.audio, joined.text, joined.value], ["a speak b", "a write b", "a speak b"]);
});

test("a common part with additions becomes two whole variants, and shows the common part", () => {
  const instructions = new Instructions({ common: "Book tables.", audio: "Spell numbers.", text: null });
  assert.equal(instructions.value, "Book tables.");
  assert.equal(instructions.render(), "Book tables.");
  assert.equal(instructions.render("audio"), "Book tables.\n\nSpell numbers.");
  assert.equal(instructions.render("text"), "Book tables.");
  assert.equal(new Instructions({ common: "", audio: "Only this." }).audio, "Only this.");
  assert.equal(new Instructions({ common: "Same." }).hasText, false);
});

test("placeholders are filled in each variant, with what lies inside of objects, and missing ones become nothing", () => {
  const template = new Instructions({ audio: "Say {who.name}, {gone}{style}", text: "Write {who.name}{empty}" });
  const filled = template.format({ who: { name: "Ada" }, empty: null, style: both });
  assert.equal(filled.audio, "Say Ada, speak");
  assert.equal(filled.text, "Write Ada");
  assert.equal(audioOnly.format({ x: both }).hasText, true);
  assert.equal(new Instructions({ audio: "{toString}{a.constructor}" }).format({ a: {} }).audio, "");
});

test("a tagged template drops the variant for text when both read the same", () => {
  const different = Instructions.tpl`Hello. ${both} ${1}${null}`;
  assert.deepEqual([different.audio, different.text, different.hasText], ["Hello. speak 1", "Hello. write 1", true]);
  assert.equal(Instructions.tpl`Hello ${"you"}`.hasText, false);
});

test("a resolved template is a rendering of the whole for each modality, and one where they agree", () => {
  const different = resolveTemplate("A {style} B", { style: both });
  assert.deepEqual([different.audio, different.text], ["A speak B", "A write B"]);
  assert.equal(resolveTemplate("A {style} B", { style: audioOnly }).value, "A speak B");
  const removed = resolveTemplate("A{style}", { style: new Instructions({ audio: " speak", text: "" }) });
  assert.equal(removed.text, "A");
});

test("JSON has no variant for text when none was given", () => {
  assert.deepEqual(JSON.parse(JSON.stringify(both)), { type: "instructions", audio: "speak", text: "write" });
  assert.deepEqual(JSON.parse(JSON.stringify(audioOnly)), { type: "instructions", audio: "speak" });
});

test("a clone, which is a plain object, renders as the original does", () => {
  const clone = structuredClone(both);
  assert.equal(isInstructions(clone), true);
  assert.equal(renderInstructions(clone, "text"), "write");
  assert.equal(renderInstructions(clone), "speak");
  assert.equal(renderInstructions("plain", "text"), "plain");
});

test("equality goes by the variants, and a string never equals instructions", () => {
  assert.equal(instructionsEqual(both, both.asModality("text")), true);
  assert.equal(instructionsEqual(both, audioOnly), false);
  assert.equal(instructionsEqual("speak", audioOnly), false);
  assert.equal(instructionsEqual("speak", "speak"), true);
});
