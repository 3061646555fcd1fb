"""The Elman recurrence and its gradient."""

from typing import Any

from rnn_tf.scans import products, recurrence
from rnn_tf.scans.activations import Activation


class Elman(recurrence.Recurrence):
    """The hidden state of the Elman network.

    With p_t = x_t W_hx + b_h, projected before, and r the recurrent dropout,

        z_t = p_t + (h_{t-1} ∘ r) W_hh
        h_t = σ(z_t)

    and backwards, δx short for ∂L/∂x:

        δz_t = δh_t ∘ σ'(z_t)                        = δp_t
        δh_{t-1} += (δz_t W_hhᵀ) ∘ r
        δW_hh = Σ_t (h_{t-1} ∘ r)ᵀ δz_t

    States: `[h]`. Weights: `[W_hh]`, `[units, units]`.

    Args:
        activation: σ, a function on tensors.

    Sources: J. L. Elman (1990), "Finding structure in time", Cognitive Science 14; for the way back P. J. Werbos
    (1990), "Backpropagation through time: what it does and how to do it", Proceedings of the IEEE 78.

    Example: one step.
    >>> import tensorflow as tf
    >>> from rnn_tf.scans import Elman
    >>> (h,), _ = Elman(tf.nn.relu).forward(tf.constant([[1.0]]), [tf.constant([[3.0]])], [tf.constant([[2.0]])], None)
    >>> h.numpy().tolist()
    [[7.0]]
    """

    def __init__(self, activation: Any) -> None:
        self._activation = Activation(activation)
        self.saved = 0 if self._activation.from_value else 1

    def forward(self, projected: Any, states: Any, weights: Any, dropout: Any) -> Any:
        z = projected + products.product(states[0], weights[0], dropout)  # [batch, units]
        h, saved = self._activation(z)
        return [h], [saved] if self.saved else []

    def needed(self, before: Any, after: Any, saved: Any) -> Any:
        return saved or after

    def backward(self, d_states: Any, needed: Any, transposed: Any, dropout: Any) -> Any:
        dz = self._activation.gradient(needed[0], d_states[0])
        return [dz], [products.input_gradient(dz, transposed[0], dropout)]

    def gradients(self, flown: Any, needed: Any, before: Any, dropout: Any) -> Any:
        dz = flown[0].whole
        return dz, [products.kernel_gradient(before[0].whole, dz, dropout)]
