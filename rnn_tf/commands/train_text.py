"""What `rnn-tf train text` does before TensorFlow: it reads texts and labels, splits them, and says what it found."""

import argparse
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from rnn_tf.commands.tensorflow_start import import_tensorflow
from rnn_tf.commands.verdicts import class_verdict
from rnn_tf.data import Texts, library_docs, read_texts, split_texts
from rnn_tf.data.text import normalized

LIBRARIES = "sentences from the documentation of the installed libraries"


class TextTask(NamedTuple):
    """The parts that train, stop the training, and test."""

    fitted: Texts
    held_back: Texts
    test: Texts


def name(options: argparse.Namespace) -> str:
    return Path(options.file).name.split(".")[0] if options.file else "library_docs"


def read_task(options: argparse.Namespace) -> TextTask:
    if options.file:
        return split(read_texts(options.file, options.text, options.label), options)
    print(f"reading {LIBRARIES}", flush=True)
    import_tensorflow()
    return split(library_docs(), options)


def examples(task: TextTask) -> list[str]:
    return task.test.texts[:32]


def metadata(task: TextTask, options: argparse.Namespace) -> dict[str, Any]:
    return {"text": options.text, "label": options.label}


def next_inputs(task: TextTask, options: argparse.Namespace) -> list[list[str]]:
    file = options.test_file or options.file
    return [[shortened(task.test.texts[0])], *([[file]] if file else [])]


def shortened(text: str) -> str:
    """The text's beginning, on one line."""
    line = " ".join(text.split())
    return line if len(line) <= 90 else line[:89] + "…"


def split(texts: Texts, options: argparse.Namespace) -> TextTask:
    """The three parts, none of which shares a text with another; and what was found, on the screen."""
    source = options.file or LIBRARIES
    if options.test_file:
        train, test = texts, read_texts(options.test_file, options.text, options.label)
        unknown = sorted(set(test.labels) - set(train.labels))
        if unknown:
            raise ValueError(
                f"{options.test_file} must have labels that {source} has. Received: {', '.join(map(repr, unknown))}. "
                "Correct them, or add texts of these classes to train on."
            )
        known = {normalized(text) for text in train.texts}
        pairs = [pair for pair in zip(*test, strict=True) if normalized(pair[0]) not in known]
        if not pairs:
            raise ValueError(
                f"{options.test_file} must have texts that {source} does not have. Received: none. Test on others."
            )
        both = len(test.texts) - len(pairs)
        test = Texts(*map(list, zip(*pairs, strict=True)))
        found = f"{len(texts.texts)} texts; {options.test_file}: {both + len(pairs)}, {both} of which also train, "
        found += "and are left out of the test"
    else:
        train, test, duplicates = split_texts(texts, options.test, options.seed)
        found = f"{len(texts.texts)} texts, {duplicates} of them duplicates, which only train"
    fitted, held_back, _ = split_texts(train, 0.1, options.seed)
    print(f"{source}: {found}")
    print(f"  {', '.join(f'{label} {count}' for label, count in sorted(Counter(texts.labels).items()))}")
    print(f"  {len(fitted.texts)} train, {len(held_back.texts)} stop the training, {len(test.texts)} test")
    return TextTask(fitted, held_back, test)


def verdict(correct: np.ndarray, words_correct: np.ndarray) -> str:
    """Says plainly whether the network beats the words alone; both are booleans `[texts]`."""
    words = "A logistic regression on which words occur, of the same vocabulary"
    return class_verdict(correct, words_correct, words, "texts")
