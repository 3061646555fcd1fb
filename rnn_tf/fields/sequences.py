"""Sequences of numbers as people have them, and how a model takes them: an array, or padded ones with their lengths."""

from typing import Any

import numpy as np
import tensorflow as tf

from rnn_tf._checks import check_sequences, numbers_of


def as_sequences(x: Any) -> Any:
    """An array as it is; sequences of different lengths as a dict of padded ones, `"sequences"`, and `"lengths"`.

    Args:
        x: Array `[batch, timesteps, features]`; list of arrays `[timesteps, features]`; `tf.RaggedTensor`; dict of
            padded `"sequences"` and their `"lengths"`, in which what comes after a length becomes 0; or a
            `tf.data.Dataset`, returned as it is.
    """
    if isinstance(x, dict):
        return _without_padding(x)
    if isinstance(x, tf.RaggedTensor):
        return _from_ragged(x)
    if not isinstance(x, (list, tuple)):
        return x
    if not x:
        raise ValueError("There must be at least one row. Received: an empty list of sequences.")
    rows = [numbers_of("sequences", row) for row in x]
    odd = next((row for row in rows if row.ndim != 2 or not len(row) or row.shape[1] != rows[0].shape[1]), None)
    if odd is not None:
        raise ValueError(
            "A list of sequences must hold arrays [timesteps, features], of one step at least and with the same "
            f"features. Received: one of shape {odd.shape}. For one feature add an axis, as in row[:, None]."
        )
    if len({len(row) for row in rows}) == 1:
        return np.stack(rows)
    return {"sequences": padded(rows), "lengths": np.array([len(row) for row in rows], np.int32)}


def in_memory(x: Any) -> bool:
    """Whether x is sequences themselves, rather than a dataset or something else that gives them."""
    return isinstance(x, (list, tuple, dict, tf.RaggedTensor)) or hasattr(x, "__array__")


def split_inputs(inputs: Any) -> tuple[Any, Any]:
    """The sequences that a model is called on, and their lengths, or None."""
    return (inputs["sequences"], inputs["lengths"]) if isinstance(inputs, dict) else (inputs, None)


def steps_inside(sequences: np.ndarray, lengths: np.ndarray | None) -> np.ndarray:
    """Bools `[batch, timesteps]`, whether a step belongs to its sequence."""
    if lengths is None:
        return np.ones(sequences.shape[:2], bool)
    inside: np.ndarray = np.arange(sequences.shape[1]) < lengths[:, np.newaxis]
    return inside


def shape_of(inputs: Any) -> Any:
    """Shape of an array, or of each in a dict, for batches of any size."""
    if isinstance(inputs, dict):
        return {name: shape_of(one) for name, one in inputs.items()}
    return (None, *np.shape(inputs)[1:])


def padded(rows: list[np.ndarray]) -> np.ndarray:
    """Arrays `[timesteps, ...]` as one, filled up with zeros."""
    result = np.zeros([len(rows), max(map(len, rows)), *rows[0].shape[1:]], np.result_type(*rows))
    for row, into in zip(rows, result, strict=True):
        into[: len(row)] = row
    return result


def _from_ragged(x: tf.RaggedTensor) -> Any:
    lengths = np.asarray(x.row_lengths(), np.int32)
    inner = x.values
    if isinstance(inner, tf.RaggedTensor) and x.ragged_rank == 2:  # ragged in the features by its type alone
        features = np.unique(inner.row_lengths().numpy())
        if len(features) == 1:
            inner = tf.reshape(inner.values, [-1, int(features[0])])
    if isinstance(inner, tf.RaggedTensor) or len(inner.shape) != 2:
        raise ValueError(
            "A ragged tensor of sequences must have shape [batch, (timesteps), features]. Received: shape "
            f"{x.shape}. Give a list of arrays [timesteps, features]; for one feature add an axis, as in row[:, None]."
        )
    return as_sequences(np.split(inner.numpy(), np.cumsum(lengths)[:-1]))


def _without_padding(x: dict[str, Any]) -> dict[str, Any]:
    if set(x) != {"sequences", "lengths"}:
        raise ValueError(f"A dict of sequences must hold 'sequences' and 'lengths'. Received: {sorted(x)}.")
    sequences, lengths = numbers_of("sequences", x["sequences"]), np.asarray(x["lengths"])
    check_sequences("A dict of sequences", sequences.shape)
    timesteps = sequences.shape[1]
    if lengths.shape != sequences.shape[:1] or lengths.dtype.kind not in "iu":
        raise ValueError(
            f"`lengths` must hold one integer for each of the {len(sequences)} sequences. Received: {lengths.dtype} of "
            f"shape {lengths.shape}."
        )
    row = next(iter(np.flatnonzero((lengths < 1) | (lengths > timesteps))), None)
    if row is not None:
        raise ValueError(
            f"A length must be between 1 and the number of steps, {timesteps}. Received: {lengths[row]} in row {row}. "
            "Correct it, or remove the row."
        )
    return {"sequences": np.where(steps_inside(sequences, lengths)[..., np.newaxis], sequences, 0), "lengths": lengths}


def last_values(sequences: Any, lengths: Any) -> Any:
    """The last value of each sequence's first feature, `[batch, 1]`."""
    if lengths is None:
        return sequences[:, -1, :1]
    return tf.gather(sequences[:, :, :1], tf.maximum(tf.cast(lengths, tf.int32) - 1, 0), batch_dims=1)


def one_length_each(lengths: Any, sequences: Any) -> Any:
    """The lengths `[batch]`, after operations that fail if they are not lengths of the sequences."""
    rows, timesteps = tf.unstack(tf.shape(sequences)[:2])
    with tf.control_dependencies(
        [
            tf.debugging.assert_equal(tf.shape(lengths)[0], rows, message="Each sequence must have one length."),
            tf.debugging.assert_non_negative(lengths, message="A length must not be negative."),
            tf.debugging.assert_less_equal(
                lengths, timesteps, message="A length must not be larger than the number of steps."
            ),
        ]
    ):
        return tf.identity(lengths)
