"""Keras's own tests of its recurrent layers, with `rnn_tf.RNN` in the place of `keras.layers.RNN`.

Keras brings them in its wheel, as `keras/src/layers/rnn/*_test.py`, though 3.8 does not. Each of their methods is a
test here. While it runs, the name `layers` in its file gives `rnn_tf.RNN`, and for `SimpleRNN`, `LSTM` and `GRU` an
`rnn_tf.RNN` over the same cell; `Bidirectional` and `StackedRNNCells` are Keras's, around ours. Those files are private
to Keras, so that this module imports what is not public.
"""

import importlib
import inspect
import unittest
from types import SimpleNamespace
from unittest import mock

import keras
import pytest

from rnn_tf import RNN

FILES = ("simple_rnn", "rnn", "bidirectional", "stacked_rnn_cells", "lstm", "gru")

try:
    # A marker of Keras's own pytest configuration, which TensorFlow always meets; ours takes no unknown ones.
    with mock.patch.dict(vars(pytest.mark), requires_trainable_backend=lambda method: method):
        modules = {file: importlib.import_module(f"keras.src.layers.rnn.{file}_test") for file in FILES}
except ModuleNotFoundError as error:
    pytest.skip(f"Keras {keras.__version__} does not bring its own tests: {error}", allow_module_level=True)

# `run_layer_test` trains on a Python generator and leaves `shuffle` as it is.
pytestmark = pytest.mark.filterwarnings("ignore:`shuffle=True` was passed, but will be ignored:UserWarning")

NOT_OURS = {
    "bidirectional-test_keeps_use_cudnn": "RNN has no argument `use_cudnn`: it takes cuDNN where `explain` says so",
    "bidirectional-test_fused_lstm_eligibility": "asks a private method of Bidirectional whether the layer is an LSTM",
    "bidirectional-test_fused_gru_eligibility": "asks a private method of Bidirectional whether the layer is a GRU",
    "bidirectional-test_fused_lstm_matches_unfused": "compares two values of `use_cudnn`, which RNN does not have",
    "bidirectional-test_fused_gru_matches_unfused": "compares two values of `use_cudnn`, which RNN does not have",
}


class WholeLayer(RNN):
    """`RNN` with the arguments of `keras.layers.LSTM` and its like: those that the cell knows go to the cell."""

    def __init__(self, units, dtype=None, **arguments):
        of_cell = inspect.signature(self.cell_class).parameters.keys() & arguments.keys() - {"name"}
        if isinstance(arguments.get("implementation"), int):
            of_cell |= {"implementation"}  # of a cell it is a number, and in no signature; of RNN it is a string
        cell = self.cell_class(units, dtype=dtype, **{name: arguments.pop(name) for name in of_cell})
        super().__init__(cell, dtype=dtype, **arguments)

    def get_config(self):
        config = super().get_config()
        return {**config.pop("cell")["config"], **config}

    @classmethod
    def from_config(cls, config):
        return cls(**config)


def whole_layer(name):
    layer = type(name, (WholeLayer,), {"cell_class": getattr(keras.layers, f"{name}Cell"), "__module__": __name__})
    return keras.saving.register_keras_serializable("keras_own_tests")(layer)


OURS = {"RNN": RNN, **{name: whole_layer(name) for name in ("SimpleRNN", "LSTM", "GRU")}}
LAYERS = SimpleNamespace(**{**vars(modules["rnn"].layers), **OURS})


def collected():
    """A parameter for each test method: its file and its case, which is the method with its class around it."""
    for file, module in modules.items():
        for kind in vars(module).values():
            if inspect.isclass(kind) and issubclass(kind, unittest.TestCase) and kind.__module__ == module.__name__:
                for name in unittest.defaultTestLoader.getTestCaseNames(kind):
                    marks = list(getattr(getattr(kind, name), "pytestmark", ()))
                    if f"{file}-{name}" in NOT_OURS:
                        marks.append(pytest.mark.skip(reason=NOT_OURS[f"{file}-{name}"]))
                    yield pytest.param(file, kind(name), id=f"{file}-{name}", marks=marks)


CASES = list(collected())


@pytest.fixture
def run(monkeypatch):
    """Run a case with our layers in the names of its file."""

    def run(file, case):
        monkeypatch.setattr(modules[file], "layers", LAYERS)
        case.debug()  # the method between its setUp and tearDown; what it raises comes through

    yield run
    keras.config.enable_traceback_filtering()  # Keras's setUp disables it


@pytest.mark.parametrize(("file", "case"), CASES)
def test_keras_own(file, case, run):
    with mock.patch.object(RNN, "__init__", autospec=True, side_effect=RNN.__init__) as made:
        run(file, case)
    assert made.called, "the case ran without a layer of ours"


@pytest.mark.parametrize(("file", "case"), [one for one in CASES if "mask" in one.id])
def test_wrong_answers_of_our_layer_fail(file, case, run, monkeypatch):
    right = RNN.inner_loop

    def wrong(self, *args, **kwargs):
        last, outputs, states = right(self, *args, **kwargs)
        return last + 0.01, outputs + 0.01, states

    monkeypatch.setattr(RNN, "inner_loop", wrong)
    with pytest.raises(AssertionError, match="Not equal to tolerance"):
        run(file, case)


def test_every_file_gives_cases():
    assert {case.values[0] for case in CASES} == set(FILES)
