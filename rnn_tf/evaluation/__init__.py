"""How good answers are, with intervals that say how far other test rows could move the scores."""

from rnn_tf.evaluation.agreement import SummaryReport, summary_report
from rnn_tf.evaluation.bootstrap import Estimate
from rnn_tf.evaluation.classification import ClassificationReport, Mistake, classification_report, paired_difference
from rnn_tf.evaluation.ranks import RankCorrelation, rank_correlation
from rnn_tf.evaluation.spans import LabelScores, SentenceMistake, SpanConfusion, SpanReport, span_report

__all__ = [
    "ClassificationReport",
    "Estimate",
    "LabelScores",
    "Mistake",
    "RankCorrelation",
    "SentenceMistake",
    "SpanConfusion",
    "SpanReport",
    "SummaryReport",
    "classification_report",
    "paired_difference",
    "rank_correlation",
    "span_report",
    "summary_report",
]


def __dir__() -> list[str]:
    return __all__
