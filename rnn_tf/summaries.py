"""Which frames of a clip make its summary, from the importance of each."""

import math
import numbers
from typing import Any

import numpy as np

from rnn_tf._checks import numbers_of

__all__ = ["summarize"]


def summarize(scores: Any, shots: Any, budget: float = 0.15) -> np.ndarray:
    """The frames of the summary: whole shots, the most important that fit the budget.

    A shot s has length l_s and value v_s, the mean score of its frames. The chosen shots

        maximize sum_s v_s    subject to    sum_s l_s <= budget * frames

    which is the 0/1 knapsack problem. It is solved exactly, by dynamic programming. Among choices of equal value it
    is the one with the earlier shots, and shots of value 0 fill what is left. A shot of negative value is never taken.

    The value is the mean, and not the sum, because TVSum's pipeline takes the mean, and those compared on it do too.
    It does not grow with a shot's length, but the cost does: short shots are preferred.

    Args:
        scores: Importance of each frame `[frames]`, such as a network's answers. Where a network sees every 15th
            frame only, `np.repeat(scores, 15)[:frames]` gives each frame one.
        shots: The first frame of each shot, increasing integers `[shots]` that begin with 0. A shot ends where the
            next one begins, the last one with the clip. From `change_points` of the files of TVSum and SumMe, which
            hold the first and the last frame of each shot, take `change_points[:, 0]`.
        budget: The largest share of the frames that the summary may have, above 0 and at most 1.

    Returns:
        Booleans `[frames]`: whether the frame is part of the summary. At least one is.

    Raises:
        ValueError: If scores are not finite numbers `[frames]`, shots do not begin with 0, increase and end before
            the scores do, the budget is out of range, no shot fits the budget, or all that fit have negative values.

    Source: Y. Song, J. Vallmitjana, A. Stent and A. Jaimes (2015), "TVSum: Summarizing web videos using titles";
    K. Zhang, W.-L. Chao, F. Sha and K. Grauman (2016), "Video summarization with long short-term memory".

    Example: 10 frames in shots of 3, 4, 1 and 2. Half of them may stay.
    >>> from rnn_tf import summarize
    >>> scores = [0.9, 0.8, 0.7, 0.1, 0.2, 0.1, 0.2, 0.3, 0.6, 0.6]
    >>> summarize(scores, [0, 3, 7, 8], budget=0.5).astype(int)
    array([1, 1, 1, 0, 0, 0, 0, 0, 1, 1])
    """
    scores = checked_scores("scores", scores)
    if scores.ndim != 1:
        raise ValueError(
            f"`scores` must be those of one clip, [frames]. Received: shape {scores.shape}. From answers of shape "
            "[clips, frames, 1] take answers[0, :, 0]."
        )
    shots, lengths, capacity = checked_shots(shots, len(scores), budget)
    values = np.add.reduceat(scores, shots) / lengths
    fits = lengths <= capacity
    if values[fits].max() < 0:
        raise ValueError(
            "`scores` must be such that 0 stands for a frame of no importance. Received: the shots that fit the budget "
            f"have mean scores of at most {values[fits].max():.4g}. Move them up, as by scores - scores.min()."
        )
    return np.repeat(_knapsack(values, lengths, capacity), lengths)


def checked_scores(name: str, scores: Any) -> np.ndarray:
    """The scores in float64. Raises ValueError, naming the argument, unless they are finite numbers, at least one."""
    scores = numbers_of(name, scores).astype(np.float64)
    if not scores.size or not np.isfinite(scores).all():
        received = f"NaN or infinity, {(~np.isfinite(scores)).sum()} times" if scores.size else "none"
        raise ValueError(f"`{name}` must be finite. Received: {received}. Give 0 to a frame that has no score.")
    return scores


def checked_shots(shots: Any, frames: int, budget: float) -> tuple[np.ndarray, np.ndarray, int]:
    """First frames and lengths of the shots, and how many frames the budget holds; ValueError if they do not fit."""
    shots = np.asarray(shots)
    if shots.ndim != 1 or shots.dtype.kind not in "iu":
        raise ValueError(
            f"`shots` must be the first frame of each shot, integers [shots]. Received: {shots.dtype} {shots.shape}. "
            "From change_points of the first and the last frame of each take change_points[:, 0]; floats become "
            "integers by shots.astype(int)."
        )
    shots = shots.astype(np.int64)
    if not shots.size or shots[0] != 0:
        received = f"the first is {shots[0]}" if shots.size else "none"
        raise ValueError(f"`shots` must begin with 0. Received: {received}. Put it there by np.insert(shots, 0, 0).")
    if (np.diff(shots) <= 0).any():
        place = int((np.diff(shots) <= 0).argmax())
        raise ValueError(
            f"`shots` must increase. Received: {shots[place]}, then {shots[place + 1]}. Sort them, each once, by "
            "np.unique(shots)."
        )
    if shots[-1] >= frames:
        raise ValueError(
            f"`shots` must begin before the last frame is over. Received: {shots[-1]} as the first frame of the last "
            f"shot, of {frames} frames. If the scores are of every 15th frame, give one to each by "
            "np.repeat(scores, 15)[:frames]."
        )
    if not isinstance(budget, numbers.Real) or not 0 < budget <= 1:
        raise ValueError(
            f"`budget` must be a share of the frames, above 0 and at most 1. Received: budget={budget!r}. Give 0.15 "
            "for 15 %."
        )
    lengths = np.diff(shots, append=frames)
    capacity = int(budget * frames + 1e-9)  # 0.29 * 100 is a little less than 29
    if lengths.min() > capacity:
        enough = math.ceil(1000 * lengths.min() / frames) / 1000
        raise ValueError(
            f"`budget` must be enough for one shot. Received: budget={budget}, which is {capacity} of {frames} frames, "
            f"and the shortest shot has {lengths.min()}. Give budget={enough} or more, or cut the clip into shorter "
            "shots."
        )
    return shots, lengths, capacity


def __dir__() -> list[str]:
    return __all__


def _knapsack(values: np.ndarray, lengths: np.ndarray, capacity: int) -> np.ndarray:
    """Which shots to take, booleans `[shots]`."""
    takes = np.zeros([len(values), capacity + 1], bool)  # of what is left of the capacity: whether the shot is taken
    best = np.zeros(capacity + 1)  # value of the shots from here on
    for shot in np.flatnonzero(lengths <= capacity)[::-1]:  # the last first: then the first chooses first
        taken, left = values[shot] + best[: capacity + 1 - lengths[shot]], best[lengths[shot] :]
        takes[shot, lengths[shot] :] = taken >= left
        best[lengths[shot] :] = np.maximum(taken, left)
    chosen = np.zeros(len(values), bool)
    for shot, length in enumerate(lengths):
        chosen[shot] = takes[shot, capacity]
        capacity -= length * chosen[shot]
    return chosen
