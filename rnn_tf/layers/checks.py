"""Checks of a cell, and of the inputs of an `RNN`."""

import inspect
from typing import Any

import keras
import tensorflow as tf

from rnn_tf._checks import check_sequences


def check_cell(cell: Any) -> None:
    """Raise ValueError unless it is a cell. What fails within its `state_size` is raised as it is."""
    missing = object()
    for name in ("state_size", "call"):
        # inspect.getattr_static finds properties without running them, whose own AttributeError hasattr would hide.
        if inspect.getattr_static(cell, name, missing) is missing and not hasattr(cell, name):
            raise ValueError(
                "`cell` must be a Keras cell: an object with `call(inputs, states)` and a `state_size`, one "
                f"integer for each state. Received: {type(cell).__name__}. See keras.layers.SimpleRNNCell."
            )
        getattr(cell, name)


def check_call(layer: Any, sequences: Any, initial_state: Any, mask: Any) -> None:
    """Raise ValueError unless sequences, initial state and mask fit the layer and each other."""
    if isinstance(sequences, (tf.RaggedTensor, tf.SparseTensor)):
        raise ValueError(
            f"RNN takes dense sequences. Received: a {type(sequences).__name__}. Pad those of a RaggedTensor, and mask "
            "what is padding: layer(x.to_tensor(), mask=tf.sequence_mask(x.row_lengths()))."
        )
    shape, dtype = sequences.shape, keras.backend.standardize_dtype(sequences.dtype)
    if dtype == "string" or "complex" in dtype:
        raise ValueError(
            f"RNN takes sequences of real numbers. Received: sequences of {dtype}. Embed texts first; of complex "
            "numbers make two features, as in tf.concat([tf.math.real(x), tf.math.imag(x)], -1)."
        )
    if layer._features is not None or len(shape) < 3:
        check_sequences(type(layer).__name__, shape, layer._features)
    if shape[1] == 0:
        raise ValueError(
            f"RNN needs at least one step. Received: sequences of shape {tuple(shape)}. For rows of length 0 pad "
            "to one step and mask it."
        )
    if mask is not None:
        sizes = tuple(mask.shape)
        fits = len(sizes) in (2, 3) and sizes[2:] in ((), (1,))
        if not fits or any(a != b for a, b in zip(sizes[:2], shape[:2], strict=True) if None not in (a, b)):
            raise ValueError(
                f"`mask` must have shape [batch, timesteps] = {tuple(shape[:2])}. Received: mask of shape {sizes}."
            )
    if initial_state is not None:
        _check_state(layer, initial_state, shape[0])


def _check_state(layer: Any, initial_state: Any, batch: int | None) -> None:
    states, sizes = tf.nest.flatten(initial_state), tf.nest.flatten(layer.state_size)
    received = [tuple(state.shape) for state in states]
    fits = len(states) == len(sizes) and all(
        len(state) == 2 and state[1] in (size, None) and (batch is None or state[0] in (batch, None))
        for state, size in zip(received, sizes, strict=True)
        if isinstance(size, int)
    )
    if not fits:
        raise ValueError(
            f"`initial_state` must be a tensor [batch, size] for each of the sizes {sizes}, with the sequences' "
            f"batch size of {batch}. Received: shapes {received}."
        )
