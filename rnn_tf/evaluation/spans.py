"""How good a tagger is, with intervals that say how far other test sentences could move its scores."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

from rnn_tf.evaluation.bootstrap import Estimate, estimate, redrawn_sums
from rnn_tf.evaluation.sentences import checked_sentences
from rnn_tf.evaluation.tables import aligned

MISTAKES = 10  # how many a report names


class LabelScores(NamedTuple):
    """The scores of the spans of one label. A score without spans to count is NaN.

    Example:
    >>> from rnn_tf.evaluation import span_report
    >>> span_report([["B-city", "O"]], [["B-city", "B-city"]]).labels["city"]
    LabelScores(precision=0.5, recall=1.0, f1=0.667 (0.667 to 0.667), support=1)
    """

    precision: float
    recall: float
    f1: Estimate
    support: int


class SpanConfusion(NamedTuple):
    """How often spans of one label are answered as another one, with the same first and last token.

    truth: The true label; None for spans that are made up: no true one has their first and last token.
    answer: The predicted label; None for spans that are missed.
    spans: How many they are.

    Example: a span that ends too early is missed, and another one made up.
    >>> from rnn_tf.evaluation import span_report
    >>> span_report([["B-city", "O", "B-day", "I-day"]], [["B-day", "O", "B-day", "O"]]).confusions[1:]
    [SpanConfusion(truth='city', answer='day', spans=1), SpanConfusion(truth='day', answer=None, spans=1)]
    """

    truth: str | None
    answer: str | None
    spans: int


class SentenceMistake(NamedTuple):
    """A sentence that was answered wrongly.

    sentence: Its number.
    tags: Number, true tag and predicted tag of each token with a wrong one.
    intents: The true and the predicted intent, if that is wrong.

    Example:
    >>> from rnn_tf.evaluation import span_report
    >>> span_report([["O"], ["B-city", "O"]], [["O"], ["B-city", "B-city"]]).mistakes
    [SentenceMistake(sentence=1, tags=[(1, 'O', 'B-city')], intents=None)]
    """

    sentence: int
    tags: list[tuple[int, str, str]]
    intents: tuple[str, str] | None


class SpanReport(NamedTuple):
    """What `span_report` returns: `print(report)` shows it as a table.

    precision, recall, f1: Of the spans of all labels together. None where tags mark no spans.
    token_accuracy: Share of the tokens whose tag is right.
    sentence_accuracy: Share of the sentences of which everything is right: all tags, and the intent if there are any.
    intent_accuracy: Share of the sentences whose intent is right, or None.
    labels: The scores of each label; where tags mark no spans, of each tag.
    confusions: Which label is taken for which, most frequent first: a list of `SpanConfusion`.
    ill_formed: How many predicted tags cannot be where they are, such as an I-city behind O.
    mistakes: At most 10 sentences, those with the most wrong tags first.
    sentences: How many there were.
    scheme: What the tags are: "bio", "iobes", or None where they mark no spans.
    rule: How spans were counted.

    Example: half of the spans are found.
    >>> from rnn_tf.evaluation import span_report
    >>> report = span_report([["B-city", "O", "B-day"]], [["B-city", "O", "O"]])
    >>> report.precision.value, report.recall.value, round(report.f1.value, 3)
    (1.0, 0.5, 0.667)
    """

    precision: Estimate | None
    recall: Estimate | None
    f1: Estimate | None
    token_accuracy: Estimate
    sentence_accuracy: Estimate
    intent_accuracy: Estimate | None
    labels: dict[str, LabelScores]
    confusions: list[SpanConfusion]
    ill_formed: int
    mistakes: list[SentenceMistake]
    sentences: int
    scheme: str | None
    rule: str

    def __str__(self) -> str:
        names = ["f1", "precision", "recall", "token_accuracy", "sentence_accuracy", "intent_accuracy"]
        scores = [(name.replace("_", " ").replace("f1", "F1"), getattr(self, name)) for name in names]
        head = [f"{name:<19}{score}" for name, score in scores if score is not None]
        head.append(f"{'sentences':<19}{self.sentences}, intervals of 95 %")
        if self.scheme:
            head.append(f"{'rule':<19}{self.rule}, of {self.scheme} tags")
            head.append(f"{'ill-formed':<19}{self.ill_formed} of the predicted tags")
        rows: list[tuple[str, ...]] = [("label", "precision", "recall", "F1", "support")]
        for label, (precision, recall, f1, support) in self.labels.items():
            cells = ("-" if np.isnan(score) else f"{score:.3f}" for score in (precision, recall))
            rows.append((label, *cells, "-" if np.isnan(f1.value) else str(f1), str(support)))
        return "\n".join([*head, "", *aligned(rows)])

    def __repr__(self) -> str:
        return str(self)


def span_report(
    true_tags: Iterable[Sequence[str]],
    predicted_tags: Iterable[Sequence[str]],
    *,
    rule: str = "conll",
    scheme: str | None = None,
    true_intents: Sequence[str] | None = None,
    predicted_intents: Sequence[str] | None = None,
    seed: int = 0,
) -> SpanReport:
    """Precision, recall and F1 of spans, accuracies of tokens and sentences, and the worst mistakes of a tagger.

    A predicted span is a hit if a true one has the same label, first and last token.

        precision = hits / predicted spans
        recall = hits / true spans
        F1 = 2 hits / (predicted spans + true spans)

    Tags that mark no spans, such as parts of speech, are scored each as a label whose spans are single tokens.

    The intervals are the percentile bootstrap's: 1000 times as many sentences are drawn, with replacement, and the
    middle 95 % of the scores of these draws make the interval. Draws without a span to count take no part in it.

    Args:
        true_tags: The names of the tags of each sentence, such as [["O", "B-city"], ["O"]].
        predicted_tags: The same of the tagger, token by token.
        rule: "conll" counts spans as conlleval does, the script of the CoNLL-2000 task: an I-city behind O begins a
            span, too. "strict" counts well-formed spans only. See `rnn_tf.fields.tag_schemes`.
        scheme: "bio" or "iobes". By default, the tags tell it.
        true_intents: An intent for each sentence, if it has one.
        predicted_intents: The same of the tagger.
        seed: A seed for the draws.

    Returns:
        A `SpanReport`.

    Raises:
        ValueError: If there are no sentences, the numbers of sentences, tags or intents do not fit, or a tag is not of
            the scheme.

    Source: E. F. Tjong Kim Sang and S. Buchholz (2000), "Introduction to the CoNLL-2000 shared task: chunking", CoNLL.
    B. Efron and R. J. Tibshirani (1993), "An Introduction to the Bootstrap", Chapman and Hall.

    Example:
    >>> from rnn_tf.evaluation import span_report
    >>> true_tags = [["O", "B-city", "I-city"], ["B-day"], ["B-city", "O"], ["O", "B-day"]]
    >>> predicted_tags = [["O", "B-city", "I-city"], ["B-day"], ["B-city", "O"], ["O", "I-city"]]
    >>> print(span_report(true_tags, predicted_tags))
    F1                 0.750 (0.250 to 1.000)
    precision          0.750 (0.250 to 1.000)
    recall             0.750 (0.250 to 1.000)
    token accuracy     0.875 (0.625 to 1.000)
    sentence accuracy  0.750 (0.250 to 1.000)
    sentences          4, intervals of 95 %
    rule               conll, of bio tags
    ill-formed         1 of the predicted tags
    <BLANKLINE>
    label  precision     recall                      F1    support
    city       0.667      1.000  0.800 (0.000 to 1.000)          2
    day        1.000      0.500  0.667 (0.000 to 1.000)          2
    """
    # Only here, because that room imports TensorFlow.
    from rnn_tf.fields.tag_schemes import PREFIXES, TagScheme, scheme_of

    for name, value, known in (("rule", rule, ["conll", "strict"]), ("scheme", scheme, [None, *PREFIXES])):
        if value not in known:
            raise ValueError(f"`{name}` must be one of {', '.join(map(repr, known))}. Received: {name}={value!r}.")
    truth, answers, intents = checked_sentences(true_tags, predicted_tags, true_intents, predicted_intents)
    tags = sorted({tag for sentence in truth + answers for tag in sentence})
    # A strange tag is an error among the predicted ones where the true ones mark spans.
    meaning = TagScheme(tags, scheme or scheme_of(tags) or scheme_of({tag for sentence in truth for tag in sentence}))
    labels = meaning.labels if meaning.kind else tags

    place: dict[str | None, int] = {tag: number for number, tag in enumerate([*tags, None])}  # None is outside
    true, predicted = (  # all sentences in one array, with an outside behind each
        np.array([place[tag] for sentence in side for tag in [*sentence, None]]) for side in (truth, answers)
    )
    lengths = np.array([len(sentence) for sentence in truth])
    sentence_of = np.repeat(np.arange(len(truth)), lengths + 1)
    true_spans, found = _spans(meaning, true, rule), _spans(meaning, predicted, rule)
    counts = [_counts(spans, sentence_of, labels) for spans in (true_spans & found, true_spans, found)]
    right_tags = np.bincount(sentence_of, (true == predicted) & (true < len(tags))).astype(int)  # [sentences]
    right_intents = np.array([a == b for a, b in intents])
    right = (right_tags == lengths) & right_intents

    rows = np.column_stack([np.ones_like(lengths), lengths, right_tags, right, right_intents, *counts])
    sums = np.vstack([rows.sum(axis=0), redrawn_sums(rows, seed)])  # [1 + resamples, columns]: observed, then drawn
    sentences, tokens, token_hits, sentence_hits, intent_hits = sums[:, :5].T
    parts = np.split(sums[:, 5:], 3, axis=1)  # hits, true spans and found ones, [1 + resamples, labels]
    overall = _scores(*(part.sum(axis=1) for part in parts)) if meaning.kind else (None, None, None)
    by_label = {}
    for number, label in enumerate(labels):
        precision, recall, f1 = _scores(*(part[:, number] for part in parts))
        by_label[label] = LabelScores(precision.value, recall.value, f1, int(parts[1][0, number]))

    worst = np.argsort(right_tags - lengths - ~right_intents, kind="stable")[: min(MISTAKES, (~right).sum())]
    return SpanReport(
        precision=overall[0],
        recall=overall[1],
        f1=overall[2],
        token_accuracy=_ratio(token_hits, tokens),
        sentence_accuracy=_ratio(sentence_hits, sentences),
        intent_accuracy=_ratio(intent_hits, sentences) if true_intents is not None else None,
        labels=by_label,
        confusions=_confusions(true_spans - found, found - true_spans),
        ill_formed=meaning.ill_formed(predicted),
        mistakes=[_mistake(number, truth[number], answers[number], intents[number]) for number in worst.tolist()],
        sentences=len(truth),
        scheme=meaning.kind,
        rule=rule,
    )


def _spans(meaning: Any, numbers: np.ndarray, rule: str) -> set[tuple[str, int, int]]:
    if meaning.kind:
        return set(meaning.spans(numbers) if rule == "conll" else meaning.strict_spans(numbers))
    return {(meaning.tags[n], token, token + 1) for token, n in enumerate(numbers) if n < len(meaning.tags)}


def _confusions(missed: set[tuple[str, int, int]], made_up: set[tuple[str, int, int]]) -> list[SpanConfusion]:
    """Spans that are on one side alone, in pairs where they have the same tokens."""
    truth, answers = ({(first, after): label for label, first, after in spans} for spans in (missed, made_up))
    pairs = Counter((truth.get(place), answers.get(place)) for place in truth | answers)
    named = [SpanConfusion(*pair, count) for pair, count in pairs.items()]
    return sorted(named, key=lambda one: (-one.spans, one.truth or "", one.answer or ""))


def _counts(spans: set[tuple[str, int, int]], sentence_of: np.ndarray, labels: list[str]) -> np.ndarray:
    """How many spans of each label each sentence has, `[sentences, labels]`."""
    shape, column = (sentence_of[-1] + 1, len(labels)), {label: number for number, label in enumerate(labels)}
    cells = np.array([sentence_of[first] * len(labels) + column[label] for label, first, _ in spans], int)
    return np.bincount(cells, minlength=shape[0] * shape[1]).reshape(shape)


def _scores(hits: np.ndarray, true: np.ndarray, found: np.ndarray) -> tuple[Estimate, Estimate, Estimate]:
    """Precision, recall and F1."""
    return _ratio(hits, found), _ratio(hits, true), _ratio(2 * hits, true + found)


def _ratio(part: np.ndarray, whole: np.ndarray) -> Estimate:
    """Of arrays `[1 + resamples]`, the observed one first."""
    values = part / np.where(whole, whole, np.nan)
    return estimate(values[0], values[1:])


def _mistake(number: int, truth: list[str], answers: list[str], intents: tuple[str, str]) -> SentenceMistake:
    pairs = enumerate(zip(truth, answers, strict=True))
    tags = [(token, str(tag), str(answer)) for token, (tag, answer) in pairs if tag != answer]
    return SentenceMistake(number, tags, intents if intents[0] != intents[1] else None)
