"""The language model reads streams without a seam, and writes what its probabilities say."""

from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from rnn_tf import LanguageModel, Trainer
from rnn_tf.models.generation import sample, uniforms
from rnn_tf.models.language_model import TOO_MANY_UNKNOWN
from rnn_tf.training.pieces import Pieces

TEXT = "the cat sat on the mat.\nthe dog, 看了 the log!\nit's a <unk> day\n" * 12


def make(tokens="characters", **arguments):
    keras.utils.set_random_seed(3)
    settings = {"units": [7, 5], "steps": 9, "dropout": 0.0, **arguments}
    return LanguageModel.from_text(TEXT, tokens, **settings)


@pytest.fixture(scope="module", params=["characters", "words", "spaces"])
def model(request):
    model = make(request.param)
    Trainer(model).fit(TEXT, epochs=4, batch_size=5, verbose=0)
    return model


def unbroken(model, text):
    """-log p of all tokens, from one call on the whole text."""
    ids = model.field_in.stream(text).astype("int32")[None]
    logits = tf.nn.log_softmax(model(ids[:, :-1]))
    return -tf.gather(logits, ids[:, 1:], axis=2, batch_dims=2).numpy()[0]


@pytest.mark.parametrize("cell", ["lstm", "gru", "elman", "mingru", "lru"])
def test_pieces_of_a_stream_read_as_one_text(cell):
    model = make(cell=cell)
    wanted = unbroken(model, TEXT)
    pieces = Pieces(model.field_in.stream(TEXT), 1, 9)
    model.carried.begin(1, True)
    found = []
    for x, y, _ in pieces.dataset():
        losses = -tf.gather(tf.nn.log_softmax(model(x, training=True)), y, axis=2, batch_dims=2)
        found.append(losses.numpy()[y > 0])
    np.testing.assert_allclose(np.concatenate(found), wanted, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("how", ["fit", "Trainer"])
def test_no_state_goes_on_into_the_next_epoch_or_into_validation(how):
    model = make()
    model.compile(keras.optimizers.SGD(0.0))
    train = model.fit if how == "fit" else Trainer(model).fit
    history = train(TEXT, epochs=3, batch_size=1, validation_data=TEXT[:200], verbose=0).history
    np.testing.assert_allclose(history["loss"], unbroken(model, TEXT).mean(), rtol=1e-5)
    np.testing.assert_allclose(history["val_loss"], unbroken(model, TEXT[:200]).mean(), rtol=1e-5)


def test_validation_between_two_pieces_changes_nothing():
    weights = []
    for validation in (None, TEXT[:100]):
        model = make()
        Trainer(model).fit(TEXT, steps=20, log_every=3, batch_size=4, validation_data=validation, verbose=0)
        weights.append([one.numpy() for one in model.trainable_variables])
    for one, other in zip(*weights, strict=True):
        np.testing.assert_array_equal(one, other)


def test_fit_and_trainer_learn_the_same():
    found = []
    for how in ("fit", "Trainer"):
        model = make("words")
        train = model.fit if how == "fit" else Trainer(model).fit
        history = train(TEXT, epochs=3, batch_size=6, validation_data=TEXT[:99], verbose=0).history
        found.append([*history["loss"], *history["val_loss"], *(np.ravel(one) for one in model.get_weights())])
    for one, other in zip(*found, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)


def test_perplexity_is_that_of_the_unbroken_text(model):
    losses = unbroken(model, TEXT)
    assert model.perplexity(TEXT) == pytest.approx(np.exp(losses.mean()), rel=1e-5)
    assert model.bits_per_character(TEXT) == pytest.approx(losses.sum() / np.log(2) / len(TEXT), rel=1e-5)
    assert np.log(model.perplexity(TEXT)) == pytest.approx(model.evaluate(TEXT, batch_size=1, verbose=0), rel=1e-5)
    scores = model.score([TEXT, TEXT[:50], "the"])
    np.testing.assert_allclose(scores[0], -losses, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(scores[1], -unbroken(model, TEXT[:50]), rtol=1e-4, atol=1e-5)


def test_a_text_in_files_is_the_same_text(tmp_path):
    lines = TEXT.splitlines(keepends=True)
    paths = [tmp_path / "1.txt", tmp_path / "2.txt"]
    paths[0].write_text("".join(lines[:5])[:-1], encoding="utf-8")  # without its last line end
    paths[1].write_text("".join(lines[5:]), encoding="utf-8")
    model = make()
    assert model.perplexity(paths) == model.perplexity(TEXT)
    history = model.fit(paths[1], epochs=1, validation_data=(paths,), verbose=0).history
    assert len(history["val_loss"]) == 1


def test_generate_writes_what_stream_gives(model):
    for settings in ({}, {"temperature": 0.5}, {"temperature": 0}, {"top_k": 3}, {"top_p": 0.7, "top_k": 6}):
        text = model.generate("the cat", length=30, seed=4, **settings)
        tokens = list(model.stream("the cat", length=30, seed=4, **settings))
        assert text == "the cat" + "".join(tokens)
        assert len(tokens) == 30
    assert "�" not in text


def test_rows_of_a_batch_are_written_as_alone(model):
    prompts = ["the", "", "a never seen day\n", "看", "on the mat.  "]
    together = model.generate(prompts, length=15, seed=7)
    assert together == [model.generate(prompt, length=15, seed=7 + row) for row, prompt in enumerate(prompts)]
    assert together != model.generate(prompts, length=15, seed=8)
    assert all(text.startswith(prompt.rstrip(" ")) for text, prompt in zip(together, prompts, strict=True))


def test_temperature_0_takes_the_most_probable_token(model):
    text = model.generate("the", length=12, temperature=0)
    ids = model.field_in.stream(text).astype("int32")[None]
    most = tf.argmax(model._next(model(ids)), axis=2).numpy()[0]
    start = len(model.field_in.stream("the"))
    np.testing.assert_array_equal(most[start - 1 : -1], ids[0, start:])
    assert model.generate("the", length=12, top_k=1, seed=1) == text
    assert model.generate("the", length=12, top_p=1e-6, seed=1) == text


def test_tokens_are_drawn_as_often_as_they_are_probable():
    logits = tf.math.log([[0.5, 0.3, 0.15, 0.05]])
    numbers = tf.reshape(uniforms(tf.constant([5]), tf.constant([0]), 20_000), [-1])
    logits = tf.repeat(logits, len(numbers), axis=0)

    def shares(temperature=1.0, **limits):
        drawn = sample(logits, numbers, tf.fill([len(numbers)], temperature), **limits).numpy()
        return np.bincount(drawn, minlength=4) / len(drawn)

    np.testing.assert_allclose(shares(), [0.5, 0.3, 0.15, 0.05], atol=0.01)
    np.testing.assert_allclose(shares(top_k=2), [0.625, 0.375, 0, 0], atol=0.01)
    np.testing.assert_allclose(shares(top_p=0.81), [0.5 / 0.95, 0.3 / 0.95, 0.15 / 0.95, 0], atol=0.01)
    squares = np.square([0.5, 0.3, 0.15, 0.05])
    np.testing.assert_allclose(shares(0.5), squares / squares.sum(), atol=0.01)


def test_random_numbers_asked_for_one_by_one_are_those_asked_for_at_once():
    seeds = tf.constant([1, 9, 2**31 - 1])
    together = uniforms(seeds, tf.zeros([3], tf.int32), 1000)
    for first in (0, 1, 37, 999):
        one = uniforms(seeds, tf.fill([3], first), 1)
        np.testing.assert_array_equal(one[:, 0], together[:, first])


def test_tied_vectors_are_one_table():
    tied, apart = make("words", tied=True, units=[7, 5]), make("words", tied=False)
    table = len(tied.vocabulary) + 2
    assert apart.count_params() - tied.count_params() == 5 * table
    weights = tied.get_weights()
    tied.fit(TEXT, epochs=1, verbose=0)
    assert all((one != other).any() for one, other in zip(weights, tied.get_weights(), strict=True))


@pytest.mark.parametrize("tokens", ["characters", "words"])
def test_gradient_is_that_of_a_plain_cross_entropy(tokens):
    model = make(tokens)
    pieces = Pieces(model.field_in.stream(TEXT), 4, 9)
    x, y, _ = next(iter(pieces.dataset().skip(3)))
    model.carried.begin(4, True)
    found = []
    for plain in (True, False):
        with tf.GradientTape() as tape:
            logits = model(x["tokens"], training=True)
            loss = (
                keras.losses.sparse_categorical_crossentropy(y, logits, from_logits=True)
                if plain
                else model.head.loss.call(y, logits)
            )
            loss = tf.reduce_sum(tf.where(y > 0, loss, 0))
        found.append([loss, *map(tf.convert_to_tensor, tape.gradient(loss, model.trainable_variables))])
    for one, other in zip(*found, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)


def test_it_learns():
    model = make(units=[32], steps=20)
    start = model.perplexity(TEXT)
    Trainer(model, keras.optimizers.Adam(0.02), model.head.loss).fit(TEXT, epochs=20, batch_size=4, verbose=0)
    assert model.perplexity(TEXT) < 1.5 < start / 5
    assert model.generate("the ca", length=8, temperature=0) == "the cat sat on"


def test_saved_and_loaded_it_writes_the_same(tmp_path, model):
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    assert again.generate("the", length=20, seed=1) == model.generate("the", length=20, seed=1)
    history = again.fit(TEXT, epochs=1, verbose=0).history
    assert np.isfinite(history["loss"]).all()
    model.save_weights(tmp_path / "model.weights.h5")  # which hold no states of streams
    fresh = make(model.field_in.tokens)
    fresh.optimizer.build(fresh.trainable_variables)
    fresh.load_weights(tmp_path / "model.weights.h5")
    assert fresh.perplexity(TEXT) == model.perplexity(TEXT)


def test_hidden_states_follow_the_tokens(model):
    first, second = model.hidden_states(["the cat", "a"])
    tokens = len(model.field_in.stream("the cat"))  # after a line end
    assert first.shape == (2, tokens, 7)
    assert second.shape == (2, tokens, 5)


def test_half_precision_learns_in_single_precision_logits():
    model = make(dtype="mixed_bfloat16")
    history = Trainer(model).fit(TEXT, epochs=2, batch_size=4, verbose=0).history
    assert history["loss"][1] < history["loss"][0]
    assert model(np.array([[2, 3]])).dtype == "float32"
    assert model.generate("the", length=5, seed=1) == "the" + "".join(model.stream("the", length=5, seed=1))


def test_what_cannot_be_used_is_told(tmp_path):
    model = make()
    for arguments, message in (
        ((TEXT, TEXT), "is its own answer"),
        (("too few",), "must have at least 9 tokens"),
        (("my.txt",), r"write pathlib.Path\('my.txt'\)"),
        ((["a", "b"],), "must be one string, or a pathlib.Path"),
        (("\ud83d" * 20,), "half a surrogate pair"),
        ((5,), "must be one string"),
    ):
        for train in (model.fit, Trainer(model).fit):
            with pytest.raises(ValueError, match=message):
                train(*arguments, epochs=1, verbose=0)
    (tmp_path / "empty.txt").write_text("")
    with pytest.raises(ValueError, match="is empty"):
        model.fit(tmp_path / "empty.txt")
    with pytest.raises(FileNotFoundError):
        model.fit(Path("no such file"))
    for arguments, message in (
        ({"temperature": -0.1}, "`temperature` must be a number that is not negative"),
        ({"temperature": float("nan")}, "`temperature`"),
        ({"length": -1}, "`length` must be a whole number from 0"),
        ({"length": 10_001}, "model.stream"),
        ({"length": 1.5}, "`length`"),
        ({"top_k": 0}, "`top_k`"),
        ({"top_p": 0}, "`top_p`"),
    ):
        with pytest.raises(ValueError, match=message):
            model.generate("the", **arguments)
    with pytest.raises(ValueError, match="must begin with"):
        LanguageModel(["a", "b"], 3)
    with pytest.raises(ValueError, match="one of 'characters'"):
        LanguageModel.from_text(TEXT, "letters")
    with pytest.raises(ValueError, match="Tied vectors must be as long"):
        make(tied=True, embedding_size=3)
    with pytest.raises(ValueError, match="at least one token"):
        model.perplexity("")


def test_many_unknown_tokens_are_warned_of():
    model = make("words")
    with pytest.warns(UserWarning, match="are not in the vocabulary"):
        model.perplexity("zzz " * 50)
    assert 0 < TOO_MANY_UNKNOWN < 0.1
    assert len(model.generate("zzz", length=3, seed=1)) > 3
    assert model.score([""])[0].shape == (0,)
