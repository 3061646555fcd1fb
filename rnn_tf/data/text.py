"""Labelled texts from a file, and a part of them held out."""

import re
from collections import Counter
from collections.abc import Iterable
from os import PathLike
from pathlib import Path
from typing import NamedTuple

import numpy as np

from rnn_tf.data.files import kind_of
from rnn_tf.data.tables import Table, names_in, read_table

HALF_CHARACTER = re.compile("[\ud800-\udfff]")  # one of the two codes that stand for an emoji in JSON


class Texts(NamedTuple):
    """Texts with their labels, to learn from: `model.fit(*texts)`.

    texts: strings, none of them empty.
    labels: strings, the class of each text.

    Example:
    >>> from rnn_tf.data import chinese_reviews
    >>> reviews = chinese_reviews()
    >>> reviews
    Texts(480: negative 240, positive 240)
    >>> len(reviews.texts), reviews.labels[0]
    (480, 'negative')
    """

    texts: list[str]
    labels: list[str]

    def __repr__(self) -> str:
        counts = ", ".join(f"{label} {count}" for label, count in sorted(Counter(self.labels).items()))
        return f"Texts({len(self.texts)}: {counts})"


class TextSplit(NamedTuple):
    """What `split_texts` returns: a part to train on, a part to test on, and how many rows are duplicates.

    Example:
    >>> from rnn_tf.data import chinese_reviews, split_texts
    >>> train, test, duplicates = split_texts(chinese_reviews(), test=0.2)
    >>> len(train.texts), len(test.texts), duplicates
    (384, 96, 0)
    """

    train: Texts
    test: Texts
    duplicates: int


def read_texts(path: str | PathLike[str], text: str = "text", label: str = "label") -> Texts:
    r"""Texts and labels from a TSV, CSV or JSON-lines file in UTF-8.

    The end of the file's name says how it is read; each may be compressed, with .gz after it:

        .tsv              first line of column names, cells separated by tabs, quotes are part of the text
        .csv              first line of column names, cells separated by commas, semicolons or tabs, as the first line
                          tells, and quoted where needed as in RFC 4180
        .jsonl, .ndjson   a JSON object a line; labels may be strings, whole numbers, true or false

    Empty lines are passed over. Spaces around a label do not belong to it; texts stay as they are.

    Args:
        path: The file.
        text: Name of the column, or key, that holds the texts.
        label: Name of the column, or key, that holds the labels.

    Returns:
        `Texts`, in the order of the file.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the file's name has another end, or the file is empty, not UTF-8, damaged, lacks a column, or
            holds a row without text or label. The message names the line.

    Example:
    >>> import pathlib, tempfile
    >>> from rnn_tf.data import read_texts
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "reviews.tsv"
    >>> _ = path.write_text("label\ttext\ngood\tWarm, and the \"sea view\" is real.\nbad\tCold soup.\n")
    >>> read_texts(path).texts
    ['Warm, and the "sea view" is real.', 'Cold soup.']
    """
    path = Path(path)
    if path.is_file() and not kind_of(path):
        raise ValueError(
            "The name of a file of texts must end in .tsv, .csv or .jsonl (.ndjson), which says how it is read, or in "
            f"one of these and .gz. Received: {path.name!r}. Rename the file to what it holds."
        )
    table = read_table(path, [text, label])
    return Texts(texts_in(table, text), names_in(table, label, "a label"))


def texts_in(table: Table, column: str) -> list[str]:
    """The texts in a column, none of them empty, checked."""
    texts: list[str] = []
    for row, text in enumerate(table.cells(column)):
        if not isinstance(text, str) or not text.strip():
            raise ValueError(
                f"{table.place(row)}: {column!r} must hold a text. Received: {text!r:.80}. Correct it, or remove the "
                "line."
            )
        if HALF_CHARACTER.search(text):
            raise ValueError(
                f"{table.place(row)}: {column!r} must hold whole characters. Received: half a surrogate pair, as is "
                "left where an emoji was cut in two. Correct it, or remove the line."
            )
        texts.append(text)
    return texts


def split_texts(texts: Texts, test: float = 0.2, seed: int = 0) -> TextSplit:
    """A part of each class held out, drawn at random, with no text in both parts.

    A class of n rows gives `round(test * n)` of them to the test part, at least one. They are drawn from the texts
    that occur once: a text that occurs more than once, whatever its labels, stays in the training part in all its
    copies, since a model could know it by heart. If fewer texts of a class occur once, all of them are held out,
    but for one row to train on. Two texts are the same if they differ in nothing but spaces and capital letters.

    Args:
        texts: What to split, of two classes or more.
        test: Share of each class to hold out, between 0 and 1.
        seed: Another seed draws another part; the same one always draws the same.

    Returns:
        `TextSplit`: the parts `train` and `test`, both in the order of `texts`, and `duplicates`, the number of rows
        whose text occurs more than once.

    Raises:
        ValueError: If `test` is no such share, there are not as many labels as texts, there is one class only, or a
            class has no row that can be held out with another left to train on.

    Example:
    >>> from rnn_tf.data import Texts, split_texts
    >>> texts = Texts([f"text {i}" for i in range(10)], ["even", "odd"] * 5)
    >>> split_texts(texts, test=0.2).test.labels
    ['odd', 'even']
    """
    contents, labels = list(texts[0]), list(texts[1])
    if not 0 < test < 1:
        raise ValueError(f"`test` must be a share between 0 and 1. Received: test={test!r}.")
    if len(contents) != len(labels):
        raise ValueError(
            f"Each text must have a label. Received: {len(contents)} texts and {len(labels)} labels. Give "
            "`Texts(texts, labels)`."
        )
    classes = Counter(labels)
    if len(classes) < 2:
        raise ValueError(
            f"There must be two classes or more. Received: {', '.join(map(repr, classes)) or 'no texts'}. "
            "Add texts with another label."
        )
    keys = [normalized(content) for content in contents]
    copies = Counter(keys)
    once = np.array([copies[key] == 1 for key in keys])
    held_out = np.zeros(len(contents), bool)
    random = np.random.default_rng(seed)
    for name, rows in sorted(classes.items()):
        candidates = np.flatnonzero(once & (np.array(labels, object) == name))
        count = min(max(1, round(test * rows)), len(candidates), rows - 1)
        if count < 1:
            raise ValueError(
                f"Each class must have a text that occurs once to hold out, and another row to train on. Received: "
                f"class {name!r} has {rows} rows, {len(candidates)} with a text that occurs once. Add texts to it, or "
                "remove the class."
            )
        held_out[random.choice(candidates, count, replace=False)] = True

    def part(wanted: Iterable[np.bool_]) -> Texts:
        rows = [i for i, want in enumerate(wanted) if want]
        return Texts([contents[i] for i in rows], [labels[i] for i in rows])

    return TextSplit(part(~held_out), part(held_out), int((~once).sum()))


def normalized(text: str) -> str:
    """The text in small letters, its words one space apart."""
    return " ".join(text.split()).lower()
