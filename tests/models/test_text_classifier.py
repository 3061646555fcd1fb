import inspect
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from rnn_tf import ElmanCell, TextClassifier, Trainer, export_saved_model
from rnn_tf.export import answer_in_fresh_process
from rnn_tf.fields.tokenization import UNKNOWN

GOOD = ["good food here", "很好吃 good 😀", "it's a great place with great food , and great people", "great"]
BAD = ["bad food", "不好吃", "an awful place with bad food and bad people !", "the worst , it is awful and bad"]
TEXTS = [f"{text}{end}" for end in ("", "!", " and so on", " 好 3.5") for text in (*GOOD, *BAD)]
LABELS = ["pos"] * 4 + ["neg"] * 4
LABELS = LABELS * 4
NUMBERS = [1 if label == "pos" else 0 for label in LABELS]
WEIGHTS = np.linspace(0.2, 2, 32).astype("float32")
TINY = {
    "units": 4,
    "cell": "elman",
    "bidirectional": False,
    "pooling": "mean",
    "embedding_size": 5,
    "dropout": 0.0,
    "word_dropout": 0.0,
}
STRANGE = ["good", "", "zzz unseen words", "😀", "好吃！", "bad " * 700, b"good \xff food", "a\nb", "\u3000"]


def rows(*columns):
    return tf.data.Dataset.from_tensor_slices(columns if len(columns) > 1 else columns[0])


def made(**arguments):
    return TextClassifier.from_texts(TEXTS, LABELS, **{**TINY, **arguments})


@pytest.fixture(scope="module")
def shared():
    """A model that every test may train: tests compare with what it answers then, not with numbers."""
    keras.utils.set_random_seed(1)
    model = made()
    model.compile(keras.optimizers.SGD(0.5), "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model, model.get_weights(), Trainer(model, jit_compile=False)


@pytest.fixture
def model(shared):
    model, weights, _ = shared
    model.set_weights(weights)
    return model


@pytest.fixture
def trainer(shared, model):
    return shared[2]


@pytest.fixture(scope="module")
def fitted(shared):
    """The weights after 2 epochs on lists, unshuffled, in batches of 8, and the losses on the way."""
    model, weights, _ = shared
    model.set_weights(weights)
    history = model.fit(TEXTS, LABELS, batch_size=8, epochs=2, shuffle=False, verbose=0).history
    assert np.isfinite(history["loss"]).all()
    assert not np.allclose(model.get_weights()[0], weights[0])
    return model.get_weights(), history


def assert_weights(model, expected, tolerance=1e-6):
    for weight, other in zip(model.get_weights(), expected, strict=True):
        np.testing.assert_allclose(weight, other, atol=tolerance)


# --- texts and labels as people have them

DATA = {
    "tuples of str and bytes": lambda: (tuple(TEXTS), tuple(label.encode() for label in LABELS)),
    "numpy str": lambda: (np.array(TEXTS), np.array(LABELS)),
    "numpy bytes, column of labels": lambda: (
        np.array([text.encode() for text in TEXTS]),
        np.array(LABELS)[:, np.newaxis],
    ),
    "numpy objects, ints": lambda: (np.array(TEXTS, object), NUMBERS),
    "tensors": lambda: (tf.constant(TEXTS), tf.constant(NUMBERS)),
    "numpy ints": lambda: (TEXTS, np.array(NUMBERS, "uint8")),
    "whole floats": lambda: (TEXTS, np.array(NUMBERS, "float32")),
    "rows": lambda: (rows(TEXTS, LABELS),),
    "batches": lambda: (rows(TEXTS, NUMBERS).batch(8),),
    "unequal batches": lambda: (rows(TEXTS, LABELS).batch(5),),
}


@pytest.mark.parametrize("form", DATA)
def test_every_form_of_data_trains_alike(form, model, fitted):
    model.fit(*DATA[form](), batch_size=8, epochs=2, shuffle=False, verbose=0)
    assert_weights(model, fitted[0])


@pytest.mark.parametrize("length", ["epochs", "steps"])
@pytest.mark.parametrize("form", ["numpy objects, ints", "batches"])
def test_trainer_makes_the_steps_of_fit(form, length, model, trainer, fitted):
    data = DATA[form]()
    size = {"batch_size": 8} if len(data) == 2 else {}
    batches = int(model.dataset(TEXTS, LABELS, batch_size=8).cardinality())
    length = {"epochs": 2} if length == "epochs" else {"steps": 2 * batches, "log_every": batches}
    history = trainer.fit(*data, **length, **size, shuffle=False, verbose=0).history
    np.testing.assert_allclose(history["loss"], fitted[1]["loss"], rtol=1e-4)
    assert_weights(model, fitted[0], 1e-5)


def test_pandas_columns(model, fitted):
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"text": TEXTS, "label": LABELS}, index=np.arange(32)[::-1] // 2)
    model.fit(frame["text"], frame["label"].astype("category"), batch_size=8, epochs=2, shuffle=False, verbose=0)
    assert_weights(model, fitted[0])
    np.testing.assert_array_equal(model.predict(frame["text"], verbose=0), model.predict(TEXTS, verbose=0))
    assert model.evaluate(frame["text"], frame["label"], verbose=0) == model.evaluate(TEXTS, LABELS, verbose=0)
    history = model.fit(frame["text"], frame["label"], validation_split=0.25, verbose=0).history
    assert history["val_loss"] == pytest.approx([model.evaluate(TEXTS[24:], LABELS[24:], verbose=0)[0]], rel=1e-5)


