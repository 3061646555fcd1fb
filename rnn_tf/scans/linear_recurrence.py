"""A recurrence that is linear in its states, as a `Kernel` holds it."""

from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf

from rnn_tf.scans.linear import linear_scan
from rnn_tf.scans.parts import Parts
from rnn_tf.scans.projection import Projection


class Linear:
    """A recurrence that is linear in its states, as a `Kernel` holds it: see `linear_scan`.

        a_t, b_t = coefficients(p_t)
        h_t = a_t ∘ h_{t-1} + b_t

    States: `[h]`, or `[Re h, Im h]`.

    Args:
        coefficients: Takes p_t, `[..., gates * units]`, and gives the factors and the inputs of `linear_scan`, of one
            step or of all. TensorFlow differentiates it.

    Example: h_t = h_{t-1} / 2 + p_t.
    >>> import tensorflow as tf
    >>> from rnn_tf.scans import Linear
    >>> halving = Linear(lambda p: ([tf.fill(p.shape[-1:], 0.5)], [p]))
    >>> hidden, (last,) = halving.over(tf.ones([1, 3, 1]), [tf.zeros([1, 1])], [])
    >>> hidden[0, :, 0].numpy().tolist()
    [1.0, 1.5, 1.75]
    """

    def __init__(self, coefficients: Callable[[Any], tuple[Parts, Parts]]) -> None:
        self._coefficients = coefficients

    def over(
        self,
        sequence: Any,
        states: Sequence[Any],
        weights: Sequence[Any],
        *,
        projection: Projection | None = None,
        mask: Any = None,
        dropout: Any = None,
        sequences: bool = True,
        training: bool = True,
        chunk: int | None = None,
    ) -> tuple[Any, list[Any]]:
        """All steps: the hidden states, `[batch, time, ...]`, or None without `sequences`; and the last states.

        The arguments are those of `scan`.
        """
        if projection is not None:
            masks = projection.dropout and [tf.expand_dims(mask, 1) for mask in projection.dropout]
            sequence = projection._replace(dropout=masks).forward(sequence)
        factors, inputs = self._coefficients(sequence)
        looped = chunk is not None
        hidden, last = linear_scan(factors, inputs, states, mask=mask, sequences=sequences, looped=looped)
        return None if hidden is None else self.hidden(hidden), last

    def hidden(self, states: Sequence[Any]) -> Any:
        """The hidden state as one tensor: of complex numbers, the real parts and then the imaginary ones."""
        return states[0] if len(states) == 1 else tf.concat(states, -1)
