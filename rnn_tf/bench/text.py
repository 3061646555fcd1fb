"""`rnn-tf bench text`: training on texts, against the usual Keras recipe for a network of the same shape.

The network is the same in all rows: vectors of 128 numbers for the same vocabulary, two LSTM layers of 64 units that
read both ways, a softmax on their last states, Adam. The texts are token ids before the clock starts, for all. A row
is timed for one pass over the texts. It is given in real tokens a second: padding is work, but does not count. Each is
compiled before the clock starts; then they take turns, and the ratios are taken within a turn.

The recipe draws texts at random and pads a batch to its longest, or all batches to the longest text of all, as
`TextVectorization(output_sequence_length=...)` does. Its rows with batches of similar length say how much of the gain
lies in the batches, and how much in the layers.
"""

import argparse
from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from rnn_tf.bench.recipe import recipe
from rnn_tf.bench.timing import in_turns, machine
from rnn_tf.data import library_docs, read_texts
from rnn_tf.models import TextClassifier
from rnn_tf.training import Trainer

UNITS, EMBEDDING_SIZE, BATCH_SIZE = 64, 128, 32


def run(options: argparse.Namespace) -> None:
    texts = read_texts(options.file, options.text, options.label) if options.file else library_docs(1000)
    model = TextClassifier.from_texts(
        *texts, units=[UNITS, UNITS], embedding_size=EMBEDDING_SIZE, pooling="last", word_dropout=0.0, dropout=0.0
    )
    peer = recipe(model, EMBEDDING_SIZE, [UNITS, UNITS], len(model.classes), "adam")
    similar, random, fixed = batches(model, texts.texts, texts.labels)
    similar_64 = model.dataset(*texts, batch_size=2 * BATCH_SIZE)
    contenders: dict[str, Callable[[], Any]] = {
        "keras recipe": lambda: peer.fit(random, shuffle=False, verbose=0),
        "keras recipe, padded to the longest of all": lambda: peer.fit(fixed, shuffle=False, verbose=0),
        "keras recipe, batches of similar length": lambda: peer.fit(similar, shuffle=False, verbose=0),
        "TextClassifier, model.fit": lambda: model.fit(similar, verbose=0),
        "TextClassifier, Trainer": lambda: trainer.fit(similar, epochs=1, verbose=0),
        "keras recipe, similar length, batch 64": lambda: peer.fit(similar_64, shuffle=False, verbose=0),
        "TextClassifier, Trainer, batch 64": lambda: trainer.fit(similar_64, epochs=1, verbose=0),
    }
    trainer = Trainer(model)
    tokens = sum(int(tf.math.count_nonzero(ids)) for ids, _ in similar)
    padded = {
        name: sum(int(tf.size(ids)) for ids, _ in data) / tokens
        for name, data in (("random batches", random), ("the longest of all", fixed), ("similar lengths", similar))
    }
    print(f"{len(texts.texts)} texts, {tokens} tokens, {len(model.vocabulary)} known; {options.repeat} turns")
    print(machine())
    print("with padding, times the tokens: " + ", ".join(f"{name} {share:.2f}" for name, share in padded.items()))
    seconds = in_turns(contenders, options.repeat)
    print(f"\n{'batch 32, one pass over the texts':46s}{'tokens a second':>16s}{'times the recipe':>18s}")
    for name, times in seconds.items():
        ratio = np.median(seconds["keras recipe"] / times)
        print(f"{name:46s}{tokens / np.median(times):16.0f}{ratio:18.2f}")


def batches(model: TextClassifier, texts: list[str], labels: list[str]) -> tuple[tf.data.Dataset, ...]:
    """The same rows in batches of similar length, in random batches, and in batches padded to the longest of all."""
    similar = model.dataset(texts, labels, batch_size=BATCH_SIZE)
    ids = model.vectorize(texts)
    numbers = tf.constant([model.classes.index(label) for label in labels], tf.int32)
    fixed = tf.data.Dataset.from_tensor_slices((tf.cast(ids, tf.int32), numbers)).shuffle(len(texts)).batch(BATCH_SIZE)

    def cut(ids: Any, numbers: Any) -> tuple[Any, Any]:
        return ids[:, : tf.reduce_max(tf.math.count_nonzero(ids, axis=1))], numbers

    return similar, fixed.map(cut).prefetch(tf.data.AUTOTUNE), fixed.prefetch(tf.data.AUTOTUNE)
