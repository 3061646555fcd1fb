"""One strict reader for the tables that people have: CSV, TSV and JSON lines. It needs no TensorFlow."""

import re
from collections.abc import Iterable, Sequence
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from rnn_tf.data.delimited import Cells
from rnn_tf.data.files import content_of, kind_of
from rnn_tf.data.json_lines import Records
from rnn_tf.data.times import Times, read_times

NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
DATE = re.compile(r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}([T ].*)?", re.ASCII)
LONGEST = 64  # characters of a number or a time


def _allowed(characters: str) -> np.ndarray:
    table = np.zeros(256, bool)
    table[[ord(character) for character in characters]] = True
    return table


ALLOWED = {".": _allowed("0123456789+-eE ."), ",": _allowed("0123456789+-eE ,")}


class Table:
    """The columns of a file; each is converted, and checked, when it is asked for.

    Attributes:
        path: The file.
        names: Names of the columns.
    """

    def __init__(self, path: Path, names: Sequence[str], rows: Cells | Records, decimal: str | None) -> None:
        self.path, self.names = path, list(names)
        self._rows, self._decimal = rows, decimal

    def __len__(self) -> int:
        return len(self._rows)

    def __repr__(self) -> str:
        return f"Table({str(self.path)!r}, {len(self)} rows: {', '.join(self.names)})"

    def check_names(self, columns: Iterable[str]) -> None:
        """Raise ValueError unless each is the name of one column."""
        check_names(self.path, self.names, columns)

    def cells(self, column: str) -> list[Any]:
        """A column as it stands: strings, or what JSON holds."""
        self.check_names([column])
        return self._rows.cells(self.names.index(column))

    def characters(self, column: str, rows: slice = slice(None)) -> np.ndarray | None:
        """A column's ASCII bytes `[rows, width]`, filled up with spaces; None if a cell is long or no string."""
        if isinstance(self._rows, Cells):
            return self._rows.characters(self.names.index(column), LONGEST, rows)
        return as_characters(self.cells(column)[rows])

    def numbers(self, column: str) -> np.ndarray:
        """A column as float64 `[rows]`. Raises ValueError at the first cell that is no finite number."""
        self.check_names([column])
        values = self._numbers(column)
        if values is None:
            row, cell = next(
                (row, cell) for row, cell in enumerate(self.cells(column)) if not _is_number(cell, self._decimal)
            )
            raise ValueError(
                f"{self.place(row)}: column {column!r} must hold finite numbers. Received: {cell!r:.80}. "
                f"{_why_no_number(cell, self._decimal)}"
            )
        return values

    def holds_numbers(self, column: str) -> bool:
        """Whether every cell of a column is a finite number."""
        return self._numbers(column) is not None

    def _numbers(self, column: str) -> np.ndarray | None:
        if self._decimal is None:
            cells = self.cells(column)
            return np.array(cells, np.float64) if all(_is_number(cell, None) for cell in cells) else None
        characters = self.characters(column)
        if characters is None or not ALLOWED[self._decimal][characters].all():  # a cast also takes "1_000" and "nan"
            return None
        if self._decimal == ",":
            characters = np.where(characters == ord(","), np.uint8(ord(".")), characters)
        texts = np.ascontiguousarray(characters).view(f"S{characters.shape[1]}")[:, 0]
        try:
            with np.errstate(over="ignore"):  # 1e999 becomes infinity
                values = texts.astype(np.float64)
        except ValueError:
            return None
        return values if np.isfinite(values).all() else None

    def times(self, column: str) -> Times | None:
        """A column of dates, with or without a time of day; None if it holds something else."""
        return read_times(self.characters(column))

    def place(self, row: int) -> str:
        """Where a row stands, for errors: `sales.csv, line 17`."""
        return f"{self.path}, line {self._rows.line(row)}"