@pytest.mark.parametrize("form", ["numpy str", "numpy bytes, column of labels", "tensors", "rows", "unequal batches"])
def test_every_form_of_data_is_answered_alike(form, model):
    data = DATA[form]()
    np.testing.assert_array_equal(model.predict(data[0], verbose=0), model.predict(TEXTS, verbose=0))
    assert model.evaluate(*data, verbose=0) == pytest.approx(model.evaluate(TEXTS, LABELS, verbose=0), rel=1e-5)


def test_evaluate_equals_what_is_computed_by_hand(model):
    model.fit(TEXTS, LABELS, epochs=2, verbose=0)
    labels = [*NUMBERS[:10], *(1 - np.array(NUMBERS[10:]))]  # some of them wrong
    probabilities = model.predict(TEXTS, verbose=0)
    found = model.evaluate(TEXTS, labels, batch_size=7, verbose=0, return_dict=True)
    accuracy = np.mean(probabilities.argmax(axis=1) == labels)
    assert 0 < accuracy < 1
    assert found["accuracy"] == pytest.approx(accuracy)
    assert found["loss"] == pytest.approx(-np.mean(np.log(probabilities[np.arange(32), labels])), rel=1e-5)
    assert model.report(TEXTS, labels).accuracy.value == pytest.approx(accuracy)


def test_predict_keeps_the_order_of_the_rows(model):
    answers = model.predict(STRANGE, batch_size=2, verbose=0)
    assert answers.shape == (len(STRANGE), 2)
    np.testing.assert_allclose(answers.sum(axis=1), 1, rtol=1e-6)
    for text, answer in zip(STRANGE, answers, strict=True):
        np.testing.assert_allclose(model.predict([text], verbose=0)[0], answer, atol=1e-6)
    order = np.random.default_rng(0).permutation(32)
    shuffled = model.predict([TEXTS[row] for row in order], verbose=0)
    np.testing.assert_allclose(shuffled, model.predict(TEXTS, verbose=0)[order], atol=1e-6)


def test_ids_answer_as_their_texts(model):
    ids = model.vectorize(TEXTS)
    assert ids.shape == (32, 14)
    for form in (ids, ids.numpy(), ids.numpy().tolist(), rows(ids).batch(5)):
        np.testing.assert_allclose(model.predict(form, verbose=0), model.predict(TEXTS, verbose=0), atol=1e-6)
    expected = model.evaluate(TEXTS, LABELS, verbose=0)
    assert model.evaluate(ids.numpy(), LABELS, verbose=0) == pytest.approx(expected, rel=1e-5)
    assert model.evaluate(model.dataset(TEXTS, LABELS), verbose=0) == pytest.approx(expected, rel=1e-5)


def test_ids_train_with_labels_and_weights_as_texts_do(model):
    for data in ((model.dataset(TEXTS, LABELS),), (model.vectorize(TEXTS).numpy(), LABELS, WEIGHTS.tolist())):
        named = dict(zip(("x", "y", "sample_weight"), data, strict=False))
        assert np.isfinite(model.fit(**named, verbose=0).history["loss"]).all()


