"""The part of `rnn-tf train sequences` that trains and reports."""

import argparse
from collections import Counter

import keras
import numpy as np

import rnn_tf
from rnn_tf.commands.progress import PrintEpoch, best_epoch, checkpoint_folder, say_that_it_compiles
from rnn_tf.commands.train_sequences import Part, SequenceTask
from rnn_tf.commands.verdicts import class_verdict
from rnn_tf.evaluation import classification_report

PATIENCE = 20  # epochs without a smaller loss on the held-back part


def train(task: SequenceTask, options: argparse.Namespace) -> tuple[rnn_tf.SequenceClassifier, str]:
    model = rnn_tf.SequenceClassifier(
        [options.units] * options.layers, task.classes, cell=options.cell, dropout=options.dropout
    )
    layers = f", {options.layers} layers" if options.layers > 1 else ""
    print(f"\n{options.cell} with {options.units} units{layers}")
    say_that_it_compiles()
    stop = keras.callbacks.EarlyStopping("val_loss", patience=PATIENCE, restore_best_weights=True)
    model.compile(keras.optimizers.Adam(options.rate), model.head.loss, metrics=["accuracy"])
    history = rnn_tf.Trainer(model).fit(
        *task.fitted,
        epochs=options.epochs,
        batch_size=options.batch,
        validation_data=tuple(task.held_back),
        callbacks=[stop, PrintEpoch()],
        verbose=0,
        checkpoint=checkpoint_folder(options),
    )
    return model, f"; the weights of epoch {best_epoch(history.history)} are kept"


def report(model: rnn_tf.SequenceClassifier, task: SequenceTask, options: argparse.Namespace) -> None:
    """The scores of the test part, and those of two simple classifiers."""
    truth = np.array([task.classes.index(label) for label in task.test.labels])
    probabilities = model.predict(task.test.arrays, verbose=0)
    print(classification_report(truth, probabilities, task.classes))
    common = Counter(task.fitted.labels).most_common(1)[0][0]
    always = np.mean([label == common for label in task.test.labels])
    print(f"The most frequent class, {common!r}, at every time: {always:.3f}.")
    simple = truth == logistic_regression(task.fitted, task.test, task.classes)
    name = "A logistic regression on each sequence's means, deviations and last values"
    print(class_verdict(truth == probabilities.argmax(axis=1), simple, name, "sequences"))


def logistic_regression(fitted: Part, test: Part, classes: list[str]) -> np.ndarray:
    """The class numbers `[rows]` that a linear model answers; it does not see the order of the steps."""
    x, x_test = (
        np.stack([np.concatenate([one.mean(axis=0), one.std(axis=0), one[-1]]) for one in part.arrays])
        for part in (fitted, test)
    )
    scale = np.where(x.std(axis=0) > 0, x.std(axis=0), 1.0)
    x, x_test = (x - x.mean(axis=0)) / scale, (x_test - x.mean(axis=0)) / scale
    y = np.array([classes.index(label) for label in fitted.labels])
    model = keras.Sequential([keras.Input(x.shape[1:]), keras.layers.Dense(len(classes), "softmax")])
    model.compile(keras.optimizers.Adam(0.05), "sparse_categorical_crossentropy")
    rnn_tf.Trainer(model).fit(x.astype(np.float32), y, steps=300, log_every=300, verbose=0)
    answers: np.ndarray = model.predict(x_test.astype(np.float32), verbose=0).argmax(axis=1)
    return answers
