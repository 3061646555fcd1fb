"""From states to how likely each token of a vocabulary is next."""

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from rnn_tf.models.crossentropy import TokenCrossentropy
from rnn_tf.models.heads import Head


class VocabularyHead(Head):
    """Logits `[batch, timesteps, size]` of the next token.

        z_t = W dropout(h_t) + b,   tied: W = E, the table of the tokens' vectors

    Args:
        size: How many tokens there are.
        dropout: Fraction of h to drop in training, the same at every step of a row.
        tied: Whether `call` is given W.

    Source: O. Press and L. Wolf (2017), "Using the output embedding to improve language models", EACL.
    """

    loss = TokenCrossentropy()
    at_every_step = True

    def __init__(self, size: int, dropout: float, tied: bool, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.size = size
        self.tied = tied
        self.dropout = keras.layers.SpatialDropout1D(dropout, name="dropout", dtype=self.dtype_policy)

    def build(self, input_shape: Any) -> None:
        self.width = input_shape[-1]
        if not self.tied:
            self.kernel = self.add_weight(shape=(input_shape[-1], self.size), name="kernel")
        self.bias = self.add_weight(shape=(self.size,), initializer="zeros", name="bias")

    def call(self, states: Any, mask: Any = None, training: bool = False, table: Any = None) -> Any:
        states = self.dropout(states, training=training)
        rows = tf.reshape(states, [-1, self.width])
        if self.tied:
            logits = tf.matmul(rows, table, transpose_b=True)
        else:
            logits = tf.matmul(rows, tf.cast(self.kernel, rows.dtype))
        logits = tf.cast(logits, self.variable_dtype) + tf.cast(self.bias, self.variable_dtype)
        return tf.reshape(logits, tf.concat([tf.shape(states)[:-1], [self.size]], 0))

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, ...]:
        return (*input_shape[:-1], self.size)

    def check(self, loss: Any, metrics: Sequence[Any] = ()) -> None:
        """Any loss of ids and logits will do."""

    def settings(self) -> dict[str, Any]:
        return {"dropout": self.dropout.rate}
