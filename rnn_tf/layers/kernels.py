"""The kernel of a cell: what our own cells bring, and what is known of Keras's."""

from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

from rnn_tf import scans
from rnn_tf.scans import Kernel, Projection


def cells_of(cell: Any) -> list[Any]:
    """The cell alone, or those that it stacks: not of a subclass, which may connect them in another way."""
    return list(cell.cells) if type(cell) is keras.layers.StackedRNNCells else [cell]


def has_kernel(cell: Any) -> bool:
    """Whether there is a kernel for the cell, or each that it stacks: not for a subclass, which may change the step."""
    return is_known(cell) and not any(_learns(one) for part in cells_of(cell) for one in _activations(part))


def is_known(cell: Any) -> bool:
    """Whether the recurrence of the cell, or of each that it stacks, is known, whatever its activation."""
    cells = cells_of(cell)
    known = all("make_kernel" in vars(type(one)) or type(one) in _KERAS for one in cells)
    return known and not (len(cells) > 1 and any(map(runs_in_parallel, cells)))  # a scan is for a layer of its own


def why_no_kernel(cell: Any) -> tuple[str, str]:
    """Why there is no kernel for the cell, and what to do, for one that `has_kernel` denies."""
    if is_known(cell):
        return "A kernel gives no gradient to the variables of an activation.", "Set implementation='auto'."
    names = "the cells of rnn_tf.cells, SimpleRNNCell, LSTMCell and GRUCell"
    stacks = "for stacks of those whose steps do not run in parallel"
    return (
        f"There are kernels for {names}, and {stacks}, not for cells derived from them.",
        "Set implementation='auto'.",
    )


def _activations(cell: Any) -> list[Any]:
    return [cell.activation, getattr(cell, "recurrent_activation", keras.activations.sigmoid)]


def _learns(activation: Any) -> bool:
    """Whether an activation has variables to train: a layer, or a function that reads some."""
    if activation in (keras.activations.tanh, keras.activations.sigmoid, keras.activations.relu):
        return False
    if isinstance(activation, keras.Layer):
        return not activation.built or bool(activation.trainable_variables)
    with tf.GradientTape() as tape:
        try:
            activation(tf.zeros([1, 1]))
        except Exception:  # a user's function may not take [1, 1]: the layer's own call tells of it, if it is an error
            return False
    return bool(tape.watched_variables())


def make_kernel(cell: Any) -> Kernel:
    """The kernel, with the tensors that the cell's weights are in this call."""
    return _KERAS[type(cell)](cell) if type(cell) in _KERAS else cell.make_kernel()


def read_out(
    cell: Any, hidden: Any, states: Any, inputs: Any, mask: Any, dropout: Any, chunk: int | None
) -> tuple[Any, Any]:
    """The outputs at all steps, or None where there are no hidden states of all; and that of the last."""
    kernel = make_kernel(cell)
    last = kernel.recurrence.hidden(states)
    if kernel.read_out is None:
        return hidden, last
    more, more_last = [], []
    if kernel.reads_inputs:
        inputs = inputs if dropout is None else inputs * dropout[0][:, None]
        latest = inputs[:, -1]
        if mask is not None:  # a masked step repeats the output before it: what was read there is read again
            zeros, looped = tf.zeros_like(latest), chunk is not None
            forgetting = [tf.zeros_like(latest[0])]
            filled, (latest,) = scans.linear_scan(
                forgetting, [inputs], [zeros], mask=mask, sequences=hidden is not None, looped=looped
            )
            inputs = None if filled is None else filled[0]
        more, more_last = [inputs], [latest]
    return None if hidden is None else kernel.read_out(hidden, *more), kernel.read_out(last, *more_last)


def runs_in_parallel(cell: Any) -> bool:
    """Whether the recurrence of a cell with a kernel is linear, so that all its steps run at once."""
    return getattr(type(cell), "parallel", False)


def _simple(cell: Any) -> Kernel:
    kernel, bias, recurrent_kernel = _tensors(cell.kernel, cell.bias, cell.recurrent_kernel)
    return Kernel(scans.Elman(cell.activation), Projection(kernel, bias), [recurrent_kernel])


def _lstm(cell: Any) -> Kernel:
    kernel, bias, recurrent_kernel = _tensors(cell.kernel, cell.bias, cell.recurrent_kernel)
    return Kernel(scans.LSTM(cell.activation, cell.recurrent_activation), Projection(kernel, bias), [recurrent_kernel])


def _gru(cell: Any) -> Kernel:
    kernel, bias, recurrent_kernel = _tensors(cell.kernel, cell.bias, cell.recurrent_kernel)
    if not cell.reset_after:
        recurrence: scans.Recurrence = scans.GRUResetBefore(cell.activation, cell.recurrent_activation)
        return Kernel(recurrence, Projection(kernel, bias), [recurrent_kernel])
    candidate_bias = tf.zeros([cell.units], kernel.dtype)
    if bias is not None:
        # Only the candidate's recurrent bias is inside the product with the reset gate.
        bias, recurrent_bias = tf.unstack(bias)
        candidate_bias = recurrent_bias[2 * cell.units :]
        bias += tf.concat([recurrent_bias[: 2 * cell.units], tf.zeros_like(candidate_bias)], 0)
    recurrence = scans.GRU(cell.activation, cell.recurrent_activation)
    return Kernel(recurrence, Projection(kernel, bias), [recurrent_kernel, candidate_bias])


def _tensors(*weights: Any) -> list[Any]:
    return [None if weight is None else tf.convert_to_tensor(weight) for weight in weights]


_KERAS: dict[type, Callable[[Any], Kernel]] = {
    keras.layers.SimpleRNNCell: _simple,
    keras.layers.LSTMCell: _lstm,
    keras.layers.GRUCell: _gru,
}


def has_dropout(cell: Any) -> bool:
    """Whether a cell, or one of those that it stacks, drops something out."""
    return any(
        bool(getattr(one, "dropout", 0) or getattr(one, "recurrent_dropout", 0))
        for one in getattr(cell, "cells", [cell])
    )


def dropout_masks(cell: Any, sequence: Any, state: Any, training: bool) -> tuple[Any, Any]:
    """The masks on the inputs and on the hidden state, as lists with one for all gates or one for each, or None."""
    # Keras's gated cells leave out a rate of 1.
    rates = [
        rate if rate < 1 or isinstance(cell, keras.layers.SimpleRNNCell) else 0
        for rate in (cell.dropout, cell.recurrent_dropout)
    ]
    inputs = cell.get_dropout_mask(sequence[:, 0]) if training and rates[0] else None
    hidden = cell.get_recurrent_dropout_mask(state) if training and rates[1] else None
    inputs, hidden = (mask if mask is None or isinstance(mask, list) else [mask] for mask in (inputs, hidden))
    return inputs, hidden
