/**
 * Real-time voice and text agent sessions on Web Streams.
 *
 * @example A conversation by text
 * ```ts
 * const session = new AgentSession({ llm });
 * await session.start({ agent: new Agent({ instructions: "Be brief." }) });
 * const result = await session.run({ userInput: "Hello!" });
 * await session.close();
 * ```
 *
 * @module
 */
export { AgentError, type ErrorCode, REMEDIES } from "./src/base/error.ts";
export type { EventGap, EventOf, ListenOptions, Typed } from "./src/base/emitter.ts";
export type { Ambient, Clock, ConnectOptions, Files, Runtime, Socket } from "./src/base/runtime.ts";
export { type AudioFrame, audioFrame, frameDurationMs } from "./src/audio/frame.ts";
export * from "./src/chat/mod.ts";
export * from "./src/tool/openai_tools.ts";
export * from "./src/tool/provider_tools.ts";
export * from "./src/tool/response_format.ts";
export { asyncToolset, providerTool, tool, type ToolDefinition, toolset } from "./src/tool/define.ts";
export { StopResponse, ToolError } from "./src/tool/error.ts";
export { type AgentLike, type Handoff, handoff } from "./src/tool/result.ts";
export type { AgentFunctions } from "./src/session/agent_functions.ts";
export { AgentTask, type AgentTaskOptions, TaskCancelledError } from "./src/session/agent_task.ts";
export type { RunContext, UpdateOptions } from "./src/tool/context.ts";
export type {
  AsyncTemplates,
  DuplicateValues,
  ReplyValues,
  Template,
  ToolHandlingOptions,
  UpdateValues,
} from "./src/tool/templates.ts";
export {
  CONFIRM_DUPLICATE_PARAM,
  type SchemaPair,
  type ToolArguments,
  type ToolParameters,
} from "./src/tool/schema.ts";
export type {
  InferOutput,
  StandardIssue,
  StandardJSONSchemaConverter,
  StandardResult,
  StandardSchemaProps,
  StandardSchemaV1,
} from "./src/tool/standard_schema.ts";
export type {
  AnyFunctionTool,
  AnyTool,
  FunctionTool,
  JSONSchema,
  ProviderTool,
  ToolChoice,
  ToolContext,
  ToolFlags,
  ToolOptions,
  Toolset,
  ToolsetContext,
} from "./src/tool/tool.ts";
export { type AudioInputPart, type ContextMark, FLUSH, type FlushMark, type TimedString } from "./src/model/marks.ts";
export type { ChatChunk, ChatRequest, ChoiceDelta, CompletionUsage, FunctionToolCall, LLM } from "./src/model/llm.ts";
export type { SpeechData, SpeechEvent, STT, STTCapabilities, STTOptions, STTStream } from "./src/model/stt.ts";
export type { SynthesizedAudio, TTS, TTSCapabilities, TTSOptions, TTSStream } from "./src/model/tts.ts";
export { ttsStreamAdapter } from "./src/model/tts_stream_adapter.ts";
export type { VAD, VADCapabilities, VADEvent, VADStream } from "./src/model/vad.ts";
export type {
  CancelMark,
  PredictMark,
  StreamingTurnDetector,
  TurnDetectionInput,
  TurnDetectionOptions,
  TurnDetectionStream,
  TurnDetector,
  TurnPrediction,
} from "./src/model/turn_detector.ts";
export type {
  AgentSpeechMark,
  InterruptionDetector,
  InterruptionDetectorOptions,
  InterruptionInput,
  InterruptionStream,
  InterruptionVerdict,
  OverlapEndedMark,
  OverlapStartedMark,
} from "./src/model/interruption_detector.ts";
export {
  overlapDetector,
  type OverlapDetectorOptions,
  type OverlapJudge,
  type OverlapJudgement,
} from "./src/model/overlap_detector.ts";
export {
  APIConnectionError,
  type APIConnectionErrorInit,
  APIError,
  type APIErrorOptions,
  APIStatusError,
  type APIStatusErrorInit,
  APITimeoutError,
  createAPIErrorFromHTTP,
  type HTTPFailure,
  isAPIError,
  type ModelErrorCode,
  RealtimeError,
  UnexpectedModelBehavior,
} from "./src/model/error.ts";
export type {
  APIConnectOptions,
  ResolvedSessionConnectOptions,
  SessionConnectOptions,
} from "./src/model/connect_options.ts";
export type {
  AttemptEnd,
  AttemptReport,
  ConnectionInfo,
  IdlePause,
  ModelErrorEvent,
  ModelHost,
} from "./src/model/host.ts";
export type * from "./src/model/metrics.ts";
export type * from "./src/model/realtime.ts";
export * from "./src/model/fallback.ts";
export { paceSentences, type PaceSentencesOptions } from "./src/model/pace_sentences.ts";
export type { SentencePacing } from "./src/model/sentence_pacing.ts";
export { type MeteredSession, meterSession } from "./src/telemetry/meter.ts";
export type * from "./src/telemetry/usage.ts";
export type { PlayoutAck, PlayoutSink, TranscriptSink } from "./src/io/playout.ts";
export type { ReplyPart } from "./src/reply/part.ts";
export {
  replace,
  type TextReplacement,
  type TextTransform,
  type TextTransformFunction,
  type TextTransformName,
} from "./src/reply/text_transforms.ts";
export type { ReplaceOptions } from "./src/reply/replace_text.ts";
export type { TextFilter } from "./src/reply/text_filter.ts";
export type { SentencesOptions } from "./streams/sentences.ts";
export type { AgentState, UserState } from "./src/turn/effect.ts";
export {
  type BackchannelAnswer,
  type BackchannelPolicy,
  type BackchannelQuestion,
  type BackchannelReason,
  judgeBackchannel,
} from "./src/turn/backchannel.ts";
export type { CloseReason } from "./src/stage/state.ts";
export {
  Agent,
  type AgentModels,
  type AgentOptions,
  type HookContext,
  type ModelSettings,
  type MutableMessage,
  type NodeResult,
  type UserTurnExceededEvent,
} from "./src/session/agent.ts";
export type { KeytermDetectionOptions, KeytermsOptions } from "./src/session/keyterms.ts";
export { AgentSession, type ResumeOptions, type SessionIO, type StartOptions } from "./src/session/agent_session.ts";
export * from "./src/session/events.ts";
export type { AgentInput, AgentOutput } from "./src/session/io.ts";
export type { AgentSessionOptions, Logger, TurnHandlingOptions } from "./src/session/options.ts";
export type { AgentRegistry } from "./src/session/resume.ts";
export type { AgentSnapshot, SessionSnapshot, SnapshotHead } from "./src/session/snapshot.ts";
export type { ContextPiece, ItemJSON } from "./src/session/snapshot_items.ts";
export {
  memoryStore,
  type SessionStore,
  storeConflict,
  type StoredSession,
  type WriteOptions,
} from "./src/session/store.ts";
export type {
  ResolvedEndpointing,
  ResolvedInterruption,
  ResolvedPreemptive,
  ResolvedSessionOptions,
  ResolvedTurnHandling,
} from "./src/session/resolved_options.ts";
export type { FlatAgentOptions, FlatSessionOptions, FlatTurnOptions } from "./src/session/flat_options.ts";
export {
  eventToJSON,
  recordSession,
  type ReportFacts,
  type ReportJob,
  type SessionRecorder,
  type SessionReport,
  sessionReport,
} from "./src/session/report.ts";
export { VERSION } from "./src/base/version.ts";
export { filler, type FillerOptions, type FillerSource } from "./src/session/filler.ts";
export type { OutputOptions, RunOptions, RunOutput } from "./src/session/run_output.ts";
export { type RunEvent, RunResult, type SettledRun } from "./src/session/run_result.ts";
export type { GenerateReplyOptions, SayOptions } from "./src/session/speech_options.ts";
export {
  type DoneCallback,
  type InputDetails,
  type SettledSpeech,
  SPEECH_PRIORITY_HIGH,
  SPEECH_PRIORITY_LOW,
  SPEECH_PRIORITY_NORMAL,
  SpeechHandle,
} from "./src/session/speech_handle.ts";
export type { TraceHeader, TraceNote, TraceRecord, TraceStep } from "./src/trace/record.ts";
