import numpy as np
import pytest

from rnn_tf.evaluation.agreement import DRAWS, SummaryReport, summary_report
from rnn_tf.summaries import summarize

SUMMARY = np.array([True, True, False, False, False, False])
PEOPLE = np.array([[1, 1, 0, 0, 0, 0], [1, 0, 1, 1, 0, 0], [0, 0, 0, 0, 1, 1], [0, 0, 0, 0, 0, 0]], bool)
SHOTS = np.arange(6)


@pytest.fixture(scope="module")
def clip():
    """Importance of 600 frames, cut into shots of 4 to 20 frames; ten people see it with noise."""
    rng = np.random.default_rng(0)
    lengths = rng.integers(4, 21, 50)
    shots, frames = np.cumsum(lengths) - lengths, lengths.sum()
    importance = np.repeat(rng.random(50), lengths)
    people = np.array([summarize(importance + 0.2 * rng.random(frames), shots) for _ in range(10)])
    return importance, shots, people


def test_f_scores_by_hand():
    f_scores = [1, 2 * (1 / 2) * (1 / 3) / (1 / 2 + 1 / 3), 0, 0]
    report = summary_report(SUMMARY, PEOPLE, SHOTS, budget=0.4)
    np.testing.assert_allclose(report.f_scores, f_scores)
    assert report.f_score == pytest.approx(np.mean(f_scores))
    assert report.rule == "mean"
    report = summary_report(SUMMARY, PEOPLE[1:], SHOTS, budget=0.4, rule="max")
    assert report.f_score == pytest.approx(f_scores[1])


def test_uniform_by_hand():
    # 2 of 6 frames: one from the middle of each half, 1 and 4
    report = summary_report(SUMMARY, [[False, True, False, False, True, False]], SHOTS, budget=0.34)
    assert report.uniform == 1
    # shots of 5, 1, 1, 1 frames and room for 2: of the three short ones the first and the last
    people = [[False] * 5 + [True, False, True]]
    assert summary_report(np.arange(8) == 5, people, [0, 5, 6, 7], budget=0.25).uniform == 1


@pytest.mark.parametrize("rule", ["mean", "max"])
def test_random_is_summarize_of_random_scores(clip, rule):
    importance, shots, people = clip
    report = summary_report(summarize(importance, shots), people, shots, rule=rule)
    rng = np.random.default_rng(0)
    slow = []
    for _ in range(DRAWS):
        summary = summarize(rng.random(len(importance)), shots)
        f_scores = [2 * np.sum(summary & person) / (summary.sum() + person.sum()) for person in people]
        slow.append(getattr(np, rule)(f_scores))
    np.testing.assert_allclose(report.random, slow)
    assert report.random.shape == (100,)
    assert not np.array_equal(report.random, summary_report(people[0], people, shots, rule=rule, seed=1).random)


def test_it_says_plainly_what_beats_random(clip):
    importance, shots, people = clip
    report = summary_report(summarize(importance, shots), people, shots)
    assert report.beats_random
    assert "The summary beats random: 100 of 100" in str(report)
    assert "It beats the uniform summary." in str(report)
    noise = summary_report(summarize(np.random.default_rng(5).random(len(importance)), shots), people, shots)
    assert not noise.beats_random
    assert "The summary does not beat random: " in repr(noise)


def test_random_is_no_better_than_itself():
    draws = np.arange(100) / 100
    report = SummaryReport(0.95, "mean", np.ones(1), draws, 0.95)
    assert report.beats_random
    assert not report._replace(f_score=0.94).beats_random
    assert str(report._replace(f_score=0.94)).splitlines() == [
        "F-score  0.940, mean over 1 people",
        "random   0.495 (0.025 to 0.965), mean and the middle 95 % of 100",
        "uniform  0.950",
        "The summary does not beat random: 94 of 100 random summaries score lower.",
        "It does not beat the uniform summary.",
    ]


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"summary": SUMMARY.astype(int)}, r"Received: int\d+ \(6,\) and bool \(4, 6\)"),
        ({"people": PEOPLE.astype(float)}, r"and float64 \(4, 6\). Zeros and ones become booleans by people.astype"),
        ({"people": PEOPLE.T}, r"and bool \(6, 4\). .* is turned by people.T"),
        ({"people": PEOPLE[0]}, r"`people` booleans \[people, frames\]. Received: .* and bool \(6,\)"),
        ({"people": PEOPLE[:0]}, "at least one person, .* Received: 0 people, 2 frames"),
        ({"summary": np.zeros(6, bool)}, "one frame in the summary. Received: 4 people, 0 frames"),
        ({"budget": 0.2}, "keep to the budget, .* Received: 2 of 6 frames, and the budget is 1. Give .* budget=0.334"),
        ({"rule": "median"}, "`rule` must be \"mean\", .* Received: rule='median'"),
        ({"shots": [1, 2]}, "`shots` must begin with 0"),
    ],
)
def test_bad_arguments(changed, message):
    with pytest.raises(ValueError, match=message):
        summary_report(**{"summary": SUMMARY, "people": PEOPLE, "shots": SHOTS, "budget": 0.4, **changed})


def test_needs_no_tensorflow(run_python):
    modules = "rnn_tf.evaluation.agreement, rnn_tf.evaluation.ranks"
    assert "False False" in run_python(
        f"import sys, {modules}; print('tensorflow' in sys.modules, 'keras' in sys.modules)"
    )
