import keras
import numpy as np
import pytest
import tensorflow as tf

from rnn_tf import TextTagger, Trainer
from rnn_tf.fields.tags import UNKNOWN

SENTENCES = ["wake me at nine", "wake me at ten tomorrow", "call Anna Lena now", "call Bob"] * 4
TAGS = ["O O O B-time", "O O O B-time B-date", "O B-person I-person B-time", "O B-person"] * 4
INTENTS = ["alarm", "alarm", "call", "call"] * 4
JOINT = {"tags": TAGS, "intent": INTENTS}
TINY = {"units": 6, "embedding_size": 5, "character_units": 3, "dropout": 0.0, "word_dropout": 0.0}
WORDS = ["wake", "at", "nine", "Anna", "naïve", "3.5", "don’t", "你好", "看了iPhone", "!", "😀", "\xa0", "ｘ"]


@pytest.fixture(scope="module")
def tagger():
    keras.utils.set_random_seed(3)
    model = TextTagger.from_data(SENTENCES, TAGS, intents=INTENTS, tokens="words", **TINY)
    model.compile(keras.optimizers.Adam(0.05))
    model.fit(SENTENCES, JOINT, epochs=80, verbose=0)
    return model


def generated(count):
    """Sentences of known and unknown words, in two scripts, with spaces of all kinds; one is empty, one is long."""
    rng = np.random.default_rng(4)
    gaps = [" ", "  ", "\t", "\u3000", ""]
    rows = [["".join(rng.choice(WORDS) + rng.choice(gaps) for _ in range(rng.integers(0, 12)))] for _ in range(count)]
    return ["", "call Anna Lena " * 200, *(row[0] for row in rows)][:count]


def test_what_it_learned_it_answers(tagger):
    alarm, call = tagger.tag(["wake me at nine", ["call", "Anna", "Lena", "now"]])
    assert (alarm.tags, alarm.intent, call.intent) == (["O", "O", "O", "B-time"], "alarm", "call")
    assert alarm.spans == [("time", 11, 15, "nine")]
    assert call.spans == [("person", 5, 14, "Anna Lena"), ("time", 15, 18, "now")]
    assert tagger.evaluate(SENTENCES, JOINT, verbose=0, return_dict=True)["intent_accuracy"] == 1
    report = tagger.report(SENTENCES, JOINT)
    assert report.f1.value == report.sentence_accuracy.value == 1


@pytest.mark.parametrize("tokens", ["words", "spaces"])
def test_an_export_answers_the_spans_of_tag(tagger, tokens):
    model = tagger if tokens == "words" else TextTagger.from_config({**tagger.get_config(), "tokens": tokens})
    if model is not tagger:
        model.build((None, None, None))
        model.set_weights(tagger.get_weights())
    texts, found = generated(300), 0
    served = model.serving_signatures().predict.compiled()
    for first in range(0, 300, 100):
        answers = served.answer({"text": np.array(texts[first : first + 100], object)})
        spans = zip(*(answers[f"span_{part}"] for part in ("labels", "starts", "ends", "texts")), strict=True)
        batch = texts[first : first + 100]
        for row, (text, answer, named) in enumerate(zip(batch, model.tag(batch), spans, strict=True)):
            count = len(answer.tokens)
            assert [token.decode() for token in answers["tokens"][row]][:count] == answer.tokens
            assert [tag.decode() for tag in answers["tags"][row]][:count] == answer.tags
            assert not any(answers["tags"][row][count:])
            cells = zip(*named, strict=True)
            rows = [(label.decode(), start, end, part.decode()) for label, start, end, part in cells if label]
            assert rows == answer.spans
            assert all(part == text[start:end] for _, start, end, part in rows)
            assert answers["intent"][row].decode() == answer.intent
            found += len(rows)
    assert found > 100


def test_company_changes_no_marginal(tagger):
    texts = generated(30)[2:]
    together = tagger.predict(texts, batch_size=30)["tags"]
    for text, beside in zip(texts, together, strict=True):
        np.testing.assert_allclose(tagger.predict([text])["tags"][0], beside, atol=1e-5)


