"""Sequences of numbers from a file with one row a time step. Needs no TensorFlow."""

from collections import Counter
from typing import Any, NamedTuple

import numpy as np

from rnn_tf._checks import check_float32
from rnn_tf.data.tables import Table, check_one_use, names_in, read_table


class Sequences(NamedTuple):
    """What a file holds.

    ids: What names each sequence, in the order in which they begin.
    arrays: float32 `[timesteps, features]`, one a sequence.
    labels: The class of each, or empty.
    identifier: Name of the column of ids.
    features: Names of the columns of numbers.
    others: Columns that were left out, since they hold something else.
    """

    ids: list[str]
    arrays: list[np.ndarray]
    labels: list[str]
    identifier: str
    features: list[str]
    others: list[str]


def read_sequences(
    file: str,
    identifier: str,
    label: str | None = None,
    features: list[str] | None = None,
    time: str | None = None,
    decimal: str = ".",
) -> Sequences:
    """The sequences of a file, each the rows with one value in the column `identifier`.

    Args:
        file: CSV, TSV or JSON lines, see `read_table`.
        identifier: Column that says which sequence a row belongs to. Its rows stand together, or `time` orders them.
        label: Column of the class, the same in all rows of a sequence; None where they are not known.
        features: Columns of numbers. None takes all others that hold numbers.
        time: Column of dates or numbers that orders the rows of each sequence; None takes the order of the file.
        decimal: "." or ",".
    """
    asked = [name for name in (identifier, label, time) if name is not None]
    named = [*asked, *(features or [])]
    check_one_use(named)
    table = read_table(file, named, decimal=decimal)
    others: list[str] = []
    if features is None:
        candidates = [name for name in dict.fromkeys(table.names) if name not in asked]
        features = [name for name in candidates if begins_with_number(table, name, decimal)]
        others = [name for name in candidates if name not in features]
    if not features:
        raise ValueError(
            f"{file} must have a column of numbers besides {', '.join(map(repr, asked))}. Received: "
            f"{', '.join(map(repr, table.names))}. Name the columns to look at by --features."
        )
    values = np.stack([table.numbers(name) for name in features], axis=1)  # [rows, features]
    check_float32(file, values, features)
    rows_of = rows_of_sequences(table, identifier, time)
    return Sequences(
        list(rows_of),
        [values[rows].astype(np.float32) for rows in rows_of.values()],
        [] if label is None else labels_of(table, label, rows_of),
        identifier,
        features,
        others,
    )


def begins_with_number(table: Table, column: str, decimal: str) -> bool:
    """Whether a column's first cell is a number, so that the others must be, too."""
    cell = table.cells(column)[0]
    if isinstance(cell, str):
        try:
            float(cell.strip().replace(decimal, "."))
        except ValueError:
            return table.holds_numbers(column)
        return True
    return type(cell) in (int, float)


def rows_of_sequences(table: Table, identifier: str, time: str | None) -> dict[str, np.ndarray]:
    """The places of each sequence's rows, in their order."""
    names = names_in(table, identifier)
    places: dict[str, list[int]] = {}
    for row, name in enumerate(names):
        places.setdefault(name, []).append(row)
    rows_of = {name: np.array(rows) for name, rows in places.items()}
    if time is None:
        for name, rows in rows_of.items():
            if rows[-1] - rows[0] >= len(rows):
                row = int(rows[1 + np.argmax(np.diff(rows) > 1)])
                raise ValueError(
                    f"{table.place(row)}: the rows of a sequence must stand together. Received: {name!r} in column "
                    f"{identifier!r} again, after other rows. Give each sequence an id of its own, or say by --time "
                    "which column orders its rows."
                )
        return rows_of
    found = table.times(time)
    moments: Any = table.numbers(time) if found is None else found.moments
    for name, rows in rows_of.items():
        order = rows[np.argsort(moments[rows], kind="stable")]
        same = np.flatnonzero(moments[order[1:]] == moments[order[:-1]])
        if len(same):
            raise ValueError(
                f"{table.place(int(order[same[0] + 1]))}: the rows of a sequence must have times of their own. "
                f"Received: two rows of {name!r} with one time in column {time!r}. Give each sequence an id of its "
                "own, or remove the row."
            )
        rows_of[name] = order
    return rows_of


def labels_of(table: Table, column: str, rows_of: dict[str, np.ndarray]) -> list[str]:
    """The one label of each sequence."""
    cells, labels = names_in(table, column), []
    for name, rows in rows_of.items():
        label = cells[rows[0]]
        other = next((row for row in rows.tolist() if cells[row] != label), None)
        if other is not None:
            raise ValueError(
                f"{table.place(other)}: all rows of a sequence must have one label. Received: {cells[other]!r} in "
                f"column {column!r}, and {label!r} in another row of the sequence {name!r}. Correct it, or give the "
                "part an id of its own."
            )
        labels.append(label)
    return labels


def hold_out(labels: list[str], share: float, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Places of the sequences that stay and of those held out: of each class a share, at least one of each."""
    held_out = np.zeros(len(labels), bool)
    for name, count in sorted(Counter(labels).items()):
        if count < 2:
            raise ValueError(
                f"Each class must have sequences to train on, to stop the training and to test on, 3 at least (2 with "
                f"--test-file). Received: too few of {name!r}. Add sequences to it, or remove the class."
            )
        places = np.flatnonzero(np.array(labels, object) == name)
        held_out[random.choice(places, min(max(1, round(share * count)), count - 1), replace=False)] = True
    return np.flatnonzero(~held_out), np.flatnonzero(held_out)
