"""The columns of a CoNLL or CoNLL-U file; see `read_tagged`."""

import numbers
import re
from difflib import get_close_matches
from pathlib import Path
from typing import NamedTuple

from rnn_tf.data.files import LINE_END, content_of

BLANKS = re.compile("[ \t]+")  # U+00A0 and its like are part of a token
HEADER = re.compile(r"#\s*(?:global\.)?columns\s*[:=]\s*(.*)", re.IGNORECASE)
TOKEN_ID = re.compile(r"\d+(?:[-.]\d+)?")
NO_TOKEN_ID = re.compile(r"\d+[-.]\d+")  # of a multiword token, or of an empty node
NEW_DOCUMENT = "-DOCSTART-"
TOKEN = ("word", "token", "form")
CONLL_U = ("id", "form", "lemma", "upos", "xpos", "feats", "head", "deprel", "deps", "misc")
WELL_KNOWN: dict[int, list[tuple[str, ...]]] = {  # by the number of columns: the names of those behind the token
    2: [("tag", "ner", "pos", "upos", "xpos", "chunk", "slot", "label")],
    3: [("pos",), ("chunk",)],  # CoNLL-2000
    4: [("pos",), ("chunk",), ("ner",)],  # CoNLL-2003
}
NEEDED = "It needs a line for each token, its tag behind it, and an empty line between two sentences."


class _Row(NamedTuple):
    token: str
    tag: str
    doubtful: bool  # perhaps a comment


