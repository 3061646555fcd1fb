"""The times of a series' rows: read, put in order, and looked at for steps that are missing."""

import re
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

CLOCK = (
    r"(?P<hour>\d\d?):(?P<minute>\d\d)(:(?P<seconds>\d\d)([.,](?P<fraction>\d{1,9}))?)?( ?(?P<half>[AaPp][Mm]))?"
    r"( ?(?P<zone>Z|UTC|[+-](?P<offset_hours>\d\d):?(?P<offset_minutes>\d\d)))?"
)
DATES = (
    r"(?P<year>\d{4})[-/](?P<month>\d\d?)",  # a month
    r"(?P<year>\d{4})(?P<mark>[-/.])(?P<month>\d\d?)(?P=mark)(?P<day>\d\d?)",
    r"(?P<day>\d\d?)\.(?P<month>\d\d?)\.(?P<year>\d{4})",  # a point says that the day comes first
    r"(?P<first>\d\d?)(?P<mark>[-/])(?P<second>\d\d?)(?P=mark)(?P<year>\d{4})",  # the column tells which is the day
)
DATE = [re.compile(rf"{date}( *[T ] *{CLOCK})?\s*", re.ASCII) for date in DATES]
TIME_OF_DAY = re.compile(rf"{CLOCK}\s*", re.ASCII)
WRITE_DATES = "Write dates as 2024-12-31, and times as 2024-12-31 23:59:59 or, with a zone, 2024-12-31T23:59:59+01:00"
DIGIT = ord("0")
DAY = 86_400_000_000  # microseconds
JITTER = 0.25  # of a step: how far it may be off


class Times(NamedTuple):
    """What the cells of a column say.

    moments: datetime64[us] `[rows]`, in UTC where the cells name a zone.
    unit: "M" for months and "D" for days without a time of day, None for times.
    offset: Minutes that the cells' zone is ahead of UTC, 0 where they name several, None where they name none.
    """

    moments: np.ndarray
    unit: str | None
    offset: int | None = None


class AmbiguousDateError(ValueError):
    """Dates that may be read in two ways."""


class Steps(NamedTuple):
    """How far it is from one row to the next.

    name: Such as "1 day", "1 month", "weekdays".
    follows: Bools `[rows - 1]`, whether a row is the next step after the one before it.
    missing: How many steps are missing between the rows.
    after: Gives of the last time and a count the times that come next.
    note: A sentence on what was taken for granted, or nothing.
    """

    name: str
    follows: np.ndarray
    missing: int
    after: Callable[[Any, int], np.ndarray]
    note: str = ""


def read_times(characters: np.ndarray | None) -> Times | None:
    """The times that a column's characters `[rows, width]` say, or None if one of them is no date.

    Cells that differ in nothing but digits are read at once.

    Raises:
        AmbiguousDateError: If nothing in the column tells whether 01/02/2024 is in January or in February.
    """
    if characters is None or not len(characters):
        return None
    fields = _fields(characters, DATE)
    if fields is None:
        return None
    if "first" in fields:
        if fields["first"].max() > 12:
            fields["day"], fields["month"] = fields["first"], fields["second"]
        elif fields["second"].max() > 12:
            fields["month"], fields["day"] = fields["first"], fields["second"]
        else:
            cell = bytes(characters[0]).decode().strip()
            raise AmbiguousDateError(
                f"Dates must say which number is the day. Received: {cell!r}, and no day above 12 in the column. "
                f"{WRITE_DATES}."
            )
    year, month, day = fields["year"], fields["month"], fields.get("day", np.ones_like(fields["year"]))
    if month.min() < 1 or month.max() > 12 or day.min() < 1 or year.min() < 1:
        return None
    months = (year - 1970) * 12 + month - 1
    days = months.astype("datetime64[M]").astype("datetime64[D]")
    lengths = ((months + 1).astype("datetime64[M]").astype("datetime64[D]") - days).astype(np.int64)
    clock = _microseconds(fields)
    if (day > lengths).any() or clock is None:
        return None
    moments = (days + (day - 1)).astype("datetime64[us]") + clock
    offset: int | None = None
    if "zone" in fields:
        minutes = np.unique(_offset(fields))
        offset = int(minutes[0]) if len(minutes) == 1 else 0
    unit = None if "hour" in fields else "D" if "day" in fields else "M"
    return Times(moments, unit, offset)


