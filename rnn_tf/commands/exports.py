"""Where a command exports to: all that an export would refuse is refused before the training."""

import argparse
import itertools
import os
import re
import shlex
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import rnn_tf
from rnn_tf._checks import writable_folder
from rnn_tf._names import PATTERN, check_export_folder, export_name
from rnn_tf.export.versions import newest_version

FREE_BYTES = 64 * 2**20  # an export and what lies beside it
PATTERNS = re.compile(f"[{re.escape(PATTERN)}]")


def export_folder(models: str, name: str | None, made_from: str) -> Path:
    """The folder to export to, after checking that an export will take it. Makes nothing.

    Args:
        models: Folder of all models.
        name: What the user calls the model, or None.
        made_from: Text to make a name from otherwise, such as that of a column.
    """
    if name is not None and name != export_name(name):
        raise ValueError(
            "An export is named like a folder, without a path: by letters, digits, '_', '-' and '.', not by a number "
            f"alone. Received: {name!r}. Choose another, such as --name {export_name(name)}."
        )
    if PATTERNS.search(models):
        raise ValueError(
            f"TensorFlow takes *, ?, [, ] and \\ in a path for patterns. Received: --models {models}. Choose another, "
            f"such as --models {shlex.quote(PATTERNS.sub('_', models))}."
        )
    folder = Path(models, name or export_name(made_from))
    check_export_folder(folder)
    return usable_folder(folder)


def usable_folder(path: str | Path) -> Path:
    """The path, after checking that a folder can be made there and filled. Leaves nothing behind."""
    folder = writable_folder(path)
    existing = next(place for place in (folder, *folder.absolute().parents) if place.exists())
    try:
        os.rmdir(tempfile.mkdtemp(prefix=".rnn_tf-", dir=existing))
    except OSError as error:
        raise PermissionError(
            f"Cannot write to {folder}: {error.strerror}. Choose a folder that you may write to."
        ) from None
    free = shutil.disk_usage(existing).free
    if free < FREE_BYTES:
        raise OSError(
            f"An export needs {FREE_BYTES >> 20} MiB on the disk. Received: {free >> 20} MiB free for {folder}. Make "
            "room, or choose a folder on another disk."
        )
    return folder


def check_demo(options: argparse.Namespace) -> None:
    """What the demo will write to, before TensorFlow is imported."""
    for folder in (options.output, Path(options.models, "mackey_glass")):
        usable_folder(folder)


def check_export(options: argparse.Namespace) -> None:
    """Raise FileNotFoundError unless there is an export."""
    newest_version(Path(options.model))


def check_models(options: argparse.Namespace) -> None:
    """Raise FileNotFoundError unless there is something to serve."""
    folder = Path(options.models)
    if not any(any(folder.glob(f"{inner}saved_model.pb")) for inner in ("", "*/", "*/*/")):
        raise FileNotFoundError(
            f"There is no model in {str(folder)!r}: it needs a folder such as NAME/1 with a saved_model.pb. "
            "`rnn-tf train` makes one."
        )


@contextmanager
def kept_if_it_fails(model: Any, folder: Path) -> Iterator[None]:
    """Whatever stops an export after the training, the trained model is kept as `.keras`, and it is said where."""
    try:
        yield
    except BaseException:
        kept = keep(model, folder)
        if kept is not None:
            print(
                f"rnn-tf: the export did not succeed. The trained model is kept in {kept}. In Python, after "
                f"`import keras, rnn_tf.models`, keras.models.load_model({str(kept)!r}) loads it, and "
                f"rnn_tf.export_saved_model(model, {str(folder)!r}) exports it.",
                file=sys.stderr,
            )
        raise


def keep(model: Any, folder: Path) -> Path | None:
    """Save the model beside the folder of its export, or else where it can be written."""
    for place in (folder.parent, Path.cwd(), Path(tempfile.gettempdir())):
        paths = (
            place / f"{folder.name}{number}.keras"
            for number in itertools.chain([""], (f"_{i}" for i in itertools.count(2)))
        )
        try:
            place.mkdir(parents=True, exist_ok=True)
            path = next(path for path in paths if not path.exists())
            model.save(path)
        except OSError:
            continue
        return path
    return None


def export(model: Any, folder: Path, examples: Any, metadata: dict[str, Any]) -> str:
    """Export a trained model, and say so; see `export_saved_model`."""
    with kept_if_it_fails(model, folder):
        path = rnn_tf.export_saved_model(model, folder, examples=examples, metadata=metadata)
    print(f"\nexported, reloaded in a fresh process and compared: {path}")
    return path
