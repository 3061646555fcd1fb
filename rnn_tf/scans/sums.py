"""Sums over batch and time that half precision can carry: they are taken, and given, in a wider type."""

from typing import Any

import tensorflow as tf

from rnn_tf.scans.gradients import with_gradient


def add_bias(values: Any, bias: Any) -> Any:
    """y + b over the last axis; its gradient sums over all others by `total`.

    Example:
    >>> import tensorflow as tf
    >>> from rnn_tf.scans import add_bias
    >>> add_bias(tf.zeros([2, 3]), tf.constant([1.0, 2.0, 3.0])).numpy().tolist()
    [[1.0, 2.0, 3.0], [1.0, 2.0, 3.0]]
    """

    @with_gradient
    def add(values: Any, bias: Any) -> Any:
        return tf.nn.bias_add(values, bias), lambda upstream: (upstream, tf.cast(total(upstream), bias.dtype))

    return add(values, tf.convert_to_tensor(bias))  # of a variable, a custom gradient would ask for more


def total(values: Any) -> Any:
    """The sum over all axes but the last, in the widest type."""
    return tf.reduce_sum(tf.cast(values, widest(values.dtype)), list(range(len(values.shape) - 1)))


def product(rows: Any, columns: Any) -> Any:
    """Σ rowsᵀ columns over all axes but the last, `[a, b]` from `[..., a]` and `[..., b]`, in the widest type."""
    wide = [tf.cast(tf.reshape(x, [-1, x.shape[-1]]), widest(x.dtype)) for x in (rows, columns)]
    return tf.matmul(*wide, transpose_a=True)


def widest(dtype: tf.DType) -> tf.DType:
    """The type to sum in: thousands of half-precision terms would lose the last of them."""
    return tf.float32 if dtype.size < 4 else dtype
