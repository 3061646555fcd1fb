"""From a sequence of numbers to the class that it belongs to."""

from collections.abc import Sequence
from typing import Any

import keras

from rnn_tf.fields.labels import Labels
from rnn_tf.fields.numbers import Numbers
from rnn_tf.models.classifier import Classifier
from rnn_tf.models.sequence_task import SequenceTask


@keras.saving.register_keras_serializable(package="rnn_tf")
class SequenceClassifier(Classifier, SequenceTask):
    """Sequences `[batch, timesteps, features]`, of different lengths, to class probabilities `[batch, classes]`.

        z_t = (x_t - mean_x) / scale_x                     standardization, where it was learned
        h_t = cell(z_t, h_{t-1})                           one recurrent layer, or several on top of each other
        p   = softmax(W pool(h_1, ..., h_T) + b)           pooled over the steps that belong to the sequence

    With `each="step"` there is an answer at every step, `p_t = softmax(W h_t + b)`, such as the phase of a machine or
    the phoneme of a frame. Labels are one a step then, `[batch, timesteps]` or lists of different lengths, and the loss
    is the mean over the steps that belong to the sequences.

    `fit`, `evaluate`, `predict` and `Trainer.fit` take sequences as an array; as a list of arrays
    `[timesteps, features]` of different lengths or a `tf.RaggedTensor`; or as a dict of padded ones,
    `{"sequences": ..., "lengths": ...}`. What comes after a sequence's length changes nothing. Labels are names or
    numbers of classes, one a sequence, or one-hot rows.

    Args:
        units: Positive integer, or a list of them for several layers. Not with cells of your own.
        classes: How many classes there are, at least 2, or a list of their names.
        each: `"sequence"` or `"step"`: what has a label.
        cell: `"elman"`, `"gru"`, `"lstm"`, or parallel in time `"mingru"`, `"minlstm"`, `"lru"`; or a Keras cell of
            your own, or a list of them, one a layer.
        bidirectional: Whether each layer also reads from the end.
        pooling: `"mean"`, `"max"` or `"last"` over time, or a list of them to stand side by side. With `"mean"` and
            `"max"` the loss reaches every step at once; with `"last"` what came early must survive in the state. Has
            no part with `each="step"`.
        activation: σ of the cells, a name or a function; of a parallel cell that of its candidate, or of an LRU's
            output. Not with cells of your own.
        dropout: Fraction to drop in training of each layer's inputs, the same ones at every step, and of what is
            pooled; with cells of your own, only of what is pooled.
        recurrent_dropout: Fraction of the state to drop in training. Not with parallel cells, or cells of your own.
        normalize: Whether the first `fit`, or `Trainer.fit`, calls `adapt` if nobody has.
        shards: See `rnn_tf.RNN`.
        **kwargs: `name` and `dtype` of `keras.Model`. Under a mixed policy the recurrent layers compute in half
            precision; standardization and the output layer stay in float32.

    Call arguments:
        inputs: Float tensor `[batch, timesteps, features]`, or a dict of it under `"sequences"` and an integer tensor
            `[batch]` under `"lengths"`.
        mask: Boolean tensor `[batch, timesteps]`, in place of lengths; a step where it is False keeps the state.
        training: Whether dropout is active.

    Returns:
        Float tensor `[batch, classes]`, or `[batch, timesteps, classes]`, the last axis summing to 1.

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
        *,
        each: str = "sequence",
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
        super().__init__(**kwargs)
        if each not in ("sequence", "step"):
            raise ValueError(f"`each` must be 'sequence' or 'step'. Received: each={each!r}.")
        self.field_out = Labels(classes, each == "step", name="field_out", dtype=self.variable_dtype)
        self.field_in = Numbers(
            type(self).__name__, normalize, any_length=True, name="field_in", dtype=self.variable_dtype
        )
        self.encoder, self.head = self.label_network(
            units, pooling, dropout, cell, bidirectional, activation, recurrent_dropout, shards
        )
