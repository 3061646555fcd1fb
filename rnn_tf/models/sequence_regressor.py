"""From a sequence of numbers to the numbers that follow from it."""

import inspect
import math
from collections.abc import Iterator, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from rnn_tf._checks import checked_arrays, positive_integer
from rnn_tf.cells import ElmanCell
from rnn_tf.cells.elman import activation_function
from rnn_tf.layers import RNN
from rnn_tf.models.standardization import Moments, Standardization

CELLS = {"elman": ElmanCell, "gru": keras.layers.GRUCell, "lstm": keras.layers.LSTMCell}


@keras.saving.register_keras_serializable(package="rnn_tf")
class SequenceRegressor(keras.Model):
    """Sequences `[batch, timesteps, features]` to values `[batch, horizon]`, both in their own units.

        z_t = (x_t - mean_x) / scale_x                     standardization, where it was learned
        h_t = cell(z_t, h_{t-1})                           one recurrent layer, or several on top of each other
        o_t = scale_y (W_ho h_t + b_o) + mean_y            the answer, in the target's units

    The answer is o_T of the last step or, with `return_sequences`, o_1, ..., o_T. What `adapt` learns lives
    inside the model and is saved and exported with it. The loss is computed on standardized targets and
    answers, so that a learning rate means the same for every unit; metrics are computed in the target's units.

    With `relative`, the last value of the first feature, x_T, is subtracted from all its values and from the
    targets, and added to the answer: a network that has learned nothing answers x_T again (persistence), and a
    series that drifts away from where it was trained still looks the same.

    Args:
        units: Positive integer, or a list of them for several layers. Not with cells of your own.
        cell: `"elman"`, `"gru"` or `"lstm"`; or a Keras cell of your own, or a list of them, one a layer.
        horizon: Positive integer, how many values to answer: the next `horizon` ones, for a forecast.
        return_sequences: Whether to answer at every step, `[batch, timesteps, horizon]`.
        activation: σ of the cells, a name or a function. Not with cells of your own.
        dropout: Fraction of a layer's inputs to drop in training. Not with cells of your own.
        recurrent_dropout: Fraction of the state to drop in training. Not with cells of your own.
        relative: Whether to forecast the first feature relative to its last value. Not with `return_sequences`
            or a mask.
        normalize: Whether the first `fit`, or `Trainer.fit`, calls `adapt` if nobody has.
        shards: Of the recurrent layers, see `rnn_tf.RNN`.
        **kwargs: `name` and `dtype` of `keras.Model`. Under a mixed policy the recurrent layers compute in
            half precision; standardization and the output layer stay in float32.

    Call arguments:
        inputs: Float tensor, shape `[batch, timesteps, features]`.
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
        self.units = units
        self.cell = cell
        self.horizon = positive_integer("horizon", horizon)
        self.return_sequences = return_sequences
        self.activation = activation
        self.dropout = dropout
        self.recurrent_dropout = recurrent_dropout
        if relative and return_sequences:
            raise ValueError(
                "`relative` needs the last value, which earlier steps do not know yet: set "
                "`return_sequences=False`. Received: return_sequences=True."
            )
        self.relative = relative
        self.normalize = normalize
        self.supports_masking = True

        cells = self._make_cells()
        self.input_scaling = Standardization(name="input_scaling", dtype=self.variable_dtype)
        self.recurrent_layers = [
            RNN(
                layer_cell,
                return_sequences=return_sequences or i < len(cells) - 1,
                shards=shards,
                dtype=self.dtype_policy,
                name=f"recurrent_{i}",
            )
            for i, layer_cell in enumerate(cells)
        ]
        self.head = keras.layers.Dense(self.horizon, name="head", dtype=self.variable_dtype)
        self.target_scaling = Standardization(name="target_scaling", dtype=self.variable_dtype)

    def _make_cells(self) -> list[Any]:
        unknown = (
            f"`cell` must be one of {', '.join(map(repr, CELLS))}, or a Keras cell or a list of them: layers with "
            f"a `state_size`, one step each. Received: cell={self.cell!r}."
        )
        if not isinstance(self.cell, str):
            if self.units is not None or (self.activation, self.dropout, self.recurrent_dropout) != (
                "tanh",
                0,
                0,
            ):
                raise ValueError(
                    "A cell of your own has its own size, activation and dropout: give `units`, `activation`, "
                    "`dropout` and `recurrent_dropout` to the cell, not to SequenceRegressor. Received: "
                    f"units={self.units!r}, activation={self.activation!r}, dropout={self.dropout}, "
                    f"recurrent_dropout={self.recurrent_dropout}."
                )
            cells = list(self.cell) if isinstance(self.cell, (list, tuple)) else [self.cell]
            if not cells or not all(isinstance(cell, keras.Layer) and hasattr(cell, "state_size") for cell in cells):
                raise ValueError(unknown)
            if len({id(cell) for cell in cells}) < len(cells):
                raise ValueError("Each layer needs a cell of its own. Received: the same cell twice.")
            return cells
        if self.cell not in CELLS:
            raise ValueError(unknown)
        layers = self.units if isinstance(self.units, (list, tuple)) else [self.units]
        if not layers:
            raise ValueError("`units` must name at least one layer. Received: units=[].")
        return [
            CELLS[self.cell](
                positive_integer("units", units),
                activation=activation_function("activation", self.activation),
                dropout=self.dropout,
                recurrent_dropout=self.recurrent_dropout,
                dtype=self.dtype_policy,
            )
            for units in layers
        ]

    def build(self, input_shape: Sequence[int | None]) -> None:
        self._check_input_shape(input_shape)
        if input_shape[2] is None:
            raise ValueError(
                "SequenceRegressor needs the number of features to make its weights. "
                f"Received: input shape {tuple(input_shape)}."
            )
        self._features = input_shape[2]
        shape = tuple(input_shape)
        self.input_scaling.build(shape)
        for layer in self.recurrent_layers:
            layer.build(shape)
            shape = (*shape[:2], layer.compute_output_shape(shape)[-1])
        self.head.build(shape)
        self.target_scaling.build((None, self.horizon))

    def call(self, inputs: Any, training: bool = False, mask: Any = None) -> Any:
        self._check_input_shape(inputs.shape)
        if self.relative and mask is not None:
            raise ValueError("`relative` needs whole sequences, whose last step is the last value. Received: a mask.")
        inputs = keras.ops.cast(inputs, self.variable_dtype)
        sequence = self.input_scaling(self._shift_inputs(inputs))
        for layer in self.recurrent_layers:
            sequence = layer(sequence, mask=mask, training=training)
        answers = self.target_scaling(self.head(sequence), inverse=True)
        return answers + inputs[:, -1, :1] if self.relative else answers

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        return mask if self.return_sequences else None

    def _shift_inputs(self, inputs: Any) -> Any:
        """[batch, timesteps, features], the first feature relative to its last value if that is asked for."""
        if not self.relative:
            return inputs
        return inputs - inputs[:, -1:, :1] * np.eye(1, inputs.shape[2], dtype=self.variable_dtype)

    def _check_input_shape(self, shape: Sequence[int | None]) -> None:
        features = getattr(self, "_features", None)
        if len(shape) != 3:
            raise ValueError(
                "SequenceRegressor takes sequences of shape [batch, timesteps, features]. "
                f"Received: shape {tuple(shape)}. For one feature add an axis, as in x[..., None]."
            )
        if features is not None and shape[2] not in (features, None):
            raise ValueError(
                f"This SequenceRegressor was built for {features} features a step. Received: shape "
                f"{tuple(shape)}, that is {shape[2]}. Make a new model for other features."
            )

    def _as_answers(self, y: Any, timesteps: int | None) -> Any:
        """Targets with the shape of the answers; the axis of a horizon of 1 may be missing."""
        wanted = (timesteps, self.horizon) if self.return_sequences else (self.horizon,)
        answers = y[..., None] if len(y.shape) == len(wanted) else y
        sizes = tuple(answers.shape[1:])
        if len(sizes) != len(wanted) or any(a != b for a, b in zip(sizes, wanted, strict=True) if None not in (a, b)):
            names = "[batch, timesteps, horizon]" if self.return_sequences else "[batch, horizon]"
            raise ValueError(
                f"`y` must have the shape of the model's answers, {names} = {('batch', *wanted)}. Received: y of shape "
                f"{tuple(y.shape)}. Set `horizon` and `return_sequences` to fit."
            )
        return answers

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
        y = keras.ops.cast(self._as_answers(y, x.shape[1]), self.variable_dtype)
        if self.relative:
            last = keras.ops.cast(x[:, -1, :1], self.variable_dtype)
            y, y_pred = y - last, y_pred - last
        y, y_pred = self.target_scaling(y), self.target_scaling(y_pred)
        return super().compute_loss(x=x, y=y, y_pred=y_pred, sample_weight=sample_weight, training=training)

    def adapt(self, x: Any, y: Any = None) -> None:
        """Learn mean and scale of the inputs and of the targets, so that the model takes and gives raw units.

        Args:
            x: Array `[batch, timesteps, features]`, or a finite `tf.data.Dataset` of `(x, y)` batches.
            y: Array `[batch, horizon]` or `[batch, timesteps, horizon]`; only with an array x.

        Raises:
            ValueError: If the data are empty, endless, not finite, or of the wrong shape.
        """
        inputs_seen, targets_seen = None, Moments(self.horizon)
        for inputs, targets in _chunks(x, y):
            if inputs_seen is None:
                if not self.built:
                    self.build(inputs.shape)
                inputs_seen = Moments(self._features)
            self._check_input_shape(inputs.shape)
            inputs_seen.add(self._shift_inputs(inputs))
            if targets is not None:
                targets = self._as_answers(targets, inputs.shape[1])
                targets_seen.add(targets - inputs[:, -1, :1] if self.relative else targets)
        if inputs_seen is None:
            raise ValueError("`adapt` needs at least one batch. Received: an empty dataset.")
        self.input_scaling.learn(inputs_seen)
        if targets_seen.count:
            self.target_scaling.learn(targets_seen)

    def prepare(self, x: Any, y: Any = None) -> None:
        """What must be learned from the data before training starts: called by `fit` and by `Trainer.fit`."""
        if self.normalize and not self._adapted:
            self.adapt(x, y)

    @property
    def _adapted(self) -> bool:
        return self.built and (self.input_scaling.learned or self.target_scaling.learned)

    def fit(self, x: Any = None, y: Any = None, *args: Any, **kwargs: Any) -> Any:
        """`keras.Model.fit`, after the checks and the `adapt` that `Trainer.fit` makes too."""
        if isinstance(x, tf.data.Dataset):
            self.prepare(x)
        elif hasattr(x, "__array__") or isinstance(x, (list, tuple)):
            x, y = checked_arrays(x=x, y=y)
            # Keras validates on the last rows: nothing may be learned from them.
            call = inspect.signature(super().fit).bind(x, y, *args, **kwargs)
            rows = math.floor(len(x) * (1 - (call.arguments.get("validation_split") or 0.0)))
            self.prepare(x[:rows], None if y is None else y[:rows])
        elif self.normalize and not self._adapted:
            raise ValueError(
                "Mean and scale can be learned from an array or a tf.data.Dataset. Received: x of type "
                f"{type(x).__name__}. Call model.adapt(...) first, or make the model with normalize=False."
            )
        return super().fit(x, y, *args, **kwargs)

    def hidden_states(self, inputs: Any) -> list[np.ndarray]:
        """h_1, ..., h_T of each layer, without dropout.

        Args:
            inputs: Array of shape `[batch, timesteps, features]`.

        Returns:
            A list with an array of shape `[batch, timesteps, units]` for each layer, the first layer first;
            for an LSTM the hidden state h, not the cell state c.
        """
        if not self.built:
            raise ValueError("`hidden_states` needs a built model. Train it, or call it on data, first.")
        (inputs,) = checked_arrays(inputs=inputs)
        self._check_input_shape(inputs.shape)
        sequence = self.input_scaling(self._shift_inputs(inputs))
        hidden_states = []
        for layer in self.recurrent_layers:
            states = layer.get_initial_state(batch_size=len(inputs))
            outputs, hidden = [], []
            for t in range(inputs.shape[1]):
                output, states = layer.cell(sequence[:, t], states)
                outputs.append(output)
                hidden.append(keras.ops.convert_to_numpy(keras.tree.flatten(states)[0]))
            sequence = keras.ops.stack(outputs, axis=1)
            hidden_states.append(np.stack(hidden, axis=1))
        return hidden_states

    def serving_signature(self) -> tuple[Any, list[tf.TensorSpec]]:
        """The function that is exported, and what it takes: `sequences` in, `{"forecast": ...}` out."""

        def forecast(sequences: Any) -> dict[str, Any]:
            return {"forecast": self(sequences, training=False)}

        return forecast, [tf.TensorSpec([None, None, self._features], tf.float32, name="sequences")]

    def get_config(self) -> dict[str, Any]:
        serialize = keras.saving.serialize_keras_object
        return {
            **super().get_config(),
            "units": self.units,
            "cell": self.cell if isinstance(self.cell, str) else serialize(self.cell),
            "horizon": self.horizon,
            "return_sequences": self.return_sequences,
            "activation": serialize(self.activation) if callable(self.activation) else self.activation,
            "dropout": self.dropout,
            "recurrent_dropout": self.recurrent_dropout,
            "relative": self.relative,
            "normalize": self.normalize,
            "shards": self.recurrent_layers[0].shards,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> "SequenceRegressor":
        config = dict(config)
        for name in ("cell", "activation"):
            if not isinstance(config[name], (str, type(None))):
                config[name] = keras.saving.deserialize_keras_object(config[name], custom_objects=custom_objects)
        return cls(**config)


def _chunks(x: Any, y: Any) -> Iterator[tuple[Any, Any]]:
    """Batches of inputs and targets as checked arrays."""
    if not isinstance(x, tf.data.Dataset):
        yield checked_arrays(x=x, y=y)
        return
    if x.cardinality() == tf.data.INFINITE_CARDINALITY:
        raise ValueError(
            "`adapt` needs a finite dataset. Received: an endless one. Call `model.adapt(dataset.take(n))` "
            "before training, or make the model with `normalize=False`."
        )
    for inputs, *rest in x:
        yield checked_arrays(x=inputs, y=rest[0] if rest else None)
