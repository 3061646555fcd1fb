"""What a network holds, and for how long: hidden states, their gradients, the eigenvalues that decide about both."""

import itertools
from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure

from rnn_tf.plots.series import LINES
from rnn_tf.plots.style import HIDDEN, TRUTH, log_scale, new_figure, shades


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


def gradient_norms(norms: Mapping[str, np.ndarray], title: str = "How far back the gradient reaches") -> Figure:
    """Norms of ∂L/∂h_t against t, relative to that of the last step, on a logarithmic scale: a line for each network.

        ‖∂L/∂h_t‖ / ‖∂L/∂h_T‖,   t = 1, ..., T

    A line that falls to the left is a gradient that vanishes on its way back, one that rises is one that explodes.

    Args:
        norms: By the name of each network the norms `[timesteps]`, in the order of time.
        title: What stands above.

    Example:
    >>> import numpy as np
    >>> from rnn_tf import plots
    >>> back = np.arange(49, -1, -1)  # steps to go back from t = 1, ..., 50 to the last one
    >>> figure = plots.gradient_norms({"0.9 at each step": 0.9**back, "1.1 at each step": 1.1**back})
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
    >>> from rnn_tf import plots
    >>> figure = plots.eigenvalues({"a turn by 90°": np.array([[0, -1], [1, 0]])})
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
