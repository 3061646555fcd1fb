"""Checked by every room that imports Keras, before it does: Keras must run on TensorFlow."""

from rnn_tf._variables import check_variables

check_variables()

import keras  # noqa: E402 # the variables are checked first

if keras.config.backend() != "tensorflow":
    raise ImportError(
        "rnn_tf runs on Keras's TensorFlow backend only. Received: backend "
        f"{keras.config.backend()!r}, from Keras's configuration file (~/.keras/keras.json). Change it there, "
        "or set KERAS_BACKEND=tensorflow, before Python starts."
    )
