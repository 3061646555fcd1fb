"""One step of a recurrence, one equation a file."""

import rnn_tf._environment
from rnn_tf.cells.elman import ElmanCell

__all__ = ["ElmanCell"]


def __dir__() -> list[str]:
    return __all__