# --- weights

WEIGHTED = {
    "by name": ({"neg": 1, "pos": 3.0}, [3.0 if label == "pos" else 1.0 for label in LABELS]),
    "by number": ({0: 1.0, 1: 3.0}, [3.0 if label == "pos" else 1.0 for label in LABELS]),
    "last class only": ({"pos": 3.0}, [3.0 if label == "pos" else 1.0 for label in LABELS]),
    "first class only": ({"neg": 3.0}, [1.0 if label == "pos" else 3.0 for label in LABELS]),
}


@pytest.mark.parametrize("way", ["fit", "Trainer"])
@pytest.mark.parametrize("form", WEIGHTED)
def test_class_weights_are_weights_of_rows(form, way, model, shared, trainer):
    class_weight, sample_weight = WEIGHTED[form]
    model.fit(TEXTS, LABELS, sample_weight=sample_weight, batch_size=8, shuffle=False, verbose=0)
    expected = model.get_weights()
    model.set_weights(shared[1])
    arguments = {"batch_size": 8, "shuffle": False, "verbose": 0, "epochs": 1, "class_weight": class_weight}
    (model if way == "fit" else trainer).fit(TEXTS, LABELS, **arguments)
    assert_weights(model, expected, 1e-5)


@pytest.mark.parametrize("way", ["fit", "Trainer"])
def test_balanced_classes(way, model, shared, trainer):
    texts, labels = TEXTS[:12], LABELS[:12]  # 8 of them pos
    weights = [12 / (2 * 8) if label == "pos" else 12 / (2 * 4) for label in labels]
    model.fit(texts, labels, sample_weight=np.array(weights), shuffle=False, verbose=0)
    expected = model.get_weights()
    model.set_weights(shared[1])
    arguments = {"shuffle": False, "verbose": 0, "epochs": 1, "class_weight": "balanced"}
    (model if way == "fit" else trainer).fit(texts, labels, **arguments)
    assert_weights(model, expected, 1e-5)


def test_sample_weights_are_kept_beside_their_texts(model, shared):
    model.fit(rows(TEXTS, LABELS, WEIGHTS).batch(8), shuffle=False, verbose=0)
    expected = model.get_weights()
    model.set_weights(shared[1])
    model.fit(TEXTS, LABELS, sample_weight=WEIGHTS, batch_size=8, shuffle=False, verbose=0)
    assert_weights(model, expected)
    model.set_weights(shared[1])
    only = np.array(NUMBERS, "float32")  # nothing of the other class
    model.fit(TEXTS, ["pos"] * 32, sample_weight=only, batch_size=32, epochs=3, verbose=0)
    assert model.evaluate(TEXTS, ["pos"] * 32, sample_weight=1 - only, verbose=0)[0] < np.log(2)


# --- validation


def test_validation_split_takes_the_last_rows(model, shared):
    history = model.fit(TEXTS, LABELS, 8, 1, 0, None, 0.25, None, False).history  # by position, as Keras allows
    weights = model.get_weights()
    loss, accuracy = model.evaluate(TEXTS[24:], LABELS[24:], verbose=0)
    assert (history["val_loss"], history["val_accuracy"]) == (pytest.approx([loss]), pytest.approx([accuracy]))
    model.set_weights(shared[1])
    model.fit(TEXTS[:24], LABELS[:24], batch_size=8, shuffle=False, verbose=0)
    assert_weights(model, weights)


VALIDATION = {
    "tuple": lambda model: (TEXTS[:9], LABELS[:9]),
    "list of arrays": lambda model: [np.array(TEXTS[:9]), np.array(NUMBERS[:9])],
    "weights": lambda model: (TEXTS[:9], LABELS[:9], np.full(9, 1.0)),
    "rows": lambda model: rows(TEXTS[:9], LABELS[:9]),
    "batches": lambda model: rows(TEXTS[:9], LABELS[:9]).batch(4),
    "ids": lambda model: (model.vectorize(TEXTS[:9]).numpy(), LABELS[:9]),
    "dataset of ids": lambda model: model.dataset(TEXTS[:9], LABELS[:9], batch_size=4),
}


