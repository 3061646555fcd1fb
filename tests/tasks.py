"""The table of tasks that `tests/models/test_conformance.py` puts through everything that every task must do.

A new task is one entry more.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from rnn_tf import SequenceClassifier, SequenceRegressor, TextClassifier, TextTagger

rng = np.random.default_rng(8)
SEQUENCES = [rng.normal(size=[length, 2]).astype("float32") for length in rng.integers(2, 7, size=24)]
VALUES = np.stack([row.mean(axis=0)[:1] for row in SEQUENCES])
NAMES = ["up" if row[-1, 0] > row[0, 0] else "down" for row in SEQUENCES]
WORDS = ["good", "bad", "好", "food", "!", "never seen"]
TAGS = [" ".join(rng.choice(["O", "B-x", "B-y"], size=size)) for size in rng.integers(1, 8, size=24)]
TAGGED = [" ".join(rng.choice(WORDS[:-1], size=len(row.split()))) for row in TAGS]
OTHER_TAGS = ["B-z " * len(row.split()) for row in TAGS]
TEXTS = [" ".join(rng.choice(WORDS, size=size)) for size in rng.integers(1, 8, size=24)]


class Example(NamedTuple):
    """A task to try: `make` gives a new compiled model, x and y are rows for it, unusable names rows that are none."""

    make: Callable[..., Any]
    x: Any
    y: Any
    unusable: dict[str, tuple[Any, Any]]  # by what the error says


def compiled(model, loss, **arguments):
    model.compile("adam", loss, **arguments)
    return model


TASKS = {
    "regressor": Example(
        lambda: compiled(SequenceRegressor(3, cell="gru"), "mse", metrics=["mae"]),
        SEQUENCES,
        VALUES,
        {
            "must have the same number of rows": (SEQUENCES, VALUES[:-1]),
            "must be finite": ([*SEQUENCES[:-1], np.full([3, 2], np.nan)], VALUES),
            "must hold numbers": (SEQUENCES, ["a"] * 24),
        },
    ),
    "regressor at every step": Example(
        lambda: compiled(SequenceRegressor(3, return_sequences=True), "mse"),
        np.stack([row[:2] for row in SEQUENCES]),
        rng.normal(size=[24, 2, 1]).astype("float32"),
        {"must have the shape of the model's answers": (np.ones([4, 2, 2]), np.ones([4]))},
    ),
    "regressor, parallel in time": Example(
        lambda: compiled(SequenceRegressor([3, 2], cell="lru"), "mse"),
        SEQUENCES,
        VALUES,
        {"targets": (SEQUENCES, None)},
    ),
    "relative regressor": Example(
        lambda: compiled(SequenceRegressor(3, relative=True), "mse"), SEQUENCES, VALUES, {"targets": (SEQUENCES, None)}
    ),
    "sequence classifier": Example(
        lambda: compiled(
            SequenceClassifier(3, ["down", "up"], pooling=["last", "max"]),
            "sparse_categorical_crossentropy",
            metrics=["accuracy"],
        ),
        SEQUENCES,
        NAMES,
        {"must be one of the classes": (SEQUENCES, ["sideways"] * 24), "labels": (SEQUENCES, None)},
    ),
    "sequence classifier at every step": Example(
        lambda: compiled(SequenceClassifier(3, ["down", "up"], each="step"), "sparse_categorical_crossentropy"),
        SEQUENCES,
        [np.where(row[:, 0] > 0, "up", "down") for row in SEQUENCES],
        {"must be one of the classes": (SEQUENCES, [["sideways"] * len(row) for row in SEQUENCES])},
    ),
    "text classifier": Example(
        lambda: TextClassifier.from_texts(
            TEXTS, NAMES, units=3, cell="elman", bidirectional=False, word_dropout=0.0, dropout=0.0
        ),
        TEXTS,
        NAMES,
        {"must be a string": ([*TEXTS[:-1], None], NAMES), "must be one of the classes": (TEXTS, ["sideways"] * 24)},
    ),
    "text tagger": Example(
        lambda: TextTagger.from_data(TAGGED, TAGS, units=3, embedding_size=4, character_units=2, dropout=0.0),
        TAGGED,
        TAGS,
        {
            "must have one tag": (TAGGED, [*TAGS[:-1], "O " * 9]),
            "those that the tagger knows": (TAGGED, ["B-z " * len(row.split()) for row in TAGS]),
        },
    ),
    "text tagger with intents": Example(
        lambda: TextTagger.from_data(
            TAGGED, TAGS, NAMES, units=3, embedding_size=4, character_units=2, dropout=0.0, spelling=False, crf=False
        ),
        TAGGED,
        {"tags": TAGS, "intent": NAMES},
        {"dict of 'tags' and 'intent'": (TAGGED, TAGS), "at least one token": (["", *TAGGED[1:]], TAGS)},
    ),
}
