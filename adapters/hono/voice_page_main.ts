/**
 * What the page of a call does. `scripts/page_text.ts` makes a text of it, with the client in it.
 *
 * @module
 */
import { connectVoice, type VoiceClient, type VoiceEnd, type VoiceStatus } from "./voice_client.ts";
import type { CallMessage } from "./voice_wire.ts";

type MessageOf<T extends CallMessage["type"]> = Extract<CallMessage, { readonly type: T }>;

const STATES = {
  initializing: "Getting ready …",
  idle: "Waiting",
  listening: "Listening",
  thinking: "Thinking …",
  speaking: "Speaking",
} as const;
const STATUSES = {
  idle: "Not connected",
  connecting: "Connecting …",
  connected: "Connected",
  reconnecting: "Reconnecting …",
  ended: "Call ended",
} as const;
const PARTS = {
  transcription: "understanding the words",
  endpointing: "being sure you had finished",
  hook: "the agent's own hook",
  floor: "waiting for the floor",
  llm: "the language model",
  tools: "tools",
  tts: "the voice",
  playout: "reaching your ears",
} as const;
const PROBLEMS: Readonly<Record<string, string>> = {
  NotAllowedError:
    "The microphone was refused. Allow it for this page in the browser's settings and start again, or go on by typing.",
  NotFoundError: "No microphone was found. Connect one and start again, or go on by typing.",
  NotReadableError: "The microphone is in use by another program. Close that and start again, or go on by typing.",
  InsecureError:
    "Browsers give a microphone to https pages only. Open this page by https or on localhost, or go on by typing.",
};

