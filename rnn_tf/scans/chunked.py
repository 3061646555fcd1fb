"""Any cell over a whole sequence: the loop takes several steps a turn, gradients come from TensorFlow."""

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from rnn_tf.scans import steps
from rnn_tf.scans.steps import Output, Steps


def chunked(
    cell: Callable[[Any, Any], tuple[Any, Any]],
    sequence: Any,
    states: Any,
    before: Any,
    *,
    mask: Any = None,
    zero_masked_outputs: bool = False,
    sequences: bool = True,
    chunk: int | None = None,
) -> tuple[Any, list[Any]]:
    """o_t, s_t = cell(x_t, s_{t-1}).

    A step that the mask leaves out keeps the states; its output is that of the step before, or zero before any, and
    always zero with `zero_masked_outputs`.

    Args:
        cell: Takes `[batch, ...]` and the list of states, which may be nested; gives an output and new states.
        sequence: x_t for all steps, `[batch, time, ...]`.
        states: The initial states, a list of tensors `[batch, ...]`, or nested.
        before: The output before the first step, `[batch, ...]`: what a masked first step puts out.
        mask: Boolean, `[batch, time]`, or None.
        zero_masked_outputs: What to put out at a step that the mask leaves out.
        sequences: Whether all o_t are asked for, or the last alone.
        chunk: Steps in one turn of a loop. None unrolls them all; their number must be known then.

    Returns:
        The outputs, `[batch, time, ...]`, or None without `sequences`; and the list of the last output and the last
        states, flat.

    Example: sums so far.
    >>> import tensorflow as tf
    >>> from rnn_tf.scans import chunked
    >>> def add(x, states):
    ...     return x + states[0], [x + states[0]]
    >>> zero = tf.zeros([1, 1])
    >>> outputs, last = chunked(add, tf.constant([[[1.0], [2.0], [3.0]]]), [zero], before=zero)
    >>> outputs[0, :, 0].numpy().tolist()
    [1.0, 3.0, 6.0]
    """
    sequence = steps.swap(sequence)
    inputs = [sequence if chunk is None else steps.in_chunks(sequence, chunk)]
    if mask is not None:
        inputs.append(steps.swap(mask))

    def turn(inputs: list[Steps], carried: list[Any]) -> tuple[list[Steps], list[Any]]:
        rows = []
        for t, x in enumerate(inputs[0].rows):
            previous, *flat = carried
            output, new = cell(x, tf.nest.pack_sequence_as(states, flat))
            new = tf.nest.flatten(new)
            for m in (one.rows[t] for one in inputs[1:]):
                output = _where(m, output, tf.zeros_like(output) if zero_masked_outputs else previous)
                new = [_where(m, one, old) for one, old in zip(new, flat, strict=True)]
            carried = [output, *new]
            rows.append(carried)
        return [Steps(rows=column) for column in zip(*rows, strict=True)], carried

    outputs = [Output(before.shape, before.dtype)] if sequences else []
    shown, last = steps.run(turn, inputs, [before, *tf.nest.flatten(states)], outputs, chunk)
    return shown[0].batch_major() if sequences else None, last


def _where(mask: Any, new: Any, old: Any) -> Any:
    """`new` for the rows, `[batch, ...]`, that the mask, `[batch]`, keeps."""
    return tf.where(tf.reshape(mask, [-1] + [1] * (len(new.shape) - 1)), new, old)
