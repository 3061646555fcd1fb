"""What cells have in common whose recurrence is linear in the state."""

from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

from rnn_tf._checks import positive_integer
from rnn_tf.cells.elman import activation_function
from rnn_tf.scans import Kernel, Linear, Projection


class ParallelCell(keras.layers.SimpleRNNCell):
    """A cell whose state is linear in the state before it, so that `rnn_tf.RNN` runs all its steps at once.

        p_t = x_t W + b
        h_t = a(p_t) ∘ h_{t-1} + b(p_t)

    A subclass has `gates`, how many times `units` p_t is, `coefficients`, which makes a and b of it, and a
    `make_kernel`. This is a subclass of Keras's cell because `keras.layers.RNN` draws one dropout mask a sequence only
    for Keras's own cells.
    """

    parallel = True
    gates: int

    def __init__(
        self,
        units: int,
        activation: str | Callable[..., Any] | None = None,
        *,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        dropout: float = 0.0,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        refused = [name for name in kwargs if name.startswith("recurrent_")]
        if refused:
            raise ValueError(
                f"{type(self).__name__} multiplies its state by no matrix, which these would be for. Received: "
                f"{', '.join(refused)}. Leave them out; `dropout` drops inputs."
            )
        super().__init__(
            positive_integer("units", units),
            activation=activation_function("activation", activation),
            use_bias=use_bias,
            kernel_initializer=kernel_initializer,
            bias_initializer=bias_initializer,
            kernel_regularizer=kernel_regularizer,
            bias_regularizer=bias_regularizer,
            kernel_constraint=kernel_constraint,
            bias_constraint=bias_constraint,
            dropout=dropout,
            seed=seed,
            **kwargs,
        )

    def build(self, input_shape: tuple[Any, ...]) -> None:
        """Make the weights, for inputs `[batch, features]`."""
        if input_shape[-1] is None:
            raise ValueError(
                f"{type(self).__name__} needs the number of features to make its weights. Received: input shape "
                f"{tuple(input_shape)}. Give the last dimension, as in keras.Input([None, 8])."
            )
        self.kernel = self.add_kernel("kernel", (input_shape[-1], self.gates * self.units), self.kernel_initializer)
        self.bias = self.add_bias(self.gates * self.units)

    def add_kernel(self, name: str, shape: tuple[int, ...], initializer: Any) -> Any:
        """A weight that inputs or states are multiplied by."""
        return self.add_weight(
            shape=shape,
            name=name,
            initializer=initializer,
            regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint,
        )

    def add_bias(self, size: int) -> Any:
        """The bias, or None without `use_bias`."""
        if not self.use_bias:
            return None
        return self.add_weight(
            shape=(size,),
            name="bias",
            initializer=self.bias_initializer,
            regularizer=self.bias_regularizer,
            constraint=self.bias_constraint,
        )

    def coefficients(self, projected: Any) -> tuple[list[Any], list[Any]]:
        """a_t and b_t of p_t, `[..., gates * units]`, of one step or of all: see `rnn_tf.scans.linear_scan`."""
        raise NotImplementedError

    def make_kernel(self) -> Kernel:
        """The cell for a scan over whole sequences, with the tensors that its weights are in this call."""
        kernel, bias = (None if weight is None else tf.convert_to_tensor(weight) for weight in (self.kernel, self.bias))
        return Kernel(Linear(self.coefficients), Projection(kernel, bias), [])

    def dropped(self, sequence: Any, training: bool) -> Any:
        """The inputs of one step, without those that dropout takes away: the same ones at every step."""
        if not (training and self.dropout > 0):
            return sequence
        return sequence * self.get_dropout_mask(sequence)

    def call(self, sequence: Any, states: Any, training: bool = False) -> tuple[Any, Any]:
        """One step: h_t and `[h_t]`, from x_t `[batch, features]` and `[h_{t-1}]`."""
        projected = self.make_kernel().projection.forward(self.dropped(sequence, training))
        (factor,), (addend,) = self.coefficients(projected)
        h = factor * (states[0] if isinstance(states, (list, tuple)) else states) + addend
        return h, [h] if isinstance(states, (list, tuple)) else h

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        return {name: value for name, value in config.items() if not name.startswith("recurrent_")}
