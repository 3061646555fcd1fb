"""Series: their parts, how training went, forecasts beside the truth, their errors, attractors, costs."""

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from rnn_tf.plots.style import INPUT, OUTPUT, TRUTH, log_scale, new_figure, shades

LINES = (("-", "o"), ("--", "s"), (":", "^"), ("-.", "D"))  # and markers, where colour does not tell them apart


def learning_curve(history: Mapping[str, Sequence[float]], steps_an_epoch: int = 1) -> Figure:
    """Loss against training steps, on a logarithmic scale, with the validation loss where there is one.

    Args:
        history: `History.history`, as `fit` returns it.
        steps_an_epoch: Steps between two entries of the history.

    Example:
    >>> from rnn_tf import plots
    >>> history = {"loss": [0.6, 0.3, 0.2], "val_loss": [0.5, 0.4, 0.45]}
    >>> figure = plots.learning_curve(history, steps_an_epoch=100)
    >>> training, held_back = figure.axes[0].lines
    >>> held_back.get_xydata().tolist()
    [[100.0, 0.5], [200.0, 0.4], [300.0, 0.45]]
    """
    figure, axes = new_figure(7, 4)
    for name, label, line, colour in (("loss", "training", "-", TRUTH), ("val_loss", "held back", "--", OUTPUT)):
        if name in history:
            steps = steps_an_epoch * np.arange(1, len(history[name]) + 1)
            axes.plot(steps, history[name], line, label=label, color=colour, linewidth=1.2)
    axes.set(xlabel="training step", ylabel="loss", title="Learning curve")
    log_scale(axes)
    axes.legend(frameon=False)
    return figure


