"""Spans of an export, loaded as others load it, are those of `tag`, and their places cut out their texts."""

import keras
import numpy as np
import pytest
from loaders import LOADERS

from rnn_tf import TextTagger, export_saved_model
from rnn_tf.export import export

WORDS = ["wake", "me", "at", "nine", "Anna", "十", "点", "叫", "我"]
TEXTS = ["wake", "NINE", "Anna", "十点叫我", "叫Anna起床", "at9点", "naïve", "3.5", "don’t", "ｘ", "!", "。", "😀", "é"]
GAPS = [" ", "  ", "   ", "\t", "\n", "\u3000", "\xa0", "", ""]
TAGS = ["O", "B-time", "I-time", "B-person", "I-person"]
INTENTS = ["alarm", "call"]
COUNT, LONG = 1000, 4  # sentences, and those among them that are in a batch of their own


def generated():
    """Known and unknown words in two scripts, spaces of all kinds; the first are long, one is empty, one of spaces."""
    rng = np.random.default_rng(6)

    def sentence(parts):
        pairs = zip(rng.choice(WORDS + TEXTS, parts), rng.choice(GAPS, parts), strict=True)
        return rng.choice(["", "  "]) + "".join(word + gap for word, gap in pairs)

    long = [" ".join(rng.choice(WORDS + TEXTS, 600)), "点 " * 600, sentence(600), ""]
    return [*long, " \t ", *(sentence(parts) for parts in rng.integers(1, 12, COUNT - LONG - 1))]


def tagger(tokens):
    """Untrained, and sure of what it answers, so that rounding changes no tag."""
    keras.utils.set_random_seed(2)
    small = {"units": 4, "embedding_size": 4, "character_units": 2, "characters": "abcdeint点十"}
    model = TextTagger(WORDS, TAGS, intents=INTENTS, scheme="bio", tokens=tokens, **small)
    model.build((None, None, None))
    for variable in (*model.field_in.trainable_variables, *model.head.trainable_variables):
        variable.assign(np.random.default_rng(0).normal(size=variable.shape))
    return model


@pytest.fixture(scope="module")
def exports(tmp_path_factory):
    """By the cut: a path, requests, and what `tag` answers."""
    texts, found = generated(), {}
    batches = [texts[:LONG], texts[LONG:]]
    with pytest.MonkeyPatch.context() as patch:  # the proof that each export brings takes seconds
        patch.setattr(export, "answer_in_fresh_process", lambda *_: None)
        patch.setattr(export, "check_equal", lambda *_: None)
        for tokens in ("words", "spaces"):
            model = tagger(tokens)
            path = export_saved_model(model, tmp_path_factory.mktemp(tokens), warmup=())
            feeds = [{"text": np.array([text.encode() for text in batch], object)} for batch in batches]
            requests = [("serving_default", feed) for feed in feeds]
            found[tokens] = path, requests, [model.tag(batch, batch_size=len(batch)) for batch in batches]
    return found


@pytest.mark.parametrize("loader", LOADERS)
def test_every_loader_answers_the_spans_of_tag(loader, exports, tmp_path):
    answers = LOADERS[loader]({tokens: one[:2] for tokens, one in exports.items()}, tmp_path)
    for tokens, (_, requests, expected) in exports.items():
        rows = 0
        for (_, feed), answer, tagged in zip(requests, answers[tokens], expected, strict=True):
            columns = (answer[f"span_{part}"] for part in ("labels", "starts", "ends", "texts"))
            for row, (text, one, *spans) in enumerate(zip(feed["text"], tagged, *columns, strict=True)):
                cells = [cell for cell in zip(*spans, strict=True) if cell[0]]
                served = [(label.decode(), start, end, part.decode()) for label, start, end, part in cells]
                assert served == one.spans
                assert all(part == text.decode()[start:end] for _, start, end, part in served)
                assert [token.decode() for token in answer["tokens"][row] if token] == one.tokens
                assert [tag.decode() for tag in answer["tags"][row] if tag] == one.tags
                assert answer["intent"][row].decode() == one.intent
                assert answer["intent_probabilities"][row].max() == pytest.approx(one.intent_probability, abs=1e-5)
                rows += 1
        assert rows == COUNT


@pytest.mark.parametrize("tokens", ["words", "spaces"])
def test_the_sentences_have_what_they_are_to_try(tokens, exports):
    answers = [answer for batch in exports[tokens][2] for answer in batch]
    spans = [span for answer in answers for span in answer.spans]
    assert max(len(answer.tokens) for answer in answers) >= 600
    assert [answer.tokens for answer in answers[LONG - 1 : LONG + 1]] == [[], []]
    assert {span.label for span in spans} == {"time", "person"}
    assert len(spans) > COUNT
    for part in ("  ", "点", "Anna", "😀"):
        assert sum(part in span.text for span in spans) > 10
