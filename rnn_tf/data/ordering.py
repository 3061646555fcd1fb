"""Which column tells the times of a table's rows, and the order that they are in."""

import re
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from rnn_tf.data.times import (
    WRITE_DATES,
    AmbiguousDateError,
    Steps,
    Times,
    may_be_times,
    read_times_of_day,
    steps_of,
    written,
)

TAKE_AS_THEY_COME = "say time=False (on the command line --no-time) to take the rows as they come, one a step"

MONTH = (
    "(jan(uary)?|feb(ruary)?|mar(ch)?|apr(il)?|may|june?|july?|aug(ust)?|sept?(ember)?|oct(ober)?|nov(ember)?"
    "|dec(ember)?)"
)
LIKE_A_DATE = re.compile(
    rf"""\d{{1,4}}([-/.])\d{{1,2}}\1\d{{1,4}}\b  # 2024-12-31, 12/31/24
    |(\d{{1,2}}[-/. ]*)?{MONTH}[-/., ]*(\d{{1,2}},?[ ]+)?'?\d{{2,4}}\b  # 31-Dec-24, Dec 31, 2024, Dec 2024
    |\d{{4}}[-/ ]?[QW][ ]?\d{{1,2}}\b|Q\d[-/ ]?\d{{4}}\b  # quarters and weeks
    |\d{{4}}[-/]\d{{1,2}}(?![^ T])  # 2024-12
    |(19|20)\d\d(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])$  # 20241231
    """,
    re.ASCII | re.IGNORECASE | re.VERBOSE,
)


class FoundTimes(NamedTuple):
    """The times of all rows, `[rows]`, and where they were found; see `Times`."""

    column: str
    values: np.ndarray
    unit: str | None = None
    offset: int | None = None


class Order(NamedTuple):
    """The rows in the order of time, series by series; the steps of each; and sentences on what was found."""

    rows: np.ndarray
    steps: dict[str | None, Steps]
    notes: list[str]


def find_times(table: Any, asked: Sequence[str], time: str | bool | None) -> FoundTimes | None:
    """The times in the column `time`, or in the one column besides those asked for that holds dates; or none."""
    if isinstance(time, str):
        times = _times(table, time)
        if times is None and table.holds_numbers(time):
            return FoundTimes(time, table.numbers(time))
        if times is None:
            raise ValueError(
                f"{table.path}: column {time!r} must hold a date or a number in every row. Received: "
                f"{table.cells(time)[0]!r:.60} in the first. {WRITE_DATES}; or {TAKE_AS_THEY_COME}."
            )
        return FoundTimes(time, *times)
    others = [name for name in dict.fromkeys(table.names) if name not in asked and table.names.count(name) == 1]
    others = [name for name in others if may_be_times(table.characters(name, slice(1)))]  # most columns are not
    found = {name: times for name in others if (times := _times(table, name)) is not None}
    if not found:
        _check_unread(table, [name for name in table.names if name not in asked and table.names.count(name) == 1])
        return None
    if len(found) > 1:
        raise ValueError(
            f"{table.path}: one column must tell the times. Received: dates in {', '.join(map(repr, found))}. Name it, "
            f"as in time={next(iter(found))!r} (on the command line --time); or {TAKE_AS_THEY_COME}."
        )
    ((name, times),) = found.items()
    if times.unit:  # the time of day may have a column of its own
        clocks = {one: clock for one in others if (clock := read_times_of_day(table.characters(one))) is not None}
        if len(clocks) == 1:
            ((other, clock),) = clocks.items()
            return FoundTimes(f"{name} and {other}", times.moments + clock)
    return FoundTimes(name, *times)


def _check_unread(table: Any, columns: Sequence[str]) -> None:
    """Raise ValueError for a column of dates that cannot be read: without them a wrong order passes unnoticed."""
    for column in columns:
        first = table.characters(column, slice(1))  # most columns are done here
        if first is None or not LIKE_A_DATE.match(bytes(first[0]).decode().strip()):
            continue
        cells = [cell.strip() if isinstance(cell, str) else "" for cell in table.cells(column)]
        fits = [LIKE_A_DATE.match(cell) is not None for cell in cells]
        if 2 * sum(fits) <= len(fits):
            continue
        row = fits.index(False) if False in fits else 0
        what = "a cell that is no date" if False in fits else "dates in a form that is not read, or in several"
        raise ValueError(
            f"{table.place(row)}: the times in {column!r} must be dates of one form in every row. Received: {what}, "
            f"{cells[row]!r:.60}. {WRITE_DATES}, and remove rows of totals; or {TAKE_AS_THEY_COME}."
        )


