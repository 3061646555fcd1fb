"""What `rnn-tf train sequences` does before TensorFlow: it reads sequences, splits them, and says what it found."""

import argparse
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from rnn_tf.commands.sequence_tables import Sequences, hold_out, read_sequences


class Part(NamedTuple):
    """Sequences, float32 `[timesteps, features]`, and the class of each."""

    arrays: list[np.ndarray]
    labels: list[str]


class SequenceTask(NamedTuple):
    """The parts that train, stop the training, and test; and the names of the classes and of the columns."""

    fitted: Part
    held_back: Part
    test: Part
    classes: list[str]
    features: list[str]


def name(options: argparse.Namespace) -> str:
    return Path(options.file).name.split(".")[0]


def read_task(options: argparse.Namespace) -> SequenceTask:
    features = None
    if options.features is not None:
        features = [name.strip() for name in options.features.split(",") if name.strip()]
    sequences = read(options.file, features, options)
    task = split(sequences, options)
    lengths = [len(one) for one in sequences.arrays]
    chosen = f"all columns of numbers but {options.id!r}" if features is None else "as named"
    left_out = f"; left out, as no numbers: {', '.join(sequences.others)}" if sequences.others else ""
    print(f"{options.file}: {len(lengths)} sequences of {min(lengths)} to {max(lengths)} steps, {sum(lengths)} rows")
    print(f"  features: {', '.join(sequences.features)} ({chosen}{left_out})")
    print(f"  {', '.join(f'{label} {count}' for label, count in sorted(Counter(sequences.labels).items()))}")
    parts = [len(part.labels) for part in (task.fitted, task.held_back, task.test)]
    print(f"  {parts[0]} train, {parts[1]} stop the training, {parts[2]} test; each sequence is in one part alone")
    return task


def examples(task: SequenceTask) -> list[np.ndarray]:
    return task.test.arrays[:32]


def metadata(task: SequenceTask, options: argparse.Namespace) -> dict[str, Any]:
    given = {one: getattr(options, one) for one in ("id", "label", "time", "decimal")}
    return {**given, "features": task.features}


def next_inputs(task: SequenceTask, options: argparse.Namespace) -> list[list[str]]:
    return [[options.test_file or options.file]]


def read(file: str, features: list[str] | None, options: argparse.Namespace) -> Sequences:
    return read_sequences(file, options.id, options.label, features, options.time, options.decimal or ".")


def split(sequences: Sequences, options: argparse.Namespace) -> SequenceTask:
    """The three parts, of each class a share."""
    if not 0 < options.test < 1:
        raise ValueError(f"`test` must be a share between 0 and 1. Received: test={options.test!r}.")
    classes = sorted(set(sequences.labels))
    if len(classes) < 2:
        raise ValueError(
            f"There must be two classes or more. Received: {classes[0]!r} alone, in column {options.label!r}. Add "
            "sequences with another label."
        )
    random = np.random.default_rng(options.seed)
    everything = Part(sequences.arrays, sequences.labels)
    if options.test_file:
        train = everything
        tested = read(options.test_file, sequences.features, options)
        unknown = sorted(set(tested.labels) - set(classes))
        if unknown:
            raise ValueError(
                f"{options.test_file} must have labels that {options.file} has. Received: "
                f"{', '.join(map(repr, unknown))}. Correct them, or add sequences of these classes to train on."
            )
        test = Part(tested.arrays, tested.labels)
    else:
        stay, held_out = hold_out(everything.labels, options.test, random)
        train, test = part_of(everything, stay), part_of(everything, held_out)
    fitted, held_back = hold_out(train.labels, 0.15, random)
    return SequenceTask(part_of(train, fitted), part_of(train, held_back), test, classes, sequences.features)


def part_of(whole: Part, places: np.ndarray) -> Part:
    return Part([whole.arrays[place] for place in places], [whole.labels[place] for place in places])
