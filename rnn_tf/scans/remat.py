"""Memory against time: a long sequence in pieces, each computed again on the way back."""

import math
from collections.abc import Callable
from typing import Any

import tensorflow as tf

from rnn_tf.scans import steps
from rnn_tf.scans.gradients import with_gradient

PIECE = 64  # steps, where the length of the sequence is not known


def rematerialized(
    run: Callable[[Any, Any, Any], tuple[Any, list[Any]]], sequence: Any, states: Any, mask: Any
) -> tuple[Any, list[Any]]:
    """`run(sequence, states, mask)`, keeping the states between pieces of the sequence and nothing within them.

    T steps are cut into about √T pieces. The gradient runs each piece again, from the state that it began with, and
    differentiates it: so one piece at a time, and a state a piece, are held in memory, for one more forward pass.

    Args:
        run: Gives the outputs `[batch, time, ...]`, or None, and the last states. Variables that it uses get their
            gradients.
        sequence: `[batch, time, ...]`.
        states: Tensors `[batch, ...]`.
        mask: Boolean, `[batch, time]`, or None.

    Source: T. Chen, B. Xu, C. Zhang, C. Guestrin (2016), "Training deep nets with sublinear memory cost",
    arXiv:1604.06174.

    Example: sums so far.
    >>> import tensorflow as tf
    >>> from rnn_tf.scans import rematerialized
    >>> def add(sequence, states, mask):
    ...     sums = states[0][:, None] + tf.cumsum(sequence, axis=1)
    ...     return sums, [sums[:, -1]]
    >>> outputs, last = rematerialized(add, tf.ones([1, 5, 1]), [tf.zeros([1, 1])], mask=None)
    >>> outputs[0, :, 0].numpy().tolist()
    [1.0, 2.0, 3.0, 4.0, 5.0]
    """
    length = sequence.shape[1]
    size = PIECE if length is None else _piece(length)
    if length is not None and length % size:
        # What is left over is less than a piece, and run as it is.
        cuts = [length - length % size, length % size]
        (whole, rest), (whole_mask, rest_mask) = (
            [None, None] if x is None else tf.split(x, cuts, axis=1) for x in (sequence, mask)
        )
        outputs, states = rematerialized(run, whole, states, whole_mask)
        last_outputs, states = run(rest, states, rest_mask)
        return None if outputs is None else tf.concat([outputs, last_outputs], 1), states
    total = tf.shape(sequence)[1] if length is None else length
    pieces = -(-total // size)
    probe, _ = run(sequence[:, :1], states, None if mask is None else mask[:, :1])  # pruned: its shape is what counts

    def cut(whole: Any, i: Any) -> Any:
        """Piece i of `[batch, time, ...]`."""
        if whole is None:
            return None
        rest = len(whole.shape) - 2
        taken = size if length is not None else tf.minimum(size, total - i * size)
        piece = tf.slice(whole, [0, i * size] + [0] * rest, [-1, taken] + [-1] * rest)
        piece.set_shape([whole.shape[0], None if length is None else size, *whole.shape[2:]])
        return piece

    def array(like: Any) -> tf.TensorArray:
        """For pieces, time-major, of `[batch, time, ...]`."""
        shape = [None, like.shape[0], *like.shape[2:]]
        return tf.TensorArray(like.dtype, size=pieces, element_shape=shape, infer_shape=False)

    def joined(pieces: tf.TensorArray) -> Any:
        whole = pieces.concat()
        whole.set_shape([length, *whole.shape[1:]])
        return steps.swap(whole)

    @with_gradient
    def forward(sequence: Any, *states: Any) -> Any:
        starts = [tf.TensorArray(s.dtype, size=pieces, element_shape=s.shape, clear_after_read=False) for s in states]
        outputs = [] if probe is None else [array(probe)]

        def body(i: Any, states: Any, starts: Any, outputs: Any) -> Any:
            starts = [kept.write(i, s) for kept, s in zip(starts, states, strict=True)]
            y, new = run(cut(sequence, i), list(states), cut(mask, i))
            outputs = [one.write(i, steps.swap(y)) for one in outputs]
            return i + 1, _shaped(new, states), starts, outputs

        _, last, starts, outputs = tf.while_loop(
            lambda i, *_: i < pieces,
            body,
            (0, list(states), starts, outputs),
            maximum_iterations=pieces,
            parallel_iterations=1,  # else the inputs of pieces to come would be projected already
        )

        def gradient(*upstream: Any, variables: Any = ()) -> Any:
            d_states = list(upstream)
            d_outputs = None if probe is None else d_states.pop(0)
            weights = [tf.convert_to_tensor(variable) for variable in variables]

            def backward(j: Any, d_states: Any, d_weights: Any, d_inputs: Any) -> Any:
                i = pieces - 1 - j
                x, begin = cut(sequence, i), [kept.read(i) for kept in starts]
                with tf.GradientTape() as tape:
                    tape.watch([x, *begin])
                    y, new = run(x, begin, cut(mask, i))
                results, flowing = ([], []) if y is None else ([y], [cut(d_outputs, i)])
                grads = tape.gradient(
                    [*results, *new],
                    [x, *begin, *variables],
                    [*flowing, *d_states],
                    unconnected_gradients=tf.UnconnectedGradients.ZERO,
                )
                dx, d_begin, d_now = grads[0], grads[1 : 1 + len(begin)], grads[1 + len(begin) :]
                d_weights = [a + tf.convert_to_tensor(b) for a, b in zip(d_weights, d_now, strict=True)]
                return j + 1, _shaped(d_begin, d_states), d_weights, d_inputs.write(i, steps.swap(dx))

            _, d_first, d_weights, d_inputs = tf.while_loop(
                lambda j, *_: j < pieces,
                backward,
                (0, d_states, [tf.zeros_like(w) for w in weights], array(sequence)),
                maximum_iterations=pieces,
                parallel_iterations=1,
            )
            return [joined(d_inputs), *d_first], list(d_weights)

        return [joined(one) for one in outputs] + list(last), gradient

    results = list(forward(sequence, *states))
    return (None if probe is None else results.pop(0)), results


def _piece(length: int) -> int:
    """Steps in a piece: a divisor of the length near its root, or else the root."""
    root = math.isqrt(length)
    near = [size for size in range(max(root // 2, 2), 3 * root + 1) if length % size == 0]
    return min(near, key=lambda size: abs(size - root), default=max(root, 1))


def _shaped(tensors: Any, like: Any) -> list[Any]:
    for one, other in zip(tensors, like, strict=True):
        one.set_shape(other.shape)
    return list(tensors)