@pytest.mark.parametrize(
    ("form", "way"), [*((form, "fit") for form in VALIDATION), ("tuple", "Trainer"), ("rows", "Trainer")]
)
def test_validation_data_of_every_form(form, way, model, trainer):
    arguments = {"validation_data": VALIDATION[form](model), "epochs": 1, "verbose": 0}
    history = (model if way == "fit" else trainer).fit(TEXTS, LABELS, **arguments).history
    loss, accuracy = model.evaluate(TEXTS[:9], LABELS[:9], verbose=0)
    np.testing.assert_allclose(history["val_loss"], [loss], rtol=1e-4)
    np.testing.assert_allclose(history["val_accuracy"], [accuracy], rtol=1e-4)


# --- what the model computes


@keras.saving.register_keras_serializable("tests")
class Average(keras.layers.Layer):
    """A cell of a user's own: h_t = (h_{t-1} + W x_t) / 2, whose output is not its state."""

    def __init__(self, units, **kwargs):
        super().__init__(**kwargs)
        self.units = self.state_size = units

    def build(self, shape):
        self.kernel = self.add_weight(shape=(shape[-1], self.units), name="kernel")

    def call(self, inputs, states):
        hidden = (states[0] + inputs @ self.kernel) / 2
        return hidden + 1, [hidden]

    def get_config(self):
        return {**super().get_config(), "units": self.units}


NETWORKS = [
    {"cell": "elman", "units": 3, "bidirectional": False, "pooling": "last"},
    {"cell": "elman", "units": [3, 2], "bidirectional": True, "pooling": ["last", "mean", "max"]},
    {"cell": "gru", "units": 3, "bidirectional": True, "pooling": "last"},
    {"cell": "lstm", "units": 3, "bidirectional": True, "pooling": "max"},
    {"cell": "lstm", "units": 3, "bidirectional": False, "pooling": "mean"},
    {"cell": "own", "bidirectional": True, "pooling": ["mean", "last"]},
    {"cell": "own", "bidirectional": False, "pooling": "max"},
]


@pytest.mark.parametrize("network", NETWORKS, ids=str)
def test_padding_changes_nothing(network):
    cell = Average(3) if network["cell"] == "own" else network["cell"]
    model = TextClassifier([f"w{i}" for i in range(30)], 3, **{**network, "cell": cell}, embedding_size=4)
    rng = np.random.default_rng(2)
    ids = rng.integers(1, 32, size=[3, 5])
    model(ids)
    for weight in model.head.dense.weights:
        weight.assign(rng.normal(size=weight.shape))
    alone = model(ids).numpy()
    assert np.ptp(alone, axis=0).min() > 1e-4  # it does depend on the ids
    padded = np.pad(ids, [[0, 0], [0, 40]])
    np.testing.assert_allclose(model(padded), alone, atol=1e-5)
    longer = np.concatenate([padded, rng.integers(1, 32, size=[2, 45])])
    np.testing.assert_allclose(model(longer)[:3], alone, atol=1e-5)
    nothing = model(np.zeros([2, 1], int)).numpy()
    np.testing.assert_allclose(model(np.zeros([2, 40], int)), nothing, atol=1e-5)


def test_texts_beside_longer_ones(model):
    texts = ["", "good", "bad food", "zzz"]
    alone = np.concatenate([model.predict([text], verbose=0) for text in texts])
    together = model.predict([*texts, "great " * 500], verbose=0)[:4]
    np.testing.assert_allclose(together, alone, atol=1e-5)


def test_a_text_is_read_up_to_its_maximum_length():
    model = made(max_length=3)
    assert model.vectorize(["good bad food good"]).shape == (1, 3)
    long, short = model.predict(["good bad food good good", "good bad food"], verbose=0)
    np.testing.assert_allclose(long, short, atol=1e-6)
    (ids, _), *_ = model.dataset(["good bad food good"] * 2, LABELS[:2])
    assert ids.shape == (2, 3)


def test_word_dropout_replaces_tokens_but_not_padding():
    model = made(word_dropout=0.999999)
    ids = np.array([[2, 3, 4, 0, 0], [5, 0, 0, 0, 0]])
    unknown = np.where(ids > 0, UNKNOWN, 0)
    np.testing.assert_allclose(model(ids, training=True), model(unknown), atol=1e-6)
    assert not np.allclose(model(ids), model(unknown), atol=1e-6)


