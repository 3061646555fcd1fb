import inspect

import keras
import numpy as np
import pytest
import tensorflow as tf

from rnn_tf import ElmanCell, SequenceClassifier, SequenceRegressor, Trainer, export_saved_model
from rnn_tf.evaluation import span_report
from rnn_tf.export import answer_in_fresh_process
from rnn_tf.training.loop import pays_xla

rng = np.random.default_rng(9)
LENGTHS = rng.integers(2, 8, size=32).astype("int32")
LENGTHS[0] = 7
ROWS = [rng.normal([300, -2], [50, 0.1], size=[length, 2]).astype("float32") for length in LENGTHS]
LABELS = ["up" if row[-1, 0] > row[0, 0] else "down" for row in ROWS]
NUMBERS = np.array([label == "up" for label in LABELS]).astype(int)


def padded(value=0.0, timesteps=7):
    sequences = np.full([len(ROWS), timesteps, 2], value, "float32")
    for row, into in zip(ROWS, sequences, strict=True):
        into[: len(row)] = row
    return {"sequences": sequences, "lengths": LENGTHS}


def made(**arguments):
    model = SequenceClassifier(**{"units": 4, "classes": ["down", "up"], "cell": "elman", **arguments})
    model.compile(keras.optimizers.SGD(0.5), "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


@pytest.fixture(scope="module")
def shared():
    keras.utils.set_random_seed(1)
    model = made()
    model.adapt(ROWS)
    return model, model.get_weights()


@pytest.fixture
def model(shared):
    model, weights = shared
    model.set_weights(weights)
    return model


@pytest.fixture(scope="module")
def fitted(shared):
    """The weights after 2 epochs on a list, unshuffled, in batches of 8, and the losses on the way."""
    model, weights = shared
    model.set_weights(weights)
    history = model.fit(ROWS, LABELS, batch_size=8, epochs=2, shuffle=False, verbose=0).history
    assert np.isfinite(history["loss"]).all()
    assert not np.allclose(model.get_weights()[-1], weights[-1])
    return model.get_weights(), history


def assert_weights(model, expected, tolerance=1e-6):
    for weight, other in zip(model.get_weights(), expected, strict=True):
        np.testing.assert_allclose(weight, other, atol=tolerance)


# --- sequences and labels as people have them

DATA = {
    "tuple, numbers": lambda: (tuple(ROWS), NUMBERS),
    "nested lists, bytes": lambda: ([row.tolist() for row in ROWS], [label.encode() for label in LABELS]),
    "dict, numpy names": lambda: (padded(), np.array(LABELS)),
    "dict, whole floats": lambda: (padded(), NUMBERS.astype("float32")),
    "list of lengths": lambda: ({**padded(), "lengths": LENGTHS.tolist()}, LABELS),
    "padded by NaN": lambda: (padded(np.nan), LABELS),
    "padded by more": lambda: (padded(1e9, 20), LABELS),
    "dataset": lambda: (tf.data.Dataset.from_tensor_slices((padded(), NUMBERS)).batch(8),),
}


@pytest.mark.parametrize("form", DATA)
def test_every_form_of_data_trains_and_is_answered_alike(form, model, fitted):
    x, *y = DATA[form]()
    size = {"batch_size": 8} if y else {}
    model.fit(x, *y, **size, epochs=2, shuffle=False, verbose=0)
    assert_weights(model, fitted[0], 1e-5)
    np.testing.assert_allclose(model.predict(x, verbose=0), model.predict(ROWS, verbose=0), atol=1e-5)
    expected = model.evaluate(ROWS, LABELS, verbose=0)
    assert model.evaluate(x, *y, verbose=0) == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("length", [{"epochs": 2}, {"steps": 8, "log_every": 4}], ids=str)
def test_trainer_makes_the_steps_of_fit(length, model, fitted):
    trainer = Trainer(model, jit_compile=False)
    history = trainer.fit(ROWS, LABELS, batch_size=8, **length, shuffle=False, verbose=0).history
    np.testing.assert_allclose(history["loss"], fitted[1]["loss"], rtol=1e-4)
    assert_weights(model, fitted[0], 1e-5)


def test_pandas(model):
    pandas = pytest.importorskip("pandas")
    frames = [pandas.DataFrame(row, columns=["a", "b"]) for row in ROWS]
    labels = pandas.Series(LABELS, index=LENGTHS, dtype="category")
    assert model.evaluate(frames, labels, verbose=0) == pytest.approx(model.evaluate(ROWS, LABELS, verbose=0))


def test_true_and_false_are_two_classes():
    model = made(classes=2)
    keras.utils.set_random_seed(0)
    history = model.fit(ROWS, NUMBERS == 1, verbose=0).history
    other = made(classes=2)
    keras.utils.set_random_seed(0)
    assert other.fit(ROWS, NUMBERS, verbose=0).history == history


def test_evaluate_equals_what_is_computed_by_hand(model):
    labels = [*NUMBERS[:20], *(1 - NUMBERS[20:])]
    probabilities = model.predict(ROWS, verbose=0)
    found = model.evaluate(ROWS, labels, batch_size=7, verbose=0, return_dict=True)
    accuracy = np.mean(probabilities.argmax(axis=1) == labels)
    assert 0 < accuracy < 1
    assert found["accuracy"] == pytest.approx(accuracy)
    assert found["loss"] == pytest.approx(-np.mean(np.log(probabilities[np.arange(32), labels])), rel=1e-5)
    assert model.report(padded(np.nan), labels).accuracy.value == pytest.approx(accuracy)


@pytest.mark.parametrize("way", ["fit", "Trainer"])
def test_class_weights_are_weights_of_rows(way, model, shared):
    for class_weight, up, down in (
        ({"down": 3.0}, 1, 3),
        ("balanced", 32 / (2 * NUMBERS.sum()), 32 / (2 * (1 - NUMBERS).sum())),
    ):
        model.set_weights(shared[1])
        weights = np.where(NUMBERS == 1, up, down).astype("float32")
        model.fit(ROWS, LABELS, sample_weight=weights, batch_size=8, shuffle=False, verbose=0)
        expected = model.get_weights()
        model.set_weights(shared[1])
        fit = model.fit if way == "fit" else Trainer(model, jit_compile=False).fit
        fit(ROWS, LABELS, class_weight=class_weight, epochs=1, batch_size=8, shuffle=False, verbose=0)
        assert_weights(model, expected, 1e-5)


def test_validation_sees_sequences_of_other_lengths(model):
    data = ([row[:3] for row in ROWS[:9]], LABELS[:9])
    history = model.fit(ROWS, LABELS, validation_data=data, verbose=0).history
    assert history["val_loss"] == pytest.approx([model.evaluate(*data, verbose=0)[0]], rel=1e-5)
    history = model.fit(ROWS, LABELS, validation_split=0.25, verbose=0).history
    assert history["val_loss"] == pytest.approx([model.evaluate(ROWS[24:], LABELS[24:], verbose=0)[0]], rel=1e-5)


# --- standardization


@pytest.mark.parametrize("form", ["list", "dict", "NaN", "dataset", "dataset with NaN"])
def test_adapt_sees_what_belongs_to_the_sequences(form):
    data = {
        "list": lambda: ROWS,
        "dict": lambda: padded(1e9, 20),
        "NaN": lambda: padded(np.nan),
        "dataset": lambda: tf.data.Dataset.from_tensor_slices((padded(1e9), NUMBERS)).batch(5),
        "dataset with NaN": lambda: tf.data.Dataset.from_tensor_slices((padded(np.nan), NUMBERS)).batch(5),
    }
    model = made()
    model.adapt(data[form]())
    steps = np.concatenate(ROWS).astype("float64")
    np.testing.assert_allclose(model.field_in.scaling.mean, steps.mean(axis=0), rtol=1e-5)
    np.testing.assert_allclose(model.field_in.scaling.scale, steps.std(axis=0), rtol=1e-4)


def test_lengths_of_zero_are_refused_in_a_dataset_too():
    sequences = {**padded(), "lengths": np.where(np.arange(32) < 8, LENGTHS, 0)}
    with pytest.raises(ValueError, match=r"A length must be between 1 and the number of steps.*Received: 0 in row 0"):
        made().adapt(tf.data.Dataset.from_tensor_slices((sequences, NUMBERS)).batch(8))


def test_nothing_is_learned_from_validation_rows_or_without_normalize():
    model = made()
    model.fit(ROWS[:24] + [row + 1e4 for row in ROWS[24:]], LABELS, validation_split=0.25, verbose=0)
    np.testing.assert_allclose(model.field_in.scaling.mean, np.concatenate(ROWS[:24]).mean(axis=0), rtol=1e-5)
    model = made(normalize=False)
    model.build((None, None, 2))
    model.prepare_data(ROWS, LABELS, training=True)
    assert not model.field_in.scaling.learned


# --- padding changes nothing

NETWORKS = [
    {"cell": "elman", "bidirectional": False, "pooling": "last"},
    {"cell": "elman", "units": [3, 2], "bidirectional": True, "pooling": ["last", "mean", "max"]},
    {"cell": "gru", "bidirectional": True, "pooling": "mean"},
    {"cell": "lstm", "bidirectional": True, "pooling": "last"},
    {"cell": "own", "bidirectional": True, "pooling": ["max", "last"]},
]


def network_of(network):
    """A built model with a head that makes its answers differ, and four sequences for it."""
    network = {"units": 3, **network}
    if network["cell"] == "own":
        network |= {"cell": ElmanCell(3, output_units=2), "units": None}
    model = made(classes=3, normalize=False, **network)
    x = rng.normal(size=[4, 5, 2]).astype("float32")
    model(x)
    for weight in model.head.dense.weights:
        weight.assign(rng.normal(size=weight.shape))
    assert np.ptp(model(x), axis=0).min() > 1e-4
    return model, x


@pytest.mark.parametrize("network", NETWORKS, ids=str)
def test_padding_changes_nothing(network):
    model, x = network_of(network)
    for value in (0, np.nan):
        longer = np.concatenate([x, np.full([4, 30, 2], value, "float32")], axis=1)
        np.testing.assert_allclose(model({"sequences": longer, "lengths": np.full(4, 5)}), model(x), atol=1e-5)


@pytest.mark.parametrize("network", NETWORKS, ids=str)
def test_a_mask_leaves_steps_out(network):
    model, x = network_of(network)
    mask = np.array([[1, 1, 1, 1, 1], [1, 0, 1, 1, 0], [0, 0, 1, 0, 1], [0, 1, 0, 0, 0]], bool)
    with_gaps = np.where(mask[..., np.newaxis], x, np.float32(np.nan))
    alone = np.concatenate([model(row[np.newaxis, keep]) for row, keep in zip(x, mask, strict=True)])
    np.testing.assert_allclose(model(with_gaps, mask=mask), alone, atol=1e-5)


def test_sequences_of_different_lengths_answer_as_they_do_alone(model):
    alone = np.concatenate([model(row[np.newaxis]) for row in ROWS[:6]])
    np.testing.assert_allclose(model.predict(ROWS, verbose=0)[:6], alone, atol=1e-5)
    np.testing.assert_allclose(model.predict(ROWS[:6], batch_size=2, verbose=0), alone, atol=1e-5)


def test_gradients_do_not_see_what_the_padding_holds(model):
    gradients = []
    for value in (0.0, np.nan):
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(model(padded(value))[:, 0])
        gradients.append(tape.gradient(loss, model.trainable_variables))
    for gradient, other in zip(*gradients, strict=True):
        np.testing.assert_allclose(gradient, other, atol=1e-6)


def test_hidden_states(model):
    x = padded()["sequences"]
    (hidden,) = model.hidden_states(x)
    assert hidden.shape == (32, 7, 4)
    probabilities = model.head.dense(hidden.mean(axis=1))
    np.testing.assert_allclose(probabilities, model.predict(x, verbose=0), atol=1e-6)


def test_half_precision():
    model = made(dtype="mixed_bfloat16", pooling=["last", "mean", "max"])
    rows = [row + 100_000 for row in ROWS]  # finer than its digits
    history = model.fit(rows, LABELS, epochs=2, verbose=0).history
    assert np.isfinite(history["loss"]).all()
    answers = model.predict(rows, verbose=0)
    assert answers.dtype == np.float32
    np.testing.assert_allclose(answers.sum(axis=1), 1, atol=1e-6)
    assert np.ptp(answers, axis=0).min() > 1e-3


def test_trainer_finds_xla_worth_while_where_it_does_for_a_regressor(model):
    regressor = SequenceRegressor(units=4)
    regressor.build((None, 7, 2))
    spec = (tf.TensorSpec([None, 7, 2]),)
    assert pays_xla(model, spec) == pays_xla(regressor, spec)


# --- saving and export


@pytest.mark.parametrize("form", ["array", "lengths"])
def test_loads_in_this_process(form, tmp_path):
    cell = ElmanCell(3, output_units=2)
    model = made(units=None, cell=cell, normalize=form == "array", dropout=0.2, pooling=["last", "max"])
    x = padded()["sequences"] if form == "array" else padded()
    model.fit(x, LABELS, verbose=0)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(loaded.predict(ROWS, verbose=0), model.predict(ROWS, verbose=0), rtol=1e-6)
    assert loaded.evaluate(x, LABELS, verbose=0) == pytest.approx(model.evaluate(x, LABELS, verbose=0))


def test_loads_in_a_fresh_process_after_importing_one_name(model, tmp_path, run_python):
    model.save(tmp_path / "model.keras")
    np.savez(tmp_path / "x.npz", **padded())
    printed = run_python(
        "from rnn_tf import SequenceClassifier\n"
        "import keras, numpy as np\n"
        f"model = keras.models.load_model({str(tmp_path / 'model.keras')!r})\n"
        f"x = dict(np.load({str(tmp_path / 'x.npz')!r}))\n"
        f"np.save({str(tmp_path / 'answers.npy')!r}, model.predict(x, verbose=0))\n"
        "print(type(model) is SequenceClassifier, model.classes)"
    )
    assert printed.strip() == "True ['down', 'up']"
    np.testing.assert_allclose(np.load(tmp_path / "answers.npy"), model.predict(ROWS, verbose=0), rtol=1e-5)


def test_an_export_answers_as_the_model(model, tmp_path, in_this_process):
    path = export_saved_model(model, tmp_path)
    feeds = [padded(), padded(np.nan, 20), {"sequences": ROWS[0][np.newaxis], "lengths": LENGTHS[:1]}]
    expected = model.predict(ROWS, verbose=0)
    for answer in answer_in_fresh_process(path, [("serving_default", feed) for feed in feeds]):
        count = len(answer["label"])
        np.testing.assert_allclose(answer["probabilities"], expected[:count], atol=1e-5)
        assert [label.decode() for label in answer["label"]] == [
            model.classes[row.argmax()] for row in expected[:count]
        ]
        assert [[name.decode() for name in row] for row in answer["classes"]] == [["down", "up"]] * count


CONFIG = {
    "units": [3, 2],
    "classes": ["x", "y", "z"],
    "each": "step",
    "cell": "lstm",
    "bidirectional": True,
    "pooling": ["mean", "last"],
    "activation": "relu",
    "dropout": 0.1,
    "recurrent_dropout": 0.2,
    "normalize": False,
    "shards": 3,
}


def test_config_keeps_every_argument():
    arguments = set(inspect.signature(SequenceClassifier.__init__).parameters) - {"self", "kwargs"}
    assert set(CONFIG) == arguments  # a new argument must be added here
    default = SequenceClassifier(1).get_config()
    config = SequenceClassifier(**CONFIG, name="model", dtype="float64").get_config()
    kept = dict(config)
    assert SequenceClassifier.from_config(config).get_config() == config == kept
    for name in arguments:
        assert config[name] == CONFIG[name] != default[name], name
    assert (config["name"], config["dtype"]["config"]["name"]) == ("model", "float64")


# --- what is refused


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"classes": 1}, r"`classes` must be a number of classes, at least 2"),
        ({"classes": "up"}, r"`classes` must be"),
        ({"pooling": "first"}, r"`pooling` must be one of 'last', 'mean', 'max'"),
        ({"units": 0}, r"`units` must be a positive integer"),
        ({"cell": "rnn"}, r"`cell` must be one of"),
        ({"cell": ElmanCell(3)}, r"A cell of your own has its own size"),
    ],
    ids=str,
)
def test_arguments_are_checked(arguments, message):
    with pytest.raises(ValueError, match=message):
        SequenceClassifier(**{"units": 2, **arguments})


