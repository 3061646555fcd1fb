"""Recurrent layers: any Keras cell over whole sequences, the fastest way that there is."""

import rnn_tf._environment
from rnn_tf.layers.acceleration import accelerate
from rnn_tf.layers.embedding import Embedding
from rnn_tf.layers.rnn import RNN

__all__ = ["RNN", "Embedding", "accelerate"]


def __dir__() -> list[str]:
    return __all__
