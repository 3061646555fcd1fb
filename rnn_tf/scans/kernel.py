"""What a cell brings for its scan: the projection of its inputs, its recurrence, its weights, its output."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import tensorflow as tf

from rnn_tf.scans.linear import Linear
from rnn_tf.scans.recurrence import Recurrence
from rnn_tf.scans.sums import add_bias


class Kernel(NamedTuple):
    """A cell's step as projection, recurrence and output, with the tensors of its weights.

    A cell has a kernel if its class has a method `make_kernel` that returns one; a derived class, which may change the
    step, must have its own. Where the recurrence is a `Linear`, the class says `parallel = True`.

    recurrence: The recurrence itself, which knows how it runs over a sequence.
    kernel: W of the projection x_t W + b, `[features, gates * units]`.
    bias: b, `[gates * units]`, or None.
    weights: Those of the recurrence.
    read_out: What makes the output of the hidden state, of one step or of all; None where they are the same.
    reads_inputs: Whether `read_out` takes the inputs of the same steps, too, as its second argument.

    Example:
    >>> from rnn_tf import ElmanCell
    >>> cell = ElmanCell(4)
    >>> cell.build((None, 3))
    >>> kernel = cell.make_kernel()
    >>> type(kernel.recurrence).__name__, tuple(kernel.kernel.shape), kernel.read_out
    ('Elman', (3, 4), None)
    """

    recurrence: Recurrence | Linear
    kernel: Any
    bias: Any
    weights: list[Any]
    read_out: Callable[..., Any] | None = None
    reads_inputs: bool = False

    def over(
        self, sequence: Any, states: Sequence[Any], dropout: Sequence[Any] = (None, None), **how: Any
    ) -> tuple[Any, list[Any]]:
        """All steps of `[batch, time, features]`: the hidden states, `[batch, time, ...]`, and the last states.

        `dropout` holds the masks on the inputs and on the hidden state; what else there is goes to `scan`.
        """
        masks, hidden_masks = dropout
        if self.recurrence.time_axis == 0:
            sequence = tf.transpose(sequence, [1, 0, 2])  # now: after the projection there is more of it
        elif masks is not None:
            masks = [mask[:, None] for mask in masks]
        projected = project(sequence, self.kernel, self.bias, masks)
        return self.recurrence.over(projected, states, self.weights, dropout=hidden_masks, **how)


def project(sequence: Any, kernel: Any, bias: Any, dropout: Sequence[Any] | None = None) -> Any:
    """x W + b over the last axis, all rows in one product; with dropout (x ∘ m_k) W_k.

    Args:
        sequence: `[batch, features]`, or all steps of it.
        kernel: W, `[features, gates * units]`.
        bias: b, `[gates * units]`, or None.
        dropout: A mask `[batch, features]` for all gates, or one for each, or None; they must fit the sequence.

    Example:
    >>> import tensorflow as tf
    >>> from rnn_tf.scans import project
    >>> project(tf.ones([5, 1, 2]), tf.ones([2, 3]), tf.ones([3]))[0].numpy().tolist()
    [[3.0, 3.0, 3.0]]
    """
    features = kernel.shape[0]
    if dropout is None:
        # TensorFlow joins product and bias only without axes between.
        projected = tf.matmul(tf.reshape(sequence, [-1, features]), kernel)
    else:
        masked = [tf.reshape(sequence * mask, [-1, features]) for mask in dropout]
        parts = zip(masked, tf.split(kernel, len(dropout), axis=1), strict=True)
        projected = tf.concat([tf.matmul(one, part) for one, part in parts], axis=1)
    if bias is not None:
        projected = add_bias(projected, bias)
    if len(sequence.shape) == 2:
        return projected
    sizes = [tf.shape(sequence)[axis] if size is None else size for axis, size in enumerate(sequence.shape[:-1])]
    return tf.reshape(projected, [*sizes, kernel.shape[1]])
