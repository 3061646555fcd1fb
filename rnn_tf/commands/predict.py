"""`rnn-tf predict`: what follows a series or a text, or the classes of texts or of sequences, by an export or a server.

What an export was trained for is written beside it, so that its input is read and checked before TensorFlow is
imported. For a model on a server, and for exports of other origin, the signature tells it.
"""

import argparse
import contextlib
import csv
import io
import json
import re
import sys
import uuid
from pathlib import Path
from typing import Any

from rnn_tf._names import METADATA
from rnn_tf.commands.exports import usable_folder
from rnn_tf.commands.inputs import OF_KIND, Input, check_arguments, read_input
from rnn_tf.commands.tensorflow_start import import_tensorflow
from rnn_tf.export.versions import newest_version


def run(options: argparse.Namespace) -> None:
    if options.output is not None:
        usable_folder(Path(options.output).parent)
        if Path(options.output).is_dir():
            raise IsADirectoryError(f"--output must name a file. Received: the folder {options.output}.")
    given: Input | None = None
    task: dict[str, Any] = {}
    if "://" in options.model:
        address, name, version = server_of(options.model)
    else:
        folder = newest_version(Path(options.model))
        task = read_task(folder)
    if task:
        given = read_input(task["task"], options, task)
    else:
        check_arguments(options.inputs)

    import_tensorflow()
    from rnn_tf.commands import answers

    source = answers.on_server(address, name, version) if "://" in options.model else answers.in_folder(folder)
    with contextlib.closing(source):
        if given is None:
            kind, known = answers.kind_of_model(source, options.model)
            given = read_input(kind, options, known)
        rows = answers.answer(source, given, options)
    for note in given.notes:
        print(f"rnn-tf: {note}", file=sys.stderr)
    if given.kind == "language" and options.output is None:
        print("\n\n".join(text for *_, text in rows[1:]))
        return
    if given.kind == "tags" and options.output is None and sys.stdout.isatty():
        print("\n".join(answers.in_colour(given.content, rows)))
        return
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    if options.output is None:
        sys.stdout.write(text.getvalue())
    else:
        write_whole(Path(options.output), text.getvalue())


def server_of(address: str) -> tuple[str, str, int | None]:
    """The server, the model's name and its version, if one is asked for."""
    match = re.fullmatch(r"(\w+://[^/]+)(?:/v1/models)?/([^/:]+)(?:/versions/(\d+))?/?", address)
    if match is None:
        raise ValueError(
            "The address of a model must be like http://localhost:8501/v1/models/sales or grpc://localhost:8500/sales. "
            f"Received: {address}."
        )
    return match[1], match[2], int(match[3]) if match[3] else None


def read_task(folder: Path) -> dict[str, Any]:
    """What the command that trained an export wrote down; nothing for exports of other origin."""
    path = folder / METADATA
    if not path.is_file():
        return {}
    try:
        task = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path} must be JSON. Received: {error}. Export the model again.") from None
    return task if isinstance(task, dict) and task.get("task") in OF_KIND else {}


def write_whole(path: Path, text: str) -> None:
    """Write the file whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    try:
        draft.write_text(text, encoding="utf-8")
        draft.replace(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
