"""Variables of the environment under which Keras cannot run as it must. Needs neither Keras nor TensorFlow."""

import os
import sys


def check_variables() -> None:
    """Raise ImportError if they choose another backend, or the legacy Keras."""
    if os.environ.get("KERAS_BACKEND", "tensorflow") != "tensorflow":
        raise ImportError(
            "rnn_tf runs on Keras's TensorFlow backend only. Received: KERAS_BACKEND="
            f"{os.environ['KERAS_BACKEND']} in the environment. Unset it, or set KERAS_BACKEND=tensorflow, "
            "before Python starts."
        )
    legacy = os.environ.get("TF_USE_LEGACY_KERAS", "0").lower() in ("1", "true")
    if legacy and "keras" not in sys.modules:  # Ray sets it in its workers after it has imported Keras 3
        raise ImportError(
            "rnn_tf needs Keras 3. Received: TF_USE_LEGACY_KERAS="
            f"{os.environ['TF_USE_LEGACY_KERAS']} in the environment, which makes tf.keras the legacy Keras 2. "
            "Unset it before Python starts."
        )
