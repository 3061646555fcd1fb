"""Tensors as TF Serving's REST interface writes them in JSON.

Numbers and booleans are nested lists. A string is a JSON string, or `{"b64": "..."}` where its bytes are not UTF-8.

Source: "RESTful API", tensorflow.org/tfx/serving/api_rest.
"""

import base64
import binascii
from typing import Any

import numpy as np
import tensorflow as tf


def to_json(array: Any) -> Any:
    r"""A tensor as nested lists of numbers, strings, or `{"b64": ...}` for bytes that are not UTF-8.

    Example:
    >>> from rnn_tf.export.json_tensors import to_json
    >>> to_json([[b"good", b"\xff"]])
    [['good', {'b64': '/w=='}]]
    """
    array = np.asarray(array)
    if array.dtype.kind in "OSU":
        return _each(_string_to_json, array.tolist())
    if array.dtype.kind == "f" and array.dtype.itemsize < 8:
        array = array.astype(str).astype(float)  # the shortest digits that stand for it
    return array.tolist()


def from_json(value: Any, dtype: tf.DType) -> np.ndarray:
    """The array that `value` stands for: of bytes for `tf.string`, otherwise of the dtype.

    Raises:
        ValueError: If the lists are of different lengths, or hold something else than the dtype, or too large a number.
    """
    try:
        return _strings(value) if dtype == tf.string else _numbers(value, dtype)
    except (TypeError, ValueError, OverflowError, binascii.Error):
        received = repr(value)
        raise ValueError(
            f"A tensor of {dtype.name} must be nested lists of one length that hold nothing else. Received: "
            f"{received[:100]}{'...' if len(received) > 100 else ''}."
        ) from None


def _strings(value: Any) -> np.ndarray:
    array = np.array(_each(_string_from_json, value), object)
    if any(isinstance(one, list) for one in array.flat):  # rows of different lengths
        raise ValueError
    return array


def _numbers(value: Any, dtype: tf.DType) -> np.ndarray:
    given = np.array(value)
    kinds = "b" if dtype.is_bool else "iu" if dtype.is_integer else "iuf"
    with np.errstate(over="ignore"):
        array = given.astype(dtype.as_numpy_dtype)
    too_large = (np.isinf(array) & ~np.isinf(given)).any() if dtype.is_floating else (array != given).any()
    if given.size and (given.dtype.kind not in kinds or too_large):
        raise ValueError
    return array


def _each(function: Any, value: Any) -> Any:
    return [_each(function, one) for one in value] if isinstance(value, list) else function(value)


def _string_to_json(value: str | bytes) -> Any:
    if isinstance(value, str):
        return value
    try:
        return value.decode()
    except UnicodeDecodeError:
        return {"b64": base64.b64encode(value).decode()}


def _string_from_json(value: Any) -> bytes:
    if isinstance(value, dict) and set(value) == {"b64"}:
        return base64.b64decode(value["b64"], validate=True)
    if not isinstance(value, str):
        raise TypeError
    return value.encode(errors="surrogateescape")  # bytes that are not UTF-8, as TF Serving writes them
