"""What to look at when training makes no progress."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from rnn_tf._checks import check_sequences


def gradient_reach(cell: Any, head: Callable[[Any], Any], x: Any, y: Any, loss: Any = "mse") -> np.ndarray:
    """How much of the loss's gradient reaches back to each step: whether it vanishes, or explodes, on its way.

        o_t, s_t = cell(x_t, s_{t-1}),   L = loss(y, head(o_T))
        ‖∂L/∂s_t‖ / ‖∂L/∂s_T‖,   t = 1, ..., T

    Args:
        cell: A Keras cell. Where it has several states, the last one counts, as the memory c of an LSTM.
        head: The layer or function that turns the cell's last output into answers.
        x: Float array of shape `[batch, timesteps, features]`.
        y: Targets, one row for each of `x`.
        loss: A Keras loss, or its name.

    Returns:
        Array of shape `[timesteps]`, 1 at the last step; norms are means over the batch.
        Notebook 05 draws it.

    Raises:
        ValueError: If `x` is not of its shape, or the loss has no gradient at the last step.

    Source: Y. Bengio, P. Simard and P. Frasconi (1994), "Learning long-term dependencies with gradient descent is
    difficult", IEEE Transactions on Neural Networks 5.

    Example:
    >>> import keras, numpy as np
    >>> from rnn_tf import ElmanCell
    >>> from rnn_tf.training import gradient_reach
    >>> cell = ElmanCell(1, activation=None, recurrent_initializer=keras.initializers.Constant(0.5))
    >>> reach = gradient_reach(cell, keras.layers.Dense(1), x=np.ones([8, 4, 1]), y=np.ones([8, 1]))
    >>> reach.round(3).tolist()  # half of it is lost at each step
    [0.125, 0.25, 0.5, 1.0]
    """
    x = tf.convert_to_tensor(x, cell.compute_dtype)
    check_sequences("gradient_reach", x.shape, x.shape[-1])
    states, kept = cell.get_initial_state(batch_size=len(x)), []
    with tf.GradientTape() as tape:
        for t in range(x.shape[1]):
            output, states = cell(x[:, t], states)
            kept.append(tf.nest.flatten(states)[-1])
            tape.watch(kept[-1])  # the tape would not look at it if the cell's weights were frozen
        error = tf.reduce_mean(keras.losses.get(loss)(y, head(output)))
    gradients = tape.gradient(error, kept, unconnected_gradients=tf.UnconnectedGradients.ZERO)
    norms = np.array([np.linalg.norm(np.asarray(gradient, np.float64), axis=1).mean() for gradient in gradients])
    if not norms[-1] > 0:
        raise ValueError(
            f"The loss must have a gradient at the last step. Received: one of size {norms[-1]}. Give a `loss` and a "
            "`head` that depend on the last output, and data whose answers are not perfect."
        )
    return norms / norms[-1]
