"""Pictures, each a matplotlib `Figure`: `figure.savefig("name.png")`, or look at it in a notebook."""

import unicodedata
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

try:
    from matplotlib import font_manager, get_cachedir, rcParams
    from matplotlib.colors import LinearSegmentedColormap
    from matplotlib.figure import Figure
    from matplotlib.patches import Rectangle
    from matplotlib.textpath import TextToPath
    from matplotlib.transforms import ScaledTranslation
except ImportError:
    raise ImportError('Pictures need matplotlib. Install it with: pip install "rnn-tf[plots]"') from None

TRUTH, MODEL = "0.25", "#d1495b"  # dark grey, red
PROBABILITY = LinearSegmentedColormap.from_list("probability", ["#e0737f", "white", "#6ba3d6"])  # bears black text
WIDTH, LINE, SIZE = 8.1, 0.29, 12  # of running text: of a line in inches, of a letter in points
CJK_FONTS = (  # with Chinese characters; matplotlib's own font has none
    "Noto Sans CJK SC",
    "Noto Sans SC",
    "Source Han Sans SC",
    "Noto Sans CJK JP",
    "PingFang SC",
    "Hiragino Sans GB",
    "Heiti SC",
    "Microsoft YaHei",
    "SimHei",
    "WenQuanYi Micro Hei",
    "WenQuanYi Zen Hei",
    "Arial Unicode MS",
)


def learning_curve(history: Mapping[str, Sequence[float]], steps_an_epoch: int = 1) -> Figure:
    """Loss against training steps, on a logarithmic scale, with the validation loss where there is one.

    Args:
        history: `History.history`, as `fit` returns it.
        steps_an_epoch: Steps between two entries of the history.
    """
    figure, axes = _figure(7, 4)
    for name, label, colour in (("loss", "training", TRUTH), ("val_loss", "held back", MODEL)):
        if name in history:
            steps = steps_an_epoch * np.arange(1, len(history[name]) + 1)
            axes.plot(steps, history[name], label=label, color=colour, linewidth=1.2)
    axes.set(xlabel="training step", ylabel="loss", yscale="log", title="Learning curve")
    axes.legend(frameon=False)
    return figure


def forecast(y_true: np.ndarray, y_pred: np.ndarray, title: str = "Forecast against truth", label: str = "") -> Figure:
    """A series and its forecast above, the error below: two arrays `[steps]`, or `[steps, 1]`."""
    y_true, y_pred = np.ravel(y_true), np.ravel(y_pred)
    figure, (above, below) = _figure(9, 4.5, 2, 1, sharex=True, height_ratios=[3, 1])
    above.plot(y_true, color=TRUTH, linewidth=1.5, label="truth")
    above.plot(y_pred, color=MODEL, linewidth=1, linestyle="--", label="forecast")
    above.set(title=title, ylabel=label)
    above.legend(frameon=False, ncols=2, loc="upper right")
    below.plot(y_pred - y_true, color=MODEL, linewidth=0.8)
    below.axhline(0, color=TRUTH, linewidth=0.6)
    below.set(xlabel="step", ylabel="error")
    return figure


def cost(sweeps: Mapping[str, Sequence[Mapping[str, Any]]]) -> Figure:
    """What a training step costs as one size grows: the sweeps of `rnn-tf bench layers`.

    Args:
        sweeps: By the size that grows, a row for each of its values: the size under its name, and the milliseconds of
            every contender under theirs.
    """
    figure, row = _figure(11, 3.6, 1, len(sweeps), squeeze=False)
    for axes, (size, points) in zip(row[0], sweeps.items(), strict=True):
        names = [name for name in points[0] if "." in name]
        for name in names:
            colour = MODEL if name.startswith("rnn_tf") else TRUTH
            values = [point[size] for point in points], [point[name] for point in points]
            axes.plot(*values, label=name, color=colour, marker="o", markersize=3, linewidth=1.2)
        axes.set(xlabel=size, xscale="log", yscale="log")
        axes.set_xscale("log", base=2)
        axes.set_xticks([point[size] for point in points], [str(point[size]) for point in points])
        axes.minorticks_off()
    row[0][0].set(ylabel="training step, ms")
    row[0][0].legend(frameon=False)
    return figure


