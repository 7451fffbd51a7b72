/**
 * Plays a conformance scenario through a real session on a virtual clock, and records what happens.
 *
 * @module
 */
import type { Agent } from "../../session/agent.ts";
import { AgentSession } from "../../session/agent_session.ts";
import type { SpeechHandle } from "../../session/speech_handle.ts";
import type { AnyTool } from "../../tool/tool.ts";
import type { VirtualRuntime } from "../../../adapters/runtime/virtual.ts";
import { scenarioTool, type Scope, ScriptedAgent, ScriptedTask } from "./agents.ts";
import { type Observe, scenarioDetector, scenarioLLM, scenarioSTT, scenarioTTS, scenarioVAD } from "./models.ts";
import { historyItem, observeSession } from "./observe.ts";
import { sessionOptions } from "./options.ts";
import { observedCaptions, observedSink, silentMicrophone } from "./outside.ts";
import {
  type Observed,
  type Played,
  type Scenario,
  type ScenarioAgent,
  type Step,
  UnplayableError,
} from "./scenario.ts";
import { observeRun, type Place, playStep, playSteps } from "./steps.ts";

/** How long a session may take to close behind the scenario. Chosen: above every limit of a close together. */
const CLOSE_MS = 120_000;

/**
 * Plays a scenario.
 *
 * @param options `compat`: the session's mode; `runtime`: a fresh virtual one.
 * @throws {UnplayableError} for a step that the player does not know.
 */
export async function playScenario(
  scenario: Scenario,
  options: { readonly compat: "fixed" | "reference"; readonly runtime: VirtualRuntime },
): Promise<Played> {
  if (scenario.models.includes("realtime")) throw new UnplayableError("a realtime model");
  const { clock } = options.runtime;
  const events: Observed[] = [];
  const handles = new Set<SpeechHandle>();
  const observe: Observe = (ev, fields = {}) => void events.push({ t: Math.round(clock.now()), ev, ...fields });
  const place = placeOf(scenario, { ...options, observe, handles });
  const { session } = place;
  attach(scenario, place);
  let unplayable: UnplayableError | undefined;
  const run = async (step: Step): Promise<void> => {
    try {
      await playStep(place, step, undefined);
    } catch (error) {
      if (error instanceof UnplayableError) unplayable ??= error;
      observe("step_failed", { do: step.do });
    }
  };

  const agent = place.agent(scenario.start);
  place.tasks.push(
    scenario.captureRun
      ? observeRun(place, "start", session.start({ agent, captureRun: true }))
      : session.start({ agent }),
  );
  for (const step of scenario.input) clock.schedule(step.t ?? 0, () => void run(step));
  await clock.runUntil(scenario.end);
  if (unplayable !== undefined) throw unplayable;

  const history = session.history.items.map(historyItem).filter((item) => item !== undefined);
  const final = {
    agent: session.currentAgent.id,
    agentState: session.agentState,
    userState: session.userState,
  };
  const seen = events.filter(({ t }) => t <= scenario.end);
  let isClosed = false;
  void session.close().then(() => void (isClosed = true));
  await clock.runUntil(scenario.end + CLOSE_MS);
  const open = [...handles].filter((handle) => !handle.done()).length;
  return { events: seen, history, final, quiet: isClosed && open === 0 };
}

/** The session of a scenario with its scripted models, and the agents and tools that there are by name. */
function placeOf(
  scenario: Scenario,
  o: {
    readonly compat: "fixed" | "reference";
    readonly runtime: VirtualRuntime;
    readonly observe: Observe;
    readonly handles: Set<SpeechHandle>;
  },
): Place {
  const { observe, handles, compat, runtime } = o;
  const { clock } = runtime;
  const stt = scenarioSTT();
  const vad = scenarioVAD();
  const vars = new Map<string, unknown>();
  const agents = new Map<string, Agent>();
  const userData = new Map<string, unknown>();
  const detector = () => scenarioDetector(scenario.script.detector ?? { answers: {} }, clock, observe);
  const tool = (name: string): AnyTool =>
    scenarioTool(name, scenario.tools?.[name] ?? { do: [] }, (steps, scope) => playSteps(place, steps, scope));
  const has = (model: string): boolean => scenario.models.includes(model);
  const session = new AgentSession({
    ...sessionOptions(scenario, detector),
    compat,
    runtime,
    ...(has("llm") && { llm: scenarioLLM(scenario.script.llm ?? [], clock, observe) }),
    ...(has("tts") && { tts: scenarioTTS(scenario.script.tts ?? { ttfbMs: 0, msPerChar: 50 }, clock, observe) }),
    ...(has("stt") && { stt: stt.stt }),
    ...(has("vad") && { vad: vad.vad }),
    tools: ((scenario.options?.["tools"] ?? []) as string[]).map(tool),
    userData,
  });
  const place: Place = {
    session,
    clock,
    observe,
    stt: stt.told,
    vad: vad.told,
    detector,
    userData,
    vars,
    tasks: [],
    tool,
    agent(id) {
      const known = agents.get(id);
      if (known !== undefined) return known;
      const agent = this.newAgent(id);
      agents.set(id, agent);
      return agent;
    },
    newAgent(id) {
      const spec = scenario.agents[id] as ScenarioAgent;
      const play = (hook: string, steps: readonly Step[], scope: Scope): Promise<unknown> => {
        observe("hook", { agent: id, hook, ...(scope.message && { text: scope.message.textContent ?? "" }) });
        return playSteps(place, steps, scope);
      };
      const scripts = { tools: (spec.tools ?? []).map(tool), detector, play };
      return spec.task ? new ScriptedTask(id, spec, scripts) : new ScriptedAgent(id, spec, scripts);
    },
    watch(handle, name) {
      handles.add(handle);
      if (name === undefined) return;
      vars.set(name, handle);
      handle.addDoneCallback(() => observe("handle_done", { handle: name, interrupted: handle.interrupted }));
    },
  };
  return place;
}

/** Gives the session its inputs, outputs and listeners. */
function attach(scenario: Scenario, { session, clock, observe, watch }: Place): void {
  const { mode, io, onToolsExecuted = [] } = scenario;
  observeSession(session, { clock, observe, onToolsExecuted, onSpeech: (handle) => watch(handle, undefined) });
  if (mode === "audio") {
    if (io?.audioInput !== false) session.input.audio = silentMicrophone(clock, scenario.end);
    session.output.audio = observedSink(clock, io?.canPause ?? true, observe);
  }
  if (io?.captions || io?.sync) session.output.transcription = observedCaptions(observe);
  session.output.syncTranscription = io?.sync ?? false;
}
