"""The linear recurrent unit: a diagonal linear state of complex numbers."""

import math
from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf
from keras import ops

from rnn_tf.cells.parallel import ParallelCell
from rnn_tf.scans import Kernel, Projection, add_bias


@keras.saving.register_keras_serializable(package="rnn_tf")
class LRUCell(ParallelCell):
    """One step of the linear recurrent unit.

        λ = exp(-exp(ν) + i exp(φ))                one complex number a unit, inside the unit circle
        h_t = λ ∘ h_{t-1} + exp(γ) ∘ (x_t B)       hidden state, complex
        y_t = σ(Re(h_t C) + x_t D + d)             output

    with x_t, h_t and y_t as rows, one for each example of a batch. At first the λ lie on a ring, spread evenly over its
    area between the radii `r_min` and `r_max`, with phases up to `max_phase`, and exp(γ) = √(1 - |λ|²) keeps the state
    as large as its inputs. A unit remembers for about 1 / (1 - |λ|) steps. The recurrence is linear: what is nonlinear
    between layers on top of each other is σ. Its numbers are kept, and the step is computed, in float32 at least.

    | equation | weight | shape |
    |---|---|---|
    | Re B, Im B side by side | `kernel` | `[features, 2 * units]` |
    | ν, φ, γ | `nu`, `phi`, `gamma` | `[units]` each |
    | Re C above -Im C | `output_kernel` | `[2 * units, units]` |
    | D, d | `skip_kernel`, `bias` | `[features, units]`, `[units]` |

    Args:
        units: Positive integer, how many complex numbers h is, and the size of y.
        activation: σ, a name or a function. `None` is linear.
        r_min, r_max: The least and the largest |λ| at first, `0 <= r_min < r_max <= 1`.
        max_phase: The largest phase of λ at first, positive, at most 2 π.
        **kwargs: Those of `MinGRUCell`; what holds for `kernel` holds for `output_kernel` and `skip_kernel` too, but
            for the initializer, which is `kernel`'s alone.

    Call arguments:
        sequence: x_t, float tensor of shape `[batch, features]`.
        states: The real and the imaginary part of h_{t-1}, a list of two float tensors of shape `[batch, units]`.
        training: Whether dropout is active.

    Returns:
        `(y_t, states)`, the parts of h_t in a list, all in the cell's compute dtype.

    Raises:
        ValueError: If `units` is not a positive integer, a radius or the phase is out of its range, the activation is
            unknown, an argument is for a recurrent kernel, or the number of features is not known when the weights are
            made.

    Source: A. Orvieto, S. L. Smith, A. Gu, A. Fernando, C. Gulcehre, R. Pascanu, S. De (2023), "Resurrecting recurrent
    neural networks for long sequences", ICML, arXiv:2303.06349.

    Example:
    >>> import numpy as np
    >>> from rnn_tf import RNN, LRUCell
    >>> layer = RNN(LRUCell(4, activation="gelu"), return_sequences=True)
    >>> layer(np.zeros([32, 1000, 8], "float32")).shape
    TensorShape([32, 1000, 4])
    """

    gates = 2

    def __init__(
        self,
        units: int,
        activation: str | Callable[..., Any] | None = None,
        *,
        r_min: float = 0.9,
        r_max: float = 0.999,
        max_phase: float = 2 * math.pi,
        kernel_initializer: Any = None,
        **kwargs: Any,
    ) -> None:
        if not 0 <= r_min < r_max <= 1:
            raise ValueError(
                "The radii of a ring within the unit circle must be 0 <= r_min < r_max <= 1. Received: "
                f"r_min={r_min}, r_max={r_max}. Choose such as 0.9 and 0.999, the closer to 1 the longer the memory."
            )
        if not 0 < max_phase <= 2 * math.pi:
            raise ValueError(
                f"`max_phase` must be positive, and at most 2 pi. Received: max_phase={max_phase}. Choose a small one, "
                "such as 0.3, for slow waves."
            )
        if kernel_initializer is None:  # each part has half of the variance 1 / features
            kernel_initializer = _normal(0.5)
        super().__init__(units, activation, kernel_initializer=kernel_initializer, **kwargs)
        self.r_min = r_min
        self.r_max = r_max
        self.max_phase = max_phase
        self.state_size = [units, units]

    def build(self, input_shape: tuple[Any, ...]) -> None:
        """Make the weights, for inputs `[batch, features]`."""
        super().build(input_shape)
        self.nu = self._add_number("nu", lambda u: ops.log(-0.5 * ops.log(self._squares(u))))
        self.phi = self._add_number("phi", lambda u: ops.log(self.max_phase * u))
        squares = ops.exp(-2 * ops.exp(self.nu))
        self.gamma = self._add_number("gamma", lambda _: 0.5 * ops.log(1 - squares))
        self.output_kernel = self.add_kernel("output_kernel", (2 * self.units, self.units), _normal(2.0))
        self.skip_kernel = self.add_kernel("skip_kernel", (input_shape[-1], self.units), _normal(1.0))

    def add_bias(self, size: int) -> Any:
        """The bias of the output, or None without `use_bias`."""
        return super().add_bias(self.units)

    def _add_number(self, name: str, transform: Callable[[Any], Any]) -> Any:
        """A number for each unit, of one that is uniform between 0 and 1. Half precision would not tell λ from 1."""
        uniform = keras.initializers.RandomUniform(1e-6, 1 - 1e-6)
        return self.add_weight(
            shape=(self.units,),
            name=name,
            initializer=lambda shape, dtype: transform(uniform(shape, dtype)),
            autocast=False,
        )

    def _squares(self, uniform: Any) -> Any:
        """|λ|², which is uniform where λ is spread evenly over an area."""
        return uniform * (self.r_max**2 - self.r_min**2) + self.r_min**2

    def coefficients(self, projected: Any) -> tuple[list[Any], list[Any]]:
        """λ, the same at all steps, and what comes in; the real and the imaginary part of each."""
        nu, phi = map(tf.convert_to_tensor, (self.nu, self.phi))
        radius, phase = tf.exp(-tf.exp(nu)), tf.exp(phi)
        return [radius * tf.cos(phase), radius * tf.sin(phase)], tf.split(projected, 2, axis=-1)

    def make_kernel(self) -> Kernel:
        """The cell for a scan over whole sequences, with the tensors that its weights are in this call."""
        kernel = tf.convert_to_tensor(self.kernel)
        gamma = tf.cast(tf.exp(tf.convert_to_tensor(self.gamma)), kernel.dtype)
        recurrence = super().make_kernel().recurrence
        projection = Projection(kernel * tf.concat([gamma, gamma], 0))
        return Kernel(recurrence, projection, [], self.read_out, reads_inputs=True)

    def read_out(self, hidden: Any, sequence: Any) -> Any:
        """y_t, of h_t as `[..., 2 * units]`, real parts first, and x_t; of one step or of a whole sequence."""
        output_kernel, skip_kernel = map(tf.convert_to_tensor, (self.output_kernel, self.skip_kernel))
        output = Projection(output_kernel).forward(hidden) + Projection(skip_kernel).forward(sequence)
        return self.activation(output if self.bias is None else add_bias(output, self.bias))

    def call(self, sequence: Any, states: Any, training: bool = False) -> tuple[Any, Any]:
        """One step: y_t and the parts of h_t, from x_t `[batch, features]` and the parts of h_{t-1}."""
        sequence = self.dropped(sequence, training)
        projected = self.make_kernel().projection.forward(sequence)
        (re, im), inputs = self.coefficients(projected)
        wide = [[tf.cast(part, re.dtype) for part in parts] for parts in (states, inputs)]
        (h_re, h_im), (b_re, b_im) = wide
        states = [re * h_re - im * h_im + b_re, re * h_im + im * h_re + b_im]
        states = [tf.cast(part, projected.dtype) for part in states]
        return self.read_out(tf.concat(states, -1), sequence), states

    def get_initial_state(self, batch_size: int | None = None) -> list[Any]:
        """Zeros, for both parts."""
        return [ops.zeros((batch_size, self.units), dtype=self.compute_dtype) for _ in range(2)]

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "r_min": self.r_min, "r_max": self.r_max, "max_phase": self.max_phase}


def _normal(scale: float) -> Any:
    return keras.initializers.VarianceScaling(scale, mode="fan_in", distribution="untruncated_normal")
