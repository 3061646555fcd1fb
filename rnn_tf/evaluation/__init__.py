"""How good answers are, with intervals that say how far other test rows could move the scores."""

from rnn_tf.evaluation.bootstrap import Estimate
from rnn_tf.evaluation.classification import ClassificationReport, Mistake, classification_report, paired_difference

__all__ = ["ClassificationReport", "Estimate", "Mistake", "classification_report", "paired_difference"]


def __dir__() -> list[str]:
    return __all__
