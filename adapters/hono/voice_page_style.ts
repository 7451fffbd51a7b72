/**
 * How the page of a call looks.
 *
 * @module
 */

/** The style sheet of {@linkcode voicePage}. */
export const PAGE_STYLE = `
:root{color-scheme:light dark;--bg:#f6f5f1;--card:#fff;--fg:#1c1f23;--soft:#666d76;--line:#e3e1da;--user:#e3edf8;--user-fg:#14324f;
--accent:#0f6e5c;--accent-fg:#fff;--end:#b3261e;--warn:#8a4b00;--warn-bg:#fdf0db;--glow:#0f6e5c;
--p-transcription:#4f86c6;--p-endpointing:#98a2ad;--p-hook:#c679a8;--p-floor:#b9b04b;--p-llm:#dd9f33;--p-tools:#7b5cc4;--p-tts:#d0703a;--p-playout:#4f9f6d}
@media(prefers-color-scheme:dark){:root{--bg:#121416;--card:#1b1f22;--fg:#e8e9e6;--soft:#9aa2aa;--line:#2c3236;--user:#1d3348;--user-fg:#d7e8fa;
--accent:#4cc2a5;--accent-fg:#06231d;--end:#f2867f;--warn:#f3c583;--warn-bg:#35270f;--glow:#4cc2a5}}
*{box-sizing:border-box}[hidden]{display:none!important}
html,body{height:100%}
body{margin:0;display:grid;grid-template-columns:minmax(0,1fr);grid-template-rows:auto minmax(0,1fr) auto;height:100dvh;background:var(--bg);color:var(--fg);font:16px/1.5 system-ui,-apple-system,"Segoe UI",sans-serif}
header,main,footer{width:100%;max-width:46rem;margin:0 auto;padding:0 20px}
header{display:flex;justify-content:space-between;align-items:flex-start;gap:16px;padding-top:max(16px,env(safe-area-inset-top));padding-bottom:8px}
h1{font-size:1.15rem;line-height:1.3;margin:0;letter-spacing:-.01em}header p{margin:0;color:var(--soft);font-size:.875rem}
.line{display:flex;align-items:center;gap:8px;white-space:nowrap;padding-top:3px}.line i{width:8px;height:8px;border-radius:50%;background:var(--soft)}
.line time{font-variant-numeric:tabular-nums}.line time:not(:empty)::before{content:"·";margin-right:8px}
[data-status=connected] .line i{background:var(--accent)}[data-status=reconnecting] .line i,[data-status=connecting] .line i{background:#dd9f33;animation:blink 1s infinite}
main{display:grid;grid-template-columns:minmax(0,1fr);grid-template-rows:auto minmax(0,1fr) auto;gap:8px}
.stage{display:grid;justify-items:center;gap:0;padding:4px 0 10px;border-bottom:1px solid var(--line)}
.orb{--level:0;--size:104px;position:relative;width:var(--size);height:var(--size);display:grid;place-items:center}
.orb b{position:absolute;inset:0;border-radius:50%;background:var(--glow);transition:transform .09s linear}
.orb b:nth-child(1){opacity:.12;transform:scale(calc(.66 + var(--level)*.55))}.orb b:nth-child(2){opacity:.22;transform:scale(calc(.58 + var(--level)*.3))}
.orb b:nth-child(3){inset:22%;background:radial-gradient(circle at 32% 28%,color-mix(in srgb,var(--glow) 55%,#fff),var(--glow))}
[data-agent=thinking] .orb b:nth-child(-n+2){animation:breathe 1.1s ease-in-out infinite}[data-agent=thinking]{--glow:#cf8f22}[data-agent=listening],[data-agent=idle]{--glow:#3f7fb8}
[data-status=ended] .orb{filter:grayscale(1);opacity:.55}
[data-status=idle] main{grid-template-rows:minmax(0,1fr) auto}[data-status=idle] .stage{overflow:hidden;align-content:center;border:0;padding-bottom:8vh;text-align:center}[data-status=idle] .talk{display:none}[data-status=idle] .orb{--size:min(220px,34vh);margin-bottom:12px}
[data-status=idle] .orb b:nth-child(-n+2){animation:breathe 4s ease-in-out infinite}[data-status=idle] #state{font-size:1.35rem;letter-spacing:-.01em}
.hint{margin:6px 0 0;max-width:30rem;color:var(--soft);text-wrap:balance}body:not([data-status=idle]) .hint{display:none}[data-status=idle]{--glow:var(--accent)}[data-muted=true][data-agent=listening]{--glow:#8b929a}
#state{margin:0;font-weight:600;font-size:.95rem}
.talk{overflow-y:auto;overscroll-behavior:contain;display:flex;flex-direction:column;gap:10px;padding:12px 2px 16px;scrollbar-width:thin;outline-offset:2px}
.talk>:first-child{margin-top:auto}
.said{max-width:min(86%,34rem);padding:10px 14px;border-radius:18px;overflow-wrap:anywhere;text-wrap:pretty}
.said p{margin:0;min-height:1.5em}.said.user{align-self:flex-end;background:var(--user);color:var(--user-fg);border-bottom-right-radius:5px}
.said.agent{align-self:flex-start;background:var(--card);border:1px solid var(--line);border-bottom-left-radius:5px}
.said.live.user p{opacity:.7;font-style:italic}.said.agent.live p::after{content:"";display:inline-block;width:.5em;height:1em;margin-left:.15em;vertical-align:-.12em;border-radius:2px;background:var(--accent);animation:blink 1s steps(2) infinite}
.cut{display:inline-block;margin-left:6px;padding:0 7px;border-radius:99px;font-size:.75rem;font-weight:600;color:var(--warn);background:var(--warn-bg);white-space:nowrap}
.note{align-self:center;margin:0;font-size:.8125rem;color:var(--soft);text-align:center}.note code{font:inherit;font-weight:600}.note.bad{color:var(--end)}
details{margin-top:8px;font-size:.8125rem;color:var(--soft)}summary{cursor:pointer;list-style:none;display:flex;align-items:center;gap:10px;border-radius:6px}summary::-webkit-details-marker{display:none}
summary span:first-child{margin-right:-6px;white-space:nowrap}summary b{font-weight:600;color:var(--fg);font-variant-numeric:tabular-nums;white-space:nowrap}.spans{flex:1;min-width:90px;display:flex;gap:2px;height:8px;border-radius:4px;overflow:hidden}.spans i{min-width:2px}
summary::after{content:"";width:7px;height:7px;border-right:2px solid;border-bottom:2px solid;transform:rotate(45deg) translate(-2px,-2px);transition:transform .15s}details[open] summary::after{transform:rotate(225deg) translate(-3px,-3px)}
dl{display:grid;grid-template-columns:auto 1fr auto;gap:2px 8px;margin:8px 0 2px;align-items:center}dl i{width:10px;height:10px;border-radius:3px}dt{grid-column:2}dd{margin:0;font-variant-numeric:tabular-nums;text-align:right}
.notice{display:flex;flex-wrap:wrap;gap:10px;align-items:center;justify-content:space-between;padding:12px 16px;margin-bottom:12px;border-radius:14px;background:var(--warn-bg);color:var(--warn)}.notice p{margin:0;flex:1 1 16rem}
footer{padding-top:8px;padding-bottom:max(16px,env(safe-area-inset-bottom))}
.chips{display:flex;flex-wrap:wrap;justify-content:center;gap:8px;padding:2px 0 12px}.chip{flex:none;font-size:.8125rem;padding:6px 12px;border:1px solid var(--line);background:var(--card);color:var(--fg);border-radius:99px}
.bar{display:flex;gap:10px;align-items:center;justify-content:center}
:focus-visible{outline:2px solid var(--accent);outline-offset:2px}
button,input{font:inherit}button{border:0;cursor:pointer;border-radius:99px;color:inherit;background:none;display:inline-flex;align-items:center;justify-content:center;gap:10px;min-height:44px}.chip,.notice button{min-height:36px}
.notice button{background:var(--warn);color:var(--warn-bg);padding:0 16px;font-weight:600}
.start{background:var(--accent);color:var(--accent-fg);padding:0 28px;min-height:52px;font-weight:600}
.round{flex:none;width:52px;height:52px;background:var(--card);border:1px solid var(--line)}.round.end{background:var(--end);border-color:transparent;color:var(--bg)}
.round .off,[aria-pressed=true] .on{display:none}[aria-pressed=true] .off{display:block}#mute[aria-pressed=true]{background:var(--warn-bg);color:var(--warn);border-color:transparent}
form{flex:1;min-width:0;display:flex;align-items:center;background:var(--card);border:1px solid var(--line);border-radius:99px;padding:3px}form input{flex:1;min-width:0;border:0;background:none;color:inherit;padding:0 6px 0 16px;min-height:44px;outline:0}
form:focus-within{outline:2px solid var(--accent);outline-offset:1px}form button{width:44px;color:var(--accent)}form input:focus-visible{outline:0}form input::placeholder{color:var(--soft);opacity:1}
button:hover{filter:brightness(1.06)}button:active{transform:scale(.97)}
.name{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
@keyframes blink{50%{opacity:.25}}@keyframes breathe{50%{transform:scale(.95);opacity:.3}}
@media(max-width:600px){.chips{flex-wrap:nowrap;justify-content:flex-start;overflow-x:auto;scrollbar-width:none;margin:0 -14px;padding:2px 14px 12px;mask-image:linear-gradient(90deg,#0000,#000 14px,#000 calc(100% - 28px),#0000)}header,main,footer{padding-left:14px;padding-right:14px}.orb{--size:84px}.stage{padding:0 0 8px}.line{font-size:.8125rem;padding-top:4px}body:not([data-status=idle]) header p:not(.line){display:none}h1{font-size:1.05rem}.said{max-width:90%}}
@media(max-height:560px){.stage{grid-template-columns:auto auto;align-items:center;justify-content:center}.orb{--size:56px}.chips{display:none}}
@media(prefers-reduced-motion:reduce){*{animation:none!important;transition:none!important}}
`;
