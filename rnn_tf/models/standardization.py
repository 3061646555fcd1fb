"""Standardization that lives inside a model and travels with it."""

from collections.abc import Iterable
from typing import Any

import keras
import numpy as np


class Standardization(keras.layers.Layer):
    """z = (x - mean) / scale, feature by feature; with `inverse`, x = z scale + mean.

    Its two weights are not trained: `learn` sets them. Until then it changes nothing (mean 0, scale 1).
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

    def call(self, inputs: Any, inverse: bool = False) -> Any:
        return inputs * self.scale + self.mean if inverse else (inputs - self.mean) / self.scale

    @property
    def learned(self) -> bool:
        """Whether it changes anything."""
        return bool(np.any(self.mean.numpy() != 0) or np.any(self.scale.numpy() != 1))

    def learn(self, chunks: Iterable[np.ndarray]) -> None:
        """Set mean and scale to the mean and standard deviation of all rows of `[..., features]` chunks.

        A feature that never changes keeps scale 1. Chunks are merged by the update of Chan, Golub and LeVeque
        (1979), "Updating formulae and a pairwise algorithm for computing sample variances", in float64.
        """
        count, mean, squares = 0, np.zeros(self.mean.shape), np.zeros(self.mean.shape)
        for chunk in chunks:
            rows = np.asarray(chunk, np.float64).reshape(-1, len(mean))
            delta = rows.mean(axis=0) - mean
            total = count + len(rows)
            mean = mean + delta * len(rows) / total
            squares = squares + ((rows - rows.mean(axis=0)) ** 2).sum(axis=0)
            squares = squares + delta**2 * count * len(rows) / total
            count = total
        deviation = np.sqrt(squares / count)
        # A constant column leaves rounding errors behind: a scale of 1e-17 would blow them up.
        constant = deviation <= 1e-7 * np.abs(mean)
        self.mean.assign(mean)
        self.scale.assign(np.where(constant, 1.0, deviation))
