"""Run as a script: answers from a SavedModel as a server would, with neither Keras nor rnn_tf to lean on.

    python _fresh.py SAVED_MODEL CALLS ANSWERS

Both files are pickles that `verify.py` alone writes and reads: a list of (signature, inputs by name), and a list of
outputs by name.
"""

import sys

if __name__ == "__main__":
    for name in ("keras", "rnn_tf"):
        sys.modules[name] = None  # type: ignore[assignment] # importing it now fails

    import pickle
    from pathlib import Path

    import tensorflow as tf

    saved_model, calls, answers = sys.argv[1:]
    signatures = tf.saved_model.load(saved_model).signatures
    Path(answers).write_bytes(
        pickle.dumps(
            [
                {
                    name: output.numpy()
                    for name, output in signatures[signature](
                        **{name: tf.constant(array) for name, array in inputs.items()}
                    ).items()
                }
                for signature, inputs in pickle.loads(Path(calls).read_bytes())
            ]
        )
    )
