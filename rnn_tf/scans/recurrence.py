"""A recurrence over a whole sequence, with backpropagation through time written out.

`Recurrence` is one step forward and one step back, an equation each (see `elman` and `gated`); `scan` runs it over
the steps, keeps what the way back needs, and sums the gradients of the weights after the loop, in one product.
"""

from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf

from rnn_tf.scans import steps, sums
from rnn_tf.scans.gradients import with_gradient
from rnn_tf.scans.steps import Steps

Masks = Sequence[Any] | None
FEW_STEPS = 16  # up to here it costs less to multiply by a transposed matrix than to transpose it


class Recurrence:
    """One step of a recurrence whose input is projected already, and the gradient of that step.

    States are lists of `[batch, units]`, the hidden state h first; `dropout` is a list with a mask `[batch, units]`
    for h in each of the gates, or None.

    Example: h_t = p_t + h_{t-1} / 2, which has no weights.
    >>> import tensorflow as tf
    >>> from rnn_tf.scans import Recurrence, scan
    >>> class Fading(Recurrence):
    ...     def forward(self, projected, states, weights, dropout):
    ...         return [projected + states[0] / 2], []
    ...
    ...     def backward(self, d_states, hidden, saved, transposed, dropout):
    ...         return [d_states[0]], [d_states[0] / 2]
    ...
    ...     def weight_gradients(self, first, hidden, saved, gradients, dropout):
    ...         return []
    >>> hidden, last = scan(Fading(), tf.ones([3, 1, 1]), [tf.zeros([1, 1])], [])
    >>> hidden[0, :, 0].numpy().tolist()
    [1.0, 1.5, 1.75]
    """

    saved: tuple[int, ...] = ()  # sizes of what `forward` saves, in units
    gradients: tuple[int, ...] = (1,)  # sizes of the gradients that `backward` gives, in units

    def forward(self, projected: Any, states: Any, weights: Any, dropout: Masks) -> tuple[list[Any], list[Any]]:
        """States of step t from those of t-1; and what `backward` will need of this step."""
        raise NotImplementedError

    def backward(
        self, d_states: Any, hidden: Any, saved: Any, transposed: Any, dropout: Masks
    ) -> tuple[list[Any], list[Any]]:
        """From dL/d(states of step t): gradients of the step, dL/dp_t first; and dL/d(states of step t-1).

        `transposed` are the weights, matrices transposed.
        """
        raise NotImplementedError

    def weight_gradients(self, first: Any, hidden: Steps, saved: Any, gradients: Any, dropout: Masks) -> list[Any]:
        """dL/d(weights), from h_0, the steps h_1, ..., h_T, and what `forward` and `backward` gave at every step."""
        raise NotImplementedError


def scan(
    recurrence: Recurrence,
    projected: Any,
    states: Sequence[Any],
    weights: Sequence[Any],
    *,
    mask: Any = None,
    dropout: Masks = None,
    sequences: bool = True,
    training: bool = True,
    chunk: int | None = None,
) -> tuple[Any, list[Any]]:
    """All steps of a recurrence.

    A step that the mask leaves out keeps the states; its gradients are zero, and dL/d(states) passes through it.

    Args:
        recurrence: The step.
        projected: p_t for all steps, time-major, `[time, batch, gates * units]`.
        states: The initial states, `[batch, units]` each.
        weights: Tensors, as the recurrence takes them.
        mask: Boolean, `[batch, time]`, or None.
        dropout: Masks `[batch, units]` for the hidden state, one a gate, or None.
        sequences: Whether all h_t are asked for, or the last states alone.
        training: Whether a gradient is to be expected. It is right in either case.
        chunk: Steps in one turn of a loop. None unrolls them all; their number must be known then.

    Returns:
        The h_t, `[batch, time, units]`, or None without `sequences`; and the list of the last states.

    Example: the Elman recurrence with W_hh = 1/2 and no activation.
    >>> import tensorflow as tf
    >>> from rnn_tf.scans import Elman, scan
    >>> hidden, (last,) = scan(Elman(tf.identity), tf.ones([3, 1, 1]), [tf.zeros([1, 1])], [tf.constant([[0.5]])])
    >>> hidden[0, :, 0].numpy().tolist(), last.numpy().tolist()
    ([1.0, 1.5, 1.75], [[1.75]])
    """
    unrolled = chunk is None
    # A loop that saves what nobody asks for is not pruned: where no gradient is expected, it may run again.
    save = unrolled or training
    masks = [] if mask is None else [steps.split(tf.expand_dims(mask, 2), unrolled)]

    def over_time(step: Any, inputs: Any, states: Any, sizes: Sequence[int], reverse: bool = False) -> Any:
        first = states[0]
        specs = [tf.TensorSpec([first.shape[0], size * first.shape[1]], first.dtype) for size in sizes]
        return steps.run(step, inputs, states, specs, chunk or 1, reverse)

    @with_gradient
    def run(projected: Any, *tensors: Any) -> Any:
        initial, weights = list(tensors[: len(states)]), list(tensors[len(states) :])

        def forward(save: bool) -> tuple[list[Steps], list[Any]]:
            sizes = [1, *recurrence.saved] if save else [1] if sequences else []

            def step(inputs: Any, before: Any) -> Any:
                p, *m = inputs
                after, saved = recurrence.forward(p, before, weights, dropout)
                after = _where(m, after, before)
                return [after[0], *saved][: len(sizes)], after

            inputs = [tf.unstack(projected) if unrolled else projected, *masks]
            kept, last = over_time(step, inputs, initial, sizes)
            if kept and not unrolled:
                kept[0] = steps.time_major(kept[0])
            return kept, last

        def gradient(*upstream: Any) -> list[Any]:
            hidden, *saved = kept if save else forward(save=True)[0]
            transposed = [tf.transpose(weight) for weight in weights]
            if unrolled and len(hidden) > FEW_STEPS:
                # TensorFlow would move the transposition into each of the products, which without oneDNN then take
                # twice as long.
                transposed = [tf.ensure_shape(weight, weight.shape) for weight in transposed]
            d_states = list(upstream)
            d_hidden = [steps.split(d_states.pop(0), unrolled)] if sequences else []

            def step(inputs: Any, d_after: Any) -> Any:
                h, *inputs = inputs
                m = [inputs.pop()] if masks else []
                if sequences:
                    d_after = [d_after[0] + inputs.pop(), *d_after[1:]]
                gradients, d_before = recurrence.backward(d_after, h, inputs, transposed, dropout)
                return _where(m, gradients, [0.0] * len(gradients)), _where(m, d_before, d_after)

            inputs = [hidden, *saved, *d_hidden, *masks]
            gradients, d_initial = over_time(step, inputs, d_states, recurrence.gradients, reverse=True)
            d_weights = recurrence.weight_gradients(initial[0], hidden, saved, gradients, dropout)
            return [steps.time_major(gradients[0]), *d_initial, *d_weights]

        kept, last = forward(save)
        return ([steps.join(kept[0])] if sequences else []) + last, _first_order(gradient)

    hidden, *last = run(projected, *states, *weights) if sequences else (None, *run(projected, *states, *weights))
    return hidden, last


