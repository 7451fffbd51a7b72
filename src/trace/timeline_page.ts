/**
 * The timeline of a session as one self-contained page: no server, no script from elsewhere.
 *
 * @module
 */
import type { Timeline } from "./timeline.ts";

/** The sound of a call, for the page. */
export interface TimelineAudio {
  /** A whole WAV file, as base64. */
  readonly wavBase64: string;
  /** Loudness from 0 to 1, one value each `stepMs`. */
  readonly caller: readonly number[];
  readonly agent: readonly number[];
  readonly stepMs: number;
}

/** Makes the page. What people said is escaped; nothing in it can run. */
export function timelinePage(
  timeline: Timeline,
  options: { readonly title: string; readonly audio?: TimelineAudio },
): string {
  const { audio, title } = options;
  const data = JSON.stringify({
    timeline,
    caller: audio?.caller.map(round) ?? [],
    agent: audio?.agent.map(round) ?? [],
    stepMs: audio?.stepMs ?? 20,
  }).replace(/</g, "\\u003c").replace(/\u2028/g, "\\u2028").replace(/\u2029/g, "\\u2029");
  const player = audio === undefined
    ? ""
    : `<audio id="audio" controls preload="auto" src="data:audio/wav;base64,${audio.wavBase64}"></audio>`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escape(title)}</title>
<style>${STYLE}</style>
</head>
<body>
<header>
<h1>${escape(title)}</h1>
<p class="sub">${summary(timeline)}</p>
<div class="bar">${player}<label>Zoom <input id="zoom" type="range" min="0" max="100" value="0" aria-label="Zoom"></label><output id="clock">0.0 s</output></div>
</header>
<main>
<section class="lanes" aria-label="Timeline"><div class="names" id="names"></div><div class="scroll" id="scroll"><canvas id="canvas"></canvas></div></section>
<p id="tip" role="status"></p>
<section class="cards">
<div class="card"><h2>Where the time went</h2>${accounts(timeline)}</div>
<div class="card"><h2>Conversation</h2>${conversation(timeline)}</div>
</section>
</main>
<script type="application/json" id="data">${data}</script>
<script>${SCRIPT}</script>
</body>
</html>
`;
}

function round(value: number): number {
  return Math.round(value * 1000) / 1000;
}

function escape(text: string): string {
  return text.replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}

function summary({ durationMs, accounts, tools, playout, falseInterruptions, overlaps }: Timeline): string {
  const waits = accounts.map(({ totalMs }) => totalMs).sort((a, b) => a - b);
  const median = waits[Math.floor((waits.length - 1) / 2)];
  const parts = [
    seconds(durationMs),
    counted(accounts.length, "answered turn"),
    ...(median === undefined ? [] : [`median wait ${Math.round(median)} ms`]),
    counted(playout.filter(({ cut }) => cut).length, "barge-in"),
    counted(falseInterruptions.length, "false interruption"),
    counted(overlaps.filter(({ takesFloor }) => !takesFloor).length, "backchannel"),
    counted(tools.length, "tool call"),
  ];
  return parts.map(escape).join(" · ");
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? "" : "s"}`;
}

const PARTS = ["transcription", "endpointing", "hook", "floor", "llm", "tools", "tts", "playout"] as const;

function accounts({ accounts: all }: Timeline): string {
  if (all.length === 0) return `<p class="none">No turn was answered by voice.</p>`;
  const longest = Math.max(...all.map(({ totalMs }) => totalMs));
  const rows = all.map(({ transcript, totalMs, spans, from }) => {
    const bars = spans.map(({ part, from: a, to: b }) =>
      `<i class="p-${part}" style="width:${(((b - a) / longest) * 100).toFixed(2)}%" title="${part} ${
        Math.round(b - a)
      } ms"></i>`
    ).join("");
    const words = spans.map(({ part, from: a, to: b }) => `${part} ${Math.round(b - a)}`).join(" + ");
    return `<li data-t="${Math.round(from)}"><div class="row"><q>${escape(transcript)}</q><b>${
      Math.round(totalMs)
    } ms</b></div><div class="stack">${bars}</div><small>${escape(words)} ms</small></li>`;
  }).join("");
  const legend = PARTS.map((part) => `<span><i class="p-${part}"></i>${part}</span>`).join("");
  return `<ol class="accounts">${rows}</ol><p class="legend">${legend}</p>`;
}

