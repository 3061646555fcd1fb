"""Series: how training went, forecasts beside the truth, attractors, costs."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from rnn_tf.plots.style import OUTPUT, TRUTH, new_figure


def learning_curve(history: Mapping[str, Sequence[float]], steps_an_epoch: int = 1) -> Figure:
    """Loss against training steps, on a logarithmic scale, with the validation loss where there is one.

    Args:
        history: `History.history`, as `fit` returns it.
        steps_an_epoch: Steps between two entries of the history.
    """
    figure, axes = new_figure(7, 4)
    for name, label, colour in (("loss", "training", TRUTH), ("val_loss", "held back", OUTPUT)):
        if name in history:
            steps = steps_an_epoch * np.arange(1, len(history[name]) + 1)
            axes.plot(steps, history[name], label=label, color=colour, linewidth=1.2)
    axes.set(xlabel="training step", ylabel="loss", yscale="log", title="Learning curve")
    axes.legend(frameon=False)
    return figure


def forecast(y_true: np.ndarray, y_pred: np.ndarray, title: str = "Forecast against truth", label: str = "") -> Figure:
    """A series and its forecast above, the error below: two arrays `[steps]`, or `[steps, 1]`."""
    y_true, y_pred = np.ravel(y_true), np.ravel(y_pred)
    figure, (above, below) = new_figure(9, 4.5, 2, 1, sharex=True, height_ratios=[3, 1])
    above.plot(y_true, color=TRUTH, linewidth=1.5, label="truth")
    above.plot(y_pred, color=OUTPUT, linewidth=1, linestyle="--", label="forecast")
    above.set(title=title, ylabel=label)
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
    """
    figure, row = new_figure(11, 3.6, 1, len(sweeps), squeeze=False)
    for axes, (size, points) in zip(row[0], sweeps.items(), strict=True):
        names = [name for name in points[0] if "." in name]
        for name in names:
            colour = OUTPUT if name.startswith("rnn_tf") else TRUTH
            values = [point[size] for point in points], [point[name] for point in points]
            axes.plot(*values, label=name, color=colour, marker="o", markersize=3, linewidth=1.2)
        axes.set(xlabel=size, xscale="log", yscale="log")
        axes.set_xscale("log", base=2)
        axes.set_xticks([point[size] for point in points], [str(point[size]) for point in points])
        axes.minorticks_off()
    row[0][0].set(ylabel="training step, ms")
    row[0][0].legend(frameon=False)
    return figure
