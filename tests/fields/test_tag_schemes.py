import warnings

import numpy as np
import pytest
from seqeval.metrics.sequence_labeling import get_entities
from seqeval.scheme import IOB2, IOBES, Entities

from rnn_tf.fields.tag_schemes import TagScheme, scheme_of

BIO = ["O", "B-city", "I-city", "B-day", "I-day"]
IOBES_TAGS = [*BIO, "E-city", "S-city", "E-day", "S-day"]


def sentences(tags, count, seed=0):
    """Tags at random, most of them ill-formed, of 0 to 11 tokens."""
    rng = np.random.default_rng(seed)
    return [rng.integers(0, len(tags), rng.integers(0, 12)) for _ in range(count)]


def numbers(scheme, text):
    return [scheme.tags.index(tag) for tag in text.split()]


@pytest.mark.parametrize(
    ("tags", "kind"),
    [
        (["O", "B-x", "I-x"], "bio"),
        (["O", "I-x"], "bio"),
        (["B-x"], "bio"),
        (["O", "B-x", "I-x", "E-x", "S-x"], "iobes"),
        (["O", "S-x"], "iobes"),
        (["B-x-y"], "bio"),
        (["O"], None),
        ([], None),
        (["NOUN", "VERB"], None),
        (["O", "B-x", "NOUN"], None),
        (["O", "B-x", "L-x", "U-x"], None),
        (["B", "I", "O"], None),
        (["B-", "O"], None),
        (["B-x", "O-x"], None),
    ],
)
def test_scheme_of(tags, kind):
    assert scheme_of(tags) == kind


@pytest.mark.parametrize(
    ("text", "spans", "strict", "ill_formed"),
    [
        ("", [], [], 0),
        ("O O", [], [], 0),
        ("B-city I-city O B-day", [("city", 0, 2), ("day", 3, 4)], [("city", 0, 2), ("day", 3, 4)], 0),
        ("B-city B-city I-city", [("city", 0, 1), ("city", 1, 3)], [("city", 0, 1), ("city", 1, 3)], 0),
        ("I-city I-city", [("city", 0, 2)], [], 1),
        ("O I-day O", [("day", 1, 2)], [], 1),
        ("B-city I-day I-day", [("city", 0, 1), ("day", 1, 3)], [("city", 0, 1)], 1),
        ("I-city I-day", [("city", 0, 1), ("day", 1, 2)], [], 2),
    ],
)
def test_bio_by_hand(text, spans, strict, ill_formed):
    scheme = TagScheme(BIO, "bio")
    assert scheme.spans(numbers(scheme, text)) == spans
    assert scheme.strict_spans(numbers(scheme, text)) == strict
    assert scheme.ill_formed(numbers(scheme, text)) == ill_formed


@pytest.mark.parametrize(
    ("text", "spans", "strict", "ill_formed"),
    [
        ("S-city B-day I-day E-day", [("city", 0, 1), ("day", 1, 4)], [("city", 0, 1), ("day", 1, 4)], 0),
        ("B-city O", [("city", 0, 1)], [], 1),  # the O, which cannot follow
        ("O B-city", [("city", 1, 2)], [], 1),  # it cannot be the last
        ("O I-city", [("city", 1, 2)], [], 1),  # it can neither follow nor be the last: one token all the same
        ("B-city E-day", [("city", 0, 1), ("day", 1, 2)], [], 1),
        ("S-city E-city", [("city", 0, 1), ("city", 1, 2)], [("city", 0, 1)], 1),
        ("E-city I-city E-city", [("city", 0, 1), ("city", 1, 3)], [], 2),
        ("B-city S-city", [("city", 0, 1), ("city", 1, 2)], [("city", 1, 2)], 1),
    ],
)
def test_iobes_by_hand(text, spans, strict, ill_formed):
    scheme = TagScheme(IOBES_TAGS, "iobes")
    assert scheme.spans(numbers(scheme, text)) == spans
    assert scheme.strict_spans(numbers(scheme, text)) == strict
    assert scheme.ill_formed(numbers(scheme, text)) == ill_formed


@pytest.mark.parametrize(("tags", "kind", "theirs"), [(BIO, "bio", IOB2), (IOBES_TAGS, "iobes", IOBES)])
def test_both_rules_agree_with_seqeval(tags, kind, theirs):
    scheme = TagScheme(tags, kind)
    for sentence in sentences(tags, 3000):
        names = [tags[number] for number in sentence]
        lenient = [(label, first, last + 1) for label, first, last in get_entities(names)]
        assert scheme.spans(sentence) == lenient
        strict = [(span.tag, span.start, span.end) for span in Entities([names], theirs).entities[0]]
        assert scheme.strict_spans(sentence) == strict


