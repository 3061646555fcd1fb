"""Each private touch of Keras and TensorFlow in `rnn_tf/_keras.py` finds what it is there for."""

import re
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from rnn_tf import RNN, SequenceRegressor, _keras

PACKAGE = Path(_keras.__file__).parent


def test_nothing_else_in_the_package_is_private_to_keras_or_tensorflow():
    private = re.compile(
        r"tensorflow\.python|keras\.src|_call_has_training_arg|_flatten_layers|_use_cached_eval|_output_shape\b(?!\()"
        r"|_maybe_config_dropout|_getframe"
    )
    allowed = re.compile(r"compute_output_shape|def _output_shape|self\._output_shape")
    for path in PACKAGE.rglob("*.py"):
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
            if path.name != "_keras.py" and not allowed.search(line):
                assert not private.search(line), f"{path}:{number}: {line}"


def test_xla_is_seen_while_it_compiles():
    seen = []

    def look(x):
        seen.append(_keras.traced_for_xla())
        return x

    tf.function(look, jit_compile=True)(tf.zeros([]))
    tf.function(lambda x: look(x) + 0)(tf.zeros([]))
    assert seen == [True, False]


def test_onednn_is_asked_for():
    assert hasattr(_keras._pywrap_util_port, "IsMklEnabled")
    assert _keras.onednn_is_off() in (True, False)


def test_an_export_by_keras_is_seen(tmp_path):
    seen = []

    class Look(keras.layers.Layer):
        def call(self, x):
            seen.append(_keras.traced_by_keras_export())
            return x + 0

    model = keras.Sequential([keras.Input([2]), Look()])
    seen.clear()
    model(np.ones([1, 2]))
    assert not any(seen)
    model.export(tmp_path / "model", verbose=False)
    assert any(seen)


def test_all_parts_of_a_layer_are_found():
    class Holder(keras.layers.Layer):
        def __init__(self):
            super().__init__()
            self.listed, self.named = [keras.layers.Dense(1)], {"a": keras.layers.Dense(2)}

    model = keras.Sequential([Holder(), keras.layers.RNN(keras.layers.GRUCell(2))])
    kinds = [type(part).__name__ for part in _keras.parts_of(model)]
    assert sorted(kinds) == ["Dense", "Dense", "GRUCell", "Holder", "RNN", "Sequential"]


def test_cells_tell_whether_they_take_training():
    class Plain(keras.layers.Layer):
        def call(self, inputs, states):
            return inputs, states

    assert _keras.takes_training(keras.layers.GRUCell(1))
    assert not _keras.takes_training(Plain())
    assert not _keras.takes_training(lambda inputs, states: (inputs, states))


def test_the_shape_of_a_lambda_is_found():
    assert _keras.output_shape_of(keras.layers.Lambda(lambda x: x, output_shape=(3,))) == (3,)


def test_fit_says_that_it_validates():
    seen = []

    class Watching(SequenceRegressor):
        def evaluate(self, *args, **kwargs):
            seen.append(_keras.validates_inside_fit(kwargs))
            return super().evaluate(*args, **kwargs)

    model = Watching(1)
    model.compile("sgd", "mse")
    x, y = np.ones([4, 2, 1]), np.ones([4, 1])
    model.fit(x, y, validation_data=(x, y), verbose=0)
    model.evaluate(x, y, verbose=0)
    assert seen == [True, False]


@pytest.mark.parametrize("draws", [True, False])
def test_masks_are_drawn_only_if_asked_for(draws, monkeypatch):
    monkeypatch.setattr(RNN, "draws_masks", lambda self: draws)
    layer = RNN(keras.layers.GRUCell(2, dropout=0.5))
    layer.build([None, 3, 1])
    state = layer.cell.seed_generator.state.numpy().tolist()
    layer(np.ones([1, 3, 1]), training=False)
    assert (layer.cell.seed_generator.state.numpy().tolist() != state) is draws
