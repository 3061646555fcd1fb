"""Taggers: sentences with what they mark in them."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.colors import to_hex, to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.transforms import ScaledTranslation

from rnn_tf.plots.style import TRUTH, fonts_for, name_missing_fonts, new_figure
from rnn_tf.plots.texts import LINE, SIZE, WIDTH, hang_of, text_widths

if TYPE_CHECKING:
    from rnn_tf.models.tagger import TaggedText

# Of labels, in their alphabetical order. Whoever cannot tell them apart reads the names.
LABELS = ("#2f7d4f", "#8a4fa3", "#1b8a94", "#a8641f", "#c2518f", "#7a7a1f", "#5b62c4", "#8c4a3f")
OUTSIDE = "#b4b4b4"  # of tokens in no span
STRENGTH = 0.65  # of a colour at probability 1, so that it bears black text
SMALL, NAME, PITCH, SENTENCE = 8, 0.16, LINE + 0.24, 0.3  # points of a name; its height, a line's, an intent's, inches
NARROWEST = 5  # inches of text
MOST = 40, 24  # characters of a token, and of a name


def tagged(answers: "TaggedText | Sequence[TaggedText]") -> Figure:
    """Sentences with their spans, each underlined in the colour of its label; shades tell how sure the tagger is.

    The stronger the shade behind a token, the more probable its tag is by itself: white at 0, full at 1. It is the
    colour of the span that the token is in, and grey outside of spans. Above a sentence stands its intent, if it has
    one. Tags that mark no spans, such as parts of speech, are underlined each by itself.

    Args:
        answers: What `TextTagger.tag` gives, or one of these.

    Returns:
        The picture: as wide and as high as the sentences need, which are broken into lines.

    Raises:
        ValueError: If there is no answer, or one is not what `TextTagger.tag` gives, has no token, or not a tag and a
            probability in [0, 1] for each.

    Example:
    >>> from rnn_tf import TextTagger, plots
    >>> sentences, tags = ["wake me at nine", "wake me at ten"] * 8, ["O O O B-time"] * 16
    >>> tagger = TextTagger.from_data(sentences, tags, units=8)
    >>> history = tagger.fit(sentences, tags, epochs=20, verbose=0)
    >>> figure = plots.tagged(tagger.tag(["wake me at nine"]))
    >>> [text.get_text() for text in figure.axes[0].texts][:5]
    ['wake', 'me', 'at', 'nine', 'time']
    """
    sentences = _checked(answers)
    marks = [_marks(one) for one in sentences]
    names = sorted({label for spans in marks for label, _, _ in spans})
    colours = {label: LABELS[number % len(LABELS)] for number, label in enumerate(names)}
    fonts, table = fonts_for(
        "".join([*names, *(part for one in sentences for part in [one.intent or "", *one.tokens])])
    )
    figure, axes = new_figure(9, 4)
    axes.set_axis_off()
    inches = figure.dpi_scale_trans + ScaledTranslation(0, 1, axes.transAxes)  # down from the top left corner

    def write(x: float, y: float, text: str, size: float = SIZE, colour: str = "black", **style: str) -> None:
        text = text.translate(table)
        drawn = axes.text(x, y, text, color=colour, fontsize=size, fontfamily=fonts, parse_math=False, **style)
        drawn.set(transform=inches, clip_on=False, in_layout=False)

    def fill(x: float, y: float, width: float, height: float, colour: str, edge: str = "white") -> None:
        box = axes.add_patch(Rectangle((x, y), width, height, facecolor=colour, edgecolor=edge, linewidth=0.5))
        box.set(transform=inches, clip_on=False, in_layout=False)

    left, y, widest = 0.2, 0.0, NARROWEST
    for sentence, spans in zip(sentences, marks, strict=True):
        if sentence.intent is not None:
            y -= SENTENCE
            write(left, y + 0.09, shortened(sentence.intent, MOST[0]), SMALL + 1, TRUTH, style="italic")
        words = [shortened(token, MOST[0]).translate(table) for token in sentence.tokens]
        shown = [shortened(label, MOST[1]) for label, _, _ in spans]
        widths = np.array(text_widths(words, fonts))
        for (_, first, after), needed in zip(spans, text_widths(shown, fonts, SMALL), strict=True):
            widths[first:after] += max(0, needed + 0.06 - widths[first:after].sum()) / (after - first)
        places = _places(words, widths, spans)
        lines = np.array([line for _, line in places])
        widest = max([widest, *(x + width for (x, _), width in zip(places, widths, strict=True))])
        of_token = {token: label for label, first, after in spans for token in range(first, after)}
        for token, (word, (x, line), width) in enumerate(zip(words, places, widths, strict=True)):
            base = y - line * PITCH - LINE
            colour = colours[of_token[token]] if token in of_token else OUTSIDE
            fill(left + x, base, width, LINE, shade(colour, sentence.probabilities[token]))
            write(left + x + width / 2, base + 0.3 * LINE, word, ha="center")
        for (label, first, after), name in zip(spans, shown, strict=True):
            parts = []
            for line in np.unique(lines[first:after]):
                inside = first + np.flatnonzero(lines[first:after] == line)
                parts.append((places[inside[0]][0], int(line), widths[inside].sum()))
                x, line, width = parts[-1]
                fill(left + x + 0.015, y - line * PITCH - LINE - 0.04, width - 0.03, 0.035, colours[label], "none")
            x, line, width = max(parts, key=lambda part: part[2])
            write(left + x + 0.03, y - line * PITCH - LINE - NAME, name, SMALL, colours[label])
        y -= (lines[-1] + 1) * PITCH + 0.12
    y -= 0.2
    write(left, y + 0.05, "probability of a token's tag", SMALL, TRUTH)
    for number, value in enumerate((0, 0.25, 0.5, 0.75, 1)):
        fill(left + 1.55 + 0.42 * number, y, 0.42, 0.2, shade(OUTSIDE, value), "0.8")
        write(left + 1.76 + 0.42 * number, y + 0.05, f"{value:g}", SMALL, ha="center")
    figure.set_size_inches(widest + 2 * left, 0.1 - y + 0.25 * ("□" in table.values()))
    name_missing_fonts(figure, table)
    return figure


def shade(colour: str, probability: float) -> str:
    """The colour on white: none of it at probability 0."""
    red, green, blue = (1 - STRENGTH * probability * (1 - part) for part in to_rgb(colour))
    return to_hex((red, green, blue))


def shortened(text: str, most: int) -> str:
    """The text, or its beginning."""
    return text if len(text) <= most else text[: most - 1] + "…"


def _checked(answers: "TaggedText | Sequence[TaggedText]") -> "list[TaggedText]":
    from rnn_tf.models.tagger import TaggedText  # Only here, because that room imports TensorFlow.

    found = [answers] if isinstance(answers, TaggedText) else list(answers)
    if not found or not all(isinstance(one, TaggedText) for one in found):
        received = ", ".join(sorted({type(one).__name__ for one in found})) or "none"
        raise ValueError(
            f"`answers` must be what `TextTagger.tag` gives, at least one answer. Received: {received}. Draw "
            "plots.tagged(tagger.tag(sentences))."
        )
    for number, (_, tokens, tags, probabilities, *_) in enumerate(found):
        if not len(tokens) == len(tags) == len(probabilities) > 0:
            raise ValueError(
                "Each answer must have at least one token, and as many tags and probabilities. Received: "
                f"{len(tokens)} tokens, {len(tags)} tags and {len(probabilities)} probabilities in answer {number}."
            )
        if not all(0 <= value <= 1 for value in probabilities):
            raise ValueError(f"Probabilities must be in [0, 1]. Received: {probabilities} in answer {number}.")
    return found


def _marks(answer: "TaggedText") -> list[tuple[str, int, int]]:
    """Label, first token, and the token after the last of what is to be underlined."""
    if not answer.spans:
        return [(tag, token, token + 1) for token, tag in enumerate(answer.tags) if tag != "O"]
    starts, end = [], 0
    for token in answer.tokens:
        starts.append(answer.text.index(token, end))
        end = starts[-1] + len(token)
    marks = [(label, *np.searchsorted(starts, [start, end]).tolist()) for label, start, end, _ in answer.spans]
    return [(label, first, after) for label, first, after in marks]


def _places(words: list[str], widths: np.ndarray, spans: list[tuple[str, int, int]]) -> list[tuple[float, int]]:
    """Place and line of each word, in inches. Spans up to half a line long are not broken."""
    length = {first: after for _, first, after in spans if widths[first:after].sum() <= WIDTH / 2}
    places, x, line, token = [], 0.0, 0, 0
    while token < len(words):
        after = length.get(token, token + 1)
        if x and x + widths[token:after].sum() > WIDTH + hang_of(words[token]):
            x, line = 0.0, line + 1
        for width in widths[token:after]:
            places.append((x, line))
            x += width
        token = after
    return places
