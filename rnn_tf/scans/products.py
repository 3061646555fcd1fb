"""Products of rows and a kernel, with a dropout mask on the rows for each gate, and their gradients."""

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from rnn_tf.scans import sums

Masks = Sequence[Any] | None  # [batch, features] each: one for all gates, or one a gate


def product(inputs: Any, kernel: Any, masks: Masks) -> Any:
    """x W, or (x ∘ m_k) W_k side by side for the gates k, `[rows, gates * units]`: all axes but the last are rows."""
    if masks is None:
        return _matmul(inputs, kernel)
    parts = zip(masks, tf.split(kernel, len(masks), axis=1), strict=True)
    return _concatenate([_matmul(inputs * mask, part) for mask, part in parts])


def input_gradient(gradient: Any, transposed: Any, masks: Masks) -> Any:
    """∂L/∂x of a product, shaped as x, from `[..., gates * units]` and Wᵀ, which is transposed once, before a loop."""
    if masks is None:
        return shaped(_matmul(gradient, transposed), gradient)
    parts = zip(masks, tf.split(gradient, len(masks), axis=-1), tf.split(transposed, len(masks)), strict=True)
    gradients = [mask * shaped(_matmul(one, part), one) for mask, one, part in parts]
    return gradients[0] if len(gradients) == 1 else tf.add_n(gradients)


def kernel_gradient(inputs: Any, gradient: Any, masks: Masks) -> Any:
    """∂L/∂W of a product, over all rows, in the widest type."""
    if masks is None:
        return sums.product(inputs, gradient)
    parts = zip(masks, tf.split(gradient, len(masks), axis=-1), strict=True)
    return _concatenate([sums.product(inputs * mask, part) for mask, part in parts])


def _matmul(rows: Any, kernel: Any) -> Any:
    return tf.matmul(rows if len(rows.shape) == 2 else tf.reshape(rows, [-1, kernel.shape[0]]), kernel)


def shaped(rows: Any, like: Any) -> Any:
    """`[rows, size]` with the axes of `like`, `[..., any]`."""
    if len(like.shape) == 2:
        return rows
    sizes = [tf.shape(like)[axis] if size is None else size for axis, size in enumerate(like.shape[:-1])]
    return tf.reshape(rows, [*sizes, rows.shape[-1]])


def _concatenate(parts: Sequence[Any]) -> Any:
    return parts[0] if len(parts) == 1 else tf.concat(parts, axis=-1)
