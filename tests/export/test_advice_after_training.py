"""What a refused export advises works on a model that is trained already."""

import ast
import re

import keras
import numpy as np
import pytest
import tensorflow as tf

import rnn_tf
from rnn_tf import export_saved_model
from rnn_tf.export.versions import newest_version, prune, rollback, version_folders, version_numbers
from rnn_tf.serving.check import check_saved_model
from rnn_tf.serving.servable import Servable

rng = np.random.default_rng(0)


def served(path, inputs):
    servable = Servable(path)
    try:
        return servable.run(inputs)
    finally:
        servable.close()


def two(names):
    inputs = [keras.Input([2], name=name) for name in names]
    return keras.Model(inputs, keras.layers.Dense(1)(keras.layers.Concatenate()(inputs)))


@pytest.mark.parametrize(
    ("names", "proposed"),
    [
        (["Temperature [C]", "price"], ["Temperature_C", "price"]),
        ([None, None], ["input_1", "input_2"]),
        (["温度", "湿度"], ["input_1", "input_2"]),
        (["self", "Größe"], ["input_1", "Gr_e"]),
        (["a b", "a:b"], ["a_b", "a_b_2"]),
    ],
)
def test_names_of_inputs(names, proposed, tmp_path, in_this_process):
    model = two(names)
    with pytest.raises(ValueError, match=r"names? that requests can use|needs a name") as refusal:
        export_saved_model(model, tmp_path / "m")
    assert list(tmp_path.iterdir()) == []
    advised = ast.literal_eval(re.search(r"input_names=(\[.*\])", str(refusal.value))[1])
    assert advised == proposed
    path = export_saved_model(model, tmp_path / "m", input_names=advised)
    x = rng.normal(size=[2, 3, 2]).astype("float32")
    answer = served(path, dict(zip(advised, x, strict=True)))
    np.testing.assert_allclose(answer["outputs"], model(list(x)), atol=1e-6)


def test_one_input_and_a_dict_get_names_too(tmp_path, in_this_process):
    one = keras.Sequential([keras.Input([2], name="Temperature [C]"), keras.layers.Dense(1)])
    x = rng.normal(size=[3, 2]).astype("float32")
    path = export_saved_model(one, tmp_path / "one", input_names=["celsius"], examples={"celsius": x})
    np.testing.assert_allclose(served(path, {"celsius": x})["outputs"], one(x), atol=1e-6)
    inputs = {name: keras.Input([2], name=name) for name in ("b", "a")}
    by_key = keras.Model(inputs, keras.layers.Dense(1)(inputs["b"] - 2 * inputs["a"]))
    path = export_saved_model(by_key, tmp_path / "by_key", input_names=["first", "second"])  # of a and b
    expected = by_key({"a": x, "b": 2 + x})
    np.testing.assert_allclose(served(path, {"first": x, "second": 2 + x})["outputs"], expected, atol=1e-6)


@pytest.mark.parametrize("names", [["a"], ["a", "a"], ["a", "b c"], "ab", ["a", 1], ["a", "self"], {"a": "b"}])
def test_bad_names_for_inputs(names, tmp_path):
    with pytest.raises(ValueError, match=r"`input_names` must be .* Give such as \['input_1', 'input_2'\]"):
        export_saved_model(two(["x", "y"]), tmp_path / "m", input_names=names)


def test_names_for_a_model_that_names_its_inputs(tmp_path):
    model = rnn_tf.SequenceRegressor(units=2)
    model.build([None, 4, 1])
    with pytest.raises(ValueError, match=r"SequenceRegressor names its inputs itself. .*Leave it out"):
        export_saved_model(model, tmp_path / "m", input_names=["x"])


def test_a_stateful_model_gives_its_weights_to_another(tmp_path, in_this_process):
    def made(stateful):
        x = keras.Input(batch_shape=[3 if stateful else None, 4, 2], name="x")
        hidden = keras.layers.GRU(2, stateful=stateful, return_sequences=True)(x)
        return keras.Model(x, rnn_tf.RNN(keras.layers.LSTMCell(2), stateful=stateful)(hidden))

    model = made(True)
    model.compile("sgd", "mse")
    x = rng.normal(size=[3, 4, 2]).astype("float32")
    model.fit(x, np.ones([3, 2]), batch_size=3, verbose=0)
    with pytest.raises(ValueError, match=r"new\.set_weights\(model\.get_weights\(\)\)"):
        export_saved_model(model, tmp_path / "m")
    new = made(False)
    new.set_weights(model.get_weights())
    path = export_saved_model(new, tmp_path / "m")
    for layer in model.layers[1:]:
        layer.reset_states()
    np.testing.assert_allclose(served(path, {"x": x})["outputs"], model(x), atol=1e-6)


