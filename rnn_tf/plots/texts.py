"""Classifiers: their mistakes, and what they read."""

import unicodedata
from collections.abc import Sequence

import numpy as np
from matplotlib import font_manager
from matplotlib.collections import LineCollection
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.textpath import TextToPath
from matplotlib.transforms import ScaledTranslation

from rnn_tf.plots.style import TRUTH, fonts_for, name_missing_fonts, new_figure

PROBABILITY = LinearSegmentedColormap.from_list("probability", ["#e0737f", "white", "#6ba3d6"])  # bears black text
UNDERLINE = "#8f1f35"  # in grey red and blue are the same, and the line tells them apart
WIDTH, LINE, SIZE = 8.1, 0.29, 12  # of running text: of a line in inches, of a letter in points


def confusion_matrix(confusion: np.ndarray, classes: Sequence[str]) -> Figure:
    """How many rows of each class got which answer; the colour is the count's share of its row.

    Args:
        confusion: Integers `[classes, classes]`, rows truth, columns answer, as in a `ClassificationReport`.
        classes: Names of the classes.

    Example:
    >>> import numpy as np
    >>> from rnn_tf import plots
    >>> figure = plots.confusion_matrix(np.array([[8, 2], [1, 9]]), ["negative", "positive"])
    >>> figure.axes[0].images[0].get_array().tolist()
    [[0.8, 0.2], [0.1, 0.9]]
    """
    side = 2 + 0.45 * len(classes)
    figure, axes = new_figure(side + 1, side)
    shares = confusion / np.maximum(confusion.sum(axis=1, keepdims=True), 1)
    image = axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for (truth, answer), count in np.ndenumerate(confusion):
        colour = "white" if shares[truth, answer] > 0.6 else TRUTH
        axes.text(answer, truth, str(count), color=colour, fontsize=8, ha="center", va="center")
    fonts, table = fonts_for("".join(classes))
    ticks = range(len(classes)), [name.translate(table) for name in classes]
    slanted = {"rotation": 45, "ha": "right", "rotation_mode": "anchor"} if max(map(len, classes)) > 3 else {}
    axes.set_xticks(*ticks, fontfamily=fonts, parse_math=False, **slanted)
    axes.set_yticks(*ticks, fontfamily=fonts, parse_math=False)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    axes.set(xlabel="answer", ylabel="truth", title="Confusion matrix")
    figure.colorbar(image, ax=axes, shrink=0.8, label="share of the row").outline.set_visible(False)
    name_missing_fonts(figure, table)
    return figure


def reading(readings: Sequence[tuple[Sequence[str], Sequence[float]]], label: str) -> Figure:
    """Texts as a model reads them: behind each token, and in a curve below, the probability after reading it.

    The more a token's colour stands out, the surer the model is; blue is for `label`, red with an underline against it.

    Args:
        readings: For each text its tokens, and as many probabilities of `label`; of a `TextClassifier` they are what
            `reading` gives, in the column of that class.
        label: What the probabilities are of.

    Raises:
        ValueError: If there is no text, or one has no tokens or not as many probabilities.

    Example:
    >>> from rnn_tf import plots
    >>> figure = plots.reading([(["not", "bad", "at", "all"], [0.4, 0.1, 0.3, 0.8])], "positive")
    >>> figure.get_suptitle()
    'Probability of "positive" after each token, underlined below 0.5'
    """
    if not readings or any(len(tokens) != len(values) or not len(tokens) for tokens, values in readings):
        counts = [(len(tokens), len(values)) for tokens, values in readings]
        raise ValueError(
            "`readings` must have at least one text, each of as many tokens as probabilities, at least one. Received: "
            f"{counts} tokens and probabilities. Leave out the probabilities of padding."
        )
    fonts, table = fonts_for(label + "".join(token for tokens, _ in readings for token in tokens))
    figure, rows = new_figure(9, 4, len(readings), 1, squeeze=False)
    height = 0.4
    style = {"fontfamily": fonts, "fontsize": SIZE, "parse_math": False}
    for axes, (tokens, values) in zip(rows[:, 0], readings, strict=True):
        words = [(token if len(token) <= 40 else token[:39] + "…").translate(table) for token in tokens]
        places = _wrapped(words, fonts)
        lines = places[-1][1] + 1
        inches = figure.dpi_scale_trans + ScaledTranslation(0, 1, axes.transAxes)  # from the curve's top left corner
        underlined = []
        for word, value, (x, line, width) in zip(words, values, places, strict=True):
            y = 0.15 + (lines - line - 1) * LINE
            if value < 0.5:
                underlined.append([(x, y + 0.015), (x + width, y + 0.015)])
            box = Rectangle((x, y), width, LINE, facecolor=PROBABILITY(float(value)), edgecolor="white", linewidth=0.5)
            letters = axes.text(x + width / 2, y + 0.3 * LINE, word, ha="center", **style)
            for artist in axes.add_patch(box), letters:
                artist.set(transform=inches, clip_on=False, in_layout=x == 0)  # the lines' starts make room for all
        rules = LineCollection(underlined, colors=UNDERLINE, linewidths=2)
        axes.add_collection(rules, autolim=False).set(transform=inches, clip_on=False, in_layout=False)
        steps = np.arange(1, len(values) + 1)
        axes.axhline(0.5, color="0.85", linewidth=0.8, zorder=0)
        axes.plot(steps, values, color=TRUTH, linewidth=0.8, zorder=1)
        points = {"cmap": PROBABILITY, "vmin": 0, "vmax": 1, "edgecolors": TRUTH, "linewidths": 0.6}
        axes.scatter(steps, values, s=18, c=values, clip_on=False, zorder=2, **points)
        axes.set(xlim=(0.5, len(values) + 0.5), ylim=(0, 1), yticks=[0, 0.5, 1], xlabel="token", ylabel="probability")
        axes.locator_params("x", integer=True, min_n_ticks=1)
        height += 1.6 + lines * LINE
    figure.set_size_inches(9, height)
    title = f'Probability of "{label.translate(table)}" after each token, underlined below 0.5'
    figure.suptitle(title, fontfamily=fonts, parse_math=False)
    name_missing_fonts(figure, table)
    return figure


def text_widths(words: Sequence[str], fonts: Sequence[str], size: float = SIZE) -> list[float]:
    """What each word takes of a line, in inches, with the space around it."""
    ruler = TextToPath()
    font = font_manager.FontProperties(family=fonts, size=size)
    widths = []
    for word in words:
        wide = any(unicodedata.east_asian_width(character) in "WF" for character in word)
        widths.append(ruler.get_text_width_height_descent(word, font, False)[0] / 72 + (0.02 if wide else 0.1))
    return widths


def hang_of(word: str) -> float:
    """How far a word may stand out of its line, in inches: so that no line starts with a comma."""
    return 0.0 if any(map(str.isalnum, word)) else 0.25


def _wrapped(words: Sequence[str], fonts: Sequence[str]) -> list[tuple[float, int, float]]:
    """Place, line and width of each word of a running text, in inches."""
    places, x, line = [], 0.0, 0
    for word, width in zip(words, text_widths(words, fonts), strict=True):
        if x and x + width > WIDTH + hang_of(word):
            x, line = 0.0, line + 1
        places.append((x, line, width))
        x += width
    return places
