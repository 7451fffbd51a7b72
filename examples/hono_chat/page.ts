/**
 * The page of the chat: one document, without a build and without anything from elsewhere.
 *
 * @module
 */
import { SCRIPT } from "./script.ts";
import { STYLE } from "./style.ts";

/** Makes the page. `suggestions` are buttons that ask a first question. */
export function chatPage(title: string, suggestions: readonly string[]): string {
  const chips = suggestions.map((text) => `<button type="button">${escape(text)}</button>`).join("");
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1, viewport-fit=cover, interactive-widget=resizes-content">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="data:,">
<title>${escape(title)}</title>
<style>${STYLE}</style>
</head>
<body data-state="listening">
<header>
<h1>${escape(title)}</h1>
<span id="state" role="status"><span id="doing">ready</span></span>
<button type="button" id="new">New chat</button>
</header>
<main id="talk" role="log" aria-label="Conversation" aria-live="polite" tabindex="0"></main>
<footer>
<div id="chips">${chips}</div>
<form id="form">
<textarea id="input" rows="1" placeholder="Ask the bookshop" aria-label="Your message" autocomplete="off"></textarea>
<button type="submit" id="send">Send</button>
<button type="button" id="stop" hidden>Stop</button>
</form>
<p id="hint"><span>Enter sends, Shift and Enter begin a new line</span><span id="usage"></span></p>
</footer>
<script type="module">${SCRIPT}</script>
</body>
</html>`;
}

function escape(text: string): string {
  return text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
}
