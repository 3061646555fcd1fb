"""One step of training, and one of validation: plain functions of a model and a batch."""

import inspect
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from rnn_tf.training.workers import Batch, OneWorker


def train_step(model: keras.Model, optimizer: Any, workers: OneWorker, batch: Batch) -> tf.Tensor:
    """One update on one batch `(x, y, sample_weight)`; returns the loss before it.

    If the loss or a gradient is not finite, nothing changes: no weight, no slot of the optimizer, no statistic that
    the model keeps; and what is returned is not finite.

    Args:
        model: The model.
        optimizer: Its optimizer.
        workers: Those that share the batch; the update is the same in each.
        batch: The batch, sample_weight or None.
    """
    (x, y, sample_weight), share = workers.own_rows(batch)
    kept = [variable for variable in model.non_trainable_variables if variable.dtype != "string"]
    before = [tf.identity(variable.value) for variable in kept]
    counted = [variable for metric in model.metrics for variable in metric.variables]
    counts = [] if share is None else [tf.identity(variable.value) for variable in counted]
    with tf.GradientTape() as tape:
        y_pred = model(x, **_training(model, True))
        sample_weight = a_row_each(sample_weight, y_pred)
        loss = model.compute_loss(x=x, y=y, y_pred=y_pred, sample_weight=sample_weight, training=True)
        part = loss if share is None else loss * tf.cast(share, loss.dtype)
        scaled_loss = optimizer.scale_loss(part)
    gradients, joint = workers.joint(tape.gradient(scaled_loss, model.trainable_variables), tf.cast(part, tf.float32))
    finite = tf.math.is_finite(joint)
    if not isinstance(optimizer, keras.optimizers.LossScaleOptimizer):  # that one handles overflows
        for gradient in gradients:
            if gradient is not None:
                finite &= tf.reduce_all(tf.math.is_finite(getattr(gradient, "values", gradient)))

    def track() -> tf.Tensor:
        _track(model, tf.cast(loss, tf.float32), (x, y, sample_weight), y_pred)
        return joint

    def forget() -> tf.Tensor:
        """The row of a worker that has none is another's, and counts there: some losses count by themselves."""
        for variable, value in zip(counted, counts, strict=True):
            variable.assign(value)
        return joint

    def update() -> tf.Tensor:
        optimizer.apply(gradients, model.trainable_variables)
        return track() if share is None else tf.cond(share > 0, track, forget)

    def stop() -> tf.Tensor:
        for variable, value in zip(kept, before, strict=True):
            variable.assign(value)
        return tf.where(tf.math.is_finite(joint), np.nan, joint)

    return tf.cond(finite, update, stop)


def test_step(model: keras.Model, workers: OneWorker, batch: Batch) -> tf.Tensor:
    """Loss and metrics of one batch, into the model's metrics."""
    (x, y, sample_weight), share = workers.own_rows(batch)

    def count() -> tf.Tensor:
        y_pred = model(x, **_training(model, False))
        weight = a_row_each(sample_weight, y_pred)
        loss = model.compute_loss(x=x, y=y, y_pred=y_pred, sample_weight=weight, training=False)
        _track(model, loss, (x, y, weight), y_pred)
        return tf.zeros([])  # a validation loss that is not finite stops nothing

    return count() if share is None else tf.cond(share > 0, count, lambda: tf.zeros([]))


def a_row_each(sample_weight: Any, answers: Any) -> Any:
    """Weights `[batch]` as `[batch, 1]` where the one answer has steps, so that one weighs a row at all of them.

    Keras 3.15 lays `[batch]` along the steps where there are as many of them, and fails where not.
    """
    if not isinstance(answers, tf.Tensor) or sample_weight is None or len(sample_weight.shape) != 1:
        return sample_weight
    return sample_weight[:, None] if len(answers.shape) > 2 else sample_weight


def _training(model: keras.Model, training: bool) -> dict[str, bool]:
    return {"training": training} if "training" in inspect.signature(model.call).parameters else {}


def _track(model: keras.Model, loss: Any, batch: Batch, y_pred: Any) -> None:
    x, y, sample_weight = batch
    rows = tf.shape(tf.nest.flatten(x)[0])[0]
    model.metrics[0].update_state(loss, sample_weight=rows)  # Keras's own tracker of the loss comes first
    model.compute_metrics(x, y, y_pred, sample_weight)