def test_a_class_of_ones_own_says_what_it_takes_after_training(tmp_path, in_this_process):
    class Own(keras.Model):
        def __init__(self):
            super().__init__()
            self.recurrent = rnn_tf.RNN(keras.layers.GRUCell(2))

        def call(self, x):
            return self.recurrent(x)

    model, x = Own(), rng.normal(size=[3, 4, 2]).astype("float32")
    model(x)
    with pytest.raises(ValueError, match=r"or model\.input_spec of a trained one"):
        export_saved_model(model, tmp_path / "m")
    model.input_spec = keras.layers.InputSpec(dtype="float32", shape=(None, 4, 2), name="x")
    path = export_saved_model(model, tmp_path / "m")
    np.testing.assert_allclose(served(path, {"x": x})["outputs"], model(x), atol=1e-6)


@pytest.mark.parametrize("units", [1, 3])
def test_logits_become_probabilities_after_training(units, tmp_path, in_this_process):
    model = keras.Sequential([keras.Input([4, 2], name="x"), keras.layers.GRU(4), keras.layers.Dense(units)])
    labels = ["a", "b", "c"][: max(units, 2)]
    x = 9 * rng.normal(size=[5, 4, 2])
    with pytest.raises(ValueError, match=r"keras\.layers\.Softmax\(\)\(model\.outputs\[0\]\).*Activation\('sigmoid'\)"):
        export_saved_model(model, tmp_path / "m", labels=labels, examples=x)
    end = keras.layers.Softmax() if units > 1 else keras.layers.Activation("sigmoid")
    new = keras.Model(model.inputs, end(model.outputs[0]))
    path = export_saved_model(new, tmp_path / "m", labels=labels, examples=x)
    probabilities = served(path, {"x": x.astype("float32")})["probabilities"]
    np.testing.assert_allclose(probabilities[:, -1], new([x])[:, -1], atol=1e-6)


@pytest.mark.parametrize("kind", [str, lambda path: path], ids=["str", "Path"])
def test_a_path_may_be_a_str(kind, tmp_path, in_this_process):
    model = keras.Sequential([keras.Input([2], name="x"), keras.layers.Dense(1)])
    for _ in range(2):
        path = export_saved_model(model, kind(tmp_path / "m"))
    versions, version = kind(tmp_path / "m"), kind(tmp_path / "m" / "2")
    assert str(newest_version(versions)) == str(newest_version(version)) == path
    assert version_numbers(versions) == list(version_folders(versions)) == [1, 2]
    reports = [check_saved_model(folder) for folder in (versions, version)]
    assert [report.refusals for report in reports] == [[], []]
    assert all(report.lines[0].startswith(path) for report in reports)
    call = ("serving_default", {"x": np.ones([1, 2], "float32")})
    rnn_tf.export.answer_in_fresh_process(version, [call])
    served(version, call[1])
    assert rollback(versions).endswith("3")
    prune(versions, 1)
    assert version_numbers(versions) == [3]
    with pytest.raises(FileNotFoundError, match="no exported model"):
        check_saved_model(kind(tmp_path / "none"))


def test_learned_and_given_states_are_exported_without_flex(tmp_path, in_this_process):
    class Learned(keras.layers.Layer):
        """Gives the first states of each row, which are learned."""

        def build(self, shape):
            self.first = self.add_weight(shape=[1, 3], initializer="ones", name="first")

        def call(self, x):
            return tf.tile(self.first, [tf.shape(x)[0], 1])

    x, first = keras.Input([5, 2], name="x"), keras.Input([3], name="first")
    learned = rnn_tf.RNN(keras.layers.GRUCell(3))(x, initial_state=[Learned()(x)])
    given, state = rnn_tf.RNN(keras.layers.GRUCell(3), return_state=True)(x, initial_state=[first])
    masked = keras.layers.Masking()(x)
    both = keras.layers.Bidirectional(rnn_tf.RNN(keras.layers.GRUCell(3), return_state=True))(
        masked, initial_state=[first, state]
    )
    model = keras.Model([x, first], {"learned": learned, "given": given, "both": both[0], "state": both[2]})
    inputs = {"x": rng.normal(size=[4, 5, 2]).astype("float32"), "first": rng.normal(size=[4, 3]).astype("float32")}
    inputs["x"][1, 3:] = 0
    path = export_saved_model(model, tmp_path / "m", examples=inputs)
    answer = served(path, inputs)
    for name, value in model(list(inputs.values())).items():
        np.testing.assert_allclose(answer[name], value, atol=1e-6)
    converter = tf.lite.TFLiteConverter.from_saved_model(path, signature_keys=["serving_default"])
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
    assert converter.convert()
