import itertools
from fractions import Fraction

import numpy as np
import pytest

from rnn_tf.summaries import summarize


def slowly(scores, shots, budget):
    """Of all sets of shots the best that fits; of equal ones that with the earlier shots. Exact, in fractions."""
    parts = [scores[first:after] for first, after in itertools.pairwise([*shots, len(scores)])]
    capacity = Fraction(str(budget)) * len(scores)
    best = max(
        (sum(Fraction(sum(map(int, part)), len(part)) * take for part, take in zip(parts, takes, strict=True)), takes)
        for takes in itertools.product([False, True], repeat=len(parts))
        if sum(len(part) * take for part, take in zip(parts, takes, strict=True)) <= capacity
    )
    return np.repeat(best[1], [len(part) for part in parts])


def case(seed, lengths_of=(1, 9), highest=1000, lowest=0):
    rng = np.random.default_rng(seed)
    lengths = rng.integers(*lengths_of, rng.integers(1, 11))
    shots = np.cumsum(lengths) - lengths
    budget = round(rng.uniform(lengths.min() / lengths.sum(), 1) + 0.005, 2)
    return rng.integers(lowest, highest + 1, lengths.sum()), shots, min(budget, 1.0)


@pytest.mark.parametrize("seed", range(300))
def test_it_is_the_best_of_all_choices(seed):
    np.testing.assert_array_equal(summarize(*case(seed)), slowly(*case(seed)))


@pytest.mark.parametrize("seed", range(100))
def test_of_equal_choices_it_takes_the_earlier_shots(seed):
    scores, shots, budget = case(seed, lengths_of=(1, 3), highest=2)  # halves: sums of them are exact
    np.testing.assert_array_equal(summarize(scores, shots, budget), slowly(scores, shots, budget))


@pytest.mark.parametrize("seed", range(100))
def test_negative_values_are_never_taken(seed):
    scores, shots, budget = case(seed, lowest=-500)
    expected = slowly(scores, shots, budget)
    if expected.any():
        np.testing.assert_array_equal(summarize(scores, shots, budget), expected)
    else:
        with pytest.raises(ValueError, match="0 stands for a frame of no importance"):
            summarize(scores, shots, budget)


def test_the_budget_is_kept_and_nearly_filled():
    rng = np.random.default_rng(0)
    lengths = rng.integers(30, 300, 150)
    shots, scores = np.cumsum(lengths) - lengths, rng.random(lengths.sum())
    for budget in (0.05, 0.15, 0.4, 1):
        summary = summarize(scores, shots, budget)
        assert summary.dtype == bool
        assert summary.shape == scores.shape
        assert budget - 30 / len(scores) < summary.mean() <= budget
        whole = np.add.reduceat(summary, shots, dtype=int)
        assert set(whole[whole > 0]) <= set(lengths[whole > 0])


def test_small_cases_by_hand():
    assert summarize([1, 1, 1, 1], [0, 1, 2, 3], 0.5).tolist() == [True, True, False, False]
    assert summarize([0, 0, 0, 0], [0, 1, 2, 3], 0.5).tolist() == [True, True, False, False]
    assert summarize([5, 5, 3, 3], [0, 2, 3], 0.5).tolist() == [False, False, True, True]  # 3 + 3 are more than 5
    assert summarize([2, 8, 4], [0], 1).all()
    hundred = np.arange(100)
    assert summarize(hundred, hundred, 0.29).sum() == 29  # 0.29 * 100 is 28.999999999999996


def test_scores_of_any_type():
    scores, shots, budget = case(7)
    expected = summarize(scores, shots, budget)
    for kind in (np.float32, np.float64, np.int64, np.uint16, list):
        given = list(scores) if kind is list else scores.astype(kind)
        np.testing.assert_array_equal(summarize(given, list(shots), budget), expected)
    np.testing.assert_array_equal(summarize(scores, shots.astype(np.uint8), budget), expected)


def test_arguments_stay_as_they_are():
    scores, shots, budget = case(3)
    before = scores.copy(), shots.copy()
    summarize(scores, shots, budget)
    np.testing.assert_array_equal(scores, before[0])
    np.testing.assert_array_equal(shots, before[1])


@pytest.mark.parametrize(
    ("scores", "shots", "budget", "message"),
    [
        ([[1, 2]], [0], 1, r"those of one clip, \[frames\]. Received: shape \(1, 2\). .* take answers\[0, :, 0\]"),
        ([], [0], 1, "`scores` must be finite. Received: none"),
        ([1, np.nan, np.inf], [0], 1, "Received: NaN or infinity, 2 times. Give 0 to a frame that has no score"),
        (["a", "b"], [0], 1, "`scores` must hold numbers"),
        ([1, 2], [[0, 1]], 1, r"integers \[shots\]. Received: int\d+ \(1, 2\). .* change_points\[:, 0\]"),
        ([1, 2], [0.0, 1.0], 1, r"Received: float64 \(2,\). .* shots.astype\(int\)"),
        ([1, 2], np.zeros(0, int), 1, "must begin with 0. Received: none"),
        ([1, 2], [1], 1, "must begin with 0. Received: the first is 1"),
        ([1, 2], [-1, 0], 1, "must begin with 0. Received: the first is -1"),
        ([1, 2, 3], [0, 2, 1], 1, r"must increase. Received: 2, then 1. .* np.unique\(shots\)"),
        ([1, 2, 3], np.array([0, 2, 2], np.uint8), 1, "must increase. Received: 2, then 2"),
        ([1, 2, 3], [0, 3], 1, "Received: 3 as the first frame of the last shot, of 3 frames"),
        ([1, 2, 3], [0], 15, "above 0 and at most 1. Received: budget=15. Give 0.15 for 15 %"),
        ([1, 2, 3], [0], 0, "Received: budget=0."),
        ([1, 2, 3], [0], np.nan, "Received: budget=nan."),
        ([1, 2, 3], [0], "0.15", "Received: budget='0.15'."),
        (
            [1] * 9,
            [0, 4],
            0.15,
            r"Received: budget=0.15, which is 1 of 9 frames, and the shortest shot has 4",
        ),
        ([-3, -1], [0, 1], 1, r"mean scores of at most -1. Move them up, as by scores - scores.min\(\)"),
    ],
)
def test_bad_arguments(scores, shots, budget, message):
    with pytest.raises(ValueError, match=message):
        summarize(scores, shots, budget)


def test_it_needs_no_tensorflow(run_python):
    code = "import sys, rnn_tf.summaries; print('tensorflow' in sys.modules, 'keras' in sys.modules)"
    assert "False False" in run_python(code)
