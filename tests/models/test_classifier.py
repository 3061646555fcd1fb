"""Both classifiers take the metrics of one-hot labels, or say what to write; and give names when asked."""

import re

import keras
import numpy as np
import pytest

from rnn_tf import SequenceClassifier, TextClassifier, Trainer

rng = np.random.default_rng(2)
X = rng.normal(size=[24, 5, 2]).astype("float32")
TEXTS = [f"{word} {i}" for i in range(8) for word in ("good", "bad", "so so")]
NAMES = np.array(["good", "bad", "poor"] * 8)
NUMBERS = np.array([1, 0, 2] * 8)  # of the classes in their order
ONE_HOT = np.eye(3)[NUMBERS]
CLASSES = ["bad", "good", "poor"]


def sequences():
    return SequenceClassifier(units=2, classes=CLASSES, cell="elman"), X


def texts():
    settings = {"units": 2, "cell": "elman", "bidirectional": False, "embedding_size": 2}
    return TextClassifier.from_texts(TEXTS, NAMES, classes=CLASSES, **settings), TEXTS


METRICS = {
    "AUC": lambda: keras.metrics.AUC(name="auc"),
    "F1Score": lambda: keras.metrics.F1Score(average="macro", name="f1"),
    "Precision": lambda: keras.metrics.Precision(class_id=1, name="precision"),
    "Recall": lambda: keras.metrics.Recall(name="recall"),
    "TopK": lambda: keras.metrics.TopKCategoricalAccuracy(2, name="top"),
}


@pytest.mark.parametrize(
    ("make", "form"), [(sequences, "names"), (sequences, "numbers"), (sequences, "one-hot"), (texts, "one-hot")]
)
def test_metrics_of_one_hot_labels_are_right(make, form):
    model, x = make()
    y = {"names": NAMES, "numbers": NUMBERS, "one-hot": ONE_HOT}[form]
    model.compile("adam", "categorical_crossentropy", metrics=["accuracy", *(make() for make in METRICS.values())])
    fit = Trainer(model).fit if form == "names" else model.fit
    fit(x, y, epochs=1, verbose=0, validation_data=(x, y), class_weight={"good": 2.0})
    results = model.evaluate(x, y, verbose=0, return_dict=True)
    answers = model.predict(x, verbose=0)
    for metric in (make() for make in METRICS.values()):
        metric.update_state(ONE_HOT, answers)
        assert results[metric.name] == pytest.approx(float(metric.result()), abs=1e-5)
    assert results["accuracy"] == pytest.approx((answers.argmax(axis=1) == NUMBERS).mean())
    assert model.report(x, y).confusion.sum() == 24


@pytest.mark.parametrize(("make", "metric"), [*((sequences, metric) for metric in METRICS), (texts, "AUC")])
def test_what_does_not_go_together_is_refused_and_the_advice_works(make, metric):
    model, x = make()
    with pytest.raises(ValueError, match="takes one-hot rows, and this loss class numbers") as refused:
        model.compile("adam", "sparse_categorical_crossentropy", metrics=[METRICS[metric]()])
    loss = re.search(r"Write loss='(\w+)'", str(refused.value))[1]
    model.compile("adam", loss, metrics=[METRICS[metric]()])
    model.fit(x, NAMES, epochs=1, verbose=0)
    with pytest.raises(ValueError, match="takes class numbers, and this loss one-hot rows"):
        model.compile("adam", loss, metrics=[keras.metrics.SparseCategoricalAccuracy()])


@pytest.mark.parametrize("make", [sequences, texts])
def test_answers_as_names(make):
    model, x = make()
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(x, ONE_HOT, epochs=1, verbose=0)
    names = model.predict(x, labels=True, verbose=0)
    assert names.tolist() == [CLASSES[i] for i in model.predict(x, verbose=0).argmax(axis=1)]


@pytest.mark.parametrize("make", [sequences, texts])
def test_trainer_holds_the_last_rows_out(make):
    model, x = make()
    model.compile("adam", "sparse_categorical_crossentropy")
    history = Trainer(model).fit(x, NAMES, epochs=1, verbose=0, validation_split=0.25).history
    expected = model.evaluate(x[18:], NAMES[18:], verbose=0, return_dict=True)["loss"]
    assert history["val_loss"][-1] == pytest.approx(expected, rel=1e-5)
    if make is sequences:
        np.testing.assert_allclose(model.field_in.scaling.mean, X[:18].mean((0, 1)), atol=1e-6)  # nothing of the others
    with pytest.raises(ValueError, match="must leave rows on both sides"):
        Trainer(model).fit(x, NAMES, epochs=1, verbose=0, validation_split=1.0)
    with pytest.raises(ValueError, match=r"in place of `validation_data`\. Received: both"):
        Trainer(model).fit(x, NAMES, epochs=1, verbose=0, validation_split=0.5, validation_data=(x, NAMES))


def test_trainer_holds_the_last_rows_of_several_inputs_out():
    a, b = keras.Input([2], name="a"), keras.Input([2], name="b")
    model = keras.Model([a, b], keras.layers.Dense(1)(keras.layers.Add()([a, b])))
    y = X[:, 1].sum(axis=1)
    history = (
        Trainer(model, "sgd", "mse").fit([X[:, 0], X[:, 1]], y, epochs=1, verbose=0, validation_split=0.25).history
    )
    assert history["val_loss"][-1] == pytest.approx(model.evaluate([X[18:, 0], X[18:, 1]], y[18:], verbose=0), rel=1e-5)
