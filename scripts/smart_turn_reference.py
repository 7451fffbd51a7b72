"""Makes tests/fixtures/smart_turn_reference.json: what native onnxruntime says about tests/fixtures/speech_16k.wav.

    pip install onnxruntime numpy
    python scripts/smart_turn_reference.py

The features are written a second time here, by matrices and from the definition, so that the tests compare two programs.
"""
import hashlib
import json
import pathlib
import wave

import numpy
import onnxruntime

ROOT = pathlib.Path(__file__).resolve().parent.parent
FIXTURES = ROOT / "tests" / "fixtures"
WEIGHTS = ROOT / "models" / "smart_turn_v3" / "smart_turn.onnx"
RATE, WINDOW, FRAME, HOP, BANDS = 16_000, 128_000, 400, 160, 80
# Ends of what the model is given, in ms: inside a sentence, between two, after both, and less than a frame.
ENDS = [10, 500, 1_000, 1_500, 2_500, 3_200, 4_000, 5_500, 7_150]
# Places of the features that are compared, as [band, column].
PLACES = [[0, 799], [0, 0], [1, 1], [5, 640], [20, 700], [40, 700], [40, 798], [60, 760], [79, 400], [79, 799]]


def slaney(hertz):
    return hertz * 3 / 200 if hertz < 1_000 else 15 + 27 * numpy.log(hertz / 1_000) / numpy.log(6.4)


def bank():
    """Triangles of equal area, evenly spread over Slaney's scale."""
    grid = numpy.linspace(0, 8_000, 200_001)
    edges = numpy.interp(numpy.linspace(0, slaney(8_000), BANDS + 2), [slaney(f) for f in grid], grid)
    bins = numpy.arange(FRAME // 2 + 1) * RATE / FRAME
    rows = []
    for low, peak, high in zip(edges, edges[1:], edges[2:]):
        rows.append(numpy.interp(bins, [low, peak, high], [0, 2 / (high - low), 0]))
    return numpy.array(rows)


def features(samples):
    heard = numpy.zeros(WINDOW)
    last = samples[-WINDOW:]
    heard[WINDOW - len(last):] = last / 32_768
    heard = (heard - heard.mean()) / numpy.sqrt(heard.var() + 1e-7)
    heard = numpy.concatenate([heard[200:0:-1], heard, heard[-2:-202:-1]])
    window = numpy.sin(numpy.pi * numpy.arange(FRAME) / FRAME) ** 2
    frames = numpy.array([heard[at * HOP:at * HOP + FRAME] for at in range(WINDOW // HOP)]) * window
    turns = numpy.exp(-2j * numpy.pi * numpy.outer(numpy.arange(FRAME), numpy.arange(FRAME // 2 + 1)) / FRAME)
    levels = numpy.log10(numpy.maximum(1e-10, bank() @ (numpy.abs(frames @ turns) ** 2).T))
    return ((numpy.maximum(levels, levels.max() - 8) + 4) / 4).astype(numpy.float32)


def main():
    wav = FIXTURES / "speech_16k.wav"
    with wave.open(str(wav)) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (RATE, 1, 2)
        samples = numpy.frombuffer(file.readframes(file.getnframes()), numpy.int16).astype(numpy.float64)
    session = onnxruntime.InferenceSession(str(WEIGHTS), providers=["CPUExecutionProvider"])
    found = []
    for end in ENDS:
        made = features(samples[:end * RATE // 1_000])
        probability = float(session.run(None, {"input_features": made[None]})[0][0][0])
        at = [round(float(made[band, column]), 5) for band, column in PLACES]
        found.append({"endMs": end, "probability": round(probability, 4), "features": at})
    lines = json.dumps({
        "audioSha256": hashlib.sha256(wav.read_bytes()).hexdigest(),
        "weightsSha256": hashlib.sha256(WEIGHTS.read_bytes()).hexdigest(),
        "onnxruntime": onnxruntime.__version__,
        "places": PLACES,
        "found": found,
    })
    (FIXTURES / "smart_turn_reference.json").write_text(lines + "\n")


main()
