"""The compiled training loop. It knows keras.Model, not the models of this package."""

import rnn_tf._environment
from rnn_tf.training.diagnostics import gradient_reach
from rnn_tf.training.trainer import Trainer

__all__ = ["Trainer", "gradient_reach"]


def __dir__() -> list[str]:
    return __all__
