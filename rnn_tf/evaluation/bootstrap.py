"""A score and its interval: the percentile bootstrap.

Source: B. Efron and R. J. Tibshirani (1993), "An Introduction to the Bootstrap", Chapman and Hall.
"""

from typing import NamedTuple

import numpy as np

RESAMPLES = 1000
CHUNK = 2**22  # counts that are drawn together, so that many rows need little memory


class Estimate(NamedTuple):
    """A value and its 95 % interval.

    Example:
    >>> from rnn_tf.evaluation import Estimate
    >>> print(Estimate(0.8231, 0.801, 0.845))
    0.823 (0.801 to 0.845)
    """

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.3f} ({self.low:.3f} to {self.high:.3f})"

    def __repr__(self) -> str:
        return str(self)


def redraw(counts: np.ndarray, seed: int) -> np.ndarray:
    """How often each kind of row comes, `[resamples, kinds]`, in draws of as many rows as there are."""
    return np.random.default_rng(seed).multinomial(counts.sum(), counts / counts.sum(), size=RESAMPLES)


def redrawn_sums(rows: np.ndarray, seed: int) -> np.ndarray:
    """Sums of the columns of `[rows, columns]`, `[resamples, columns]`, in draws of as many rows as there are."""
    kinds, counts = np.unique(rows, axis=0, return_counts=True)
    generator, shares, at_once = np.random.default_rng(seed), counts / len(rows), max(1, CHUNK // len(counts))
    sizes = [min(at_once, RESAMPLES - first) for first in range(0, RESAMPLES, at_once)]
    draws = (generator.multinomial(len(rows), shares, size) for size in sizes)
    return np.concatenate([drawn.astype(np.float64) @ kinds for drawn in draws])


def estimate(value: np.ndarray, drawn: np.ndarray) -> Estimate:
    """The value, and the middle 95 % of the scores of the draws, without those that are not defined (NaN)."""
    drawn = drawn[~np.isnan(drawn)]
    low, high = np.percentile(drawn, [2.5, 97.5]) if drawn.size else (np.nan, np.nan)
    return Estimate(float(value), float(low), float(high))