def read_table(path: str | PathLike[str], columns: Iterable[str] = (), *, decimal: str = ".") -> Table:
    r"""A file of columns, strictly: what it does not say plainly is refused.

        .tsv              cells separated by tabs, quotes are part of the text
        .jsonl, .ndjson   a JSON object a line
        any other         CSV: cells separated by commas, semicolons or tabs, which the first line tells, and quoted
                          where needed, as in RFC 4180

    The first line of a CSV or TSV file names the columns, and every row has as many cells as it. Lines end with LF,
    CRLF or CR; empty lines are passed over. A name that ends in .gz says that the file is compressed.

    Args:
        path: The file, in UTF-8.
        columns: Names of columns that it must have.
        decimal: What stands between the units and the tenths of a number in a CSV or TSV file: "." or ",".

    Returns:
        `Table`.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the file is not in UTF-8, damaged or empty, a row has more or fewer cells than the first line, a
            quote is not closed, or there is not one column for each name. The message names the line.

    Example:
    >>> import pathlib, tempfile
    >>> from rnn_tf.data.tables import read_table
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "rooms.csv"
    >>> _ = path.write_text("day;temperature\nMonday;21,5\nTuesday;19\n")
    >>> read_table(path, ["temperature"], decimal=",").numbers("temperature")
    array([21.5, 19. ])
    """
    path, columns = Path(path), list(columns)
    if decimal not in (".", ","):
        raise ValueError(f"`decimal` must be '.' or ','. Received: decimal={decimal!r}.")
    if not path.is_file():
        raise FileNotFoundError(f"There is no file {str(path)!r}. Give the path of a CSV, TSV or JSON-lines file.")
    content = content_of(path)
    if kind_of(path) == "json":
        records = Records(path, content, columns)
        table = Table(path, records.names, records, None)
    else:
        cells = Cells(path, content, decimal)
        table = Table(path, cells.names, cells, decimal)
        unknown = [column for column in columns if column not in cells.names]
        if unknown and any(NUMBER.fullmatch(name) or DATE.fullmatch(name) for name in cells.names):
            raise ValueError(
                f"{path} must have a column {unknown[0]!r}. Received: a first line that looks like data, "
                f"{', '.join(map(repr, cells.names))}. Put a line of column names above it."
            )
        if unknown and len(cells.names) == 1 and kind_of(path) == "tsv":
            raise ValueError(
                f"{path} must have a column {unknown[0]!r}. Received: one column, {cells.names[0]!r}. In a .tsv file "
                "tabs stand between the columns; give one with commas or semicolons a name that ends in .csv."
            )
    table.check_names(columns)
    if not len(table):
        raise ValueError(f"{path} has no rows below its first line. It needs a line for each.")
    return table


def check_names(source: Any, names: Sequence[str], columns: Iterable[str]) -> None:
    """Raise ValueError unless each of `columns` is the name of one column of a source."""
    for column in columns:
        count = names.count(column)
        if count == 0:
            raise ValueError(
                f"{source} must have a column {column!r}. Received: {', '.join(map(repr, names)) or 'no names'}. Give "
                "one of these names."
            )
        if count > 1:
            raise ValueError(
                f"{source} has {count} columns {column!r}, so that the name does not say which is meant. Give each a "
                "name of its own."
            )


def check_one_use(columns: Sequence[str]) -> None:
    """Raise ValueError if a column is asked for twice."""
    twice = next((column for column in columns if columns.count(column) > 1), None)
    if twice is not None:
        raise ValueError(f"Each column has one use. Received: {twice!r} twice. Name it once.")


def names_in(table: Any, column: str, what: str = "a name") -> list[str]:
    """A column as names, without spaces around them: of labels, ids and groups. 5.0 of JSON is "5".

    Raises:
        ValueError: If a cell is empty, or neither a string, an integer, true nor false.
    """
    names = []
    for row, cell in enumerate(table.cells(column)):
        if isinstance(cell, float) and cell.is_integer():
            cell = int(cell)
        elif isinstance(cell, np.generic):
            cell = cell.item()
        if not isinstance(cell, (str, int)) or not str(cell).strip():
            raise ValueError(
                f"{table.place(row)}: {column!r} must hold {what}: a string, an integer, true or false, in every row. "
                f"Received: {cell!r:.80}. Correct it, or remove the line."
            )
        names.append(str(cell).strip())
    return names


def as_characters(cells: Sequence[Any]) -> np.ndarray | None:
    """Strings as ASCII bytes `[rows, width]`, filled up with spaces; None if one is long or no such string."""
    if not all(isinstance(cell, str) and cell.isascii() and len(cell) <= LONGEST for cell in cells):
        return None
    width = max(1, *map(len, cells))
    joined = "".join(cell.ljust(width) for cell in cells)
    return np.frombuffer(joined.encode(), np.uint8).reshape(-1, width)


def _is_number(cell: Any, decimal: str | None) -> bool:
    """Whether a cell is a finite number; with `decimal` None, one of JSON."""
    if decimal is None:
        try:
            return type(cell) in (int, float) and bool(np.isfinite(float(cell)))
        except OverflowError:
            return False
    cell = cell.strip(" ")
    if decimal == ",":
        cell = "" if "." in cell else cell.replace(",", ".")
    return len(cell) <= LONGEST and NUMBER.fullmatch(cell) is not None and bool(np.isfinite(float(cell)))


def _why_no_number(cell: Any, decimal: str | None) -> str:
    """The likely reason, and what to do."""
    if decimal is None:
        return "Write it as a number of JSON, or remove the line."
    cell = cell.strip()
    if not cell:
        return "Fill the gap or remove the line."
    if decimal == "." and re.fullmatch(r"[+-]?\d+,\d+", cell, re.ASCII):
        return "If its commas are decimal commas, say decimal=',' (on the command line --decimal ,); else remove them."
    if "," in cell or decimal == ",":
        return "Remove what separates the thousands, or correct it."
    return "Correct it, fill the gap or remove the line."
