"""From a sequence of numbers to the class that it belongs to."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from rnn_tf._checks import check_sequences, checked_arrays
from rnn_tf.models.classification import Classification
from rnn_tf.models.classifier import ClassifierModel, without_one_hot
from rnn_tf.models.columns import class_names, class_numbers, class_weights
from rnn_tf.models.recurrent_stack import with_objects
from rnn_tf.models.sequence_model import SequenceModel
from rnn_tf.models.sequences import as_sequences, in_memory, shape_of, split_inputs, steps_inside
from rnn_tf.models.standardization import Moments, Standardization, chunks
from rnn_tf.serving.signatures import Endpoint, Signatures, named_answers, one_length_each
from rnn_tf.training.preparation import Prepared


@keras.saving.register_keras_serializable(package="rnn_tf")
class SequenceClassifier(ClassifierModel, SequenceModel):
    """Sequences `[batch, timesteps, features]`, of different lengths, to class probabilities `[batch, classes]`.

        z_t = (x_t - mean_x) / scale_x                     standardization, where it was learned
        h_t = cell(z_t, h_{t-1})                           one recurrent layer, or several on top of each other
        p   = softmax(W pool(h_1, ..., h_T) + b)           pooled over the steps that belong to the sequence

    `fit`, `evaluate`, `predict` and `Trainer.fit` take sequences as an array; as a list of arrays
    `[timesteps, features]` of different lengths or a `tf.RaggedTensor`; or as a dict of padded ones,
    `{"sequences": ..., "lengths": ...}`. What comes after a sequence's length changes nothing. Labels are names or
    numbers of classes, one a sequence, or one-hot rows.

    Args:
        units: Positive integer, or a list of them for several layers. Not with cells of your own.
        classes: How many classes there are, at least 2, or a list of their names.
        cell: `"elman"`, `"gru"` or `"lstm"`; or a Keras cell of your own, or a list of them, one a layer.
        bidirectional: Whether each layer also reads from the end.
        pooling: `"mean"`, `"max"` or `"last"` over time, or a list of them to stand side by side. With `"mean"` and
            `"max"` the loss reaches every step at once; with `"last"` what came early must survive in the state.
        activation: σ of the cells, a name or a function. Not with cells of your own.
        dropout: Fraction to drop in training of each layer's inputs, the same ones at every step, and of what is
            pooled; of the latter only with cells of your own.
        recurrent_dropout: Fraction of the state to drop in training. Not with cells of your own.
        normalize: Whether the first `fit`, or `Trainer.fit`, calls `adapt` if nobody has.
        shards: Of the recurrent layers, see `rnn_tf.RNN`.
        **kwargs: `name` and `dtype` of `keras.Model`. Under a mixed policy the recurrent layers compute in half
            precision; standardization and the output layer stay in float32.

    Call arguments:
        inputs: Float tensor `[batch, timesteps, features]`, or a dict of it under `"sequences"` and an integer tensor
            `[batch]` under `"lengths"`.
        training: Whether dropout is active.
        mask: Boolean tensor `[batch, timesteps]`, in place of lengths; a step where it is False keeps the state.

    Returns:
        Float tensor `[batch, classes]`, each row summing to 1.

    Raises:
        ValueError: If an argument is out of its range, the inputs are not of rank 3 with the number of features that
            the model was built for, or a label is not among the classes.

    Source: J. L. Elman (1990), "Finding structure in time", Cognitive Science 14.

    Example:
    >>> import numpy as np
    >>> from rnn_tf import SequenceClassifier
    >>> random = np.random.default_rng(0)
    >>> x = [random.normal(size=[random.integers(5, 9), 2]) for _ in range(64)]
    >>> y = ["up" if one[-1, 0] > one[0, 0] else "down" for one in x]
    >>> model = SequenceClassifier(units=8, classes=["down", "up"])
    >>> model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    >>> history = model.fit(x, y, epochs=2, verbose=0)
    >>> model.predict(x[:3], verbose=0).shape
    (3, 2)
    """

    def __init__(
        self,
        units: int | Sequence[int] | None = None,
        classes: int | Sequence[Any] = 2,
        cell: Any = "gru",
        bidirectional: bool = False,
        pooling: str | Sequence[str] = "mean",
        activation: Any = "tanh",
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        normalize: bool = True,
        shards: int | None = None,
        **kwargs: Any,
    ) -> None:
        # Inputs in their own units may not fit a half-precision type: they are cast after standardization.
        super().__init__(autocast=False, **kwargs)
        self.supports_masking = True
        self.classes = class_names(classes)
        self.normalize = normalize
        self.input_scaling = Standardization(name="input_scaling", dtype=self.variable_dtype)
        self.classification = Classification(
            len(self.classes),
            pooling,
            units,
            cell,
            activation,
            dropout,
            recurrent_dropout,
            bidirectional,
            shards,
            name="classification",
            dtype=self.dtype_policy,
        )

    def build(self, input_shape: Any) -> None:
        """Make the weights, for sequences `[batch, timesteps, features]`."""
        shape = tuple(split_inputs(input_shape)[0])
        check_sequences(type(self).__name__, shape)
        self._features = shape[2]
        self.input_scaling.build(shape)
        self.classification.build(shape)

    def call(self, inputs: Any, training: bool = False, mask: Any = None) -> Any:
        """Class probabilities `[batch, classes]`: see the class."""
        sequences, _, mask = self._parts(inputs, mask)
        return self.classification(self._scaled(sequences, mask, training), mask=mask, training=training)

    def compute_mask(self, inputs: Any, mask: Any = None) -> None:
        """None: the answer has no steps."""

    def adapt(self, x: Any) -> None:
        """Learn mean and scale of the inputs, so that the model takes raw units.

        Args:
            x: Sequences as `fit` takes them, or a finite `tf.data.Dataset` of batches `(x, y)`.

        Raises:
            ValueError: If the data are empty, endless, not finite, or of the wrong shape.
        """
        moments = None
        for inputs, _ in chunks(x, convert=as_sequences):
            sequences, lengths = split_inputs(inputs)
            if moments is None:
                if not self.built:
                    self.build(shape_of(inputs))
                moments = Moments(self._features)
            check_sequences(type(self).__name__, sequences.shape, self._features)
            moments.add(sequences[steps_inside(sequences, lengths)])
        if moments is None:
            raise ValueError("`adapt` needs at least one batch. Received: an empty dataset.")
        self.input_scaling.learn(moments)

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
        """Sequences as arrays, labels as class numbers; before training, `adapt` where that is asked for."""
        numbers = None
        if in_memory(x):
            if y is None:
                raise ValueError("SequenceClassifier needs labels. Received: y=None. Give fit(x, y).")
            x, numbers = self._checked(x), class_numbers(without_one_hot(y, self.classes), self.classes)
            x, y, sample_weight = checked_arrays(
                x=x, y=self._as_targets(numbers), sample_weight=sample_weight, booleans=False
            )
            if training and not self.built:
                self.build(shape_of(x))
        if training:
            self._learn(x)
        return Prepared(x, y, sample_weight, class_weights(class_weight, numbers, self.classes))

    def hidden_states(self, inputs: Any) -> list[np.ndarray]:
        """h_1, ..., h_T of each layer, without dropout: see `SequenceRegressor.hidden_states`."""
        return self.classification.recurrent.hidden_states(self.input_scaling(self._read(inputs, "hidden_states")))

    def serving_signatures(self) -> Signatures:
        """What is exported: see `rnn_tf.export_saved_model`."""

        def classify(sequences: Any, lengths: Any) -> dict[str, Any]:
            inputs = {"sequences": sequences, "lengths": one_length_each(lengths, sequences)}
            return named_answers(self(inputs, training=False), self.classes)

        predict = Endpoint(
            classify,
            [
                tf.TensorSpec([None, None, self._features], tf.float32, name="sequences"),
                tf.TensorSpec([None], tf.int32, name="lengths"),
            ],
        )
        step = self.classification.step_endpoint(
            tf.TensorSpec([None, self._features], tf.float32, name="inputs"),
            lambda inputs: (self.input_scaling(inputs), tf.ones(tf.shape(inputs)[:1], tf.bool)),
            self.classes,
        )
        return Signatures(predict, step)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            **self.classification.settings(),
            "classes": self.classes,
            "normalize": self.normalize,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> "SequenceClassifier":
        return cls(**with_objects(config, custom_objects))