def test_dropout_acts_in_training_only():
    for arguments in ({"dropout": 0.5}, {"recurrent_dropout": 0.5}, {"word_dropout": 0.5}):
        model = made(**arguments)
        ids = model.vectorize(TEXTS)
        np.testing.assert_array_equal(model(ids), model(ids))
        assert not np.allclose(model(ids, training=True), model(ids, training=True), atol=1e-6)


def test_reading_answers_after_each_token(model):
    text = "Great food, 好吃 unseen!"
    tokens, answers = model.reading(text)
    assert tokens == ["great", "food", ",", "好", "吃", "unseen", "!"]
    assert answers.shape == (7, 2)
    ids = model.vectorize([text])
    for t in range(7):
        np.testing.assert_allclose(answers[t], model.predict(ids[:, : t + 1], verbose=0)[0], atol=1e-6)
        np.testing.assert_allclose(answers[t], model.predict([" ".join(tokens[: t + 1])], verbose=0)[0], atol=1e-6)
    np.testing.assert_allclose(answers[-1], model.predict([text], verbose=0)[0], atol=1e-6)
    assert np.ptp(answers, axis=0).min() > 1e-6


def test_reading_needs_something_to_read(model):
    with pytest.raises(ValueError, match=r"There is nothing to read. Received: ' ', a text without tokens"):
        model.reading(" ")
    with pytest.raises(ValueError, match=r"Every text must be a string. Received: None"):
        model.reading(None)


def test_half_precision():
    model = made(dtype="mixed_bfloat16", pooling=["last", "mean", "max"])
    history = model.fit(TEXTS, LABELS, epochs=2, verbose=0).history
    assert np.isfinite(history["loss"]).all()
    assert model.encoder.compute_dtype == "bfloat16"
    answers = model.predict(TEXTS, verbose=0)
    assert answers.dtype == np.float32
    np.testing.assert_allclose(answers.sum(axis=1), 1, atol=1e-6)


def test_the_same_seed_trains_the_same_model():
    found = []
    for _ in range(2):
        keras.utils.set_random_seed(3)
        model = made(dropout=0.3, word_dropout=0.2)
        model.fit(TEXTS, LABELS, batch_size=8, verbose=0)
        found.append(model.get_weights())
    for weight, other in zip(*found, strict=True):
        np.testing.assert_array_equal(weight, other)


def test_dataset(model):
    weights = np.arange(32.0)
    dataset = model.dataset(TEXTS, LABELS, sample_weight=weights, batch_size=5, seed=2)
    passes = []
    for _ in range(2):
        passes.append([])
        batches = list(dataset.as_numpy_iterator())
        assert int(dataset.cardinality()) == len(batches)
        for ids, numbers, found in batches:
            for one, number, weight in zip(ids, numbers, found, strict=True):
                row = int(weight)
                assert number == NUMBERS[row]
                np.testing.assert_array_equal(np.trim_zeros(one, "b"), model.vectorize([TEXTS[row]])[0])
                passes[-1].append(row)
        assert sorted(passes[-1]) == list(range(32))
    assert passes[0] != passes[1]
    again = model.dataset(TEXTS, LABELS, sample_weight=weights, batch_size=5, seed=2)
    assert [int(row) for _, _, found in again for row in found] == passes[0]


# --- vocabulary, classes and first vectors


def test_from_texts_learns_vocabulary_and_classes():
    model = TextClassifier.from_texts(["a a b", "b c A"], ["y", "x"], min_count=2, **TINY)
    assert (model.vocabulary, model.classes) == (["a", "b"], ["x", "y"])
    model = TextClassifier.from_texts(rows(["a a b", "b c A"], [10, 9]), min_count=1, vocabulary_size=1, **TINY)
    assert (model.vocabulary, model.classes) == (["a"], ["9", "10"])
    assert model.vectorize(["a b", "A"]).numpy().tolist() == [[2, 1], [2, 0]]
    stars = TextClassifier.from_texts(TEXTS[:5], [5, 4, 3, 2, 1], **TINY)
    for labels in (["5", "1", "2"], [5, 1, 2], np.array([5.0, 1.0, 2.0])):  # names, though numbers
        ((_, numbers),) = stars.dataset(["a"] * 3, labels, shuffle=False)
        assert numbers.numpy().tolist() == [4, 0, 1]


