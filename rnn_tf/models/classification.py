"""The part that every classifier has: from vectors at all steps to class probabilities."""

from collections.abc import Callable, Sequence
from typing import Any

import keras
import tensorflow as tf

from rnn_tf.models.recurrent_stack import RecurrentStack
from rnn_tf.models.time_pooling import TimePooling
from rnn_tf.serving.signatures import Endpoint, named_answers


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

    def step_endpoint(
        self, token: tf.TensorSpec, embed: Callable[[Any], tuple[Any, Any]], classes: Sequence[str]
    ) -> Endpoint | str:
        """One step of a stream, for `Signatures.step`.

        Args:
            token: What one step takes.
            embed: Gives of that the vectors `[batch, features]`, and whether each is there, bools `[batch]`.
            classes: Their names.
        """
        states = self.recurrent.state_specs()
        if isinstance(states, str):
            return states
        pooled = self.pooling.state_specs(self.head.kernel.shape[0] // len(self.pooling.kinds))

        def step(inputs: Any, *before: Any) -> dict[str, Any]:
            vectors, present = embed(inputs)
            output, after = self.recurrent.step(vectors, before[: len(states)], present)
            vector, sums = self.pooling.step(output, before[len(states) :], present)
            specs = (*states, *pooled)
            return {
                **named_answers(self.head(vector), classes),
                **{spec.name: state for spec, state in zip(specs, (*after, *sums), strict=True)},
            }

        return Endpoint(step, [token, *states, *pooled])

    def settings(self) -> dict[str, Any]:
        """The arguments, as a model's `get_config` shows them."""
        return {
            **self.recurrent.settings(),
            "pooling": list(self.pooling.kinds),
            "dropout": self.dropout.rate,
            "bidirectional": self.recurrent.bidirectional,
        }
