"""Run as a script: answers from a SavedModel as a server would, with neither Keras nor rnn_tf to lean on.

    python _fresh.py SAVED_MODEL FEEDS.npz ANSWERS.npz

An array named `i/name` is input `name` of feed i, and output `name` of answer i.
"""

import sys

if __name__ == "__main__":
    for name in ("keras", "rnn_tf"):
        sys.modules[name] = None  # type: ignore[assignment] # importing it now fails

    import numpy as np
    import tensorflow as tf

    saved_model, feeds_path, answers_path = sys.argv[1:]
    signature = tf.saved_model.load(saved_model).signatures["serving_default"]
    feeds: dict[str, dict[str, tf.Tensor]] = {}
    with np.load(feeds_path) as arrays:
        for key, array in arrays.items():
            number, name = key.split("/", 1)
            feeds.setdefault(number, {})[name] = tf.constant(array)
    answers = {
        # NumPy's files hold bytes of one length, and no objects, which strings of TensorFlow are
        f"{number}/{name}": output.numpy().astype("S") if output.dtype == tf.string else output.numpy()
        for number, inputs in feeds.items()
        for name, output in signature(**inputs).items()
    }
    np.savez(answers_path, **answers)
