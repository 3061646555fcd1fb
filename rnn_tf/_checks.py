"""Checks of arguments, and of arrays before anything is learned from them."""

import contextlib
import decimal
import numbers
import os
import re
from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np


def positive_integer(name: str, value: Any) -> int:
    """`value` as an int. Raises ValueError, naming the argument, if it is not a positive integer."""
    if isinstance(value, bool) or not isinstance(value, numbers.Integral) or value < 1:
        raise ValueError(f"`{name}` must be a positive integer. Received: {name}={value!r}.")
    return int(value)


def seed_of(seed: int | None) -> int:
    """The seed; None takes one from NumPy's global state, which `keras.utils.set_random_seed` sets."""
    seed = int(np.random.randint(2**31)) if seed is None else seed
    if not isinstance(seed, int) or seed < 0:
        raise ValueError(f"`seed` must be an integer that is not negative. Received: seed={seed!r}.")
    return seed


def check_sequences(taker: str, shape: Any, features: int | None = None) -> None:
    """Raise ValueError unless `shape` is one of sequences, `[batch, timesteps, features]`.

    Args:
        taker: Who takes the sequences; errors name it.
        shape: With `None` for a size that is not known.
        features: How many the weights of `taker` are for. `None` where weights are to be made: then it must be known.
    """
    if getattr(shape, "rank", 0) is None:
        raise ValueError(
            f"{taker} takes sequences of shape [batch, timesteps, features]. Received: some whose number of axes is "
            "not known when the call is traced. Give them a shape, as by tf.ensure_shape(x, [None, None, 8])."
        )
    shape = tuple(shape)
    if len(shape) != 3:
        hint = (
            "Add the missing axis: x[None] for one sequence, x[..., None] for one feature."
            if len(shape) < 3
            else "Make one axis of those after the steps."
        )
        raise ValueError(
            f"{taker} takes sequences of shape [batch, timesteps, features]. Received: shape {shape}. {hint}"
        )
    if features is None and shape[2] is None:
        raise ValueError(
            f"{taker} needs the number of features to make its weights. Received: shape {shape}. Give the last size, "
            "as in keras.Input([None, 8])."
        )
    if features is not None and shape[2] not in (features, None):
        raise ValueError(
            f"This {taker} was built for sequences of shape [batch, timesteps, {features}]. Received: shape {shape}. "
            "Make a new one for other features."
        )


MOST_TOKENS = 10_000  # tokens that a model of language writes at once
CHUNK = 2**22  # values that are looked at together, so that large arrays need little memory beside their own
EXPORTS_ARE_LOCAL = (
    "A folder for exports must be local: a rename is not atomic elsewhere. {received} Export locally, then copy the "
    "version, its saved_model.pb last."
)


def writable_folder(path: str | PathLike[str], local: str = EXPORTS_ARE_LOCAL) -> Path:
    """The path, after checking that a folder is or could be made there. Makes nothing.

    Args:
        path: Where.
        local: What to say where the path is a remote address; what came stands in place of `{received}`.
    """
    if re.match(r"[A-Za-z][A-Za-z0-9+.-]+:/", str(path)):
        raise ValueError(local.format(received=f"Received: {path}."))
    path = Path(path)
    existing = next(folder for folder in (path, *path.absolute().parents) if folder.exists())
    if not existing.is_dir():
        raise NotADirectoryError(f"{path} must be a folder. Received: {existing} is a file. Choose another folder.")
    if not os.access(existing, os.W_OK):
        raise PermissionError(f"Cannot write to {path}. Choose a folder that you may write to.")
    return path


def checked_arrays(*, booleans: bool = True, **named: Any) -> tuple[Any, ...]:
    """The arrays as NumPy, floats in Keras's float type, after checking that they can be trained on.

    Args:
        booleans: Whether arrays of True and False are taken, as for a model's mask.
        **named: Arrays, each under the name that errors use; or, as in `model.fit`, dicts or lists of arrays, for
            models of several inputs or outputs. `None` stays.

    Returns:
        The same in the same order, with NumPy arrays.

    Raises:
        ValueError: If an array is empty, holds NaN or infinity, holds something other than numbers, such as texts of
            digits or dates, or does not have as many rows as the others.
    """
    arrays: dict[str, np.ndarray] = {}

    def checked(name: str, value: Any) -> Any:
        if value is None:
            return None
        if isinstance(value, dict):
            return {key: checked(f"{name}[{key!r}]", one) for key, one in value.items()}
        if isinstance(value, (list, tuple)) and value and all(getattr(one, "shape", ()) for one in value):
            return type(value)(checked(f"{name}[{i}]", one) for i, one in enumerate(value))
        array = numbers_of(name, value, booleans)
        if array.ndim == 0 or array.size == 0:
            raise ValueError(f"`{name}` must have at least one row. Received: shape {array.shape}.")
        arrays[name] = _finite(name, array)
        return arrays[name]

    result = tuple(checked(name, value) for name, value in named.items())
    same_rows(**arrays)
    return result