function conversation({ messages }: Timeline): string {
  const rows = [...messages].sort((a, b) => a.from - b.from).map(({ role, text, interrupted, from }) =>
    `<li class="${role === "user" ? "user" : "agent"}" data-t="${Math.round(from)}"><time>${seconds(from)}</time><p>${
      escape(text)
    }${interrupted ? ` <em>cut off</em>` : ""}</p></li>`
  ).join("");
  return `<ol class="talk">${rows}</ol>`;
}

const STYLE = `
:root{color-scheme:light dark;--bg:#f7f7f5;--fg:#1d2024;--soft:#6a7078;--card:#fff;--line:#e2e3e0;--caller:#2563a8;--agent:#b4541a;
--listening:#d9dcdf;--thinking:#e0b13c;--speaking:#5fa777;--away:#b9a3c9;--initializing:#eceded;--vad:#2563a826;--pause:#c53a3a;--tool:#7b5cc4;--mark:#1d2024}
@media(prefers-color-scheme:dark){:root{--bg:#15171a;--fg:#e6e7e9;--soft:#9aa1a9;--card:#1d2024;--line:#33373d;--caller:#6fb0f0;--agent:#f0995a;
--listening:#3a3f46;--thinking:#b68d25;--speaking:#3f8a5a;--away:#6e5a80;--initializing:#2a2d32;--vad:#6fb0f026;--pause:#f07070;--tool:#a58af0;--mark:#e6e7e9}}
*{box-sizing:border-box}body{margin:0;background:var(--bg);color:var(--fg);font:15px/1.45 system-ui,sans-serif}
header,main{max-width:1200px;margin:0 auto;padding:16px 20px}header{padding-bottom:0}h1{font-size:22px;margin:8px 0 2px}h2{font-size:15px;margin:0 0 10px}
.sub{color:var(--soft);margin:0 0 12px}.bar{display:flex;gap:16px;align-items:center;flex-wrap:wrap}.bar audio{height:36px;flex:1 1 320px;max-width:560px}
.bar label{color:var(--soft);display:flex;gap:8px;align-items:center}output{font-variant-numeric:tabular-nums;min-width:4.5em}
.lanes{display:grid;grid-template-columns:88px 1fr;background:var(--card);border:1px solid var(--line);border-radius:10px;overflow:hidden}
.names{position:relative;border-right:1px solid var(--line)}.names span{position:absolute;left:10px;font-size:12px;color:var(--soft);transform:translateY(-50%)}
.scroll{overflow-x:auto}canvas{display:block;cursor:pointer}#tip{min-height:1.5em;color:var(--soft);margin:6px 2px;font-size:13px}
.cards{display:grid;grid-template-columns:repeat(auto-fit,minmax(320px,1fr));gap:16px}.card{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:16px}
ol{list-style:none;margin:0;padding:0}.accounts li{margin-bottom:12px;cursor:pointer}.row{display:flex;justify-content:space-between;gap:12px}.row b{white-space:nowrap;font-variant-numeric:tabular-nums}
.stack{display:flex;height:12px;margin:4px 0 2px;border-radius:3px;overflow:hidden;background:var(--line)}.stack i{display:block}small{color:var(--soft)}
.legend{display:flex;flex-wrap:wrap;gap:4px 14px;font-size:12px;color:var(--soft);margin:8px 0 0}.legend i{display:inline-block;width:10px;height:10px;border-radius:2px;margin-right:5px}
.p-transcription{background:#4f86c6}.p-endpointing{background:#9aa3ad}.p-hook{background:#c679a8}.p-floor{background:#c9c26b}.p-llm{background:#e0a63c}.p-tools{background:#7b5cc4}.p-tts{background:#d0703a}.p-playout{background:#5fa777}
.talk li{display:grid;grid-template-columns:52px 1fr;gap:8px;margin-bottom:8px;cursor:pointer}.talk time{color:var(--soft);font-size:12px;padding-top:3px;font-variant-numeric:tabular-nums}
.talk p{margin:0;padding:6px 10px;border-radius:10px;width:fit-content;max-width:100%}.talk .user p{background:color-mix(in srgb,var(--caller) 14%,transparent)}.talk .agent p{background:color-mix(in srgb,var(--agent) 14%,transparent)}
.talk em{color:var(--pause);font-size:12px}.none{color:var(--soft)}
@media(max-width:600px){.lanes{grid-template-columns:64px 1fr}header,main{padding:12px}}
`;

