"""`rnn-tf predict`: the forecast that follows a file's end, or the classes of texts, by an export or a server."""

import argparse
import contextlib
import csv
import io
import json
import re
import sys
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from rnn_tf._checks import writable_folder
from rnn_tf.data import read_columns
from rnn_tf.serving import Client
from rnn_tf.serving.saved_model import METADATA
from rnn_tf.serving.servable import Servable
from rnn_tf.serving.signatures import specs_of
from rnn_tf.serving.versions import newest_version


class Source(NamedTuple):
    """Something that answers: what it takes, how to ask it, and what the command that trained it wrote down."""

    inputs: dict[str, tf.TensorSpec]
    ask: Callable[[dict[str, Any]], dict[str, np.ndarray]]
    task: dict[str, Any]
    close: Callable[[], None]


def run(options: argparse.Namespace) -> None:
    if options.output is not None:
        writable_folder(Path(options.output).parent)
        if Path(options.output).is_dir():
            raise IsADirectoryError(f"--output must name a file. Received: the folder {options.output}.")
    source = on_server(options.model) if "://" in options.model else in_folder(Path(options.model))
    with contextlib.closing(source):
        rows = answer(source, options)
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    if options.output is None:
        sys.stdout.write(text.getvalue())
    else:
        write_whole(Path(options.output), text.getvalue())


def answer(source: Source, options: argparse.Namespace) -> list[list[Any]]:
    """The rows to write."""
    if set(source.inputs) == {"text"}:
        return classify(source, options)
    if set(source.inputs) == {"sequences"} and source.inputs["sequences"].shape[1] is not None:
        return forecast(source, options)
    raise ValueError(
        "`rnn-tf predict` is for exports of `rnn-tf train`, which take `text`, or `sequences` of a fixed number of "
        f"steps. Received: {options.model}, which takes {', '.join(source.inputs)}. Ask it in Python, by "
        "rnn_tf.serving.Client or tf.saved_model.load."
    )


def in_folder(folder: Path) -> Source:
    servable = Servable(newest_version(folder))
    path = servable.path / METADATA
    task = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    return Source(specs_of(servable.signature("serving_default").inputs), servable.run, task, servable.close)


def on_server(address: str) -> Source:
    match = re.fullmatch(r"(\w+://[^/]+)(?:/v1/models)?/([^/:]+)(?:/versions/(\d+))?/?", address)
    if match is None:
        raise ValueError(
            "The address of a model must be like http://localhost:8501/v1/models/sales or grpc://localhost:8500/sales. "
            f"Received: {address}."
        )
    client = Client(match[1], match[2], version=int(match[3]) if match[3] else None)
    try:
        return Source(client.metadata()["serving_default"].inputs, client.predict, {}, client.close)
    except BaseException:
        client.close()
        raise


def classify(source: Source, options: argparse.Namespace) -> list[list[Any]]:
    """A row for each text: its label, the probability of each class, and the text."""
    if (options.steps, options.column, options.features) != (None, None, None):
        raise ValueError(
            f"{options.model} classifies texts: --steps, --column and --features are for forecasts. Received: "
            f"steps={options.steps}, column={options.column}, features={options.features}."
        )
    answer = source.ask({"text": options.inputs})
    rows: list[list[Any]] = [["label", *map(tf.compat.as_str, answer["classes"][0]), "text"]]
    for label, probabilities, text in zip(answer["label"], answer["probabilities"], options.inputs, strict=True):
        rows.append([tf.compat.as_str(label), *(f"{probability:.4f}" for probability in probabilities), text])
    return rows


def forecast(source: Source, options: argparse.Namespace) -> list[list[Any]]:
    """A row for each step after the end of a file."""
    if len(options.inputs) > 1:
        raise ValueError(f"{options.model} forecasts what follows one CSV file. Received: {', '.join(options.inputs)}.")
    (file,) = options.inputs
    _, window, width = source.inputs["sequences"].shape
    column = options.column or source.task.get("column")
    others = source.task.get("features", []) if options.features is None else options.features.split(",")
    if column is None or len(others) != width - 1:
        raise ValueError(
            f"{options.model} looks at {width} columns of a file, the one that it forecasts first. Received: "
            f"{', '.join([column or 'none', *others])}. Name them by --column and --features."
        )
    values = read_columns(file, [column, *others])
    if len(values) < window:
        raise ValueError(f"{options.model} looks back {window} steps. Received: {file} has {len(values)} rows.")
    following = continue_series(source, values[-window:], options.steps, others)
    return [["step", column], *([i, str(value)] for i, value in enumerate(following, start=1))]


def continue_series(source: Source, window: np.ndarray, steps: int | None, others: list[str]) -> np.ndarray:
    """`steps` values that follow the window [window, columns], each answer being read as the series goes on."""

    def ask(window: np.ndarray) -> np.ndarray:
        return source.ask({"sequences": window[np.newaxis].astype(np.float32)})["forecast"][0]

    latest = ask(window)
    if others and steps is not None and steps > len(latest):
        raise ValueError(
            f"This model also looks at {', '.join(others)}, whose future is unknown: it can forecast {len(latest)} "
            f"steps. Received: --steps {steps}."
        )
    following = list(latest)
    while len(following) < (steps or 0):
        window = np.concatenate([window, latest[:, np.newaxis]])[-len(window) :]
        latest = ask(window)
        following.extend(latest)
    return np.array(following[:steps])


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
