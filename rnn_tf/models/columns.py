"""Columns of texts and labels as people have them, and the class numbers that a loss takes."""

import decimal
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from rnn_tf._checks import checked_arrays, positive_integer
from rnn_tf.data.tables import NUMBER
from rnn_tf.data.text import HALF_CHARACTER


class Columns(NamedTuple):
    """Texts, and what stands beside each."""

    texts: list[str | bytes]
    labels: list[Any] | None
    sample_weight: Any
    batch_size: int | None  # of the dataset that they come from


def read_columns(texts: Any, labels: Any = None, sample_weight: Any = None) -> Columns:
    """Checked columns from lists, arrays and pandas columns, or from a dataset of `(text, label, weight)`."""
    batch_size = None
    if isinstance(texts, tf.data.Dataset):
        if labels is not None or sample_weight is not None:
            raise ValueError("A dataset of texts brings its own labels and weights. Received: others beside it.")
        texts, labels, sample_weight, batch_size = _collect(texts)
    columns = Columns(
        as_texts(texts), None if labels is None else as_column("labels", labels), sample_weight, batch_size
    )
    for name, column in (("labels", columns.labels), ("weights", sample_weight)):
        if column is not None and len(column) != len(columns.texts):
            raise ValueError(
                f"Every text needs its own. Received: {len(columns.texts)} texts, {len(column)} {name}. Give as many."
            )
    if sample_weight is None:
        return columns
    return columns._replace(sample_weight=checked_arrays(sample_weight=sample_weight)[0])


def holds_texts(dataset: tf.data.Dataset) -> bool:
    """Whether the inputs of a dataset are strings."""
    spec = dataset.element_spec
    first = spec[0] if isinstance(spec, tuple) else spec
    return isinstance(first, tf.TensorSpec) and first.dtype == tf.string


def holds_ids(x: Any) -> bool:
    """Whether x is an array `[rows, tokens]` of integers."""
    if not hasattr(x, "__array__") and not (
        isinstance(x, (list, tuple)) and x and isinstance(x[0], (list, tuple, np.ndarray))
    ):
        return False
    try:
        array = np.asarray(x)
    except ValueError:  # rows of different lengths
        return False
    return array.ndim == 2 and array.dtype.kind in "iu"


def _collect(dataset: tf.data.Dataset) -> tuple[Any, Any, Any, int | None]:
    """The columns of a dataset of single rows or of batches, and the size of its first batch."""
    if dataset.cardinality() == tf.data.INFINITE_CARDINALITY:
        raise ValueError("A dataset of texts must have an end: they are tokenised first. Give dataset.take(n).")
    elements = [element if isinstance(element, tuple) else (element,) for element in dataset.as_numpy_iterator()]
    if not elements:
        raise ValueError("The dataset gave no text. Give one that has at least one.")
    batched = isinstance(elements[0][0], np.ndarray)
    size = len(elements[0][0]) if batched else None
    columns = [np.concatenate(column) if batched else list(column) for column in zip(*elements, strict=True)]
    texts, labels, weights = (*columns, None, None)[:3]
    return texts, labels, weights, size


def as_texts(values: Any) -> list[str | bytes]:
    """Texts as a list, checked."""
    texts = as_column("texts", values)
    for row, text in enumerate(texts):
        if not isinstance(text, (str, bytes)):
            raise ValueError(
                f"Every text must be a string. Received: {text!r} of type {type(text).__name__} in row {row}. Remove "
                'the row, or write its text as a string; "" stands for an empty one.'
            )
        if isinstance(text, str) and HALF_CHARACTER.search(text):
            raise ValueError(
                f"Every text must hold whole characters. Received: half a surrogate pair in row {row}, as is left "
                "where an emoji was cut in two. Correct it, or remove the row."
            )
    return texts


def learn_classes(labels: Any) -> list[str]:
    """The names of the classes that occur, in order: numbers by size, names by alphabet."""
    values = as_column("labels", labels)
    names = sorted(set(_names(values)), key=_by_size)
    if len(names) < 2:
        raise ValueError(
            f"A classifier needs at least two classes. Received: {len(values)} labels, all of them {names[0]!r}. "
            "Add examples of another class."
        )
    return names


def class_names(classes: int | Sequence[Any]) -> list[str]:
    """`classes` as names: a number n stands for the names 0, 1, ..., n - 1."""
    if isinstance(classes, (str, bytes)) or not isinstance(classes, Iterable):
        classes = range(positive_integer("classes", classes))
    names = _names(as_column("classes", list(classes)))
    if len(names) < 2 or len(set(names)) < len(names):
        raise ValueError(
            f"`classes` must be a number of classes, at least 2, or their names, each once. Received: {names}."
        )
    return names


