"""The Elman cell: the simple recurrent network, with its read-out."""

from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf
from keras import ops

from rnn_tf._checks import positive_integer
from rnn_tf.scans import Elman, Kernel, Projection, add_bias


@keras.saving.register_keras_serializable(package="rnn_tf")
class ElmanCell(keras.layers.SimpleRNNCell):
    """One step of the Elman network.

        h_t = σ(x_t W_hx + h_{t-1} W_hh + b_h)      hidden state
        o_t = σ_o(h_t W_ho + b_o)                   output, when `output_units` is given; else o_t = h_t

    with x_t, h_t and o_t as rows, one for each example of a batch.

    Without `output_units` it computes what `keras.layers.SimpleRNNCell` computes and has the same weights.
    It is that cell's subclass because `keras.layers.RNN` draws one dropout mask a sequence only for Keras's
    own cells. The step is written as three parts, `project`, `advance` and `read_out`; `call` is their
    composition. `project` and `read_out` also take whole sequences, so that all steps share one product.

    | equation | weight | shape |
    |---|---|---|
    | W_hx, b_h | `kernel`, `bias` | `[features, units]`, `[units]` |
    | W_hh | `recurrent_kernel` | `[units, units]` |
    | W_ho, b_o | `output_kernel`, `output_bias` | `[units, output_units]`, `[output_units]` |

    Args:
        units: Positive integer, the size of h.
        activation: σ, a name or a function. `None` is linear.
        output_units: Positive integer, the size of o, or `None`: the cell emits h.
        output_activation: σ_o, a name or a function. `None` is linear.
        **kwargs: Every other argument of `keras.layers.SimpleRNNCell`: `use_bias`, `dropout`,
            `recurrent_dropout`, `seed`, `name`, `dtype`, and for `kernel`, `recurrent` and `bias` each an
            initializer, a regularizer and a constraint. Those of `kernel` and `bias`, and `use_bias`, hold
            for `output_kernel` and `output_bias` too.

    Call arguments:
        sequence: x_t, float tensor of shape `[batch, features]`.
        states: h_{t-1}, float tensor of shape `[batch, units]`, alone or in a list.
        training: Whether dropout is active.

    Returns:
        `(o_t, h_t)`, h_t alone or in a list as `states` was, both in the cell's compute dtype.

    Raises:
        ValueError: If `units` or `output_units` is not a positive integer, an activation is unknown, or the
            number of features is not known when the weights are made.

    Source: J. L. Elman (1990), "Finding structure in time", Cognitive Science 14.

    Example:
    >>> import keras, numpy as np
    >>> from rnn_tf import ElmanCell
    >>> layer = keras.layers.RNN(ElmanCell(4, output_units=1), return_sequences=True)
    >>> layer(np.zeros([32, 10, 8], "float32")).shape
    TensorShape([32, 10, 1])
    """

    def __init__(
        self,
        units: int,
        activation: str | Callable[..., Any] | None = "tanh",
        *,
        output_units: int | None = None,
        output_activation: str | Callable[..., Any] | None = None,
        **kwargs: Any,
    ) -> None:
        units = positive_integer("units", units)
        super().__init__(units, activation=activation_function("activation", activation), **kwargs)
        self.output_units = output_units
        self.output_activation = activation_function("output_activation", output_activation)
        if output_units is not None:
            self.output_size = positive_integer("output_units", output_units)

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Make the weights, for inputs `[batch, features]`."""
        if input_shape[-1] is None:
            raise ValueError(
                "ElmanCell needs the number of features to make its weights. "
                f"Received: input shape {tuple(input_shape)}. Give the last dimension, as in "
                "keras.Input([None, 8])."
            )
        super().build(input_shape)
        self.output_kernel = self.output_bias = None
        if self.output_units is None:
            return
        self.output_kernel = self.add_weight(
            shape=(self.units, self.output_units),
            name="output_kernel",
            initializer=_fresh(self.kernel_initializer),
            regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint,
        )
        if self.use_bias:
            self.output_bias = self.add_weight(
                shape=(self.output_units,),
                name="output_bias",
                initializer=_fresh(self.bias_initializer),
                regularizer=self.bias_regularizer,
                constraint=self.bias_constraint,
            )

    def project(self, sequence: Any, training: bool = False) -> Any:
        """x_t W_hx + b_h, what does not depend on the state.

        Takes `[batch, features]` or `[batch, time, features]`, gives `[batch, units]` or
        `[batch, time, units]`. Input dropout is one mask a sequence, the same at every step.
        """
        features = self.kernel.shape[0]
        if sequence.shape[-1] not in (features, None):
            raise ValueError(
                f"This ElmanCell was built for inputs of shape [batch, {features}]. Received: shape "
                f"{tuple(sequence.shape)}. Make a new one for other features."
            )
        if training and self.dropout > 0:
            if len(sequence.shape) == 3:
                mask = self.get_dropout_mask(sequence[:, 0])[:, None]  # [batch, 1, features]
            else:
                mask = self.get_dropout_mask(sequence)  # [batch, features]
            sequence = sequence * mask
        return Projection(self.kernel, self.bias).forward(sequence)

    def make_kernel(self) -> Kernel:
        """The cell for a scan over whole sequences, with the tensors that its weights are in this call."""
        kernel, recurrent_kernel = map(tf.convert_to_tensor, (self.kernel, self.recurrent_kernel))
        bias = None if self.bias is None else tf.convert_to_tensor(self.bias)
        read_out = None if self.output_units is None else self.read_out
        return Kernel(Elman(self.activation), Projection(kernel, bias), [recurrent_kernel], read_out)

    def advance(self, projected: Any, states: Any, training: bool = False) -> Any:
        """The recurrence itself: h_t = σ(projected + h_{t-1} W_hh), all `[batch, units]`."""
        state = states[0] if isinstance(states, (list, tuple)) else states
        if training and self.recurrent_dropout > 0:
            state = state * self.get_recurrent_dropout_mask(state)
        state = self.activation(projected + ops.matmul(state, self.recurrent_kernel))
        return [state] if isinstance(states, (list, tuple)) else state

    def read_out(self, states: Any) -> Any:
        """What is emitted: h_t, or o_t = σ_o(h_t W_ho + b_o); of one step or of a whole sequence."""
        hidden = states[0] if isinstance(states, (list, tuple)) else states
        if self.output_kernel is None:
            return hidden
        output = ops.matmul(hidden, self.output_kernel)
        if self.output_bias is not None:
            output = add_bias(output, self.output_bias)
        return self.output_activation(output)

    def call(self, sequence: Any, states: Any, training: bool = False) -> tuple[Any, Any]:
        """One step: o_t and `[h_t]`, from x_t `[batch, features]` and `[h_{t-1}]`."""
        states = self.advance(self.project(sequence, training), states, training)
        return self.read_out(states), states

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "output_units": self.output_units,
            "output_activation": keras.activations.serialize(self.output_activation),
        }


def _fresh(initializer: Any) -> Any:
    """A second draw: Keras's initializers repeat themselves, so that two weights would share their numbers."""
    return initializer.clone() if isinstance(initializer, keras.initializers.Initializer) else initializer


def activation_function(name: str, value: Any) -> Any:
    """The function that an activation's name, config or function stands for."""
    try:
        return keras.activations.get(value)
    except ValueError:
        raise ValueError(
            f"`{name}` must be a function or the name of one in keras.activations, such as 'tanh', 'relu' "
            f"or 'sigmoid'. Received: {name}={value!r}."
        ) from None
