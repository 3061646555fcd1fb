import argparse

import numpy as np
import pytest

from rnn_tf.commands.train_series import all_targets, cut, hold_back, repetition, season_hint
from rnn_tf.data.series import Series


@pytest.mark.parametrize("season", [5, 7, 12, 24])
def test_a_season_is_found(season):
    t = np.arange(240)
    noise = np.random.default_rng(0).normal(size=240)
    assert repetition(t + 10 * np.sin(2 * np.pi * t / season) + noise)[0] == season


@pytest.mark.parametrize("seed", range(5))
def test_none_is_found_where_there_is_none(seed):
    random = np.random.default_rng(seed)
    for values in (
        random.normal(size=200),
        random.normal(size=200).cumsum(),
        np.arange(200.0),
        np.ones(50),
        np.ones(2),
    ):
        assert repetition(values) == (0, 0.0)


def test_the_hint():
    values = np.sin(2 * np.pi * np.arange(120) / 12)[:, np.newaxis]
    series = Series("sales.csv", values)

    def hint(window, season=None):
        return season_hint(series, argparse.Namespace(window=window, season=season, column="sales"))

    (found,) = hint(4)
    assert "try --window 12 --season 12" in found
    assert hint(12) == []
    (told,) = hint(4, season=6)
    assert told.endswith("shorter than the season of 6: try --window 6.")
    assert hint(6, season=6) == []


def test_held_back_windows_share_no_row_with_those_that_train():
    series = Series("sales.csv", np.arange(100.0)[:, np.newaxis], groups=["a"] * 40 + ["b"] * 60)
    rows = all_targets(series, 4, 2)
    assert len(rows) == 35 + 55
    fitted, held_back = hold_back(series, rows, 4, 2)
    assert len(held_back) == 7 + 11
    for start, end in ((0, 40), (40, 100)):
        last = max(row + 1 for row in rows[fitted] if start <= row < end)
        first = min(row - 4 for row in rows[held_back] if start <= row < end)
        assert last == first - 1


def test_the_whole_of_a_file_to_test_on_is_needed(tmp_path):
    (tmp_path / "short.csv").write_text("x\n1\n2\n3\n")
    options = argparse.Namespace(
        window=4, horizon=1, test_file=str(tmp_path / "short.csv"), no_time=False, time=None, group=None, decimal=None
    )
    with pytest.raises(ValueError, match="need at least 5 rows without a gap"):
        cut(Series("long.csv", np.arange(30.0)[:, np.newaxis]), ["x"], options)
