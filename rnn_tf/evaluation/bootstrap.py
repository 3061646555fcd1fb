"""A score and its interval: the percentile bootstrap.

Source: B. Efron and R. J. Tibshirani (1993), "An Introduction to the Bootstrap", Chapman and Hall.
"""

from typing import NamedTuple

import numpy as np

RESAMPLES = 1000


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


def estimate(value: np.ndarray, drawn: np.ndarray) -> Estimate:
    """The value, and the middle 95 % of the scores of the draws."""
    low, high = np.percentile(drawn, [2.5, 97.5])
    return Estimate(float(value), float(low), float(high))
