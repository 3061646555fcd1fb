"""Trains as one of several workers, or alone where TF_CONFIG is not set.

    python worker.py KIND [--checkpoint FOLDER]

Writes the weights to KIND-INDEX.npy and the history to KIND-INDEX.json, and prints a digest of all variables and of the
history. KIND may be several, with commas.
"""

import argparse
import json
import os
import sys

import keras
import numpy as np

from rnn_tf import RNN, LanguageModel, TextClassifier, Trainer
from rnn_tf.training.checkpoint import digest

INDEX = json.loads(os.environ.get("TF_CONFIG", '{"task": {"index": 0}}'))["task"]["index"]
JIT = "auto" if "TF_CONFIG" in os.environ else False  # whose sums have another order
WORDS = np.array(["good", "bad", "film", "book", "plot", "actor", "dull", "bright", "slow", "quick", "odd", "plain"])


def data():
    x = np.random.default_rng(0).standard_normal([257, 10, 8])
    return x, x.sum(1)[:, :1]


def regressor(*layers, optimizer=None):
    layers = [keras.Input([10, 8]), *layers, RNN(keras.layers.GRUCell(16)), keras.layers.Dense(1)]
    optimizer = optimizer or keras.optimizers.Adam(0.003)
    return Trainer(keras.Sequential(layers), optimizer, "mse", ["mae"], workers="auto", jit_compile=JIT)


def steps(trainer=None, **arguments):
    x, y = data()
    arguments = {"steps": 300, "batch_size": 64, "log_every": 50, "validation_data": (x[:51], y[:51]), **arguments}
    return trainer or regressor(), (x, y), {**arguments, "seed": 1}


def clipped():
    return steps(regressor(optimizer=keras.optimizers.SGD(0.1, global_clipnorm=0.5)))


def epochs():
    """257 rows: the last batch has one, so that other workers have none."""
    return regressor(), data(), {"epochs": 60, "batch_size": 64, "log_every": 2, "seed": 1}


def texts():
    generator = np.random.default_rng(0)
    texts = [" ".join(generator.choice(WORDS, generator.integers(1, 30))) for _ in range(301)]
    labels = ["praise" if "good" in text.split() else "blame" for text in texts]
    model = TextClassifier.from_texts(texts, labels, units=8, embedding_size=8, dropout=0.0, word_dropout=0.0)
    trainer = Trainer(model, workers="auto", jit_compile=JIT)
    return trainer, (texts, labels), {"epochs": 43, "batch_size": 50, "log_every": 2, "seed": 3}


def language():
    """Seven streams, whose states each worker carries for its own; the last piece is not full."""
    text = " ".join(np.random.default_rng(0).choice(WORDS, 700))
    model = LanguageModel.from_text(text, units=[8, 8], steps=20, dropout=0.0)
    trainer = Trainer(model, workers="auto", jit_compile=JIT)
    return trainer, (text,), {"epochs": 10, "batch_size": 7, "log_every": 2, "validation_data": text[:300]}


def noisy():
    """With everything that differs by worker while it trains."""
    layers = [keras.layers.Dropout(0.3), keras.layers.BatchNormalization()]
    stop = keras.callbacks.EarlyStopping("loss", patience=900)
    return regressor(*layers), data(), {"epochs": 600, "batch_size": 64, "log_every": 2, "seed": 1, "callbacks": [stop]}


KINDS = {one.__name__: one for one in (steps, clipped, epochs, texts, language, noisy)}


def train(kind, checkpoint, folder):
    keras.utils.set_random_seed(5 + 94 * INDEX)  # other weights, which the chief's replace
    trainer, xy, arguments = KINDS[kind]()
    saved = {"checkpoint": checkpoint, "checkpoint_seconds": 0.3} if checkpoint else {}
    history = trainer.fit(*xy, **arguments, **saved, verbose=0).history
    variables = [*trainer.model.variables, *trainer.model.optimizer.variables]
    numbers = digest(*(variable.numpy() for variable in variables if variable.dtype != "string"))
    weights = np.concatenate([np.ravel(one.numpy()) for one in trainer.model.trainable_variables])
    np.save(f"{folder}/{kind}-{INDEX}.npy", weights)
    with open(f"{folder}/{kind}-{INDEX}.json", "w") as file:
        json.dump(history, file)
    sys.stdout.write(f"DIGEST {kind} {numbers} {digest(np.array(repr(sorted(history.items()))))}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("kinds")
    parser.add_argument("--checkpoint")
    parser.add_argument("--folder", default=".")
    given = parser.parse_args()
    for kind in given.kinds.split(","):
        train(kind, given.checkpoint, given.folder)