def learning_curves(
    losses: Mapping[str, Sequence[float]],
    baseline: float,
    steps_an_epoch: int = 1,
    label: str = "loss",
    title: str = "Learning curves",
) -> Figure:
    """Losses of several networks against training steps, on a logarithmic scale, and what is to be beaten.

    Args:
        losses: By the name of each network its losses, such as `history.history["val_loss"]`. They may end early.
        baseline: The loss of who has learned nothing of use; a line shows it.
        steps_an_epoch: Steps between two losses.
        label: What the losses are, with their unit.
        title: What stands above.

    Example:
    >>> from rnn_tf import plots
    >>> figure = plots.learning_curves({"Elman": [0.17, 0.17], "GRU": [0.16, 0.01]}, baseline=1 / 6)
    >>> [text.get_text() for text in figure.legends[0].get_texts()]
    ['Elman', 'GRU', 'baseline']
    """
    figure, axes = new_figure(9, 4)
    colours = shades(OUTPUT, len(losses))
    for (name, values), colour, (line, marker) in zip(losses.items(), colours, itertools.cycle(LINES)):
        steps = steps_an_epoch * np.arange(1, len(values) + 1)
        markers = {"marker": marker, "markersize": 4, "markevery": max(1, len(values) // 12)}
        axes.plot(steps, values, line, color=colour, linewidth=1.3, label=name, **markers)
    axes.axhline(baseline, color=TRUTH, linewidth=1, linestyle=(0, (1, 1)), label="baseline")
    axes.set(xlabel="training step", ylabel=label, title=title)
    log_scale(axes)
    figure.legend(loc="outside right upper", frameon=False)
    return figure


def agreement(costs: Mapping[str, Sequence[float]], tolerance: float) -> Figure:
    """The costs of two programs that ought to train alike, and below by how much they differ.

    Args:
        costs: By the names of the two, the cost of every step; the difference is relative to the first one's.
        tolerance: The relative difference up to which they agree; a line shows it.

    Example:
    >>> from rnn_tf import plots
    >>> figure = plots.agreement({"old": [1.0, 0.5, 0.25], "new": [1.0, 0.5001, 0.2501]}, tolerance=1e-3)
    >>> figure.axes[1].lines[0].get_ydata().round(4).tolist()
    [0.0, 0.0002, 0.0004]
    """
    (reference, expected), (other, received) = costs.items()
    difference = np.abs(np.asarray(received) / np.asarray(expected) - 1)
    steps = np.arange(1, len(expected) + 1)
    figure, (above, below) = new_figure(9, 5, 2, 1, sharex=True, height_ratios=[3, 2])
    above.plot(steps, expected, color=TRUTH, alpha=0.3, linewidth=6, label=reference)
    above.plot(steps, received, color=OUTPUT, linewidth=1.3, label=other)
    above.set(ylabel="cost")
    log_scale(above)
    above.legend(frameon=False)
    below.plot(steps, difference, color=OUTPUT, linewidth=0.8)
    below.axhline(tolerance, color=TRUTH, linewidth=1, linestyle=":")
    below.text(steps[-1], tolerance, "tolerance", color=TRUTH, ha="right", va="bottom")
    below.set(xlabel="training step", ylabel="relative difference", ylim=(1e-8, 10 * max(tolerance, *difference)))
    below.set_yscale("log", nonpositive="mask")
    return figure


def forecast(y_true: np.ndarray, y_pred: np.ndarray, title: str = "Forecast against truth", label: str = "") -> Figure:
    """A series and its forecast above, the error below.

    Args:
        y_true: The truth, `[steps]` or `[steps, 1]`.
        y_pred: The forecast of each of its values, likewise.
        title: What stands above.
        label: What the values are, with their unit.

    Example: the last value as the forecast of the next one.
    >>> import numpy as np
    >>> from rnn_tf import plots
    >>> values = np.array([1.0, 2.0, 4.0, 7.0])
    >>> above, below = plots.forecast(values[1:], values[:-1], title="Persistence", label="ppm").axes
    >>> below.lines[0].get_ydata().tolist()
    [-1.0, -2.0, -3.0]
    """
    y_true, y_pred = np.ravel(y_true), np.ravel(y_pred)
    figure, (above, below) = new_figure(9, 4.5, 2, 1, sharex=True, height_ratios=[3, 1])
    above.plot(y_true, color=TRUTH, linewidth=1.5, label="truth")
    above.plot(y_pred, color=OUTPUT, linewidth=1, linestyle="--", label="forecast")
    bottom, top = above.get_ylim()
    above.set(title=title, ylabel=label, ylim=(bottom, top + 0.2 * (top - bottom)))  # room for the legend
    above.legend(frameon=False, ncols=2, loc="upper right")
    below.plot(y_pred - y_true, color=OUTPUT, linewidth=0.8)
    below.axhline(0, color=TRUTH, linewidth=0.6)
    below.set(xlabel="step", ylabel="error")
    return figure


def attractor(truth: np.ndarray, free_run: np.ndarray, delay: int = 17) -> Figure:
    """x(t) against x(t - delay): the true series beside a model that runs on its own predictions.

    Args:
        truth: Series `[time]`.
        free_run: Series `[time]` of the model's making.
        delay: τ, in steps.

    Example:
    >>> from rnn_tf import plots
    >>> from rnn_tf.data import mackey_glass
    >>> series = mackey_glass(400)
    >>> figure = plots.attractor(truth=series[:300], free_run=series[100:])
    >>> [axes.get_title() for axes in figure.axes]
    ['Mackey-Glass equation', 'the network, running free']
    """
    figure, (left, right) = new_figure(9, 4.4, 1, 2, sharex=True, sharey=True)
    for axes, series, title, colour in (
        (left, truth, "Mackey-Glass equation", TRUTH),
        (right, free_run, "the network, running free", OUTPUT),
    ):
        axes.plot(series[delay:], series[:-delay], color=colour, linewidth=0.8)
        axes.set(title=title, xlabel="x(t)")
        axes.set_aspect("equal")
    left.set_ylabel(f"x(t - {delay})")
    return figure


def cost(sweeps: Mapping[str, Sequence[Mapping[str, Any]]]) -> Figure:
    """What a training step costs as one size grows: the sweeps of `rnn-tf bench layers`.

    Args:
        sweeps: By the size that grows, a row for each of its values: the size under its name, and the milliseconds of
            every contender under theirs.

    Example:
    >>> from rnn_tf import plots
    >>> points = [{"units": n, "rnn_tf.RNN": 0.1 * n, "keras.layers.SimpleRNN": 0.4 * n} for n in (16, 32, 64)]
    >>> figure = plots.cost({"units": points})
    >>> [text.get_text() for text in figure.legends[0].get_texts()]
    ['rnn_tf.RNN', 'keras.layers.SimpleRNN']
    """
    figure, rows = new_figure(11, 3.9, 1, len(sweeps), sharey=True, squeeze=False)
    for axes, (size, points) in zip(rows[0], sweeps.items(), strict=True):
        sizes = [point[size] for point in points]
        names = [name for name in points[0] if "." in name]
        for name, (line, marker) in zip(names, itertools.cycle(LINES)):
            colour = OUTPUT if name.startswith("rnn_tf") else TRUTH
            milliseconds = [point[name] for point in points]
            axes.plot(sizes, milliseconds, line, color=colour, marker=marker, markersize=4, linewidth=1.2, label=name)
        axes.set(xlabel=size)
        axes.set_xscale("log", base=2)
        axes.set_xticks(sizes, [str(one) for one in sizes])
        axes.minorticks_off()
    first = rows[0, 0]
    first.set(ylabel="training step, ms")
    log_scale(first)  # and with it of all, which share it
    figure.legend(handles=first.lines, loc="outside upper left", frameon=False, ncols=len(first.lines))
    return figure


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
    >>> from rnn_tf import plots
    >>> figure = plots.parts(np.sin(np.arange(100) / 5), {"train": 70, "test": 30})
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
    >>> from rnn_tf import plots
    >>> figure = plots.errors_by_step({"network": [0.3, 0.5]}, {"persistence": [0.4, 1.1]}, label="RMSE, ppm")
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
    >>> from rnn_tf import plots
    >>> figure = plots.ensemble(past=[1.0, 2.0], forecasts=[[3.0, 4.0], [4.0, 6.0]], truth=[3.2, 4.5])
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
