"""What both models of sequences of numbers do with them before the recurrent layers."""

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from rnn_tf._checks import check_sequences, checked_arrays
from rnn_tf.models.prepared import PreparedModel
from rnn_tf.models.sequences import as_sequences, in_memory, split_inputs
from rnn_tf.models.standardization import Standardization


class SequenceModel(PreparedModel):
    """A model of sequences `[batch, timesteps, features]`, of different lengths, which it standardizes."""

    input_scaling: Standardization
    normalize: bool
    _features: int

    @property
    def _adapted(self) -> bool:
        return self.built and self.input_scaling.learned

    def _parts(self, inputs: Any, mask: Any) -> tuple[Any, Any, Any]:
        """Sequences, their lengths or None, and the mask of the steps or None, of what the model is called on."""
        sequences, lengths = split_inputs(inputs)
        check_sequences(type(self).__name__, sequences.shape, self._features)
        if lengths is not None:  # Keras gives a mask for each entry of a dict
            mask = tf.sequence_mask(lengths, tf.shape(sequences)[1])
        return keras.ops.cast(sequences, self.variable_dtype), lengths, mask

    def _scaled(self, sequences: Any, mask: Any, training: bool) -> Any:
        """Standardized sequences."""
        if training and self.normalize and not self._adapted:
            raise ValueError(
                f"This {type(self).__name__} is to standardize its data, and has not seen them. Received: a call in "
                "training before `adapt`, as when the model is part of another one, or trained by train_on_batch or a "
                "GradientTape. Call model.adapt(x) first, a regressor's model.adapt(x, y), with the data in their own "
                "units; or make the model with normalize=False."
            )
        scaled = self.input_scaling(sequences)
        return scaled if mask is None else tf.where(tf.expand_dims(mask, -1), scaled, 0.0)  # padding may be NaN

    def _checked(self, x: Any) -> Any:
        """Sequences in memory as the model takes them; data of another kind as they are."""
        if not in_memory(x):
            return x
        x = as_sequences(x)
        if self.built:
            check_sequences(type(self).__name__, np.shape(split_inputs(x)[0]), self._features)
        return x

    def _predict(self, x: Any, *args: Any, **kwargs: Any) -> np.ndarray:
        return super()._predict(self._checked(x), *args, **kwargs)

    def _read(self, inputs: Any, method: str) -> np.ndarray:
        """A checked array, for methods that need a built model."""
        if not self.built:
            raise ValueError(f"`{method}` needs a built model. Train it, or call it on data, first.")
        (inputs,) = checked_arrays(inputs=inputs)
        check_sequences(type(self).__name__, inputs.shape, self._features)
        return inputs

    def _learn(self, x: Any, *y: Any) -> None:
        """`adapt`, before training, where that is asked for and nobody has."""
        if not self.normalize or self._adapted:
            return
        if not isinstance(x, (np.ndarray, dict, tf.data.Dataset)):
            raise ValueError(
                "Mean and scale can be learned from sequences in memory or a tf.data.Dataset. Received: x of type "
                f"{type(x).__name__}. Call model.adapt(...) first, or make the model with normalize=False."
            )
        self.adapt(x, *y)
