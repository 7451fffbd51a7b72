/**
 * What agents are tested with: assertions of runs, judges, mocks of tools, simulated users, a runtime on which time moves only
 * when nothing can run, models that follow a script, a player of conformance scenarios, and the replay of traces.
 *
 * @module
 */
export {
  type VirtualClock,
  virtualClock,
  type VirtualClockOptions,
  type VirtualRuntime,
  virtualRuntime,
  type VirtualRuntimeOptions,
} from "../../adapters/runtime/virtual.ts";
export { type SeededRandom, seededRandom } from "../base/random.ts";
export {
  type ScriptedError,
  type ScriptedLLM,
  scriptedLLM,
  type ScriptedLLMOptions,
  type ScriptedReply,
  type ScriptedRequest,
  type ScriptedToolCall,
  type ScriptedWhen,
} from "./scripted_llm.ts";
export {
  type ScriptedTTS,
  scriptedTTS,
  type ScriptedTTSError,
  type ScriptedTTSOptions,
  type ScriptedTTSRequest,
  type TTSScript,
} from "./scripted_tts.ts";
export {
  type ScriptedEar,
  type ScriptedEars,
  type ScriptedSTT,
  scriptedSTT,
  type ScriptedSTTOptions,
  type ScriptedVAD,
  scriptedVAD,
  type ScriptedVADOptions,
} from "./scripted_ears.ts";
export {
  type ScriptedPrediction,
  type ScriptedTurnDetector,
  scriptedTurnDetector,
  type ScriptedTurnDetectorOptions,
} from "./scripted_turn_detector.ts";
export {
  type ScriptedInterruptionDetector,
  scriptedInterruptionDetector,
  type ScriptedInterruptionDetectorOptions,
  type ScriptedOverlap,
} from "./scripted_interruption_detector.ts";
export { type AssertOf, expectRun, type ExpectRunOptions, RunAssert, type RunLike, RunRange } from "./expect_run.ts";
export {
  AgentHandoffAssert,
  EventAssert,
  FunctionCallAssert,
  FunctionCallOutputAssert,
  MessageAssert,
  type RunEventOf,
} from "./event_assert.ts";
export type {
  AgentHandoffCriteria,
  CriteriaOf,
  FunctionCallCriteria,
  FunctionCallOutputCriteria,
  MessageCriteria,
} from "./run_criteria.ts";
export { RunAssertionError } from "./run_failure.ts";
export {
  type EvaluateOptions,
  EvaluationResult,
  type Evaluator,
  Judge,
  JudgeGroup,
  type JudgeGroupOptions,
  JudgmentResult,
  type JudgmentVerdict,
} from "./judgment.ts";
export {
  accuracyJudge,
  coherenceJudge,
  concisenessJudge,
  criterionJudge,
  type CriterionOptions,
  describeConversation,
  handoffJudge,
  relevancyJudge,
  safetyJudge,
  taskCompletionJudge,
  toolUseJudge,
} from "./judges.ts";
export { type TaggedEvaluation, Tagger } from "./tagger.ts";
export { type PhoneLine, phoneLine, type PhoneLineOptions } from "./phone_line.ts";
export { simulate, type SimulatedConversation, type SimulateOptions } from "./simulate.ts";
export {
  type HangUp,
  type Heard,
  modelUser,
  type ModelUserOptions,
  scriptedUser,
  type ScriptLine,
  type SimulatedUser,
  type Utterance,
} from "./simulated_user.ts";
export { type MockedCall, type MockedTools, type MockTool, mockTools } from "./mock_tools.ts";
export { heldLLM } from "./held_llm.ts";
export type { AskOptions } from "./ask_function.ts";
export type { JudgeOptions } from "./check_intent.ts";
export { type FrameListener, type PacedSink, pacedSink, type PacedSinkOptions } from "../io/paced_sink.ts";
export {
  type Expectation,
  type Observed,
  parseScenario,
  type Played,
  type Scenario,
  type ScenarioAgent,
  type Step,
  UnplayableError,
} from "./conformance/scenario.ts";
export { playScenario } from "./conformance/player.ts";
export type { DetectorScript, LLMEntry, TTSScript as ScenarioTTSScript, When } from "./conformance/models.ts";
export { firstDifference, type Verdict, verdictFor } from "./conformance/compare.ts";
export type { TraceHeader, TraceNote, TraceRecord, TraceStep } from "../trace/record.ts";
export { parseTrace, replay, type ReplayResult, type TraceDifference } from "../trace/replay.ts";
