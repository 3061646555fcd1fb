"""The part that every classifier has: from vectors at all steps to class probabilities."""

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from rnn_tf.models.recurrent_stack import RecurrentStack
from rnn_tf.models.time_pooling import TimePooling


class Classification(keras.layers.Layer):
    """Vectors `[batch, timesteps, features]` to class probabilities `[batch, classes]`.

        h_1, ..., h_T = recurrent layers(x_1, ..., x_T)
        p = softmax(W dropout(pool(h_1, ..., h_T)) + b)

    Args:
        classes: How many.
        pooling: Of `TimePooling`.
        units, cell, activation, dropout, recurrent_dropout, bidirectional, shards: Of `RecurrentStack`; `dropout` also
            of what is pooled, and only of that for cells of the user's own.
    """

    def __init__(
        self,
        classes: int,
        pooling: str | Sequence[str],
        units: int | Sequence[int] | None,
        cell: Any,
        activation: Any,
        dropout: float,
        recurrent_dropout: float,
        bidirectional: bool,
        shards: int | None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.supports_masking = True
        self.recurrent = RecurrentStack(
            units,
            cell,
            activation,
            dropout if isinstance(cell, str) else 0.0,
            recurrent_dropout,
            bidirectional,
            return_sequences=True,
            shards=shards,
            name="recurrent",
            dtype=self.dtype_policy,
        )
        self.pooling = TimePooling(pooling, bidirectional, name="pooling", dtype=self.dtype_policy)
        self.dropout = keras.layers.Dropout(dropout, name="dropout", dtype=self.dtype_policy)
        # In full precision: probabilities next to 0 and 1 need it.
        self.head = keras.layers.Dense(classes, activation="softmax", name="head", dtype=self.variable_dtype)

    @property
    def layers(self) -> list[keras.layers.Layer]:
        return [self.recurrent, self.pooling, self.dropout, self.head]

    def build(self, input_shape: Any) -> None:
        self.recurrent.build(input_shape)
        self.head.build(self.pooling.compute_output_shape(self.recurrent.compute_output_shape(input_shape)))

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, ...]:
        return input_shape[0], self.head.units

    def call(self, sequence: Any, mask: Any = None, training: bool = False) -> Any:
        states = self.recurrent(sequence, mask=mask, training=training)
        return self.head(self.dropout(self.pooling(states, mask=mask), training=training))

    def compute_mask(self, sequence: Any, mask: Any = None) -> None:
        return None

    def settings(self) -> dict[str, Any]:
        """The arguments, as a model's `get_config` shows them."""
        return {
            **self.recurrent.settings(),
            "pooling": list(self.pooling.kinds),
            "dropout": self.dropout.rate,
            "bidirectional": self.recurrent.bidirectional,
        }


def named_answers(probabilities: Any, classes: Sequence[str]) -> dict[str, Any]:
    """What an exported classifier answers: label `[batch]`, probabilities and classes `[batch, classes]`."""
    names = tf.constant(classes)
    return {
        "label": tf.gather(names, tf.argmax(probabilities, axis=-1)),
        "probabilities": probabilities,
        "classes": tf.tile(names[tf.newaxis], [tf.shape(probabilities)[0], 1]),
    }