const SCRIPT = `
"use strict";
const { timeline: T, caller, agent, stepMs } = JSON.parse(document.getElementById("data").textContent);
const canvas = document.getElementById("canvas"), scroll = document.getElementById("scroll"), names = document.getElementById("names");
const audio = document.getElementById("audio"), zoom = document.getElementById("zoom"), clock = document.getElementById("clock"), tip = document.getElementById("tip");
const total = Math.max(T.durationMs, caller.length * stepMs, 1000);
const LANES = [["", 26], ["Caller", 76], ["heard", 22], ["user", 18], ["Agent", 76], ["agent", 18], ["tools", 22], ["turns", 26]];
const HEIGHT = LANES.reduce((s, l) => s + l[1] + 6, 6);
const tops = []; { let y = 6; for (const [name, h] of LANES) { tops.push(y); if (name) { const s = document.createElement("span"); s.textContent = name; s.style.top = y + h / 2 + "px"; names.append(s); } y += h + 6; } }
names.style.height = HEIGHT + "px";
let at = 0;
const css = (name) => getComputedStyle(document.documentElement).getPropertyValue("--" + name).trim();
function width() { const base = Math.max(scroll.clientWidth, 300); return Math.round(base * Math.pow(12, zoom.value / 100)); }
const x = (t, w) => (t / total) * w;
function wave(c, values, lane, w, color) {
  const y = tops[lane], h = LANES[lane][1], mid = y + h / 2;
  c.strokeStyle = css("line"); c.beginPath(); c.moveTo(0, mid); c.lineTo(w, mid); c.stroke();
  c.fillStyle = color;
  const per = Math.max(1, Math.floor(total / stepMs / w));
  for (let i = 0; i < values.length; i += per) { let v = 0; for (let k = i; k < Math.min(values.length, i + per); k++) v = Math.max(v, values[k]); if (v > 0.004) { const a = Math.min(1, Math.sqrt(v)) * h / 2; c.fillRect(x(i * stepMs, w), mid - a, Math.max(1, x(stepMs * per, w) - 0.3), a * 2); } }
}
function band(c, spans, lane, w, color) { for (const s of spans) { c.fillStyle = typeof color === "function" ? color(s) : color; c.fillRect(x(s.from, w), tops[lane], Math.max(1.5, x(s.to - s.from, w)), LANES[lane][1]); } }
function label(c, text, px, py, max, color) { c.fillStyle = color; c.font = "11px system-ui, sans-serif"; let s = text; while (s.length > 2 && c.measureText(s).width > max) s = s.slice(0, -2); if (s.length > 2) c.fillText(s === text ? s : s + "…", px, py); }
function draw() {
  const w = width(), ratio = window.devicePixelRatio || 1;
  canvas.width = w * ratio; canvas.height = HEIGHT * ratio; canvas.style.width = w + "px"; canvas.style.height = HEIGHT + "px";
  const c = canvas.getContext("2d"); c.scale(ratio, ratio);
  const steps = [100, 250, 500, 1000, 2000, 5000, 10000, 20000, 30000, 60000]; const step = steps.find((s) => x(s, w) > 64) || 60000;
  c.font = "11px system-ui, sans-serif";
  for (let t = 0; t <= total; t += step) { c.strokeStyle = css("line"); c.beginPath(); c.moveTo(x(t, w) + 0.5, 0); c.lineTo(x(t, w) + 0.5, HEIGHT); c.stroke(); c.fillStyle = css("soft"); c.fillText(t / 1000 + " s", x(t, w) + 4, 18); }
  band(c, T.vad, 1, w, css("vad")); wave(c, caller, 1, w, css("caller"));
  const finals = T.transcripts.filter((f) => f.isFinal && f.text);
  finals.forEach((f, i) => { c.fillStyle = css("caller"); c.fillRect(x(f.t, w), tops[2], 2, LANES[2][1]); const next = finals[i + 1] ? finals[i + 1].t : total; label(c, f.text, x(f.t, w) + 5, tops[2] + 15, Math.max(30, x(next - f.t, w) - 12), css("fg")); });
  for (const o of T.overlaps) { c.fillStyle = css(o.takesFloor ? "pause" : "speaking"); c.fillRect(x(o.t, w) - 1, tops[2], 4, LANES[2][1]); }
  band(c, T.userStates, 3, w, (s) => css(s.label));
  for (const p of T.playout) { c.fillStyle = css("agent") + "22"; c.fillRect(x(p.from, w), tops[4], x(p.to - p.from, w), LANES[4][1]); }
  wave(c, agent, 4, w, css("agent"));
  for (const p of T.pauses) { c.fillStyle = css("pause") + "44"; c.fillRect(x(p.from, w), tops[4], Math.max(2, x(p.to - p.from, w)), LANES[4][1]); }
  for (const p of T.playout) if (p.cut) { c.fillStyle = css("pause"); c.fillRect(x(p.to, w) - 1, tops[4], 2, LANES[4][1]); }
  band(c, T.agentStates, 5, w, (s) => css(s.label));
  for (const s of T.agentStates) if (x(s.to - s.from, w) > 52) label(c, s.label, x(s.from, w) + 4, tops[5] + 13, x(s.to - s.from, w) - 8, css("fg"));
  band(c, T.tools, 6, w, css("tool")); for (const s of T.tools) label(c, s.label, x(s.to, w) + 4, tops[6] + 15, 160, css("fg"));
  for (const a of T.accounts) { let px = x(a.from, w); for (const s of a.spans) { c.fillStyle = getComputedStyle(document.querySelector(".p-" + s.part)).backgroundColor; const ww = Math.max(1, x(s.to - s.from, w)); c.fillRect(px, tops[7], ww, 12); px += ww; } label(c, Math.round(a.totalMs) + " ms", x(a.from, w), tops[7] + 24, 80, css("fg")); }
  c.strokeStyle = css("mark"); c.lineWidth = 1.5; c.beginPath(); c.moveTo(x(at, w), 0); c.lineTo(x(at, w), HEIGHT); c.stroke();
}
function seek(t, play) { at = Math.max(0, Math.min(total, t)); if (audio) { audio.currentTime = at / 1000; if (play) audio.play(); } clock.textContent = (at / 1000).toFixed(1) + " s"; draw(); }
canvas.addEventListener("click", (e) => seek((e.offsetX / width()) * total));
canvas.addEventListener("mousemove", (e) => { const t = (e.offsetX / width()) * total, y = e.offsetY; const lane = tops.findIndex((top, i) => y >= top && y <= top + LANES[i][1]); const list = [null, T.vad, T.overlaps.map((o) => ({ from: o.t - total / 200, to: o.t + total / 200, label: o.text, detail: (o.takesFloor ? "takes" : "leaves") + " the floor (" + o.reason + ")" })), T.userStates, T.playout, T.agentStates, T.tools, null][lane]; const hit = list && list.find((s) => t >= s.from && t <= s.to); tip.textContent = hit ? LANES[lane][0] + ": " + hit.label + (hit.detail ? " " + hit.detail : "") + " " + Math.round(hit.from) + "–" + Math.round(hit.to) + " ms" : ""; });
for (const li of document.querySelectorAll("li[data-t]")) li.addEventListener("click", () => seek(Number(li.dataset.t), true));
zoom.addEventListener("input", () => { const center = at / total; draw(); scroll.scrollLeft = center * width() - scroll.clientWidth / 2; });
if (audio) { const tick = () => { at = audio.currentTime * 1000; clock.textContent = (at / 1000).toFixed(1) + " s"; draw(); if (!audio.paused) requestAnimationFrame(tick); }; audio.addEventListener("play", tick); audio.addEventListener("seeked", tick); }
addEventListener("resize", draw); matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw); draw();
`;
