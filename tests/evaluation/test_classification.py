import numpy as np
import pytest

from rnn_tf.evaluation import Estimate, Mistake, classification_report, paired_difference

NAMES = ["a", "b", "c"]


def one_hot(answers, classes=3):
    return np.eye(classes)[answers]


def noisy(rows, classes=3, right=0.7, seed=0):
    rng = np.random.default_rng(seed)
    y_true = rng.integers(0, classes, rows)
    return y_true, np.where(rng.random(rows) < right, y_true, rng.integers(0, classes, rows))


def slow_scores(y_true, answers, classes):
    f1 = []
    for c in range(classes):
        hits = sum(t == a == c for t, a in zip(y_true, answers, strict=True))
        false_positives = sum(a == c != t for t, a in zip(y_true, answers, strict=True))
        false_negatives = sum(t == c != a for t, a in zip(y_true, answers, strict=True))
        if hits + false_positives + false_negatives:
            f1.append(2 * hits / (2 * hits + false_positives + false_negatives))
    return np.mean(np.array(y_true) == answers), np.mean(f1)


def test_a_small_case_by_hand():
    report = classification_report([0, 0, 0, 1, 1, 2], one_hot([0, 0, 1, 1, 2, 2]), NAMES)
    np.testing.assert_array_equal(report.confusion, [[2, 1, 0], [0, 1, 1], [0, 0, 1]])
    assert report.confusion.dtype.kind == "i"
    assert report.classes == ("a", "b", "c")
    assert report.accuracy.value == pytest.approx(4 / 6)
    assert report.macro_f1.value == pytest.approx((4 / 5 + 2 / 4 + 2 / 3) / 3)


def test_a_class_that_never_occurs_is_left_out_of_macro_f1():
    report = classification_report([0, 0, 1, 1], one_hot([0, 1, 1, 1]), NAMES)
    assert report.macro_f1.value == pytest.approx((2 / 3 + 4 / 5) / 2)
    never_answered = classification_report([0, 0, 2, 2], one_hot([0, 0, 0, 0]), NAMES)
    assert never_answered.macro_f1.value == pytest.approx((4 / 6 + 0) / 2)


def test_scores_and_intervals_agree_with_slow_ones():
    y_true, answers = noisy(60)
    report = classification_report(y_true, one_hot(answers, 4), [*NAMES, "never"])
    rng = np.random.default_rng(1)
    draws = rng.integers(0, len(y_true), [1500, len(y_true)])
    slow = np.array([slow_scores(y_true[rows], answers[rows], 4) for rows in draws])
    bounds = np.percentile(slow, [2.5, 97.5], axis=0)
    for estimate, value, (low, high) in zip(report[:2], slow_scores(y_true, answers, 4), bounds.T, strict=True):
        assert estimate.value == pytest.approx(value)
        assert estimate.low == pytest.approx(low, abs=0.025)  # two bootstraps differ; the interval is 0.2 wide
        assert estimate.high == pytest.approx(high, abs=0.025)


def test_the_interval_contains_the_value_and_shrinks_with_rows():
    widths = []
    for rows in (100, 10_000):
        y_true, answers = noisy(rows)
        report = classification_report(y_true, one_hot(answers), NAMES)
        for value, low, high in report[:2]:
            assert low < value < high
        widths.append([report.accuracy.high - report.accuracy.low, report.macro_f1.high - report.macro_f1.low])
        share = report.accuracy.value
        assert widths[-1][0] == pytest.approx(2 * 1.96 * np.sqrt(share * (1 - share) / rows), rel=0.15)
    np.testing.assert_allclose(np.divide(*widths), 10, rtol=0.3)


def test_the_seed_alone_decides_the_draws():
    y_true, answers = noisy(500)
    first, again, other = (classification_report(y_true, one_hot(answers), NAMES, seed) for seed in (0, 0, 1))
    assert first[:2] == again[:2]
    assert first.accuracy.value == other.accuracy.value
    assert first[:2] != other[:2]
    order = np.random.default_rng(0).permutation(500)
    assert classification_report(y_true[order], one_hot(answers)[order], NAMES)[:2] == first[:2]


def test_nothing_wrong():
    report = classification_report([0, 1, 2], one_hot([0, 1, 2]), NAMES)
    assert report.accuracy == (1, 1, 1)
    assert report.macro_f1 == (1, 1, 1)
    assert report.mistakes == []


def test_mistakes_come_the_most_confident_first():
    probabilities = [[0.6, 0.3, 0.1], [0.05, 0.05, 0.9], [0.9, 0.1, 0], [0.3, 0.7, 0]]
    report = classification_report([1, 0, 0, 2], probabilities, NAMES)
    assert report.mistakes == [Mistake(1, "a", "c", 0.9), Mistake(3, "c", "b", 0.7), Mistake(0, "b", "a", 0.6)]
    many = classification_report(np.zeros(30, int), one_hot([1] * 30), NAMES)
    assert [mistake.row for mistake in many.mistakes] == list(range(10))


