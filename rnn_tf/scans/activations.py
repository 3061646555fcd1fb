"""Activations with their gradient, as a scan needs them at every step."""

from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf


class Activation:
    """σ and its gradient, from one saved tensor a step.

    The gradients of tanh, sigmoid, relu and the identity follow from their value, so that y = σ(z) is saved. For
    any other function z is saved, and its own gradient is taken.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = function
        self._gradient = _FROM_VALUE.get(function)

    @property
    def from_value(self) -> bool:
        """Whether what is saved is the value y."""
        return self._gradient is not None

    def __call__(self, z: Any) -> tuple[Any, Any]:
        """y = σ(z), and what to save for `value` and `gradient`."""
        y = self._function(z)
        return (y, y) if self.from_value else (y, z)

    def value(self, saved: Any) -> Any:
        return saved if self.from_value else self._function(saved)

    def gradient(self, saved: Any, dy: Any) -> Any:
        """∂L/∂z from ∂L/∂y."""
        if self._gradient is not None:
            return self._gradient(saved, dy)
        with tf.GradientTape() as tape:
            tape.watch(saved)
            y = self._function(saved)
        return tape.gradient(y, saved, dy, unconnected_gradients=tf.UnconnectedGradients.ZERO)


_FROM_VALUE: dict[Any, Callable[[Any, Any], Any]] = {
    keras.activations.tanh: lambda y, dy: tf.raw_ops.TanhGrad(y=y, dy=dy),
    keras.activations.sigmoid: lambda y, dy: tf.raw_ops.SigmoidGrad(y=y, dy=dy),
    keras.activations.relu: lambda y, dy: tf.raw_ops.ReluGrad(gradients=dy, features=y),
    keras.activations.linear: lambda y, dy: dy,
}
