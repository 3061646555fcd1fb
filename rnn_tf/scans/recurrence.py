"""A recurrence over a whole sequence, with backpropagation through time written out.

`Recurrence` is one step forward and one step back, an equation each (see `elman` and `gated`), and what is done for
all steps of a chunk at once; `scan` runs it over the steps. It keeps the states and what `forward` saves, and sums
the gradients of the weights chunk by chunk: in memory, no inputs are projected, and no gradients, but those of one
chunk.
"""

from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf

from rnn_tf.scans import steps, sums
from rnn_tf.scans.gradients import with_gradient
from rnn_tf.scans.lookup import Lookup
from rnn_tf.scans.products import Masks
from rnn_tf.scans.projection import Projection
from rnn_tf.scans.steps import Output, Steps

FEW_STEPS = 16  # up to here it costs less to multiply by a transposed matrix than to transpose it


class Recurrence:
    """One step of a recurrence whose input is projected already, and the gradient of that step.

    States are lists of `[batch, units]`, the hidden state h first; `dropout` is a list with a mask `[batch, units]`
    for h in each of the gates, or None. Where a tensor holds all steps of a chunk, it is `[time, batch, ...]`.

    Example: h_t = p_t + h_{t-1} / 2, which has no weights.
    >>> import tensorflow as tf
    >>> from rnn_tf.scans import Recurrence, scan
    >>> class Fading(Recurrence):
    ...     def forward(self, projected, states, weights, dropout):
    ...         return [projected + states[0] / 2], []
    ...
    ...     def needed(self, before, after, saved):
    ...         return []
    ...
    ...     def backward(self, d_states, needed, transposed, dropout):
    ...         return [d_states[0]], [d_states[0] / 2]
    ...
    ...     def gradients(self, flown, needed, before, dropout):
    ...         return flown[0].whole, []
    >>> hidden, last = scan(Fading(), tf.ones([1, 3, 1]), [tf.zeros([1, 1])], [])
    >>> hidden[0, :, 0].numpy().tolist()
    [1.0, 1.5, 1.75]
    """

    saved: int = 0  # how many tensors `[batch, units]` a step saves

    def forward(self, projected: Any, states: Any, weights: Any, dropout: Masks) -> tuple[list[Any], list[Any]]:
        """States of step t from those of t-1; and what else the way back will need of this step."""
        raise NotImplementedError

    def needed(self, before: list[Steps], after: list[Steps], saved: list[Steps]) -> list[Steps]:
        """What `backward` needs of each step, for all steps of a chunk at once.

        From the states before and after each step, and what `forward` saved. Steps that a mask leaves out kept their
        states, and saved what they would have saved: what is made of them is not used, and may be anything.
        """
        raise NotImplementedError

    def backward(
        self, d_states: list[Any], needed: list[Any], transposed: list[Any], dropout: Masks
    ) -> tuple[list[Any], list[Any]]:
        """From ∂L/∂(states of step t): what flows into the step, for `gradients`; and ∂L/∂(states of step t-1).

        `transposed` are the weights, matrices transposed.
        """
        raise NotImplementedError

    def gradients(
        self, flown: list[Steps], needed: list[Steps], before: list[Steps], dropout: Masks
    ) -> tuple[Any, list[Any]]:
        """From what flowed into all steps of a chunk: ∂L/∂p, and ∂L/∂(weights) in the widest type (see `sums`)."""
        raise NotImplementedError

    def over(self, sequence: Any, states: Sequence[Any], weights: Sequence[Any], **how: Any) -> tuple[Any, list[Any]]:
        """All steps: see `scan`, which takes the same."""
        return scan(self, sequence, states, weights, **how)

    def hidden(self, states: Sequence[Any]) -> Any:
        """The hidden state, among the states."""
        return states[0]


