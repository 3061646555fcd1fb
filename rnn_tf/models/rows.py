"""Turns data as people have them into checked rows and batches, in one way for training and prediction."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import tensorflow as tf

from rnn_tf._abstract import Abstract
from rnn_tf._checks import CHUNK, checked_arrays, same_rows
from rnn_tf.fields.columns import columns_of
from rnn_tf.fields.field import AnswerField, InputField
from rnn_tf.fields.labels import Labels
from rnn_tf.fields.sequences import split_inputs
from rnn_tf.models.heads import Head
from rnn_tf.training.batches import Batches, Ragged
from rnn_tf.training.preparation import Prepared, PreparesData, rows_of


class PreparesRows(Abstract, PreparesData, abstract=True):
    """The part of a task that turns columns into rows, once, and lets the fields learn from them."""

    built: bool
    field_in: InputField
    field_out: AnswerField
    head: Head

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
        """Checked rows, or batches of rows of similar length; before training, what must be learned is learned."""
        if not self.field_in.takes(x):  # batches for the network, or something else that Keras knows
            if training:
                self._make_ready(x)
            return Prepared(x, y, sample_weight, self.field_out.class_weights(class_weight, None))
        if isinstance(x, tf.data.Dataset):
            x, y, sample_weight, size = columns_of(x, y, sample_weight)
            batch_size = batch_size or size
        if y is None:
            raise ValueError(
                f"{type(self).__name__} needs {self.field_out.noun}. Received: y=None. Give both, as in fit(x, y)."
            )
        x, y, sample_weight = self.rows(x, y, sample_weight)
        if training:
            self._make_ready(x, y)
        class_weight = self.field_out.class_weights(class_weight, y)
        numbers, y = y, self.head.targets(y, getattr(self, "loss", None))
        if self.head.at_every_step and sample_weight is not None and sample_weight.ndim == 1:
            sample_weight = sample_weight[:, None]  # see `rnn_tf.training.step.a_row_each`
        labels = isinstance(self.field_out, Labels)
        if self.head.at_every_step and labels and class_weight:  # Keras takes `[batch, timesteps]` for one-hot rows
            by_step = np.array([class_weight[label] for label in sorted(class_weight)], "float32")[numbers]
            sample_weight, class_weight = by_step if sample_weight is None else by_step * sample_weight, None
        if not isinstance(x, Ragged):
            return Prepared(x, y, sample_weight, class_weight)
        size = 32 if batch_size is None else batch_size
        batches = Batches((x, y, sample_weight), size, shuffle=shuffle, seed=seed)
        return Prepared(batches, class_weight=class_weight)

    def prepare_inputs(self, x: Any, built_for: str | None = None) -> Any:
        """Inputs alone as rows, which may hold NaN; `built_for` names a method that needs a built model."""
        if built_for and not self.built:
            raise ValueError(f"`{built_for}` needs a built model. Train it, or call it on data, first.")
        if not self.field_in.takes(x):
            return x
        return self.field_in.rows(columns_of(x)[0] if isinstance(x, tf.data.Dataset) else x, finite=bool(built_for))

    def rows(self, x: Any, y: Any = None, sample_weight: Any = None) -> tuple[Any, Any, Any]:
        """The three columns, checked once; None stays."""
        x, y = self.field_in.rows(x), None if y is None else self.field_out.rows(y)
        (sample_weight,) = checked_arrays(sample_weight=sample_weight)
        target = "y" if self.field_in.noun == "x" else self.field_out.noun
        same_rows(**{self.field_in.noun: x, target: y, "sample_weight": sample_weight})
        return x, y, sample_weight

    def _make_ready(self, x: Any, y: Any = None) -> None:
        """Make the weights, and learn what must be learned from the first data that train."""
        shape = self.field_in.input_shape(x)
        if not self.built and shape is not None:
            self.build(shape)  # type: ignore[attr-defined] # of keras.Model
        if self.field_in.takes(x):
            self.field_in.saw(x)
        if self.field_in.must_learn:
            self._learn(x, y)

    def _learn(self, x: Any, y: Any = None) -> None:
        """Let the fields learn, from checked rows or a dataset of batches."""
        seen = False
        for inputs, targets in self._chunks(x, y):
            if not self.built:
                self.build(self.field_in.input_shape(x) or self.field_in.input_shape(inputs))  # type: ignore[attr-defined]
            inputs, targets = self._to_learn_from(inputs, targets)
            self.field_in.see(inputs)
            if targets is not None:
                self.field_out.see(targets)
            seen = True
        if not seen:
            raise ValueError("`adapt` needs at least one batch. Received: an empty dataset.")
        self.field_in.learn()
        self.field_out.learn()

    def _chunks(self, x: Any, y: Any) -> Iterator[tuple[Any, Any]]:
        if not isinstance(x, tf.data.Dataset):
            if not self.field_in.takes(x):
                raise ValueError(
                    "Mean and scale can be learned from sequences in memory or a tf.data.Dataset. Received: x of type "
                    f"{type(x).__name__}. Call model.adapt(...) first, or make the model with normalize=False."
                )
            sequences = split_inputs(x)[0]
            rows = max(1, CHUNK // sequences[0].size)
            for first in range(0, len(sequences), rows):
                yield rows_of(x, slice(first, first + rows)), rows_of(y, slice(first, first + rows))
            return
        if x.cardinality() == tf.data.INFINITE_CARDINALITY:
            raise ValueError(
                "`adapt` needs a finite dataset. Received: an endless one. Call `model.adapt(dataset.take(n))` "
                "before training, or make the model with `normalize=False`."
            )
        for inputs, *rest in x:
            yield self.field_in.rows(inputs), self.field_out.rows(rest[0]) if rest else None

    def _to_learn_from(self, inputs: Any, targets: Any) -> tuple[np.ndarray, np.ndarray | None]:
        """The values `[values, features]` of checked inputs that the fields learn from, and those of the targets."""
        raise NotImplementedError(f"{type(self).__name__} has fields that must learn, and does not say from what.")
