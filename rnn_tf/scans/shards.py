"""A batch in parts that run side by side."""

from collections.abc import Callable
from typing import Any

import tensorflow as tf


def in_shards(function: Callable[..., Any], shards: int, *arguments: Any) -> Any:
    """`function(*arguments)`, its tensors `[batch, ...]` split into shards, and its results put together again.

    Nothing makes one shard wait for another, so that TensorFlow runs them on as many cores. Arguments and results may
    be nested, and hold None.

    Example:
    >>> import tensorflow as tf
    >>> from rnn_tf.scans import in_shards
    >>> in_shards(lambda x: (x + 1, tf.shape(x)), 2, tf.range(5))  # rows, and how many each shard had
    (<tf.Tensor: shape=(5,), dtype=int32, numpy=array([1, 2, 3, 4, 5], dtype=int32)>,
     <tf.Tensor: shape=(2,), dtype=int32, numpy=array([2, 3], dtype=int32)>)
    """
    if shards == 1:
        return function(*arguments)
    flat = tf.nest.flatten(arguments)
    batch = flat[0].shape[0]
    rows = tf.shape(flat[0])[0] if batch is None else batch
    sizes = [(rows + i) // shards for i in range(shards)]
    if not tf.executing_eagerly():
        # Where one shard has a row more than another, none knows how many: all are one function, traced once.
        known = sizes[0] if batch is not None and batch % shards == 0 else None
        specs = [None if one is None else tf.TensorSpec([known, *one.shape[1:]], one.dtype) for one in flat]
        function = _traced_once(function, specs, arguments)
    parts = [[None] * shards if tensor is None else _split(tensor, sizes) for tensor in flat]
    results = [function(*tf.nest.pack_sequence_as(arguments, part)) for part in zip(*parts, strict=True)]
    return tf.nest.map_structure(lambda *part: None if part[0] is None else tf.concat(part, 0), *results)


def _traced_once(function: Callable[..., Any], specs: list[Any], arguments: Any) -> Callable[..., Any]:
    @tf.function(autograph=False, input_signature=[spec for spec in specs if spec is not None])
    def traced(*tensors: Any) -> Any:
        rest = iter(tensors)
        given = [None if spec is None else next(rest) for spec in specs]
        return function(*tf.nest.pack_sequence_as(arguments, given))

    return lambda *part: traced(*(tensor for tensor in tf.nest.flatten(part) if tensor is not None))


def _split(tensor: Any, sizes: list[Any]) -> list[Any]:
    parts: list[Any] = tf.split(tensor, sizes)
    for part, size in zip(parts, sizes, strict=True):
        part.set_shape([size if isinstance(size, int) else None, *tensor.shape[1:]])
    return parts
