"""The Mackey-Glass series, and the forecasting task that it is known for."""

import numpy as np

from rnn_tf._checks import positive_integer
from rnn_tf.data.series import Windows

DELAY = 17.0  # tau, in the series' own unit of time
STEP = 0.1  # of the Runge-Kutta integration

# Test NDEI on `jang_task`, as Jang (1993) reports it for his method and for others; all train on its 500 pairs but the
# first.
JANG_TEST_NDEI = {
    "linear predictive method (2000 pairs)": 0.55,
    "auto-regressive model": 0.19,
    "cascade-correlation network": 0.06,
    "sixth-order polynomial": 0.04,
    "back-propagation network": 0.02,
    "ANFIS": 0.007,
}


def mackey_glass(length: int) -> np.ndarray:
    """The Mackey-Glass series x(0), x(1), ..., x(length - 1).

    It solves the delay differential equation

        dx/dt = 0.2 x(t - 17) / (1 + x(t - 17)^10) - 0.1 x(t)

    with x(0) = 1.2 and x(t) = 0 for t < 0, by the classical fourth-order Runge-Kutta method with step 0.1. During a
    step the delayed value is held at what the step's end sees, as in the program of R. Jang (Berkeley, 1992), whose
    task `jang_task` is. With a delay of 17 the series is chaotic: it never repeats, and small errors grow.

    Args:
        length: Positive integer, how many values, one a unit of time.

    Returns:
        Float64 array, shape `[length]`.

    Raises:
        ValueError: If `length` is not a positive integer.

    Source: M. C. Mackey and L. Glass (1977), "Oscillation and chaos in physiological control systems",
    Science 197.

    Example:
    >>> from rnn_tf.data import mackey_glass
    >>> mackey_glass(3).round(4).tolist()
    [1.2, 1.0858, 0.9825]
    """
    length = positive_integer("length", length)
    steps_per_unit, delay_steps = round(1 / STEP), round(DELAY / STEP)
    x = np.empty((length - 1) * steps_per_unit + 1)
    x[0] = 1.2
    for i in range(len(x) - 1):
        delayed = x[i + 1 - delay_steps] if i >= delay_steps else 0.0
        gain = 0.2 * delayed / (1.0 + delayed**10)
        k1 = gain - 0.1 * x[i]
        k2 = gain - 0.1 * (x[i] + STEP / 2 * k1)
        k3 = gain - 0.1 * (x[i] + STEP / 2 * k2)
        k4 = gain - 0.1 * (x[i] + STEP * k3)
        x[i + 1] = x[i] + STEP / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
    return x[::steps_per_unit]


def jang_task() -> tuple[Windows, Windows]:
    """The classical 4-step task on the Mackey-Glass series: x(t-18), x(t-12), x(t-6), x(t) predict x(t+6).

    The 1000 pairs have t = 118, ..., 1117. The first 500 train, the last 500 test. What others have reached on them,
    in `ndei`, is in `rnn_tf.data.JANG_TEST_NDEI`.

    Returns:
        `(x_train, y_train), (x_test, y_test)`, two `Windows`: float32 arrays, x of shape `[500, 4, 1]` in the
        order of time, y of shape `[500, 1]`.

    Source: J.-S. R. Jang (1993), "ANFIS: adaptive-network-based fuzzy inference system", IEEE Transactions on
    Systems, Man, and Cybernetics 23.

    Example:
    >>> from rnn_tf.data import jang_task
    >>> (x_train, y_train), (x_test, y_test) = jang_task()
    >>> x_train.shape, y_test.shape
    ((500, 4, 1), (500, 1))
    """
    series = mackey_glass(1118 + 6).astype(np.float32)
    t = np.arange(118, 1118)
    x = np.stack([series[t - 18], series[t - 12], series[t - 6], series[t]], axis=1)[..., np.newaxis]
    y = series[t + 6][:, np.newaxis]
    return Windows(x[:500], y[:500]), Windows(x[500:], y[500:])


def ndei(y_true: np.ndarray, y_pred: np.ndarray) -> float:
    """Non-dimensional error index: the root mean squared error over the standard deviation of the target.

        NDEI = sqrt(mean((y_true - y_pred)^2)) / std(y_true)

    0 is perfect, 1 is as good as always answering the mean. Without unit.

    Raises:
        ValueError: If the shapes differ.

    Example:
    >>> from rnn_tf.data import ndei
    >>> ndei([[0.0], [2.0]], [[1.0], [1.0]])
    1.0
    """
    y_true, y_pred = np.asarray(y_true, np.float64), np.asarray(y_pred, np.float64)
    if y_true.shape != y_pred.shape:
        raise ValueError(
            f"`y_true` and `y_pred` must have the same shape. Received: {y_true.shape} and {y_pred.shape}."
        )
    return float(np.sqrt(np.mean((y_true - y_pred) ** 2)) / np.std(y_true))