/** Runs the page. */
export function runPage(): void {
  const element = <T extends HTMLElement>(id: string): T => document.getElementById(id) as T;
  const page = document.body;
  const talk = element("talk");
  const startButton = element<HTMLButtonElement>("start");
  const muteButton = element<HTMLButtonElement>("mute");
  const input = element<HTMLInputElement>("text");
  const { url } = JSON.parse(element("options").textContent ?? "{}") as { readonly url: string };

  let call: VoiceClient | undefined;
  let hasMicrophone = false;
  let beganAt: number | undefined;
  let ticking: ReturnType<typeof setInterval> | undefined;
  let agentState: keyof typeof STATES = "initializing";
  // What is being said: shown as it comes, until the history has it.
  let user: { readonly said: HTMLElement; finals: string } | undefined;
  let agent: { readonly said: HTMLElement; readonly speech: string | undefined } | undefined;
  let account: MessageOf<"latency"> | undefined;

  const make = (tag: string, className = "", text = ""): HTMLElement =>
    Object.assign(document.createElement(tag), { className, textContent: text });

  /** Shows what is added, unless the user reads further up. */
  const follow = (work: () => void): void => {
    const isAtEnd = talk.scrollHeight - talk.scrollTop - talk.clientHeight < 80;
    work();
    if (isAtEnd) talk.scrollTop = talk.scrollHeight;
  };

  const bubble = (who: "user" | "agent"): HTMLElement => {
    const said = make("div", `said live ${who}`);
    said.append(make("span", "name", who === "user" ? "You:" : "Agent:"), make("p"));
    talk.append(said);
    return said;
  };
  const words = (said: HTMLElement): HTMLElement => said.querySelector("p")!;

  const note = (text: string, isBad = false): void => {
    follow(() => talk.append(make("p", isBad ? "note bad" : "note", text)));
  };

  const showAccount = (said: HTMLElement, { totalMs, spans }: MessageOf<"latency">): void => {
    const box = make("details");
    const head = make("summary");
    const bar = make("span", "spans");
    const list = make("dl");
    head.title = "From your last sound to the agent's first: where the time went";
    head.append(make("span", "", "Answered in "), make("b", "", `${(totalMs / 1000).toFixed(2)} s`), bar);
    bar.setAttribute("aria-hidden", "true");
    for (const { part, ms } of spans) {
      const piece = make("i");
      const swatch = make("i");
      piece.style.cssText = `background:var(--p-${part});flex:${ms}`;
      swatch.style.cssText = `background:var(--p-${part})`;
      bar.append(piece);
      list.append(swatch, make("dt", "", PARTS[part]), make("dd", "", `${Math.round(ms).toLocaleString()} ms`));
    }
    box.append(head, list);
    said.append(box);
  };

  /** Where the agent's words go now, with the account of the turn that they answer. */
  const agentBubble = (speech?: string): HTMLElement => {
    if (agent === undefined || (speech !== undefined && agent.speech !== undefined && agent.speech !== speech)) {
      agent?.said.classList.remove("live");
      agent = { said: bubble("agent"), speech };
    }
    if (account !== undefined) showAccount(agent.said, account);
    account = undefined;
    return agent.said;
  };

  const showState = (): void => {
    page.dataset["agent"] = agentState;
    element("state").textContent = call?.muted === true && agentState === "listening" ? "Muted" : STATES[agentState];
  };

  const show = (message: CallMessage): void => {
    switch (message.type) {
      case "state":
        agentState = message.agent;
        return showState();
      case "user_transcript":
        if (message.text === "") return;
        return follow(() => {
          user ??= { said: bubble("user"), finals: "" };
          const text = `${user.finals} ${message.text}`.trim();
          words(user.said).textContent = text;
          if (message.isFinal) user.finals = text;
        });
      case "agent_transcript":
        return follow(() => {
          const said = agentBubble(message.speech);
          words(said).append(message.text);
        });
      case "message":
        return follow(() => {
          const isUser = message.role === "user";
          const said = isUser ? user?.said ?? bubble("user") : agentBubble();
          words(said).textContent = message.text;
          if (message.interrupted) words(said).append(make("span", "cut", "cut off"));
          said.classList.remove("live");
          if (isUser) user = undefined;
          else agent = undefined;
        });
      case "tool":
        return note(
          `${message.isError ? "The tool failed: " : "Looked up: "}${message.name.replaceAll("_", " ")}`,
          message.isError,
        );
      case "interruption":
        if (message.resumed) note("Nothing was said: the agent goes on");
        return;
      case "latency":
        account = message;
        if (agent !== undefined) follow(() => void agentBubble());
        return;
      case "error":
        return note(message.message, true);
      case "gap":
        return note(`${message.count} messages were missed while the connection was away`);
      case "end":
        return;
      default:
        return message satisfies never;
    }
  };

  const tellProblem = (text: string, canType = false): void => {
    element("notice").hidden = false;
    words(element("notice")).textContent = text;
    element("typed").hidden = !canType;
  };

  const showStatus = (status: VoiceStatus | "idle"): void => {
    page.dataset["status"] = status;
    element("status").textContent = STATUSES[status];
    const isOn = status === "connecting" || status === "connected" || status === "reconnecting";
    for (const id of ["end", "form"]) element(id).hidden = !isOn;
    muteButton.hidden = !isOn || !hasMicrophone;
    startButton.hidden = isOn;
    if (status === "connected") showState();
    else element("state").textContent = status === "idle" ? "Ready when you are" : STATUSES[status];
  };

  const onStatus = (status: VoiceStatus, end?: VoiceEnd): void => {
    showStatus(status);
    if (status === "connected") beganAt ??= performance.now();
    if (status !== "ended") return;
    call = undefined;
    clearInterval(ticking);
    for (const live of [user?.said, agent?.said]) live?.classList.remove("live");
    user = agent = account = undefined;
    startButton.querySelector("span")!.textContent = "Call again";
    startButton.focus();
    requestAnimationFrame(() => (talk.scrollTop = talk.scrollHeight)); // there is less room now
    if (end?.reason === "lost") tellProblem("The connection was lost and did not come back.");
    if (end?.message !== undefined) tellProblem(end.message);
  };

  const move = (): void => {
    const { microphone, agent: voice } = call?.levels() ?? { microphone: 0, agent: 0 };
    element("orb").style.setProperty("--level", Math.max(microphone, voice).toFixed(3));
    if (call !== undefined) requestAnimationFrame(move);
  };

  const tick = (): void => {
    const seconds = beganAt === undefined ? 0 : Math.floor((performance.now() - beganAt) / 1000);
    element("clock").textContent = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
    if (call?.roundTripMs !== undefined) element("line").title = `Round trip ${Math.round(call.roundTripMs)} ms`;
  };

  const start = async (microphone: boolean): Promise<void> => {
    element("notice").hidden = true;
    startButton.disabled = true;
    beganAt = undefined;
    hasMicrophone = microphone;
    agentState = "initializing";
    talk.replaceChildren();
    try {
      if (microphone && navigator.mediaDevices === undefined) throw new DOMException("", "InsecureError");
      call = await connectVoice({ url, microphone, onMessage: show, onStatus });
      muteButton.setAttribute("aria-pressed", "false");
      page.dataset["muted"] = "false";
      tick();
      ticking = setInterval(tick, 500);
      requestAnimationFrame(move);
      if (!microphone) input.focus();
    } catch (error) {
      showStatus("idle");
      const { name = "", message = "" } = error as Partial<Error>;
      tellProblem(PROBLEMS[name] ?? `The call could not begin: ${message}`, true);
    } finally {
      startButton.disabled = false;
    }
  };

  const mute = (): void => {
    if (call === undefined || !hasMicrophone) return;
    call.mute(!call.muted);
    muteButton.setAttribute("aria-pressed", String(call.muted));
    muteButton.title = call.muted ? "Unmute (m)" : "Mute (m)";
    page.dataset["muted"] = String(call.muted);
    showState();
  };

  startButton.onclick = () => void start(true);
  element("typed").onclick = () => void start(false);
  muteButton.onclick = mute;
  element("end").onclick = () => call?.end();
  element<HTMLFormElement>("form").onsubmit = (event) => {
    event.preventDefault();
    const text = input.value.trim();
    if (text !== "") call?.sendText(text);
    input.value = "";
  };
  for (const chip of document.querySelectorAll<HTMLButtonElement>(".chip")) {
    chip.onclick = async () => {
      if (call === undefined) await start(true);
      call?.sendText(chip.textContent ?? "");
    };
  }
  addEventListener("keydown", ({ key, ctrlKey, metaKey, altKey }) => {
    if (key === "m" && !ctrlKey && !metaKey && !altKey && document.activeElement !== input) mute();
  });
}
