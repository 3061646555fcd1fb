"""Whether scores order frames as people do."""

from typing import Any, NamedTuple

import numpy as np

from rnn_tf.summaries import checked_scores

__all__ = ["RankCorrelation", "rank_correlation"]


class RankCorrelation(NamedTuple):
    """Kendall's tau-b and Spearman's rho, means over people; random scores have about 0, the same order has 1.

    Example:
    >>> from rnn_tf.evaluation.ranks import RankCorrelation
    >>> RankCorrelation(0.12, 0.17).kendall
    0.12
    """

    kendall: float
    spearman: float

    def __str__(self) -> str:
        return f"Kendall's tau {self.kendall:.3f}, Spearman's rho {self.spearman:.3f}"

    def __repr__(self) -> str:
        return str(self)


def rank_correlation(scores: Any, people_scores: Any) -> RankCorrelation:
    """How far scores order the frames of a clip as people do: Kendall's tau-b and Spearman's rho.

    A pair of frames is concordant if both order it the same way, discordant if they do the opposite. Of the n_0 pairs,
    n_1 are tied in the scores, and n_2 in those of the person.

        tau_b = (concordant - discordant) / sqrt((n_0 - n_1) (n_0 - n_2))
        rho = Pearson's correlation of the ranks, where frames of equal score share the mean of theirs

    Both are computed against each person; the result is the mean over people. No shots and no budget take part, so
    random scores have 0, whatever the clip. Discordant pairs are counted in O(n log^2 n), not pair by pair.

    Args:
        scores: Importance of each frame `[frames]`.
        people_scores: The same by each person `[people, frames]`.

    Raises:
        ValueError: If these are not finite numbers of these shapes, or the scores or those of a person are all equal,
            so that they order nothing.

    Source: M. Otani, Y. Nakashima, E. Rahtu and J. Heikkilä (2019), "Rethinking the evaluation of video summaries";
    W. R. Knight (1966), "A computer method for calculating Kendall's tau with ungrouped data", for the counting.

    Example: the second person turns one of the six pairs around.
    >>> from rnn_tf.evaluation.ranks import rank_correlation
    >>> rank_correlation([0.1, 0.2, 0.3, 0.4], [[1, 2, 3, 4], [1, 2, 5, 4]])
    Kendall's tau 0.833, Spearman's rho 0.900
    """
    scores, people_scores = checked_scores("scores", scores), checked_scores("people_scores", people_scores)
    if scores.ndim != 1 or people_scores.shape[1:] != scores.shape:
        raise ValueError(
            "`scores` must have shape [frames], and `people_scores` [people, frames]. Received: "
            f"{scores.shape} and {people_scores.shape}. Of one person give people_scores[None], an array [frames, "
            "people] is turned by people_scores.T."
        )
    if scores.min() == scores.max():
        raise ValueError(f"`scores` must differ, to order frames. Received: {scores[0]:.4g} for all of them.")
    equal = people_scores.min(axis=1) == people_scores.max(axis=1)
    if equal.any():
        raise ValueError(
            "The scores of each person must differ, to order frames. Received: all equal from person "
            f"{equal.argmax()}. Leave out who ordered nothing, as by people_scores[np.ptp(people_scores, axis=1) > 0]."
        )
    both = [(_kendall(scores, person), _spearman(scores, person)) for person in people_scores]
    kendall, spearman = np.mean(both, axis=0)
    return RankCorrelation(float(kendall), float(spearman))


def __dir__() -> list[str]:
    return __all__


def _kendall(x: np.ndarray, y: np.ndarray) -> float:
    x, y = (np.unique(one, return_inverse=True)[1] for one in (x, y))
    pairs = len(x) * (len(x) - 1) // 2
    tied_x, tied_y, tied_both = (_tied(one) for one in (x, y, x * len(y) + y))
    discordant = _inversions(y[np.lexsort([y, x])])  # frames tied in x come in the order of y: no inversions
    concordant = pairs - tied_x - tied_y + tied_both - discordant
    return float((concordant - discordant) / np.sqrt(float(pairs - tied_x) * float(pairs - tied_y)))


def _tied(values: np.ndarray) -> int:
    """How many pairs are equal."""
    counts = np.unique(values, return_counts=True)[1]
    return int((counts * (counts - 1) // 2).sum())


def _inversions(values: np.ndarray) -> int:
    """How many pairs of these integers, none negative, have the larger first.

    Such a pair differs first in one bit, which is 1 in the earlier value and 0 in the later one. Bit by bit, highest
    first, values that agree in all higher bits stand together in their order, and for each 0 the 1s before it in its
    group are counted.
    """
    count = 0
    for bit in reversed(range(int(values.max()).bit_length())):
        values = values[np.argsort(values >> (bit + 1), kind="stable")]
        group, ones = values >> (bit + 1), (values >> bit) & 1
        before = np.cumsum(ones) - ones
        count += int(((before - before[np.searchsorted(group, group)]) * (1 - ones)).sum())
    return count


def _spearman(x: np.ndarray, y: np.ndarray) -> float:
    return float(np.corrcoef(_ranks(x), _ranks(y))[0, 1])


def _ranks(values: np.ndarray) -> np.ndarray:
    """From 1; equal values share the mean of theirs."""
    _, places, counts = np.unique(values, return_inverse=True, return_counts=True)
    return (np.cumsum(counts) - (counts - 1) / 2)[places]