def hidden_states(states: np.ndarray, title: str = "Hidden states") -> Figure:
    """h_1, ..., h_T of one layer for many sequences: a row of the picture for each step of the sequence.

    Args:
        states: Array `[sequences, timesteps, units]`, such as `model.hidden_states(x)[0]`.
        title: What stands above.
    """
    timesteps = states.shape[1]
    figure, rows = _figure(9, 1.2 + 1.1 * timesteps, timesteps, 1, sharex=True, squeeze=False)
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


def attractor(truth: np.ndarray, free_run: np.ndarray, delay: int = 17) -> Figure:
    """x(t) against x(t - delay): the true series beside a model that runs on its own predictions.

    Args:
        truth: Series `[time]`.
        free_run: Series `[time]` of the model's making.
        delay: τ, in steps.
    """
    figure, (left, right) = _figure(9, 4.4, 1, 2, sharex=True, sharey=True)
    for axes, series, title, colour in (
        (left, truth, "Mackey-Glass equation", TRUTH),
        (right, free_run, "the network, running free", MODEL),
    ):
        axes.plot(series[delay:], series[:-delay], color=colour, linewidth=0.8)
        axes.set(title=title, xlabel="x(t)")
        axes.set_aspect("equal")
    left.set_ylabel(f"x(t - {delay})")
    return figure


def confusion_matrix(confusion: np.ndarray, classes: Sequence[str]) -> Figure:
    """How many rows of each class got which answer; the colour is the count's share of its row.

    Args:
        confusion: Integers `[classes, classes]`, rows truth, columns answer, as in a `ClassificationReport`.
        classes: Names of the classes.
    """
    side = 2 + 0.45 * len(classes)
    figure, axes = _figure(side + 1, side)
    shares = confusion / np.maximum(confusion.sum(axis=1, keepdims=True), 1)
    image = axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for (truth, answer), count in np.ndenumerate(confusion):
        colour = "white" if shares[truth, answer] > 0.6 else TRUTH
        axes.text(answer, truth, str(count), color=colour, fontsize=8, ha="center", va="center")
    fonts, table = _fonts("".join(classes))
    ticks = range(len(classes)), [name.translate(table) for name in classes]
    slanted = {"rotation": 45, "ha": "right", "rotation_mode": "anchor"} if max(map(len, classes)) > 3 else {}
    axes.set_xticks(*ticks, fontfamily=fonts, parse_math=False, **slanted)
    axes.set_yticks(*ticks, fontfamily=fonts, parse_math=False)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    axes.set(xlabel="answer", ylabel="truth", title="Confusion matrix")
    figure.colorbar(image, ax=axes, shrink=0.8, label="share of the row").outline.set_visible(False)
    return figure