def class_numbers(labels: Any, classes: Sequence[str]) -> np.ndarray:
    """Int32 array `[rows]`: which of `classes` each label is.

    - A string is a name, letter by letter.
    - A number is the class whose name is that number: 5 and 5.0 are "5", or "5.0" where that is its name. Only where
      no class has a number for its name, it is a place among them: 0, 1, ...
    - True and False are the names "True" and "False" where there are such classes, else the numbers 1 and 0.
    """
    values = as_column("labels", labels)
    places = {name: number for number, name in enumerate(classes)}
    numerals = [name for name in classes if NUMBER.fullmatch(name)]
    by_value = {decimal.Decimal(name): places[name] for name in numerals}
    twice = len(by_value) < len(numerals)
    numbers = []
    for row, value in enumerate(values):
        if isinstance(value, bool) and not {"True", "False"} & set(places):
            value = int(value)
        if twice and _is_number(value):
            raise ValueError(
                f"A number must be the name of one class. Received: {value!r} in row {row} for the classes "
                f"{', '.join(map(repr, classes))}, of which several are the same number. Give names, as strings."
            )
        number = None
        if not _is_number(value):
            number = places.get(_names([value], row)[0])
        elif by_value and np.isfinite(value):
            number = by_value.get(decimal.Decimal(repr(value)))
        elif _names([value], row) and 0 <= value < len(classes):
            number = int(value)
        if number is None:
            received = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
            raise ValueError(
                f"A label must be one of the classes {', '.join(map(repr, classes))}. Received: {received!r} in "
                f"row {row}. Remove such rows, or make a classifier that knows this class."
            )
        numbers.append(number)
    return np.array(numbers, np.int32)


def class_weights(weights: Any, numbers: np.ndarray | None, classes: Sequence[str]) -> dict[int, float] | None:
    """Weights by class number, from weights by name or number, or `"balanced"`.

        balanced:  w_c = rows / (classes * rows of class c)

    so that every class has the same part in the loss, and the weights of all rows sum to their number.
    """
    if weights is None:
        return None
    if isinstance(weights, dict):
        named: Any = class_numbers(list(weights), classes) if weights else []
        if not all(isinstance(w, (int, float, np.number)) and 0 <= w < np.inf for w in weights.values()):
            raise ValueError(f"`class_weight` must hold numbers that are not negative. Received: {weights!r}.")
        # All of them: Keras looks every class up that occurs.
        return dict.fromkeys(range(len(classes)), 1.0) | {
            int(number): float(weight) for number, weight in zip(named, weights.values(), strict=True)
        }
    if not isinstance(weights, str) or weights != "balanced" or numbers is None:
        raise ValueError(
            "`class_weight` must be a dict of weights by class, or 'balanced', which needs the labels beside the texts "
            f"or sequences, not in a dataset of batches. Received: class_weight={weights!r}."
        )
    counts = np.bincount(numbers, minlength=len(classes))
    present = np.count_nonzero(counts)
    return {c: len(numbers) / (present * count) if count else 1.0 for c, count in enumerate(counts.tolist())}


def as_column(name: str, values: Any) -> list[Any]:
    """A list of plain Python values from a list, an array, a tensor, or a pandas column."""
    if isinstance(values, (str, bytes)) or values is None:
        raise ValueError(f"`{name}` must be a list or an array, one entry a row. Received: {values!r}.")
    if tf.is_tensor(values):
        values = values.numpy()
    if isinstance(values, (list, tuple)):
        column = [value.item() if isinstance(value, np.generic) else value for value in values]
    else:
        array = np.asarray(values)
        if array.ndim == 2 and array.shape[1] == 1:
            array = array[:, 0]
        if array.ndim != 1:
            raise ValueError(
                f"`{name}` must have one entry a row. Received: shape {array.shape}. Labels are names or numbers of "
                "classes, not one-hot rows: take argmax(axis=1) of those."
            )
        column = array.tolist()
    if not column:
        raise ValueError(f"`{name}` must have at least one row. Received: none.")
    return column


def _names(values: list[Any], first: int = 0) -> list[str]:
    names = []
    for row, value in enumerate(values, start=first):
        if isinstance(value, bytes):
            value = value.decode("utf-8", errors="replace")
        elif isinstance(value, float) and value.is_integer():
            value = int(value)
        if not isinstance(value, (str, int)) or value == "":
            raise ValueError(
                f"A label must be a name or a whole number. Received: {value!r} in row {row}. Fill it in, or remove "
                "the row."
            )
        names.append(str(value))
    return names


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _is_numeral(name: str) -> bool:
    return name.removeprefix("-").isdecimal()


def _by_size(name: str) -> tuple[bool, int, str]:
    return not _is_numeral(name), int(name) if _is_numeral(name) else 0, name
