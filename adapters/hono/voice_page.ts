/**
 * A page that calls an agent: one self-contained document, no script from elsewhere.
 *
 * @module
 */
import { PAGE_STYLE } from "./voice_page_style.ts";
import { VOICE_PAGE } from "./voice_page_text.ts";

/** What the page says, and whom it calls. */
export interface VoicePageOptions {
  /** The heading. Default: "Talk to the agent". */
  readonly title?: string;
  /** A sentence below it. */
  readonly intro?: string;
  /** What a user may ask, as buttons that send it. */
  readonly suggestions?: readonly string[];
  /** Where the route is. Default `"/voice"`. */
  readonly url?: string;
  /** The language of the page's own words, which are English. Default `"en"`. */
  readonly lang?: string;
}

/**
 * Makes the page, to be served as HTML. It has a live transcript of both sides, what the agent does, where the time of each turn went,
 * a mute and an end button, and a line to type in; it fits a phone, follows light and dark, and can be used by keyboard.
 *
 * @example
 * ```ts
 * app.get("/", (c) => c.html(voicePage({ title: "Harbour Bookshop", suggestions: ["When do you open on Sunday?"] })));
 * ```
 */
export function voicePage(options: VoicePageOptions = {}): string {
  const { title = "Talk to the agent", intro = "", suggestions = [], url = "/voice", lang = "en" } = options;
  const chips = suggestions.map((text) => `<button type="button" class="chip">${escape(text)}</button>`).join("");
  return `<!doctype html>
<html lang="${escape(lang)}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1, viewport-fit=cover, interactive-widget=resizes-content">
<meta name="color-scheme" content="light dark">
<title>${escape(title)}</title>
<link rel="icon" href="${ICON}">
<style>${PAGE_STYLE}</style>
</head>
<body data-status="idle" data-agent="initializing">
<header>
<div class="who"><h1>${escape(title)}</h1>${intro === "" ? "" : `<p>${escape(intro)}</p>`}</div>
<p class="line" id="line" role="status"><i></i><span id="status">Not connected</span><time id="clock"></time></p>
</header>
<main>
<section class="stage" aria-label="The agent">
<div class="orb" id="orb" aria-hidden="true"><b></b><b></b><b></b></div>
<p id="state" role="status">Ready when you are</p>
<p class="hint">Your browser asks for the microphone when you start. Speak as you would on the telephone, and cut in whenever you like.</p>
</section>
<section class="talk" id="talk" role="log" aria-label="Transcript" aria-live="polite" tabindex="0"></section>
<div class="notice" id="notice" role="alert" hidden><p></p><button type="button" id="typed">Go on by typing</button></div>
</main>
<footer>
<div class="chips" id="chips">${chips}</div>
<div class="bar">
<button type="button" class="start" id="start">${ICONS.phone}<span>Start the call</span></button>
<button type="button" class="round" id="mute" aria-pressed="false" aria-keyshortcuts="m" title="Mute (m)" hidden>${ICONS.microphone}${ICONS.muted}<span class="name">Mute</span></button>
<form id="form" hidden><label class="name" for="text">Type instead of speaking</label><input id="text" autocomplete="off" maxlength="4000" placeholder="Type a message" enterkeyhint="send"><button type="submit" title="Send">${ICONS.send}<span class="name">Send</span></button></form>
<button type="button" class="round end" id="end" title="End the call" hidden>${ICONS.hangUp}<span class="name">End the call</span></button>
</div>
</footer>
<script type="application/json" id="options">${JSON.stringify({ url }).replace(/</g, "\\u003c")}</script>
<script type="module">${VOICE_PAGE}</script>
</body>
</html>
`;
}

function escape(text: string): string {
  return text.replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);
}

const ICON = "data:image/svg+xml," +
  encodeURIComponent(
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><circle cx="16" cy="16" r="14" fill="#0f6e5c"/></svg>',
  );
const icon = (path: string, name = ""): string =>
  `<svg viewBox="0 0 24 24" width="22" height="22" aria-hidden="true"${
    name && ` class="${name}"`
  } fill="none" stroke="currentColor" stroke-width="2" stroke-linecap="round" stroke-linejoin="round">${path}</svg>`;
const HANDSET =
  "M5 4h3.4l1.7 4.3-2.1 1.5a12 12 0 0 0 6.2 6.2l1.5-2.1 4.3 1.7V19a2 2 0 0 1-2.2 2A16.5 16.5 0 0 1 3 6.2 2 2 0 0 1 5 4Z";
const ICONS = {
  phone: icon(`<path d="${HANDSET}"/>`),
  hangUp: icon(`<path transform="rotate(135 12 12)" d="${HANDSET}"/>`),
  microphone: icon(
    `<rect x="9" y="3" width="6" height="11" rx="3"/><path d="M5.5 11a6.5 6.5 0 0 0 13 0M12 17.5V21"/>`,
    "on",
  ),
  muted: icon(
    `<path d="M9 9v2a3 3 0 0 0 5 2.2M15 10.5V6a3 3 0 0 0-5.7-1.3M5.5 11a6.5 6.5 0 0 0 10.7 5M18.5 11a6.4 6.4 0 0 1-.6 2.7M12 17.5V21M4 3l16 18"/>`,
    "off",
  ),
  send: icon(`<path d="M4 12h15M13 6l6 6-6 6"/>`),
};
