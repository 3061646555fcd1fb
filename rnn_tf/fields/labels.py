"""Labels as people have them, and the class numbers that a loss takes."""

import decimal
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from rnn_tf._checks import positive_integer
from rnn_tf.data.tables import NUMBER
from rnn_tf.export.signatures import named_answers
from rnn_tf.fields.columns import as_column
from rnn_tf.fields.field import AnswerField
from rnn_tf.fields.sequences import padded


class Labels(AnswerField):
    """Names or numbers of classes, or one-hot rows, as class numbers `[batch]`; and probabilities with their names.

    Args:
        classes: How many classes there are, at least 2, or a list of their names.
        at_every_step: Whether each step has a label: class numbers `[batch, timesteps]`, filled up with 0.

    Example:
    >>> from rnn_tf.fields import Labels
    >>> Labels(["bad", "good"]).rows(["good", "bad", "good"]).tolist()
    [1, 0, 1]
    """

    noun = "labels"

    def __init__(self, classes: int | Sequence[Any], at_every_step: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.classes = class_names(classes)
        self.at_every_step = at_every_step

    def call(self, answers: Any) -> Any:
        return answers

    def rows(self, column: Any, *, finite: bool = True) -> np.ndarray:
        if self.at_every_step:
            rows = column.to_list() if isinstance(column, tf.RaggedTensor) else list(column)
            return padded([class_numbers(row, self.classes) for row in rows])
        return class_numbers(without_one_hot(column, self.classes), self.classes)

    def named(self, answers: Any) -> dict[str, Any]:
        return named_answers(answers, self.classes)

    def class_weights(self, weights: Any, rows: Any) -> dict[int, float] | None:
        if self.at_every_step and weights == "balanced":
            raise ValueError(
                "class_weight='balanced' counts one label a sequence. Received: labels of steps. Give a dict of "
                "weights by class."
            )
        return class_weights(weights, rows, self.classes)

    def settings(self) -> dict[str, Any]:
        return {"classes": self.classes}


def learn_classes(labels: Any) -> list[str]:
    """The names of the classes that occur, in order: numbers by size, names by alphabet."""
    values = as_column("labels", labels)
    names = sorted(set(label_names(values)), key=_by_size)
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
    names = label_names(as_column("classes", list(classes)))
    if len(names) < 2 or len(set(names)) < len(names):
        raise ValueError(
            f"`classes` must be a number of classes, at least 2, or their names, each once. Received: {names}."
        )
    return names


def class_numbers(labels: Any, classes: Sequence[str]) -> np.ndarray:
    """Int32 array `[rows]`: which of `classes` each label is.

    - A string is a name, letter by letter.
    - A number is the class whose name is that number: 5 and 5.0 are "5", or "5.0" where that is its name. Only if
      no class is named by a number, it is the position of a class: 0, 1, ...
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
            number = places.get(label_names([value], row)[0])
        elif by_value and np.isfinite(value):
            number = by_value.get(decimal.Decimal(repr(value)))
        elif label_names([value], row) and 0 <= value < len(classes):
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
        # Every class gets a weight: Keras looks up each that occurs.
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


def without_one_hot(labels: Any, classes: Sequence[str]) -> Any:
    """One-hot rows `[rows, classes]` as names; other labels as they are."""
    rows = labels if isinstance(labels, (list, tuple)) else np.asarray(labels) if hasattr(labels, "__array__") else []
    if len(rows) == 0 or {np.shape(row) for row in rows[:2]} != {(len(classes),)}:
        return labels
    try:
        array = np.asarray(rows)
    except ValueError:  # rows of different lengths
        return labels
    if array.dtype.kind not in "fiub" or not np.isin(array, (0, 1)).all() or not (array.sum(axis=1) == 1).all():
        return labels
    return np.array(classes)[array.argmax(axis=1)]


def label_names(values: list[Any], first: int = 0) -> list[str]:
    """Labels as names: 5 and 5.0 are "5"."""
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
