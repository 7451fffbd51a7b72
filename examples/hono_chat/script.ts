/**
 * What the page does, as plain JavaScript for the browser: it speaks the UI message stream by itself, to show that nothing more is
 * needed. In an app of your own, `useChat` of the AI SDK does this.
 */
export const SCRIPT = `
const $ = (id) => document.getElementById(id);
const talk = $("talk"), input = $("input"), chips = $("chips");
const make = (tag, className = "", text = "") => Object.assign(document.createElement(tag), { className, textContent: text });
let id = localStorage.getItem("chat") ?? "";
let running;

const atEnd = () => talk.scrollHeight - talk.scrollTop - talk.clientHeight < 80;
const show = (element) => { const follow = atEnd(); talk.append(element); if (follow) talk.scrollTop = talk.scrollHeight; return element; };
const setState = (state) => { document.body.dataset.state = state; $("doing").textContent = { thinking: "thinking", speaking: "answering" }[state] ?? "ready"; };
const setRunning = (is) => { $("send").hidden = is; $("stop").hidden = !is; if (!is) setState("listening"); };
const pretty = (value) => typeof value === "string" ? value : JSON.stringify(value, null, 2);

function toolCard(box, name, args) {
  const card = make("details");
  card.append(make("summary", "", name.replaceAll("_", " ")), make("pre", "", pretty(args)));
  box.append(card);
  return card;
}
function toolDone(card, output, failed) {
  card.className = failed ? "failed" : "done";
  card.append(make("pre", "", (failed ? "failed: " : "→ ") + pretty(output)));
}
function failed(text, again) {
  const line = make("div", "error");
  line.setAttribute("role", "alert");
  line.append(make("span", "", text));
  if (again) { const button = make("button", "", "Try again"); button.onclick = () => { line.remove(); again(); }; line.append(button); }
  show(line);
}

/** Reads the frames of a stream of events. */
async function* frames(response) {
  let held = "";
  for await (const text of response.body.pipeThrough(new TextDecoderStream())) {
    const parts = (held + text).split("\\n\\n");
    held = parts.pop();
    for (const part of parts) if (part.startsWith("data: {")) yield JSON.parse(part.slice(6));
  }
}

/** Shows one message of the assistant as it comes. */
async function follow(response, again) {
  const box = show(make("div", "assistant"));
  const dots = make("div", "dots");
  dots.append(make("i"), make("i"), make("i"));
  box.append(dots);
  const blocks = new Map(), cards = new Map();
  let trouble;
  for await (const chunk of frames(response)) {
    const isEnd = atEnd();
    switch (chunk.type) {
      case "text-start": blocks.set(chunk.id, make("p", "said")); break;
      case "reasoning-start": blocks.set(chunk.id, make("p", "said thought")); break;
      case "text-delta": case "reasoning-delta": {
        const block = blocks.get(chunk.id);
        if (!block.isConnected) box.insertBefore(block, dots);
        block.textContent += chunk.delta;
        break;
      }
      case "tool-input-available": cards.set(chunk.toolCallId, toolCard(box, chunk.toolName, chunk.input)); box.append(dots); break;
      case "tool-output-available": toolDone(cards.get(chunk.toolCallId), chunk.output, false); break;
      case "tool-output-error": toolDone(cards.get(chunk.toolCallId), chunk.errorText, true); break;
      case "data-agent-state": setState(chunk.data.state); break;
      case "data-handoff": show(make("div", "note", chunk.data.to + " takes over")); break;
      case "abort": box.querySelector("p:last-of-type")?.classList.add("cut"); break;
      case "error": trouble = chunk.errorText; break;
      case "finish": { const { usage } = chunk.messageMetadata ?? {}; if (usage) $("usage").textContent = usage.totalTokens + " tokens"; break; }
    }
    if (isEnd) talk.scrollTop = talk.scrollHeight;
  }
  dots.remove();
  if (box.childElementCount === 0) box.remove();
  if (trouble) failed(trouble, again);
}

async function post(message, trigger = "submit-message") {
  running?.abort();
  const mine = running = new AbortController();
  setRunning(true);
  chips.hidden = true;
  const again = () => post(message, "regenerate-message");
  try {
    const response = await fetch("/chat", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ id, trigger, messages: message ? [message] : [] }),
      signal: mine.signal,
    });
    if (response.ok) await follow(response, again);
    else failed((await response.json()).error.message, again);
  } catch (error) {
    for (const dots of talk.querySelectorAll(".dots")) dots.remove();
    if (error.name === "AbortError") talk.querySelector(".assistant:last-of-type p:last-of-type")?.classList.add("cut");
    else failed("The connection broke.", again);
  } finally {
    if (running === mine) setRunning(false);
  }
}

function say(text) {
  show(make("div", "said user", text));
  void post({ id: crypto.randomUUID(), role: "user", parts: [{ type: "text", text }] });
}

/** What was said before, as the server has it. */
function showPast(messages) {
  for (const { role, parts } of messages) {
    const box = role === "user" ? undefined : show(make("div", "assistant"));
    for (const part of parts) {
      if (part.type === "text") box ? box.append(make("p", "said", part.text)) : show(make("div", "said user", part.text));
      if (part.type.startsWith("tool-")) {
        const card = toolCard(box, part.type.slice(5), part.input);
        if (part.state !== "input-available") toolDone(card, part.output ?? part.errorText, part.state === "output-error");
      }
      if (part.type === "data-handoff") show(make("div", "note", part.data.to + " takes over"));
    }
  }
  talk.scrollTop = talk.scrollHeight;
}

async function begin() {
  talk.replaceChildren();
  const past = id === "" ? undefined : await fetch("/chat/" + id).catch(() => undefined);
  if (past?.ok) {
    showPast((await past.json()).messages);
    chips.hidden = true;
    return;
  }
  id = crypto.randomUUID();
  localStorage.setItem("chat", id);
  chips.hidden = false;
  await post(undefined); // the agent greets
  chips.hidden = false;
}

$("form").onsubmit = (event) => {
  event.preventDefault();
  const text = input.value.trim();
  if (text === "") return;
  input.value = "";
  say(text);
};
input.onkeydown = (event) => {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  $("form").requestSubmit();
};
$("stop").onclick = () => running?.abort();
$("new").onclick = () => { running?.abort(); localStorage.removeItem("chat"); id = ""; $("usage").textContent = ""; void begin(); input.focus(); };
for (const chip of chips.querySelectorAll("button")) chip.onclick = () => say(chip.textContent);
setRunning(false);
void begin();
input.focus();
`;
