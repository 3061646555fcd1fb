"""What happens in training: losses, gradients on their way back, eigenvalues, and two programs that ought to agree."""

import itertools
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from rnn_tf.plots.curves import LINES
from rnn_tf.plots.style import HIDDEN, OUTPUT, TRUTH, log_scale, new_figure


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
    >>> import pictures
    >>> figure = pictures.learning_curves({"Elman": [0.17, 0.17], "GRU": [0.16, 0.01]}, baseline=1 / 6)
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
    >>> import pictures
    >>> figure = pictures.agreement({"old": [1.0, 0.5, 0.25], "new": [1.0, 0.5001, 0.2501]}, tolerance=1e-3)
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


def gradient_norms(norms: Mapping[str, np.ndarray], title: str = "How far back the gradient reaches") -> Figure:
    """Norms of ∂L/∂h_t against t, relative to that of the last step, on a logarithmic scale: a line for each network.

        ‖∂L/∂h_t‖ / ‖∂L/∂h_T‖,   t = 1, ..., T

    A line that falls to the left is a gradient that vanishes on its way back, one that rises is one that explodes.

    Args:
        norms: By the name of each network the norms `[timesteps]`, in the order of time.
        title: What stands above.

    Example:
    >>> import numpy as np
    >>> import pictures
    >>> back = np.arange(49, -1, -1)  # steps to go back from t = 1, ..., 50 to the last one
    >>> figure = pictures.gradient_norms({"0.9 at each step": 0.9**back, "1.1 at each step": 1.1**back})
    """
    figure, axes = new_figure(9, 4.4)
    for (name, values), colour, (line, marker) in zip(
        norms.items(), shades(HIDDEN, len(norms)), itertools.cycle(LINES)
    ):
        steps = np.arange(1, len(values) + 1)
        markers = {"marker": marker, "markersize": 4, "markevery": max(1, len(values) // 8)}
        axes.plot(steps, values / values[-1], line, color=colour, linewidth=1.3, label=name, **markers)
    axes.axhline(1, color=TRUTH, linewidth=0.6)
    axes.set(xlabel="step t", title=title)
    log_scale(axes)
    axes.set_ylabel(r"$\Vert\partial L/\partial h_t\Vert\;/\;\Vert\partial L/\partial h_T\Vert$")
    figure.legend(loc="outside right upper", frameon=False)
    return figure


def eigenvalues(matrices: Mapping[str, np.ndarray], title: str = r"Eigenvalues of $W_{hh}$") -> Figure:
    """Eigenvalues of square matrices in the complex plane, with the unit circle: a kind of marker for each matrix.

    Args:
        matrices: By name `[units, units]` each, such as the `recurrent_kernel` of a cell.
        title: What stands above.

    Example:
    >>> import numpy as np
    >>> import pictures
    >>> figure = pictures.eigenvalues({"a turn by 90°": np.array([[0, -1], [1, 0]])})
    >>> figure.axes[0].lines[0].get_ydata().tolist()
    [1.0, -1.0]
    """
    figure, axes = new_figure(7, 5)
    for (name, matrix), colour, marker in zip(matrices.items(), shades(HIDDEN, len(matrices)), itertools.cycle("ox^+")):
        values = np.linalg.eigvals(matrix)
        axes.plot(values.real, values.imag, marker, color=colour, markersize=5, fillstyle="none", label=name)
    angles = np.linspace(0, 2 * np.pi, 200)
    axes.plot(np.cos(angles), np.sin(angles), color=TRUTH, linewidth=0.8, zorder=0)
    axes.set(xlabel="real part", ylabel="imaginary part", title=title, aspect="equal")
    figure.legend(loc="outside right upper", frameon=False)
    return figure


def shades(colour: str, count: int) -> np.ndarray:
    """That colour and paler ones, `[count, 3]`, for things of one kind that are to be told apart in grey, too."""
    white = np.linspace(0, min(0.6, 0.15 * (count - 1)), count)[:, np.newaxis]
    return white + (1 - white) * to_rgb(colour)