def test_first_vectors_stand_in_the_rows_of_their_tokens():
    vectors = {"good": [1, 2, 3], "好": np.array([4.0, 5.0, 6.0]), "unused": [7, 8, 9]}
    arguments = {name: value for name, value in TINY.items() if name != "embedding_size"}
    model = TextClassifier.from_texts(TEXTS, LABELS, embeddings=vectors, **arguments)
    table = model.field_in.embedding.embeddings.numpy()
    assert table.shape == (len(model.vocabulary) + 2, 3)
    for token in ("good", "好"):
        row = int(model.vectorize([token])[0, 0])
        assert model.vocabulary[row - 2] == token
        np.testing.assert_array_equal(table[row], vectors[token])
        table[row] = 0
    assert np.abs(table).max() <= 0.25
    rest = [row for row in range(2, len(table)) if table[row].any()]
    assert len(rest) == len(model.vocabulary) - 2
    assert len(np.unique(table[rest], axis=0)) == len(rest)
    assert model.field_in.embedding.embeddings in model.trainable_variables


@pytest.mark.parametrize(
    "embeddings", [{}, {"good": [1, 2], "bad": [1, 2, 3]}, {"good": 1.0}, {"good": [[1.0]]}], ids=str
)
def test_first_vectors_are_checked(embeddings):
    with pytest.raises(ValueError, match=r"`embeddings` must be a dict of vectors by token, all of one length"):
        TextClassifier.from_texts(TEXTS, LABELS, embeddings=embeddings)


# --- saving and export


def test_loads_in_this_process(model, tmp_path):
    model.fit(TEXTS, LABELS, verbose=0)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert (loaded.vocabulary, loaded.classes) == (model.vocabulary, model.classes)
    np.testing.assert_allclose(loaded.predict(STRANGE, verbose=0), model.predict(STRANGE, verbose=0), rtol=1e-6)
    assert loaded.evaluate(TEXTS, LABELS, verbose=0) == pytest.approx(model.evaluate(TEXTS, LABELS, verbose=0))
    loaded.fit(TEXTS[:8], LABELS[:8], verbose=0)


def test_cells_of_a_users_own_and_functions_survive_saving(tmp_path):
    cells = [ElmanCell(3, output_units=2), Average(2)]
    model = TextClassifier(["good", "bad"], ["no", "yes"], cell=cells, dropout=0.5, pooling=["last", "max"])
    expected = model.predict(STRANGE, verbose=0)
    model.save(tmp_path / "model.keras")
    np.testing.assert_array_equal(
        keras.models.load_model(tmp_path / "model.keras").predict(STRANGE, verbose=0), expected
    )


def test_loads_in_a_fresh_process_after_importing_one_name(model, tmp_path, run_python):
    model.save(tmp_path / "model.keras")
    texts = [text for text in STRANGE if isinstance(text, str)]
    printed = run_python(
        "from rnn_tf import TextClassifier\n"
        "import keras, numpy as np\n"
        f"model = keras.models.load_model({str(tmp_path / 'model.keras')!r})\n"
        f"np.save({str(tmp_path / 'answers.npy')!r}, model.predict({texts!r}, verbose=0))\n"
        "print(type(model) is TextClassifier, model.classes)",
        PYTHONIOENCODING="utf-8",
    )
    assert printed.strip() == "True ['neg', 'pos']"
    np.testing.assert_allclose(np.load(tmp_path / "answers.npy"), model.predict(texts, verbose=0), rtol=1e-5)


def test_an_export_answers_as_the_model(tmp_path, in_this_process):
    model = TextClassifier.from_texts(TEXTS, ["好" if label == "pos" else "坏" for label in LABELS], units=3)
    path = export_saved_model(model, tmp_path, examples=["unseen", "好吃", ""])
    vocabulary = (Path(path) / "assets" / "vocabulary.txt").read_text("utf-8")
    assert vocabulary.split("\n") == model.vocabulary
    texts = [*STRANGE, "good bad " * 2500]
    feed = np.array([text if isinstance(text, bytes) else text.encode() for text in texts], object)
    (answer,) = answer_in_fresh_process(path, [("serving_default", {"text": feed})])
    expected = model.predict(texts, verbose=0)
    np.testing.assert_allclose(answer["probabilities"], expected, atol=1e-5)
    assert [label.decode() for label in answer["label"]] == [model.classes[row.argmax()] for row in expected]
    assert [[name.decode() for name in row] for row in answer["classes"]] == [["坏", "好"]] * len(texts)


