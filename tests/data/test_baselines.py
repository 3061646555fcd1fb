import numpy as np
import pytest

from rnn_tf.data import Windows, linear_autoregression, persistence, seasonal_naive, windows

TWO_COLUMNS = np.stack([np.arange(100.0), -np.arange(100.0)], axis=1)


def test_persistence_repeats_the_last_value():
    pairs = windows(TWO_COLUMNS, window=5, horizon=3)
    np.testing.assert_array_equal(persistence(pairs.x, 3), pairs.y[:, :1] - np.ones(3))


def test_seasonal_naive_repeats_the_last_known_season():
    pairs = windows(TWO_COLUMNS, window=5, horizon=4)
    forecast = seasonal_naive(pairs.x, horizon=4, season=3)
    # the last window ends at 95: steps 96, 97, 98, 99 are forecast by 93, 94, 95 and 93 again
    np.testing.assert_array_equal(forecast[-1], [93, 94, 95, 93])
    np.testing.assert_array_equal(forecast[0], [2, 3, 4, 2])
    np.testing.assert_array_equal(seasonal_naive(pairs.x, 4, season=5)[0], [0, 1, 2, 3])


def test_linear_autoregression_finds_a_linear_law():
    values = [1.0, 0.5]
    for _ in range(40):
        values.append(0.3 * values[-1] - 0.8 * values[-2] + 2)
    pairs = windows(np.array(values)[:, np.newaxis], window=2)
    forecast = linear_autoregression(Windows(pairs.x[:10], pairs.y[:10]), pairs.x)
    np.testing.assert_allclose(forecast, pairs.y, rtol=1e-4, atol=1e-4)


def test_bad_arguments():
    x = windows(TWO_COLUMNS, window=4).x
    with pytest.raises(ValueError, match=r"windows of 4 steps, and season=12. Make windows of at least 12 steps"):
        seasonal_naive(x)
    with pytest.raises(ValueError, match=r"`season` must be a positive integer. Received: season=0"):
        seasonal_naive(x, season=0)
    for forecast in (persistence, seasonal_naive):
        with pytest.raises(ValueError, match=r"`horizon` must be a positive integer. Received: horizon=1.5"):
            forecast(x, horizon=1.5)
