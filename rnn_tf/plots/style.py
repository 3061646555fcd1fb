"""One look for all pictures: what stands for what, in which colour; fonts."""

import unicodedata
from typing import Any

import numpy as np

try:
    from matplotlib import font_manager, rcParams
    from matplotlib.figure import Figure
    from matplotlib.text import Text
    from matplotlib.ticker import AutoLocator, LogLocator, NullFormatter
except ImportError:
    raise ImportError('Pictures need matplotlib. Install it with: pip install "rnn-tf[plots]"') from None

# Of different brightness, so that they can be told apart in grey, and by the colour-blind.
INPUT, HIDDEN, OUTPUT = "#e8a33d", "#0b4f8a", "#d1495b"  # x_t orange, h_t blue, o_t and forecasts red
TRUTH = "0.25"  # dark grey: what is to be answered, and what others do
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
# In the picture: no font is no error, and a notebook stays free of warnings. Short, as the smallest picture is.
NO_FONT = "□: apt install fonts-noto-cjk; rm ~/.cache/matplotlib/fontlist*"  # matplotlib keeps a list of fonts
NO_OTHER_FONT = "□: set matplotlib.rcParams['font.family'] to a font that has them"


class Picture(Figure):
    """A figure whose texts are drawn by the fonts that have their characters, in whatever script."""

    def draw(self, renderer: Any) -> None:
        """Draw it, with a box for each character that no font has, and a line below that says what to install."""
        missing: dict[int, str] = {}
        for text in self.findobj(Text):
            if not text.get_text().isascii():
                fonts, table = fonts_for(text.get_text())
                text.set(text=text.get_text().translate(table), fontfamily=fonts)
                missing |= table
        name_missing_fonts(self, missing)
        super().draw(renderer)


def new_figure(width: float, height: float, rows: int = 1, columns: int = 1, **kwargs: Any) -> tuple[Figure, Any]:
    """A figure of that many inches, and its axes."""
    figure = Picture(figsize=(width, height), dpi=130, layout="constrained")
    axes = figure.subplots(rows, columns, **kwargs)
    for one in np.ravel(axes):
        one.spines[["top", "right"]].set_visible(False)
    return figure, axes


def log_scale(axes: Any) -> None:
    """Make the y axis logarithmic once all is drawn. Over less than three decades its labels are plain numbers."""
    axes.set_yscale("log")
    low, high = axes.get_ylim()
    if high < 1000 * low:
        axes.yaxis.set_major_locator(AutoLocator() if high < 8 * low else LogLocator(subs=(1, 2, 5)))
        axes.yaxis.set_major_formatter("{x:g}")
        axes.yaxis.set_minor_formatter(NullFormatter())


def fonts_for(text: str) -> tuple[list[str], dict[int, str]]:
    """Fonts that draw a text together, the first that has a character; and a table, for `translate`, of the others."""
    installed = set(font_manager.get_font_names())
    names = [*rcParams["font.family"], *(name for name in CJK_FONTS if name in installed), "DejaVu Sans"]
    fonts = [font_manager.get_font(font_manager.findfont(font_manager.FontProperties(family=[name]))) for name in names]
    characters = sorted(filter(str.isprintable, set(text)))
    missing = [one for one in characters if not any(font.get_char_index(ord(one)) for font in fonts)]
    return names, str.maketrans(dict.fromkeys(set(text).difference(characters), " ") | dict.fromkeys(missing, "□"))


def name_missing_fonts(figure: Figure, table: dict[int, str]) -> None:
    """Say below the picture, in one line, which font to install, if its `fonts_for` table has boxes."""
    boxes = [chr(code) for code, drawn in table.items() if drawn == "□"]
    if boxes:
        wide = any(unicodedata.east_asian_width(one) in "WF" and unicodedata.category(one) != "So" for one in boxes)
        figure.supxlabel(NO_FONT if wide else NO_OTHER_FONT, fontsize=6, color=TRUTH, parse_math=False)
