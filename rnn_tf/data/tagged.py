"""Sentences with a tag for each token, from the files that people keep them in."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import zip_longest
from os import PathLike
from pathlib import Path
from typing import NamedTuple

from rnn_tf.data.conll import BLANKS, ColumnFile, numbered_lines

NEEDED_IN_FOLDER = "It needs a line for each sentence."


@dataclass(frozen=True)
class Tagged:
    """Sentences, with a tag for each token: it unpacks into these two, `sentences, tags = tagged`.

    sentences: lists of tokens, none of them empty.
    tags: lists of tags, as many of a sentence as it has tokens.
    intents: what each sentence as a whole wants, a string; or None, where the file does not say. It is not among
        what is unpacked.

    Example:
    >>> from rnn_tf.data import Tagged
    >>> tagged = Tagged([["wake", "me", "at", "nine"]], [["O", "O", "O", "B-time"]], ["set_alarm"])
    >>> sentences, tags = tagged
    >>> tags[0][3], tagged.intents
    ('B-time', ['set_alarm'])
    >>> tagged
    Tagged(1 sentence: 2 tags, 1 intent)
    """

    sentences: list[list[str]]
    tags: list[list[str]]
    intents: list[str] | None = field(default_factory=lambda: None)  # no attribute of the class itself

    def __iter__(self) -> Iterator[list[list[str]]]:
        return iter((self.sentences, self.tags))

    def __repr__(self) -> str:
        counts = [_counted(len({tag for row in self.tags for tag in row}), "tag")]
        if self.intents is not None:
            counts.append(_counted(len(set(self.intents)), "intent"))
        return f"Tagged({_counted(len(self.sentences), 'sentence')}: {', '.join(counts)})"


class TaggedSplit(NamedTuple):
    """Tagged sentences in two parts, one to train on and one to test on: `train, test = split`.

    The properties `sentences`, `tags` and `intents` hold both, the part to train on first.

    Example:
    >>> from rnn_tf.data import requests
    >>> split = requests()
    >>> split
    TaggedSplit(train=Tagged(288 sentences: 31 tags, 9 intents), test=Tagged(72 sentences: 31 tags, 9 intents))
    >>> len(split.sentences) == len(split.tags) == len(split.intents) == 360
    True
    """

    train: Tagged
    test: Tagged

    @property
    def sentences(self) -> list[list[str]]:
        """The sentences of both parts."""
        return self.train.sentences + self.test.sentences

    @property
    def tags(self) -> list[list[str]]:
        """The tags of both parts."""
        return self.train.tags + self.test.tags

    @property
    def intents(self) -> list[str] | None:
        """The intents of both parts; None unless both have them."""
        if self.train.intents is None or self.test.intents is None:
            return None
        return self.train.intents + self.test.intents


def read_tagged(path: str | PathLike[str], column: int | str | None = None) -> Tagged:
    r"""Tokens and their tags from a CoNLL or CoNLL-U file, or from a folder of parallel files, in UTF-8.

    A CoNLL file has a line for each token and an empty line between two sentences. Tabs separate its columns if there
    is one in the first line of a token: then a token may hold spaces. Otherwise runs of spaces do. No other character
    does, such as U+00A0. Every token has as many columns as the first one. Lines of `-DOCSTART-` are left out.

    A comment begins with "#" and stands above a sentence: it is told from a token by its number of columns, which is
    another. Where it is the same, a line is a token unless it begins with "# " and has a tag that no other line has.

    Ten columns with tabs between, of which the first is a number, are CoNLL-U. There the token is `form`; multiword
    tokens (their ids are like 3-4) and empty nodes (8.1) are left out, and a line that begins with "#" is always a
    comment.

    The columns have names

    - in CoNLL-U: id, form, lemma, upos, xpos, feats, head, deprel, deps, misc;
    - if a comment above the first sentence says so: `# columns: word pos ner`, or `# global.columns = ID FORM UPOS` as
      in CoNLL-U Plus. The token is then in the column "word", "token" or "form", otherwise in the first; with a column
      "id", multiword tokens and empty nodes are left out;
    - by their number: two are word and tag (or ner, pos, upos, xpos, chunk, slot, label), three are word, pos and chunk
      as in CoNLL-2000, four are word, pos, chunk and ner as in CoNLL-2003.

    The word is also "token" and "form"; capital letters make no difference in names.

    A folder holds the files `seq.in`, a sentence a line with spaces between its tokens; `seq.out`, the tags in the same
    way; and, if sentences have intents, `label`, an intent a line. ATIS and Snips come so. Lines that are empty in all
    files are passed over.

    Args:
        path: The file, which may be compressed, with .gz after its name; or the folder.
        column: Of a file, the column of the tags: its name, or its number, which is 0 for the first and -1 for the
            last. None takes `upos` of CoNLL-U, and the last one of any other file.

    Returns:
        `Tagged`, in the order of the file. Its `intents` are None unless there is a file `label`.

    Raises:
        FileNotFoundError: If there is no such file, or the folder lacks `seq.in` or `seq.out`.
        ValueError: If a file is empty, not UTF-8 or damaged; a line has more or fewer columns than the first, or no
            token or tag; there is no such column; or the files of a folder do not have a tag for each token and an
            intent for each sentence. The message names the line.

    Source: E. F. Tjong Kim Sang and F. De Meulder (2003), "Introduction to the CoNLL-2003 shared task"; J. Nivre et al.
    (2020), "Universal Dependencies v2"; C.-W. Goo et al. (2018), "Slot-gated modeling for joint slot filling and intent
    prediction", for the folders.

    Example:
    >>> import pathlib, tempfile
    >>> from rnn_tf.data import read_tagged
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "train.conll"
    >>> _ = path.write_text("Ada NNP B-NP B-PER\nsleeps VBZ B-VP O\n\nHush UH O O\n")
    >>> sentences, tags = read_tagged(path, column="ner")
    >>> sentences, tags
    ([['Ada', 'sleeps'], ['Hush']], [['B-PER', 'O'], ['O']])
    """
    path = Path(path)
    if path.is_dir():
        if column is not None:
            raise ValueError(
                f"`column` is for files; in a folder the tags are those of seq.out. Received: column={column!r} and "
                f"the folder {path}. Leave `column` out, or give one file."
            )
        return _read_folder(path)
    if not path.is_file():
        raise FileNotFoundError(
            f"There is no file {str(path)!r}. Give the path of a CoNLL or CoNLL-U file, or of a folder with seq.in and "
            "seq.out."
        )
    return Tagged(*ColumnFile(path, column).read())


def _read_folder(folder: Path) -> Tagged:
    for name in ("seq.in", "seq.out"):
        if not (folder / name).is_file():
            inner = sorted(one.parent.name for one in folder.glob("*/seq.in"))[:8]
            advice = f"Give one of the folders in it: {', '.join(inner)}." if inner else "Put it there."
            raise FileNotFoundError(
                f"A folder of tagged sentences holds seq.in, seq.out and, if they have intents, label. Received: "
                f"{folder}, without {name}. {advice}"
            )
    names = [name for name in ("seq.in", "seq.out", "label") if (folder / name).is_file()]
    columns = [[line.strip(" \t") for _, line in numbered_lines(folder / name, NEEDED_IN_FOLDER)] for name in names]
    for column in columns:
        while not column[-1]:
            column.pop()
    sentences: list[list[str]] = []
    tags: list[list[str]] = []
    intents: list[str] = []
    for number, cells in enumerate(zip_longest(*columns, fillvalue=""), start=1):
        if not any(cells):
            continue
        for name, cell, column in zip(names, cells, columns, strict=True):
            if not cell:
                received = "an empty line" if number <= len(column) else f"{len(column)} lines"
                raise ValueError(
                    f"{folder / name}, line {number}: {', '.join(names)} must each have a line for every sentence. "
                    f"Received: {received}, where another has {next(filter(None, cells))!r:.80}. Correct the files."
                )
        tokens, labels = (BLANKS.split(cell) for cell in cells[:2])
        if len(tokens) != len(labels):
            raise ValueError(
                f"{folder / 'seq.out'}, line {number}: there must be a tag for each token of seq.in. Received: "
                f"{len(labels)} tags for {len(tokens)} tokens, {cells[0]!r:.80}. Correct the line in one of them."
            )
        sentences.append(tokens)
        tags.append(labels)
        intents.extend(cells[2:])
    return Tagged(sentences, tags, intents if "label" in names else None)


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