def reading(readings: Sequence[tuple[Sequence[str], Sequence[float]]], label: str) -> Figure:
    """Texts as a model reads them: behind each token, and in a curve below, the probability after reading it.

    Args:
        readings: For each text its tokens, and as many probabilities of `label`.
        label: What the probabilities are of.

    Raises:
        ValueError: If there is no text, or one has no tokens or not as many probabilities.
    """
    if not readings or any(len(tokens) != len(values) or not len(tokens) for tokens, values in readings):
        counts = [(len(tokens), len(values)) for tokens, values in readings]
        raise ValueError(
            "`readings` must have at least one text, each of as many tokens as probabilities, at least one. Received: "
            f"{counts} tokens and probabilities. Leave out the probabilities of padding."
        )
    fonts, table = _fonts(label + "".join(token for tokens, _ in readings for token in tokens))
    figure, rows = _figure(9, 4, len(readings), 1, squeeze=False)
    height = 0.4
    style = {"fontfamily": fonts, "fontsize": SIZE, "parse_math": False}
    for axes, (tokens, values) in zip(rows[:, 0], readings, strict=True):
        words = [(token if len(token) <= 40 else token[:39] + "…").translate(table) for token in tokens]
        places = _wrapped(words, fonts)
        lines = places[-1][1] + 1
        inches = figure.dpi_scale_trans + ScaledTranslation(0, 1, axes.transAxes)  # from the curve's top left corner
        for word, value, (x, line, width) in zip(words, values, places, strict=True):
            y = 0.15 + (lines - line - 1) * LINE
            box = Rectangle((x, y), width, LINE, facecolor=PROBABILITY(float(value)), edgecolor="white", linewidth=0.5)
            letters = axes.text(x + width / 2, y + 0.3 * LINE, word, ha="center", **style)
            for artist in axes.add_patch(box), letters:
                artist.set(transform=inches, clip_on=False, in_layout=x == 0)  # the lines' starts make room for all
        steps = np.arange(1, len(values) + 1)
        axes.axhline(0.5, color="0.85", linewidth=0.8, zorder=0)
        axes.plot(steps, values, color=TRUTH, linewidth=0.8, zorder=1)
        points = {"cmap": PROBABILITY, "vmin": 0, "vmax": 1, "edgecolors": TRUTH, "linewidths": 0.6}
        axes.scatter(steps, values, s=18, c=values, clip_on=False, zorder=2, **points)
        axes.set(xlim=(0.5, len(values) + 0.5), ylim=(0, 1), yticks=[0, 0.5, 1], xlabel="token", ylabel="probability")
        axes.locator_params("x", integer=True, min_n_ticks=1)
        height += 1.6 + lines * LINE
    figure.set_size_inches(9, height)
    title = f'Probability of "{label.translate(table)}" after each token'
    figure.suptitle(title, fontfamily=fonts, parse_math=False)
    return figure


def _wrapped(words: Sequence[str], fonts: Sequence[str]) -> list[tuple[float, int, float]]:
    """Place, line and width of each word of a running text, in inches."""
    ruler = TextToPath()
    font = font_manager.FontProperties(family=fonts, size=SIZE)
    places, x, line = [], 0.0, 0
    for word in words:
        width = ruler.get_text_width_height_descent(word, font, False)[0] / 72
        width += 0.02 if any(unicodedata.east_asian_width(character) in "WF" for character in word) else 0.1
        hang = 0 if any(map(str.isalnum, word)) else 0.25  # so that no line starts with a comma
        if x and x + width > WIDTH + hang:
            x, line = 0.0, line + 1
        places.append((x, line, width))
        x += width
    return places


def _fonts(text: str) -> tuple[list[str], dict[int, str]]:
    """Fonts that draw a text together, the first that has a character; and a table, for `translate`, of the others."""
    installed = set(font_manager.get_font_names())
    names = [*rcParams["font.family"], *(name for name in CJK_FONTS if name in installed), "DejaVu Sans"]
    fonts = [font_manager.get_font(font_manager.findfont(font_manager.FontProperties(family=[name]))) for name in names]
    characters = sorted(filter(str.isprintable, set(text)))
    missing = [one for one in characters if not any(font.get_char_index(ord(one)) for font in fonts)]
    if missing:
        warnings.warn(
            f"No installed font can draw {' '.join(missing[:10])}: □ stands for each. For Chinese, Japanese and Korean "
            "install Noto Sans CJK (Debian, Ubuntu: apt install fonts-noto-cjk), then delete matplotlib's list of "
            f"fonts, in {get_cachedir()}.",
            stacklevel=3,
        )
    return names, str.maketrans(dict.fromkeys(set(text).difference(characters), " ") | dict.fromkeys(missing, "□"))


def _figure(width: float, height: float, rows: int = 1, columns: int = 1, **kwargs: Any) -> tuple[Figure, Any]:
    figure = Figure(figsize=(width, height), dpi=130, layout="constrained")
    axes = figure.subplots(rows, columns, **kwargs)
    for one in np.ravel(axes):
        one.spines[["top", "right"]].set_visible(False)
    return figure, axes
