"""Simple forecasts, which a network has to beat before it is of any use."""

import numpy as np

from rnn_tf._checks import positive_integer
from rnn_tf.data.series import Windows


def persistence(x: np.ndarray, horizon: int = 1) -> np.ndarray:
    """The last value again, at every step of the horizon.

        y_k = x_T,   k = 1, ..., horizon

    Args:
        x: Windows to forecast from, `[pairs, window, columns]`, the target's column first.
        horizon: Positive integer, steps to look ahead.

    Returns:
        Array `[pairs, horizon]`.

    Raises:
        ValueError: If `horizon` is not a positive integer.

    Example:
    >>> import numpy as np
    >>> from rnn_tf.data import persistence
    >>> persistence(np.array([[[1.0], [2.0]]]), horizon=3)
    array([[2., 2., 2.]])
    """
    return np.repeat(x[:, -1:, 0], positive_integer("horizon", horizon), axis=1)


def seasonal_naive(x: np.ndarray, horizon: int = 1, season: int = 12) -> np.ndarray:
    """At every step of the horizon, the latest value that is known of the same season.

        y_k = x_{T - season + 1 + (k - 1) mod season},   k = 1, ..., horizon

    Args:
        x: Windows to forecast from, `[pairs, window, columns]`, the target's column first. Each holds a whole season.
        horizon: Positive integer, steps to look ahead.
        season: Positive integer, steps in a season: 12 for months, 7 for days of the week.

    Returns:
        Array `[pairs, horizon]`.

    Raises:
        ValueError: If a window is shorter than a season, or `horizon` or `season` is not a positive integer.

    Example:
    >>> import numpy as np
    >>> from rnn_tf.data import seasonal_naive
    >>> seasonal_naive(np.array([[[1.0], [2.0], [3.0]]]), horizon=5, season=3)
    array([[1., 2., 3., 1., 2.]])
    """
    season, horizon = positive_integer("season", season), positive_integer("horizon", horizon)
    if x.shape[1] < season:
        raise ValueError(
            f"The value of one season before must be in the window. Received: windows of {x.shape[1]} steps, and "
            f"season={season}. Make windows of at least {season} steps."
        )
    return x[:, -season:, 0][:, np.arange(horizon) % season]


def linear_autoregression(train: Windows, x: np.ndarray) -> np.ndarray:
    """The forecast of a linear model of the window, fitted to `train` by least squares.

        y = A [x_1, ..., x_T, 1]

    Args:
        train: Pairs to fit to.
        x: Windows to forecast from, `[pairs, window, columns]`.

    Returns:
        Array `[pairs, horizon]`.

    Example: x_{t+1} = 2 x_t + 1.
    >>> import numpy as np
    >>> from rnn_tf.data import linear_autoregression, windows
    >>> train = windows(np.array([[1.0], [3.0], [7.0], [15.0]]), window=1)
    >>> linear_autoregression(train, np.array([[[10.0]]])).round(3)
    array([[21.]])
    """

    def design(x: np.ndarray) -> np.ndarray:
        flat = x.reshape(len(x), -1).astype(np.float64)
        return np.concatenate([flat, np.ones([len(flat), 1])], axis=1)

    return design(x) @ np.linalg.lstsq(design(train.x), train.y, rcond=None)[0]
