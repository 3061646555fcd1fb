"""The targets of a regressor: their shape, and the last value that they may be relative to."""

from typing import Any

import tensorflow as tf

from rnn_tf._checks import numbers_of
from rnn_tf.models.sequences import padded


def as_answers(y: Any, horizon: int, at_every_step: bool, timesteps: int | None = None) -> Any:
    """Targets with the shape of the answers; the axis of a horizon of 1 may be missing.

    Args:
        y: `[batch, horizon]`, or at every step `[batch, timesteps, horizon]`.
        horizon: How many values an answer has.
        at_every_step: Whether there is an answer at every step.
        timesteps: Of the sequences; None if they are not known.
    """
    wanted = (timesteps, horizon) if at_every_step else (horizon,)
    answers = y[..., None] if len(y.shape) == len(wanted) else y
    sizes = tuple(answers.shape[1:])
    if len(sizes) != len(wanted) or any(a != b for a, b in zip(sizes, wanted, strict=True) if None not in (a, b)):
        names = "[batch, timesteps, horizon]" if at_every_step else "[batch, horizon]"
        raise ValueError(
            f"`y` must have the shape of the model's answers, {names} = {('batch', *wanted)}. Received: y of shape "
            f"{tuple(y.shape)}. Set `horizon` and `return_sequences` to fit."
        )
    return answers


def padded_targets(y: Any) -> Any:
    """Targets at every step of sequences of different lengths as one array; others as they are."""
    if not isinstance(y, (list, tuple, tf.RaggedTensor)):
        return y
    rows = [numbers_of("y", row) for row in (y.to_list() if isinstance(y, tf.RaggedTensor) else y)]
    return padded(rows) if all(row.ndim for row in rows) else y


def last_values(sequences: Any, lengths: Any) -> Any:
    """The last value of each sequence's first feature, `[batch, 1]`."""
    if lengths is None:
        return sequences[:, -1, :1]
    return tf.gather(sequences[:, :, :1], tf.maximum(tf.cast(lengths, tf.int32) - 1, 0), batch_dims=1)
