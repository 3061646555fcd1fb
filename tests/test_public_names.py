"""Whoever asks a public name what it is gets an answer: by `?`, by tab completion, by looking at an object."""

import importlib
import inspect
import pkgutil

import pytest

pytest.importorskip("matplotlib")

import rnn_tf

MODULES = {"rnn_tf": rnn_tf}
for found in pkgutil.iter_modules(rnn_tf.__path__, "rnn_tf."):
    module = importlib.import_module(found.name)
    if hasattr(module, "__all__"):
        MODULES[found.name] = module
NAMES = {f"{place}.{name}": getattr(module, name) for place, module in MODULES.items() for name in module.__all__}
CLASSES = {name: one for name, one in NAMES.items() if isinstance(one, type)}


def test_there_are_public_names():
    assert {"rnn_tf.data", "rnn_tf.evaluation", "rnn_tf.plots", "rnn_tf.serving"} < set(MODULES)
    assert {"rnn_tf.RNN", "rnn_tf.data.Texts", "rnn_tf.plots.forecast", "rnn_tf.serving.Client"} < set(NAMES)
    assert {"rnn_tf.Trainer", "rnn_tf.export.Endpoint"} < set(CLASSES)


@pytest.mark.parametrize("place", MODULES)
def test_modules_say_what_they_hold(place):
    assert MODULES[place].__doc__


@pytest.mark.parametrize("name", [name for name, one in NAMES.items() if inspect.isroutine(one) or name in CLASSES])
def test_docstrings_end_in_an_example(name):
    assert ">>> " in (NAMES[name].__doc__ or ""), f"{name} has no example"


@pytest.mark.parametrize("name", CLASSES)
def test_methods_say_what_they_do(name):
    own = [one for one in CLASSES[name].__mro__ if one.__module__.startswith("rnn_tf.")]
    methods = {key for one in own for key in vars(one) if not key.startswith("_")}
    assert [key for key in sorted(methods) if not inspect.getdoc(getattr(CLASSES[name], key))] == []


@pytest.mark.parametrize("place", MODULES)
def test_tab_completion_offers_the_public_names_and_no_others(place):
    offered = [name for name in dir(MODULES[place]) if not name.startswith("_")]
    assert offered == sorted(MODULES[place].__all__)


# The classes of `scans` are equations: nobody looks at an object of them.
@pytest.mark.parametrize("name", [name for name in CLASSES if "scans" not in name])
def test_objects_show_what_they_hold(name):
    assert CLASSES[name].__repr__ is not object.__repr__
