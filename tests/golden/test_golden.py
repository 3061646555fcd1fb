"""Old exports and old `.keras` files answer as they did when they were written."""

import json
from pathlib import Path

import keras
import numpy as np
import pytest

import rnn_tf
from rnn_tf.export.json_tensors import from_json
from rnn_tf.export.signatures import specs_of
from rnn_tf.export.verify import check_equal
from rnn_tf.serving.servable import Servable

HERE = Path(__file__).parent
EXPORTS = HERE.parents[1] / "saved_models"
MODELS = {
    "mackey_glass": rnn_tf.SequenceRegressor,
    "turns": rnn_tf.SequenceClassifier,
    "library_docs": rnn_tf.TextClassifier,
}


def calls(name):
    """Signature, inputs and stored answers of each stored example."""
    (path,) = (EXPORTS / f"golden_{name}").glob("*/assets.extra/examples.json")
    servable = Servable(path.parents[1])
    for call in json.loads(path.read_text("utf-8")):
        signature = servable.signatures[call["signature_name"]]
        inputs, outputs = (
            {key: from_json(call[side][key], spec.dtype) for key, spec in specs_of(tensors).items()}
            for side, tensors in (("inputs", signature.inputs), ("outputs", signature.outputs))
        )
        yield servable, call["signature_name"], inputs, outputs
    servable.close()


def test_all_are_here():
    assert {path.name for path in EXPORTS.glob("golden_*")} == {f"golden_{name}" for name in MODELS}
    assert {path.stem for path in HERE.glob("*.keras")} == set(MODELS)
    assert sorted(model.__name__ for model in MODELS.values()) == sorted(
        name for name in rnn_tf.__all__ if name.endswith(("Regressor", "Classifier"))
    )


@pytest.mark.parametrize("name", MODELS)
def test_a_golden_export_answers_as_ever(name):
    signatures = set()
    for servable, signature, inputs, outputs in calls(name):
        check_equal([servable.run(inputs, signature)], [outputs])
        signatures.add(signature)
    assert signatures == set(servable.signatures)
    size = sum(file.stat().st_size for file in (EXPORTS / f"golden_{name}").rglob("*") if file.is_file())
    assert size <= 300_000


@pytest.mark.parametrize("name", MODELS)
def test_a_golden_keras_file_answers_as_ever(name):
    model = keras.models.load_model(HERE / f"{name}.keras")
    assert type(model) is MODELS[name]
    _, _, inputs, outputs = next(calls(name))
    x = inputs if "lengths" in inputs else next(iter(inputs.values()))
    answers = outputs["forecast" if "forecast" in outputs else "probabilities"]
    np.testing.assert_allclose(model.predict(x, verbose=0), answers, rtol=1e-5, atol=1e-6)
    assert model.optimizer.iterations.numpy() > 0  # and trains on
