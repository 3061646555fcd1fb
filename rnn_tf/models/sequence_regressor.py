"""From a sequence of numbers to the numbers that follow from it."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from rnn_tf._checks import check_sequences, positive_integer
from rnn_tf.export.signatures import Endpoint
from rnn_tf.fields.numbers import Numbers, values_of
from rnn_tf.fields.sequences import last_values, split_inputs, steps_inside
from rnn_tf.fields.values import Values
from rnn_tf.models.encoder import Encoder
from rnn_tf.models.heads import ValueHead
from rnn_tf.models.sequence_task import SequenceTask


@keras.saving.register_keras_serializable(package="rnn_tf")
class SequenceRegressor(SequenceTask):
    """Sequences `[batch, timesteps, features]` to values `[batch, horizon]`, both in their own units.

        z_t = (x_t - mean_x) / scale_x                     standardization, where it was learned
        h_t = cell(z_t, h_{t-1})                           one recurrent layer, or several on top of each other
        o_t = scale_y (h_t W_ho + b_o) + mean_y            the answer, in the target's units

    The answer is o_T of the last step or, with `return_sequences`, o_1, ..., o_T. What `adapt` learns lives
    inside the model and is saved and exported with it. The loss is computed on standardized targets and
    answers, so that a learning rate means the same for every unit; metrics are computed in the target's units.

    With `relative`, the last value of the first feature, x_T, is subtracted from all its values and from the
    targets, and added to the answer: a network that has learned nothing answers x_T again (persistence), and a
    series that drifts away from where it was trained still looks the same.

    `fit`, `evaluate`, `predict` and `Trainer.fit` take sequences as an array; as a list of arrays
    `[timesteps, features]` of different lengths or a `tf.RaggedTensor`; or as a dict of padded ones,
    `{"sequences": ..., "lengths": ...}`. What comes after a sequence's length changes nothing.

    Args:
        units: Positive integer, or a list of them for several layers. Not with cells of your own.
        cell: `"elman"`, `"gru"`, `"lstm"`, or parallel in time `"mingru"`, `"minlstm"`, `"lru"`; or a Keras cell of
            your own, or a list of them, one a layer.
        horizon: Positive integer, how many values to answer: the next `horizon` ones, for a forecast.
        return_sequences: Whether to answer at every step, `[batch, timesteps, horizon]`.
        activation: σ of the cells, a name or a function; of a parallel cell that of its candidate, or of an LRU's
            output. Not with cells of your own.
        dropout: Fraction of a layer's inputs to drop in training. Not with cells of your own.
        recurrent_dropout: Fraction of the state to drop in training. Not with parallel cells, or cells of your own.
        relative: Whether to forecast the first feature relative to its last value. Not with `return_sequences`
            or a mask; with lengths it is the last value of each sequence.
        normalize: Whether the first `fit`, or `Trainer.fit`, calls `adapt` if nobody has.
        shards: See `rnn_tf.RNN`.
        **kwargs: `name` and `dtype` of `keras.Model`. Under a mixed policy the recurrent layers compute in
            half precision; standardization and the output layer stay in float32.

    Call arguments:
        inputs: Float tensor `[batch, timesteps, features]`, or a dict of it under `"sequences"` and an integer tensor
            `[batch]` under `"lengths"`.
        mask: Boolean tensor `[batch, timesteps]`; a step where it is False keeps the state.
        training: Whether dropout is active.

    Returns:
        Float tensor, shape `[batch, horizon]`, or `[batch, timesteps, horizon]` with `return_sequences`.

    Raises:
        ValueError: If an argument is out of its range, or the inputs are not of rank 3 with the number of
            features that the model was built for.

    Source: J. L. Elman (1990), "Finding structure in time", Cognitive Science 14.

    Example:
    >>> import numpy as np
    >>> from rnn_tf import SequenceRegressor
    >>> x = np.random.default_rng(0).normal(300, 50, size=[64, 4, 1])
    >>> y = x.mean(axis=1)
    >>> model = SequenceRegressor(units=8)
    >>> model.compile(optimizer="adam", loss="mse")
    >>> history = model.fit(x, y, epochs=2, verbose=0)
    >>> model.predict(x[:3], verbose=0).shape
    (3, 1)
    >>> model.hidden_states(x[:3])[0].shape
    (3, 4, 8)
    """

    field_out: Values

    def __init__(
        self,
        units: int | Sequence[int] | None = None,
        *,
        horizon: int = 1,
        return_sequences: bool = False,
        relative: bool = False,
        normalize: bool = True,
        cell: Any = "elman",
        activation: Any = "tanh",
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        shards: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if relative and return_sequences:
            raise ValueError(
                "`relative` needs the last value, which earlier steps do not know yet: set "
                "`return_sequences=False`. Received: return_sequences=True."
            )
        self.relative = relative
        self._answer: Any = None
        full = self.variable_dtype  # inputs in their own units, and answers, need full precision
        self.field_in = Numbers(type(self).__name__, normalize, any_length=False, name="field_in", dtype=full)
        self.encoder = Encoder(
            units,
            cell=cell,
            activation=activation,
            dropout=dropout,
            recurrent_dropout=recurrent_dropout,
            return_sequences=return_sequences,
            shards=shards,
            name="encoder",
            dtype=self.dtype_policy,
        )
        values = Values(horizon, return_sequences, name="field_out", dtype=full)
        self.head = ValueHead(values.horizon, return_sequences, standardized=normalize, name="head", dtype=full)
        self.field_out = values

    def call(self, inputs: Any, mask: Any = None, training: bool = False) -> Any:
        """The answers, in the target's units: see the class."""
        if not self.relative:
            return super().call(inputs, mask, training)
        if mask is not None and not isinstance(inputs, dict):
            raise ValueError(
                "`relative` needs to know which value is the last. Received: a mask. Give a dict of 'sequences' and "
                "'lengths'."
            )
        answers = super().call(inputs, mask, training)
        return answers + self._last(inputs)

    def read(self, inputs: Any, mask: Any = None, training: bool = False) -> tuple[Any, Any]:
        """What the encoder reads, the first feature relative to its last value if that is asked for."""
        return super().read(self._shifted(inputs), mask, training)

    def _shifted(self, inputs: Any) -> Any:
        if not self.relative:
            return inputs
        sequences, lengths = split_inputs(inputs)
        check_sequences(type(self).__name__, sequences.shape, self.field_in.features)
        sequences = keras.ops.cast(sequences, self.variable_dtype)
        last = last_values(sequences, lengths)
        sequences -= tf.expand_dims(last, 1) * np.eye(1, sequences.shape[2], dtype=self.variable_dtype)
        return sequences if lengths is None else {"sequences": sequences, "lengths": lengths}

    def _last(self, inputs: Any) -> Any:
        return keras.ops.cast(last_values(*split_inputs(inputs)), self.variable_dtype)

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> Any:
        """Keras's loss, on standardized targets and answers."""
        if y is None:
            raise ValueError("SequenceRegressor needs targets. Received: y=None. Give both, as in fit(x, y).")
        y = keras.ops.cast(self.field_out.answers(y, split_inputs(x)[0].shape[1]), self.variable_dtype)
        if self.relative:
            last = self._last(x)
            y, y_pred = y - last, y_pred - last
        y, y_pred = self.field_out.scaling(y), self.field_out.scaling(y_pred)
        return super().compute_loss(x=x, y=y, y_pred=y_pred, sample_weight=sample_weight, training=training)

    def _to_learn_from(self, inputs: Any, targets: Any) -> tuple[np.ndarray, np.ndarray | None]:
        sequences, lengths = split_inputs(inputs)
        values = values_of(tf.nest.map_structure(np.asarray, self._shifted(inputs)))
        if targets is None:
            return values, None
        targets = self.field_out.answers(targets, sequences.shape[1])
        if self.relative:
            targets = targets - np.asarray(last_values(sequences, lengths))
        return values, targets[steps_inside(sequences, lengths)] if self.head.at_every_step else targets

    def forecast(self, inputs: Any, steps: int) -> np.ndarray:
        """The `steps` values that follow each sequence; the model reads its own answers to go on.

            x_{T+1}, ..., x_{T+H} = answer(x_1, ..., x_T)               H = `horizon`
            x_{T+H+1}, ..., x_{T+2H} = answer(x_{1+H}, ..., x_{T+H})    and so on

        Args:
            inputs: Array of shape `[batch, timesteps, 1]`, the latest values of each series.
            steps: Positive integer, how many values.

        Returns:
            Array of shape `[batch, steps]`, in the unit of the inputs.

        Raises:
            ValueError: If the model is not built, reads more than one feature (it does not predict their future) or
                answers at every step, or if inputs or `steps` are not valid.

        Example:
        >>> import numpy as np
        >>> from rnn_tf import SequenceRegressor
        >>> model = SequenceRegressor(units=4, horizon=3, relative=True)
        >>> model.build([None, 8, 1])
        >>> model.forecast(np.arange(16.0).reshape(2, 8, 1), steps=10).shape
        (2, 10)
        """
        inputs = self.prepare_inputs(np.asarray(inputs), built_for="forecast")
        steps = positive_integer("steps", steps)
        if self.field_in.features != 1 or self.head.at_every_step:
            raise ValueError(
                "`forecast` reads its answers again, so that they must continue the one feature of the inputs. "
                f"Received: a model of {self.field_in.features} features with return_sequences="
                f"{self.head.at_every_step}. "
                "Call `predict`, and go on from its answers with what you know of the other features."
            )
        series = inputs[..., 0]  # [batch, timesteps], and growing
        window = inputs.shape[1]
        answer = self._compiled().get_concrete_function(tf.TensorSpec([None, window, 1], inputs.dtype))
        while series.shape[1] < window + steps:
            series = np.concatenate([series, answer(tf.constant(series[:, -window:, np.newaxis]))], axis=1)
        return series[:, window : window + steps]

    def _compiled(self) -> Any:
        """The model as one `tf.function`, which is traced once for each number of steps."""
        if self._answer is None:
            self._answer = tf.function(partial(self.__call__, training=False), autograph=False)
        return self._answer

    def step_endpoint(self) -> Endpoint | str:
        """One step of a stream; or why there is none: see `Served.step_endpoint`."""
        if self.relative:
            return "it forecasts relative to the last value, which a stream does not know yet (relative=True)"
        return super().step_endpoint()

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "relative": self.relative}