def may_be_times(characters: np.ndarray | None) -> bool:
    """Whether the first cell looks like a date or a time of day; None, what is no text, may be one all the same."""
    return characters is None or _fields(characters[:1], [*DATE, TIME_OF_DAY]) is not None


def read_times_of_day(characters: np.ndarray | None) -> np.ndarray | None:
    """Microseconds since midnight `[rows]`, or None if a cell is no time of day."""
    fields = None if characters is None or not len(characters) else _fields(characters, [TIME_OF_DAY])
    return None if fields is None or "zone" in fields else _microseconds(fields)


def _fields(characters: np.ndarray, forms: Sequence[re.Pattern[str]]) -> dict[str, np.ndarray] | None:
    """The numbers in the cells by their names, int64 `[rows]`, if one of the forms fits all cells."""
    digits = (characters >= DIGIT) & (characters <= DIGIT + 9)
    templates = np.ascontiguousarray(np.where(digits, np.uint8(DIGIT), characters))
    templates = templates.view(f"S{templates.shape[1]}")[:, 0]
    left = np.ones(len(templates), bool)
    form: re.Pattern[str] | None = None
    fields: dict[str, np.ndarray] = {}
    while left.any():
        row = int(np.argmax(left))
        rows = np.flatnonzero(left & (templates == templates[row]))
        cell = bytes(characters[row]).decode("latin-1")
        forms = forms if form is None else [form]
        match = next((found for one in forms if (found := one.fullmatch(cell.rstrip(" ")))), None)
        if match is None:
            return None
        names = {name for name, text in match.groupdict().items() if text is not None} - {"mark"}
        if form is not None and names - {"fraction", "seconds"} != set(fields) - {"fraction", "seconds"}:
            return None  # some with a time of day or a zone, others without
        form = match.re
        for name in names:
            values = fields.setdefault(name, np.zeros(len(templates), np.int64))
            values[rows] = _values(name, match, characters[rows])
        left[rows] = False
    return fields


def _values(name: str, match: re.Match[str], characters: np.ndarray) -> Any:
    """One field of cells that are alike but for their digits."""
    if name == "half":
        return match[name].lower() == "pm"
    if name == "zone":
        return -1 if match[name].startswith("-") else 1
    start, end = match.span(name)
    powers = 10 ** np.arange(end - start)[::-1]
    values = (characters[:, start:end].astype(np.int64) - DIGIT) @ powers
    return values * 10 ** max(0, 6 - (end - start)) // 10 ** max(0, end - start - 6) if name == "fraction" else values


def _microseconds(fields: dict[str, np.ndarray]) -> Any:
    """Since midnight, in UTC where there is a zone; None if there is no such time of day."""
    if "hour" not in fields:
        return 0
    hour, minute, second = fields["hour"], fields["minute"], fields.get("seconds", 0)
    if "half" in fields:
        if hour.min() < 1 or hour.max() > 12:
            return None
        hour = hour % 12 + 12 * fields["half"]
    if hour.max() > 23 or minute.max() > 59 or np.max(second) > 59:
        return None
    return ((hour * 60 + minute - _offset(fields)) * 60 + second) * 1_000_000 + fields.get("fraction", 0)


def _offset(fields: dict[str, np.ndarray]) -> Any:
    """Minutes ahead of UTC."""
    return fields.get("zone", 0) * (60 * fields.get("offset_hours", 0) + fields.get("offset_minutes", 0))


