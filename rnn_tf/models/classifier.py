"""What every classifier does with labels: as names or numbers in, as a loss takes them, and as names out."""

import re
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from rnn_tf.evaluation import ClassificationReport, classification_report
from rnn_tf.models.columns import class_numbers
from rnn_tf.models.prepared import PreparedModel

PROBABILITIES = re.compile(  # metrics of Keras that take one-hot labels, by their names without "_"
    "auc|precision.*|recall.*|f1score|fbetascore|.*atspecificity|.*atsensitivity|true.*|false.*|binaryaccuracy|"
    "categoricalaccuracy|topkcategoricalaccuracy|categoricalcrossentropy|binarycrossentropy|onehot.*"
)


class ClassifierModel(PreparedModel):
    """A model of class probabilities `[batch, classes]`; it has the names of its `classes`.

    With `loss="sparse_categorical_crossentropy"` the loss takes class numbers `[batch]`, with any other loss of Keras
    one-hot rows `[batch, classes]`; labels are given as names, numbers or one-hot rows either way.
    """

    classes: list[str]

    def compile(self, *args: Any, **kwargs: Any) -> None:
        """`keras.Model.compile`, after checking that loss and metrics take labels of one form."""
        super().compile(*args, **kwargs)
        given = dict(zip(("optimizer", "loss", "loss_weights", "metrics", "weighted_metrics"), args, strict=False))
        given.update(kwargs)
        for name in ("metrics", "weighted_metrics"):
            for metric in tf.nest.flatten(given.get(name) or []):
                self._check_metric(metric)

    def compile_from_config(self, config: Any) -> None:
        """As Keras's, which leaves a model whose class has a `compile` of its own uncompiled."""
        self.compile(**keras.saving.deserialize_keras_object(config))
        if self.optimizer is not None and self.built:
            self.optimizer.build(self.trainable_variables)

    def _check_metric(self, metric: Any) -> None:
        name = metric if isinstance(metric, str) else getattr(metric, "__name__", type(metric).__name__)
        plain = re.sub("[^a-z0-9]", "", name.lower())
        if self._one_hot and plain.startswith("sparse"):
            raise ValueError(
                f"The metric {name} takes class numbers, and this loss one-hot rows. Received: loss={self.loss!r:.60}. "
                "Write loss='sparse_categorical_crossentropy'."
            )
        if not self._one_hot and PROBABILITIES.fullmatch(plain):
            raise ValueError(
                f"The metric {name} takes one-hot rows, and this loss class numbers. Received: loss={self.loss!r:.60}. "
                "Write loss='categorical_crossentropy'; labels stay names or numbers."
            )

    @property
    def _one_hot(self) -> bool:
        """Whether the compiled loss takes one-hot rows: those of Keras do, but for the sparse ones."""
        loss = getattr(self, "loss", None)
        loss = keras.losses.get(loss) if isinstance(loss, str) else loss
        kind = loss if hasattr(loss, "__name__") else type(loss)
        name = re.sub("[^a-z]", "", getattr(kind, "__name__", "").lower())
        return getattr(kind, "__module__", "").startswith("keras.") and not name.startswith("sparse")

    def _as_targets(self, numbers: np.ndarray) -> np.ndarray:
        """Class numbers `[rows]` as the compiled loss takes them."""
        return np.eye(len(self.classes), dtype="float32")[numbers] if self._one_hot else numbers

    def predict(self, x: Any, *args: Any, labels: bool = False, **kwargs: Any) -> np.ndarray:
        """Class probabilities `[rows, classes]`, or with `labels` the name of the most probable class, `[rows]`."""
        probabilities = self._predict(x, *args, **kwargs)
        return np.array(self.classes)[probabilities.argmax(axis=1)] if labels else probabilities

    def report(self, x: Any, y: Any) -> ClassificationReport:
        """How good the answers to `x` with the labels `y` are: see `rnn_tf.evaluation`."""
        numbers = class_numbers(without_one_hot(y, self.classes), self.classes)
        return classification_report(numbers, self.predict(x, verbose=0), self.classes)


def without_one_hot(labels: Any, classes: Sequence[str]) -> Any:
    """One-hot rows `[rows, classes]` as names; other labels as they are."""
    rows = labels if isinstance(labels, (list, tuple)) else np.asarray(labels) if hasattr(labels, "__array__") else []
    if len(rows) == 0 or {np.shape(row) for row in rows[:2]} != {(len(classes),)}:
        return labels
    try:
        array = np.asarray(rows)
    except ValueError:  # rows of different lengths
        return labels
    if array.dtype.kind not in "fiub" or not np.isin(array, (0, 1)).all() or not (array.sum(axis=1) == 1).all():
        return labels
    return np.array(classes)[array.argmax(axis=1)]
