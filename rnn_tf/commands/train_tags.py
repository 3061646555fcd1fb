"""What `rnn-tf train tags` does before TensorFlow: it reads sentences and tags, splits them, and says what it found."""

import argparse
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from rnn_tf.commands.train_text import shortened
from rnn_tf.data import Tagged, read_tagged, requests

LEAST = 10  # sentences: a part of each is held out


class TagTask(NamedTuple):
    """The parts that train, stop the training, and test."""

    fitted: Tagged
    held_back: Tagged
    test: Tagged


def name(options: argparse.Namespace) -> str:
    return Path(options.file).name.split(".")[0] if options.file else "requests"


def read_task(options: argparse.Namespace) -> TagTask:
    """The three parts; and what was found, on the screen."""
    source = options.file or "requests to an assistant at home"
    if options.file is None and (options.column, options.intents) != (None, None):
        raise ValueError("--column and --intents are for a file. Received: no FILE. Name one, or leave them out.")
    train, test = (read(options.file, options), None) if options.file else requests()
    if options.test_file:
        test = read_tagged(options.test_file, options.column)
        if (test.intents is None) != (train.intents is None):
            raise ValueError(
                f"{options.test_file} must have intents if {source} has them, and only then. Received: intents in one "
                "of the two. Give folders of seq.in, seq.out and label for both."
            )
    if len(train.sentences) < LEAST:
        raise ValueError(
            f"{source} must have at least {LEAST} sentences. Received: {len(train.sentences)}. Add some, with a blank "
            "line between two of them."
        )
    if test is None:
        train, test = split(train, options.test, options.seed)
    parts = TagTask(*split(train, 0.1, options.seed), test)
    rows = [row for one in parts for row in one.tags]
    print(f"{source}: {len(rows)} sentences")
    labels = Counter(tag[2:] or tag for row in rows for tag in row if tag[:2] not in ("I-", "E-"))
    print(f"  {', '.join(f'{label} {count}' for label, count in sorted(labels.items()))}")
    counts = [len(one.sentences) for one in parts]
    known = {" ".join(sentence) for sentence in train.sentences}
    both = sum(" ".join(sentence) in known for sentence in test.sentences)
    told = f", {both} of them in the training, too" if both else ""
    print(f"  {counts[0]} train, {counts[1]} stop the training, {counts[2]} test{told}")
    return parts


def read(file: str, options: argparse.Namespace) -> Tagged:
    """The file, with the intents of another one where they are named."""
    tagged = read_tagged(file, options.column)
    if options.intents is None:
        return tagged
    intents = [line.strip() for line in Path(options.intents).read_text(encoding="utf-8").splitlines() if line.strip()]
    if options.test_file or len(intents) != len(tagged.sentences):
        raise ValueError(
            f"--intents names a file with one intent a line, one for each sentence of {file}, and goes without "
            f"--test-file. Received: {len(intents)} intents for {len(tagged.sentences)} sentences."
        )
    return Tagged(tagged.sentences, tagged.tags, intents)


def split(tagged: Tagged, share: float, seed: int) -> tuple[Tagged, Tagged]:
    """Two parts, of which the second has this share of the sentences, drawn from those that occur once."""
    if not 0 < share < 1:
        raise ValueError(f"--test must be a share between 0 and 1. Received: --test {share}.")
    keys = [" ".join(sentence) for sentence in tagged.sentences]
    copies = Counter(keys)
    once = [row for row, key in enumerate(keys) if copies[key] == 1]
    count = min(max(1, round(share * len(keys))), len(once), len(keys) - 1)
    if not count:
        raise ValueError(
            "There must be sentences that occur once, to hold out: a model could know others by heart. Received: "
            f"{len(keys)} sentences, each of them twice or more. Add others."
        )
    held_out = set(np.random.default_rng(seed).choice(once, count, replace=False).tolist())
    rows = range(len(keys))
    return part(tagged, [row for row in rows if row not in held_out]), part(tagged, sorted(held_out))


def part(tagged: Tagged, rows: Sequence[int]) -> Tagged:
    intents = None if tagged.intents is None else [tagged.intents[row] for row in rows]
    return Tagged([tagged.sentences[row] for row in rows], [tagged.tags[row] for row in rows], intents)


def column_of(tagged: Tagged) -> Any:
    """What `fit` takes as its second argument."""
    return tagged.tags if tagged.intents is None else {"tags": tagged.tags, "intent": tagged.intents}


def examples(task: TagTask) -> list[str]:
    return [" ".join(sentence) for sentence in task.test.sentences[:32]]


def metadata(task: TagTask, options: argparse.Namespace) -> dict[str, Any]:
    return {}


def next_inputs(task: TagTask, options: argparse.Namespace) -> list[list[str]]:
    return [[shortened(" ".join(task.test.sentences[0]))]]
