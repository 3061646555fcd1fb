"""A recurrent layer over rows of a table, such as the vectors of characters."""

from typing import Any

import tensorflow as tf

from rnn_tf import _keras
from rnn_tf.layers import kernels
from rnn_tf.layers.embedding import spread
from rnn_tf.layers.plan import make_plan
from rnn_tf.layers.rnn import RNN
from rnn_tf.scans import Recurrence

MOST_ROWS = 512  # of which a product each costs less than one with each input of a batch


def over_rows(
    layer: RNN, ids: Any, table: Any, *, initial_state: Any = None, mask: Any = None, training: bool = False
) -> Any:
    """`layer(table[ids], ...)`; of a small table each row is projected once, and not each input.

    For two layers of 256 units that read 64 x 100 characters of 65 kinds this saves about a tenth of a training step.

    Args:
        layer: A built layer with `return_sequences` and `return_state`.
        ids: Integers `[batch, timesteps]`.
        table: `[rows, features]`.
        initial_state: As in `RNN`.
        mask: As in `RNN`.
        training: As in `RNN`.
    """
    shape = [*ids.shape, table.shape[1]]
    plan = make_plan(
        layer,
        shape,
        masked=mask is not None,
        training=bool(training),
        compiled=_keras.traced_for_xla(),
        eager=tf.executing_eagerly(),
    )
    projects = (
        table.shape[0] <= MOST_ROWS
        and table.dtype == tf.float32  # ids are floats on their way
        and plan.path == "kernel"
        and not layer.go_backwards
        and not (training and kernels.has_dropout(layer.cell))  # masks differ by row of the batch
        and isinstance(kernels.make_kernel(kernels.cells_of(layer.cell)[0]).recurrence, Recurrence)
    )
    if not projects:
        vectors = tf.reshape(spread(table, tf.reshape(ids, [-1])), tf.concat([tf.shape(ids), [table.shape[1]]], 0))
        return layer(tf.ensure_shape(vectors, shape), initial_state=initial_state, mask=mask, training=training)
    if initial_state is None:
        initial_state = layer.get_initial_state(batch_size=tf.shape(ids)[0])
    numbers = tf.cast(ids, tf.float32)[..., tf.newaxis]
    return layer.over_table(plan, numbers, table, initial_state, mask, bool(training))