def test_lenient_seqeval_takes_parts_of_speech_for_spans():
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        assert get_entities(["NOUN", "VERB"]) == [("OUN", 0, 0), ("ERB", 1, 1)]
    assert "NOUN seems not to be NE tag" in str(said[0].message)
    assert TagScheme(["NOUN", "VERB"], None).spans([0, 1]) == []


@pytest.mark.parametrize(("tags", "kind"), [(BIO, "bio"), (IOBES_TAGS, "iobes")])
def test_a_sequence_is_well_formed_where_both_rules_agree(tags, kind):
    scheme = TagScheme(tags, kind)
    well_formed = 0
    for sentence in sentences(tags, 3000, seed=1):
        steps = np.concatenate([[-1], sentence, [-1]]).astype(int)
        allowed = bool(scheme.allowed[steps[:-1], steps[1:]].all())
        assert allowed == (scheme.ill_formed(sentence) == 0)
        assert allowed == (scheme.spans(sentence) == scheme.strict_spans(sentence))
        well_formed += allowed
    assert 300 < well_formed < 2700


def test_many_sequences_in_one_array():
    scheme = TagScheme(IOBES_TAGS, "iobes")
    separate = sentences(IOBES_TAGS, 50)
    together = np.concatenate([[*sentence, len(IOBES_TAGS)] for sentence in separate]).astype(int)
    begins = np.cumsum([0] + [len(sentence) + 1 for sentence in separate])
    for find in (scheme.spans, scheme.strict_spans):
        moved = [
            (label, begin + first, begin + after)
            for begin, sentence in zip(begins, separate, strict=False)
            for label, first, after in find(sentence)
        ]
        assert find(together) == moved
    assert scheme.ill_formed(together) == sum(map(scheme.ill_formed, separate))


def test_tables():
    scheme = TagScheme(BIO, "bio")
    assert scheme.labels == ["city", "day"]
    assert scheme.label_of.tolist() == [-1, 0, 0, 1, 1]
    assert scheme.starts.shape == scheme.ends.shape == scheme.allowed.shape == (6, 6)
    assert scheme.starts.dtype == scheme.ends.dtype == scheme.allowed.dtype == bool
    assert scheme.allowed[-1, :-1].tolist() == [True, True, False, True, False]  # the first
    assert scheme.allowed[:-1, -1].all()  # the last
    iobes = TagScheme(IOBES_TAGS, "iobes")
    first = [tag for tag, may in zip(IOBES_TAGS, iobes.allowed[-1], strict=False) if may]
    last = [tag for tag, may in zip(IOBES_TAGS, iobes.allowed[:, -1], strict=False) if may]
    assert first == ["O", "B-city", "B-day", "S-city", "S-day"]
    assert last == ["O", "E-city", "S-city", "E-day", "S-day"]
    inside = np.array([tag != "O" for tag in IOBES_TAGS] + [False])
    between = inside[:, None] & inside[None, :]
    np.testing.assert_array_equal(iobes.starts[between], iobes.ends[between])  # where one ends, the next starts


def test_tags_without_spans():
    scheme = TagScheme(["NOUN", "VERB", "B-x"], None)
    assert scheme.labels == []
    assert scheme.label_of.tolist() == [-1, -1, -1]
    assert scheme.allowed.all()
    assert not scheme.starts.any()
    assert scheme.spans([0, 1, 2]) == scheme.strict_spans([0, 1, 2]) == []
    assert scheme.ill_formed([0, 1, 2]) == 0


@pytest.mark.parametrize(
    ("tags", "kind", "message"),
    [
        (["O"], "bilou", r"`kind` must be 'bio', 'iobes' or None. Received: kind='bilou'"),
        (["O", "B-x", "O"], "bio", r"each tag once. Received: \['O', 'B-x', 'O'\]"),
        (["O", "B-x", "E-x"], "bio", r"must be O or, .* one of B-x, I-x. Received: 'E-x'"),
        (["O", "NOUN"], "iobes", r"one of B-x, I-x, E-x, S-x. Received: 'NOUN'"),
        (["O", "B-"], "bio", r"Received: 'B-'"),
    ],
)
def test_bad_arguments(tags, kind, message):
    with pytest.raises(ValueError, match=message):
        TagScheme(tags, kind)
