import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnn_tf.models.batches import in_order, similar_lengths

rng = np.random.default_rng(6)
LENGTHS = rng.lognormal(3, 0.6, size=800).astype(int)  # as those of reviews


def rows_of(lengths):
    """Row i holds the number i + 1, as often as it is long."""
    return [np.full(length, i + 1, np.int32) for i, length in enumerate(lengths)]


def batches_of(lengths, batch_size=4, shuffle=True, seed=None):
    rows = rows_of(lengths)
    return similar_lengths(rows, (np.arange(len(rows)), np.arange(len(rows)) / 2), batch_size, shuffle, seed)


def order(dataset):
    return [int(row) for _, rows, _ in dataset for row in rows]


@settings(deadline=None, max_examples=12)
@given(
    lengths=st.lists(st.integers(0, 30), min_size=1, max_size=40),
    batch_size=st.integers(1, 50),
    shuffle=st.booleans(),
)
def test_every_row_comes_once_beside_its_columns(lengths, batch_size, shuffle):
    dataset = batches_of(lengths, batch_size, shuffle)
    batches = list(dataset.as_numpy_iterator())
    assert int(dataset.cardinality()) == len(batches)
    assert sorted(row for _, rows, _ in batches for row in rows) == list(range(len(lengths)))
    for ids, rows, weights in batches:
        assert 0 < len(rows) <= batch_size
        assert ids.dtype == np.int32
        assert ids.shape == (len(rows), max(1, *(lengths[row] for row in rows)) if len(rows) else 1)
        np.testing.assert_array_equal(weights, rows / 2)
        for one, row in zip(ids, rows, strict=True):
            np.testing.assert_array_equal(one[: lengths[row]], np.full(lengths[row], row + 1))
            assert not one[lengths[row] :].any()


def test_every_pass_has_an_order_of_its_own_that_the_seed_repeats():
    lengths = LENGTHS[:60]
    dataset = batches_of(lengths, seed=3)
    passes = [order(dataset), order(dataset)]
    assert passes[0] != passes[1]
    again = batches_of(lengths, seed=3)
    assert [order(again), order(again)] == passes
    assert order(batches_of(lengths, seed=4)) != passes[0]


def test_without_a_seed_the_order_follows_keras():
    found = []
    for _ in range(2):
        keras.utils.set_random_seed(5)
        found.append(order(batches_of(LENGTHS[:60])))
    assert found[0] == found[1]
    assert order(batches_of(LENGTHS[:60])) != found[0]


def test_without_shuffling_every_pass_is_the_same():
    dataset = batches_of(LENGTHS[:60], shuffle=False)
    assert order(dataset) == order(dataset)


def padding(dataset):
    """Share of the entries that are padding."""
    ids = [batch[0] if isinstance(batch, tuple) else batch for batch in dataset.as_numpy_iterator()]
    return sum((one == 0).sum() for one in ids) / sum(one.size for one in ids)


def test_little_is_padding():
    similar = padding(batches_of(LENGTHS, batch_size=16))
    at_random = padding(in_order(rows_of(rng.permutation(LENGTHS)), batch_size=16))
    assert similar < 0.1
    assert similar < at_random / 2


def test_all_batches_but_one_are_full():
    sizes = [len(rows) for _, rows, _ in batches_of(LENGTHS[:795], batch_size=16)]
    assert sorted(sizes) == [11, *[16] * 49]


def test_in_order():
    batches = list(in_order(rows_of([3, 0, 1, 5]), batch_size=3).as_numpy_iterator())
    np.testing.assert_array_equal(batches[0], [[1, 1, 1], [0, 0, 0], [3, 0, 0]])
    np.testing.assert_array_equal(batches[1], [[4, 4, 4, 4, 4]])
    np.testing.assert_array_equal(next(iter(in_order(rows_of([0, 0]), batch_size=3))), [[0], [0]])


@pytest.mark.parametrize("batch_size", [0, -1, 2.5, None])
def test_the_batch_size_is_checked(batch_size):
    with pytest.raises(ValueError, match=r"`batch_size` must be a positive integer. Received: batch_size="):
        batches_of([1, 2], batch_size=batch_size)
    with pytest.raises(ValueError, match=r"`batch_size` must be a positive integer"):
        in_order(rows_of([1, 2]), batch_size=batch_size)
