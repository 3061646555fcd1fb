"""Windows of a series a batch at a time, for series whose windows would not fit into memory."""

import itertools
from typing import Any

import numpy as np

from rnn_tf._checks import positive_integer, seed_of
from rnn_tf.data.series import checked_windows


def window_batches(
    values: np.ndarray,
    window: int,
    horizon: int = 1,
    *,
    stride: int = 1,
    batch_size: int = 32,
    shuffle: bool = True,
    seed: int | None = None,
) -> Any:
    """The pairs of `windows` as a `tf.data.Dataset` of batches: `model.fit(dataset)`, `Trainer(model).fit(dataset)`.

    Memory holds the series once; a batch is gathered from it when it is asked for. Every iteration is the next pass,
    in the order in which `Trainer.fit(*windows(...), batch_size=..., seed=...)` takes the rows.

    Args:
        values: Array `[time, columns]`, the column to forecast first.
        window: Positive integer, steps to look back.
        horizon: Positive integer, steps to look ahead.
        stride: Positive integer, steps from one window to the next.
        batch_size: Positive integer, windows in a batch; the last of a pass may hold fewer.
        shuffle: Whether every pass has an order of its own. Else windows come in the order of time.
        seed: Integer that is not negative. None takes one from NumPy's global state, which
            `keras.utils.set_random_seed` sets.

    Returns:
        A finite `tf.data.Dataset` of known cardinality that gives `(x, y)`, float32 `[batch, window, columns]` and
        `[batch, horizon]`.

    Raises:
        ValueError: As `windows`; and if `seed` is negative.

    Example:
    >>> import numpy as np
    >>> from rnn_tf.data import window_batches
    >>> dataset = window_batches(np.arange(100.0)[:, None], window=10, batch_size=32, seed=0)
    >>> len(dataset), [list(part.shape) for part in next(iter(dataset))]
    (3, [[32, 10, 1], [32, 1]])
    """
    import tensorflow as tf  # a user's data are read without it

    values, rows = checked_windows(values, window, horizon, stride)
    batch_size, seed = positive_integer("batch_size", batch_size), seed_of(seed)
    series, passes = tf.constant(values, tf.float32), itertools.count()

    def order(_: Any) -> Any:
        def draw() -> np.ndarray:
            return np.random.default_rng([seed, next(passes)]).permutation(rows)

        return tf.ensure_shape(tf.numpy_function(draw, [], tf.int64), rows.shape)

    def batches(rows: Any) -> Any:
        return tf.data.Dataset.from_tensor_slices(rows).batch(batch_size)

    def gather(rows: Any) -> Any:
        x = tf.gather(series, rows[:, tf.newaxis] + tf.range(-window, 0, dtype=rows.dtype))  # [batch, window, columns]
        return x, tf.gather(series[:, 0], rows[:, tf.newaxis] + tf.range(horizon, dtype=rows.dtype))

    dataset = tf.data.Dataset.from_tensors(0).map(order).flat_map(batches) if shuffle else batches(rows)
    known = tf.data.experimental.assert_cardinality(-(-len(rows) // batch_size))
    return dataset.map(gather).apply(known).prefetch(tf.data.AUTOTUNE)
