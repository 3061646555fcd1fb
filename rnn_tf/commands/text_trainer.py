"""The part of `rnn-tf train text` that trains, reports and draws."""

import argparse
from pathlib import Path
from typing import Any

import keras
import numpy as np

import rnn_tf
from rnn_tf.commands.pictures import save_pictures
from rnn_tf.commands.progress import PrintEpoch, best_epoch, checkpoint_folder, say_that_it_compiles
from rnn_tf.commands.train_text import TextTask, shortened, verdict
from rnn_tf.data import Texts
from rnn_tf.evaluation import classification_report
from rnn_tf.models import bag_of_words

PATIENCE = 5  # epochs without a smaller loss on the held-back part


def train(task: TextTask, options: argparse.Namespace) -> tuple[rnn_tf.TextClassifier, str]:
    fitted, held_back, _ = task
    model = rnn_tf.TextClassifier.from_texts(
        *fitted,
        vocabulary_size=options.vocabulary,
        units=[options.units] * options.layers,
        cell=options.cell,
        dropout=options.dropout,
        max_length=options.max_length,
    )
    model.optimizer.learning_rate = options.rate
    layers = f", {options.layers} layers" if options.layers > 1 else ""
    print(f"\n{options.cell} with {options.units} units both ways{layers}, {len(model.vocabulary)} tokens known")
    say_that_it_compiles()
    progress = [PrintEpoch(always=True)]
    history = train_model(
        model, model, fitted, held_back, options.epochs, options.batch, progress, checkpoint_folder(options)
    )
    return model, f"; the weights of epoch {best_epoch(history)} are kept"


def report(model: rnn_tf.TextClassifier, task: TextTask, options: argparse.Namespace) -> None:
    """Tables, the comparison with the words alone, mistakes and pictures."""
    fitted, held_back, test = task
    truth = np.array([model.classes.index(label) for label in test.labels])
    probabilities = model.predict(test.texts, verbose=0)
    scores = classification_report(truth, probabilities, model.classes)
    print(scores)
    regression = bag_of_words(model)
    train_model(regression, model, fitted, held_back, 5 * options.epochs, options.batch)
    words = regression.predict(model.vectorize(test.texts), batch_size=options.batch, verbose=0)
    print(verdict(truth == probabilities.argmax(axis=1), truth == words.argmax(axis=1)))
    print("\nThe most confident mistakes" + ("" if scores.mistakes else ": none"))
    for mistake in scores.mistakes[:5]:
        print(
            f"  {mistake.answer} {mistake.probability:.2f}, truth {mistake.truth}: {shortened(test.texts[mistake.row])}"
        )

    print("\nPictures")
    read = model.reading(test.texts[0])
    answer = int(read[1][-1].argmax())
    save_pictures(
        options.output,
        {
            "confusion_matrix.png": lambda plots: plots.confusion_matrix(scores.confusion, model.classes),
            "reading.png": lambda plots: plots.reading([(read[0], read[1][:, answer])], model.classes[answer]),
        },
    )


def train_model(
    model: keras.Model,
    classifier: rnn_tf.TextClassifier,
    fitted: Texts,
    held_back: Texts,
    epochs: int,
    batch_size: int,
    callbacks: Any = (),
    checkpoint: Path | None = None,
) -> dict[str, list[float]]:
    """Train a model of token ids until its loss on the held-back part no longer falls; the best weights are kept."""
    stop = keras.callbacks.EarlyStopping("val_loss", patience=PATIENCE, restore_best_weights=True)
    history = rnn_tf.Trainer(model).fit(
        classifier.dataset(*fitted, batch_size=batch_size),
        epochs=epochs,
        log_every=1000,
        validation_data=classifier.dataset(*held_back, batch_size=batch_size, shuffle=False),
        callbacks=[stop, *callbacks],
        verbose=0,
        checkpoint=checkpoint,
    )
    return history.history
