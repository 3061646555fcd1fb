import time

import numpy as np
import pytest
import seqeval.metrics
from seqeval.scheme import IOB2, IOBES

from rnn_tf.evaluation import Estimate, SentenceMistake, SpanConfusion, span_report

BIO = ["O", *(f"{prefix}-{label}" for label in ("city", "day", "time") for prefix in "BI")]
IOBES_TAGS = ["O", *(f"{prefix}-{label}" for label in ("city", "day") for prefix in "BIES")]
TRUE = [["O", "B-city", "I-city"], ["B-day"], ["B-city", "O"], ["O", "B-day"]]
PREDICTED = [["O", "B-city", "I-city"], ["B-day"], ["B-city", "O"], ["O", "I-city"]]


def tagged(tags, count, right=0.8, seed=0):
    """True tags at random, many of them ill-formed, and predicted ones that are often the same."""
    rng = np.random.default_rng(seed)
    truth = [[tags[n] for n in rng.integers(0, len(tags), rng.integers(1, 12))] for _ in range(count)]
    predicted = [
        [tag if rng.random() < right else tags[rng.integers(len(tags))] for tag in tags_of] for tags_of in truth
    ]
    return truth, predicted


def values(report):
    return [report.precision.value, report.recall.value, report.f1.value]


def theirs(truth, predicted, **settings):
    scores = seqeval.metrics.classification_report(truth, predicted, output_dict=True, zero_division=0, **settings)
    return {name: [score[key] for key in ("precision", "recall", "f1-score")] for name, score in scores.items()}


@pytest.mark.parametrize("rule", ["conll", "strict"])
@pytest.mark.parametrize(("tags", "scheme"), [(BIO, IOB2), (IOBES_TAGS, IOBES)])
def test_scores_agree_with_seqeval(rule, tags, scheme):
    truth, predicted = tagged(tags, 3000)
    report = span_report(truth, predicted, rule=rule)
    expected = theirs(truth, predicted, **({"mode": "strict", "scheme": scheme} if rule == "strict" else {}))
    np.testing.assert_allclose(values(report), expected["micro avg"])
    for label, scores in report.labels.items():
        np.testing.assert_allclose([scores.precision, scores.recall, scores.f1.value], expected[label])
    assert report.scheme == ("bio" if tags is BIO else "iobes")
    assert report.token_accuracy.value == pytest.approx(seqeval.metrics.accuracy_score(truth, predicted))


def test_strict_seqeval_without_a_scheme_is_lenient_in_one_function_and_not_in_the_other():
    truth, predicted = [["O", "B-x", "I-x"]], [["O", "I-x", "I-x"]]
    assert seqeval.metrics.f1_score(truth, predicted, mode="strict") == 1  # of version 1.2.2
    assert seqeval.metrics.f1_score(truth, predicted, mode="strict", scheme=IOB2, zero_division=0) == 0
    assert theirs(truth, predicted, mode="strict")["micro avg"][2] == 0
    assert span_report(truth, predicted, rule="strict").f1.value == 0
    assert span_report(truth, predicted, rule="conll").f1.value == 1


def test_seqeval_says_0_where_there_is_nothing_to_count_and_we_say_nan():
    assert seqeval.metrics.f1_score([["O"]], [["O"]], zero_division=0) == 0
    assert np.isnan(values(span_report([["O"]], [["O"]], scheme="bio"))).all()
    report = span_report([["B-x"]], [["O"]])
    assert np.isnan(report.precision.value)
    assert np.isnan(report.precision.low)
    assert (report.recall.value, report.f1.value) == (0, 0)


def test_a_small_case_by_hand():
    report = span_report(TRUE, PREDICTED)
    assert values(report) == [3 / 4, 3 / 4, 3 / 4]
    (precision, recall, f1, support), day = report.labels["city"], report.labels["day"]
    assert (precision, recall, f1.value, support) == (2 / 3, 1, 4 / 5, 2)
    assert (day.precision, day.recall, day.f1.value, day.support) == (1, 1 / 2, 2 / 3, 2)
    assert report.token_accuracy.value == 7 / 8
    assert report.sentence_accuracy.value == 3 / 4
    assert report.intent_accuracy is None
    assert report.ill_formed == 1
    assert report.mistakes == [SentenceMistake(3, [(1, "B-day", "I-city")], None)]
    strict = span_report(TRUE, PREDICTED, rule="strict")
    assert values(strict) == [1, 3 / 4, 6 / 7]


