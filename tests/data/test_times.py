"""A file with a time column is looked at before anything is learned from it."""

import datetime
import re
import warnings

import numpy as np
import pandas
import pytest

from rnn_tf.data import read_series
from rnn_tf.data.series import load_series, lost_windows

DAY, HOUR = datetime.timedelta(days=1), datetime.timedelta(hours=1)
START = datetime.datetime(2024, 1, 1)


def stamps(count, step=DAY, form="%Y-%m-%d", start=START):
    return [(start + i * step).strftime(form) for i in range(count)]


def months(count, form):
    return [datetime.date(2023 + i // 12, 1 + i % 12, 1).strftime(form) for i in range(count)]


@pytest.fixture
def write(tmp_path):
    def write(times, values=None, name="prices.csv"):
        values = range(len(times)) if values is None else values
        path = tmp_path / name
        path.write_text("when,price\n" + "".join(f"{t},{v}\n" for t, v in zip(times, values, strict=True)))
        return path

    return write


@pytest.mark.parametrize(
    ("times", "following"),
    [
        (stamps(30), ["2024-01-31", "2024-02-01"]),
        (stamps(30, form="%Y/%m/%d"), ["2024-01-31", "2024-02-01"]),
        (stamps(30, form="%d.%m.%Y"), ["2024-01-31", "2024-02-01"]),
        (stamps(30, form="%d/%m/%Y"), ["2024-01-31", "2024-02-01"]),
        (stamps(30, form="%m/%d/%Y"), ["2024-01-31", "2024-02-01"]),
        (stamps(30, form="%d-%m-%Y"), ["2024-01-31", "2024-02-01"]),
        (stamps(30, HOUR, "%Y-%m-%d %H:%M"), ["2024-01-02T06:00:00", "2024-01-02T07:00:00"]),
        (stamps(30, HOUR, "%Y-%m-%dT%H:%M:%SZ"), ["2024-01-02T06:00:00Z", "2024-01-02T07:00:00Z"]),
        (stamps(30, HOUR, "%Y-%m-%dT%H:%M:%S-03:30"), ["2024-01-02T06:00:00-03:30", "2024-01-02T07:00:00-03:30"]),
        (stamps(30, HOUR, "%m/%d/%Y %I:%M %p", START + 14 * DAY), ["2024-01-16T06:00:00", "2024-01-16T07:00:00"]),
        (stamps(30, HOUR / 3600 / 4, "%Y-%m-%d %H:%M:%S.%f"), ["2024-01-01T00:00:07.500000"]),
        (months(30, "%Y-%m-%d"), ["2025-07-01", "2025-08-01"]),
        (months(30, "%Y-%m"), ["2025-07", "2025-08"]),
        (["2023-12-31", "2024-01-31", "2024-02-29", *["2024-03-31", "2024-04-30"]], ["2024-05-31", "2024-06-30"]),
        ([f"{year}-07-01" for year in range(1990, 2020)], ["2020-07-01", "2021-07-01"]),
        ([day for day in stamps(33) if datetime.date.fromisoformat(day).weekday() < 5], ["2024-02-05", "2024-02-06"]),
    ],
)
def test_times_are_found_and_go_on(write, times, following):
    series = load_series(write(times), ["price"])
    assert series.next_times(None, len(following)) == following
    assert series.notes == []
    assert len(series.targets(2, 1, 0.3)[0]) > 0
    assert series.lost(2) == 0


def test_clocks_have_a_column_of_their_own(tmp_path):
    path = tmp_path / "readings.csv"
    rows = [(START + i * HOUR).strftime("%Y-%m-%d,%H:%M") for i in range(30)]
    path.write_text("date,time,price\n" + "".join(f"{row},{i}\n" for i, row in enumerate(rows)))
    series = load_series(path, ["price"])
    assert series.times.column == "date and time"
    assert series.next_times(None, 1) == ["2024-01-02T06:00:00"]


def test_what_is_no_date_leaves_the_rows_as_they_come(write):
    for times in (
        range(30, 0, -1),
        [f"m{i}" for i in range(30)],
        [f"20240101{i:02d}" for i in range(30)],
        ["soon", *stamps(9), *["later"] * 20],
    ):
        series = load_series(write(times), ["price"])
        assert series.times is None
        assert series.values[:, 0].tolist() == list(range(30))


@pytest.mark.parametrize("times", [stamps(40), months(40, "%Y-%m"), stamps(40, HOUR, "%Y-%m-%d %H:%M")])
def test_newest_first_is_turned_round_and_said(write, times):
    path = write(times[::-1], range(40)[::-1])
    with pytest.warns(UserWarning, match="begin with the newest, and were turned round"):
        train, test = read_series(path, "price", window=3)
    expected = read_series(write(times), "price", window=3)
    for part, wanted in zip((train, test), expected, strict=True):
        np.testing.assert_array_equal(part.x, wanted.x)
        np.testing.assert_array_equal(part.y, wanted.y)


@pytest.mark.parametrize(
    ("times", "message"),
    [
        ([*stamps(20), stamps(20)[3]], r"line 22: times must go forward\. Received: 2024-01-04 after 2024-01-20, an"),
        ([*stamps(20), stamps(20)[-1]], r"line 22: .* Received: 2024-01-20 after 2024-01-20, the same time"),
        ([*stamps(9), *stamps(9)], r"line 11: .* Received: 2024-01-01 after 2024-01-09, an earlier time"),
        ([*stamps(9)[::-1], "2024-02-01"], r"line 3: .* Received: 2024-01-08 after 2024-01-09"),
        (stamps(11, form="%m/%d/%Y"), r"'when': Dates must say which number is the day\. Received: '01/01/2024'"),
        (
            ["2024-10-27 01:00", "2024-10-27 02:00", "2024-10-27 02:00", "2024-10-27 03:00"],
            r"line 4: .* where summer time ended, write times in UTC",
        ),
        ([(START + i * i * DAY).strftime("%Y-%m-%d") for i in range(20)], r"must keep a step\. Received: from 86400 s"),
    ],
)
def test_orders_that_cannot_be_known(write, times, message):
    path = write(times)
    with pytest.raises(ValueError, match=message):
        read_series(path, "price", window=2)
    train, _ = read_series(path, "price", window=2, test=0.25, time=False)  # what the message advises
    assert train.x[0, :, 0].tolist() == [0, 1]


def test_two_columns_of_dates(tmp_path):
    path = tmp_path / "loans.csv"
    path.write_text(
        "from,to,price\n"
        + "".join(f"{a},{b},{i}\n" for i, (a, b) in enumerate(zip(stamps(20), stamps(20)[::-1], strict=True)))
    )
    with pytest.raises(
        ValueError, match=r"one column must tell the times\. Received: dates in 'from', 'to'.*time='from'"
    ):
        load_series(path, ["price"])
    assert load_series(path, ["price"], time="from").next_times(None, 1) == ["2024-01-21"]
    with pytest.raises(ValueError, match=r"column 'from' must hold finite numbers"):
        load_series(path, ["from"])


def test_times_that_are_asked_for(write):
    path = write(range(1900, 1930))
    assert load_series(path, ["price"]).times is None
    assert load_series(path, ["price"], time="when").next_times(None, 2) == ["1930", "1931"]
    with pytest.raises(ValueError, match=r"column 'when' must hold a date or a number in every row\. Received: 'now'"):
        load_series(write(["now"] * 9), ["price"], time="when")
    with pytest.raises(ValueError, match=r"must have a column 'day'"):
        load_series(path, ["price"], time="day")
    with pytest.raises(ValueError, match=r"Each column has one use\. Received: 'price' twice"):
        load_series(path, ["price"], time="price")


@pytest.mark.parametrize("missing", [[10], [10, 11], [5, 20], [1], [38], [8, 9, 10, 30]])
@pytest.mark.parametrize(("window", "horizon"), [(1, 1), (3, 1), (3, 2), (6, 4)])
def test_no_gap_is_inside_of_a_window(write, missing, window, horizon):
    left = [i for i in range(60) if i not in missing]
    path = write([stamps(60)[i] for i in left], left)
    series = load_series(path, ["price"])
    train, test = series.split(window, horizon, 0.4)
    for x, y in (train, test):
        steps = np.concatenate([x[:, :, 0], y], axis=1)
        assert (np.diff(steps, axis=1) == 1).all()
    whole = len(left) - window - horizon + 1
    possible = sum(all(i + k in left for k in range(window + horizon)) for i in left)
    assert series.lost(window, horizon) == whole - possible
    assert series.notes == [f"Steps are missing: {len(missing)}, each of 1 day."]
    with pytest.warns(UserWarning, match=r"\.$") as said:
        read_series(path, "price", window, horizon, test=0.4)
    assert [str(one.message) for one in said] == [*series.notes, *lost_windows(series, window, horizon)]


def test_holidays_do_not_break_a_series_of_weekdays(write):
    days = [day for day in stamps(90) if datetime.date.fromisoformat(day).weekday() < 5]
    without = [day for day in days if day not in ("2024-01-15", "2024-02-19", "2024-03-15")]
    series = load_series(write(without), ["price"])
    assert series.lost(10) == 0
    assert "3 of them are not there, holidays by assumption" in series.notes[0]
    closed = [day for day in days if not "2024-02-05" <= day <= "2024-02-16"]  # two weeks are a gap
    assert load_series(write(closed), ["price"]).lost(10) == 10


def test_jitter_is_no_gap(write):
    times = [START + i * HOUR / 60 + datetime.timedelta(seconds=7 * i % 11) for i in range(60) if i not in (20, 21)]
    series = load_series(write([time.isoformat(" ") for time in times]), ["price"])
    assert series.lost(3) == 3


def stores(order, reverse=()):
    rows = [(f"s{store}", day, 100 * store + i) for store in (1, 2, 3) for i, day in enumerate(stamps(30))]
    if order == "by time":
        rows.sort(key=lambda row: row[1])
    for store in reverse:
        own = iter([row for row in rows if row[0] == store][::-1])
        rows = [next(own) if row[0] == store else row for row in rows]
    return "store,when,price\n" + "".join(",".join(map(str, row)) + "\n" for row in rows)


@pytest.mark.parametrize("order", ["by store", "by time"])
@pytest.mark.parametrize("reverse", [(), ("s2",), ("s1", "s2", "s3")])
def test_several_series_are_kept_apart(tmp_path, order, reverse):
    path = tmp_path / "stores.csv"
    path.write_text(stores(order, reverse))
    with pytest.raises(ValueError, match="must go forward") as refused:
        load_series(path, ["price"])
    advice = re.search(r"say (group='store')", str(refused.value))
    series = load_series(path, ["price"], **eval(f"dict({advice[1]})"))
    train, test = series.split(4, 2, 0.3)
    for part in (train, test):
        steps = np.concatenate([part.x[:, :, 0], part.y], axis=1)
        assert (np.diff(steps, axis=1) == 1).all()
    assert {int(first) // 100 for first in train.x[:, 0, 0]} == {1, 2, 3}
    assert (train.y[:, -1] % 100).max() < (test.y[:, 0] % 100).min()  # one moment for all
    assert series.lost(4, 2) == 0
    assert {name: end[:, 0].tolist() for name, end in series.ends(2).items()} == {
        "s1": [128, 129],
        "s2": [228, 229],
        "s3": [328, 329],
    }
    assert series.next_times("s2", 1) == ["2024-01-31"]


def test_several_series_without_times(tmp_path):
    path = tmp_path / "stores.csv"
    path.write_text("store,price\n" + "".join(f"{s},{100 * s + i}\n" for i in range(20) for s in (1, 2)))
    train, test = read_series(path, "price", window=2, group="store", test=0.5)
    assert sorted(train.x[:, 0, 0].tolist()) == [*range(100, 108), *range(200, 208)]
    assert sorted(test.y[:, 0].tolist()) == [*range(110, 120), *range(210, 220)]
    path.write_text("store,price\n1,2\n,3\n")
    with pytest.raises(ValueError, match="line 3: 'store' must hold a name"):
        load_series(path, ["price"], group="store")


def test_an_end_with_a_gap_cannot_be_forecast_from(write):
    series = load_series(write([day for day in stamps(30) if day != "2024-01-29"]), ["price"])
    assert series.ends(1)[None].tolist() == [[28]]
    with pytest.raises(ValueError, match="A forecast needs 3 rows without a gap at the end"):
        series.ends(3)


def test_data_frames():
    index = pandas.date_range("2024-03-30", periods=60, freq="h", tz="Europe/Berlin")  # summer time begins
    frame = pandas.DataFrame({"price": np.arange(60.0), "day": "x"}, index=index)
    series = load_series(frame, ["price"])
    assert series.lost(3) == 0
    assert series.next_times(None, 1) == ["2024-04-01T11:00:00Z"]
    with pytest.warns(UserWarning, match="turned round"):
        train, _ = read_series(frame[::-1], "price", window=2)
    assert train.x[0, :, 0].tolist() == [0, 1]
    reset = frame.tz_localize(None).reset_index(names="when")
    assert load_series(reset, ["price"]).times.column == "when"
    periods = frame.tz_localize(None).to_period("D")
    with pytest.raises(ValueError, match="must go forward"):
        load_series(periods, ["price"])
    gone = pandas.DataFrame({"price": pandas.array([1, None, 3], "Int64")})
    with pytest.raises(ValueError, match=r"row 1: column 'price' .* a missing value\. .*frame\.interpolate\(\)"):
        load_series(gone, ["price"])
    assert load_series(gone.astype(float).interpolate(), ["price"]).values.tolist() == [[1], [2], [3]]


@pytest.mark.parametrize(
    ("column", "received"),
    [
        (["1.5", "2"], "'1.5' of type str"),
        ([True, False], "booleans"),
        (np.array(["2024-01-01", "2024-01-02"], "datetime64[ns]"), "dates"),
        (np.array([1, 2], "timedelta64[s]"), "spans of time"),
        ([1 + 2j, 3], "complex numbers"),
    ],
)
def test_data_frames_of_no_numbers(column, received):
    with pytest.raises(ValueError, match=rf"`price` must hold numbers.* Received: {received}"):
        load_series(pandas.DataFrame({"price": column}), ["price"])


@pytest.mark.parametrize("constant", [0.19, 9.99, 1 / 3, 0.0, 1e9 + 1, -2.5])
def test_columns_that_never_change(write, constant):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        train, _ = read_series(write(stamps(30), [constant] * 30), "price", window=2)
    assert (train.x == np.float32(constant)).all()


@pytest.mark.parametrize(
    ("times", "received"),
    [
        (stamps(9, form="%m/%d/%y")[::-1], "line 2: .* in a form that is not read, or in several, '01/09/24'"),
        (stamps(9, form="%d-%b-%Y")[::-1], "line 2: .* '09-Jan-2024'"),
        (stamps(9, form="%B %d %Y")[::-1], "line 2: .* 'January 09 2024'"),
        ([f"{2024 - i}Q1" for i in range(9)], "line 2: .* '2024Q1'"),
        ([f"2024-W{19 - i}" for i in range(9)], "line 2: .* '2024-W19'"),
        ([*stamps(9)[::-1], "Total"], "line 11: .* a cell that is no date, 'Total'"),
        ([f"{20240109 - i}" for i in range(9)], "line 2: .* '20240109'"),
        (["2024-13-01"] * 9, "line 2: .* '2024-13-01'"),
        (["2024-01-01 25:00"] * 9, "line 2: .* '2024-01-01 25:00'"),
        ([*stamps(9), "soon"], "line 11: .* a cell that is no date, 'soon'"),
        ([*stamps(9), "2024-02-30"], "line 2: .* in a form that is not read, or in several"),
    ],
)
def test_dates_that_cannot_be_read_are_not_passed_over(write, times, received):
    path = write(times)
    with pytest.raises(ValueError, match=f"{received}.*time=False"):
        load_series(path, ["price"])
    assert load_series(path, ["price"], time=False).times is None


@pytest.mark.parametrize("cell", ["a1", "May", "3.5", "v1.2", "room 2024", "Mary 12", "Marina 24", "Octave 1999"])
def test_texts_that_are_no_dates_are_left_alone(write, cell):
    assert load_series(write([cell] * 9), ["price"]).times is None


def test_many_series_are_told_apart_in_one_pass(tmp_path):
    path = tmp_path / "stores.csv"
    path.write_text("store,price\n" + "".join(f"{s},{s}\n" for _ in range(3) for s in range(2000)))
    assert load_series(path, ["price"], group="store")._group[[0, 3, -1]].tolist() == [0, 1, 1999]


@pytest.mark.parametrize(
    "index",
    [
        stamps(9)[::-1],
        [datetime.date(2024, 1, 9 - i) for i in range(9)],
        [datetime.datetime(2024, 1, 9 - i) for i in range(9)],
        pandas.CategoricalIndex(stamps(9)[::-1]),
    ],
)
def test_dates_of_a_data_frame_in_other_forms(index):
    frame = pandas.DataFrame({"price": range(9)}, index=index)
    for source in (frame, frame.reset_index(names="when")):
        series = load_series(source, ["price"])
        assert series.notes == ["The rows begin with the newest, and were turned round."]
        assert series.next_times(None, 1) == ["2024-01-10"]


def test_a_column_named_as_the_index_is():
    frame = pandas.DataFrame({"price": range(9), "the index": 1}, index=pandas.DatetimeIndex(stamps(9)))
    with pytest.raises(ValueError, match="Rename the column"):
        load_series(frame, ["price"])


def test_dates_with_zones_as_python_has_them():
    zone = datetime.timezone(HOUR)
    column = pandas.Series([(START + i * DAY).replace(tzinfo=zone) for i in range(9)], dtype=object)
    with pytest.raises(ValueError, match="must be pandas's own") as refused:
        load_series(pandas.DataFrame({"price": np.arange(9.0), "when": column}), ["price"], time="when")
    converted = eval(re.search(r"pandas\.to_datetime\(.*?\)", str(refused.value))[0])
    series = load_series(pandas.DataFrame({"price": np.arange(9.0), "when": converted}), ["price"], time="when")
    assert series.next_times(None, 1) == ["2024-01-09T23:00:00Z"]
