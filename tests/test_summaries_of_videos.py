"""The README's network that scores frames does what the text beside it says."""

import re
from pathlib import Path

import numpy as np
import pytest

from rnn_tf import summarize
from rnn_tf.evaluation import rank_correlation, summary_report

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
SECTION = re.search(r"^## Summaries of videos\n(.*?)^## ", README, flags=re.DOTALL | re.MULTILINE)[1]


@pytest.fixture(scope="module")
def example():
    """What the README's code leaves behind, and what its clips hold that the network did not see."""
    names = {"print": lambda *_: None}
    exec(compile(re.search(r"```python\n(.*?)```", SECTION, flags=re.DOTALL)[1], "README.md", "exec"), names)
    return names


def taus(example, scores):
    clips = example["clips"][50:]
    return [rank_correlation(one, people).kendall for one, (_, _, people) in zip(scores, clips, strict=True)]


def reports_of(example, scores):
    for one, (_, shots, people) in zip(scores, example["clips"][50:], strict=True):
        chosen = np.array([summarize(person - person.min(), shots) for person in people])
        yield summary_report(summarize(one - one.min(), shots), chosen, shots)


def test_it_begins_with_pictures(example):
    images, shots, people = example["clips"][0]
    assert (images.dtype, images.shape, people.shape) == (np.uint8, (120, 16, 16, 3), (5, 120))
    found = example["features"](images)
    np.testing.assert_allclose(found[:, :8].sum(axis=1), 1)
    same = images[1:] == images[:-1]
    np.testing.assert_array_equal(found[1:, 8] == 0, same.all(axis=(1, 2, 3)))
    assert shots[0] == 0
    assert np.diff(shots).min() >= 4


def test_it_beats_random_and_uniform_summaries_and_the_differences_of_frames(example):
    reports, scores = example["reports"], example["scores"]
    random = np.mean([report.random.mean() for report in reports])
    f_score = np.mean([report.f_score for report in reports])
    assert f_score > 1.5 * random > 0.15  # which is far from 0
    assert f_score > 1.5 * np.mean([report.uniform for report in reports])
    changes = example["x"][50:, :, 8]
    assert np.mean(taus(example, scores)) > np.mean(taus(example, changes)) + 0.05
    assert f_score > np.mean([report.f_score for report in reports_of(example, changes)]) + 0.05
    assert abs(np.mean(taus(example, np.random.default_rng(0).random(scores.shape)))) < 0.05


def test_its_figures_are_the_readmes(example):
    reports = example["reports"]
    figures = [np.mean(taus(example, example["scores"])), np.mean([report.f_score for report in reports])]
    figures.append(np.mean([report.random.mean() for report in reports]))
    named = re.search(r"tau was (\S+) in the mean, and the\s+F-score (\S+), against (\S+) of random", SECTION).groups()
    np.testing.assert_allclose(figures, list(map(float, named)), atol=0.1)  # another processor rounds otherwise


def test_what_does_not_beat_random_is_told(example):
    """Each clip with the scores of another: they know nothing of it."""
    reports = list(reports_of(example, np.roll(example["scores"], 1, axis=0)))
    assert sum(report.beats_random for report in reports) <= 2
    for report in reports:
        assert ("does not beat random" in str(report)) != report.beats_random
