"""`rnn-tf train text`: a classifier of a user's texts, or of sentences from the installed libraries' documentation."""

import argparse
import time
from collections import Counter
from pathlib import Path
from typing import Any

import keras
import numpy as np

import rnn_tf
from rnn_tf._checks import writable_folder
from rnn_tf.commands.pictures import save_pictures
from rnn_tf.data import Texts, library_docs, read_texts, split_texts
from rnn_tf.evaluation import classification_report, paired_difference
from rnn_tf.models import bag_of_words

BATCH_SIZE = 64
PATIENCE = 5  # epochs without a smaller loss on the held-back part


def run(options: argparse.Namespace) -> None:
    name = options.name or (Path(options.file).name.split(".")[0] if options.file else "library_docs")
    if Path(name).name != name or name in ("", ".."):
        raise ValueError(f"An export is named like a folder, without a path. Received: {name!r}. Choose by --name.")
    folder = writable_folder(Path(options.models, name))  # to fail now rather than after the training
    writable_folder(options.output)
    if options.file:
        source, texts = options.file, read_texts(options.file, options.text, options.label)
    else:
        source, texts = "sentences from the documentation of the installed libraries", library_docs()
    train, test, duplicates = split_texts(texts, options.test, options.seed)
    fitted, held_back, _ = split_texts(train, 0.1, options.seed)
    print(f"{source}: {len(texts.texts)} texts, {duplicates} of them duplicates, which only train")
    print(f"  {', '.join(f'{label} {count}' for label, count in sorted(Counter(texts.labels).items()))}")
    print(f"  {len(fitted.texts)} train, {len(held_back.texts)} stop the training, {len(test.texts)} test")

    keras.utils.set_random_seed(options.seed)
    started = time.perf_counter()
    model = rnn_tf.TextClassifier.from_texts(
        *fitted,
        vocabulary_size=options.vocabulary,
        units=options.units,
        cell=options.cell,
        max_length=options.max_length,
    )
    print(f"\n{options.cell} with {options.units} units both ways, {len(model.vocabulary)} tokens known")
    history = train_model(model, model, fitted, held_back, options.epochs, [PrintEpoch()])
    seconds = time.perf_counter() - started
    print(f"trained in {seconds:.0f} s; the weights of epoch {best_epoch(history) + 1} are kept\n")

    truth = np.array([model.classes.index(label) for label in test.labels])
    probabilities = model.predict(test.texts, verbose=0)
    report = classification_report(truth, probabilities, model.classes)
    print(report)
    regression = bag_of_words(model)
    train_model(regression, model, fitted, held_back, 5 * options.epochs)
    words = regression.predict(model.vectorize(test.texts), batch_size=BATCH_SIZE, verbose=0)
    print(verdict(truth == probabilities.argmax(axis=1), truth == words.argmax(axis=1)))
    print("\nThe most confident mistakes" + ("" if report.mistakes else ": none"))
    for mistake in report.mistakes[:5]:
        print(
            f"  {mistake.answer} {mistake.probability:.2f}, truth {mistake.truth}: {shortened(test.texts[mistake.row])}"
        )

    print("\nPictures")
    read = model.reading(test.texts[0])
    answer = int(read[1][-1].argmax())
    save_pictures(
        options.output,
        {
            "confusion_matrix.png": lambda plots: plots.confusion_matrix(report.confusion, model.classes),
            "reading.png": lambda plots: plots.reading([(read[0], read[1][:, answer])], model.classes[answer]),
        },
    )
    path = rnn_tf.export_saved_model(model, folder, examples=test.texts[:32], metadata={"task": "text"})
    print(f"\nexported, reloaded in a fresh process and compared: {path}")
    print(f'next: rnn-tf predict {folder} "{shortened(test.texts[0])}"')


def train_model(
    model: keras.Model,
    classifier: rnn_tf.TextClassifier,
    fitted: Texts,
    held_back: Texts,
    epochs: int,
    callbacks: Any = (),
) -> dict[str, list[float]]:
    """Train a model of token ids until its loss on the held-back part no longer falls; the best weights are kept."""
    stop = keras.callbacks.EarlyStopping("val_loss", patience=PATIENCE, restore_best_weights=True)
    history = rnn_tf.Trainer(model).fit(
        classifier.dataset(*fitted, batch_size=BATCH_SIZE),
        epochs=epochs,
        log_every=1000,
        validation_data=classifier.dataset(*held_back, batch_size=BATCH_SIZE, shuffle=False),
        callbacks=[stop, *callbacks],
        verbose=0,
    )
    return history.history


class PrintEpoch(keras.callbacks.Callback):
    """A line for each time through the training texts."""

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self.started = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: dict[str, Any]) -> None:
        print(
            f"  epoch {epoch + 1:2d}   loss {logs['loss']:.4f}   held back: loss {logs['val_loss']:.4f}, accuracy "
            f"{logs['val_accuracy']:.3f}   {time.perf_counter() - self.started:.1f} s",
            flush=True,
        )


def best_epoch(history: dict[str, list[float]]) -> int:
    return int(np.argmin(history["val_loss"]))


def verdict(correct: np.ndarray, words_correct: np.ndarray) -> str:
    """Says plainly whether the network beats the words alone; both are booleans `[texts]`."""
    difference = paired_difference(correct, words_correct)
    words = f"A logistic regression on which words occur, of the same vocabulary: {words_correct.mean():.3f}."
    if difference.low > 0:
        return f"{words}\nThe network is better by {difference}."
    if difference.high < 0:
        return f"{words}\nThe network is WORSE: the difference is {difference}. Use the other, or give more texts."
    return f"{words}\nThe network is NOT clearly better: the difference is {difference}."


def shortened(text: str) -> str:
    """The text's beginning, on one line."""
    line = " ".join(text.split())
    return line if len(line) <= 90 else line[:89] + "…"
