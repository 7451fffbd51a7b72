/**
 * Finds each name of LiveKit Agents among our exports, and writes `docs/moving_from_livekit.md` from that.
 *
 * A name whose place here does not exist, and for which no reason is given, is an error: so is a name that is gone.
 */
import { execFileSync } from "node:child_process";
import { pathToFileURL } from "node:url";
import { ENTRIES } from "./exports.ts";
import { LIVEKIT_NAMES, type LivekitGroup, type LivekitName } from "./livekit_names.ts";
import { bin, root } from "./places.ts";

interface Type {
  readonly kind: string;
  readonly value?: unknown;
}

interface Member {
  readonly name: string;
  readonly tsType?: Type;
}

interface Definition {
  readonly properties?: readonly Member[];
  readonly methods?: readonly Member[];
  readonly extends?: string | readonly Type[];
  readonly tsType?: Type;
}

interface Exported {
  readonly name: string;
  readonly declarations: readonly { readonly def?: Definition }[];
}

/** What each entry exports, as `deno doc` sees it. */
function exportsOf(paths: readonly string[]): ReadonlyMap<string, ReadonlyMap<string, Exported>> {
  const output = execFileSync(bin("deno"), ["doc", "--json", ...paths], {
    cwd: root,
    encoding: "utf8",
    maxBuffer: 1 << 28,
    stdio: ["ignore", "pipe", "ignore"],
  });
  const { nodes } = JSON.parse(output) as {
    readonly nodes: Readonly<Record<string, { readonly symbols: Exported[] }>>;
  };
  const found = new Map<string, ReadonlyMap<string, Exported>>();
  for (const [address, { symbols }] of Object.entries(nodes)) {
    const path = paths.find((candidate) => pathToFileURL(root + candidate).href === address);
    if (path !== undefined) found.set(path, new Map(symbols.map((symbol) => [symbol.name, symbol])));
  }
  return found;
}

/** The members of a type, written out or by its name. */
function membersOf(type: Type | undefined, symbols: ReadonlyMap<string, Exported>): readonly Member[] {
  switch (type?.kind) {
    case "typeLiteral":
      return definedMembers(type.value as Definition, symbols);
    case "typeRef":
      return membersOfSymbol((type.value as { typeName: string }).typeName, symbols);
    case "union":
    case "intersection":
      return (type.value as readonly Type[]).flatMap((part) => membersOf(part, symbols));
    default:
      return [];
  }
}

function definedMembers(definition: Definition, symbols: ReadonlyMap<string, Exported>): readonly Member[] {
  const parents = typeof definition.extends === "string"
    ? membersOfSymbol(definition.extends, symbols)
    : (definition.extends ?? []).flatMap((parent) => membersOf(parent, symbols));
  return [
    ...(definition.properties ?? []),
    ...(definition.methods ?? []),
    ...membersOf(definition.tsType, symbols),
    ...parents,
  ];
}

function membersOfSymbol(name: string, symbols: ReadonlyMap<string, Exported>): readonly Member[] {
  return (symbols.get(name)?.declarations ?? []).flatMap(({ def }) =>
    def === undefined ? [] : definedMembers(def, symbols)
  );
}

/** Whether a place such as `./testing:RunAssert.at` exists. */
function exists(place: string, entries: ReadonlyMap<string, ReadonlyMap<string, Exported>>): boolean {
  const [, entry = ".", path = ""] = /^(?:(\.\/[^:]*):)?(.*)$/.exec(place) ?? [];
  const symbols = entries.get(ENTRIES[entry] ?? "");
  const [name = "", ...members] = path.split(".");
  if (symbols === undefined || !symbols.has(name)) return false;
  let found = membersOfSymbol(name, symbols);
  for (const member of members) {
    const next = found.filter((candidate) => candidate.name === member);
    if (next.length === 0) return false;
    found = next.flatMap(({ tsType }) => membersOf(tsType, symbols));
  }
  return true;
}

type State = "present" | "renamed" | "missing";

/** How the last part of a place compares with the name there. */
function stateOf({ theirs, ours }: LivekitName, isHere: boolean): State {
  if (!isHere) return "missing";
  return ours.slice(ours.lastIndexOf(":") + 1).split(".").at(-1) === theirs.split(".").at(-1) ? "present" : "renamed";
}

/** Written for readers: the entry before the name, where it is not the main one. */
function shown(place: string): string {
  const [, entry, path] = /^(?:\.\/([^:]*):)?(.*)$/.exec(place) ?? [];
  return entry === undefined ? `\`${path}\`` : `\`${path}\` in \`./${entry}\``;
}

/** The whole page. `table` writes a table. Throws when a name is not where the list says, and has no reason not to be. */
export function movingPage(
  table: (head: readonly string[], rows: readonly (readonly string[])[]) => string,
  groups: readonly LivekitGroup[] = LIVEKIT_NAMES,
): string {
  const names = groups.flatMap((group) => group.names);
  const entryOf = (place: string): string => /^(\.\/[^:]*):/.exec(place)?.[1] ?? ".";
  const paths = [...new Set(names.map(({ ours }) => ENTRIES[entryOf(ours)] ?? ""))].filter((path) => path !== "");
  const entries = exportsOf(paths);
  const lost: string[] = [];
  const counts: Record<State, number> = { present: 0, renamed: 0, missing: 0 };
  const sections = groups.map(({ title, names }) => {
    const rows = names.map((name) => {
      const isHere = exists(name.ours, entries);
      if (!isHere && name.reason === undefined) lost.push(`${name.theirs} (${name.ours})`);
      const state = stateOf(name, isHere);
      counts[state] += 1;
      return [`\`${name.theirs}\``, isHere ? shown(name.ours) : "", state, (isHere ? name.note : name.reason) ?? ""];
    });
    return `## ${title}\n\n${table(["there", "here", "", "what to know"], rows)}`;
  });
  if (lost.length > 0) {
    throw new Error(
      `scripts/livekit_names.ts names what is not exported, and gives no reason: ${
        lost.join(", ")
      }. Export it, or say why it is missing`,
    );
  }
  return `${HEAD}

${counts.present} names are here as they are there, ${counts.renamed} under another name, and ${counts.missing} are missing, each with its reason.

${sections.join("\n\n")}
`;
}

const HEAD = `# Moving from LiveKit Agents

Change the imports; most names stay. What follows lists every public name of LiveKit Agents that a program of sessions, agents
and tools touches, and where it is here. The table is made from that list and our exports, and a test fails when it is not true.

\`\`\`ts
// before: import { voice, llm } from "@livekit/agents";
import { Agent, AgentSession, handoff, tool } from "@repartee/agents";
\`\`\`

What is different everywhere:

- **Names are flat.** \`voice.AgentSession\` is \`AgentSession\`, \`llm.tool\` is \`tool\`.
- **Milliseconds**, where a program looks. \`userAwayTimeout\` too, which is seconds there.
- **\`undefined\` is not given, \`null\` is explicitly none**, and both survive every merge. Nothing is contacted or bundled unasked:
  an absent turn detector or VAD means none.
- **Models are plain objects** that give and take web streams: one attempt under a signal. Retries, time-outs and metrics are
  the session's.
- **Hooks and tools get a \`ctx\`**: \`onEnter({ session })\`, \`execute(args, { ctx })\`. Nothing hangs on ambient state.
- **Errors have codes** (\`AgentError.code\`): programs match the code, people read the message.
- **Assertions of runs are outside of the core**: \`expectRun(result)\` in \`./testing\`, for any test runner.
- Where the reference waits for ever, or loses words, we do not; \`compat: "reference"\` brings its turn taking back.`;
