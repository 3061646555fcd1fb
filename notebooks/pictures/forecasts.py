"""Series that are forecast: their parts, errors by step, and what several networks say."""

import itertools
from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from rnn_tf.plots.curves import LINES
from rnn_tf.plots.style import INPUT, OUTPUT, TRUTH, log_scale, new_figure


def parts(
    series: np.ndarray,
    lengths: Mapping[str, int],
    times: np.ndarray | None = None,
    xlabel: str = "step",
    ylabel: str = "",
) -> Figure:
    """A series, and which part of it is for what.

    Args:
        series: Values `[time]`.
        lengths: How many values each part has, by its name, in the order of time; together they are the series.
        times: When each value was, `[time]`; without it they are counted from 0.
        xlabel: What the times are, with their unit.
        ylabel: What the values are, with theirs.

    Raises:
        ValueError: If the lengths do not add up to the series.

    Example:
    >>> import numpy as np
    >>> import pictures
    >>> figure = pictures.parts(np.sin(np.arange(100) / 5), {"train": 70, "test": 30})
    >>> [text.get_text() for text in figure.axes[0].texts]
    ['train', 'test']
    """
    series = np.ravel(series)
    if sum(lengths.values()) != len(series):
        raise ValueError(
            f"The parts must have as many values as the series together. Received: {dict(lengths)} for a series of "
            f"{len(series)}. Name what is not used, too."
        )
    times = np.arange(len(series)) if times is None else np.ravel(times)
    figure, axes = new_figure(9, 3.2)
    axes.plot(times, series, color=TRUTH, linewidth=1)
    stops = np.cumsum(list(lengths.values()))
    for number, (name, length, stop) in enumerate(zip(lengths, lengths.values(), stops, strict=True)):
        left, right = times[stop - length], times[min(stop, len(times) - 1)]
        axes.axvspan(left, right, color=TRUTH, alpha=0.12 * (number % 2), linewidth=0)
        above = axes.get_xaxis_transform()
        axes.text((left + right) / 2, 1.02, name, transform=above, ha="center", va="bottom", color=TRUTH)
    axes.set(xlabel=xlabel, ylabel=ylabel, xlim=(times[0], times[-1]))
    return figure


def errors_by_step(
    networks: Mapping[str, np.ndarray], baselines: Mapping[str, np.ndarray], label: str = "RMSE"
) -> Figure:
    """How the error grows with the step of a forecast, on a logarithmic scale: networks in colour, baselines in grey.

    Args:
        networks: By name the errors `[horizon]` at steps 1, 2, ...
        baselines: Likewise.
        label: What the errors are, with their unit.

    Example:
    >>> import pictures
    >>> figure = pictures.errors_by_step({"network": [0.3, 0.5]}, {"persistence": [0.4, 1.1]}, label="RMSE, ppm")
    >>> [(line.get_label(), line.get_ydata().tolist()) for line in figure.axes[0].lines]
    [('network', [0.3, 0.5]), ('persistence', [0.4, 1.1])]
    """
    figure, axes = new_figure(9, 4)
    for errors, colour in ((networks, OUTPUT), (baselines, TRUTH)):
        for (name, values), (line, marker) in zip(errors.items(), itertools.cycle(LINES)):
            steps = np.arange(1, len(values) + 1)
            axes.plot(steps, values, line, color=colour, marker=marker, markersize=4, linewidth=1.3, label=name)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set(xlabel="step of the forecast", ylabel=label, title="Errors by step")
    log_scale(axes)
    figure.legend(loc="outside right upper", frameon=False)
    return figure


def ensemble(
    past: np.ndarray,
    forecasts: np.ndarray,
    truth: np.ndarray,
    interval: tuple[np.ndarray, np.ndarray] | None = None,
    title: str = "Forecasts of several networks",
    label: str = "",
) -> Figure:
    """What several networks read, what each forecasts, their mean, and what came.

    Args:
        past: The last values before the forecast, `[steps]`.
        forecasts: Array `[networks, horizon]`.
        truth: What came, `[horizon]`.
        interval: Lower and upper bounds, `[horizon]` each, to be shaded.
        title: What stands above.
        label: What the values are, with their unit.

    Example:
    >>> import pictures
    >>> figure = pictures.ensemble(past=[1.0, 2.0], forecasts=[[3.0, 4.0], [4.0, 6.0]], truth=[3.2, 4.5])
    >>> mean, truth = figure.axes[0].lines[-2:]
    >>> mean.get_xydata().tolist()
    [[1.0, 3.5], [2.0, 5.0]]
    """
    forecasts = np.asarray(forecasts)
    figure, axes = new_figure(9, 4.2)
    steps = np.arange(1, forecasts.shape[1] + 1)
    if interval is not None:
        axes.fill_between(steps, *interval, color=OUTPUT, alpha=0.15, linewidth=0, label="interval")
    axes.plot(np.arange(1 - len(past), 1), past, color=INPUT, marker="s", markersize=3, label="read")
    for number, one in enumerate(forecasts):
        axes.plot(steps, one, color=OUTPUT, linewidth=0.7, alpha=0.7, label=None if number else "each network")
    axes.plot(steps, forecasts.mean(axis=0), color=OUTPUT, linewidth=2.2, linestyle="--", label="their mean")
    axes.plot(steps, truth, color=TRUTH, marker="o", markersize=4, linewidth=1.2, label="truth")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set(xlabel="steps after the last value read", ylabel=label, title=title)
    figure.legend(loc="outside right upper", frameon=False)
    return figure