def same_rows(**columns: Any) -> None:
    """Raise ValueError unless all columns have the same number of rows. Errors use their names; None is left out."""
    counts = {name: rows_in(column) for name, column in columns.items() if column is not None}
    if len(set(counts.values())) > 1:
        listed = ", ".join(f"{name} has {count}" for name, count in counts.items())
        raise ValueError(f"The arrays must have the same number of rows. Received: {listed}.")


def rows_in(column: Any) -> int:
    """How many rows a column has: an array or a list, one of different lengths, or a dict or tuple of columns."""
    if isinstance(column, dict):
        return rows_in(next(iter(column.values())))
    if is_parts(column):
        return rows_in(column[0])
    if hasattr(column, "nrows"):  # a tf.RaggedTensor
        return int(column.nrows())
    return len(getattr(column, "lengths", column))


def is_parts(x: Any) -> bool:
    """Whether it is a tuple of inputs of their own; a list holds rows."""
    return isinstance(x, tuple) and bool(x) and all(getattr(one, "shape", ()) for one in x)


def numbers_of(name: str, value: Any, booleans: bool = False) -> np.ndarray:
    """An array of numbers. Raises ValueError for texts, dates and the like, also for texts of digits."""
    try:
        array = np.asarray(value)
    except ValueError:
        raise ValueError(
            f"`{name}` must hold numbers, in rows of one length. Received: {type(value).__name__} whose rows differ in "
            "length. Pad sequences of different lengths to one."
        ) from None
    kind = array.dtype.kind
    odd: Any = None
    if kind == "O":  # Decimal, integers beyond 64 bits, or anything else
        odd = next((one for one in array.flat if isinstance(one, bool) or not _is_real(one)), None)
        if odd is None and all(one is not None for one in array.flat):
            return array.astype(np.float64)
    elif kind in "fiu" or (kind == "b" and booleans):
        return array
    elif kind == "V":  # bfloat16 and its like, which NumPy does not know
        with contextlib.suppress(TypeError, ValueError):
            return array.astype(np.float64)
    what = {"U": "texts", "S": "texts", "M": "dates", "m": "spans of time", "b": "booleans", "c": "complex numbers"}
    received = what.get(kind, f"{odd!r:.40} of type {type(odd).__name__}" if kind == "O" else str(array.dtype))
    remedy = {
        "b": "Turn them into 0 and 1 first, as by astype('float32').",
        "c": "Take their real part, or stack real and imaginary parts as features.",
    }.get(kind, "Encode texts, categories and dates as numbers first; texts of digits by astype('float32').")
    raise ValueError(
        f"`{name}` must hold numbers, in rows of one length. Received: {received} in {type(value).__name__}. {remedy}"
    )


def _is_real(value: Any) -> bool:
    return isinstance(value, (numbers.Real, decimal.Decimal, np.number)) and not isinstance(value, np.timedelta64)


def _finite(name: str, array: np.ndarray) -> np.ndarray:
    import keras  # only here: a file is read, and refused, without it

    if array.dtype.kind in "iub":
        return array
    rows = max(1, CHUNK // max(1, array[0].size))
    if not all(np.isfinite(array[first : first + rows]).all() for first in range(0, len(array), rows)):
        finite = np.isfinite(array)
        where = tuple(int(i) for i in np.argwhere(~finite)[0])
        raise ValueError(
            f"`{name}` must be finite. Received: NaN or infinity in {(~finite).sum()} of {array.size} values, the "
            f"first at index {where}. Drop those rows or fill the gaps before training."
        )
    return array.astype(keras.config.floatx(), copy=False)


def check_float32(what: str, values: np.ndarray, names: Sequence[str] = ()) -> None:
    """Raise ValueError unless float32 tells the values of each column apart that differ.

    Args:
        what: Where they are from, as errors name it.
        values: Float64 `[rows, columns]`.
        names: The names of the columns.
    """
    with np.errstate(over="ignore"):
        lost = np.abs(values - values.astype(np.float32)).max(axis=0) > 1e-3 * values.std(axis=0)
    lost &= values.max(axis=0) > values.min(axis=0)  # a constant is told apart from nothing
    if lost.any():
        column = int(np.argmax(lost))
        named = f" in column {names[column]!r}" if names else ""
        raise ValueError(
            f"{what}: numbers must be told apart in float32, which keeps 7 digits. Received: values near "
            f"{values[0, column]:.10g}{named} that differ by less. Subtract what they have in common, or leave the "
            "column out."
        )
