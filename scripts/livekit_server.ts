/**
 * A LiveKit server for tests: the version that `tools/livekit_server/go.mod` pins, with its checksums, built by Go once into
 * a cache that a clean checkout does not delete, and run on loopback alone.
 *
 *     node scripts/livekit_server.ts      builds it where it is missing, and says where it is
 *
 *     const reason = missingLiveKitServer();   // undefined: it is there. Where CI=true, what is missing fails instead.
 *     await using server = await openLiveKitServer();
 *     await room.connect(server.url, await server.token({ identity: "caller", room: "r1" }));
 */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { createSocket } from "node:dgram";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { homedir } from "node:os";
import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import { AccessToken, RoomServiceClient } from "livekit-server-sdk";
import { mustHaveAll, root } from "./places.ts";

const MODULE = `${root}tools/livekit_server`;
const VERSION = /livekit\/livekit-server (v[\d.]+)/.exec(readFileSync(`${MODULE}/go.mod`, "utf8"))?.[1] ?? "";
const CACHE = `${process.env["XDG_CACHE_HOME"] ?? `${homedir()}/.cache`}/repartee/livekit-server/${VERSION}`;
const BINARY = `${CACHE}/livekit-server`;

const KEY = "devkey";
const SECRET = "secret-for-tests-only-0123456789abcdef";

/** After the first OK: a stop before that is lost, and the server drains for ever. Measured: 100 ms. */
const SETTLE_MS = 150;
const READY_LIMIT_MS = 10_000;

/** Go, where the path has it or its installer puts it. */
const findGo = (): string | undefined =>
  ["go", "/usr/local/go/bin/go"].find((command) => spawnSync(command, ["version"]).status === 0);

function build(): string | undefined {
  const go = findGo();
  if (go === undefined) return "no Go here: install Go 1.26 or newer";
  console.error(`Building LiveKit's server ${VERSION} into the cache, once: some minutes.`);
  mkdirSync(CACHE, { recursive: true });
  const made = `${BINARY}.${process.pid}`; // renamed when whole: two builds at once do not harm each other
  // Always the same flags: others would miss Go's cache of what is compiled.
  const args = ["build", "-mod=readonly", "-ldflags=-s -w", "-o", made];
  const { status, stderr } = spawnSync(go, [...args, "github.com/livekit/livekit-server/cmd/server"], {
    cwd: MODULE,
    encoding: "utf8",
    stdio: ["ignore", "ignore", "pipe"],
  });
  if (status === 0) renameSync(made, BINARY);
  else rmSync(made, { force: true });
  return status === 0
    ? undefined
    : `LiveKit's server could not be built: ${stderr.trim().split("\n").slice(-3).join(" ")}`;
}

/**
 * Says in a line why there is no LiveKit server, or nothing where there is one; builds it if it can.
 *
 * @throws {Error} Where everything is promised to be there (`CI=true`), in place of the line.
 */
export function missingLiveKitServer(): string | undefined {
  const reason = existsSync(BINARY) ? undefined : build();
  if (reason !== undefined && mustHaveAll) throw new Error(reason);
  return reason;
}

/** Who a token is for. */
export interface TokenOptions {
  readonly identity: string;
  readonly room: string;
  /** Default: a standard participant. */
  readonly kind?: "standard" | "agent" | "sip";
  readonly attributes?: Readonly<Record<string, string>>;
}

/** A running server. Disposing of it ends it. */
export interface LiveKitServer extends AsyncDisposable {
  /** Where clients connect to. */
  readonly url: string;
  readonly key: string;
  readonly secret: string;
  /** What manages rooms. */
  readonly rooms: RoomServiceClient;
  token(options: TokenOptions): Promise<string>;
  /** Ends it now, whoever is connected. */
  stop(): Promise<void>;
}

/** Starts a server on free ports of loopback. */
export async function openLiveKitServer(): Promise<LiveKitServer> {
  const port = await freeTcpPort();
  const config = JSON.stringify({ // JSON is YAML
    port,
    bind_addresses: ["127.0.0.1"],
    keys: { [KEY]: SECRET },
    log_level: process.env["LIVEKIT_LOG_LEVEL"] ?? "error",
    rtc: {
      node_ip: "127.0.0.1",
      udp_port: await freeUdpPort(),
      tcp_port: 0, // it could only listen on every address
      use_external_ip: false,
      enable_loopback_candidate: true,
      use_ice_lite: true,
      interfaces: { includes: ["lo"] },
      stun_servers: ["127.0.0.1:9"], // else every client is told public ones
    },
  });
  const child = spawn(BINARY, [], {
    env: { PATH: process.env["PATH"], HOME: process.env["HOME"], LIVEKIT_CONFIG: config } as NodeJS.ProcessEnv,
    stdio: ["ignore", "ignore", process.env["LIVEKIT_LOG_LEVEL"] === undefined ? "ignore" : "inherit"],
  });
  const kill = (): void => void signal(child, "SIGKILL");
  process.once("exit", kill); // a test that dies leaves no server behind
  const httpUrl = `http://127.0.0.1:${port}`;
  let stopping: Promise<void> | undefined;
  const stop = (): Promise<void> => stopping ??= end(child).finally(() => process.off("exit", kill));
  try {
    await ready(httpUrl, child);
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    url: `ws://127.0.0.1:${port}`,
    key: KEY,
    secret: SECRET,
    rooms: new RoomServiceClient(httpUrl, KEY, SECRET),
    async token({ identity, room, kind, attributes }) {
      const token = new AccessToken(KEY, SECRET, { identity, ttl: "10m", ...(attributes && { attributes }) });
      if (kind !== undefined) token.kind = kind;
      token.addGrant({
        roomJoin: true,
        room,
        canPublish: true,
        canSubscribe: true,
        canPublishData: true,
        canUpdateOwnMetadata: true,
      });
      return await token.toJwt();
    },
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

async function ready(url: string, child: ChildProcess): Promise<void> {
  const until = performance.now() + READY_LIMIT_MS;
  for (;;) {
    if (child.exitCode !== null) throw new Error(`LiveKit's server ended with ${child.exitCode}`);
    const isReady = await fetch(url).then(async (answer) => answer.ok && (await answer.text()) === "OK", () => false);
    if (isReady) return await sleep(SETTLE_MS);
    if (performance.now() > until) throw new Error("LiveKit's server is not ready in time");
    await sleep(20);
  }
}

/** A first signal lets it drain, a second one ends it; two in one instant would be one. */
async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  const within = (ms: number): Promise<boolean> =>
    Promise.race([ended.then(() => true), sleep(ms, false, { ref: false })]);
  for (const [name, ms] of [["SIGTERM", 50], ["SIGTERM", 3_000], ["SIGKILL", 3_000]] as const) {
    signal(child, name);
    if (await within(ms)) return;
  }
}

/** By its number: on Deno the second signal through the child is lost. */
function signal(child: ChildProcess, name: NodeJS.Signals): void {
  if (child.pid === undefined || child.exitCode !== null) return;
  try {
    process.kill(child.pid, name);
  } catch {
    // It has ended meanwhile.
  }
}

function freeTcpPort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address() as { readonly port: number };
      server.close(() => resolve(port));
    });
  });
}

function freeUdpPort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const socket = createSocket("udp4");
    socket.on("error", reject);
    socket.bind(0, "127.0.0.1", () => {
      const { port } = socket.address();
      socket.close(() => resolve(port));
    });
  });
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const reason = missingLiveKitServer();
  console.log(reason ?? BINARY);
  process.exit(reason === undefined ? 0 : 1);
}
