"""The loss of models that answer a token at every step, from a large vocabulary."""

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from rnn_tf.scans.gradients import with_gradient


@keras.saving.register_keras_serializable(package="rnn_tf")
class TokenCrossentropy(keras.losses.Loss):
    """Minus the logarithm of the probability of each token, in nats; 0 where the token is padding.

        loss_t = -log softmax(z_t)[y_t]

    TensorFlow's own cross-entropy takes longer than the product that made the logits of a large vocabulary. Here the
    softmax is kept for the gradient, which is p_t, and p_t - 1 at y_t.

    Call arguments:
        y_true: Integers `[batch, tokens]`; 0 is padding.
        y_pred: Logits `[batch, tokens, vocabulary]`.

    Returns:
        The mean over batch and tokens.

    Example:
    >>> import numpy as np
    >>> from rnn_tf.models.crossentropy import TokenCrossentropy
    >>> round(float(TokenCrossentropy()(np.array([[2, 1]]), np.zeros([1, 2, 4], "float32"))), 4)
    1.3863
    """

    def __init__(self, name: str = "token_crossentropy", **kwargs: Any) -> None:
        super().__init__(name=name, **kwargs)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        return losses_of(tf.cast(y_true, tf.int32), y_pred)


def losses_of(labels: Any, logits: Any) -> Any:
    """The losses `[batch, tokens]`; see `TokenCrossentropy`."""

    def crossentropy(logits: Any) -> Any:
        rows = tf.reshape(logits, [-1, logits.shape[-1]])
        flat = tf.reshape(labels, [-1])
        probabilities = tf.nn.softmax(rows)
        places = tf.stack([tf.range(tf.shape(flat)[0]), flat], axis=1)
        losses = -tf.math.log(tf.maximum(tf.gather_nd(probabilities, places), np.finfo(np.float32).tiny))
        counts = flat != 0

        def gradient(upstream: Any) -> Any:
            scale = tf.where(counts, tf.reshape(upstream, [-1]), 0)
            return tf.reshape(tf.tensor_scatter_nd_sub(probabilities * scale[:, None], places, scale), tf.shape(logits))

        return tf.reshape(tf.where(counts, losses, 0), tf.shape(labels)), gradient

    return with_gradient(crossentropy)(logits)
