import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from rnn_tf.training import batches as module
from rnn_tf.training.batches import Batches, Ragged

rng = np.random.default_rng(6)
LENGTHS = rng.lognormal(3, 0.6, size=800).astype(int)  # as those of reviews


def ragged(lengths):
    """Row i holds the number i + 1, as often as it is long."""
    lengths = np.array(lengths, int)
    return Ragged(np.repeat(np.arange(1, len(lengths) + 1, dtype=np.int32), lengths), lengths)


def batches_of(lengths, batch_size=4, shuffle=True, seed=None):
    places = np.arange(len(lengths))
    return Batches((ragged(lengths), places, places / 2), batch_size, shuffle=shuffle, seed=seed)


def order(dataset):
    return [int(row) for _, rows, _ in dataset for row in rows]


def rows_of_pass(batches, number=0):
    steps = batches.steps_an_epoch
    return np.concatenate([batches.rows(number * steps + step) for step in range(steps)]).tolist()


@settings(deadline=None, max_examples=12)
@given(
    lengths=st.lists(st.integers(0, 30), min_size=1, max_size=40),
    batch_size=st.integers(1, 50),
    shuffle=st.booleans(),
)
def test_every_row_comes_once_beside_its_columns(lengths, batch_size, shuffle):
    dataset = batches_of(lengths, batch_size, shuffle).dataset()
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


@settings(deadline=None, max_examples=30)
@given(
    count=st.integers(1, 40),
    batch_size=st.integers(1, 50),
    shuffle=st.booleans(),
    kind=st.sampled_from(["ragged", "dense", "joined"]),
    seed=st.integers(0, 5),
    steps=st.lists(st.integers(0, 60), min_size=1, max_size=8),
)
def test_the_rows_of_a_step_follow_from_the_seed_and_the_step_alone(count, batch_size, shuffle, kind, seed, steps):
    def made():
        x = ragged(LENGTHS[:count]) if kind == "ragged" else np.arange(count)
        return Batches((x, None, None), batch_size, shuffle=shuffle, seed=seed, joined=kind == "joined")

    one, passes = made(), made()
    for step in steps:  # in any order
        np.testing.assert_array_equal(one.rows(step), made().rows(step))
    if kind == "joined":
        rows = np.concatenate([one.rows(step) for step in range(count)])  # batch_size passes
        assert np.bincount(rows, minlength=count).tolist() == [min(batch_size, count)] * count
    else:
        for number in (0, 1):
            assert sorted(rows_of_pass(passes, number)) == list(range(count))


def test_a_source_goes_on_where_its_step_stands():
    def made():
        return Batches((np.arange(50), np.arange(50), None), 8, shuffle=True, seed=3, joined=True)

    def drawn(batches, length):
        return [np.asarray(rows)[:limit] for (_, rows), limit in batches.calls(length, 4)]

    whole, first, second = made(), made(), made()
    everything = np.concatenate(drawn(whole, 20))
    before = np.concatenate(drawn(first, 11))
    second.step = first.step
    np.testing.assert_array_equal(np.concatenate([before, *drawn(second, 9)]), everything)
    assert whole.step == second.step == 20


def test_the_step_of_ragged_rows_is_that_of_what_was_handed_over():
    batches = batches_of(LENGTHS[:60], seed=3)
    for epoch in (1, 2):
        ids = [next(iterator) for iterator, limit in batches.calls(0, 4) for _ in range(limit)]
        assert len(ids) == batches.steps_an_epoch == 15
        assert batches.step == 15 * epoch
    assert batches.dataset() is batches.dataset()  # made once: it takes longer to make than to run
    goes_on = batches_of(LENGTHS[:60], seed=3)
    goes_on.step = batches.step
    assert order(goes_on.dataset()) == rows_of_pass(batches, 2)


def test_every_pass_has_an_order_of_its_own_that_the_seed_repeats():
    lengths = LENGTHS[:60]
    dataset = batches_of(lengths, seed=3).dataset()
    passes = [order(dataset), order(dataset)]
    assert passes[0] != passes[1]
    again = batches_of(lengths, seed=3)
    assert [rows_of_pass(again, 0), rows_of_pass(again, 1)] == passes
    assert order(batches_of(lengths, seed=4).dataset()) != passes[0]


def test_without_a_seed_the_order_follows_keras():
    found = []
    for _ in range(2):
        keras.utils.set_random_seed(5)
        found.append(rows_of_pass(batches_of(LENGTHS[:60])))
    assert found[0] == found[1]
    assert rows_of_pass(batches_of(LENGTHS[:60])) != found[0]


def test_without_shuffling_every_pass_is_the_same():
    dataset = batches_of(LENGTHS[:60], shuffle=False).dataset()
    assert order(dataset) == order(dataset) == np.argsort(LENGTHS[:60], kind="stable").tolist()
    dense = Batches((np.arange(5), None, None), 2, shuffle=False, seed=None)
    assert [dense.rows(step).tolist() for step in range(4)] == [[0, 1], [2, 3], [4], [0, 1]]


def test_little_is_padding():
    def padding(ids):
        """Share of the entries that are padding."""
        return sum((one == 0).sum() for one in ids) / sum(one.size for one in ids)

    similar = padding([ids for ids, *_ in batches_of(LENGTHS, batch_size=16).dataset().as_numpy_iterator()])
    mixed = Batches((np.arange(800), None, None), 16, shuffle=True, seed=0)
    rows = [mixed.rows(step) for step in range(50)]
    at_random = padding([ragged(LENGTHS[one]).padded() for one in rows])
    assert similar < 0.1
    assert similar < at_random / 2


def test_all_batches_but_one_are_full():
    batches = batches_of(LENGTHS[:795], batch_size=16)
    assert sorted(len(batches.rows(step)) for step in range(batches.steps_an_epoch)) == [11, *[16] * 49]


def test_empty_rows_have_one_step():
    ids = Batches((ragged([0, 0]), None, None), 3, shuffle=False, seed=0).dataset()
    np.testing.assert_array_equal(next(iter(ids)), [[0], [0]])
    np.testing.assert_array_equal(ragged([0, 2, 1]).padded(), [[0, 0], [2, 2], [3, 0]])
    np.testing.assert_array_equal(ragged([0]).padded(), [[0]])


@pytest.mark.parametrize(("joined", "length"), [(True, 7), (False, 0)])
def test_rows_that_are_handed_over_in_blocks_are_the_same(joined, length, monkeypatch):
    x, y = np.arange(46.0).reshape(23, 2), {"a": np.arange(23)}

    def drawn():
        batches = Batches((x, y, None), 4, shuffle=True, seed=1, joined=joined)
        for (columns, rows), limit in batches.calls(length, 3):
            for numbers in np.asarray(rows)[:limit]:
                yield tf.nest.map_structure(lambda one, i=numbers: None if one is None else one.numpy()[i], columns)

    whole = list(drawn())
    monkeypatch.setattr(module, "PINNED", 0)
    monkeypatch.setattr(module, "BLOCK", 2 * 4 * 24)  # bytes of two steps
    blocks = list(drawn())
    assert len(whole) == len(blocks) == (length or 6)
    for one, other in zip(whole, blocks, strict=True):
        np.testing.assert_array_equal(one[0], other[0])
        np.testing.assert_array_equal(one[1]["a"], other[1]["a"])


@pytest.mark.parametrize("batch_size", [0, -1, 2.5])
def test_the_batch_size_is_checked(batch_size):
    with pytest.raises(ValueError, match=r"`batch_size` must be a positive integer. Received: batch_size="):
        batches_of([1, 2], batch_size=batch_size)
