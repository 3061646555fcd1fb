"""What `rnn-tf train series` does before TensorFlow: it reads a column of a file, cuts it, and says what it found."""

import argparse
from typing import Any, NamedTuple

import numpy as np

from rnn_tf._checks import check_float32
from rnn_tf.data import Windows, linear_autoregression, persistence, seasonal_naive
from rnn_tf.data.series import Series, load_series, lost_windows

LEAST_REPETITION = 0.4  # autocorrelation of the changes, from which a season is spoken of


class SeriesTask(NamedTuple):
    """What to train on.

    train, test: The windows.
    fitted, held_back: Which of the training windows train, and which stop the training: their places.
    baselines: Forecasts `[test windows, horizon]` by name.
    columns: Names, the one to forecast first.
    """

    train: Windows
    test: Windows
    fitted: np.ndarray
    held_back: np.ndarray
    baselines: dict[str, np.ndarray]
    columns: list[str]


def name(options: argparse.Namespace) -> str:
    return str(options.column)


def read_task(options: argparse.Namespace) -> SeriesTask:
    columns = [name.strip() for name in (options.column, *options.features.split(",")) if name.strip()]
    series = load(options.file, columns, options)
    task = cut(series, columns, options)
    count = f"{len(set(series.groups))} series of {len(series)} rows" if series.groups else f"{len(series)} rows"
    tested = f"the {len(task.test.x)} of {options.test_file}" if options.test_file else f"the last {len(task.test.x)}"
    print(
        f"{options.file}: {count}, {len(task.train.x)} windows to train on, {tested} to test on; "
        f"{options.window} steps of {', '.join(columns)} -> {options.horizon} of {columns[0]}"
    )
    if series.times is not None:
        first, last = np.min(series.times.values), np.max(series.times.values)
        print(f"  times: column {series.times.column!r}, from {shown(first)} to {shown(last)}")
    for note in [*series.notes, *lost_windows(series, options.window, options.horizon), *season_hint(series, options)]:
        print(f"  {note}")
    return task


def examples(task: SeriesTask) -> np.ndarray:
    return task.test.x[:32]


def metadata(task: SeriesTask, options: argparse.Namespace) -> dict[str, Any]:
    first, *others = task.columns
    given = ("window", "horizon", "time", "no_time", "group", "decimal")
    return {"column": first, "features": others, **{one: getattr(options, one) for one in given}}


def next_inputs(task: SeriesTask, options: argparse.Namespace) -> list[list[str]]:
    return [[options.file, "--steps", str(options.horizon)]]


def load(file: str, columns: list[str], options: argparse.Namespace) -> Series:
    """A file's series, as the options --time, --no-time, --group and --decimal say."""
    return load_series(file, columns, False if options.no_time else options.time, options.group, options.decimal or ".")


def shown(time: np.generic) -> str:
    """A time as it is read: without a time of day where that is midnight."""
    if not isinstance(time, np.datetime64):
        return f"{time:g}"
    return str(time.astype("datetime64[s]")).removesuffix("T00:00:00").replace("T", " ")


def cut(series: Series, columns: list[str], options: argparse.Namespace) -> SeriesTask:
    """The windows to train and to test on, and what the baselines forecast."""
    window, horizon = options.window, options.horizon
    if options.test_file:
        tested = load(options.test_file, columns, options)
        for one in (series, tested):
            check_float32(one.name, one.values, columns)
        rows, test_rows = all_targets(series, window, horizon), all_targets(tested, window, horizon)
    else:
        tested = series
        series.split(window, horizon, options.test)  # checks that both parts have windows
        rows, test_rows = series.targets(window, horizon, options.test)
    train, test = series.windows_before(rows, window, horizon), tested.windows_before(test_rows, window, horizon)
    baselines = {
        "persistence: the last value again": persistence(test.x, horizon),
        "linear autoregression, least squares": linear_autoregression(train, test.x),
    }
    if season := options.season:
        if not tested.has_before(test_rows, season).all():
            raise ValueError(
                f"A season of {season} steps is longer than what comes before the held-out part, or before a step "
                "after a gap. Give a shorter --season, or none."
            )
        seasons = tested.windows_before(test_rows, season, horizon).x
        baselines[f"seasonal naive: the value {season} steps before"] = seasonal_naive(seasons, horizon, season)
    fitted, held_back = hold_back(series, rows, window, horizon)
    if not len(fitted):
        raise ValueError(
            f"{options.file} is too short to hold a part of the training windows back: there are {len(rows)}. "
            "Use a shorter window, a smaller --test, or a longer series."
        )
    return SeriesTask(train, test, fitted, held_back, baselines, columns)


