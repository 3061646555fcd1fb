"""Sequences of numbers, in their own units."""

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from rnn_tf._checks import check_sequences, checked_arrays
from rnn_tf.fields.field import InputField, RawInputs
from rnn_tf.fields.sequences import as_sequences, in_memory, one_length_each, shape_of, split_inputs, steps_inside
from rnn_tf.fields.standardization import Moments, Standardization


class Numbers(InputField):
    """Sequences `[batch, timesteps, features]`, of different lengths, standardized.

        z_t = (x_t - mean_x) / scale_x

    Args:
        owner: Name of the model, for errors.
        normalize: Whether mean and scale are learned from the first data that train.
        any_length: Whether an export takes sequences of any length; otherwise of the length that the model was built
            for, where it was built for one.

    Example:
    >>> import numpy as np
    >>> from rnn_tf.fields import Numbers
    >>> field = Numbers("a model", normalize=True, any_length=True)
    >>> rows = field.rows([np.ones([2, 1]), np.zeros([3, 1])])
    >>> rows["sequences"].shape, rows["lengths"].tolist()
    ((2, 3, 1), [2, 3])
    """

    noun = "x"

    def __init__(self, owner: str, normalize: bool, any_length: bool, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.owner = owner
        self.normalize = normalize
        self.any_length = any_length
        self.features: int | None = None
        self.timesteps: int | None = None  # of an export
        self.scaling = Standardization(name="scaling", dtype=self.dtype_policy)

    def build(self, input_shape: Any) -> None:
        """Make the weights; if they exist, change only the number of steps that an export takes."""
        shape = tuple(split_inputs(input_shape)[0])
        check_sequences(self.owner, shape, self.features)
        self.timesteps = None if self.any_length or isinstance(input_shape, dict) else shape[1]
        if self.features is None:
            self.features = shape[2]
            self.scaling.build(shape)
            self._moments = Moments(self.features)

    def sequence_shape(self, input_shape: Any) -> tuple[int | None, ...]:
        return tuple(split_inputs(input_shape)[0])

    def input_shape(self, x: Any) -> Any:
        if not isinstance(x, tf.data.Dataset):
            return shape_of(x) if in_memory(x) else None
        spec = x.element_spec[0] if isinstance(x.element_spec, tuple) else x.element_spec
        shape = getattr(split_inputs(spec)[0], "shape", None)  # None where batches differ
        if shape is None or shape.rank != 3 or shape[2] is None:
            return None
        return {"sequences": tuple(shape), "lengths": (None,)} if isinstance(spec, dict) else tuple(shape)

    def call(self, inputs: Any, mask: Any = None, training: bool = False) -> tuple[Any, Any]:
        sequences, _ = split_inputs(inputs)
        check_sequences(self.owner, sequences.shape, self.features)
        if training and self.must_learn:
            raise ValueError(
                f"This {self.owner} is to standardize its data, and has not seen them. Received: a call in "
                "training before `adapt`, as when the model is part of another one, or trained by train_on_batch or a "
                "GradientTape. Call model.adapt(x) first, a regressor's model.adapt(x, y), with the data in their own "
                "units; or make the model with normalize=False."
            )
        mask = self.steps(inputs, mask)
        scaled = self.scaling(keras.ops.cast(sequences, self.variable_dtype))
        return scaled if mask is None else tf.where(tf.expand_dims(mask, -1), scaled, 0.0), mask  # padding may be NaN

    def steps(self, inputs: Any, mask: Any = None) -> Any:
        sequences, lengths = split_inputs(inputs)  # Keras gives a mask for each entry of a dict
        return mask if lengths is None else tf.sequence_mask(lengths, tf.shape(sequences)[1])

    def takes(self, x: Any) -> bool:
        return in_memory(x)

    def rows(self, column: Any, *, finite: bool = True) -> Any:
        x = as_sequences(column)
        if self.features is not None:
            check_sequences(self.owner, np.shape(split_inputs(x)[0]), self.features)
        return checked_arrays(x=x, booleans=False)[0] if finite else x

    def saw(self, x: Any) -> None:
        if self.timesteps not in (None, np.shape(split_inputs(x)[0])[1]):
            self.timesteps = None  # sequence lengths differ

    @property
    def must_learn(self) -> bool:
        return self.normalize and not (self.built and self.scaling.learned)

    def see(self, values: np.ndarray) -> None:
        self._moments.add(values)

    def learn(self) -> None:
        self.scaling.learn(self._moments)
        self._moments = Moments(len(self._moments.mean))

    def raw_inputs(self) -> RawInputs:
        sequences = tf.TensorSpec([None, self.timesteps, self.features], tf.float32, name="sequences")
        lengths = tf.TensorSpec([None], tf.int32, name="lengths")
        if self.timesteps is not None:
            return RawInputs([sequences], lambda sequences: sequences)
        return RawInputs(
            [sequences, lengths],
            lambda sequences, lengths: {"sequences": sequences, "lengths": one_length_each(lengths, sequences)},
        )

    def step_spec(self) -> tf.TensorSpec:
        return tf.TensorSpec([None, self.features], tf.float32, name="inputs")

    def step(self, inputs: Any) -> tuple[Any, Any]:
        return self.scaling(inputs), tf.ones(tf.shape(inputs)[:1], tf.bool)

    def settings(self) -> dict[str, Any]:
        return {"normalize": self.normalize}


def values_of(rows: Any) -> np.ndarray:
    """The steps `[steps, features]` of all sequences, without padding."""
    sequences, lengths = split_inputs(rows)
    return sequences[steps_inside(sequences, lengths)]
