"""Tables that a terminal shows."""

import unicodedata
from collections.abc import Sequence


def aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """The lines of a table: names in the first column, and the other columns flush right."""
    first = max(_width(name) for name, *_ in rows)
    widths = [max(11, *(len(cell) + 2 for cell in column)) for column in list(zip(*rows, strict=True))[1:]]
    lines = []
    for name, *cells in rows:
        rest = "".join(cell.rjust(width) for cell, width in zip(cells, widths, strict=True))
        lines.append(name + " " * (first - _width(name)) + rest)
    return lines


def _width(text: str) -> int:
    """Columns that a terminal needs: a Chinese character takes two."""
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)