def _where(mask: Sequence[Any], new: Sequence[Any], old: Sequence[Any]) -> list[Any]:
    """`new` where the mask, `[batch, 1]`, is True; all of it if there is no mask."""
    return [tf.where(mask[0], a, b) for a, b in zip(new, old, strict=True)] if mask else list(new)


def _first_order(gradient: Callable[..., Any]) -> Callable[..., Any]:
    """A hand-written gradient that refuses to be differentiated itself: what it saved would count as constant."""

    def refuse(*_: Any) -> Any:
        raise NotImplementedError(
            "rnn_tf's kernels have first derivatives only. For the gradient of a gradient make the layer with "
            "implementation='reference'; one that is there already does after layer.implementation = 'reference', "
            "before it is called."
        )

    @tf.custom_gradient
    def guarded(*upstream: Any) -> Any:
        return gradient(*upstream), refuse

    return guarded


def product(state: Any, kernel: Any, dropout: Masks) -> Any:
    """h W, `[batch, units] x [units, gates * units]`; with dropout (h ∘ m_k) W_k, side by side for the gates k."""
    if dropout is None:
        return tf.matmul(state, kernel)
    parts = tf.split(kernel, len(dropout), axis=1)
    return _concatenate([tf.matmul(state * mask, part) for mask, part in zip(dropout, parts, strict=True)])


def state_gradient(gradient: Any, transposed: Any, dropout: Masks) -> Any:
    """dL/dh of `product`, from dL/d(h W) and Wᵀ, which is transposed once, before the loop."""
    if dropout is None:
        return tf.matmul(gradient, transposed)
    parts = zip(dropout, tf.split(gradient, len(dropout), axis=1), tf.split(transposed, len(dropout)), strict=True)
    return tf.add_n([mask * tf.matmul(one, part) for mask, one, part in parts])


def kernel_gradient(first: Any, states: Steps, gradients: Steps, dropout: Masks) -> Any:
    """dL/dW = Σ_t h_{t-1}ᵀ dL/d(h_{t-1} W), from h_0, the steps h_1, ..., h_T, and the gradients of 1, ..., T."""
    if isinstance(states, list):
        return product_gradient([first, *states[:-1]], gradients, dropout)
    # The first step has no row among the states: the others are two views of what is there, not copied.
    gradients = steps.time_major(gradients)
    return product_gradient(states[:-1], gradients[1:], dropout) + product_gradient([first], [gradients[0]], dropout)


def product_gradient(inputs: Steps, gradients: Steps, dropout: Masks) -> Any:
    """Σ_t x_tᵀ g_t, `[units, gates * units]`, as one product."""
    inputs, gradients = steps.time_major(inputs), steps.time_major(gradients)
    if dropout is None:
        return sums.product(inputs, gradients)
    parts = zip(dropout, tf.split(gradients, len(dropout), axis=-1), strict=True)
    return _concatenate([sums.product(inputs * mask, part) for mask, part in parts])


def _concatenate(parts: Sequence[Any]) -> Any:
    return parts[0] if len(parts) == 1 else tf.concat(parts, axis=-1)
