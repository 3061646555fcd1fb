"""A recurrent network as a diagram: the cell with its loop, and the same cell unrolled in time."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch
from matplotlib.path import Path

from rnn_tf._checks import positive_integer
from rnn_tf.plots.style import HIDDEN, INPUT, OUTPUT, TRUTH, new_figure

# In inches: how wide a box is, how high its name and each number; an arrow up, a step of time; where h_0 is.
WIDTH, NAME, LINE, UP, STEP, START = 0.95, 0.44, 0.2, 0.62, 1.8, 3.05


@dataclass(frozen=True)
class _Row:
    """The boxes of x, h or o: from step `first` on, their numbers `[steps, size]`, and their heights."""

    symbol: str
    colour: str
    first: int
    numbers: np.ndarray
    bottom: float
    top: float


def unrolled(
    timesteps: int = 4,
    inputs: np.ndarray | None = None,
    states: np.ndarray | None = None,
    outputs: np.ndarray | None = None,
    backward: bool = False,
) -> Figure:
    """An Elman network drawn twice: one cell with a loop, and unrolled, with the same three weights at every step.

        h_t = σ(x_t W_hx + h_{t-1} W_hh + b_h)
        o_t = h_t W_ho + b_o

    With `backward` it is the gradient's way through the same network: from the loss L down to the inputs and, through
    the states, back in time. The σ' at an arrow is the derivative σ'(z) of the state that the arrow leaves:

        ∂L/∂h_t = ∂L/∂o_t W_hoᵀ + (∂L/∂h_{t+1} ∘ σ'(z_{t+1})) W_hhᵀ
        ∂L/∂x_t = (∂L/∂h_t ∘ σ'(z_t)) W_hxᵀ

    Args:
        timesteps: Positive integer, how many steps to unroll.
        inputs: `[timesteps, features]`, the numbers to write below x_1, ..., x_T. `None`: names alone. With `backward`
            they are ∂L/∂x_1, ..., ∂L/∂x_T.
        states: `[timesteps + 1, units]`, likewise for h_0, ..., h_T.
        outputs: `[timesteps, output_units]`, likewise for o_1, ..., o_T.
        backward: Whether to draw the gradient's way.

    Raises:
        ValueError: If `timesteps` is not a positive integer, or numbers are not of the shape above.

    Sources: J. L. Elman (1990), "Finding structure in time", Cognitive Science 14; for the way back P. J. Werbos
    (1990), "Backpropagation through time: what it does and how to do it", Proceedings of the IEEE 78.

    Example:
    >>> import numpy as np
    >>> import pictures
    >>> figure = pictures.unrolled(3, inputs=np.array([[1.0], [2.0], [-1.0]]))
    >>> [text.get_text() for text in figure.axes[0].texts if "." in text.get_text()]
    ['1.00', '2.00', '−1.00']
    """
    timesteps = positive_integer("timesteps", timesteps)
    rows, top = [], 0.0  # from below
    for argument, symbol, colour, first, values in (
        ("inputs", "x", INPUT, 1, inputs),
        ("states", "h", HIDDEN, 0, states),
        ("outputs", "o", OUTPUT, 1, outputs),
    ):
        count = timesteps + 1 - first
        numbers = np.empty([count, 0]) if values is None else np.asarray(values)
        if numbers.ndim != 2 or len(numbers) != count:
            raise ValueError(
                f"`{argument}` must be [{count}, size], for {symbol}_{first} to {symbol}_{timesteps} of one sequence. "
                f"Received: shape {numbers.shape}. Take one sequence of a batch, and `timesteps` of its length."
            )
        rows.append(_Row(symbol, colour, first, numbers, top, top + NAME + LINE * numbers.shape[1]))
        top = rows[-1].top + UP
    top += NAME if backward else -UP  # above o is the loss, or nothing
    x_row, h_row, o_row = rows
    middle, half, last = (h_row.bottom + h_row.top) / 2, WIDTH / 2, START + STEP * timesteps
    if backward:
        hx, hh, ho = r"$\sigma'\,W_{hx}^\top$", r"$\sigma'\,W_{hh}^\top$", r"$W_{ho}^\top$"
    else:
        hx, hh, ho = "$W_{hx}$", "$W_{hh}$", "$W_{ho}$"

    figure, axes = new_figure(last + WIDTH + 0.4, top + 0.2)
    axes.set(xlim=(-half - 0.1, last + half + 0.3), ylim=(-0.1, top + 0.1), aspect="equal")
    axes.set_axis_off()
    axes.text(START - 1, middle, "=", color=TRUTH, fontsize=28, ha="center", va="center")
    loop = [(half, middle + 0.12), (half + 0.8, middle + 0.7), (half + 0.8, middle - 0.7), (half, middle - 0.12)]
    _arrow(axes, loop, HIDDEN, hh, backward)
    for t in range(-1, timesteps + 1):  # -1: the folded cell
        x = 0.0 if t < 0 else START + STEP * t
        for row in rows:
            if t < 0 or t >= row.first:
                name = f"{row.symbol}_{{{t}}}" if t >= 0 else row.symbol
                name = rf"$\partial L/\partial {name}$" if backward else f"${name}$"
                inside = row.numbers[t - row.first] if t >= 0 else ()
                _box(axes, (x - half, x + half), (row.bottom, row.top), row.colour, name, inside, hollow=backward)
        if t == 0:
            continue
        _arrow(axes, [(x, x_row.top), (x, h_row.bottom)], INPUT, hx, backward)
        _arrow(axes, [(x, h_row.top), (x, o_row.bottom)], OUTPUT, ho, backward)
        if t > 0:
            _arrow(axes, [(x - STEP + half, middle), (x - half, middle)], HIDDEN, hh, backward)
        if backward:
            _arrow(axes, [(x, o_row.top), (x, top - NAME)], TRUTH, "", backward)
    if backward:
        for sides in (-half, half), (START + STEP - half, last + half):
            _box(axes, sides, (top - NAME, top), TRUTH, "$L$")
    return figure


def _box(
    axes: Any,
    sides: tuple[float, float],
    heights: tuple[float, float],
    colour: str,
    name: str,
    numbers: Sequence[float] | np.ndarray = (),
    hollow: bool = False,
) -> None:
    """A box with a name and, below it, numbers."""
    (left, right), (bottom, top) = sides, heights
    box = FancyBboxPatch((left, bottom), right - left, top - bottom, boxstyle="round,pad=0,rounding_size=0.08")
    box.set(facecolor="white" if hollow else colour, edgecolor=colour, linewidth=1.8)
    axes.add_patch(box)
    style = {"color": "black" if hollow or colour == INPUT else "white", "ha": "center", "va": "center"}
    x = (left + right) / 2
    axes.text(x, top - NAME / 2 if len(numbers) else (bottom + top) / 2, name, fontsize=13, **style)
    for i, number in enumerate(numbers):
        rounded = round(float(number), 2) + 0.0  # which turns -0.0 into 0.0
        axes.text(x, top - NAME - LINE * (i + 0.3), f"{rounded:.2f}".replace("-", "−"), fontsize=10, **style)


def _arrow(axes: Any, points: list[tuple[float, float]], colour: str, name: str, backward: bool) -> None:
    """An arrow along two points, or along a Bézier curve of four, and its name; backward against them, and dashed."""
    codes = [Path.MOVETO, Path.LINETO] if len(points) == 2 else [Path.MOVETO, *[Path.CURVE4] * 3]
    path = Path(points[::-1] if backward else points, codes)
    arrow = FancyArrowPatch(path=path, arrowstyle="-|>", mutation_scale=13, color=colour, linewidth=1.6)
    arrow.set_linestyle((0, (3, 1.5)) if backward else "-")
    axes.add_patch(arrow)
    around = path.get_extents()
    if around.height:
        place = {"x": around.x1 + 0.07, "y": (around.y0 + around.y1) / 2, "ha": "left", "va": "center"}
    else:
        place = {"x": (around.x0 + around.x1) / 2, "y": around.y1 + 0.07, "ha": "center", "va": "bottom"}
    axes.text(s=name, color=TRUTH, fontsize=11, **place)
