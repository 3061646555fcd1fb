"""A series from a file or a DataFrame, looked at for gaps, cut into windows and split by time."""

import warnings
from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from rnn_tf._checks import check_float32, numbers_of, positive_integer
from rnn_tf.data.frames import Frame
from rnn_tf.data.ordering import FoundTimes, find_times, in_order
from rnn_tf.data.tables import Table, check_one_use, names_in, read_table
from rnn_tf.data.times import Steps, written


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


class Series:
    """Values in the order of time, one series or several, and where each can be cut into windows.

    Attributes:
        name: The file, as errors name it.
        values: float64 array `[rows, columns]`, the column to forecast first; the rows of one series stay together.
        times: `FoundTimes`, `[rows]`, or None where nothing tells them.
        groups: The name of the series that each row belongs to, or None if there is one series.
        notes: Sentences on what was found and done.
    """

    def __init__(
        self,
        name: str,
        values: np.ndarray,
        times: FoundTimes | None = None,
        groups: Sequence[str] | None = None,
        steps: dict[str | None, Steps] | None = None,
        notes: Sequence[str] = (),
    ) -> None:
        self.name, self.values, self.times, self.notes = name, values, times, list(notes)
        self.groups = None if groups is None else list(groups)
        self._steps = steps or {}
        group = np.zeros(len(values), np.int64)
        if self.groups is not None:
            numbers = {name: i for i, name in enumerate(dict.fromkeys(self.groups))}
            group = np.array([numbers[one] for one in self.groups])
        breaks = np.diff(group) != 0
        if times is not None:  # a gap ends a piece as the end of a series does
            inner = [steps_of_one.follows for steps_of_one in self._steps.values()]
            follows = np.ones(len(values) - 1, bool)
            starts = np.concatenate([[0], np.flatnonzero(breaks) + 1])
            for start, own in zip(starts, inner, strict=True):
                follows[start : start + len(own)] = own
            breaks |= ~follows
        self._group = group
        self._piece = np.concatenate([[0], np.cumsum(breaks)])

    def __len__(self) -> int:
        return len(self.values)

    def split(self, window: int, horizon: int = 1, test: float = 0.33) -> tuple[Windows, Windows]:
        """Windows before and after a cut in time; see `read_series`."""
        window, horizon = positive_integer("window", window), positive_integer("horizon", horizon)
        train, held_out = self.targets(window, horizon, test)
        if not len(train) or not len(held_out):
            before, after = np.count_nonzero(~self._held_out(test)), np.count_nonzero(self._held_out(test))
            longest = int(np.bincount(self._piece).max())
            pieces = f", the longest piece without a gap {longest}" if self._piece[-1] else ""
            raise ValueError(
                f"A window of {window} steps and a horizon of {horizon} need at least {window + horizon} rows to train "
                f"on and {horizon} to test on. Received: {self.name} has {len(self)} rows{pieces}, {before} before the "
                f"cut and {after} after it. Use a shorter window, or a longer series."
            )
        check_float32(self.name, self.values)
        return self._windows(train, window, horizon), self._windows(held_out, window, horizon)

    def targets(self, window: int, horizon: int, test: float) -> tuple[np.ndarray, np.ndarray]:
        """The rows of the first targets to train on, and to test on; none has a gap in its window or horizon."""
        held_out = self._held_out(test)
        rows = np.arange(window, len(self) - horizon + 1)
        whole = self._piece[rows - window] == self._piece[rows + horizon - 1]
        return rows[whole & ~held_out[rows + horizon - 1]], rows[whole & held_out[rows]]

    def lost(self, window: int, horizon: int = 1) -> int:
        """How many windows gaps cost."""
        rows = np.arange(window, len(self) - horizon + 1)
        first, last = rows - window, rows + horizon - 1
        return int(
            np.count_nonzero((self._group[first] == self._group[last]) & (self._piece[first] != self._piece[last]))
        )

    def windows_before(self, rows: np.ndarray, window: int, horizon: int = 1) -> Windows:
        """The windows that end just before these rows, and the targets from them on."""
        return self._windows(rows, window, horizon)

    def has_before(self, rows: np.ndarray, steps: int) -> np.ndarray:
        """Bools: whether that many steps stand before each of these rows without a gap."""
        first = rows - steps
        return (first >= 0) & (self._piece[np.maximum(first, 0)] == self._piece[rows])

    def ends(self, window: int) -> dict[str | None, np.ndarray]:
        """The last window `[window, columns]` of each series, to forecast from."""
        ends: dict[str | None, np.ndarray] = {}
        for name, rows in self._rows_of_groups().items():
            last = rows[-window:]
            if len(last) < window or self._piece[last[0]] != self._piece[last[-1]]:
                which = "" if name is None else f" of {name!r}"
                gap = ", with a gap in the last ones" if len(last) == window else ""
                raise ValueError(
                    f"A forecast needs {window} rows without a gap at the end{which}. Received: {self.name} has "
                    f"{len(rows)}{gap}. Give a longer series, or fill the gap."
                )
            ends[name] = self.values[last]
        return ends

    def next_times(self, name: str | None, count: int) -> list[str] | None:
        """The times of the steps after the end of a series, as text; None where the rows have no times."""
        if self.times is None:
            return None
        last = self.times.values[self._rows_of_groups()[name][-1]]
        return written(self._steps[name].after(last, count), self.times.unit, self.times.offset)

    def _rows_of_groups(self) -> dict[str | None, np.ndarray]:
        names = [None] if self.groups is None else list(dict.fromkeys(self.groups))
        return {name: np.flatnonzero(self._group == i) for i, name in enumerate(names)}

    def _held_out(self, test: float) -> np.ndarray:
        """Bools `[rows]`, whether a row comes after the cut: one moment for all series where times are known."""
        if not 0 < test < 1:
            raise ValueError(f"`test` must be a share between 0 and 1. Received: test={test!r}.")
        if self.groups is not None and self.times is not None:
            times = self.times.values
            return times >= np.sort(times)[int(len(self) * (1 - test))]
        held_out = np.zeros(len(self), bool)
        for rows in self._rows_of_groups().values():
            held_out[rows[int(len(rows) * (1 - test)) :]] = True
        return held_out

    def _windows(self, rows: np.ndarray, window: int, horizon: int) -> Windows:
        x = self.values[rows[:, np.newaxis] + np.arange(-window, 0)]  # [pairs, window, columns]
        y = self.values[rows[:, np.newaxis] + np.arange(horizon), 0]
        return Windows(x.astype(np.float32), y.astype(np.float32))