@pytest.mark.parametrize("crf", [False, True])
def test_the_loss_is_that_of_a_token(crf):
    model = TextTagger.from_data(SENTENCES, TAGS, crf=crf, **TINY)
    x, y, _ = model.rows(SENTENCES[:3], TAGS[:3])
    ids, tags, weights = x.padded(), y.padded(), np.array([1.0, 2.0, 0.0], "float32")
    scores = model(ids)
    losses = -np.take_along_axis(np.log(tf.nn.softmax(scores)), tags[..., None], 2)[..., 0]  # pairs score 0 at first
    losses *= np.arange(5) < x.lengths[:, None]
    loss = model.compute_loss(ids, tags, scores)
    np.testing.assert_allclose(loss, losses.sum() / x.lengths.sum(), rtol=1e-5)
    weighted = model.compute_loss(ids, tags, scores, sample_weight=weights)
    np.testing.assert_allclose(weighted, (losses.sum(axis=1) * weights).sum() / x.lengths.sum(), rtol=1e-5)
    tags[0, 0] = UNKNOWN  # its sentence has no part
    unknown = model.compute_loss(ids, tags, scores, training=False)
    np.testing.assert_allclose(unknown, losses[1:].sum() / x.lengths.sum(), rtol=1e-5)


@pytest.mark.parametrize("intents", [None, INTENTS])
def test_a_weight_is_that_of_a_sentence_in_fit_and_in_trainer(intents):
    weights, y = np.linspace(0, 2, 16), TAGS if intents is None else JOINT
    losses = []
    for how in ("fit", "Trainer"):
        keras.utils.set_random_seed(7)
        model = TextTagger.from_data(SENTENCES, TAGS, intents, **TINY)
        train = model.fit if how == "fit" else Trainer(model).fit
        history = train(SENTENCES, y, sample_weight=weights, epochs=2, batch_size=16, verbose=0).history
        losses.append(history["loss"])
        plain = model.evaluate(SENTENCES, y, verbose=0, return_dict=True)["loss"]
        assert model.evaluate(SENTENCES, y, sample_weight=weights, verbose=0)[0] != plain
        twos = np.full(16, 2.0)
        np.testing.assert_allclose(model.evaluate(SENTENCES, y, sample_weight=twos, verbose=0)[0], 2 * plain, rtol=1e-5)
    np.testing.assert_allclose(losses[0], losses[1], rtol=1e-4)


@pytest.mark.parametrize("dtype", ["float64", "mixed_bfloat16"])
@pytest.mark.parametrize("crf", [False, True])
def test_other_dtypes(dtype, crf):
    model = TextTagger.from_data(SENTENCES, TAGS, INTENTS, crf=crf, dtype=dtype, **TINY)
    model.fit(SENTENCES, JOINT, epochs=1, verbose=0)
    probabilities = model.predict(SENTENCES)["tags"]
    assert probabilities[0].dtype == ("float64" if dtype == "float64" else "float32")
    np.testing.assert_allclose(probabilities[0].sum(axis=1), 1, rtol=1e-5)
    assert model.serving_signatures().predict.answer({"text": ["call Bob"]})["tags"].shape == (1, 2)


@pytest.mark.parametrize("well_formed", ["answers", "training", None])
def test_what_the_scheme_forbids_is_never_answered(well_formed):
    model = TextTagger.from_data(SENTENCES, TAGS, well_formed=well_formed, **TINY)
    inside = model.field_out.tags.index("I-person")
    model.head.dense.bias.assign(10 * np.eye(len(model.field_out.tags))[inside])  # it would choose nothing else
    probabilities, report = model.predict(SENTENCES), model.report(SENTENCES, TAGS)
    if well_formed is None:
        assert all(set(answer.tags) == {"I-person"} for answer in model.tag(SENTENCES))
        assert report.ill_formed == len(SENTENCES)
    else:
        assert any("I-person" in answer.tags for answer in model.tag(SENTENCES))
        assert report.ill_formed == 0
        assert all(one[0, inside] == 0 for one in probabilities)


