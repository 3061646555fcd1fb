"""The projection of the inputs, which does not depend on the state."""

from typing import Any, NamedTuple

from rnn_tf.scans import products, sums
from rnn_tf.scans.products import Masks


class Projection(NamedTuple):
    """p = x W + b, all rows in one product; with dropout p_k = (x ∘ m_k) W_k + b_k for the gates k.

    And backwards, δy short for ∂L/∂y:

        δx = Σ_k (δp_k W_kᵀ) ∘ m_k      δW_k = Σ (x ∘ m_k)ᵀ δp_k      δb = Σ δp

    kernel: W, `[features, gates * units]`.
    bias: b, `[gates * units]`, or None.
    dropout: A mask `[batch, features]` for all gates, or one for each, or None.

    Example:
    >>> import tensorflow as tf
    >>> from rnn_tf.scans import Projection
    >>> Projection(tf.ones([2, 3]), tf.ones([3])).forward(tf.ones([5, 1, 2]))[0].numpy().tolist()
    [[3.0, 3.0, 3.0]]
    """

    kernel: Any
    bias: Any = None
    dropout: Masks = None

    @property
    def weights(self) -> list[Any]:
        """W, and b if there is one."""
        return [self.kernel] if self.bias is None else [self.kernel, self.bias]

    def with_weights(self, weights: list[Any]) -> "Projection":
        """The same with other tensors for `weights`."""
        return Projection(weights[0], None if self.bias is None else weights[1], self.dropout)

    def forward(self, inputs: Any) -> Any:
        """p, `[batch, gates * units]` of `[batch, features]`, or with an axis of time before."""
        projected = products.product(inputs, self.kernel, self.dropout)
        if self.bias is not None:
            projected = sums.add_bias(projected, self.bias)  # TensorFlow joins them only without axes between
        return products.shaped(projected, inputs)

    def input_gradient(self, gradient: Any, transposed: Any) -> Any:
        """δx from δp and Wᵀ, which is transposed once, before a loop; with an axis of time or without."""
        return products.input_gradient(gradient, transposed, self.dropout)

    def gradients(self, inputs: Any, gradient: Any) -> list[Any]:
        """δW, and δb if there is a bias, from x and δp, in the widest type."""
        d_bias = [] if self.bias is None else [sums.total(gradient)]
        return [products.kernel_gradient(inputs, gradient, self.dropout), *d_bias]
