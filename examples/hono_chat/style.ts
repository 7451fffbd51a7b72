/** How the page looks: light and dark, on a phone and on a desk. */
export const STYLE = `
:root {
  color-scheme: light dark;
  --paper: light-dark(#f7f5f0, #14161a);
  --card: light-dark(#ffffff, #1d2026);
  --ink: light-dark(#1d1f23, #eceae4);
  --soft: light-dark(#6a6d73, #9a9da4);
  --line: light-dark(#e3dfd5, #2c3038);
  --sea: light-dark(#0f5c5c, #5cc4bd);
  --on-sea: light-dark(#ffffff, #08201f);
  --bad: light-dark(#a3281f, #ff9a8f);
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif;
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); display: grid; grid-template-rows: auto 1fr auto; height: 100dvh; }
header, main, footer { width: 100%; max-width: 46rem; margin: 0 auto; padding: 0 max(1rem, env(safe-area-inset-left)); }
header { display: flex; align-items: center; gap: .75rem; padding-block: .9rem; border-bottom: 1px solid var(--line); }
h1 { font: 600 1.15rem/1.2 ui-serif, Georgia, serif; margin: 0; flex: 1; letter-spacing: .01em; }
#state { font-size: .82rem; color: var(--soft); display: flex; align-items: center; gap: .45rem; white-space: nowrap; }
#state::before { content: ""; width: .55rem; height: .55rem; border-radius: 50%; background: var(--soft); transition: background .2s; }
body[data-state="thinking"] #state::before, body[data-state="speaking"] #state::before { background: var(--sea); }
body[data-state="thinking"] #state::before { animation: pulse 1s ease-in-out infinite; }
@keyframes pulse { 50% { opacity: .25; } }
button { font: inherit; color: inherit; background: none; border: 1px solid var(--line); border-radius: .6rem; padding: .35rem .75rem; cursor: pointer; }
button:hover { border-color: var(--soft); }
:focus-visible { outline: 2px solid var(--sea); outline-offset: 2px; }
main:focus-visible { outline-offset: -2px; }
header button { font-size: .82rem; }
main { overflow-y: auto; padding-block: 1.25rem; display: flex; flex-direction: column; gap: .9rem; scroll-behavior: smooth; }
.said { max-width: 85%; white-space: pre-wrap; overflow-wrap: anywhere; }
.user { align-self: flex-end; background: var(--sea); color: var(--on-sea); padding: .55rem .9rem; border-radius: 1.1rem 1.1rem .3rem 1.1rem; }
.assistant { width: 100%; display: grid; gap: .55rem; justify-items: start; }
.assistant > p { margin: 0; background: var(--card); border: 1px solid var(--line); padding: .55rem .9rem; border-radius: 1.1rem 1.1rem 1.1rem .3rem; }
.assistant > .thought { background: none; border: 0; padding: 0 .2rem; color: var(--soft); font-size: .9rem; font-style: italic; }
.cut::after { content: " —"; color: var(--soft); }
details { border: 1px solid var(--line); border-radius: .7rem; font-size: .86rem; color: var(--soft); max-width: 100%; background: color-mix(in srgb, var(--card) 60%, transparent); }
summary { padding: .35rem .75rem; cursor: pointer; list-style: none; display: flex; gap: .5rem; align-items: center; }
summary::-webkit-details-marker { display: none; }
summary::before { content: "⚙"; }
details.done summary::before { content: "✓"; color: var(--sea); }
details.failed summary::before { content: "!"; color: var(--bad); font-weight: 700; }
details pre { margin: 0; padding: .1rem .75rem .6rem; white-space: pre-wrap; overflow-wrap: anywhere; font: .8rem/1.5 ui-monospace, Menlo, Consolas, monospace; }
.note { align-self: center; font-size: .82rem; color: var(--soft); }
.error { align-self: stretch; color: var(--bad); border: 1px solid currentColor; border-radius: .7rem; padding: .5rem .9rem; font-size: .9rem; display: flex; gap: .75rem; align-items: center; justify-content: space-between; }
.dots { display: inline-flex; gap: .3rem; padding: .35rem .2rem; }
.dots i { width: .45rem; height: .45rem; border-radius: 50%; background: var(--soft); animation: pulse 1s ease-in-out infinite; }
.dots i:nth-child(2) { animation-delay: .15s; } .dots i:nth-child(3) { animation-delay: .3s; }
#chips { display: flex; flex-wrap: wrap; gap: .5rem; padding-bottom: .6rem; }
#chips button { border-radius: 2rem; font-size: .88rem; background: var(--card); }
footer { padding-bottom: max(1rem, env(safe-area-inset-bottom)); }
form { display: flex; gap: .5rem; align-items: flex-end; background: var(--card); border: 1px solid var(--line); border-radius: 1.2rem; padding: .4rem .4rem .4rem 1rem; }
form:focus-within { border-color: var(--sea); }
textarea { flex: 1; font: inherit; color: inherit; background: none; border: 0; outline: 0; resize: none; padding: .35rem 0; max-height: 9rem; field-sizing: content; }
textarea:focus-visible { outline: 0; }
textarea::placeholder { color: var(--soft); }
form button { background: var(--sea); color: var(--on-sea); border-color: transparent; border-radius: .9rem; padding: .4rem 1rem; font-weight: 600; }
#stop { background: none; color: var(--ink); border-color: var(--line); }
[hidden] { display: none !important; }
#hint { margin: .45rem .2rem 0; font-size: .76rem; color: var(--soft); display: flex; justify-content: space-between; gap: 1rem; }
@media (max-width: 30rem) { .said { max-width: 92%; } #hint span:first-child { display: none; } }
@media (prefers-reduced-motion: reduce) { * { animation: none !important; scroll-behavior: auto !important; } }
`;