def test_tags_that_mark_no_spans():
    tags = ["VERB PRON ADP NUM", "VERB PRON ADP NUM NOUN", "VERB PROPN PROPN ADV", "VERB PROPN"] * 4
    model = TextTagger.from_data(SENTENCES, tags, **TINY)
    history = Trainer(model).fit(SENTENCES, tags, epochs=2, validation_data=(SENTENCES, tags), verbose=0).history
    assert {"loss", "accuracy", "val_loss", "val_accuracy"} <= set(history)
    assert model.field_out.scheme.kind is None
    assert model.tag(["call Bob"])[0].spans == []
    assert not {"span_texts"} & set(model.serving_signatures().predict.answer({"text": ["call Bob"]}))


def test_a_word_that_training_never_had_is_told_by_its_spelling():
    random = np.random.default_rng(5)
    names = ["".join(random.choice(list("abcdefg"), size=5)).capitalize() for _ in range(60)]
    words = ["".join(random.choice(list("abcdefg"), size=5)) for _ in range(60)]
    pairs = [
        [name, word] if place % 2 else [word, name] for place, (name, word) in enumerate(zip(names, words, strict=True))
    ]
    tags = [["B-name", "O"] if place % 2 else ["O", "B-name"] for place in range(60)]
    model = TextTagger.from_data(pairs[:50], tags[:50], units=8, character_units=8, dropout=0.0, word_dropout=0.3)
    model.compile(keras.optimizers.Adam(0.02))
    model.fit(pairs[:50], tags[:50], epochs=25, verbose=0)
    assert model.report(pairs[50:], tags[50:]).f1.value > 0.9


def test_odd_tags_are_told_before_training():
    model = TextTagger.from_data(SENTENCES, TAGS, **TINY)
    with pytest.warns(UserWarning, match=r"^1 of 4 tags follow one that they cannot follow"):
        model.fit(SENTENCES[:1], ["O O I-person O"], verbose=0)
    with pytest.warns(UserWarning, match="Training never had B-place. What has them counts as wrong"):
        history = model.fit(SENTENCES, TAGS, validation_data=(SENTENCES[:2], ["O O O B-place", TAGS[1]]), verbose=0)
    assert np.isfinite(history.history["val_loss"]).all()
    assert history.history["val_accuracy"][0] < 1


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda model: model.fit(SENTENCES, [*TAGS[:-1], "O"]), "Received: 2 tokens and 1 tags in sentence 15, and 0"),
        (lambda model: model.fit(SENTENCES, ["B-place", *TAGS[1:]]), "Received: 4 tokens and 1 tags in sentence 0"),
        (lambda model: model.fit(SENTENCES[:1], ["O O O B-place"]), "those that the tagger knows. Received: B-place"),
        (lambda model: model.fit(["", "a"], ["", "O"]), "at least one token. Received: none in sentence 0"),
        (lambda model: model.fit(SENTENCES, TAGS, class_weight={"O": 2}), "`class_weight` means nothing where tags"),
        (lambda model: model.fit([1], ["O"]), "string, or a list of tokens, .* Received: 1 as sentence 0"),
        (lambda model: model.tag("call Bob"), "`sentences` must be a list or an array"),
        (lambda model: model.compile("adam", "mse"), r"both are given. Received: loss='mse'"),
        (lambda model: TextTagger.from_data(["a b"], ["O VERB"], scheme="bio"), "must be O or, .* Received: 'VERB'"),
        (lambda model: TextTagger.from_data(["a b"], ["O B-x"], tokens="letters"), "must be one of 'spaces', 'words'"),
        (lambda model: TextTagger.from_data(["a b"], ["O B-x"], well_formed=True), "Received: well_formed=True"),
    ],
)
def test_bad_input(call, message):
    model = TextTagger.from_data(SENTENCES, TAGS, **TINY)
    with pytest.raises(ValueError, match=message):
        call(model)
    assert model.optimizer.iterations.numpy() == 0
