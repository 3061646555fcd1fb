"""What `rnn-tf train language` does before TensorFlow: it reads text, splits it, and says what it found."""

import argparse
import lzma
from pathlib import Path
from typing import Any, NamedTuple

from rnn_tf.commands.tensorflow_start import import_tensorflow
from rnn_tf.commands.train_text import LIBRARIES, shortened
from rnn_tf.data import library_docs
from rnn_tf.data.files import content_of

LEAST = 1000  # characters
HELD_BACK = 0.05  # of what is not held out, at its end


class LanguageTask(NamedTuple):
    """The parts of a text that train, choose the epoch, and test."""

    fitted: str
    held_back: str
    test: str


def name(options: argparse.Namespace) -> str:
    return Path(options.files[0]).name.split(".")[0] if options.files else "library_docs_language"


def read_task(options: argparse.Namespace) -> LanguageTask:
    """The three parts, one after the other; and what was found, on the screen."""
    if options.files:
        source, text = ", ".join(options.files), "".join(map(text_of, options.files))
    else:
        print(f"reading {LIBRARIES}", flush=True)
        import_tensorflow()
        source, text = LIBRARIES, "\n".join(library_docs().texts) + "\n"
    if options.test_file:
        rest, test = text, text_of(options.test_file)
    else:
        rest, test = cut(text, options.test)
    if len(rest) < LEAST:
        raise ValueError(
            f"{source} must have at least {LEAST} characters to train on. Received: {len(rest)}. Add more text."
        )
    if not test.strip():
        raise ValueError(f"--test must leave text to test on. Received: --test {options.test}, which leaves none.")
    task = LanguageTask(*cut(rest, HELD_BACK), test)
    print(f"{source}: {len(text):,} characters, {len(set(text)):,} different ones, {text.count(chr(10)):,} lines")
    sizes = [f"{len(part):,}" for part in task]
    print(f"  {sizes[0]} train, {sizes[1]} choose the epoch, {sizes[2]} test")
    return task


def text_of(file: str) -> str:
    """A file's text, which ends with a line."""
    if not Path(file).exists():
        raise FileNotFoundError(f"There is no file {file!r}. Give the path of a text in UTF-8.")
    text = content_of(Path(file), "It needs a text.").decode()
    return text if text.endswith("\n") else text + "\n"


def cut(text: str, share: float) -> tuple[str, str]:
    """Two parts, of which the second has about this share, from the beginning of a line on where there is one."""
    if not 0 < share < 1:
        raise ValueError(f"--test must be a share between 0 and 1. Received: --test {share}.")
    place = round((1 - share) * len(text))
    line = text.find("\n", place) + 1
    place = line if 0 < line < place + (len(text) - place) // 2 else place
    return text[:place], text[place:]


def bits_of_xz(task: LanguageTask) -> float:
    """How many bits a character of the test xz needs, when it has read what the model has."""
    before = (task.fitted + task.held_back).encode()
    test = task.test.encode()
    sizes = [len(lzma.compress(text, preset=9)) for text in (before, before + test)]
    return 8 * (sizes[1] - sizes[0]) / len(task.test)


def examples(task: LanguageTask) -> None:
    return None


def metadata(task: LanguageTask, options: argparse.Namespace) -> dict[str, Any]:
    return {"tokens": options.tokens}


def next_inputs(task: LanguageTask, options: argparse.Namespace) -> list[list[str]]:
    beginning = " ".join(shortened(task.test).split()[:3])
    return [[beginning, "--length", "300"]]
