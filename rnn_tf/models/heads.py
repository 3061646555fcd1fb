"""From the states of the encoder to the answers, with the loss that they are trained on."""

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from rnn_tf._abstract import Abstract
from rnn_tf.models.losses import check_metric, check_regression_loss, takes_one_hot
from rnn_tf.models.time_pooling import TimePooling


class Head(Abstract, keras.layers.Layer, abstract=True):
    """The last layer of a task: states `[batch, timesteps, units]`, or the last one `[batch, units]`, to answers.

    Attributes:
        loss: The loss of Keras that the answers are trained on, unless `compile` names another.
        at_every_step: Whether there is an answer at every step.
    """

    needs = ("loss",)
    loss: str
    at_every_step: bool = False

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.supports_masking = True

    @abstractmethod
    def build(self, input_shape: Any) -> None:
        """Make the weights, for states of this shape."""

    @abstractmethod
    def call(self, states: Any, mask: Any = None, training: bool = False) -> Any:
        """The answers."""

    @abstractmethod
    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, ...]:
        """The shape of the answers."""

    @abstractmethod
    def check(self, loss: Any, metrics: Sequence[Any] = ()) -> None:
        """Raise ValueError if a loss or a metric of Keras means nothing on these answers."""

    @abstractmethod
    def settings(self) -> dict[str, Any]:
        """The settings that this head holds for the config: those that the `__init__` of its task names count."""

    def targets(self, rows: Any, loss: Any) -> Any:
        """The checked rows of the answers' field, as the loss takes them."""
        return rows

    def state_specs(self) -> list[tf.TensorSpec]:
        """What a stream must remember besides the encoder's states, zeros before the first step."""
        return []

    def step(self, output: Any, state: Sequence[Any], present: Any) -> tuple[Any, list[Any]]:
        """The answers after one more step of a stream, and the state after it.

        Args:
            output: The encoder's, `[batch, units]`.
            state: As `state_specs` says.
            present: Bools `[batch]`, whether there is a step.
        """
        return self(output), []

    def compute_mask(self, states: Any, mask: Any = None) -> Any:
        return mask if self.at_every_step else None


class ValueHead(Head):
    """Values `[batch, horizon]`, or `[batch, timesteps, horizon]` at every step: o = W h + b.

    Args:
        horizon: How many values an answer has.
        at_every_step: Whether there is an answer at every step.
        standardized: Whether the loss is computed on standardized targets.
    """

    loss = "mse"

    def __init__(self, horizon: int, at_every_step: bool, standardized: bool, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.at_every_step = at_every_step
        self.standardized = standardized
        self.dense = keras.layers.Dense(horizon, name="dense", dtype=self.dtype_policy)

    def build(self, input_shape: Any) -> None:
        self.dense.build(input_shape)

    def call(self, states: Any, mask: Any = None, training: bool = False) -> Any:
        return self.dense(states)

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, ...]:
        return (*input_shape[:-1], self.dense.units)

    def check(self, loss: Any, metrics: Sequence[Any] = ()) -> None:
        if self.standardized:
            check_regression_loss(loss)

    def settings(self) -> dict[str, Any]:
        return {}


class LabelHead(Head):
    """Class probabilities `[batch, classes]` of a whole sequence, or `[batch, timesteps, classes]` of each step.

        p   = softmax(W dropout(pool(h_1, ..., h_T)) + b)
        p_t = softmax(W dropout(h_t) + b)

    Args:
        classes: How many.
        pooling: See `TimePooling`. Has no part where there is an answer at every step.
        bidirectional: Whether the encoder also reads from the end.
        dropout: Fraction of what is pooled to drop in training.
        at_every_step: Whether there is an answer at every step.
    """

    loss = "sparse_categorical_crossentropy"

    def __init__(
        self,
        classes: int,
        pooling: str | Sequence[str],
        bidirectional: bool,
        dropout: float,
        at_every_step: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.at_every_step = at_every_step
        self.pooling = TimePooling(pooling, bidirectional, name="pooling", dtype=self.dtype_policy)
        self.dropout = keras.layers.Dropout(dropout, name="dropout", dtype=self.dtype_policy)
        # In full precision: probabilities next to 0 and 1 need it.
        self.dense = keras.layers.Dense(classes, activation="softmax", name="dense", dtype=self.variable_dtype)

    def build(self, input_shape: Any) -> None:
        self.dense.build(input_shape if self.at_every_step else self.pooling.compute_output_shape(input_shape))

    def call(self, states: Any, mask: Any = None, training: bool = False) -> Any:
        pooled = states if self.at_every_step else self.pooling(states, mask=mask)
        return self.dense(self.dropout(pooled, training=training))

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, ...]:
        return (*(input_shape[:2] if self.at_every_step else input_shape[:1]), self.dense.units)

    def check(self, loss: Any, metrics: Sequence[Any] = ()) -> None:
        for metric in metrics:
            check_metric(metric, loss)

    def targets(self, rows: np.ndarray, loss: Any) -> np.ndarray:
        return np.eye(self.dense.units, dtype="float32")[rows] if takes_one_hot(loss) else rows

    def state_specs(self) -> list[tf.TensorSpec]:
        if self.at_every_step:
            return []
        return self.pooling.state_specs(self.dense.kernel.shape[0] // len(self.pooling.kinds))

    def step(self, output: Any, state: Sequence[Any], present: Any) -> tuple[Any, list[Any]]:
        pooled, after = (output, []) if self.at_every_step else self.pooling.step(output, state, present)
        return self.dense(pooled), after

    def settings(self) -> dict[str, Any]:
        each = "step" if self.at_every_step else "sequence"
        return {"pooling": list(self.pooling.kinds), "each": each, "dropout": self.dropout.rate}
