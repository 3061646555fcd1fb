"""The part of `rnn-tf predict` that asks a model, here or on a server."""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from rnn_tf._checks import seed_of
from rnn_tf.commands.inputs import Input, SeriesInput
from rnn_tf.commands.sequence_tables import Sequences
from rnn_tf.export.signatures import specs_of
from rnn_tf.fields.sequences import padded
from rnn_tf.serving import Client
from rnn_tf.serving.servable import Servable

BATCH_SIZE = 64


class Source(NamedTuple):
    """Something that answers: what it takes and gives, and how to ask it."""

    inputs: dict[str, tf.TensorSpec]
    outputs: dict[str, tf.TensorSpec]
    ask: Callable[[dict[str, Any]], dict[str, np.ndarray]]
    close: Callable[[], None]


def in_folder(version: Path) -> Source:
    servable = Servable(version)
    try:
        signature = servable.signature("serving_default")
        return Source(specs_of(signature.inputs), specs_of(signature.outputs), servable.run, servable.close)
    except BaseException:
        servable.close()
        raise


def on_server(address: str, name: str, version: int | None) -> Source:
    client = Client(address, name, version=version)
    try:
        signatures = client.metadata()
        if "serving_default" not in signatures:
            raise ValueError(
                f"`rnn-tf predict` asks the signature serving_default. Received: {name}, which has "
                f"{', '.join(signatures) or 'none'}. Ask it in Python, by rnn_tf.serving.Client."
            )
        return Source(*signatures["serving_default"], client.predict, client.close)
    except BaseException:
        client.close()
        raise


def kind_of_model(source: Source, name: str) -> tuple[str, dict[str, Any]]:
    """What a signature is for, and what it tells of the input: see `read_input`."""
    classifies = {"label", "probabilities", "classes"} <= set(source.outputs)
    if set(source.inputs) == {"text"} and classifies:
        return "text", {}
    if set(source.inputs) == {"text"} and {"tokens", "tags"} <= set(source.outputs):
        return "tags", {}
    if set(source.inputs) == {"prompt", "length", "temperature", "seed"}:
        return "language", {}
    if "sequences" in source.inputs:
        shape = source.inputs["sequences"].shape
        if set(source.inputs) == {"sequences", "lengths"} and classifies and source.outputs["label"].shape.rank == 1:
            return "sequences", {"width": shape[2]}
        if set(source.inputs) == {"sequences"} and shape[1] is not None and "forecast" in source.outputs:
            return "series", {"width": shape[2]}
    raise ValueError(
        "`rnn-tf predict` is for exports of `rnn-tf train`, which take `text`, `prompt`, `sequences` of a fixed number "
        f"of steps to forecast, or `sequences` and `lengths` to classify. Received: {name}, which takes "
        f"{', '.join(source.inputs)} and gives {', '.join(source.outputs)}. "
        "Ask it in Python, by rnn_tf.serving.Client or tf.saved_model.load."
    )


def answer(source: Source, given: Input, options: argparse.Namespace) -> list[list[Any]]:
    """The rows to write."""
    if given.kind == "text":
        return classify_texts(source, given.content)
    if given.kind == "tags":
        return tag_texts(source, given.content)
    if given.kind == "sequences":
        return classify_sequences(source, given.content)
    if given.kind == "language":
        return write_on(source, given.content, options)
    return forecast(source, given.content, options)


def write_on(source: Source, prompts: list[str], options: argparse.Namespace) -> list[list[Any]]:
    """A row for each prompt: the prompt, and what the model writes after it."""
    rows: list[list[Any]] = [["prompt", "continuation", "text"]]
    first = seed_of(options.seed)
    for start in range(0, len(prompts), BATCH_SIZE):
        batch = prompts[start : start + BATCH_SIZE]
        asked = {
            "prompt": np.array(batch, object),
            "length": np.full([len(batch)], options.length or 200, np.int32),
            "temperature": np.full(
                [len(batch)], 0.8 if options.temperature is None else options.temperature, np.float32
            ),
            "seed": ((first + start + np.arange(len(batch))) % 2**31).astype(np.int32),
        }
        written = source.ask(asked)
        columns = (map(tf.compat.as_str, written[name]) for name in ("continuation", "text"))
        rows += [list(row) for row in zip(batch, *columns, strict=True)]
    return rows


def classify_texts(source: Source, texts: list[str]) -> list[list[Any]]:
    """A row for each text: its label, the probability of each class, and the text."""
    rows, header = [], []
    for start in range(0, len(texts), BATCH_SIZE):
        batch = texts[start : start + BATCH_SIZE]
        answers = source.ask({"text": np.array(batch, object)})
        header = names_of_classes(answers)
        rows += [[*cells, text] for cells, text in zip(cells_of(answers), batch, strict=True)]
    return [["label", *header, "text"], *rows]


