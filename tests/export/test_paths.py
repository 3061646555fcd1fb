"""Paths are given as strings or as `Path`s, of a version or of the folder of versions, everywhere alike."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from rnn_tf import SequenceRegressor, export_saved_model
from rnn_tf.layers import RNN
from rnn_tf.serving.check import check_saved_model


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    model = SequenceRegressor(units=2)
    model.build([None, 3, 1])
    folder = tmp_path_factory.mktemp("models") / "sales"
    return folder, export_saved_model(model, folder)


def test_check_takes_a_str_and_a_path(exported):
    folder, version = exported
    for path in (str(folder), folder, version):
        assert check_saved_model(path).refusals == []


def test_names_of_inputs_that_requests_can_use(tmp_path, in_this_process):
    x = keras.Input([2], name="Temperature [C]")
    model = keras.Model(x, keras.layers.Dense(1)(x))
    with pytest.raises(ValueError, match=r"input_names="):
        export_saved_model(model, tmp_path / "rooms")
    path = export_saved_model(model, tmp_path / "rooms", input_names=["temperature"])
    answers = tf.saved_model.load(path).signatures["serving_default"](temperature=tf.ones([3, 2]))
    np.testing.assert_allclose(answers["outputs"], model(np.ones([3, 2], "float32")), rtol=1e-6)


def test_keras_own_export_holds_no_gradients_that_loading_would_miss(tmp_path, run_python):
    """Loading a function with a hand-written gradient warns, for no SavedModel holds a gradient of Python."""
    inputs = keras.Input([None, 2])
    hidden = RNN(keras.layers.GRUCell(3), return_sequences=True)(inputs)
    models = {
        "functional": keras.Model(inputs, RNN(keras.layers.LSTMCell(3))(hidden)),
        "sequential": keras.Sequential([keras.Input([5, 2]), keras.layers.Bidirectional(RNN(keras.layers.GRUCell(3)))]),
        "ours": SequenceRegressor(units=3),
    }
    models["ours"].build([None, 5, 2])
    for name, model in models.items():
        model.export(tmp_path / name, verbose=False)
    printed = run_python(
        "import logging, sys\n"
        "import tensorflow as tf\n"
        "tf.get_logger().setLevel('WARNING')\n"
        "tf.get_logger().addHandler(logging.StreamHandler(sys.stdout))\n"
        f"for name in {sorted(models)!r}:\n"
        f"    tf.saved_model.load({str(tmp_path)!r} + '/' + name)\n"
        "print('done')"
    )
    assert printed.strip() == "done"
