"""The minimal gated recurrent unit: a GRU whose gates do not look at the state."""

from typing import Any

import keras
import tensorflow as tf

from rnn_tf.cells.parallel import ParallelCell


@keras.saving.register_keras_serializable(package="rnn_tf")
class MinGRUCell(ParallelCell):
    """One step of the minGRU.

        z_t = s(x_t W_z + b_z)                     update gate, s the logistic function
        g_t = σ(x_t W_g + b_g)                     candidate, linear as published
        h_t = (1 - z_t) ∘ h_{t-1} + z_t ∘ g_t      hidden state and output

    with x_t and h_t as rows, one for each example of a batch. What the state is multiplied by does not depend on it, so
    that `rnn_tf.RNN` runs all steps at once. The published code also gives a form in logarithms, with a candidate that
    is kept positive; the scan here needs neither, so that this is the plain form.

    | equation | weight | shape |
    |---|---|---|
    | W_z, W_g side by side | `kernel` | `[features, 2 * units]` |
    | b_z, b_g | `bias` | `[2 * units]` |

    A long memory from the first step on is a negative b_z: with -log n a unit forgets within about n steps.

    Args:
        units: Positive integer, the size of h.
        activation: σ, a name or a function. `None` is linear.
        **kwargs: Those of `keras.layers.SimpleRNNCell` that are not for its recurrent kernel: `use_bias`, `dropout`,
            `seed`, `name`, `dtype`, and for `kernel` and `bias` each an initializer, a regularizer and a constraint.

    Call arguments:
        sequence: x_t, float tensor of shape `[batch, features]`.
        states: h_{t-1}, float tensor of shape `[batch, units]`, alone or in a list.
        training: Whether dropout is active.

    Returns:
        `(h_t, h_t)`, the second alone or in a list as `states` was, both in the cell's compute dtype.

    Raises:
        ValueError: If `units` is not a positive integer, the activation is unknown, an argument is for a recurrent
            kernel, or the number of features is not known when the weights are made.

    Source: L. Feng, F. Tung, M. O. Ahmed, Y. Bengio, H. Hajimirsadeghi (2024), "Were RNNs all we needed?",
    arXiv:2410.01201.

    Example:
    >>> import numpy as np
    >>> from rnn_tf import RNN, MinGRUCell
    >>> layer = RNN(MinGRUCell(4), return_sequences=True)
    >>> layer(np.zeros([32, 1000, 8], "float32")).shape
    TensorShape([32, 1000, 4])
    """

    gates = 2
    make_kernel = ParallelCell.make_kernel  # not inherited: a derived class may change the step

    def coefficients(self, projected: Any) -> tuple[list[Any], list[Any]]:
        """1 - z_t and z_t ∘ g_t."""
        z, g = tf.split(projected, 2, axis=-1)  # [..., units] each
        z = tf.sigmoid(z)
        return [1 - z], [z * self.activation(g)]
