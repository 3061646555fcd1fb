"""Functions that bring their own gradient."""

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from rnn_tf._exporting import traced_for_export


def with_gradient(function: Callable[..., Any]) -> Callable[..., Any]:
    """`tf.custom_gradient`; in an export, which nobody differentiates, the values alone."""
    if traced_for_export():
        return lambda *tensors: function(*tensors)[0]
    return tf.custom_gradient(function)
