"""What `rnn-tf predict` is given: read, and checked, without TensorFlow."""

import argparse
import re
import shlex
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from rnn_tf._checks import MOST_TOKENS
from rnn_tf.commands.sequence_tables import Sequences, read_sequences
from rnn_tf.data.files import content_of, kind_of
from rnn_tf.data.series import Series, load_series
from rnn_tf.data.tables import read_table
from rnn_tf.data.text import texts_in

STANDARD_INPUT = "-"
ENDS = (".txt", ".csv", ".tsv", ".jsonl", ".ndjson")
OTHER_ENDS = (".json", ".xlsx", ".xls", ".ods", ".parquet", ".pdf", ".docx", ".doc", ".html", ".md", ".log", ".dat")
FILES = (
    "A file must end in .txt, with one text a line, or in .csv, .tsv or .jsonl, with --text COLUMN; each may end in .gz"
)
OF_KIND = {  # which options are for which models
    "series": ("steps", "column", "features", "time", "no_time", "group", "decimal"),
    "text": ("text",),
    "tags": ("text",),
    "sequences": ("id", "features", "time", "decimal"),
    "language": ("text", "length", "temperature", "seed"),
}
SAYS = {
    "series": "forecasts a series",
    "text": "classifies texts",
    "tags": "tags the tokens of texts",
    "sequences": "classifies sequences",
    "language": "writes on after a text",
}


class Input(NamedTuple):
    """What to answer: `content` is a `SeriesInput`, a list of texts, or `Sequences`."""

    kind: str
    content: Any

    @property
    def notes(self) -> list[str]:
        """What was found in a file of a series, and done."""
        return self.content.series.notes if self.kind == "series" else []


class SeriesInput(NamedTuple):
    """The series to continue, and the names of its columns, the one to forecast first."""

    series: Series
    columns: list[str]
    group: str | None


def check_arguments(inputs: Sequence[str]) -> None:
    """Raise an error for what looks like a file and is none, whatever the model is for."""
    for given in inputs:
        if looks_like_a_file(given) and not Path(given).exists():
            raise FileNotFoundError(
                f"There is no file {given!r}. Give the path of a file that exists; a text that looks like a path goes "
                "through standard input, as in: echo TEXT | rnn-tf predict MODEL -"
            )


def looks_like_a_file(given: str) -> bool:
    """Whether it ends as a file that can be read, or is one word that ends as another file or begins as a path."""
    name = given.lower().removesuffix(".gz")
    if "\n" in given or len(given) > 1000:
        return False
    if name.endswith(ENDS):
        return True
    return not re.search(r"\s", given) and (name.endswith(OTHER_ENDS) or re.match(r"(~|\.{0,2})/.", given) is not None)


def read_input(kind: str, options: argparse.Namespace, task: dict[str, Any]) -> Input:
    """The input for a model of this kind; what the options do not say, the training's `task` does."""
    others = {name for names in OF_KIND.values() for name in names} - set(OF_KIND[kind])
    unused = [f"--{name.replace('_', '-')}" for name in sorted(others) if getattr(options, name) not in (None, False)]
    if unused:
        raise ValueError(
            f"{options.model} {SAYS[kind]}, which takes "
            f"{', '.join('--' + name.replace('_', '-') for name in OF_KIND[kind])}. Received: {', '.join(unused)}. "
            "Leave out the others."
        )
    if kind == "language" and (options.length or 0) > MOST_TOKENS:
        raise ValueError(
            f"--length must be at most {MOST_TOKENS}. Received: --length {options.length}. Ask again with the end of "
            "what is written."
        )
    read: Callable[[argparse.Namespace, dict[str, Any]], Any]
    read = {"series": series_of, "sequences": sequences_of}.get(kind, texts_of)
    return Input(kind, read(options, task))