def steps_of(times: np.ndarray) -> Steps | None:
    """How far it is between times that go forward; None if they keep no step.

    - Months: all times are of one day of the month, or the last day of it.
    - Weekdays: dates from Monday to Friday alone. Up to four that are missing in a row are taken for holidays.
    - Else the most frequent distance, from which single ones may be off by a quarter. A distance of twice or more of
      it says that steps are missing.

    Args:
        times: datetime64[us] or float64 `[rows]`.
    """
    if len(times) < 2:
        return Steps("one row", np.zeros(0, bool), 0, lambda last, count: np.full(count, last))
    if times.dtype.kind == "M":
        steps = _months(times) or _weekdays(times)
        if steps is not None:
            return steps
    distances = np.diff(times).astype(np.float64)
    values, counts = np.unique(distances, return_counts=True)
    step = values[np.argmax(counts)] if counts.max() > 0.3 * len(distances) else np.median(distances)
    whole = np.maximum(1, np.rint(distances / step))
    if (np.abs(distances / step - whole) > JITTER * whole.clip(max=2)).any():
        return None
    exact = times.dtype.type(0) + step if times.dtype.kind == "f" else np.timedelta64(round(step), "us")
    return Steps(
        _span(exact),
        whole == 1,
        int((whole - 1).sum()),
        lambda last, count: last + np.arange(1, count + 1) * exact,
    )


def _months(times: np.ndarray) -> Steps | None:
    months = times.astype("datetime64[M]")
    days = times.astype("datetime64[D]")
    next_month = (months + 1).astype("datetime64[D]")
    clock, day = times - days, days - months.astype("datetime64[D]")
    at_end = bool((next_month - days == np.timedelta64(1, "D")).all())
    if not (clock == clock[0]).all() or not (at_end or (day == day[0]).all()):
        return None
    distances = np.diff(months).astype(np.int64)
    values, counts = np.unique(distances, return_counts=True)
    step = int(values[np.argmax(counts)])
    if step < 1 or (distances % step).any():
        return None

    def after(last: Any, count: int) -> np.ndarray:
        month = last.astype("datetime64[M]") + step * np.arange(1, count + 1)
        start = (month + 1).astype("datetime64[D]") - np.timedelta64(1, "D") if at_end else month + day[0]
        return start.astype("datetime64[us]") + clock[0]

    name = f"{step} month{'s' * (step > 1)}" if step % 12 else f"{step // 12} year{'s' * (step > 12)}"
    return Steps(name, distances == step, int((distances // step - 1).sum()), after)


def _weekdays(times: np.ndarray) -> Steps | None:
    days = times.astype("datetime64[D]")
    clock = times - days
    distances = np.diff(days).astype(np.int64)
    daily = np.count_nonzero(distances == 1) > len(distances) / 2
    if not daily or not (clock == clock[0]).all() or not np.is_busday(days).all() or days[-1] - days[0] < 7:
        return None
    missing = np.busday_count(days[:-1], days[1:]) - 1
    holidays = int(missing[missing < 5].sum())
    note = (
        f"The dates are weekdays; {holidays} of them {'is' if holidays == 1 else 'are'} not there, "
        f"{'a holiday' if holidays == 1 else 'holidays'} by assumption."
        if holidays
        else ""
    )

    def after(last: Any, count: int) -> np.ndarray:
        return (
            np.busday_offset(last.astype("datetime64[D]"), np.arange(1, count + 1)).astype("datetime64[us]") + clock[0]
        )

    return Steps("weekdays", missing < 5, int(missing[missing >= 5].sum()), after, note)


def _span(step: Any) -> str:
    """A step in words."""
    if not isinstance(step, np.timedelta64):
        return f"{step:g}"
    left = int(step.astype(np.int64))
    for unit, size in (("day", DAY), ("hour", DAY // 24), ("minute", 60_000_000), ("second", 1_000_000)):
        if left % size == 0:
            return f"{left // size} {unit}{'s' * (left > size)}"
    return f"{left / 1e6:g} seconds"


def written(times: np.ndarray, unit: Any = None, offset: int | None = None) -> list[str]:
    """Times as they are written to a file: 2024-12, 2024-12-31, or 2024-12-31T23:59:59+01:00; see `Times`."""
    if times.dtype.kind != "M":
        return [f"{time:.10g}" for time in times]
    if unit is None:
        unit = "us" if (times.astype(np.int64) % 1_000_000).any() else "s"
    zone = ""
    if offset is not None:
        times = times + np.timedelta64(offset, "m")
        zone = f"{'-' if offset < 0 else '+'}{abs(offset) // 60:02d}:{abs(offset) % 60:02d}" if offset else "Z"
    return [f"{text}{zone}" for text in np.datetime_as_string(times, unit=unit, casting="unsafe")]
