"""A pandas DataFrame, asked as a `Table` is. pandas itself is not imported."""

import datetime
from typing import Any

import numpy as np

from rnn_tf._checks import numbers_of
from rnn_tf.data.tables import as_characters, check_names
from rnn_tf.data.times import Times, read_times

INDEX = "the index"  # stands for a DataFrame's times where they are its index


class Frame:
    """The columns of a DataFrame, each converted, and checked, when it is asked for."""

    path = "the DataFrame"

    def __init__(self, frame: Any) -> None:
        if frame.index.nlevels > 1 or frame.columns.nlevels > 1:
            raise ValueError(
                "A DataFrame must have one level of rows and of columns. Received: a MultiIndex. Call "
                "frame.reset_index() first, or select a part of the columns."
            )
        if not len(frame):
            raise ValueError("The DataFrame has no rows. It needs one for each time step.")
        self._frame = frame
        self.names = [str(name).strip() for name in frame.columns]
        kind = str(frame.index.dtype)
        if any(one in kind for one in ("datetime", "period", "object", "str", "category")):  # texts may be dates
            if INDEX in self.names:
                raise ValueError(f"No column may be named {INDEX!r}, as the DataFrame's own is. Rename the column.")
            self.names.append(INDEX)

    def __len__(self) -> int:
        return len(self._frame)

    def place(self, row: int) -> str:
        return f"the DataFrame, row {row}"

    def check_names(self, columns: Any) -> None:
        check_names(self.path, self.names, columns)

    def cells(self, column: str) -> list[Any]:
        return list(self._column(column))

    def numbers(self, column: str) -> np.ndarray:
        """A column as float64 `[rows]`. Raises ValueError for anything else than finite numbers."""
        self.check_names([column])
        series = self._column(column)
        missing = np.asarray(series.isna())
        if missing.any():
            raise ValueError(
                f"{self.place(int(np.argmax(missing)))}: column {column!r} must hold finite numbers. Received: a "
                "missing value. Fill the gap, as by frame.interpolate(), or remove the row."
            )
        values = numbers_of(column, series.to_numpy()).astype(np.float64)
        if not np.isfinite(values).all():
            row = int(np.argmin(np.isfinite(values)))
            raise ValueError(
                f"{self.place(row)}: column {column!r} must hold finite numbers. Received: {values[row]}. Correct it, "
                "or remove the row."
            )
        return values

    def holds_numbers(self, column: str) -> bool:
        try:
            self.numbers(column)
        except ValueError:
            return False
        return True

    def characters(self, column: str, rows: slice = slice(None)) -> np.ndarray | None:
        return as_characters(self.cells(column)[rows])

    def times(self, column: str) -> Times | None:
        """A column of dates, as pandas knows them or as texts; None if it holds something else."""
        series = self._column(column)
        if "period" in str(series.dtype):
            series = series.dt.to_timestamp()
        if "datetime" not in str(series.dtype):
            if not all(isinstance(cell, datetime.date) for cell in series):
                return read_times(self.characters(column))
            series = _as_datetimes(series)
        if series.isna().any():
            raise ValueError(
                f"{self.place(int(np.argmax(series.isna())))}: column {column!r} must hold a time. Received: a missing "
                "one. Fill it in, or remove the row."
            )
        offset = None
        if series.dt.tz is not None:
            series, offset = series.dt.tz_convert("UTC").dt.tz_localize(None), 0
        moments = series.to_numpy().astype("datetime64[us]")
        whole_days = offset is None and bool((moments == moments.astype("datetime64[D]")).all())
        return Times(moments, "D" if whole_days else None, offset)

    def _column(self, column: str) -> Any:
        if column == INDEX:
            return self._frame.index.to_series()
        return self._frame.iloc[:, self.names.index(column)]


def _as_datetimes(series: Any) -> Any:
    """A column of Python's dates or datetimes without a zone as pandas's own."""
    if any(getattr(cell, "tzinfo", None) is not None for cell in series):
        raise ValueError(
            "Dates with zones must be pandas's own. Received: Python's. Convert the column first, as by "
            "pandas.to_datetime(column, utc=True)."
        )
    return series.astype("datetime64[us]")
