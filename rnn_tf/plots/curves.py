"""How training went, forecasts beside the truth, attractors, costs, hidden states."""

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from rnn_tf.plots.style import OUTPUT, TRUTH, log_scale, new_figure

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


def hidden_states(states: np.ndarray, title: str = "Hidden states") -> Figure:
    """h_1, ..., h_T of one layer for many sequences: a row of the picture for each step of the sequence.

    Args:
        states: Array `[sequences, timesteps, units]`, such as `model.hidden_states(x)[0]`.
        title: What stands above.

    Example:
    >>> import numpy as np
    >>> from rnn_tf import SequenceRegressor, plots
    >>> x = np.random.default_rng(0).normal(size=[50, 4, 1])
    >>> model = SequenceRegressor(units=3)
    >>> model.build(x.shape)
    >>> figure = plots.hidden_states(model.hidden_states(x)[0])
    >>> figure.axes[0].images[0].get_array().shape  # h_1: a row for each unit, a column for each sequence
    (3, 50)
    """
    timesteps = states.shape[1]
    figure, rows = new_figure(9, 1.2 + 1.1 * timesteps, timesteps, 1, sharex=True, squeeze=False)
    limit = float(np.abs(states).max()) or 1.0
    for t, axes in enumerate(rows[:, 0]):
        image = axes.imshow(
            states[:, t].T, aspect="auto", cmap="RdBu_r", vmin=-limit, vmax=limit, interpolation="nearest"
        )
        axes.set(ylabel=f"$h_{{{t + 1}}}$\nunit", yticks=[])
    rows[0, 0].set_title(title)
    rows[-1, 0].set_xlabel("sequence")
    figure.colorbar(image, ax=rows[:, 0].tolist(), shrink=0.8)
    return figure
