/** The layers: who may import whom, and what the core must not name. */
import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));

/** For each folder, what its files may import values of. `mod.ts`, tests and the like may import anything. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  "src/base": [],
  "src/audio": ["src/base"],
  "src/chat": ["src/base", "src/audio"],
  "src/tool": ["src/base", "src/audio", "src/chat"],
  "src/turn": ["src/base"],
  "src/stage": ["src/base", "src/turn"],
  "src/trace": ["src/base", "src/turn", "src/stage"],
  "streams": ["src/base", "src/audio"],
  "src/telemetry": ["src/base", "src/audio", "src/chat", "src/tool", "src/trace", "streams", "src/model", "src/io"],
  "src/model": ["src/base", "src/audio", "src/chat", "src/tool", "streams", "src/io"],
  "src/io": ["src/base", "src/audio", "src/chat", "src/tool", "streams", "src/model"],
  "src/reply": [
    "src/base",
    "src/audio",
    "src/chat",
    "src/tool",
    "src/turn",
    "src/stage",
    "src/trace",
    "streams",
    "src/telemetry",
    "src/model",
    "src/io",
  ],
  "src/session": [
    "src/base",
    "src/audio",
    "src/chat",
    "src/tool",
    "src/turn",
    "src/stage",
    "src/trace",
    "streams",
    "src/telemetry",
    "src/model",
    "src/io",
    "src/reply",
  ],
  "src/testing": [
    "src/base",
    "src/audio",
    "src/chat",
    "src/tool",
    "src/turn",
    "src/stage",
    "src/trace",
    "streams",
    "src/telemetry",
    "src/model",
    "src/io",
    "src/reply",
    "src/session",
    "adapters/runtime",
  ],
};
const ADAPTER = ["src/base", "src/audio", "src/chat", "src/tool", "src/model", "src/io", "streams"];
const ADAPTER_ALSO: Readonly<Record<string, readonly string[]>> = {
  "adapters/flite": ["adapters/onnx", "adapters/worker"], // how a file is found and read, no more; a line to a worker
  "adapters/silero": ["adapters/onnx"],
  "adapters/whisper": ["adapters/onnx", "adapters/worker"],
  "adapters/smart_turn": ["adapters/onnx", "adapters/worker"],
  "adapters/hono": ["src/session", "src/trace"], // a page is shown the latency account of each turn
  "adapters/livekit": ["src/session"],
  "adapters/telephony": ["src/session"],
};
/** The one arrow outwards, so that users need not name their runtime. */
const OUTWARD = new Map([["src/session/default_runtime.ts", "adapters/runtime/detect.ts"]]);
const CORE_PACKAGES = new Set(["@opentelemetry/api", "valibot"]);

const code = (pattern: string): string[] =>
  globSync(pattern, { cwd: root }).map((path) => path.replaceAll("\\", "/")).sort();
const core = [...code("src/**/*.ts"), ...code("streams/**/*.ts")];
const adapters = code("adapters/**/*.ts");

interface Import {
  readonly file: string;
  readonly target: string;
  readonly isType: boolean;
}

function importsOf(file: string): Import[] {
  const text = readFileSync(join(root, file), "utf8");
  const found: Import[] = [];
  for (const match of text.matchAll(/^\s*(?:import|export)\s+(type\s+)?([^;]*?)\s*from\s+"([^"]+)"/gm)) {
    const names = match[2] ?? "";
    const isType = match[1] !== undefined ||
      (/^\{.*\}$/s.test(names) &&
        names.slice(1, -1).split(",").filter((n) => n.trim() !== "").every((n) => n.trim().startsWith("type ")));
    found.push({ file, target: match[3] as string, isType });
  }
  for (const match of text.matchAll(/^(?!\s*(?:\*|\/\/)).*\bimport\(\s*"([^"]+)"\s*\)/gm)) {
    found.push({
      file,
      target: match[1] as string,
      isType: /typeof import|: import|\bimport\("[^"]+"\)\./.test(match[0]),
    });
  }
  return found;
}

function folderOf(file: string): string {
  const parts = file.split("/");
  return parts[0] === "streams" ? "streams" : parts.slice(0, 2).join("/");
}

test("no file of the core imports a layer above it", () => {
  const wrong: string[] = [];
  for (const file of core) {
    const folder = folderOf(file);
    const allowed = MAY_IMPORT[folder];
    assert.ok(allowed !== undefined, `${folder} has no row in the table`);
    for (const { target, isType } of importsOf(file)) {
      if (!target.startsWith(".") || isType) continue;
      const path = relative(root, join(root, dirname(file), target)).replaceAll("\\", "/");
      if (OUTWARD.get(file) === path) continue;
      const to = folderOf(path);
      if (to !== folder && !allowed.includes(to)) wrong.push(`${file} -> ${path}`);
    }
  }
  assert.deepEqual(wrong, []);
});

test("the core imports no package but the two it may", () => {
  const wrong = core.flatMap((file) =>
    importsOf(file).filter(({ target }) => !target.startsWith(".") && !CORE_PACKAGES.has(target)).map(({ target }) =>
      `${file} -> ${target}`
    )
  );
  assert.deepEqual(wrong, []);
});

test("adapters are leaves", () => {
  const wrong: string[] = [];
  for (const file of adapters) {
    const folder = folderOf(file);
    const allowed = [...ADAPTER, ...(ADAPTER_ALSO[folder] ?? [])];
    for (const { target, isType } of importsOf(file)) {
      if (!target.startsWith(".") || isType) continue;
      const path = relative(root, join(root, dirname(file), target)).replaceAll("\\", "/");
      const to = folderOf(path);
      if (to !== folder && !allowed.includes(to)) wrong.push(`${file} -> ${path}`);
    }
  }
  assert.deepEqual(wrong, []);
});

/** Names of the outside. Words inside comments and strings do not count. */
const OUTSIDE =
  /\b(?:Date\.(?:now|parse)|new Date\b|performance\.|setTimeout|setInterval|setImmediate|Math\.random|crypto\.|process\.|Deno\.|Bun\.|console\.|AbortSignal\.timeout|Intl\.)/;

test("no file in src or streams names the clock, dice, process or console", () => {
  const wrong: string[] = [];
  for (const file of core) {
    const bare = readFileSync(join(root, file), "utf8")
      .replace(/\/\*[\s\S]*?\*\//g, (comment) => comment.replace(/[^\n]/g, " "))
      .replace(/(^|[^:])\/\/.*$/gm, "$1")
      .replace(/"(?:[^"\\\n]|\\.)*"/g, '""');
    bare.split("\n").forEach((text, index) => {
      if (OUTSIDE.test(text)) wrong.push(`${file}:${index + 1} ${text.trim()}`);
    });
  }
  assert.deepEqual(wrong, []);
});

test("nothing is imported without its extension", () => {
  const wrong = [...core, ...adapters].flatMap((file) =>
    importsOf(file).filter(({ target }) => target.startsWith(".") && !/\.(?:ts|json)$/.test(target)).map(({ target }) =>
      `${file} -> ${target}`
    )
  );
  assert.deepEqual(wrong, []);
});
