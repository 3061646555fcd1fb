import keras
import numpy as np
import pytest

from rnn_tf import SequenceRegressor, Trainer
from rnn_tf.data import window_batches, windows
from rnn_tf.training.batches import Batches

SERIES = np.random.default_rng(0).normal(size=[40, 2])


def joined(dataset):
    return [np.concatenate(part) for part in zip(*dataset.as_numpy_iterator(), strict=True)]


@pytest.mark.parametrize(("horizon", "stride", "batch_size"), [(1, 1, 8), (3, 1, 100), (2, 3, 4)])
def test_in_order_they_are_the_windows(horizon, stride, batch_size):
    pairs = windows(SERIES, 5, horizon, stride=stride)
    dataset = window_batches(SERIES, 5, horizon, stride=stride, batch_size=batch_size, shuffle=False)
    for _ in range(2):  # every pass
        for part, expected in zip(joined(dataset), pairs, strict=True):
            np.testing.assert_array_equal(part, expected)
            assert part.dtype == np.float32
    assert len(dataset) == -(-len(pairs.x) // batch_size)
    x, y = dataset.element_spec
    assert (x.shape.as_list(), y.shape.as_list()) == ([None, 5, 2], [None, horizon])


def test_a_stride_takes_every_so_manieth():
    every = windows(SERIES, 5)
    np.testing.assert_array_equal(windows(SERIES, 5, stride=3).x, every.x[::3])
    np.testing.assert_array_equal(windows(SERIES, 5, stride=3).y, every.y[::3])


def test_each_pass_has_the_order_that_rows_in_memory_have():
    pairs = windows(SERIES, 5)
    rows = Batches(tuple(pairs), 8, shuffle=True, seed=7)
    dataset = window_batches(SERIES, 5, batch_size=8, seed=7)
    for number in range(2):
        for i, (x, y) in enumerate(dataset.as_numpy_iterator()):
            expected = rows.rows(number * len(dataset) + i)
            np.testing.assert_array_equal(x, pairs.x[expected])
            np.testing.assert_array_equal(y, pairs.y[expected])
    keras.utils.set_random_seed(1)
    first = joined(window_batches(SERIES, 5))[1]
    assert (joined(window_batches(SERIES, 5))[1] != first).any()
    keras.utils.set_random_seed(1)
    np.testing.assert_array_equal(joined(window_batches(SERIES, 5))[1], first)


@pytest.mark.parametrize("fit", [lambda model: Trainer(model).fit, lambda model: model.fit])
def test_training_takes_them(fit):
    def model():
        keras.utils.set_random_seed(0)
        model = SequenceRegressor(units=2, normalize=False)
        model.compile("sgd", "mse")
        return model

    one, other = model(), model()
    Trainer(one).fit(*windows(SERIES, 5), epochs=2, batch_size=16, seed=3, verbose=0)
    fit(other)(window_batches(SERIES, 5, batch_size=16, seed=3), epochs=2, verbose=0)
    for weight, same in zip(one.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_allclose(weight, same, atol=1e-6)


def test_the_series_is_checked_as_for_windows():
    for bad in ({"window": 0}, {"stride": 0}, {"batch_size": 0}, {"horizon": 1.5}):
        with pytest.raises(ValueError, match=f"`{next(iter(bad))}` must be a positive integer"):
            window_batches(SERIES, **{"window": 3, **bad})
    with pytest.raises(ValueError, match=r"as in values\[:, None\]"):
        window_batches(SERIES[:, 0], 3)
    with pytest.raises(ValueError, match=r"`seed` must be an integer that is not negative"):
        window_batches(SERIES, 3, seed=-1)
