"""Every use of a private part of Keras or TensorFlow, each with its reason.

Nothing else in the package uses what their documentation does not name. `tests/test_keras.py` fails where one of them
changes.
"""

import platform
import sys
from functools import cache
from typing import Any

import keras
import tensorflow as tf

try:  # There is no public way to ask whether XLA will compile what is being traced.
    from tensorflow.python.ops import control_flow_util
except ImportError:
    control_flow_util = None
try:  # Nor is there one to ask whether oneDNN multiplies matrices.
    from tensorflow.python.util import _pywrap_util_port
except ImportError:
    _pywrap_util_port = None


def traced_for_xla() -> bool:
    """Whether XLA will compile what is being traced, as far as TensorFlow can be asked."""
    ask = getattr(control_flow_util, "GraphOrParentsInXlaContext", None)
    return bool(ask and ask(tf.compat.v1.get_default_graph()))


def onednn_is_off() -> bool:
    """Whether TensorFlow's build has oneDNN's products and does not use them, as on processors without AVX-512 VNNI."""
    ask = getattr(_pywrap_util_port, "IsMklEnabled", None)
    return bool(ask and platform.machine() in ("x86_64", "AMD64") and not ask())


def traced_by_keras_export() -> bool:
    """Whether `keras.Model.export` traces what is being traced: it says so nowhere but in the frames of the stack."""
    frame = None if tf.executing_eagerly() else sys._getframe(1)
    while frame is not None:
        if frame.f_globals.get("__name__", "").startswith("keras.src.export"):
            return True
        frame = frame.f_back
    return False


def parts_of(layer: keras.Layer) -> list[keras.Layer]:
    """The layer and all that are inside it, also in its lists and dicts, which no public attribute tells."""
    return list(layer._flatten_layers())


@cache
def graphs() -> Any:
    """The classes of Sequential and functional models; the second has no public name."""
    inputs = keras.Input([1], name="any")
    return keras.Sequential, type(keras.Model(inputs, inputs, name="any"))


def takes_training(layer: Any) -> bool:
    """Whether a layer's `call` has an argument `training`, for a cell that is called by itself."""
    return isinstance(layer, keras.Layer) and layer._call_has_training_arg


def output_shape_of(layer: keras.layers.Lambda) -> Any:
    """The `output_shape` that a Lambda layer was made with, which its config holds in a form of its own."""
    return layer._output_shape


def validates_inside_fit(arguments: dict[str, Any]) -> bool:
    """Whether `keras.Model.fit` calls `evaluate`, to validate on data that it has prepared already."""
    return bool(arguments.get("_use_cached_eval_dataset"))


class RNN(keras.layers.RNN):
    """`keras.layers.RNN` that can be told to draw no dropout masks.

    Keras draws them in inference, too, and each draw writes a variable, which a server must not do.
    """

    def draws_masks(self) -> bool:
        """Whether this call draws them."""
        return True

    def _maybe_config_dropout_masks(self, cell: Any, input_sequence: Any, input_state: Any) -> None:
        if self.draws_masks():
            super()._maybe_config_dropout_masks(cell, input_sequence, input_state)
