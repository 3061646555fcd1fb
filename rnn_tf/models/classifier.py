"""What every classifier does with its classes: names in, and names out."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from rnn_tf.evaluation import ClassificationReport, classification_report
from rnn_tf.fields.labels import Labels
from rnn_tf.models.encoder import Encoder
from rnn_tf.models.heads import LabelHead
from rnn_tf.models.task import Task


class Classifier(Task, abstract=True):
    """A task that answers class probabilities `[batch, classes]`; it has the names of its `classes`.

    With `loss="sparse_categorical_crossentropy"` the loss takes class numbers `[batch]`, with any other loss of Keras
    one-hot rows `[batch, classes]`; labels are given as names, numbers or one-hot rows either way.
    """

    field_out: Labels

    @property
    def classes(self) -> list[str]:
        """The names of the classes, in the order of the probabilities."""
        return self.field_out.classes

    def label_network(
        self,
        units: int | Sequence[int] | None,
        pooling: str | Sequence[str],
        dropout: float,
        cell: Any,
        bidirectional: bool,
        activation: Any,
        recurrent_dropout: float,
        shards: int | None,
    ) -> tuple[Encoder, LabelHead]:
        """The encoder, and the head of the labels."""
        encoder = Encoder.at_every_step(
            units, cell, bidirectional, activation, dropout, recurrent_dropout, shards, self.dtype_policy
        )
        head = LabelHead(
            len(self.classes),
            pooling,
            bidirectional,
            dropout,
            self.field_out.at_every_step,
            name="head",
            dtype=self.dtype_policy,
        )
        return encoder, head

    def predict(
        self,
        x: Any,
        batch_size: int | None = None,
        verbose: Any = "auto",
        steps: int | None = None,
        callbacks: keras.callbacks.Callback | None = None,
        *,
        labels: bool = False,
    ) -> np.ndarray:
        """Class probabilities `[rows, classes]`, or with `labels` the name of the most probable class, `[rows]`.

        Where each step has an answer they have an axis of steps behind the rows; after the end of a sequence there are
        NaN, and "" for names.

        Args:
            x: Inputs as `fit` takes them.
            batch_size: As in `fit`.
            verbose: As in `fit`.
            steps: How many batches of a dataset to answer; all of them by default.
            callbacks: As in `fit`.
            labels: Whether to answer names.
        """
        probabilities = super().predict(x, batch_size, verbose, steps, callbacks)
        if not labels:
            return probabilities
        names = np.array(self.classes)[probabilities.argmax(axis=-1)]
        return np.where(np.isnan(probabilities[..., 0]), "", names) if self.head.at_every_step else names

    def report(self, x: Any, y: Any) -> ClassificationReport:
        """How good the answers to `x` with the labels `y` are: see `rnn_tf.evaluation`."""
        if self.head.at_every_step:
            raise ValueError(
                f"A report is for one label a sequence. Received: a {type(self).__name__} that answers each step. Give "
                "rnn_tf.evaluation.span_report lists of labels, the true ones and those of "
                "predict(x, labels=True), cut to the lengths of the sequences."
            )
        return classification_report(self.field_out.rows(y), self.predict(x, verbose=0), self.classes)
