"""A series from a CSV file, cut into windows and split by time."""

import csv
from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import NamedTuple

import numpy as np

from rnn_tf._checks import positive_integer


class Windows(NamedTuple):
    """Pairs to learn from: `model.fit(*windows)`.

    x: float32 array `[pairs, window, columns]`, in the order of time, the target's column first.
    y: float32 array `[pairs, horizon]`, the values of the target that follow each window.

    Example:
    >>> from rnn_tf.data import jang_task
    >>> train, test = jang_task()
    >>> train
    Windows(x=float32 [500, 4, 1], y=float32 [500, 1])
    """

    x: np.ndarray
    y: np.ndarray

    def __repr__(self) -> str:
        return f"Windows(x={self.x.dtype} {list(self.x.shape)}, y={self.y.dtype} {list(self.y.shape)})"


def read_series(
    path: str | PathLike[str],
    column: str,
    window: int,
    horizon: int = 1,
    features: Sequence[str] = (),
    test: float = 0.33,
) -> tuple[Windows, Windows]:
    """Windows of a series in a CSV file, the last part of the file held out.

    A window of steps t - window + 1, ..., t predicts steps t + 1, ..., t + horizon. The file is cut at row
    `int(rows * (1 - test))`. No training pair reaches past the cut; a test pair predicts only rows after it,
    from the rows just before them, as one would when the future comes.

    Args:
        path: CSV file in UTF-8 with a first line of column names, one row a time step, oldest first.
        column: Name of the column to forecast.
        window: Positive integer, steps to look back.
        horizon: Positive integer, steps to look ahead.
        features: Names of further columns to look at.
        test: Share of the rows to hold out, between 0 and 1.

    Returns:
        `(train, test)`, two `Windows`.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the file has no such column, a cell is no finite number, an argument is out of range,
            or one of the two parts is shorter than a window and its horizon.

    Example:
    >>> import pathlib, tempfile
    >>> from rnn_tf.data import read_series
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "sales.csv"
    >>> with open(path, "w") as file:
    ...     print("month,sales", *(f"{i},{i % 12}" for i in range(60)), sep=chr(10), file=file)
    >>> train, test = read_series(path, column="sales", window=12, test=0.33)
    >>> train.x.shape, train.y.shape, test.x.shape
    ((28, 12, 1), (28, 1), (20, 12, 1))
    """
    return split_windows(read_columns(path, [column, *features]), window, horizon, test, str(path))


def split_windows(
    values: np.ndarray, window: int, horizon: int, test: float, name: str = "the series"
) -> tuple[Windows, Windows]:
    """Windows of `[time, columns]` before and after the cut; see `read_series`."""
    window, horizon = positive_integer("window", window), positive_integer("horizon", horizon)
    if not 0 < test < 1:
        raise ValueError(f"`test` must be a share between 0 and 1. Received: test={test!r}.")
    cut = int(len(values) * (1 - test))
    needed = window + horizon
    if cut < needed or len(values) - cut < horizon:
        raise ValueError(
            f"A window of {window} steps and a horizon of {horizon} need at least {needed} rows to train on and "
            f"{horizon} to test on. Received: {name} has {len(values)} rows, {cut} before the cut and "
            f"{len(values) - cut} after it. Use a shorter window, or a longer series."
        )
    return windows(values[:cut], window, horizon), windows(values[cut - window :], window, horizon)


def windows(values: np.ndarray, window: int, horizon: int = 1) -> Windows:
    """All windows of a series, each with the values of its first column that follow it.

    Args:
        values: Array `[time, columns]`, the column to forecast first.
        window: Positive integer, steps to look back.
        horizon: Positive integer, steps to look ahead.

    Returns:
        `Windows`, one for each step that has a whole window behind it and a whole horizon before it.

    Raises:
        ValueError: If `window` or `horizon` is not a positive integer, or the series is too short, of another shape,
            or of values that float32 cannot tell apart.

    Example:
    >>> import numpy as np
    >>> from rnn_tf.data import windows
    >>> x, y = windows(np.array([[1.0], [2.0], [3.0], [4.0], [5.0]]), window=2, horizon=2)
    >>> x[:, :, 0].tolist(), y.tolist()
    ([[1.0, 2.0], [2.0, 3.0]], [[3.0, 4.0], [4.0, 5.0]])
    """
    window, horizon = positive_integer("window", window), positive_integer("horizon", horizon)
    values = np.asarray(values, np.float64)
    if values.ndim != 2 or len(values) < window + horizon:
        raise ValueError(
            f"`values` must have shape [time, columns], with at least window + horizon = {window + horizon} steps. "
            f"Received: shape {values.shape}. For one column add an axis, as in values[:, None]."
        )
    if (np.abs(values - values.astype(np.float32)).max(axis=0) > 1e-3 * values.std(axis=0)).any():
        raise ValueError(
            "A series must be told apart in float32, which keeps 7 digits. Received: values near "
            f"{values[0].tolist()} that differ by less. Subtract what they have in common."
        )
    slices = np.lib.stride_tricks.sliding_window_view(values, window + horizon, axis=0)  # [pairs, columns, steps]
    x = slices[:, :, :window].transpose(0, 2, 1)  # [pairs, window, columns]
    return Windows(x.astype(np.float32), slices[:, 0, window:].astype(np.float32))


def read_columns(path: str | PathLike[str], columns: Sequence[str]) -> np.ndarray:
    """The named columns of a CSV file as a float64 array `[rows, columns]`; errors as in `read_series`.

    Example:
    >>> import pathlib, tempfile
    >>> from rnn_tf.data import read_columns
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "sales.csv"
    >>> with open(path, "w") as file:
    ...     print("month,sales,price", "1,20,9.5", "2,30,9", sep=chr(10), file=file)
    >>> read_columns(path, ["price", "sales"]).tolist()
    [[9.5, 20.0], [9.0, 30.0]]
    """
    path, columns = Path(path), [column.strip() for column in columns]
    if not path.is_file():
        raise FileNotFoundError(f"There is no file {str(path)!r}. Give the path of a CSV file.")
    with open(path, newline="", encoding="utf-8-sig") as file:
        try:
            rows = list(csv.reader(file))
        except (UnicodeDecodeError, csv.Error) as error:
            raise ValueError(f"{path} is not a CSV file in UTF-8: {error}.") from None
    header = [name.strip() for name in rows[0]] if rows else []
    for column in columns:
        if column not in header:
            raise ValueError(
                f"{path} must have a column {column!r}. Received: the first line names "
                f"{', '.join(map(repr, header)) or 'nothing'}. Columns are separated by commas."
            )
    places = [header.index(column) for column in columns]
    values = []
    for line, row in enumerate(rows[1:], start=2):
        if not row:  # an empty line
            continue
        for column, place in zip(columns, places, strict=True):
            cell = row[place].strip() if place < len(row) else ""
            try:
                value = float(cell)
            except ValueError:
                value = np.nan
            if not np.isfinite(value):
                raise ValueError(
                    f"{path}, line {line}: column {column!r} must hold finite numbers. Received: {cell!r}. "
                    "Correct it, fill the gap or remove the line."
                )
            values.append(value)
    if not values:
        raise ValueError(f"{path} has no rows below its first line. A series needs one row for each time step.")
    return np.array(values).reshape(-1, len(columns))
