/** The peer's model that costs nothing, by its own public classes. */
import { initializeLogger, llm, voice } from "@livekit/agents";

initializeLogger({ pretty: false, level: "silent" });

const WORDS = Array.from({ length: 20 }, (_, index) => `word${index} `);

/** Twenty chunks, at once; tells when it is asked. */
export class InstantLLM extends llm.LLM {
  constructor(onChat = () => {}) {
    super();
    this.onChat = onChat;
  }
  label() {
    return "bench.InstantLLM";
  }
  chat(options) {
    this.onChat();
    return new InstantLLMStream(this, options);
  }
}

class InstantLLMStream extends llm.LLMStream {
  async run() {
    for (const content of WORDS) this.queue.put({ id: "i", delta: { role: "assistant", content } });
  }
}

/** A text session, started: no room, no voice activity detector, nothing recorded. */
export async function openText() {
  const session = new voice.AgentSession({ llm: new InstantLLM(), vad: null });
  await session.start({ agent: new voice.Agent({ instructions: "Answer." }), record: false });
  return session;
}

/** A text turn, until everything it caused is over. */
export async function turn(session, userInput) {
  await session.run({ userInput }).wait();
}
