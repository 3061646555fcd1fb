"""The minimal long short-term memory: an LSTM whose gates do not look at the state."""

from typing import Any

import keras
import tensorflow as tf

from rnn_tf.cells.parallel import ParallelCell


@keras.saving.register_keras_serializable(package="rnn_tf")
class MinLSTMCell(ParallelCell):
    """One step of the minLSTM, with gates that add up to one.

        f_t = s(x_t W_f + b_f)    i_t = s(x_t W_i + b_i)    forget and input gate, s the logistic function
        g_t = σ(x_t W_g + b_g)                              candidate, linear as published
        f'_t = f_t / (f_t + i_t)  i'_t = i_t / (f_t + i_t)
        h_t = f'_t ∘ h_{t-1} + i'_t ∘ g_t                   hidden state and output

    with x_t and h_t as rows, one for each example of a batch. There is no second state and no output gate. The gates
    are computed as i' = s(log i - log f) and f' = 1 - i', which holds where f and i both vanish.

    | equation | weight | shape |
    |---|---|---|
    | W_f, W_i, W_g side by side | `kernel` | `[features, 3 * units]` |
    | b_f, b_i, b_g | `bias` | `[3 * units]` |

    Args, call arguments, returns and errors: see `MinGRUCell`, whose plain form this is, too.

    Source: L. Feng, F. Tung, M. O. Ahmed, Y. Bengio, H. Hajimirsadeghi (2024), "Were RNNs all we needed?",
    arXiv:2410.01201.

    Example:
    >>> import numpy as np
    >>> from rnn_tf import RNN, MinLSTMCell
    >>> layer = RNN(MinLSTMCell(4), return_sequences=True)
    >>> layer(np.zeros([32, 1000, 8], "float32")).shape
    TensorShape([32, 1000, 4])
    """

    gates = 3
    make_kernel = ParallelCell.make_kernel  # not inherited: a derived class may change the step

    def coefficients(self, projected: Any) -> tuple[list[Any], list[Any]]:
        """f'_t and i'_t ∘ g_t."""
        f, i, g = tf.split(projected, 3, axis=-1)  # [..., units] each
        i = tf.sigmoid(tf.nn.softplus(-f) - tf.nn.softplus(-i))
        return [1 - i], [i * self.activation(g)]
