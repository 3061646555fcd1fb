"""The language model reads streams without a seam, and writes what its probabilities say."""

import inspect
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from rnn_tf import LanguageModel, Trainer
from rnn_tf.fields import running_text
from rnn_tf.fields.running_text import split
from rnn_tf.models.generation import sample, uniform, uniforms
from rnn_tf.models.reader import TOO_MANY_UNKNOWN
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


def test_a_space_that_is_a_token_goes_on_as_one():
    """Of an indented text in words: `step` is given it back, and must not take it for the space before a word."""
    text = "def f(x):\n    return x\n  if x:\n      y\n" * 30
    keras.utils.set_random_seed(0)
    model = LanguageModel.from_text(text, "words", units=[12], steps=10, dropout=0.0)
    Trainer(model, keras.optimizers.Adam(0.02), model.head.loss).fit(text, epochs=8, batch_size=2, verbose=0)
    for seed in range(4):
        written = list(model.stream("def ", 25, temperature=0.7, seed=seed))
        assert "def" + "".join(written) == model.generate("def ", 25, temperature=0.7, seed=seed)
    assert " " in written


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
    numbers = tf.reshape(uniforms(tf.constant([5]), 20_000), [-1])
    logits = tf.repeat(logits, len(numbers), axis=0)

    def shares(temperature=1.0, **limits):
        drawn = sample(logits, numbers, tf.fill([len(numbers)], temperature), **limits).numpy()
        return np.bincount(drawn, minlength=4) / len(drawn)

    np.testing.assert_allclose(shares(), [0.5, 0.3, 0.15, 0.05], atol=0.01)
    np.testing.assert_allclose(shares(top_k=2), [0.625, 0.375, 0, 0], atol=0.01)
    np.testing.assert_allclose(shares(top_p=0.81), [0.5 / 0.95, 0.3 / 0.95, 0.15 / 0.95, 0], atol=0.01)
    squares = np.square([0.5, 0.3, 0.15, 0.05])
    np.testing.assert_allclose(shares(0.5), squares / squares.sum(), atol=0.01)


def test_of_equal_logits_top_k_takes_as_many_as_it_says():
    numbers = uniforms(tf.constant([5]), 1000)[0]
    logits, warm = tf.zeros([1000, 6]), tf.ones([1000])
    assert set(sample(logits, numbers, warm, top_k=1).numpy()) == {0}
    assert set(sample(logits, numbers, warm, top_k=2).numpy()) == {0, 1}
    assert set(sample(logits, numbers, warm, top_p=0.4).numpy()) == {0, 1, 2}


def test_random_numbers_asked_for_one_by_one_are_those_asked_for_at_once():
    seeds = tf.constant([1, 9, 2**31 - 1])
    together = uniforms(seeds, 3000)
    assert together.shape == (3, 3000)
    for place in (0, 1, 37, 1023, 1024, 2999):
        np.testing.assert_array_equal(uniform(seeds, tf.fill([3], place)), together[:, place])
    apart = uniform(seeds, tf.constant([5, 0, 1500]))
    np.testing.assert_array_equal(apart, [together[0, 5], together[1, 0], together[2, 1500]])
    assert len(np.unique(together)) > 8990


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


def test_every_setting_comes_back():
    model = make("words", steps=11, tied=True, units=[5, 5], dropout=0.1, input_dropout=0.2, recurrent_dropout=0.3)
    config = model.get_config()
    assert config["steps"] == 11
    names = set(inspect.signature(LanguageModel.__init__).parameters) - {"self", "kwargs"}
    assert names <= set(config)
    again = keras.models.clone_model(model)
    assert {name: again.get_config()[name] for name in names} == {name: config[name] for name in names}


def test_predict_and_hidden_states_of_texts_of_different_lengths(model):
    texts = ["the cat", "", "a never seen day, and the dog"] * 14
    logits = model.predict(np.array(texts), verbose=0)
    states = model.hidden_states(texts[:3])[-1]
    for row, text in enumerate(texts[:3]):
        length = len(model.field_in.stream(text))
        alone = model.predict([text], verbose=0)[0]
        np.testing.assert_allclose(logits[row, :length], alone, atol=1e-5)
        assert np.isnan(logits[row, length:]).all()
        assert (states[row, length:] == states[row, length - 1]).all()


def test_another_text_evaluated_in_a_callback_disturbs_nothing():
    found = []
    for with_another in (False, True):
        model = make()
        evaluate = keras.callbacks.LambdaCallback(
            on_epoch_end=lambda epoch, logs, model=model: model.evaluate(TEXT[:40], batch_size=1, verbose=0)
        )
        for train in (model.fit, Trainer(model).fit):
            callbacks = [evaluate] * with_another
            history = train(TEXT, epochs=2, batch_size=8, validation_data=TEXT, callbacks=callbacks, verbose=0).history
            found.append((history["loss"], history["val_loss"]))
    assert found[:2] == found[2:]


def test_built_again_it_carries_its_states():
    model = make()
    trainer = Trainer(model)
    trainer.fit(TEXT, epochs=1, batch_size=4, verbose=0)
    model.build((None, None))
    trainer.fit(TEXT, epochs=1, batch_size=16, verbose=0)
    model.fit(TEXT, batch_size=3, verbose=0)
    assert [state.numpy().shape[0] for state in model.carried_variables] == [3] * 4


def test_a_text_without_line_ends_is_cut_into_parts(monkeypatch):
    monkeypatch.setattr(running_text, "CHUNK", 50)
    for tokens in ("characters", "words", "spaces"):
        for text in (TEXT, TEXT.replace("\n", " "), "a  b" * 40, TEXT.replace("\n", "").replace(" ", "") + " x"):
            (whole,) = split([text], tokens).to_list()
            parts = [token for part in running_text.chunks(text) for token in split([part], tokens).to_list()[0]]
            assert "".join(running_text.chunks(text)) == text
            assert max(map(len, running_text.chunks(text))) <= 50
            if " " in text.strip("x "):
                assert parts == whole


def test_a_parallel_cell_in_shards_reads_and_writes():
    model = make(cell="mingru", shards=2)
    assert model.perplexity(TEXT) > 1
    assert len(model.generate(["the", "a"], length=4, seed=1)) == 2


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
        (("my.txt",), r"in 'my.txt'.*write pathlib.Path\(name\)"),
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
    for size in (0, -1, 2.5):
        with pytest.raises(ValueError, match="`batch_size` must be a positive integer"):
            model.fit(TEXT, batch_size=size)
    with pytest.raises(ValueError, match="`steps` must be a positive integer"):
        make(steps=0)
    with pytest.raises(ValueError, match="compile"):
        LanguageModel(model.vocabulary, 3, steps=9).fit(TEXT)
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
