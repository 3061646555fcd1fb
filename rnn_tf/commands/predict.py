"""`rnn-tf predict`: the forecast that follows a file's end, or the classes of texts, from an exported model alone."""

import argparse
import csv
import io
import json
import sys
import uuid
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from rnn_tf._checks import writable_folder
from rnn_tf.data import read_columns
from rnn_tf.serving.saved_model import METADATA
from rnn_tf.serving.versions import newest_version


def run(options: argparse.Namespace) -> None:
    if options.output is not None:
        writable_folder(Path(options.output).parent)
        if Path(options.output).is_dir():
            raise IsADirectoryError(f"--output must name a file. Received: the folder {options.output}.")
    version = newest_version(Path(options.model))
    task = read_task(version)
    signatures = tf.saved_model.load(str(version)).signatures
    signature = signatures.get("serving_default")
    if task.get("task") == "series":
        rows = forecast(signature, options, task)
    elif signature is not None and "text" in signature.structured_input_signature[1]:
        rows = classify(signature, options)
    else:
        raise ValueError(
            f"{version} neither takes texts nor says which column and window of a file it takes: {METADATA} is missing "
            "or of another task. Export it by `rnn-tf train series` or `rnn-tf train text`."
        )
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    if options.output is None:
        sys.stdout.write(text.getvalue())
    else:
        write_whole(Path(options.output), text.getvalue())


def classify(signature: Any, options: argparse.Namespace) -> list[list[Any]]:
    """A row for each text: its label, the probability of each class, and the text."""
    if options.steps is not None:
        raise ValueError(
            f"{options.model} classifies texts: --steps is for forecasts. Received: --steps {options.steps}."
        )
    answer = {name: output.numpy() for name, output in signature(text=tf.constant(options.inputs)).items()}
    rows: list[list[Any]] = [["label", *(name.decode() for name in answer["classes"][0]), "text"]]
    for label, probabilities, text in zip(answer["label"], answer["probabilities"], options.inputs, strict=True):
        rows.append([label.decode(), *(f"{probability:.4f}" for probability in probabilities), text])
    return rows


def forecast(signature: Any, options: argparse.Namespace, task: dict[str, Any]) -> list[list[Any]]:
    """A row for each step after the end of a file."""
    if len(options.inputs) > 1:
        raise ValueError(f"{options.model} forecasts what follows one CSV file. Received: {', '.join(options.inputs)}.")
    (file,) = options.inputs
    values = read_columns(file, [task["column"], *task["features"]])
    if len(values) < task["window"]:
        raise ValueError(f"{options.model} looks back {task['window']} steps. Received: {file} has {len(values)} rows.")
    following = continue_series(signature, values[-task["window"] :], options.steps or task["horizon"], task)
    return [["step", task["column"]], *([i, str(value)] for i, value in enumerate(following, start=1))]


def read_task(version: Path) -> dict[str, Any]:
    """What the command that trained the model wrote down beside it; nothing, if another wrote it."""
    path = version / METADATA
    task: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    return task


def continue_series(signature: Any, window: np.ndarray, steps: int, task: dict[str, Any]) -> np.ndarray:
    """`steps` values that follow the window [window, columns], each answer being read as the series goes on."""
    if task["features"] and steps > task["horizon"]:
        raise ValueError(
            f"This model also looks at {', '.join(task['features'])}, whose future is unknown: it can forecast "
            f"{task['horizon']} steps. Received: --steps {steps}."
        )
    forecast: list[np.float32] = []
    while len(forecast) < steps:
        answer = signature(sequences=tf.constant(window[np.newaxis], tf.float32))["forecast"].numpy()[0]
        forecast.extend(answer)
        if not task["features"]:
            window = np.concatenate([window, answer[:, np.newaxis]])[-task["window"] :]
    return np.array(forecast[:steps])


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