@pytest.mark.parametrize("rule", ["conll", "strict"])
def test_confusions_count_spans_with_the_same_tokens(rule):
    true = [["B-city", "I-city", "O", "B-day"], ["B-city", "O"], ["O", "B-time", "I-time"], ["B-day", "B-city"]]
    found = [["B-day", "I-day", "O", "O"], ["B-day", "B-time"], ["O", "B-time", "O"], ["B-day", "B-city"]]
    confusions = span_report(true, found, rule=rule).confusions
    expected = [("city", "day", 2), (None, "time", 2), ("day", None, 1), ("time", None, 1)]
    assert sorted(map(str, confusions)) == sorted(str(SpanConfusion(*one)) for one in expected)
    counts = [one.spans for one in confusions]
    assert counts == sorted(counts, reverse=True)
    assert span_report(true, true).confusions == []


def test_confusions_add_up_to_the_counts_of_the_labels():
    truth, predicted = tagged(BIO, 300)
    report = span_report(truth, predicted)
    for label, scores in report.labels.items():
        missed = sum(one.spans for one in report.confusions if one.truth == label)
        wrong = sum(one.spans for one in report.confusions if one.answer == label)
        hits = scores.support - missed
        assert scores.recall == pytest.approx(hits / scores.support)
        assert scores.precision == pytest.approx(hits / (hits + wrong))


def test_a_span_does_not_go_on_in_the_next_sentence():
    report = span_report([["B-x"], ["I-x"]], [["B-x"], ["I-x"]])
    assert report.labels["x"].support == 2
    assert report.ill_formed == 1


def test_parts_of_speech_are_scored_by_tag():
    report = span_report([["NOUN", "VERB"], ["NOUN"]], [["NOUN", "NOUN"], ["NOUN"]])
    assert report[:3] == (None, None, None)
    assert report.scheme is None
    assert report.token_accuracy.value == 2 / 3
    noun, verb = report.labels["NOUN"], report.labels["VERB"]
    assert (noun.precision, noun.recall, noun.f1.value, noun.support) == (2 / 3, 1, 4 / 5, 2)
    assert np.isnan(verb.precision)
    assert (verb.recall, verb.f1.value, verb.support) == (0, 0, 1)
    assert report.ill_formed == 0
    assert report.confusions == [SpanConfusion("VERB", "NOUN", 1)]
    assert str(report).splitlines() == [
        f"token accuracy     {report.token_accuracy}",
        f"sentence accuracy  {report.sentence_accuracy}",
        "sentences          2, intervals of 95 %",
        "",
        "label  precision     recall                      F1    support",
        f"NOUN       0.667      1.000  {noun.f1}          2",
        f"VERB           -      0.000  {verb.f1}          1",
    ]


def test_intents():
    intents = ["fly", "fly", "ask", "ask"], ["fly", "ask", "ask", "fly"]
    report = span_report(TRUE, PREDICTED, true_intents=intents[0], predicted_intents=intents[1])
    assert report.intent_accuracy.value == 1 / 2
    assert report.sentence_accuracy.value == 1 / 2
    assert report.token_accuracy.value == 7 / 8
    assert [mistake.sentence for mistake in report.mistakes] == [3, 1]  # a wrong intent counts as a wrong tag does
    assert report.mistakes[0].intents == ("ask", "fly")
    assert report.mistakes[1] == SentenceMistake(1, [], ("fly", "ask"))
    assert "intent accuracy    0.500" in str(report)


def test_intervals_agree_with_a_slow_bootstrap():
    truth, predicted = tagged(BIO, 60)
    report = span_report(truth, predicted)
    rng = np.random.default_rng(1)
    slow = []
    for _ in range(300):
        rows = rng.integers(0, 60, 60)
        slow.append(seqeval.metrics.f1_score([truth[row] for row in rows], [predicted[row] for row in rows]))
    low, high = np.percentile(slow, [2.5, 97.5])
    assert report.f1.low == pytest.approx(low, abs=0.02)  # of an interval 0.1 wide
    assert report.f1.high == pytest.approx(high, abs=0.02)
    for estimate in (*report[:5], *(scores.f1 for scores in report.labels.values())):
        assert estimate.low < estimate.value < estimate.high