def load_series(
    source: Any,
    columns: Sequence[str],
    time: str | bool | None = None,
    group: str | None = None,
    decimal: str = ".",
) -> Series:
    """The named columns of a file or a DataFrame as a `Series`; see `read_series`."""
    columns = [column.strip() for column in columns]
    asked = [*columns, *([group] if group else []), *([time] if isinstance(time, str) else [])]
    check_one_use(asked)
    table: Table | Frame
    if hasattr(source, "columns") and hasattr(source, "iloc"):
        table = Frame(source)
        table.check_names(asked)
    else:
        table = read_table(source, asked, decimal=decimal)
    values = np.stack([table.numbers(column) for column in columns], axis=1)  # [rows, columns]
    groups = None if group is None else names_in(table, group)
    times = None if time is False else find_times(table, asked, time)
    order = in_order(table, times, groups)
    return Series(
        str(table.path),
        values[order.rows],
        times and times._replace(values=times.values[order.rows]),
        groups and [groups[row] for row in order.rows],
        order.steps,
        order.notes,
    )


def read_series(
    source: str | PathLike[str] | Any,
    column: str,
    window: int,
    horizon: int = 1,
    features: Sequence[str] = (),
    test: float = 0.33,
    *,
    time: str | bool | None = None,
    group: str | None = None,
    decimal: str = ".",
) -> tuple[Windows, Windows]:
    """Windows of a series in a file or a DataFrame, the last part of it held out.

    A window of steps t - window + 1, ..., t predicts steps t + 1, ..., t + horizon. The series is cut at row
    `int(rows * (1 - test))`. No training pair reaches past the cut; a test pair predicts only rows after it,
    from the rows just before them, as one would when the future comes.

    Where a column tells the times, rows that go back in time throughout are turned round; steps that are missing are
    never inside a window; rows out of order, and times that occur twice, are refused. Several series under each other
    need `group`: each is cut into windows by itself, and all of them at the same moment in time (without times, each at
    its own share). What was turned round or left out is said by a warning.

    Args:
        source: CSV, TSV or JSON-lines file in UTF-8 (see `rnn_tf.data.tables.read_table`), or a pandas DataFrame; one
            row a time step.
        column: Name of the column to forecast.
        window: Positive integer, steps to look back.
        horizon: Positive integer, steps to look ahead.
        features: Names of further columns to look at.
        test: Share of the rows to hold out, between 0 and 1.
        time: Name of the column that holds the times. None takes the one column, other than those named, that holds a
            date in every row, as 2024-12-31, 2024-12, 31.12.2024 or 12/31/2024, with or without a time of day; or the
            DatetimeIndex of a DataFrame. False takes the rows as they come, one a step, oldest first.
        group: Name of the column that tells several series apart.
        decimal: "," for a file with decimal commas.

    Returns:
        `(train, test)`, two `Windows`.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If there is no such column, a cell is no finite number, the times go forward and back, keep no
            step or may be read in two ways, an argument is out of range, or one of the two parts is shorter than a
            window and its horizon.

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
    window, horizon = positive_integer("window", window), positive_integer("horizon", horizon)
    series = load_series(source, [column, *features], time, group, decimal)
    parts = series.split(window, horizon, test)
    for note in [*series.notes, *lost_windows(series, window, horizon)]:
        warnings.warn(note, stacklevel=2)
    return parts


def lost_windows(series: Series, window: int, horizon: int) -> list[str]:
    """A sentence on the windows that gaps cost, if there are any."""
    lost = series.lost(window, horizon)
    return [f"The gaps cost {lost} windows, which would reach across one."] if lost else []


def windows(values: np.ndarray, window: int, horizon: int = 1, *, stride: int = 1) -> Windows:
    """All windows of a series, each with the values of its first column that follow it.

    Where an array of all windows would not fit into memory, `window_batches` makes them a batch at a time.

    Args:
        values: Array `[time, columns]`, the column to forecast first.
        window: Positive integer, steps to look back.
        horizon: Positive integer, steps to look ahead.
        stride: Positive integer, steps from one window to the next.

    Returns:
        `Windows`, for each `stride`-th step with a whole window behind it and a whole horizon before it.

    Raises:
        ValueError: If an argument is not a positive integer, or the series is too short, of another shape, no
            numbers, or of values that float32 cannot tell apart.

    Example:
    >>> import numpy as np
    >>> from rnn_tf.data import windows
    >>> x, y = windows(np.array([[1.0], [2.0], [3.0], [4.0], [5.0]]), window=2, horizon=2)
    >>> x[:, :, 0].tolist(), y.tolist()
    ([[1.0, 2.0], [2.0, 3.0]], [[3.0, 4.0], [4.0, 5.0]])
    """
    values, rows = checked_windows(values, window, horizon, stride)
    return Series("the series", values)._windows(rows, window, horizon)


def checked_windows(values: Any, window: int, horizon: int, stride: int) -> tuple[np.ndarray, np.ndarray]:
    """The series as float64 `[time, columns]`, and the rows of the first targets of its windows."""
    window, horizon = positive_integer("window", window), positive_integer("horizon", horizon)
    stride, values = positive_integer("stride", stride), numbers_of("values", values).astype(np.float64)
    if values.ndim != 2 or len(values) < window + horizon:
        raise ValueError(
            f"`values` must have shape [time, columns], with at least window + horizon = {window + horizon} steps. "
            f"Received: shape {values.shape}. For one column add an axis, as in values[:, None]."
        )
    check_float32("the series", values)
    return values, np.arange(window, len(values) - horizon + 1, stride, dtype=np.int64)


def read_columns(path: str | PathLike[str], columns: Sequence[str], *, decimal: str = ".") -> np.ndarray:
    """The named columns of a file as a float64 array `[rows, columns]`, in its order; errors as in `read_series`.

    Example:
    >>> import pathlib, tempfile
    >>> from rnn_tf.data import read_columns
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "sales.csv"
    >>> with open(path, "w") as file:
    ...     print("month,sales,price", "1,20,9.5", "2,30,9", sep=chr(10), file=file)
    >>> read_columns(path, ["price", "sales"]).tolist()
    [[9.5, 20.0], [9.0, 30.0]]
    """
    columns = [column.strip() for column in columns]
    table = read_table(Path(path), columns, decimal=decimal)
    return np.stack([table.numbers(column) for column in columns], axis=1)
