"""How good a classifier is, with intervals that say how far other test rows could move its scores."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from rnn_tf.evaluation.bootstrap import Estimate, estimate, redraw
from rnn_tf.evaluation.tables import aligned

MISTAKES = 10  # how many a report names


class Mistake(NamedTuple):
    """A row that was answered wrongly, and the probability that the model gave to its answer.

    Example:
    >>> from rnn_tf.evaluation import classification_report
    >>> report = classification_report([0, 1], [[0.2, 0.8], [0.1, 0.9]], ["negative", "positive"])
    >>> report.mistakes[0]
    Mistake(row=0, truth='negative', answer='positive', probability=0.8)
    """

    row: int
    truth: str
    answer: str
    probability: float


class ClassificationReport(NamedTuple):
    """What `classification_report` returns: `print(report)` shows it as a table.

    accuracy: Share of the rows that were answered rightly.
    macro_f1: Mean F1 of the classes.
    confusion: Integers `[classes, classes]`: how many rows of the row's class were answered with the column's.
    classes: Names of the classes.
    mistakes: At most 10, the most confident first.

    Example: five rows, one of them answered wrongly.
    >>> import numpy as np
    >>> from rnn_tf.evaluation import classification_report
    >>> answers = np.eye(2)[[0, 0, 1, 1, 1]]
    >>> report = classification_report([0, 0, 0, 1, 1], answers, ["negative", "positive"])
    >>> report.accuracy.value, report.confusion.tolist()
    (0.8, [[2, 1], [0, 2]])
    """

    accuracy: Estimate
    macro_f1: Estimate
    confusion: np.ndarray
    classes: tuple[str, ...]
    mistakes: list[Mistake]

    def __str__(self) -> str:
        hits, support, answers = self.confusion.diagonal(), self.confusion.sum(axis=1), self.confusion.sum(axis=0)
        rows = [("class", "precision", "recall", "F1", "support")]
        for name, hit, truth, answer in zip(self.classes, hits, support, answers, strict=True):
            rows.append((name, _share(hit, answer), _share(hit, truth), _share(2 * hit, truth + answer), str(truth)))
        head = [
            f"accuracy  {self.accuracy}",
            f"macro-F1  {self.macro_f1}",
            f"rows      {support.sum()}, intervals of 95 %",
            "",
        ]
        return "\n".join(head + aligned(rows))

    def __repr__(self) -> str:
        return str(self)


def classification_report(
    y_true: Any, probabilities: Any, classes: Sequence[str], seed: int = 0
) -> ClassificationReport:
    """Accuracy, macro-F1, confusion matrix and worst mistakes of a classifier.

    The answer to a row is its most probable class. Class c has TP_c rows of its own that were answered with c, FP_c
    of others that were, and FN_c of its own that were not.

        accuracy = sum_c TP_c / rows
        F1_c = 2 TP_c / (2 TP_c + FP_c + FN_c)
        macro-F1 = mean of F1_c over the classes

    A class that occurs neither in truth nor answers has no F1_c, and the mean leaves it out.

    The intervals are the percentile bootstrap's: 1000 times as many rows are drawn from the rows, with replacement,
    and the middle 95 % of the scores of these draws make the interval. It tells what other test rows from the same
    source would change, not what another training would.

    Args:
        y_true: Class numbers, integers `[rows]`.
        probabilities: Array `[rows, classes]`, as a softmax gives it.
        classes: Names of the classes, in the order of their numbers.
        seed: A seed for the draws.

    Returns:
        A `ClassificationReport`.

    Raises:
        ValueError: If the shapes do not fit, there are no rows, a class number is out of range, or a row of
            probabilities has a negative value, a NaN, or a sum that is not 1.

    Source: B. Efron and R. J. Tibshirani (1993), "An Introduction to the Bootstrap", Chapman and Hall.

    Example:
    >>> from rnn_tf.evaluation import classification_report
    >>> y_true = [0, 0, 0, 1, 1, 1]
    >>> probabilities = [[0.9, 0.1], [0.8, 0.2], [0.3, 0.7], [0.4, 0.6], [0.1, 0.9], [0.2, 0.8]]
    >>> report = classification_report(y_true, probabilities, ["negative", "positive"])
    >>> print(report)
    accuracy  0.833 (0.500 to 1.000)
    macro-F1  0.829 (0.398 to 1.000)
    rows      6, intervals of 95 %
    <BLANKLINE>
    class     precision     recall         F1    support
    negative      1.000      0.667      0.800          3
    positive      0.750      1.000      0.857          3
    >>> report.mistakes
    [Mistake(row=2, truth='negative', answer='positive', probability=0.7)]
    """
    y_true, probabilities = np.asarray(y_true), np.asarray(probabilities, np.float64)
    if y_true.ndim != 1 or not y_true.size or probabilities.shape != (len(y_true), len(classes)):
        raise ValueError(
            f"`y_true` must have shape [rows], with at least one row, and `probabilities` [rows, {len(classes)}], a "
            f"column for each name in `classes`. Received: {y_true.shape} and {probabilities.shape}. One-hot rows "
            "become class numbers with argmax(axis=1)."
        )
    if y_true.dtype.kind not in "iub" or y_true.min() < 0 or y_true.max() >= len(classes):
        raise ValueError(
            f"`y_true` must hold class numbers, integers from 0 to {len(classes) - 1}. Received: "
            f"{np.unique(y_true)[[0, -1]].tolist()} as the lowest and the highest, of type {y_true.dtype}."
        )
    fits = (probabilities >= 0).all(axis=1) & (np.abs(probabilities.sum(axis=1) - 1) < 0.01)
    if not fits.all():
        row = int(fits.argmin())
        raise ValueError(
            f"`probabilities` must not be negative, and must sum to 1 in each row. Received: row {row} sums to "
            f"{probabilities[row].sum():.4g}, its lowest is {probabilities[row].min():.4g}. Put a softmax behind a "
            "model that answers with scores."
        )
    y_true, answers = y_true.astype(np.int64), probabilities.argmax(axis=1)
    confusion = np.bincount(y_true * len(classes) + answers, minlength=len(classes) ** 2)
    confusion = confusion.reshape(len(classes), len(classes))
    truth, answer = confusion.nonzero()  # of each cell that has rows
    counts = confusion[truth, answer]
    observed = _scores(counts, truth, answer, len(classes))
    drawn = _scores(redraw(counts, seed), truth, answer, len(classes))
    accuracy, macro_f1 = (estimate(*pair) for pair in zip(observed, drawn, strict=True))

    wrong = np.flatnonzero(answers != y_true)
    order = wrong[np.argsort(-probabilities[wrong, answers[wrong]], kind="stable")]
    mistakes = [
        Mistake(int(row), classes[y_true[row]], classes[answers[row]], float(probabilities[row, answers[row]]))
        for row in order[:MISTAKES]
    ]
    return ClassificationReport(accuracy, macro_f1, confusion, tuple(classes), mistakes)


def paired_difference(correct_a: Any, correct_b: Any, seed: int = 0) -> Estimate:
    """How much more accurate classifier a is than b on the same rows, in shares of the rows.

        difference = mean(correct_a - correct_b)

    The interval is the percentile bootstrap's, which draws whole rows, so that what is hard for both takes no part.
    It excludes 0 when the rows are enough to tell the two apart.

    Args:
        correct_a: For each row whether a answered it rightly, booleans `[rows]`.
        correct_b: The same of b.
        seed: A seed for the draws.

    Raises:
        ValueError: If the two are not booleans of one shape `[rows]`, or there are no rows.

    Source: B. Efron and R. J. Tibshirani (1993), "An Introduction to the Bootstrap", Chapman and Hall.

    Example:
    >>> from rnn_tf.evaluation import paired_difference
    >>> print(paired_difference([True] * 90 + [False] * 10, [True] * 70 + [False] * 30))
    0.200 (0.120 to 0.280)
    """
    correct_a, correct_b = np.asarray(correct_a), np.asarray(correct_b)
    if not correct_a.dtype == correct_b.dtype == bool or correct_a.shape != correct_b.shape or correct_a.ndim != 1:
        raise ValueError(
            "`correct_a` and `correct_b` must be booleans of one shape [rows]. Received: "
            f"{correct_a.dtype} {correct_a.shape} and {correct_b.dtype} {correct_b.shape}. Compare each model's "
            "answers with the truth, as in probabilities.argmax(axis=1) == y_true."
        )
    if not correct_a.size:
        raise ValueError("`correct_a` and `correct_b` must have at least one row. Received: none.")
    values, counts = np.unique(correct_a.astype(np.int64) - correct_b, return_counts=True)
    return estimate(counts @ values / len(correct_a), redraw(counts, seed) @ values / len(correct_a))


def _scores(counts: np.ndarray, truth: np.ndarray, answer: np.ndarray, classes: int) -> tuple[np.ndarray, np.ndarray]:
    """Accuracy and macro-F1 where `counts[..., i]` rows have class truth[i] and answer[i]."""
    truths, answers = np.eye(classes)[truth], np.eye(classes)[answer]  # [cells, classes]
    hits = counts * (truth == answer)
    both = counts @ (truths + answers)  # 2 TP + FP + FN
    f1 = 2 * (hits @ truths) / np.where(both, both, np.nan)
    return hits.sum(axis=-1) / counts.sum(axis=-1), np.nanmean(f1, axis=-1)


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.3f}" if whole else "-"