CONFIG = {
    "vocabulary": ["b", "好"],
    "classes": ["x", "y", "z"],
    "units": [3, 2],
    "cell": "gru",
    "bidirectional": False,
    "pooling": ["mean", "last"],
    "embedding_size": 7,
    "max_length": 11,
    "word_dropout": 0.3,
    "dropout": 0.1,
    "recurrent_dropout": 0.2,
    "activation": "relu",
    "shards": 3,
}


def test_config_keeps_every_argument():
    arguments = set(inspect.signature(TextClassifier.__init__).parameters) - {"self", "kwargs"}
    assert set(CONFIG) == arguments  # a new argument must be added here
    default = TextClassifier(["a"], 2, units=1).get_config()
    config = TextClassifier(**CONFIG, name="model", dtype="float64").get_config()
    kept = dict(config)
    assert TextClassifier.from_config(config).get_config() == config == kept
    for name in arguments:
        assert config[name] == CONFIG[name] != default[name], name
    assert (config["name"], config["dtype"]["config"]["name"]) == ("model", "float64")


# --- what is refused


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"vocabulary": []}, r"`vocabulary` must be a list of strings, at least one. Received: \[\]"),
        ({"vocabulary": "good"}, r"`vocabulary` must be a list of strings, at least one. Received: 'good'"),
        ({"classes": 1}, r"`classes` must be a number of classes, at least 2"),
        ({"classes": ["a", "a"]}, r"`classes` must be"),
        ({"pooling": "avg"}, r"`pooling` must be one of 'last', 'mean', 'max', .* Received: pooling='avg'"),
        ({"cell": "lsmt"}, r"`cell` must be one of"),
        ({"units": None}, r"`units` must be a positive integer"),
        ({"embedding_size": 0}, r"`embedding_size` must be a positive integer"),
        ({"max_length": 0}, r"`max_length` must be a positive integer"),
        ({"word_dropout": 1}, r"`word_dropout` must be at least 0 and less than 1. Received: 1"),
        ({"dropout": 1.5}, r"between 0 and 1"),
        ({"cell": ElmanCell(3)}, r"A cell of your own has its own size"),
    ],
    ids=str,
)
def test_arguments_are_checked(arguments, message):
    with pytest.raises(ValueError, match=message):
        TextClassifier(**{"vocabulary": ["a"], "classes": 2, "units": 2, **arguments})


@pytest.mark.parametrize(
    ("texts", "labels", "arguments", "message"),
    [
        (TEXTS, ["a"] * 32, {}, r"at least two classes. Received: 32 labels, all of them 'a'"),
        (TEXTS, None, {}, r"`labels` must be a list or an array"),
        (TEXTS, LABELS[:3], {}, r"Received: texts has 32, labels has 3"),
        (["a", None], LABELS[3:5], {}, r"Every text must be a string. Received: None of type NoneType in row 1"),
        (["a", np.nan], LABELS[3:5], {}, r"Received: nan of type float in row 1"),
        (["a", 3], LABELS[3:5], {}, r"Received: 3 of type int in row 1"),
        ([], [], {}, r"`texts` must have at least one row"),
        ("good", ["pos"], {}, r"`texts` must be a list or an array, one entry a row. Received: 'good'"),
        (TEXTS[3:5], [1.0, np.nan], {}, r"must be a name or a whole number. Received: nan in row 1"),
        (TEXTS, LABELS, {"min_count": 99}, r"vocabulary would be empty: .* none occurs 99 times"),
        (TEXTS, LABELS, {"vocabulary_size": 0}, r"`vocabulary_size` must be a positive integer"),
        (rows(TEXTS, NUMBERS), LABELS, {}, r"dataset"),
        (rows(TEXTS), None, {}, r"labels"),
    ],
)
def test_from_texts_checks_what_it_learns_from(texts, labels, arguments, message):
    with pytest.raises(ValueError, match=message):
        TextClassifier.from_texts(texts, labels, **arguments)