class ColumnFile:
    """A CoNLL file: how its lines are cut, and which columns hold token and tag.

    column: The name or number of that of the tags, or None, as in `read_tagged`.
    """

    def __init__(self, path: Path, column: int | str | None) -> None:
        self.path, self.lines = path, numbered_lines(path, NEEDED)
        plain = ((i, line) for i, line in self.lines if self._cells_are_in(line) and not line.startswith("#"))
        self.first, line = next(plain, (0, ""))
        if not self.first:
            raise ValueError(f"{path} holds no sentence. Received: comments and empty lines only. {NEEDED}")
        self.tabs = "\t" in line
        cells = self._cut(line)
        self.width = len(cells)
        if self.width < 2:
            raise ValueError(
                f"{path}, line {self.first}: a token must have a tag in another column. Received: one column, "
                f"{line!r:.80}. Put spaces or tabs between the columns."
            )
        number, header = self._header()
        self.conll_u = header == list(CONLL_U) or (
            not header and self.width == 10 and self.tabs and TOKEN_ID.fullmatch(cells[0]) is not None
        )
        if header and len(header) != self.width:
            raise ValueError(
                f"{path}, line {number}: there must be a name for each of the {self.width} columns of line "
                f"{self.first}. Received: {len(header)}, {', '.join(header)}. Correct the names, or remove the line."
            )
        names = header or list(CONLL_U if self.conll_u else [])
        self.token = next((i for i, name in enumerate(names) if name in TOKEN), 0)
        self.id = names.index("id") if "id" in names else None
        known: list[tuple[str, ...]] = [(name,) for name in names] or [
            TOKEN,
            *WELL_KNOWN.get(self.width, [()] * (self.width - 1)),
        ]
        known[self.token] = (*known[self.token], *(name for name in TOKEN if name not in known[self.token]))
        self.tag = self._column(column, known)

    def read(self) -> tuple[list[list[str]], list[list[str]]]:
        """The tokens of each sentence, and their tags."""
        groups: list[list[_Row]] = [[]]
        for number, line in self.lines:
            if not self._cells_are_in(line):
                groups.append([])
            elif row := self._row(number, line, above=all(one.doubtful for one in groups[-1])):
                groups[-1].append(row)
        tags = {row.tag for group in groups for row in group if not row.doubtful}
        groups = [[row for row in group if not row.doubtful or row.tag in tags] for group in groups]
        groups = [group for group in groups if group]
        if not groups:
            raise ValueError(f"{self.path} holds no sentence. Received: no line of a token of its own. {NEEDED}")
        sentences = [[row.token for row in group] for group in groups]
        if self.tabs and self.id is None and all(" " in token for tokens in sentences for token in tokens):
            raise ValueError(
                f"{self.path}, line {self.first}: either tabs or spaces must separate the columns. Received: both, so "
                f"that every token holds a space, as {sentences[0][0]!r:.80} does. Replace the spaces by tabs."
            )
        return sentences, [[row.tag for row in group] for group in groups]

    def _row(self, number: int, line: str, above: bool) -> _Row | None:
        """A line as a token; None if it is a comment, or left out. `above`: no token of its sentence is above it."""
        cells = self._cut(line)
        if line.startswith("#") and (self.id == 0 or (above and len(cells) != self.width)):
            return None
        place = f"{self.path}, line {number}"
        if len(cells) != self.width:
            separators = "Tabs" if self.tabs else "Spaces"
            raise ValueError(
                f"{place}: a token must have as many columns as the first one, in line {self.first}: {self.width}. "
                f"Received: {len(cells)}, {line!r:.80}. {separators} separate the columns, as in line {self.first}; an "
                "empty line separates sentences. Correct the line."
            )
        if self.id is not None and NO_TOKEN_ID.fullmatch(cells[self.id]):
            return None
        for what, column in (("token", self.token), ("tag", self.tag)):
            if not cells[column]:
                raise ValueError(
                    f"{place}: there must be a {what} in column {column}, counted from 0. Received: {line!r:.80}. "
                    "Fill it in, or remove the line."
                )
        return _Row(cells[self.token], cells[self.tag], above and re.match("# ", line) is not None)

    def _cells_are_in(self, line: str) -> bool:
        """Whether a line is neither empty nor the beginning of a document."""
        return bool(line.strip(" \t")) and BLANKS.split(line, maxsplit=1)[0] != NEW_DOCUMENT

    def _cut(self, line: str) -> list[str]:
        return [cell.strip(" ") for cell in line.split("\t")] if self.tabs else BLANKS.split(line.strip(" \t"))

    def _header(self) -> tuple[int, list[str]]:
        """The names that a comment above the first token gives, and its line."""
        for number, line in self.lines:
            if number < self.first and (header := HEADER.fullmatch(line)):
                names = header[1].lower().replace(",", " ").split()
                twice = next((name for name in names if names.count(name) > 1), None)
                if twice is not None:
                    raise ValueError(
                        f"{self.path}, line {number}: each column must have a name of its own. Received: {twice!r} "
                        "twice. Rename one."
                    )
                return number, names
        return 0, []

    def _column(self, column: int | str | None, known: list[tuple[str, ...]]) -> int:
        """The place of a column among all, counted from 0."""
        if column is None:
            return CONLL_U.index("upos") if self.conll_u else self.width - 1
        if isinstance(column, numbers.Integral) and not isinstance(column, bool):
            if not -self.width <= column < self.width:
                raise ValueError(
                    f"{self.path}: `column` must be between 0 and {self.width - 1}, or counted from the end, between "
                    f"-{self.width} and -1. Received: column={column}; line {self.first} has {self.width} columns."
                )
            return int(column) % self.width
        if not isinstance(column, str):
            raise ValueError(f"`column` must be the name or the number of a column, or None. Received: {column!r}.")
        places = {name: place for place, names in enumerate(known) for name in names}
        if column.lower() not in places:
            close = get_close_matches(column.lower(), places, 1)
            listed = ", ".join(f"{place} {'/'.join(names) or '(no name)'}" for place, names in enumerate(known))
            raise ValueError(
                f"{self.path} must have a column {column!r}. Received: the columns {listed}. "
                f"{f'Did you mean {close[0]!r}? ' if close else ''}Give one of these names or numbers, or name the "
                'columns in a first line such as "# columns: word pos ner".'
            )
        return places[column.lower()]


def numbered_lines(path: Path, needed: str) -> list[tuple[int, str]]:
    """The lines of a file, each with its number, counted from 1."""
    return [(i, line.decode()) for i, line in enumerate(LINE_END.split(content_of(path, needed)), start=1)]