X = padded()["sequences"]


@pytest.mark.parametrize("way", ["fit", "Trainer"])
@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        (ROWS, None, r"needs labels. Received: y=None. Give both, as in fit\(x, y\)"),
        (ROWS, LABELS[:-1], r"same number of rows"),
        (ROWS, ["new", *LABELS[1:]], r"one of the classes 'down', 'up'. Received: 'new' in row 0"),
        (ROWS, np.where(NUMBERS, np.nan, 0), r"must be a name or a whole number. Received: nan in row"),
        (X[..., 0], LABELS, r"shape \[batch, timesteps, features\]. Received: shape \(.*7\)"),
        (X[..., :1], LABELS, r"built for sequences of shape \[batch, timesteps, 2\]"),
        ([row[:, 0] for row in ROWS], LABELS, r"must hold arrays \[timesteps, features\].* add an axis"),
        ([*ROWS[:-1], np.ones([3, 5])], LABELS, r"with the same features. Received: one of shape \(3, 5\)"),
        (padded(np.nan)["sequences"], LABELS, r"`x` must be finite"),
        ([row * np.inf for row in ROWS], LABELS, r"must be finite"),
        ({"sequences": X}, LABELS, r"lengths"),
        ({"x": X, "lengths": LENGTHS}, LABELS, r"sequences"),
        ({"sequences": X, "lengths": LENGTHS[:3]}, LABELS, r"`lengths`"),
        ({"sequences": X, "lengths": LENGTHS[:, np.newaxis]}, LABELS, r"`lengths`"),
        ({"sequences": X, "lengths": LENGTHS + 0.5}, LABELS, r"`lengths`"),
        ({"sequences": X, "lengths": LENGTHS + 6}, LABELS, r"length must be between 1 and the number of steps, 7"),
        ({"sequences": X, "lengths": LENGTHS * 0}, LABELS, r"length must be between 1 and .* Received: 0 in row 0"),
        ([*ROWS[:-1], np.ones([0, 2])], LABELS, r"one step at least.* Received: one of shape \(0, 2\)"),
        ([], [], r"at least one row"),
    ],
)
def test_data_are_checked(way, x, y, message, model, shared):
    with pytest.raises(ValueError, match=message):
        model.fit(x, y, verbose=0) if way == "fit" else Trainer(model).fit(x, y, steps=1, verbose=0)
    assert_weights(model, shared[1])


