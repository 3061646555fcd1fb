"""Weights of classes as weights of rows, or of the steps of rows."""

from typing import Any

import keras
import numpy as np
import tensorflow as tf


def with_class_weight(
    model: keras.Model, data: tuple[Any, ...], class_weight: dict[int, float] | None
) -> tuple[Any, ...]:
    """Arrays `(x, y, sample_weight)` with the weights that `class_weight` gives to the rows, or to each step."""
    if class_weight is None:
        return data
    x, y, sample_weight = data
    if not isinstance(y, np.ndarray):
        raise ValueError(f"`class_weight` needs one array of labels. Received: y of type {type(y).__name__}.")
    if sample_weight is not None:
        raise ValueError("Give `class_weight` or `sample_weight`, not both: multiply them yourself.")
    inputs = tf.nest.map_structure(lambda rows: keras.KerasTensor((None, *rows.shape[1:]), rows.dtype.name), x)
    labels = _labels(y, _answer_shape(model, inputs) if y.ndim > 1 else None)
    return x, y, _weights(labels, class_weight).numpy()


def weighted(model: keras.Model, dataset: tf.data.Dataset, class_weight: dict[int, float] | None) -> tf.data.Dataset:
    """Batches `(x, y)` with the weights that `class_weight` gives to the rows, or to each step."""
    if class_weight is None:
        return dataset
    if isinstance(dataset.element_spec, tuple) and len(dataset.element_spec) == 3:
        raise ValueError("Give `class_weight` or sample weights in the dataset, not both: multiply them yourself.")
    x, y = dataset.element_spec
    if not isinstance(y, tf.TensorSpec) or y.shape.rank is None:
        raise ValueError(
            f"`class_weight` needs one tensor of labels of known rank. Received: {y}. Give weights in the dataset, as "
            "(x, y, sample_weight)."
        )
    shape = None
    if y.shape.rank > 1:
        shape = _answer_shape(
            model, tf.nest.map_structure(lambda spec: keras.KerasTensor(spec.shape, spec.dtype.name), x)
        )
    return dataset.map(lambda x, y: (x, y, _weights(_labels(y, shape), class_weight)))


def _answer_shape(model: keras.Model, inputs: Any) -> tuple[int | None, ...]:
    """The shape of the one answer: it tells labels of steps, `[rows, steps]`, from one-hot rows, `[rows, classes]`."""
    answers = tf.nest.flatten(model(inputs))
    if len(answers) != 1:
        raise ValueError(
            f"`class_weight` needs a model with one answer. Received: {len(answers)} answers. Give `sample_weight`."
        )
    return tuple(answers[0].shape)


def _labels(y: Any, answers: tuple[int | None, ...] | None) -> Any:
    """Class numbers `[rows]` or `[rows, steps]` from labels, with a last axis of 1 or without, or one-hot."""
    if answers is None or len(y.shape) == len(answers) - 1:
        return y
    if len(y.shape) != len(answers):
        raise ValueError(
            f"`class_weight` needs a label for each answer. Received: labels of shape {tuple(y.shape)} for answers of "
            f"shape {answers}. Give `sample_weight`, with the weights that you mean."
        )
    return tf.squeeze(y, axis=-1) if y.shape[-1] == 1 else tf.argmax(y, axis=-1)


def _weights(labels: Any, class_weight: dict[int, float]) -> tf.Tensor:
    labels = tf.cast(labels, tf.int64)
    weights = tf.ones(tf.shape(labels))
    for label, weight in class_weight.items():
        weights = tf.where(labels == label, float(weight), weights)
    return weights
