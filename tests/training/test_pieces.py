"""Pieces of a text count every token once, and streams go on from piece to piece."""

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from rnn_tf.training.pieces import Pieces


@settings(deadline=None)
@given(predictions=st.integers(1, 400), streams=st.integers(1, 40), steps=st.integers(1, 50), first=st.integers(0, 5))
def test_every_prediction_counts_once_and_streams_go_on(predictions, streams, steps, first):
    ids = np.arange(1, predictions + 2)
    pieces = Pieces(ids, streams, steps)
    assert pieces.steps <= steps
    assert 1 <= pieces.batch_size <= streams
    count = pieces.steps_an_epoch
    x, y, weights = pieces.columns(0, count, count)
    assert sorted(y[y > 0]) == list(range(2, predictions + 2))
    counted = y > 0
    np.testing.assert_array_equal(x["tokens"][counted] + 1, y[counted])
    np.testing.assert_allclose((counted * weights).mean(), 1, rtol=1e-5)  # so that means of batches are exact
    rows = x["tokens"].reshape(count, pieces.batch_size, -1)
    streams = np.concatenate(list(rows), axis=1)
    for stream in streams:
        inside = stream[stream < predictions]
        np.testing.assert_array_equal(np.diff(inside), 1)
    np.testing.assert_array_equal(x["fresh"].reshape(count, -1), np.arange(count)[:, None] == np.zeros(len(rows[0])))
    np.testing.assert_array_equal(x["stream"], np.tile(np.arange(pieces.batch_size), count))
    again = pieces.columns(first, 1, 2)  # the same from any step, filled up
    place = first % count
    np.testing.assert_array_equal(again[1][: pieces.batch_size], y.reshape(count, pieces.batch_size, -1)[place])
    assert not again[1][pieces.batch_size :].any()


@pytest.mark.parametrize("log_every", [1, 3, 100])
def test_calls_and_the_dataset_give_the_same_batches(log_every):
    pieces = Pieces(np.arange(1, 200), 4, 7)
    batches = []
    for (columns, indices), steps in pieces.calls(0, log_every):
        for row in indices[:steps]:
            batches.append(tf.nest.map_structure(lambda column, row=row: tf.gather(column, row), columns))
    assert len(batches) == pieces.steps_an_epoch
    for one, other in zip(batches, pieces.dataset(), strict=True):
        tf.nest.map_structure(np.testing.assert_array_equal, one, other)


def test_the_ids_are_held_once():
    ids = np.zeros([10_000_000], np.uint8)
    pieces = Pieces(ids, 64, 100)
    assert pieces.ids is ids
    (columns, _), _ = next(pieces.calls(0, 100))
    assert sum(one.numpy().nbytes for one in tf.nest.flatten(columns)) < 20e6
