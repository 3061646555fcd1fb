import numpy as np
import pytest

from rnn_tf.data import adding_task, copying_task


@pytest.mark.parametrize("timesteps", [2, 3, 50])
def test_the_sum_is_that_of_a_number_in_each_half(timesteps):
    x, y = adding_task(2000, timesteps, seed=0)
    assert x.shape == (2000, timesteps, 2)
    assert x.dtype == y.dtype == np.float32
    values, marks = x[..., 0], x[..., 1]
    assert 0 <= values.min() < values.max() < 1
    assert set(np.unique(marks)) <= {0, 1}
    halves = marks[:, : timesteps // 2], marks[:, timesteps // 2 :]
    for half in halves:
        np.testing.assert_array_equal(half.sum(axis=1), 1)
        assert half.any(axis=0).all()  # every step is marked in some sequence
    np.testing.assert_allclose(y[:, 0], values[marks == 1].reshape(-1, 2).sum(axis=1), rtol=1e-6)


def test_baselines_of_the_adding_problem():
    x, y = adding_task(50_000, 4, seed=1)
    assert np.mean((y - 1) ** 2) == pytest.approx(1 / 6, rel=0.02)
    second = (x[:, 2:, 0] * x[:, 2:, 1]).sum(axis=1)
    assert np.mean((y[:, 0] - 0.5 - second) ** 2) == pytest.approx(1 / 12, rel=0.02)


def test_what_was_read_is_to_be_written_after_the_delay():
    x, y = copying_task(500, delay=7, seed=0, length=3, symbols=5)
    assert x.shape == (500, 13, 7)
    assert y.shape == (500, 13)
    assert (x.dtype, y.dtype) == (np.float32, np.int32)
    np.testing.assert_array_equal(x.sum(axis=-1), 1)
    read = x.argmax(axis=-1)
    assert set(np.unique(read[:, :3])) == {1, 2, 3, 4, 5}
    np.testing.assert_array_equal(y[:, -3:], read[:, :3])
    np.testing.assert_array_equal(y[:, :-3], 0)
    np.testing.assert_array_equal(read[:, 9], 6)  # go: the symbols' last step and the delay
    np.testing.assert_array_equal(np.delete(read[:, 3:], 6, axis=1), 0)


def test_the_copying_task_is_the_published_one_if_nothing_is_said():
    x, y = copying_task(2, delay=100, seed=0)
    assert x.shape == (2, 120, 10)
    assert (y != 0).sum() == 20


@pytest.mark.parametrize("task", [adding_task, copying_task])
def test_a_seed_repeats_its_sequences(task):
    for first, again, other in zip(task(20, 10, seed=3), task(20, 10, seed=3), task(20, 10, seed=4), strict=True):
        np.testing.assert_array_equal(first, again)
        assert (first != other).any()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: adding_task(0, 10, 0), "`count` must be a positive integer. Received: count=0"),
        (lambda: adding_task(5, 2.5, 0), "`timesteps` must be a positive integer. Received: timesteps=2.5"),
        (lambda: adding_task(5, 1, 0), "must be at least 2, for two numbers to add. Received: timesteps=1. Tests of"),
        (lambda: copying_task(-1, 10, 0), "`count` must be a positive integer. Received: count=-1"),
        (lambda: copying_task(5, 0, 0), "`delay` must be a positive integer. Received: delay=0"),
        (lambda: copying_task(5, 9, 0, length=0), "`length` must be a positive integer. Received: length=0"),
        (lambda: copying_task(5, 9, 0, symbols=True), "`symbols` must be a positive integer. Received: symbols=True"),
    ],
)
def test_arguments_out_of_range(make, message):
    with pytest.raises(ValueError, match=message):
        make()
