"""Makes tests/fixtures/silero_reference.json: what native onnxruntime says about tests/fixtures/speech_16k.wav.

    pip install onnxruntime numpy
    python scripts/silero_reference.py

The decision is written a second time here, window by window from the rules, so that the tests compare two programs.
"""
import hashlib
import json
import pathlib
import wave

import numpy
import onnxruntime

ROOT = pathlib.Path(__file__).resolve().parent.parent
FIXTURES = ROOT / "tests" / "fixtures"
WEIGHTS = ROOT / "node_modules" / "@ricky0123" / "vad-web" / "dist" / "silero_vad_v5.onnx"
WINDOW_MS = 32
CONTEXT = {16_000: 64, 8_000: 32}
ACTIVATION, DEACTIVATION, MIN_SPEECH, MIN_SILENCE = 0.5, 0.35, 50, 550


def probabilities(samples, rate):
    """The network's raw value for each whole window."""
    session = onnxruntime.InferenceSession(str(WEIGHTS), providers=["CPUExecutionProvider"])
    size, context = rate * WINDOW_MS // 1000, CONTEXT[rate]
    heard = numpy.zeros(context, numpy.float32)
    state = numpy.zeros((2, 1, 128), numpy.float32)
    found = []
    for at in range(0, len(samples) - size + 1, size):
        window = samples[at:at + size].astype(numpy.float32) / numpy.float32(32767)
        fed = numpy.concatenate([heard, window])
        output, state = session.run(None, {"input": fed[None], "state": state, "sr": numpy.array(rate, numpy.int64)})
        heard = fed[-context:]
        found.append(float(output[0, 0]))
    return found


def boundaries(raw):
    """Where speech starts and ends, as [type, end of the window in ms]."""
    found, smoothed, speaking, speech, silence = [], None, False, 0, 0
    for index, value in enumerate(raw):
        smoothed = value if smoothed is None else 0.35 * smoothed + 0.65 * value
        now = (index + 1) * WINDOW_MS
        if smoothed >= ACTIVATION or (speaking and smoothed > DEACTIVATION):
            speech, silence = speech + WINDOW_MS, 0
            if not speaking and speech >= MIN_SPEECH:
                speaking = True
                found.append(["start_of_speech", now])
        else:
            speech, silence = 0, silence + WINDOW_MS
            if speaking and silence >= MIN_SILENCE:
                speaking = False
                found.append(["end_of_speech", now])
    return found


def main():
    wav = FIXTURES / "speech_16k.wav"
    with wave.open(str(wav)) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (16_000, 1, 2)
        samples = numpy.frombuffer(file.readframes(file.getnframes()), numpy.int16)
    raw = probabilities(samples, 16_000)
    lines = json.dumps({
        "audioSha256": hashlib.sha256(wav.read_bytes()).hexdigest(),
        "weightsSha256": hashlib.sha256(WEIGHTS.read_bytes()).hexdigest(),
        "onnxruntime": onnxruntime.__version__,
        "boundaries": boundaries(raw),
        "probabilities": [round(value, 6) for value in raw],
        # Every second sample: no filter, but a voice is a voice, and the network for this rate is what is compared.
        "probabilitiesAt8k": [round(value, 6) for value in probabilities(samples[::2], 8_000)],
    })
    (FIXTURES / "silero_reference.json").write_text(lines + "\n")


main()