def test_the_table():
    report = classification_report(
        [0, 0, 0, 1, 1, 1, 1, 1], one_hot([0, 0, 1, 1, 1, 1, 1, 0]), ["体育", "economy", "x"]
    )
    report = report._replace(accuracy=Estimate(0.75, 0.5, 1), macro_f1=Estimate(-0.5, -1, 0.0004))
    assert str(report).splitlines() == [
        "accuracy  0.750 (0.500 to 1.000)",
        "macro-F1  -0.500 (-1.000 to 0.000)",
        "rows      8, intervals of 95 %",
        "",
        "class    precision     recall         F1    support",
        "体育         0.667      0.667      0.667          3",  # two columns a character in a terminal
        "economy      0.800      0.800      0.800          5",
        "x                -          -          -          0",
    ]


@pytest.mark.parametrize(
    ("y_true", "probabilities", "message"),
    [
        ([], np.zeros([0, 3]), r"at least one row, .* Received: \(0,\) and \(0, 3\)"),
        (one_hot([0, 1]), one_hot([0, 1]), r"`y_true` must have shape \[rows\].* Received: \(2, 3\) .* argmax"),
        ([0, 1], one_hot([0, 1, 2]), r"Received: \(2,\) and \(3, 3\)"),
        ([0, 1], one_hot([0, 1], 2), r"`probabilities` \[rows, 3\], a column for each name .* \(2, 2\)"),
        ([0, 1], [0.2, 0.7], r"Received: \(2,\) and \(2,\)"),
        ([0, 3], one_hot([0, 1]), r"integers from 0 to 2. Received: \[0, 3\] as the lowest and the highest"),
        ([-1, 0], one_hot([0, 1]), r"integers from 0 to 2. Received: \[-1, 0\]"),
        ([0.0, 1.0], one_hot([0, 1]), r"must hold class numbers, .* of type float64"),
        ([0, 1], [[1, 0, 0], [np.nan, 0.5, 0.5]], r"must sum to 1 in each row. Received: row 1 sums to nan"),
        ([0, 1], [[1, 0, 0], [1.5, -0.5, 0]], r"must not be negative, .* row 1 sums to 1, its lowest is -0.5"),
        ([0, 1], [[2.5, 1, 0], [1, 0, 0]], r"row 0 sums to 3.5, .* Put a softmax behind"),
    ],
)
def test_bad_arguments(y_true, probabilities, message):
    with pytest.raises(ValueError, match=message):
        classification_report(y_true, probabilities, NAMES)


def test_paired_difference_by_hand_and_against_a_slow_one():
    rng = np.random.default_rng(0)
    a, b = rng.random([2, 200]) < [[0.8], [0.6]]
    estimate = paired_difference(a, b)
    assert estimate.value == pytest.approx(a.mean() - b.mean())
    rows = rng.integers(0, 200, [4000, 200])
    slow = np.percentile(a[rows].mean(axis=1) - b[rows].mean(axis=1), [2.5, 97.5])
    np.testing.assert_allclose(estimate[1:], slow, atol=0.015)  # of an interval 0.18 wide
    assert paired_difference(b, a).value == -estimate.value
    assert paired_difference(a, b) == estimate
    assert paired_difference(a, b, seed=1) != estimate


def test_paired_difference_takes_what_both_share_out():
    hard = np.random.default_rng(0).random(1000) < 0.5
    assert paired_difference(hard, hard) == (0, 0, 0)
    better = hard.copy()
    better[np.flatnonzero(~hard)[:10]] = True
    value, low, high = paired_difference(better, hard)
    assert value == pytest.approx(0.01)
    assert 0 < low < value < high < 0.02  # unpaired it would be 0.04 to either side


@pytest.mark.parametrize(
    ("a", "b", "message"),
    [
        ([True], [True, False], r"booleans of one shape \[rows\]. Received: bool \(1,\) and bool \(2,\)"),
        ([[True]], [[True]], r"Received: bool \(1, 1\)"),
        ([1, 0], [True, False], r"Received: int\d+ \(2,\) .* probabilities.argmax"),
        ([True], [0.5], r"and float64 \(1,\)"),
        (np.zeros(0, bool), np.zeros(0, bool), r"must have at least one row. Received: none"),
    ],
)
def test_bad_pairs(a, b, message):
    with pytest.raises(ValueError, match=message):
        paired_difference(a, b)


def test_needs_no_tensorflow(run_python):
    assert "False False" in run_python(
        "import sys, rnn_tf.evaluation; print('tensorflow' in sys.modules, 'keras' in sys.modules)"
    )
