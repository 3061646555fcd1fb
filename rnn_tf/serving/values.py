"""What a program gives to a client and gets from it, as the tensors and examples that a model server knows."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from rnn_tf.export.examples import feature


def tensors_of(inputs: Any, specs: Mapping[str, tf.TensorSpec], signature: str) -> dict[str, np.ndarray]:
    """Arrays by input name, of the signature's dtypes; strings as object arrays of bytes.

    Args:
        inputs: Arrays, or nested lists, by name; or one of them where there is one input.
        specs: The inputs that the signature has.
        signature: What errors shall call it.

    Raises:
        ValueError: If a name, a dtype or a shape does not fit.
    """
    if not isinstance(inputs, Mapping) and len(specs) == 1:
        inputs = dict.fromkeys(specs, inputs)
    if not isinstance(inputs, Mapping) or set(inputs) != set(specs):
        received = listed(inputs) if isinstance(inputs, Mapping) else type(inputs).__name__
        raise ValueError(f"The {signature} has the inputs {listed(specs)}. Received: {received}.")
    return {name: _tensor(inputs[name], spec, f"The input {name!r} of the {signature}") for name, spec in specs.items()}


def example_of(values: Mapping[str, Any] | tf.train.Example) -> tf.train.Example:
    """The Example of a dict of numbers or strings, or of lists of them, by feature name.

    Raises:
        ValueError: If it is something else.
    """
    if isinstance(values, tf.train.Example):
        return values
    if not isinstance(values, Mapping):
        raise ValueError(
            "`examples` must be a list of dicts by feature name, or of tf.train.Example. Received: one is a "
            f"{type(values).__name__}."
        )
    feature = {name: _feature(name, value) for name, value in values.items()}
    return tf.train.Example(features=tf.train.Features(feature=feature))


def readable(array: np.ndarray) -> np.ndarray:
    """The array, its bytes as `str` where they are UTF-8."""
    if array.dtype != object:
        return array
    return np.array([_text(one) for one in array.flat], object).reshape(array.shape)


def listed(names: Iterable[str]) -> str:
    """Names as errors show them."""
    return ", ".join(map(repr, sorted(names))) or "none"


def _tensor(value: Any, spec: tf.TensorSpec, what: str) -> np.ndarray:
    try:
        array = _strings(value) if spec.dtype == tf.string else _numbers(value, spec.dtype.as_numpy_dtype)
    except (TypeError, ValueError):
        received = str(getattr(value, "dtype", value))[:100]
        raise ValueError(f"{what} must be {spec.dtype.name}, in rows of one length. Received: {received}.") from None
    if not spec.shape.is_compatible_with(array.shape):
        raise ValueError(f"{what} must have shape {spec.shape}. Received: shape {array.shape}.")
    return array


def _numbers(value: Any, dtype: Any) -> np.ndarray:
    given = np.asarray(value)
    if given.size and not np.can_cast(given.dtype, dtype, "same_kind"):
        raise TypeError
    array = given.astype(dtype)
    if array.dtype.kind in "iu" and (array != given).any():  # out of range
        raise ValueError
    return array


def _strings(value: Any) -> np.ndarray:
    array = np.asarray(value, object)
    return np.array([tf.compat.as_bytes(one) for one in array.flat], object).reshape(array.shape)


def _feature(name: str, value: Any) -> tf.train.Feature:
    try:
        flat = np.asarray(value, object).ravel().tolist()
        if flat and all(isinstance(one, (str, bytes)) for one in flat):
            return feature(_strings(flat))
        return feature(np.asarray(flat))
    except (TypeError, ValueError):
        raise ValueError(
            f"The feature {name!r} must hold numbers or strings, all of one kind. Received: {str(value)[:100]}."
        ) from None


def _text(string: bytes) -> str | bytes:
    try:
        return string.decode()
    except UnicodeDecodeError:
        return string
