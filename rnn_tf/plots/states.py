"""What a network holds."""

import numpy as np
from matplotlib.figure import Figure

from rnn_tf.plots.style import new_figure


def hidden_states(states: np.ndarray, title: str = "Hidden states") -> Figure:
    """h_1, ..., h_T of one layer for many sequences: a row of the picture for each step of the sequence.

    Args:
        states: Array `[sequences, timesteps, units]`, such as `model.hidden_states(x)[0]`.
        title: What stands above.
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
