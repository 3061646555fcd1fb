"""Numbers in parts: one real tensor; or two, the real and the imaginary part of complex numbers.

Pairs are as fast as TensorFlow's complex types, and every converter of exports takes them.
"""

from collections.abc import Sequence
from typing import Any

Parts = Sequence[Any]


def plus(x: Parts, y: Parts) -> list[Any]:
    """The sum x + y."""
    return [one + other for one, other in zip(x, y, strict=True)]


def times(x: Parts, y: Parts) -> list[Any]:
    """The product x y."""
    if len(x) == 1:
        return [x[0] * y[0]]
    return [x[0] * y[0] - x[1] * y[1], x[0] * y[1] + x[1] * y[0]]


def times_conjugate(x: Parts, y: Parts) -> list[Any]:
    """The product x̄ y."""
    if len(x) == 1:
        return [x[0] * y[0]]
    return [x[0] * y[0] + x[1] * y[1], x[0] * y[1] - x[1] * y[0]]


def power(x: Parts, exponent: int) -> Parts:
    """The power of a positive integer, by squaring."""
    if exponent == 1:
        return x
    root = power(x, exponent // 2)
    return times(times(root, root), x) if exponent % 2 else times(root, root)


def conjugate(x: Parts) -> list[Any]:
    """The conjugate x̄."""
    return [part if i == 0 else -part for i, part in enumerate(x)]


def are_constant(factors: Parts) -> bool:
    """Whether factors are the same at all steps: `[units]`, without axes of batch and time."""
    return len(factors[0].shape) == 1