def test_intervals_shrink_with_sentences_and_do_not_depend_on_their_order():
    small, large = (span_report(*tagged(BIO, count)).f1 for count in (50, 1250))
    assert (small.high - small.low) / (large.high - large.low) == pytest.approx(5, rel=0.35)
    truth, predicted = tagged(BIO, 50)
    assert span_report(truth[::-1], predicted[::-1])[:5] == span_report(truth, predicted)[:5]
    assert span_report(truth, predicted, seed=1).f1.value == small.value
    assert span_report(truth, predicted, seed=1).f1 != small


def test_everything_right():
    truth, _ = tagged(IOBES_TAGS, 20)
    report = span_report(truth, truth)
    assert report[:5] == (Estimate(1, 1, 1),) * 5
    assert report.mistakes == []


def test_mistakes_come_those_with_the_most_wrong_tags_first():
    truth = [["O"] * 3] * 15
    predicted = [["B-x"] * min(row, 2) + ["O"] * (3 - min(row, 2)) for row in range(15)]
    mistakes = span_report(truth, predicted).mistakes
    assert [mistake.sentence for mistake in mistakes] == [2, 3, 4, 5, 6, 7, 8, 9, 10, 11]
    assert mistakes[0].tags == [(0, "O", "B-x"), (1, "O", "B-x")]


def test_empty_sentences_and_arrays():
    report = span_report([[], ["B-x"]], [[], ["B-x"]])
    assert (report.f1.value, report.sentence_accuracy.value) == (1, 1)
    arrays, lists = span_report(np.array(TRUE[2:]), np.array(PREDICTED[2:])), span_report(TRUE[2:], PREDICTED[2:])
    assert str(arrays) == str(lists)
    assert repr(arrays.mistakes) == repr(lists.mistakes)  # no NumPy strings in it


def test_a_thousand_sentences_take_less_than_a_second():
    truth, predicted = tagged(BIO, 1000)
    span_report(TRUE, PREDICTED)
    begin = time.process_time()
    span_report(truth, predicted)
    assert time.process_time() - begin < 2  # about 0.2 on an idle machine


@pytest.mark.parametrize(
    ("truth", "predicted", "settings", "message"),
    [
        ([], [], {}, r"the same sentences, at least one. Received: 0 and 0 sentences"),
        ([["O"]], [["O"], ["O"]], {}, r"Received: 1 and 2 sentences"),
        ([["O"], ["O"]], [["O"], ["O", "O"]], {}, r"Received: 1 true and 2 predicted tags in sentence 1"),
        (["O", "B-x"], ["O", "B-x"], {}, r"`true_tags` must hold a list of tags for each .* 'O' as sentence 0"),
        ([["O"]], [[0]], {}, r"`predicted_tags` must hold the names of tags. Received: 0 in sentence 0"),
        ([["O", "B-x"]], [["O", "<pad>"]], {}, r"of the scheme 'bio' must be O .* Received: '<pad>'"),
        ([["NOUN"]], [["NOUN"]], {"scheme": "bio"}, r"Received: 'NOUN'"),
        ([["O"]], [["O"]], {"scheme": "iob1"}, r"`scheme` must be one of None, 'bio', 'iobes'. Received: .*'iob1'"),
        ([["O"]], [["O"]], {"rule": "lenient"}, r"`rule` must be one of 'conll', 'strict'. Received: .*'lenient'"),
        ([["O"]], [["O"]], {"true_intents": ["a"]}, r"must be both given, .* Received: 1 and None for 1 sentences"),
        (
            [["O"]],
            [["O"]],
            {"true_intents": ["a", "b"], "predicted_intents": ["a"]},
            r"Received: 2 and 1 for 1 sentences",
        ),
    ],
)
def test_bad_arguments(truth, predicted, settings, message):
    with pytest.raises(ValueError, match=message):
        span_report(truth, predicted, **settings)