def scan(
    recurrence: Recurrence,
    sequence: Any,
    states: Sequence[Any],
    weights: Sequence[Any],
    *,
    projection: Projection | Lookup | None = None,
    mask: Any = None,
    dropout: Masks = None,
    sequences: bool = True,
    training: bool = True,
    chunk: int | None = None,
) -> tuple[Any, list[Any]]:
    """All steps of a recurrence.

    A step that the mask leaves out keeps the states; its gradients are zero, and ∂L/∂(states) passes through it.

    Args:
        recurrence: The step.
        sequence: x_t for all steps, `[batch, time, features]`; without `projection` p_t itself, `[batch, time,
            gates * units]`.
        states: The initial states, `[batch, units]` each.
        weights: Tensors, as the recurrence takes them.
        projection: What makes p_t of x_t.
        mask: Boolean, `[batch, time]`, or None.
        dropout: Masks `[batch, units]` for the hidden state, one a gate, or None.
        sequences: Whether all h_t are asked for, or the last states alone.
        training: Whether a gradient is to be expected. It is right in either case.
        chunk: Steps in one turn of a loop. None takes all in one; their number must be known then.

    Returns:
        The h_t, `[batch, time, units]`, or None without `sequences`; and the list of the last states.

    Example: the Elman recurrence with W_hh = 1/2 and no activation.
    >>> import tensorflow as tf
    >>> from rnn_tf.scans import Elman, scan
    >>> hidden, (last,) = scan(Elman(tf.identity), tf.ones([1, 3, 1]), [tf.zeros([1, 1])], [tf.constant([[0.5]])])
    >>> hidden[0, :, 0].numpy().tolist(), last.numpy().tolist()
    ([1.0, 1.5, 1.75], [[1.75]])
    """
    # A loop that saves what nobody asks for is not pruned: where no gradient is expected, it may run again.
    save = chunk is None or training
    masks = [] if mask is None else [steps.swap(tf.expand_dims(mask, 2))]  # [time, batch, 1]
    of_projection = [] if projection is None else projection.weights
    count, state = len(states), Output(states[0].shape, states[0].dtype)

    @with_gradient
    def run(sequence: Any, *tensors: Any) -> Any:
        time_major = steps.swap(sequence)
        initial, rest = list(tensors[:count]), list(tensors[count:])
        weights = rest[len(of_projection) :]
        project = projection and projection.with_weights(rest[: len(of_projection)])

        def forward(save: bool) -> tuple[list[Any], list[Any]]:
            shown = count if save else int(sequences)  # of the states, those of every step

            def turn(inputs: list[Steps], first: list[Any]) -> tuple[list[Steps], list[Any]]:
                p, *m = inputs
                p = p if project is None else Steps(project.forward(p.whole))
                rows, now = [], first
                for t, p_t in enumerate(p.rows):
                    new, saved = recurrence.forward(p_t, now, weights, dropout)
                    now = _where([one.rows[t] for one in m], new, now)
                    rows.append([*now, *saved])
                return _columns(rows) + [Steps(rows=[one]) for one in first], now

            outputs = [state] * (shown + recurrence.saved * save) + [state._replace(once=True)] * count * save
            return steps.run(turn, [time_major, *masks], initial, outputs, chunk)

        def gradient(*upstream: Any) -> list[Any]:
            history = kept if save else forward(save=True)[0]
            transposed = [tf.transpose(weight) for weight in weights]
            of_inputs = project and tf.transpose(project.kernel)
            if chunk is None and sequence.shape[1] > FEW_STEPS:
                # TensorFlow would move the transposition into each of the products, which without oneDNN then take
                # twice as long.
                transposed = [tf.ensure_shape(weight, weight.shape) for weight in transposed]
            d_states = list(upstream)
            d_hidden = [steps.swap(d_states.pop(0))] if sequences else []

            def turn(inputs: list[Steps], carried: list[Any]) -> tuple[list[Steps], list[Any]]:
                x, *inputs = inputs
                m = [inputs.pop()] if masks else []
                d_out = [inputs.pop()] if sequences else []
                after, saved, firsts = inputs[:count], inputs[count:-count], inputs[-count:]
                before = [one.delayed(first.rows[0]) for one, first in zip(after, firsts, strict=True)]
                needed = recurrence.needed(before, after, saved)
                d_now, summed, rows = carried[:count], carried[count:], []
                for t in reversed(range(len(after[0].rows))):
                    d_after = [d_now[0] + one.rows[t] for one in d_out] + d_now[len(d_out) :]
                    flown, d_before = recurrence.backward(d_after, [one.rows[t] for one in needed], transposed, dropout)
                    d_now = _where([one.rows[t] for one in m], d_before, d_after)
                    rows.append(flown)
                flown = _columns(rows[::-1])
                if m:
                    flown = [Steps(tf.where(m[0].whole, one.whole, 0)) for one in flown]
                dp, d_weights = recurrence.gradients(flown, needed, before, dropout)
                if project is not None:
                    d_weights = project.gradients(x.whole, dp) + d_weights
                    dp = project.input_gradient(dp, of_inputs)
                summed = [one + new for one, new in zip(summed, d_weights, strict=True)] if summed else d_weights
                return [Steps(dp)], [*d_now, *summed]

            zeros = [] if chunk is None else [tf.zeros(one.shape, sums.widest(one.dtype)) for one in rest]
            inputs = [time_major, *history, *d_hidden, *masks]
            outputs = [Output([sequence.shape[0], sequence.shape[2]], sequence.dtype)]
            (dx,), carried = steps.run(turn, inputs, [*d_states, *zeros], outputs, chunk, reverse=True)
            d_rest = [tf.cast(total, one.dtype) for total, one in zip(carried[count:], rest, strict=True)]
            return [dx.batch_major(), *carried[:count], *d_rest]

        kept, last = forward(save)
        return ([kept[0].batch_major()] if sequences else []) + last, first_order(gradient)

    results = list(run(sequence, *states, *of_projection, *weights))
    return results.pop(0) if sequences else None, results


def _columns(rows: list[list[Any]]) -> list[Steps]:
    """The steps of each output, from the outputs of each step."""
    return [Steps(rows=column) for column in zip(*rows, strict=True)]


def _where(mask: Sequence[Any], new: Sequence[Any], old: Sequence[Any]) -> list[Any]:
    """`new` where the mask, `[batch, 1]`, is True; all of it if there is no mask."""
    return [tf.where(mask[0], a, b) for a, b in zip(new, old, strict=True)] if mask else list(new)


def first_order(gradient: Callable[..., Any]) -> Callable[..., Any]:
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
