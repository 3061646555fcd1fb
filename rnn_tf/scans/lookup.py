"""The projection of inputs that are rows of a table."""

from typing import Any, NamedTuple

import tensorflow as tf

from rnn_tf.scans import sums


class Lookup(NamedTuple):
    """p = P[id], where P = E W + b is the projection of all rows of a table E: one product a row, not one a step.

    And backwards, δy short for ∂L/∂y: δP[i] = Σ δp over all steps whose id is i.

    kernel: P, `[rows, gates * units]`.
    dropout: None.

    Inputs are ids as floats, `[..., 1]`.

    Example:
    >>> import tensorflow as tf
    >>> from rnn_tf.scans.lookup import Lookup
    >>> Lookup(tf.constant([[1.0, 2.0], [3.0, 4.0]])).forward(tf.constant([[[1.0]], [[0.0]]]))[:, 0].numpy().tolist()
    [[3.0, 4.0], [1.0, 2.0]]
    """

    kernel: Any
    dropout: None = None

    @property
    def weights(self) -> list[Any]:
        """P."""
        return [self.kernel]

    def with_weights(self, weights: list[Any]) -> "Lookup":
        """The same with another tensor for `weights`."""
        return Lookup(weights[0])

    def forward(self, inputs: Any) -> Any:
        """p, with the axes of the inputs."""
        return tf.gather(self.kernel, _ids(inputs))

    def input_gradient(self, gradient: Any, transposed: Any) -> Any:
        """Ids have none: zeros."""
        return tf.zeros_like(gradient[..., :1])

    def gradients(self, inputs: Any, gradient: Any) -> list[Any]:
        """δP from ids and δp, in the widest type."""
        rows = tf.cast(tf.reshape(gradient, [-1, gradient.shape[-1]]), sums.widest(gradient.dtype))
        return [tf.math.unsorted_segment_sum(rows, tf.reshape(_ids(inputs), [-1]), self.kernel.shape[0])]


def _ids(inputs: Any) -> Any:
    return tf.cast(inputs[..., 0], tf.int32)
