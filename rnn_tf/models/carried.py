"""The states that the streams of a text carry from one piece to the next."""

from collections.abc import Sequence
from typing import Any

import tensorflow as tf


class Carried:
    """A row of each state for each stream, for training and for validation apart: one does not disturb the other.

    They are no weights: a `.keras` file has none of them. A checkpoint of a training has.

    Args:
        specs: The states, as `Encoder.state_specs` names them.
    """

    def __init__(self, specs: Sequence[tf.TensorSpec]) -> None:
        with tf.init_scope():
            self._states = [
                [
                    tf.Variable(tf.zeros([0, spec.shape[1]]), trainable=False, shape=spec.shape, name=spec.name)
                    for spec in specs
                ]
                for _ in range(2)
            ]

    @property
    def variables(self) -> list[tf.Variable]:
        """Those of training, `[streams, size]`."""
        return self._states[True]

    def begin(self, streams: int, training: bool) -> None:
        """Zeros for this many streams; in validation for those of before, too: a callback may read another text."""
        for state in self._states[training]:
            rows = streams if training else max(streams, int(tf.shape(state)[0]))
            state.assign(tf.zeros([rows, state.shape[1]]))

    def read(self, stream: Any, fresh: Any, training: bool) -> list[Any]:
        """The states `[batch, size]` of the numbered streams; zeros where one begins."""
        return [tf.where(fresh[:, None], 0.0, tf.gather(state, stream)) for state in self._states[training]]

    def write(self, stream: Any, states: Sequence[Any], training: bool) -> None:
        """Keep the states after a piece."""
        for state, after in zip(self._states[training], states, strict=True):
            state.scatter_update(tf.IndexedSlices(tf.stop_gradient(after), stream))
