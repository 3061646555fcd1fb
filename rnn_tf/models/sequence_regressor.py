"""From a sequence of numbers to the numbers that follow from it."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from rnn_tf._checks import check_sequences, checked_arrays, positive_integer
from rnn_tf.models.losses import check_loss
from rnn_tf.models.recurrent_stack import RecurrentStack, with_objects
from rnn_tf.models.sequence_model import SequenceModel
from rnn_tf.models.sequences import as_sequences, in_memory, shape_of, split_inputs, steps_inside
from rnn_tf.models.standardization import Moments, Standardization, chunks
from rnn_tf.models.targets import as_answers, last_values, padded_targets
from rnn_tf.serving.signatures import Endpoint, Signatures, one_length_each
from rnn_tf.training.preparation import Prepared


@keras.saving.register_keras_serializable(package="rnn_tf")
class SequenceRegressor(SequenceModel):
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
        cell: `"elman"`, `"gru"` or `"lstm"`; or a Keras cell of your own, or a list of them, one a layer.
        horizon: Positive integer, how many values to answer: the next `horizon` ones, for a forecast.
        return_sequences: Whether to answer at every step, `[batch, timesteps, horizon]`.
        activation: σ of the cells, a name or a function. Not with cells of your own.
        dropout: Fraction of a layer's inputs to drop in training. Not with cells of your own.
        recurrent_dropout: Fraction of the state to drop in training. Not with cells of your own.
        relative: Whether to forecast the first feature relative to its last value. Not with `return_sequences`
            or a mask; with lengths it is the last value of each sequence.
        normalize: Whether the first `fit`, or `Trainer.fit`, calls `adapt` if nobody has.
        shards: Of the recurrent layers, see `rnn_tf.RNN`.
        **kwargs: `name` and `dtype` of `keras.Model`. Under a mixed policy the recurrent layers compute in
            half precision; standardization and the output layer stay in float32.

    Call arguments:
        inputs: Float tensor `[batch, timesteps, features]`, or a dict of it under `"sequences"` and an integer tensor
            `[batch]` under `"lengths"`.
        training: Whether dropout is active.
        mask: Boolean tensor `[batch, timesteps]`; a step where it is False keeps the state.

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

    def __init__(
        self,
        units: int | Sequence[int] | None = None,
        cell: Any = "elman",
        horizon: int = 1,
        return_sequences: bool = False,
        activation: Any = "tanh",
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        relative: bool = False,
        normalize: bool = True,
        shards: int | None = None,
        **kwargs: Any,
    ) -> None:
        # Inputs in their own units may not fit a half-precision type: they are cast after standardization.
        super().__init__(autocast=False, **kwargs)
        self.horizon = positive_integer("horizon", horizon)
        self.return_sequences = return_sequences
        self.dropout = dropout
        if relative and return_sequences:
            raise ValueError(
                "`relative` needs the last value, which earlier steps do not know yet: set "
                "`return_sequences=False`. Received: return_sequences=True."
            )
        self.relative = relative
        self.normalize = normalize
        self.supports_masking = True
        self._timesteps: int | None = None  # of an export
        self._answer: Any = None

        self.input_scaling = Standardization(name="input_scaling", dtype=self.variable_dtype)
        self.recurrent = RecurrentStack(
            units,
            cell,
            activation,
            dropout,
            recurrent_dropout,
            return_sequences=return_sequences,
            shards=shards,
            name="recurrent",
            dtype=self.dtype_policy,
        )
        self.head = keras.layers.Dense(self.horizon, name="head", dtype=self.variable_dtype)
        self.target_scaling = Standardization(name="target_scaling", dtype=self.variable_dtype)

    def build(self, input_shape: Any) -> None:
        """Make the weights, for sequences `[batch, timesteps, features]`.

        On a built model it changes one thing: the number of steps that an export takes.
        """
        shape = tuple(split_inputs(input_shape)[0])
        check_sequences(type(self).__name__, shape)
        if self.built:
            check_sequences(type(self).__name__, shape, self._features)
            self._timesteps = shape[1]
            return
        self._timesteps = None if isinstance(input_shape, dict) else shape[1]
        self._features = shape[2]
        self.input_scaling.build(shape)
        self.recurrent.build(shape)
        self.head.build(self.recurrent.compute_output_shape(shape))
        self.target_scaling.build((None, self.horizon))

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, ...]:
        """Of the answers, `(batch, horizon)`, or `(batch, timesteps, horizon)` with `return_sequences`."""
        shape = tuple(split_inputs(input_shape)[0])
        return (*shape[: 1 + self.return_sequences], self.horizon)

    def call(self, inputs: Any, training: bool = False, mask: Any = None) -> Any:
        """The answers, in the target's units: see the class."""
        if self.relative and mask is not None and not isinstance(inputs, dict):
            raise ValueError(
                "`relative` needs to know which value is the last. Received: a mask. Give a dict of 'sequences' and "
                "'lengths'."
            )
        sequences, lengths, mask = self._parts(inputs, mask)
        last = last_values(sequences, lengths)
        scaled = self._scaled(self._shift_inputs(sequences, last), mask, training)
        answers = self.target_scaling(self.head(self.recurrent(scaled, mask=mask, training=training)), inverse=True)
        return answers + last if self.relative else answers

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """The mask of the steps, if each has an answer."""
        sequences, lengths = split_inputs(inputs)
        if lengths is not None:
            mask = tf.sequence_mask(lengths, tf.shape(sequences)[1])
        return mask if self.return_sequences else None

    def _shift_inputs(self, sequences: Any, last: Any) -> Any:
        """[batch, timesteps, features], the first feature relative to its last value if that is asked for."""
        if not self.relative:
            return sequences
        return sequences - last[:, np.newaxis] * np.eye(1, sequences.shape[2], dtype=self.variable_dtype)

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
            raise ValueError("SequenceRegressor needs targets. Received: y=None. Give fit(x, y).")
        sequences, lengths = split_inputs(x)
        y = as_answers(y, self.horizon, self.return_sequences, sequences.shape[1])
        y = keras.ops.cast(y, self.variable_dtype)
        if self.relative:
            last = keras.ops.cast(last_values(sequences, lengths), self.variable_dtype)
            y, y_pred = y - last, y_pred - last
        y, y_pred = self.target_scaling(y), self.target_scaling(y_pred)
        return super().compute_loss(x=x, y=y, y_pred=y_pred, sample_weight=sample_weight, training=training)

    def adapt(self, x: Any, y: Any = None) -> None:
        """Learn mean and scale of the inputs and of the targets, so that the model takes and gives raw units.

        Args:
            x: Sequences as `fit` takes them, or a finite `tf.data.Dataset` of `(x, y)` batches.
            y: Array `[batch, horizon]` or `[batch, timesteps, horizon]`; only with an array x.

        Raises:
            ValueError: If the data are empty, endless, not finite, or of the wrong shape.
        """
        inputs_seen, targets_seen = None, Moments(self.horizon)
        for inputs, targets in chunks(x, y, convert=as_sequences):
            sequences, lengths = split_inputs(inputs)
            if inputs_seen is None:
                if not self.built:
                    self.build(_batch_shape(x) or shape_of(inputs))
                inputs_seen = Moments(self._features)
            check_sequences(type(self).__name__, sequences.shape, self._features)
            last, inside = np.asarray(last_values(sequences, lengths)), steps_inside(sequences, lengths)
            inputs_seen.add(self._shift_inputs(sequences, last)[inside])
            if targets is not None:
                targets = as_answers(targets, self.horizon, self.return_sequences, sequences.shape[1])
                targets_seen.add(
                    targets - last if self.relative else targets[inside] if self.return_sequences else targets
                )
        if inputs_seen is None:
            raise ValueError("`adapt` needs at least one batch. Received: an empty dataset.")
        self.input_scaling.learn(inputs_seen)
        if targets_seen.count:
            self.target_scaling.learn(targets_seen)

    def prepare_data(
        self,
        x: Any,
        y: Any = None,
        sample_weight: Any = None,
        class_weight: Any = None,
        *,
        training: bool,
        batch_size: int | None = None,
        shuffle: bool = False,
        seed: int | None = None,
    ) -> Prepared:
        """Checked arrays, or data of another kind as they are; before training, `adapt` where that is asked for."""
        if training and self.normalize:
            check_loss(getattr(self, "loss", None))
        if in_memory(x):
            x, y = self._checked(x), padded_targets(y) if self.return_sequences else y
            x, y, sample_weight = checked_arrays(x=x, y=y, sample_weight=sample_weight, booleans=False)
            if self.return_sequences and y is not None:
                y = as_answers(y, self.horizon, True)  # else metrics would take the steps for a horizon
            if training and not self.built:
                self.build(shape_of(x))
            elif training and self._timesteps not in (None, split_inputs(x)[0].shape[1]):
                self._timesteps = None  # it has seen several
        if training and not self.built and (shape := _batch_shape(x)):
            self.build(shape)  # Keras would take the first batch's number of steps for that of all
        if training:
            self._learn(x, y)
        return Prepared(x, y, sample_weight, class_weight)

    def forecast(self, inputs: Any, steps: int) -> np.ndarray:
        """The `steps` values that follow each sequence, the answers being read as the series goes on.

            x_{T+1}, ..., x_{T+H} = answer(x_1, ..., x_T)               H = `horizon`
            x_{T+H+1}, ..., x_{T+2H} = answer(x_{1+H}, ..., x_{T+H})    and so on

        Args:
            inputs: Array of shape `[batch, timesteps, 1]`, the latest values of each series.
            steps: Positive integer, how many values.

        Returns:
            Array of shape `[batch, steps]`, in the unit of the inputs.

        Raises:
            ValueError: If the model is not built, reads more than one feature (whose future it does not tell) or
                answers at every step, or if inputs or `steps` are not as they must be.

        Example:
        >>> import numpy as np
        >>> from rnn_tf import SequenceRegressor
        >>> model = SequenceRegressor(units=4, horizon=3, relative=True)
        >>> model.build([None, 8, 1])
        >>> model.forecast(np.arange(16.0).reshape(2, 8, 1), steps=10).shape
        (2, 10)
        """
        inputs = self._read(inputs, "forecast")
        steps = positive_integer("steps", steps)
        if self._features != 1 or self.return_sequences:
            raise ValueError(
                "`forecast` reads its answers again, so that they must continue the one feature of the inputs. "
                f"Received: a model of {self._features} features with return_sequences={self.return_sequences}. "
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

    def hidden_states(self, inputs: Any) -> list[np.ndarray]:
        """h_1, ..., h_T of each layer, without dropout.

        Args:
            inputs: Array of shape `[batch, timesteps, features]`.

        Returns:
            A list with an array of shape `[batch, timesteps, units]` for each layer, the first layer first;
            for an LSTM the hidden state h, not the cell state c.
        """
        sequences = self._read(inputs, "hidden_states")
        sequence = self.input_scaling(self._shift_inputs(sequences, sequences[:, -1, :1]))
        return self.recurrent.hidden_states(sequence)

    def serving_signatures(self) -> Signatures:
        """What is exported: see `rnn_tf.export_saved_model`."""
        sequences = tf.TensorSpec([None, self._timesteps, self._features], tf.float32, name="sequences")
        lengths = tf.TensorSpec([None], tf.int32, name="lengths")

        def forecast(sequences: Any, lengths: Any = None) -> dict[str, Any]:
            inputs = sequences
            if lengths is not None:
                inputs = {"sequences": sequences, "lengths": one_length_each(lengths, sequences)}
            return {"forecast": self(inputs, training=False)}

        specs = [sequences] if self._timesteps is not None else [sequences, lengths]
        return Signatures(Endpoint(forecast, specs), self._step_endpoint())

    def _step_endpoint(self) -> Endpoint | str:
        if self.relative:
            return "it forecasts relative to the last value, which a stream does not know yet (relative=True)"
        states = self.recurrent.state_specs()
        if isinstance(states, str):
            return states

        def step(inputs: Any, *before: Any) -> dict[str, Any]:
            output, after = self.recurrent.step(self.input_scaling(inputs), before)
            answers = self.target_scaling(self.head(output), inverse=True)
            return {"forecast": answers, **{spec.name: s for spec, s in zip(states, after, strict=True)}}

        return Endpoint(step, [tf.TensorSpec([None, self._features], tf.float32, name="inputs"), *states])

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            **self.recurrent.settings(),
            "horizon": self.horizon,
            "return_sequences": self.return_sequences,
            "dropout": self.dropout,
            "relative": self.relative,
            "normalize": self.normalize,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> "SequenceRegressor":
        return cls(**with_objects(config, custom_objects))


def _batch_shape(x: Any) -> tf.TensorShape | None:
    """The shape of a dataset's inputs, with None where its batches differ; None where it is not known."""
    if not isinstance(x, tf.data.Dataset):
        return None
    shape = tf.nest.flatten(x.element_spec)[0].shape
    return shape if shape.rank == 3 and shape[2] is not None else None
