/**
 * What the page of a call does, over the client that stands before it in the same script.
 *
 * @module
 */

/** The script of {@linkcode voicePage}. */
export const PAGE_SCRIPT: string = String.raw`
const { url } = JSON.parse(document.getElementById("options").textContent);
const at = (id) => document.getElementById(id);
const make = (tag, className, text) => Object.assign(document.createElement(tag), { className, textContent: text ?? "" });
const talk = at("talk"), body = document.body;
const STATES = { initializing: "Getting ready …", idle: "Waiting", listening: "Listening", thinking: "Thinking …", speaking: "Speaking" };
const STATUS = { idle: "Not connected", connecting: "Connecting …", connected: "Connected", reconnecting: "Reconnecting …", ended: "Call ended" };
const PARTS = { transcription: "understanding the words", endpointing: "being sure you had finished", hook: "the agent's own hook", floor: "waiting for the floor", llm: "the language model", tools: "tools", tts: "the voice", playout: "reaching your ears" };
let call, hasMicrophone, beganAt, liveUser, finals = "", liveAgent, speech, account, ticking;

/** Shows what was added, unless the user reads further up. */
function follow(work) {
  const isAtEnd = talk.scrollHeight - talk.scrollTop - talk.clientHeight < 80;
  work();
  if (isAtEnd) talk.scrollTop = talk.scrollHeight;
}
function bubble(who) {
  const said = make("div", "said live " + who);
  said.append(make("span", "name", who === "user" ? "You:" : "Agent:"), make("p"));
  talk.append(said);
  return said;
}
const write = (said, text) => (said.querySelector("p").textContent = text);
function note(text, isBad) {
  follow(() => talk.append(make("p", isBad ? "note bad" : "note", text)));
}
function showAccount(said, { totalMs, spans }) {
  const box = make("details"), head = make("summary"), bar = make("span", "spans"), list = make("dl");
  const total = make("b", "", (totalMs / 1000).toFixed(2) + " s");
  head.append(make("span", "", "Answered in "), total, bar);
  bar.setAttribute("aria-hidden", "true");
  head.title = "From your last sound to the agent's first: where the time went";
  for (const { part, ms } of spans) {
    const colour = "background:var(--p-" + part + ")";
    const piece = make("i"), swatch = make("i");
    piece.style = colour + ";flex:" + ms;
    swatch.style = colour;
    bar.append(piece);
    list.append(swatch, make("dt", "", PARTS[part] ?? part), make("dd", "", Math.round(ms).toLocaleString() + " ms"));
  }
  box.append(head, list);
  said.append(box);
}
function agentBubble() {
  liveAgent ??= bubble("agent");
  if (account) { showAccount(liveAgent, account); account = undefined; }
  return liveAgent;
}
const show = {
  state({ agent }) {
    body.dataset.agent = agent;
    at("state").textContent = call?.muted && agent === "listening" ? "Muted" : STATES[agent] ?? agent;
  },
  user_transcript({ text, isFinal }) {
    if (text === "") return;
    follow(() => {
      liveUser ??= bubble("user");
      write(liveUser, (finals + " " + text).trim());
      if (isFinal) finals = (finals + " " + text).trim();
    });
  },
  agent_transcript({ speech: id, text }) {
    follow(() => {
      if (id !== speech) { liveAgent?.classList.remove("live"); liveAgent = undefined; speech = id; }
      const said = agentBubble();
      write(said, said.querySelector("p").textContent + text);
    });
  },
  message({ role, text, interrupted }) {
    follow(() => {
      const said = role === "user" ? liveUser ?? bubble("user") : agentBubble();
      write(said, text);
      if (interrupted) said.querySelector("p").append(make("span", "cut", "cut off"));
      said.classList.remove("live");
      if (role === "user") { liveUser = undefined; finals = ""; } else { liveAgent = undefined; speech = undefined; }
    });
  },
  tool({ name, isError }) { note((isError ? "The tool failed: " : "Looked up: ") + name.replaceAll("_", " "), isError); },
  interruption({ resumed }) { if (resumed) note("Nothing was said: the agent goes on"); },
  latency(message) { account = message; if (liveAgent) follow(agentBubble); },
  error({ message }) { note(message, true); },
  gap({ count }) { note(count + " messages were missed while the connection was away"); },
  end() {},
};

function status(next, end) {
  body.dataset.status = next;
  at("status").textContent = STATUS[next];
  const isOn = next === "connected" || next === "reconnecting" || next === "connecting";
  for (const id of ["mute", "end", "form"]) at(id).hidden = !isOn;
  if (!hasMicrophone) at("mute").hidden = true;
  at("start").hidden = isOn;
  if (next === "connecting" || next === "reconnecting") at("state").textContent = STATUS[next];
  if (next === "connected") {
    beganAt ??= performance.now();
    at("state").textContent = STATES[body.dataset.agent];
  }
  if (next !== "ended") return;
  call = undefined;
  requestAnimationFrame(() => (talk.scrollTop = talk.scrollHeight));
  clearInterval(ticking);
  liveAgent?.classList.remove("live");
  liveUser?.classList.remove("live");
  liveAgent = liveUser = speech = account = undefined;
  finals = "";
  at("state").textContent = "Call ended";
  at("start").querySelector("span").textContent = "Call again";
  at("start").focus();
  if (end?.reason === "lost") tellProblem("The connection was lost and did not come back.");
  if (end?.reason === "refused" || end?.reason === "failed") tellProblem(end.message);
}
function tellProblem(text, canType) {
  at("notice").hidden = false;
  at("notice").querySelector("p").textContent = text;
  at("typed").hidden = !canType;
}
const WHY = {
  NotAllowedError: "The microphone was refused. Allow it for this page in the browser's settings and start again, or go on by typing.",
  NotFoundError: "No microphone was found. Connect one and start again, or go on by typing.",
  NotReadableError: "The microphone is in use by another program. Close that and start again, or go on by typing.",
};
async function start(microphone) {
  at("notice").hidden = true;
  at("start").disabled = true;
  beganAt = undefined;
  hasMicrophone = microphone;
  body.dataset.agent = "initializing";
  talk.replaceChildren();
  try {
    if (!navigator.mediaDevices && microphone) throw Object.assign(new Error("no microphone"), { name: "insecure" });
    call = await connectVoice({ url, microphone, onMessage: (message) => show[message.type]?.(message), onStatus: status });
    at("mute").setAttribute("aria-pressed", "false");
    body.dataset.muted = "false";
    at("clock").textContent = "";
    ticking = setInterval(() => {
      const seconds = beganAt === undefined ? 0 : Math.floor((performance.now() - beganAt) / 1000);
      at("clock").textContent = Math.floor(seconds / 60) + ":" + String(seconds % 60).padStart(2, "0");
      if (call?.roundTripMs) at("line").title = "Round trip " + Math.round(call.roundTripMs) + " ms";
    }, 500);
    requestAnimationFrame(move);
    if (!microphone) at("text").focus();
  } catch (error) {
    status("ended");
    body.dataset.status = "idle";
    at("status").textContent = STATUS.idle;
    at("state").textContent = "Ready when you are";
    at("start").querySelector("span").textContent = "Start the call";
    const isInsecure = error.name === "insecure";
    tellProblem(isInsecure ? "Browsers give a microphone to https pages only. Open this page by https or on localhost, or go on by typing." : WHY[error.name] ?? "The call could not begin: " + error.message, true);
  } finally {
    at("start").disabled = false;
  }
}
function move() {
  if (!call) return at("orb").style.setProperty("--level", 0);
  const { microphone, agent } = call.levels();
  at("orb").style.setProperty("--level", Math.max(microphone, agent).toFixed(3));
  requestAnimationFrame(move);
}
function mute() {
  if (!call || at("mute").hidden) return;
  call.mute(!call.muted);
  at("mute").setAttribute("aria-pressed", String(call.muted));
  at("mute").title = call.muted ? "Unmute (m)" : "Mute (m)";
  body.dataset.muted = String(call.muted);
  show.state({ agent: body.dataset.agent });
}
function type(text) {
  if (call) call.sendText(text);
}
at("start").onclick = () => start(true);
at("typed").onclick = () => start(false);
at("mute").onclick = mute;
at("end").onclick = () => call?.end();
at("form").onsubmit = (event) => {
  event.preventDefault();
  const text = at("text").value.trim();
  if (text !== "") type(text);
  at("text").value = "";
};
for (const chip of document.querySelectorAll(".chip")) {
  chip.onclick = async () => {
    if (!call) await start(true);
    type(chip.textContent);
  };
}
addEventListener("keydown", (event) => {
  if (event.key === "m" && !event.ctrlKey && !event.metaKey && !event.altKey && document.activeElement !== at("text")) mute();
});
`;
