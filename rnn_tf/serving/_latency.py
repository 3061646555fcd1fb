"""Run as a script: how long a SavedModel takes to answer, with neither Keras nor rnn_tf to lean on.

    python _latency.py SAVED_MODEL FEEDS

The file is a pickle that `check.py` alone writes: a list of inputs by name. Prints for each the median and the 99th
percentile of the milliseconds that `serving_default` takes, as JSON.
"""

import sys

if __name__ == "__main__":
    for name in ("keras", "rnn_tf"):
        sys.modules[name] = None  # type: ignore[assignment] # importing it now fails

    import json
    import pickle
    import time
    from pathlib import Path

    import numpy as np
    import tensorflow as tf

    saved_model, feeds = sys.argv[1:]
    signature = tf.saved_model.load(saved_model).signatures["serving_default"]
    percentiles = []
    for feed in pickle.loads(Path(feeds).read_bytes()):
        inputs = {name: tf.constant(array) for name, array in feed.items()}
        for _ in range(10):  # the first ones trace and plan
            signature(**inputs)
        times: list[float] = []
        end = time.perf_counter() + 0.8
        while len(times) < 500 and time.perf_counter() < end:
            started = time.perf_counter()
            for output in signature(**inputs).values():
                output.numpy()
            times.append(1000 * (time.perf_counter() - started))
        percentiles.append(np.percentile(times, [50, 99]).tolist())
    print(json.dumps(percentiles))  # noqa: T201 # how a script answers its caller
