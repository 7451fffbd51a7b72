/**
 * Errors carry a `code` for programs and a sentence for people.
 *
 * @module
 */

/** What to do about each code, in a sentence. The README's table of error codes is made from this list. */
export const REMEDIES = {
  "session.not_running": "Call `start()` before it, and do not call it after `close()`.",
  "session.closing": "The session is closing or its agent has left: start a new session, or do it before `close()`.",
  "session.already_running": "Close the session first, or make another one.",
  "session.bad_option": "Read the message: it names the option, the rule and the value that was given.",
  "session.no_agent": "Pass `agent` to `start()`.",
  "session.no_llm": "Give the session or the agent an `llm`.",
  "session.no_tts": "Give the session or the agent a `tts`, or switch audio output off.",
  "session.no_user_data": "Pass `userData` to the constructor, or set it before reading it.",
  "session.start_failed": "See `cause`: a part of the session could not be started, and all was rolled back.",
  "session.close_timeout":
    "A tool or a hook did not end in time after its signal was aborted: make it listen to its signal.",
  "snapshot.not_quiet": "Await `waitForQuiet()` before it, or use `suspend()`, which waits.",
  "snapshot.bad_value": "Read the message: it names the part of the snapshot that cannot be read.",
  "snapshot.bad_user_data": "Keep only plain JSON in `userData`: the message names the part that is not.",
  "snapshot.unknown_agent": "List the agent that the message names in `agents`, under its `id`.",
  "store.conflict": "Somebody else has saved this session meanwhile: load it again, and go on from there.",
  "store.failed": "The place where sessions are kept failed: see `cause`.",
  "speech.not_interruptible": "Pass `force: true`, or let the speech be interrupted with `allowInterruptions: true`.",
  "speech.already_interrupted": "Set `allowInterruptions` before the speech is interrupted.",
  "speech.circular_wait": "A tool cannot wait for the speech that waits for it: use `ctx.waitForPlayout()`.",
  "speech.refused": "The agent is leaving and takes no new speech: say it on the next agent, or earlier.",
  "run.active": "Await the run that is under way before starting another.",
  "run.closed": "The session closed while the run was under way: see `cause`.",
  "run.no_output": "The run ended without a final output: make the task complete with one.",
  "agent.already_running": "Make a new agent object for each session; one object is in one place at a time.",
  "agent.not_running": "Use it while the agent is on stage: after `onEnter` began and before `onExit` ended.",
  "task.no_context": "Await the task inside a tool, `onEnter` or `onExit`, through its `ctx`.",
  "task.already_done": "A task completes once: look at `done` first.",
  "task.already_run": "A task runs once: make a new one.",
  "task.interrupted":
    "The speech whose tool asks for the task was cut off: look at `ctx.speechHandle.interrupted` first.",
  "task.cancelled": "The task was called off: its session closed, or its agent was replaced.",
  "tool.bad_definition": "Read the message: it names the tool and the part that is wrong.",
  "tool.unknown": "Use one of the names that the message lists.",
  "tool.bad_arguments": "The model sent arguments that do not fit the schema; it is told so and may try again.",
  "tool.bad_result": "Let the tool tell plain data: what JSON can say.",
  "tool.over": "Use the `ctx` of a tool only while its call runs, and listen to `ctx.signal`.",
  "tool.timeout": "The tool did not end in time after its signal was aborted: make it listen to its signal.",
  "chat.bad_item": "Read the message: it names the item and the field that is wrong.",
  "chat.readonly": "Copy the context with `copy()` and change the copy.",
  "model.closed": "The model was closed: make another one, or close it later.",
  "model.connection": "The provider could not be reached: check the address and the network.",
  "model.timeout": "The provider did not answer in time: raise `timeout` in `connOptions`, or use a fallback.",
  "model.status": "The provider refused: see `statusCode` and `body`.",
  "model.bad_response": "The provider's answer could not be read: see `cause`.",
  "model.realtime": "The realtime model refused or did not answer: see `providerCode`.",
  "model.unexpected": "The model does not do what it was asked, however often: change the instructions or the model.",
  "model.bad_option": "Read the message: it names the option, the rule and the value that was given.",
  "model.no_capability": "Read the message: this model lacks what was asked of it.",
  "reply.too_long": "A model's reply passed the limit of 256 KiB: ask for shorter replies.",
  "reply.failed": "See `cause`: a node or a model failed while the reply was made.",
  "audio.bad_frame": "Read the message: it names the field of the frame that is wrong.",
  "audio.bad_wav": "Give a RIFF/WAVE file with PCM samples of 8, 16, 24 or 32 bits, or 32-bit float samples.",
  "audio.empty": "Give a file that holds some sound.",
  "audio.bad_rate": "Give a sample rate between 4,000 and 192,000 Hz.",
  "stream.bad_option": "Read the message: it names the option, the rule and the value that was given.",
  "stream.overflow": "The reader is too slow for the source: read faster, or choose to drop the oldest.",
  "runtime.missing": "This place lacks what was asked: read the message for what, and give a runtime that has it.",
  "clock.bad_time": "Give a finite time in milliseconds that is not in the past.",
  "clock.stuck":
    "Time cannot reach what is waited for: see that something is armed, that host work is declared with `hold`, and that no timer arms itself for the same instant for ever.",
  "sink.closed": "The place where the agent is heard has ended: give the session another one.",
  "sink.failed": "The place where the agent is heard failed: see `cause`, and give the session another one.",
  "sink.stalled":
    "The place where the agent is heard takes nothing, or does not say what it plays: let it acknowledge every segment.",
  "room.not_connected": "Join the room before asking it, and do not ask it after it was left.",
  "room.connect_failed": "The room could not be joined: check the address and the token, and see `cause`.",
  "room.lost": "The room was left, closed, or is out of reach: join it again with a new session.",
  "room.participant_left": "The participant is not in the room: wait until it comes, and see that it stays.",
  "socket.failed": "The socket could not be opened or broke: see `cause`.",
  "http.bad_option": "Read the message: it names the option, the rule and the value that was given.",
  "http.bad_request": "Read the message: it names the part of the request that is wrong.",
  "http.too_large": "Send a smaller body, or raise `maxBodySize` of the route.",
  "http.unauthorized": "Send what `authorize` of the route wants to see.",
  "http.not_found": "There is no such conversation, or it belongs to somebody else.",
  "http.unknown_agent": "Name one of the agents that the message lists.",
  "http.timeout": "The turn took longer than `turnTimeout` of the route and was cut off.",
  "voice.bad_message": "Send what `docs/voice_wire.md` says; the message names the part that does not fit.",
  "voice.bad_version": "Load the page again: it speaks another version of the wire than the server.",
  "voice.unknown_call": "Start a new call: the one to go on with is over, or belongs to somebody else.",
  "voice.too_many_calls": "Try again later, or raise `maxCalls` of the route.",
  "voice.bad_origin": "Serve the page from the same host as the route, or name its origin in `origins`.",
  "voice.unauthorized": "Sign in first: `authorize` of the route refused the request.",
  "trace.bad_record": "The file is no trace of this library, or is cut off: the message names the line.",
  "trace.diverged": "The trace replays differently: it was made by another version, or the machine changed.",
  "scenario.bad": "Read the message: it names the field of the scenario, the rule and the value that was given.",
  "scenario.unplayable":
    "The message names what the player does not know: leave the scenario out, or update the library.",
  "weights.missing": "Install the data package that the message names, or pass `weights`.",
  "test.failed":
    "Read the message: it says what was expected, and shows the whole run with a mark at the event that is wrong.",
  "test.bad_option": "Read the message: it names the option, the rule and the value that was given.",
  "cli.bad_argument": "Run the command with `--help`.",
} as const;

/** Every code of an error that the library throws, as `area.cause`. */
export type ErrorCode = keyof typeof REMEDIES;

/**
 * The base of every error that the library throws. Programs compare `code`, people read `message`, and the original
 * failure, where there is one, is the `cause`.
 *
 * @example
 * ```ts
 * try {
 *   session.say("Hello");
 * } catch (error) {
 *   if (error instanceof AgentError && error.code === "session.not_running") await session.start({ agent });
 * }
 * ```
 */
export class AgentError extends Error {
  /** The name that logs show. */
  override readonly name: string = "AgentError";
  /** The reason, from a closed list. */
  readonly code: ErrorCode;

  /** An error with a code and a sentence that says what to do. */
  constructor(code: ErrorCode, message: string, options?: { readonly cause?: unknown }) {
    super(message, options);
    this.code = code;
  }
}