def _times(table: Any, column: str) -> Times | None:
    try:
        times: Times | None = table.times(column)
    except AmbiguousDateError as error:
        raise ValueError(f"{table.path}, column {column!r}: {error} Or {TAKE_AS_THEY_COME}.") from None
    return times


def in_order(table: Any, times: FoundTimes | None, groups: Sequence[str] | None) -> Order:
    """The rows series by series, each from its oldest to its newest.

    Raises:
        ValueError: If the times of a series go forward and back, occur twice, or keep no step.
    """
    rows_of: dict[str | None, np.ndarray] = {None: np.arange(len(table))}
    if groups is not None:
        names = np.array(groups, object)
        rows_of = {name: np.flatnonzero(names == name) for name in dict.fromkeys(groups)}
    if times is None:
        return Order(np.concatenate(list(rows_of.values())), {}, [])
    notes, steps, turned = [], {}, []
    for name, rows in rows_of.items():
        moments = times.values[rows]
        if len(rows) > 1 and (np.diff(moments) < _zero(moments)).all():
            rows_of[name] = rows = rows[::-1]
            moments = times.values[rows]
            turned.append(name)
        _check_forward(table, times, rows, moments, name)
        of_one = steps_of(moments)
        if of_one is None:
            spans = np.diff(moments)
            raise ValueError(
                f"{table.path}: the times in {times.column!r}{_of(name)} must keep a step. Received: from "
                f"{_shown(spans.min())} to {_shown(spans.max())} between two rows. Bring the series to one step, as by "
                f"means over each hour; or {TAKE_AS_THEY_COME}."
            )
        steps[name] = of_one
    if turned:
        which = "" if turned == [None] or len(turned) == len(rows_of) else f" of {', '.join(map(repr, turned))}"
        notes.append(f"The rows{which} begin with the newest, and were turned round.")
    notes += list(dict.fromkeys(one.note for one in steps.values() if one.note))
    missing = sum(one.missing for one in steps.values())
    if missing:
        step = " or ".join(dict.fromkeys(one.name for one in steps.values()))
        notes.append(f"Steps are missing: {missing}, each of {step}.")
    return Order(np.concatenate(list(rows_of.values())), steps, notes)


def _check_forward(table: Any, times: FoundTimes, rows: np.ndarray, moments: np.ndarray, name: str | None) -> None:
    distances = np.diff(moments)
    wrong = distances <= _zero(moments)
    if not wrong.any():
        return
    i = int(np.argmax(wrong))
    first, second = written(moments[[i, i + 1]], times.unit, times.offset)
    twice = "the same time" if first == second else "an earlier time"
    remedy = ""
    if name is None:
        tells = _tells_apart(table, times)
        remedy = (
            f"If these are several series, say group={tells!r} (on the command line --group), which tells them apart; "
            if tells
            else "If these are several series, name the column that tells them apart by group (on the command line "
            "--group); "
        )
    if not times.unit and first == second:
        remedy += "where summer time ended, write times in UTC; "
    raise ValueError(
        f"{table.place(int(rows[i + 1]))}: times{_of(name)} must go forward. Received: {second} after {first}, "
        f"{twice}. {remedy}else sort the rows by {times.column!r}, and keep one a time; or {TAKE_AS_THEY_COME}."
    )


def _tells_apart(table: Any, times: FoundTimes) -> str | None:
    """A column in whose groups the times go forward, or back, throughout."""
    for column in table.names:
        if column in times.column.split(" and ") or table.names.count(column) > 1:
            continue
        cells = np.array([str(cell).strip() for cell in table.cells(column)], object)
        names = list(dict.fromkeys(cells.tolist()))
        if not 2 <= len(names) <= len(cells) // 2:
            continue
        spans = [np.diff(times.values[cells == name]) for name in names]
        if all((one > _zero(times.values)).all() or (one < _zero(times.values)).all() for one in spans):
            return str(column)
    return None


def _zero(times: np.ndarray) -> Any:
    return np.timedelta64(0, "us") if times.dtype.kind == "M" else 0.0


def _of(name: str | None) -> str:
    return "" if name is None else f" of {name!r}"


def _shown(span: Any) -> str:
    return str(span.astype("timedelta64[s]")) if isinstance(span, np.timedelta64) else f"{span:g}"