def test_predict_refuses_nothing(model):
    with pytest.raises(ValueError, match="at least one"):
        model.predict([], verbose=0)


def test_datasets_that_teach_nothing():
    dataset = tf.data.Dataset.from_tensor_slices((padded(), NUMBERS)).batch(8)
    with pytest.raises(ValueError, match="finite dataset"):
        made().fit(dataset.repeat(), verbose=0)
    with pytest.raises(ValueError, match="at least one batch"):
        made().fit(dataset.take(0), verbose=0)


def test_hidden_states_need_weights():
    with pytest.raises(ValueError, match="needs a built model"):
        SequenceClassifier(units=3).hidden_states(X)


def frames():
    """Sequences of different lengths, and whether each step is above zero."""
    rng = np.random.default_rng(6)
    x = [rng.normal(size=[length, 2]).astype("float32") for length in rng.integers(2, 9, size=32)]
    return x, [np.where(row[:, 0] > 0, "up", "down").tolist() for row in x]


def test_a_label_at_every_step():
    x, y = frames()
    model = SequenceClassifier(6, ["down", "up"], each="step")
    model.compile(keras.optimizers.Adam(0.05), "sparse_categorical_crossentropy", metrics=["accuracy"])
    history = model.fit(x, y, epochs=40, verbose=0).history
    assert history["accuracy"][-1] > 0.97
    probabilities, names = model.predict(x, verbose=0), model.predict(x, labels=True, verbose=0)
    for row, one in enumerate(x):  # nothing is answered after the end
        assert np.isnan(probabilities[row, len(one) :]).all()
        assert set(names[row, len(one) :]) <= {""}
    answers = [row[: len(one)].tolist() for row, one in zip(names, x, strict=True)]
    with pytest.raises(ValueError, match=r"Give rnn_tf\.evaluation\.span_report lists of labels"):
        model.report(x, y)
    assert span_report(y, answers).token_accuracy.value > 0.97
    np.testing.assert_allclose(model.evaluate(x, y, verbose=0)[1], span_report(y, answers).token_accuracy.value)


