"""What to look at when training does not get on."""

from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from rnn_tf._checks import check_sequences


def gradient_norms(cell: Any, inputs: Any, loss: Callable[[tf.Tensor], Any]) -> np.ndarray:
    """The size of the loss's gradient at each step, which tells whether it reaches back, vanishes or explodes.

        o_t, s_t = cell(x_t, s_{t-1}),   L = loss(o_T),   ‖∂L/∂s_t‖ for t = 1, ..., T

    Args:
        cell: A Keras cell. Of several states the last one counts: the memory c of an LSTM.
        inputs: Float array x of shape `[batch, timesteps, features]`.
        loss: A function of the last output o_T, `[batch, units]`, that gives a number, for example by way of the layer
            that makes the model's answers.

    Returns:
        Array of shape `[timesteps]`, each norm the mean over the batch. Its entries relative to the last one are what
        `rnn_tf.plots.gradient_norms` draws.

    Raises:
        ValueError: If `inputs` do not have the shape that they must have.

    Source: Y. Bengio, P. Simard and P. Frasconi (1994), "Learning long-term dependencies with gradient descent is
    difficult", IEEE Transactions on Neural Networks 5.

    Example:
    >>> import keras, numpy as np, tensorflow as tf
    >>> from rnn_tf import ElmanCell
    >>> from rnn_tf.training import gradient_norms
    >>> cell = ElmanCell(1, activation=None, recurrent_initializer=keras.initializers.Constant(0.5))
    >>> gradient_norms(cell, np.ones([1, 4, 1]), loss=tf.reduce_sum).tolist()  # half of it is lost at each step
    [0.125, 0.25, 0.5, 1.0]
    """
    inputs = tf.convert_to_tensor(inputs, cell.compute_dtype)
    check_sequences("gradient_norms", inputs.shape, inputs.shape[-1])
    states, kept = cell.get_initial_state(batch_size=len(inputs)), []
    with tf.GradientTape() as tape:
        for t in range(inputs.shape[1]):
            output, states = cell(inputs[:, t], states)
            kept.append(tf.nest.flatten(states)[-1])
            tape.watch(kept[-1])
        gradients = tape.gradient(loss(output), kept)
    return np.array([np.linalg.norm(np.asarray(gradient, np.float64), axis=1).mean() for gradient in gradients])