def tag_texts(source: Source, texts: list[str]) -> list[list[Any]]:
    """A row for each span, or each token where tags mark no spans: its text, its label, and where it is; the intent."""
    parts = ["span_texts", "span_labels", "span_starts", "span_ends"]
    spans, intents = set(parts) <= set(source.outputs), "intent" in source.outputs
    rows: list[list[Any]] = []
    for start in range(0, len(texts), BATCH_SIZE):
        answers = source.ask({"text": np.array(texts[start : start + BATCH_SIZE], object)})
        for place in range(len(answers["tokens"])):
            cells = [answers[name][place] for name in (parts if spans else ["tokens", "tags"])]
            intent = [tf.compat.as_str(answers["intent"][place])] if intents else []
            found = [list(map(_plain, row)) for row in zip(*cells, strict=True) if row[1]]
            rows += [[start + place, *row, *intent] for row in found or [[""] * len(cells)] if found or intents]
    names = ["text", "label", "start", "end"] if spans else ["token", "tag"]
    return [["row", *names, *(["intent"] if intents else [])], *rows]


def in_colour(texts: list[str], rows: list[list[Any]]) -> list[str]:
    """The texts with their spans in colour, each label in one of its own; or the tokens with their tags."""
    header, *cells = rows
    lines = list(texts) if "start" in header else [""] * len(texts)
    colours: dict[str, int] = {}
    for row, *answer in reversed(cells):
        if "start" not in header:
            lines[row] = f"{answer[0]}/{answer[1]} {lines[row]}"
        elif answer[1]:
            _, label, start, end = answer[:4]
            colour = colours.setdefault(label, 31 + len(colours) % 6)
            line = lines[row]
            lines[row] = f"{line[:start]}\033[{colour}m{line[start:end]}\033[0m[{label}]{line[end:]}"
    if "intent" in header:
        intents = {row: answer[-1] for row, *answer in cells}
        lines = [f"{intents[place]}: {line}" for place, line in enumerate(lines)]
    return lines


def _plain(value: Any) -> Any:
    return tf.compat.as_str(value) if isinstance(value, bytes | str) else int(value)


def classify_sequences(source: Source, sequences: Sequences) -> list[list[Any]]:
    """A row for each sequence: its id, its label, and the probability of each class."""
    lengths = np.array([len(one) for one in sequences.arrays], np.int32)
    order = np.argsort(lengths, kind="stable")  # those of like length together, so that little is padding
    rows: dict[int, list[Any]] = {}
    header: list[str] = []
    for start in range(0, len(order), BATCH_SIZE):
        places = order[start : start + BATCH_SIZE]
        batch = padded([sequences.arrays[place] for place in places])
        answers = source.ask({"sequences": batch, "lengths": lengths[places]})
        header = names_of_classes(answers)
        for place, cells in zip(places.tolist(), cells_of(answers), strict=True):
            rows[place] = [sequences.ids[place], *cells]
    return [[sequences.identifier, "label", *header], *(rows[place] for place in sorted(rows))]


def names_of_classes(answers: dict[str, np.ndarray]) -> list[str]:
    return [tf.compat.as_str(name) for name in answers["classes"][0]]


def cells_of(answers: dict[str, np.ndarray]) -> list[list[str]]:
    """The label and the probabilities of each row."""
    return [
        [tf.compat.as_str(label), *(f"{probability:.4f}" for probability in probabilities)]
        for label, probabilities in zip(answers["label"], answers["probabilities"], strict=True)
    ]


def forecast(source: Source, given: SeriesInput, options: argparse.Namespace) -> list[list[Any]]:
    """A row for each step after the end of each series, with its time where the file tells times."""
    series, (column, *others) = given.series, given.columns
    window = source.inputs["sequences"].shape[1]
    if series.groups is None and len(series) < window:
        raise ValueError(f"{options.model} looks back {window} steps. Received: {series.name} has {len(series)} rows.")
    header = ["step", column]
    if series.times is not None:
        header.append(series.times.column)
    if given.group is not None:
        header.append(given.group)
    rows: list[list[Any]] = [header]
    for name, end in series.ends(window).items():
        following = continue_series(source, end, options.steps, others)
        times = series.next_times(name, len(following))
        for i, value in enumerate(following):
            rows.append([i + 1, str(value), *([] if times is None else [times[i]]), *([] if name is None else [name])])
    return rows


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
