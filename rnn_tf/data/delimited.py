"""The cells of a CSV or TSV file.

They are cut out in whole arrays of bytes: a loop over a million rows in Python, `csv.reader`'s included, takes ten
times as long.
"""

from pathlib import Path

import numpy as np

from rnn_tf.data.files import LINE_END, kind_of, line_of

SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs"}
QUOTE, LF, CR = (ord(character) for character in '"\n\r')
COMMAS = (
    "A number with a decimal comma (21,5) or a thousands comma (1,020), or a text that holds a comma, must stand in "
    "quotes; or separate the columns by semicolons."
)


class Cells:
    """The cells of a CSV or TSV file, as the places in its bytes where each begins and ends."""

    def __init__(self, path: Path, content: bytes, decimal: str) -> None:
        self.path, self.content = path, content
        self.bytes = np.frombuffer(content, np.uint8)
        self.quoted = kind_of(path) != "tsv" and b'"' in content
        separator = "\t" if kind_of(path) == "tsv" else self._separator(decimal)
        ends, starts, last = self._cut(ord(separator))
        columns = int(np.flatnonzero(last)[0]) + 1
        if len(ends) % columns or not last[columns - 1 :: columns].all() or last.sum() * columns != len(ends):
            self._refuse_length(starts, ends, last, columns, separator)
        self.starts, self.ends = starts.reshape(-1, columns), ends.reshape(-1, columns)  # [1 + rows, columns]
        self.names = [self._text(0, column).strip() for column in range(columns)]
        if columns == 1:
            self._check_gaps()

    def __len__(self) -> int:
        return len(self.starts) - 1

    def line(self, row: int) -> int:
        return line_of(self.content, self.starts[row + 1, 0])

    def cells(self, column: int) -> list[str]:
        starts, ends = self._inside(column)
        content = self.content
        texts = [content[start:end].decode() for start, end in zip(starts.tolist(), ends.tolist(), strict=True)]
        if self.quoted:
            in_quotes = np.flatnonzero(starts > self.starts[1:, column])
            for row in in_quotes.tolist():
                texts[row] = texts[row].replace('""', '"')
        return texts

    def characters(self, column: int, longest: int, rows: slice = slice(None)) -> np.ndarray | None:
        """A column as bytes `[rows, width]`, filled up with spaces; None if a cell is longer than `longest`."""
        starts, ends = self._inside(column)
        starts, lengths = starts[rows], (ends - starts)[rows]
        width, shortest = int(lengths.max(initial=1)), int(lengths.min(initial=longest))
        if width > longest:
            return None
        characters = np.full([width, len(starts)], ord(" "), np.uint8)
        for i in range(width):
            if i < shortest:
                characters[i] = self.bytes[starts + i]
            else:
                inside = np.flatnonzero(lengths > i)
                characters[i, inside] = self.bytes[starts[inside] + i]
        return np.ascontiguousarray(characters.T)

    def _separator(self, decimal: str) -> str:
        """The one that the first line holds outside of quotes."""
        head = LINE_END.split(self.content.lstrip(b"\r\n"), maxsplit=1)[0].decode()
        outside = "".join(head.split('"')[::2])
        found = [separator for separator in SEPARATORS if separator in outside]
        if len(found) > 1:
            raise ValueError(
                f"{self.path}: the first line must hold one kind of separator. Received: "
                f"{' and '.join(SEPARATORS[separator] for separator in found)} in {head!r:.120}. Put names that hold "
                "one of them in quotes."
            )
        if found:
            return found[0]
        return ";" if decimal == "," else ","  # a single column

    def _cut(self, separator: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Where each cell ends and begins, and whether it is the last one of its row."""
        here = self.bytes
        line_ends = (here == LF) | (here == CR)
        stop = line_ends | (here == separator)
        if self.quoted:
            quote = here == QUOTE
            self._check_quotes(np.flatnonzero(quote), separator)
            stop &= ~np.logical_xor.accumulate(quote)  # not those inside of quotes
        stops = np.flatnonzero(stop)
        last = line_ends[stops]
        if not len(stops) or stops[-1] != len(here) - 1 or not last[-1]:  # the file's end ends its last line
            stops, last = np.append(stops, len(here)), np.append(last, True)
        starts = np.concatenate([[0], stops[:-1] + 1])
        empty_line = last & (starts == stops) & np.concatenate([[True], last[:-1]])  # or the LF of a CRLF
        keep = ~empty_line
        return stops[keep], starts[keep], last[keep]

    def _check_quotes(self, quotes: np.ndarray, separator: int) -> None:
        """Raise ValueError at a quote that neither opens nor closes a cell.

        In turn they open and close. One that opens stands behind a separator or a line end, one that closes in front
        of one; where one that opens follows one that closes, they are a quote that is part of the cell.
        """
        edge = np.zeros(256, bool)
        edge[[separator, LF, CR, QUOTE]] = True
        opens, closes = quotes[::2], quotes[1::2]
        before = np.where(opens > 0, self.bytes[opens - 1], LF)
        after = np.where(closes < len(self.bytes) - 1, self.bytes[np.minimum(closes + 1, len(self.bytes) - 1)], LF)
        wrong = np.sort(np.concatenate([opens[~edge[before]], closes[~edge[after]]]))
        if len(wrong):
            place = int(wrong[0])
            number = int(np.searchsorted(quotes, place))
            line = line_of(self.content, place)
            opened = line_of(self.content, int(quotes[number - 1])) if number % 2 else line
            around = self.content[max(0, place - 20) : place + 20].decode(errors="ignore")
            raise ValueError(
                f"{self.path}, line {opened}: a quote must open or close a whole cell. Received: {around!r} in line "
                f"{line}. Close the quote that opens in line {opened}; or write a quote that is part of the text "
                'twice, and the whole cell in quotes, as in "a 5"" screen".'
            )
        if len(quotes) % 2:
            place = int(quotes[-1])
            around = self.content[place : place + 40].decode(errors="ignore")
            raise ValueError(
                f"{self.path}, line {line_of(self.content, place)}: a quote opens a cell and is never closed. "
                f"Received: {around!r}. Close it, or write a quote that is part of the text twice, and the whole cell "
                'in quotes, as in "a 5"" screen".'
            )

    def _refuse_length(
        self, starts: np.ndarray, ends: np.ndarray, last: np.ndarray, columns: int, separator: str
    ) -> None:
        row_ends = np.concatenate([[-1], np.flatnonzero(last)])
        row = int(np.flatnonzero(np.diff(row_ends) != columns)[0])
        first, stop = int(row_ends[row]) + 1, int(row_ends[row + 1]) + 1
        cells = [self.content[starts[i] : ends[i]].decode() for i in range(first, stop)]
        if len(cells) < columns:
            why = "A cell is missing, or the line was cut off."
        elif separator == ",":
            why = COMMAS
        elif kind_of(self.path) == "tsv":
            why = "In a TSV file a text holds no tabs."
        else:
            why = f"A text that holds {SEPARATORS[separator]} must stand in quotes."
        raise ValueError(
            f"{self.path}, line {line_of(self.content, starts[first])}: a row must have as many cells as the first "
            f"line has names, {columns}. Received: {len(cells)} cells, {', '.join(map(repr, cells))!s:.200}. {why}"
        )

    def _check_gaps(self) -> None:
        """In a file of one column an empty line may be a missing value."""
        between = np.stack([self.ends[:-1, 0], self.starts[1:, 0]])  # of two rows that follow each other
        skipped = between[1] - between[0] - (self.bytes[between[0]] == CR) * (self.bytes[between[1] - 1] == LF)
        if (skipped > 1).any():
            line = line_of(self.content, self.starts[1 + int(np.argmax(skipped > 1)), 0])
            raise ValueError(
                f"{self.path}, above line {line}: in a file of one column every line must hold a value. Received: an "
                "empty line. Fill it in, or remove it."
            )

    def _inside(self, column: int) -> tuple[np.ndarray, np.ndarray]:
        """Where the cells of a column begin and end, without their quotes."""
        starts, ends = self.starts[1:, column], self.ends[1:, column]
        if not self.quoted:
            return starts, ends
        in_quotes = (starts < ends) & (self.bytes[np.minimum(starts, len(self.bytes) - 1)] == QUOTE)
        return starts + in_quotes, ends - in_quotes

    def _text(self, row: int, column: int) -> str:
        text = self.content[self.starts[row, column] : self.ends[row, column]].decode()
        return text[1:-1].replace('""', '"') if self.quoted and text.startswith('"') else text