def series_of(options: argparse.Namespace, task: dict[str, Any]) -> SeriesInput:
    """The series whose ends are to be continued."""
    file = one_file(options, "forecasts what follows one CSV file")
    column = options.column or task.get("column")
    others = names_in(options.features) if options.features is not None else task.get("features", [])
    width = task.get("width", 1 + len(task.get("features", [])))
    if column is None or len(others) != width - 1:
        raise ValueError(
            f"{options.model} looks at {width} columns of a file, the one that it forecasts first. Received: "
            f"{', '.join([column or 'none', *others])}. Name them by --column and --features."
        )
    time: str | bool | None = options.time or task.get("time")
    if options.no_time or (options.time is None and task.get("no_time")):
        time = False
    group = options.group or task.get("group")
    series = load_series(file, [column, *others], time, group, options.decimal or task.get("decimal") or ".")
    return SeriesInput(series, [column, *others], group)


def sequences_of(options: argparse.Namespace, task: dict[str, Any]) -> Sequences:
    """The sequences to classify."""
    file = one_file(options, "classifies the sequences of one file")
    identifier = options.id or task.get("id")
    features = names_in(options.features) if options.features is not None else task.get("features")
    width = task.get("width", len(task.get("features", [])))
    if identifier is None or features is None or len(features) != width:
        raise ValueError(
            f"{options.model} looks at {width} columns of a file, and one that says which sequence a row belongs to. "
            f"Received: {', '.join(features or ['none'])}, and {identifier or 'none'}. Name them by --features and "
            "--id."
        )
    return read_sequences(
        file,
        identifier,
        features=features,
        time=options.time or task.get("time"),
        decimal=options.decimal or task.get("decimal") or ".",
    )


def texts_of(options: argparse.Namespace, task: dict[str, Any]) -> list[str]:
    """The texts to classify: one file's, standard input's, or the arguments themselves."""
    check_arguments(options.inputs)
    files = [given for given in options.inputs if given == STANDARD_INPUT or is_path(given)]
    if not files:
        if options.text:
            raise ValueError(
                f"--text names a column of a file. Received: --text {options.text}, and texts. Leave --text out."
            )
        return list(options.inputs)
    if len(options.inputs) > 1:
        raise ValueError(
            f"Give one file, or {STANDARD_INPUT} for standard input, or texts. Received: {', '.join(options.inputs)}. "
            "Call the command once for each."
        )
    (file,) = files
    if file == STANDARD_INPUT:
        if options.text:
            raise ValueError(
                f"Standard input holds one text a line. Received: --text {options.text}. Leave it out, or give a file."
            )
        return lines_of(sys.stdin, "standard input")
    path = Path(file)
    if path.is_dir():
        raise IsADirectoryError(
            f"{FILES}. Received: the folder {file}. Give a file in it; a text of that name goes "
            f"through standard input, as in: echo {shlex.quote(file)} | rnn-tf predict {shlex.quote(options.model)} -"
        )
    if kind_of(path):
        column = options.text or task.get("text") or "text"
        return texts_in(read_table(path, [column]), column)
    if Path(path.name.lower().removesuffix(".gz")).suffix not in (".txt", ""):
        raise ValueError(f"{FILES}. Received: {file}. Rename the file to what it holds.")
    if options.text:
        raise ValueError(f"{FILES}. Received: {file}, and --text {options.text}. Leave --text out, or rename the file.")
    return split_lines(content_of(path).decode(), file)


def is_path(given: str) -> bool:
    """Whether there is something of this name on the disk."""
    try:
        return bool(given) and Path(given).exists()
    except (OSError, ValueError):  # too long for a name, or not one
        return False


def lines_of(stream: Any, name: str) -> list[str]:
    """The lines of a stream in UTF-8."""
    content = getattr(stream, "buffer", stream).read()
    try:
        text = content if isinstance(content, str) else content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"{name.capitalize()} must be in UTF-8. Received: {error}. Convert it first.") from None
    return split_lines(text, name)


def split_lines(text: str, name: str) -> list[str]:
    """Lines that hold something, without their ends."""
    lines = [line for line in re.split(r"\r\n|\n|\r", text) if line.strip()]
    if not lines:
        raise ValueError(f"{name} has no texts. It needs a line for each.")
    return lines


def one_file(options: argparse.Namespace, what: str) -> str:
    if len(options.inputs) > 1:
        raise ValueError(
            f"{options.model} {what}. Received: {', '.join(options.inputs)}. Call the command once for each."
        )
    (file,) = options.inputs
    return str(file)


def names_in(listed: str) -> list[str]:
    """The names in a list with commas."""
    return [name.strip() for name in listed.split(",") if name.strip()]
