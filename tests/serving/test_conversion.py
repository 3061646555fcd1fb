"""`check_conversions`, with the converters that are there; LiteRT's comes with TensorFlow."""

import importlib.util
import pickle
from pathlib import Path
from types import SimpleNamespace

import keras
import numpy as np
import pytest
import tensorflow as tf

from rnn_tf import RNN, ElmanCell, SequenceClassifier, export_saved_model
from rnn_tf.serving import conversion
from rnn_tf.serving.conversion import PACKAGES, check_conversions, missing_packages


@pytest.fixture(scope="module")
def classifier(tmp_path_factory):
    """Of open length, with every signature."""
    model = SequenceClassifier(2, ["a", "b"], cell="gru", pooling=["last", "max"])
    model.build([None, None, 2])
    folder = tmp_path_factory.mktemp("classifier")
    return export_saved_model(model, folder, streaming=True, examples_api=True, warmup=())


@pytest.mark.parametrize("target", PACKAGES)
def test_an_open_classifier_and_its_stream(target, classifier):
    for package in PACKAGES[target]:
        pytest.importorskip(package)
    found = {one.signature: one for one in check_conversions(classifier, target)}
    assert {name: one.agrees for name, one in found.items()} == {
        "classify": None,
        "serving_default": True,
        "step": True,
    }, found
    assert ("without classes and label" in found["step"].text) == (target == "openvino")


def test_a_loop_of_known_length_with_an_output_at_every_step(tmp_path, in_this_process):
    x = keras.Input([20, 1], name="x")
    path = export_saved_model(keras.Model(x, RNN(Leaky(2), return_sequences=True)(x)), tmp_path, warmup=())
    (found,) = check_conversions(path, "litert")
    assert found.agrees, found


class Leaky(ElmanCell):
    """A cell without a kernel, whose loops begin at 17 steps."""


def save(folder, function, **specs):
    module = tf.Module()
    module.function = tf.function(
        function, [tf.TensorSpec(shape, dtype, name) for name, (shape, dtype) in specs.items()]
    )
    tf.saved_model.save(module, str(folder), {"serving_default": module.function})
    return folder


def test_what_cannot_be_converted_says_why(tmp_path):
    path = save(tmp_path, lambda text: {"low": tf.strings.lower(text)}, text=([None], tf.string))
    (found,) = check_conversions(path, "litert")
    assert not found.agrees
    assert found.text == (
        "cannot: no built-in operation of LiteRT does StringLower. It takes texts, which TensorFlow's own operations "
        "make tokens of: export what begins at the token ids."
    )


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        ({"y": np.float32([0.5, 2.0])}, "agrees, to 0e+00"),
        ({"y": np.float32([0.5, 2.001])}, "differs by 5e-04 of the largest answer"),
        ({"y": np.float32([[0.5, 2.0]])}, "differs by inf of the largest answer"),
        ({"y": np.float32([np.nan, 2.0])}, "differs by inf of the largest answer"),
    ],
)
def test_differences(answer, text, tmp_path, monkeypatch):
    path = save(tmp_path, lambda x: {"y": x / 2}, x=([None], tf.float32))

    def run(command, **_):
        *_, answers = command
        wanted = {"y": np.float32([0.5, 2.0])}
        Path(answers).write_bytes(pickle.dumps([(wanted, answer)]))
        return SimpleNamespace(returncode=0)

    monkeypatch.setattr(conversion.subprocess, "run", run)
    (found,) = check_conversions(path, "onnx")
    assert (found.agrees, found.text) == (text.startswith("agrees"), text)


def test_longer_sequences_are_asked_than_the_examples(classifier, monkeypatch):
    asked = {}

    def converted(path, target, name, signature, feeds):
        asked[name] = feeds
        return conversion.Conversion(name, True, "")

    monkeypatch.setattr(conversion, "_converted", converted)
    list(check_conversions(classifier, "onnx"))
    assert [one["sequences"].shape for one in asked["serving_default"]] == [(4, 4, 2), (1, 4, 2), (4, 20, 2)]
    assert asked["serving_default"][-1]["lengths"].tolist() == [20, 17, 14, 11]
    assert [one["inputs"].shape for one in asked["step"]] == [(4, 2), (1, 2)] * 2


def test_packages_that_are_missing_are_named(monkeypatch):
    there = {"tf2onnx": None, "onnxruntime": object(), "tensorflow": object()}
    monkeypatch.setattr(importlib.util, "find_spec", there.get)
    assert missing_packages("onnx") == ["tf2onnx"]
    assert missing_packages("litert") == []
