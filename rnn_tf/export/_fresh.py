"""Run as a script: answers from a SavedModel as a server would, with neither Keras nor rnn_tf to lean on.

    python _fresh.py SAVED_MODEL CALLS ANSWERS

Both files are pickles that `verify.py` alone writes and reads: two lists of (signature, inputs by name), to answer and
to time; and a list of outputs by name, with a list of the median and the 99th percentile of milliseconds, or with why
there is none.
"""

import sys

if __name__ == "__main__":
    for name in ("keras", "rnn_tf"):
        sys.modules[name] = None  # type: ignore[assignment] # importing it now fails

    import pickle
    import time
    import traceback
    from collections.abc import Callable
    from pathlib import Path
    from typing import Any

    import numpy as np
    import tensorflow as tf

    saved_model, calls_path, answers_path = sys.argv[1:]
    signatures = tf.saved_model.load(saved_model).signatures

    def call(signature: str, inputs: dict[str, np.ndarray]) -> Callable[[], dict[str, Any]]:
        tensors = {name: tf.constant(array) for name, array in inputs.items()}
        return lambda: {name: output.numpy() for name, output in signatures[signature](**tensors).items()}

    def percentiles(answer: Callable[[], object]) -> list[float]:
        for _ in range(10):  # the first ones trace and plan
            answer()
        times: list[float] = []
        end = time.perf_counter() + 0.8
        while len(times) < 500 and time.perf_counter() < end:
            started = time.perf_counter()
            answer()
            times.append(1000 * (time.perf_counter() - started))
        return np.percentile(times, [50, 99]).tolist()

    calls, timed = pickle.loads(Path(calls_path).read_bytes())
    answers = [call(*one)() for one in calls]
    milliseconds: list[list[float]] | str
    try:
        milliseconds = [percentiles(call(*one)) for one in timed]
    except Exception:  # whatever goes wrong in the timing is told beside the answers, which are there
        milliseconds = traceback.format_exc()
    Path(answers_path).write_bytes(pickle.dumps((answers, milliseconds)))