def all_targets(series: Series, window: int, horizon: int) -> np.ndarray:
    """The rows of the first targets of all windows of a series that have no gap inside."""
    rows = np.arange(window, len(series) - horizon + 1)
    if len(rows):
        rows = rows[series.has_before(rows + horizon - 1, window + horizon - 1)]
    if not len(rows):
        raise ValueError(
            f"A window of {window} steps and a horizon of {horizon} need at least {window + horizon} rows without a "
            f"gap. Received: {series.name} has {len(series)} rows. Use a shorter --window, or a longer series."
        )
    return rows


def hold_back(series: Series, rows: np.ndarray, window: int, horizon: int) -> tuple[np.ndarray, np.ndarray]:
    """Which of the training windows train, and which stop the training: the last fifth of each series.

    The windows just before the held-back ones reach into them, and are left out.
    """
    names = np.array(series.groups, object)[rows] if series.groups else np.zeros(len(rows))
    fitted, held_back = [], []
    for name in dict.fromkeys(names.tolist()):
        places = np.flatnonzero(names == name)
        last = places[-max(1, len(places) // 5) :]
        held_back.append(last)
        fitted.append(places[rows[places] + horizon <= rows[last[0]] - window])
    return np.concatenate(fitted), np.concatenate(held_back)


def season_hint(series: Series, options: argparse.Namespace) -> list[str]:
    """A sentence where the window does not hold a season, which is told by --season or found in the first series."""
    if options.season:
        if options.window >= options.season:
            return []
        return [
            f"A window of {options.window} steps is shorter than the season of {options.season}: try "
            f"--window {options.season}."
        ]
    first = series.values[: series.groups.count(series.groups[0]) if series.groups else None, 0]
    season, correlation = repetition(first)
    if season <= options.window:
        return []
    return [
        f"The changes of {options.column} repeat after {season} steps (autocorrelation {correlation:.2f}), and a "
        f"window of {options.window} does not hold that: try --window {season} --season {season}."
    ]


def repetition(values: np.ndarray) -> tuple[int, float]:
    """After how many steps the changes of a series repeat, and their autocorrelation then; (0, 0.0) if they do not.

    Changes, not values: a series that drifts looks like itself at any small distance.
    """
    changes = np.diff(values)
    changes -= changes.mean() if len(changes) else 0.0
    longest = len(changes) // 3
    if longest < 3 or not changes.any():
        return 0, 0.0
    spectrum = np.fft.rfft(changes, 2 * len(changes))
    correlations = np.fft.irfft(np.abs(spectrum) ** 2)[: longest + 2]
    correlations = correlations / correlations[0]
    inner = correlations[2:-1]
    peaks = 2 + np.flatnonzero((inner >= correlations[1:-2]) & (inner >= correlations[3:]) & (inner > LEAST_REPETITION))
    smooth = np.convolve(correlations, np.ones(3) / 3, "same")
    peaks = peaks[peaks > 1 + np.argmax(smooth[1:] < 0)] if (smooth[1:] < 0).any() else peaks[:0]  # not the first slope
    if not len(peaks):
        return 0, 0.0
    season = int(peaks[correlations[peaks] >= 0.9 * correlations[peaks].max()][0])
    return season, float(correlations[season])
