"""One step of a recurrence, one equation a file."""

import rnn_tf._environment
from rnn_tf.cells.elman import ElmanCell
from rnn_tf.cells.lru import LRUCell
from rnn_tf.cells.min_gru import MinGRUCell
from rnn_tf.cells.min_lstm import MinLSTMCell

__all__ = ["ElmanCell", "LRUCell", "MinGRUCell", "MinLSTMCell"]


def __dir__() -> list[str]:
    return __all__
