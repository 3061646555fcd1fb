"""A whole sequence at once: pure functions on tensors, with hand-written gradients."""

import rnn_tf._environment
from rnn_tf.scans.chunked import chunked
from rnn_tf.scans.elman import Elman
from rnn_tf.scans.gated import GRU, LSTM, GRUResetBefore
from rnn_tf.scans.kernel import Kernel
from rnn_tf.scans.linear import linear_scan
from rnn_tf.scans.linear_recurrence import Linear
from rnn_tf.scans.projection import Projection
from rnn_tf.scans.recurrence import Recurrence, scan
from rnn_tf.scans.remat import rematerialized
from rnn_tf.scans.shards import in_shards
from rnn_tf.scans.sums import add_bias

__all__ = [
    "GRU",
    "LSTM",
    "Elman",
    "GRUResetBefore",
    "Kernel",
    "Linear",
    "Projection",
    "Recurrence",
    "add_bias",
    "chunked",
    "in_shards",
    "linear_scan",
    "rematerialized",
    "scan",
]


def __dir__() -> list[str]:
    return __all__