@pytest.mark.parametrize("way", ["fit", "evaluate", "Trainer"])
@pytest.mark.parametrize(
    ("data", "arguments", "message"),
    [
        ((TEXTS, None), {}, r"needs labels. Received: y=None. Give both, as in fit\(x, y\)"),
        ((TEXTS, LABELS[:3]), {}, r"Received: texts has 32, labels has 3"),
        ((TEXTS[:2], ["neg", "new"]), {}, r"one of the classes 'neg', 'pos'. Received: 'new' in row 1"),
        ((TEXTS[:2], [np.nan, 1]), {}, r"Received: nan in row 0"),
        ((["a", None], LABELS[:2]), {}, r"Received: None of type NoneType in row 1"),
        ((np.ones([2, 3]), LABELS[:2]), {}, r"one entry a row. Received: shape \(2, 3\)"),
        (("good", ["pos"]), {}, r"Received: 'good'"),
        ((rows(TEXTS, LABELS).repeat(),), {}, r"must have an end"),
        ((rows(TEXTS, LABELS).take(0),), {}, r"gave no text"),
        ((rows(TEXTS),), {}, r"labels"),
        ((rows(TEXTS, LABELS), LABELS), {}, r"dataset"),
        (
            (TEXTS, LABELS),
            {"sample_weight": WEIGHTS[:3]},
            r"Received: texts has 32, labels has 32, sample_weight has 3",
        ),
        ((TEXTS, LABELS), {"sample_weight": np.full(32, np.nan)}, r"`sample_weight` must be finite"),
        ((TEXTS, LABELS), {"batch_size": 0}, r"`batch_size` must be a positive integer"),
    ],
)
def test_data_are_checked(data, arguments, message, way, model, trainer, shared):
    arguments = {**arguments, "verbose": 0}
    if way == "Trainer":
        arguments["epochs"] = 1
    call = {"fit": model.fit, "evaluate": model.evaluate, "Trainer": trainer.fit}[way]
    with pytest.raises(ValueError, match=message):
        call(*data, **arguments)
    assert_weights(model, shared[1])


@pytest.mark.parametrize("weights", ["auto", [1, 2], {"new": 2.0}])
def test_class_weights_are_checked(weights, model):
    with pytest.raises(ValueError, match=r"`class_weight` must be|Received: 'new'"):
        model.fit(TEXTS, LABELS, class_weight=weights, verbose=0)


def test_predict_and_vectorize_refuse_a_single_string(model):
    with pytest.raises(ValueError, match=r"`texts` must be a list or an array, one entry a row. Received: 'good'"):
        model.predict("good")
    with pytest.raises(ValueError, match=r"must be a list"):
        model.vectorize("good")
    with pytest.raises(ValueError, match=r"`texts` must have at least one row"):
        model.predict([])


def test_calls_take_ids_only(model):
    for strings in (tf.constant(["good"]), np.array([["good"]])):
        with pytest.raises(
            ValueError,
            match=r"called on token ids, integers of shape.*Received: string of shape.*model.predict\(texts\)",
        ):
            model(strings)
    with pytest.raises(ValueError, match=r"token ids"):  # half precision would round those above 256
        model(np.ones([2, 3], "float32"))
    with pytest.raises(ValueError, match=r"token ids of shape \[batch, tokens\]. Received: shape \(2, 3, 4\)"):
        TextClassifier(["a"], 2, units=1)(np.ones([2, 3, 4], int))


def test_the_texts_that_it_was_made_from_are_remembered_for_one_use():
    texts = ["good food!", b"bad \xff food", "", "好吃 3.5 don't", "good " * 9, "unknown words, all of them"]
    model = TextClassifier.from_texts(texts, [0, 1] * 3, min_count=2, max_length=7, **TINY)
    first, again = model.field_in.rows(texts), model.field_in.rows(texts)
    np.testing.assert_array_equal(first.values, again.values)
    np.testing.assert_array_equal(first.lengths, again.lengths)
    assert first is not again
    model.field_in.remember(texts, [[]] * 6)
    others = model.field_in.rows(texts[:5])
    np.testing.assert_array_equal(others.lengths, first.lengths[:5])
    np.testing.assert_array_equal(model.field_in.rows(texts).lengths, first.lengths)
