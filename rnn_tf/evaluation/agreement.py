"""How well a summary of a clip agrees with those of people, and whether random ones agree less."""

from typing import Any, NamedTuple

import numpy as np

from rnn_tf.summaries import checked_shots, summarize

__all__ = ["SummaryReport", "summary_report"]

DRAWS = 100  # random summaries that a report compares with


class SummaryReport(NamedTuple):
    """What `summary_report` returns: `print(report)` says whether the summary beats random and uniform ones.

    f_score: F-score of the summary, after the rule.
    rule: "mean" or "max", over the people.
    f_scores: F-scores against each person `[people]`.
    random: F-scores of 100 summaries of random scores, after the rule `[100]`.
    uniform: F-score of a summary of shots at even distances, after the rule.

    Example: most of the random summaries do better.
    >>> import numpy as np
    >>> from rnn_tf.evaluation.agreement import SummaryReport
    >>> print(SummaryReport(0.31, "max", np.array([0.31, 0.1]), np.linspace(0.2, 0.5, 100), 0.25))
    F-score  0.310, max over 2 people
    random   0.350 (0.208 to 0.492), mean and the middle 95 % of 100
    uniform  0.250
    The summary does not beat random: 37 of 100 random summaries score lower.
    It beats the uniform summary.
    """

    f_score: float
    rule: str
    f_scores: np.ndarray
    random: np.ndarray
    uniform: float

    @property
    def beats_random(self) -> bool:
        """Whether the summary scores higher than at least 95 % of the random ones."""
        return bool((self.random < self.f_score).mean() >= 0.95)

    def __str__(self) -> str:
        low, high = np.percentile(self.random, [2.5, 97.5])
        lower, draws = (self.random < self.f_score).sum(), len(self.random)
        return (
            f"F-score  {self.f_score:.3f}, {self.rule} over {len(self.f_scores)} people\n"
            f"random   {self.random.mean():.3f} ({low:.3f} to {high:.3f}), mean and the middle 95 % of {draws}\n"
            f"uniform  {self.uniform:.3f}\n"
            f"The summary {'beats' if self.beats_random else 'does not beat'} random: {lower} of {draws} random "
            f"summaries score lower.\n"
            f"It {'beats' if self.f_score > self.uniform else 'does not beat'} the uniform summary."
        )

    def __repr__(self) -> str:
        return str(self)


def summary_report(
    summary: Any, people: Any, shots: Any, budget: float = 0.15, rule: str = "mean", seed: int = 0
) -> SummaryReport:
    """F-score of a clip's summary against those of several people, next to random and uniform summaries.

    With S the frames of the summary and P those of a person:

        F = 2 |S and P| / (|S| + |P|)

    the harmonic mean of precision |S and P| / |S| and recall |S and P| / |P|. Over people it is the mean for TVSum,
    and for SumMe the max: there it is enough to agree with one person.

    The F-score alone misleads: the cut into shots decides much of it, and random scores may reach that of a network.
    (`rank_correlation` looks at the scores themselves.) So the report holds what others reach on the same people:

        random = summarize(r, shots, budget), 100 times, with r of each frame drawn evenly from 0 to 1
        uniform = as many shots as fit the budget, at even distances, of those that fit it alone

    Args:
        summary: Booleans `[frames]`, as `summarize` returns them.
        people: Booleans `[people, frames]`: the frames that each person chose.
        shots: The first frame of each shot `[shots]`, as in `summarize`.
        budget: The largest share of the frames that a summary may have.
        rule: "mean", as for TVSum, or "max", as for SumMe.
        seed: A seed for the random scores.

    Raises:
        ValueError: If the two are not booleans of these shapes, there are no people, the summary has no frames or
            more than the budget, the rule is another, or `summarize` refuses shots or budget.

    Source: M. Gygli, H. Grabner, H. Riemenschneider and L. Van Gool (2014), "Creating summaries from user videos", for
    SumMe; Y. Song et al. (2015), "TVSum: Summarizing web videos using titles"; M. Otani, Y. Nakashima, E. Rahtu and
    J. Heikkilä (2019), "Rethinking the evaluation of video summaries", for the random ones.

    Example: 40 shots of 5 frames. Three people chose the first six.
    >>> import numpy as np
    >>> from rnn_tf import summarize
    >>> from rnn_tf.evaluation.agreement import summary_report
    >>> shots, people = np.arange(0, 200, 5), np.tile(np.arange(200) < 30, [3, 1])
    >>> summary = summarize(np.linspace(1, 0, 200), shots)
    >>> print(summary_report(summary, people, shots))
    F-score  1.000, mean over 3 people
    random   0.160 (0.000 to 0.500), mean and the middle 95 % of 100
    uniform  0.167
    The summary beats random: 100 of 100 random summaries score lower.
    It beats the uniform summary.
    """
    summary, people = np.asarray(summary), np.asarray(people)
    if not summary.dtype == people.dtype == bool or people.shape[1:] != summary.shape or summary.ndim != 1:
        raise ValueError(
            "`summary` must be booleans [frames], and `people` booleans [people, frames]. Received: "
            f"{summary.dtype} {summary.shape} and {people.dtype} {people.shape}. Zeros and ones become booleans by "
            "people.astype(bool), an array [frames, people] is turned by people.T."
        )
    if rule not in ("mean", "max"):
        raise ValueError(f'`rule` must be "mean", as for TVSum, or "max", as for SumMe. Received: rule={rule!r}.')
    if not len(people) or not summary.any():
        raise ValueError(
            "There must be at least one person, and one frame in the summary. Received: "
            f"{len(people)} people, {summary.sum()} frames."
        )
    _, lengths, capacity = checked_shots(shots, len(summary), budget)
    if summary.sum() > capacity:
        raise ValueError(
            "`summary` must keep to the budget, as the random ones do. Received: "
            f"{summary.sum()} of {len(summary)} frames, and the budget is {capacity}. Give the budget that it was made "
            f"with, at least budget={np.ceil(1000 * summary.mean()) / 1000}."
        )
    over_people = np.mean if rule == "mean" else np.max
    rng = np.random.default_rng(seed)
    random = [summarize(rng.random(len(summary)), shots, budget) for _ in range(DRAWS)]
    f_scores, *others = (_f_scores(one, people) for one in (summary, _uniform(lengths, capacity), *random))
    uniform, *drawn = (float(over_people(one)) for one in others)
    return SummaryReport(float(over_people(f_scores)), rule, f_scores, np.array(drawn), uniform)


def __dir__() -> list[str]:
    return __all__


def _f_scores(summary: np.ndarray, people: np.ndarray) -> np.ndarray:
    """Against each person `[people]`."""
    return 2 * (summary & people).sum(axis=1) / (summary.sum() + people.sum(axis=1))


def _uniform(lengths: np.ndarray, capacity: int) -> np.ndarray:
    """As many shots as fit, at even distances, of those that fit alone; booleans `[frames]`."""
    candidates = np.flatnonzero(lengths <= capacity)
    for count in range(len(candidates), 0, -1):
        places = (2 * np.arange(count) + 1) * len(candidates) // (2 * count)  # the middles of `count` equal parts
        if lengths[candidates[places]].sum() <= capacity:
            break
    return np.repeat(np.isin(np.arange(len(lengths)), candidates[places]), lengths)