@pytest.mark.parametrize("how", ["fit", "Trainer"])
def test_weights_of_classes_weigh_steps(how):
    x, y = frames()
    model = SequenceClassifier(3, ["down", "up"], each="step", normalize=False)
    model.compile(keras.optimizers.SGD(0.0), "sparse_categorical_crossentropy")
    model.build((None, None, 2))
    weights = np.linspace(0, 2, 32)
    losses, steps = 0.0, 0
    for row, labels, weight in zip(x, y, weights, strict=True):
        numbers = [label == "up" for label in labels]
        found = model.predict(row[None], verbose=0)[0][np.arange(len(row)), np.array(numbers, int)]
        losses -= (np.log(found) * np.where(numbers, 3.0, 1.0) * weight).sum()
        steps += len(row)
    train = model.fit if how == "fit" else Trainer(model, jit_compile=False).fit
    history = train(x, y, sample_weight=weights, class_weight={"up": 3}, epochs=1, batch_size=32, verbose=0).history
    np.testing.assert_allclose(history["loss"][0], losses / steps, rtol=1e-4)
    with pytest.raises(ValueError, match="Give a dict of weights by class"):
        train(x, y, class_weight="balanced", epochs=1, verbose=0)


def test_an_export_with_labels_of_steps(tmp_path, in_this_process):
    x, y = frames()
    model = SequenceClassifier(3, ["down", "up"], each="step")
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(x, y, epochs=1, verbose=0)
    path = export_saved_model(model, tmp_path / "steps")
    shapes = tf.saved_model.load(path).signatures["serving_default"].structured_outputs
    assert shapes["label"].shape.rank == 2
    with pytest.raises(ValueError, match="one number for each example, as TF Serving's Regress answers it, or classes"):
        export_saved_model(model, tmp_path / "other", examples_api=True)
    assert not (tmp_path / "other").exists()
