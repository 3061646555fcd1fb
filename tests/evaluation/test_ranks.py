import itertools

import numpy as np
import pytest

from rnn_tf.evaluation.ranks import rank_correlation


def slow_kendall(x, y):
    signs = [(np.sign(x[i] - x[j]), np.sign(y[i] - y[j])) for i, j in itertools.combinations(range(len(x)), 2)]
    sums = np.sum([(a * b, a * a, b * b) for a, b in signs], axis=0)
    return sums[0] / np.sqrt(sums[1] * sums[2])


def slow_spearman(x, y):
    ranks = [[np.mean([np.sum(one < a) + 1, np.sum(one <= a)]) for a in one] for one in (x, y)]
    return np.corrcoef(*ranks)[0, 1]


@pytest.mark.parametrize("seed", range(60))
def test_it_agrees_with_slow_counting(seed):
    rng = np.random.default_rng(seed)
    frames, levels = rng.integers(4, 40), rng.integers(2, 30)  # few levels: many ties
    scores = np.concatenate([[0, levels], rng.integers(0, levels, frames - 2)])
    people = np.concatenate([np.tile([0, 5], [3, 1]), rng.integers(1, 6, [3, frames - 2])], axis=1)
    kendall, spearman = rank_correlation(scores / 7, people)
    assert kendall == pytest.approx(np.mean([slow_kendall(scores, person) for person in people]))
    assert spearman == pytest.approx(np.mean([slow_spearman(scores, person) for person in people]))


def test_by_hand():
    # 4 pairs agree, 1 disagrees, 1 is tied in the second: 3 / sqrt(6 * 5)
    kendall, spearman = rank_correlation([1, 2, 3, 4], [[1, 3, 2, 3]])
    assert kendall == pytest.approx(3 / np.sqrt(30))
    assert spearman == pytest.approx(np.corrcoef([1, 2, 3, 4], [1, 3.5, 2, 3.5])[0, 1])
    assert rank_correlation([1, 2, 9], [[1, 2, 3]]) == pytest.approx((1, 1))
    assert rank_correlation([1, 2, 9], [[5, 2, -3]]) == pytest.approx((-1, -1))
    assert rank_correlation([1, 2, 3, 4], [[1, 2, 3, 4], [4, 3, 2, 1]]) == pytest.approx((0, 0))


def test_scipy_agrees():
    stats = pytest.importorskip("scipy.stats")
    rng = np.random.default_rng(0)
    x, y = rng.random(500).round(2), rng.integers(1, 6, 500)
    expected = stats.kendalltau(x, y).statistic, stats.spearmanr(x, y).statistic
    assert rank_correlation(x, y[None]) == pytest.approx(expected)


def test_only_the_order_counts():
    rng = np.random.default_rng(0)
    x, y = rng.random(50), rng.random([2, 50])
    assert rank_correlation(np.exp(9 * x), 5 * y + 1) == pytest.approx(rank_correlation(x, y))


def test_a_long_clip():
    """216,000 frames are two hours; the number of pairs squared is beyond 64 bits."""
    frames = np.arange(216_000)
    assert rank_correlation(frames, frames[None, ::-1]) == pytest.approx((-1, -1))
    noise = np.random.default_rng(0).random(len(frames))
    assert np.abs(rank_correlation(noise, frames[None])).max() < 0.01


def test_what_it_shows():
    assert str(rank_correlation([1, 2, 3], [[1, 2, 3]])) == "Kendall's tau 1.000, Spearman's rho 1.000"


@pytest.mark.parametrize(
    ("scores", "people", "message"),
    [
        ([1, 2], [1, 2], r"Received: \(2,\) and \(2,\). Of one person give people_scores\[None\]"),
        ([1, 2], [[1, 2, 3]], r"Received: \(2,\) and \(1, 3\)"),
        ([1, 2, 3], [[1, 2], [2, 3], [3, 4]], r"an array \[frames, people\] is turned by people_scores.T"),
        ([[1, 2]], [[1, 2]], r"Received: \(1, 2\) and \(1, 2\)"),
        ([1, 2], np.zeros([0, 2]), "`people_scores` must be finite. Received: none"),
        ([1, np.nan], [[1, 2]], "`scores` must be finite"),
        ([1, 2], [[1, np.inf]], "`people_scores` must be finite. Received: NaN or infinity, 1 times"),
        ([0.5, 0.5], [[1, 2]], "`scores` must differ, to order frames. Received: 0.5 for all"),
        ([1, 2], [[1, 2], [3, 3]], "Received: all equal from person 1. Leave out"),
    ],
)
def test_bad_arguments(scores, people, message):
    with pytest.raises(ValueError, match=message):
        rank_correlation(scores, people)
