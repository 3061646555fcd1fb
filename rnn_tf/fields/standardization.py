"""Standardization that lives inside a model and travels with it."""

from typing import Any

import keras
import numpy as np
import tensorflow as tf


class Standardization(keras.layers.Layer):
    """z = (x - mean) / scale, feature by feature; with `inverse`, x = z scale + mean.

    Its weights are not trained: `learn` sets them. Until then it changes nothing (mean 0, scale 1). Whether it has
    learned is a weight, too: data of mean 0 and deviation 1 leave no other trace.
    Unlike `keras.layers.Normalization` it holds them as variables only, so that `set_weights` and functions
    traced earlier see what was learned.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.supports_masking = True

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        shape = (input_shape[-1],)
        self.mean = self.add_weight(shape=shape, name="mean", initializer="zeros", trainable=False)
        self.scale = self.add_weight(shape=shape, name="scale", initializer="ones", trainable=False)

        self._learned = self.add_weight(shape=(), name="learned", dtype="bool", initializer="zeros", trainable=False)

    def call(self, inputs: Any, inverse: bool = False) -> Any:
        return inputs * self.scale + self.mean if inverse else (inputs - self.mean) / self.scale

    def compute_output_shape(self, input_shape: Any, inverse: bool = False) -> Any:
        return input_shape

    @property
    def learned(self) -> bool:
        """Whether `learn` was called, even if before the model was saved."""
        with tf.init_scope():  # also while a function is traced
            return bool(self._learned.numpy())

    def learn(self, moments: "Moments") -> None:
        """Set mean and scale to the mean and standard deviation seen. A feature that never changes keeps scale 1."""
        deviation = np.sqrt(moments.squares / moments.count)
        # A constant column leaves rounding errors behind: a scale of 1e-17 would blow them up.
        constant = deviation <= 1e-7 * np.abs(moments.mean)
        self.mean.assign(moments.mean)
        self.scale.assign(np.where(constant, 1.0, deviation))
        self._learned.assign(True)


class Moments:
    """Mean and sum of squared deviations, feature by feature, of all rows of `[..., features]` chunks, in float64.

    Source: T. F. Chan, G. H. Golub and R. J. LeVeque (1979), "Updating formulae and a pairwise algorithm for
    computing sample variances".
    """

    def __init__(self, features: int) -> None:
        self.count = 0
        self.mean = np.zeros(features)
        self.squares = np.zeros(features)

    def add(self, chunk: np.ndarray) -> None:
        rows = np.asarray(chunk, np.float64).reshape(-1, len(self.mean))
        mean, total = rows.mean(axis=0), self.count + len(rows)
        delta = mean - self.mean
        self.squares += ((rows - mean) ** 2).sum(axis=0) + delta**2 * self.count * len(rows) / total
        self.mean += delta * len(rows) / total
        self.count = total
