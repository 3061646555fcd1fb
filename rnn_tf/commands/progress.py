"""What a person sees while a model trains."""

import argparse
import math
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import keras

EVERY = timedelta(seconds=5)
SAMPLE = 90  # tokens, and characters on the screen


def checkpoint_folder(options: argparse.Namespace, *parts: str) -> Path | None:
    """Where a training is saved: another seed is another one."""
    return Path(options.checkpoint, f"seed_{options.seed}", *parts) if options.checkpoint else None


def say_that_it_compiles() -> None:
    print("\ntraining; the first epoch also compiles, which takes some seconds", flush=True)


class PrintEpoch(keras.callbacks.Callback):
    """A line for an epoch: for each of them, or every few seconds."""

    def __init__(self, always: bool = False) -> None:
        super().__init__()
        self.always, self.printed = always, datetime.min  # no plain numbers: a checkpoint would bring them back

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self.started = datetime.now()

    def on_epoch_end(self, epoch: int, logs: dict[str, Any]) -> None:
        now = datetime.now()
        if not self.always and epoch and now - self.printed < EVERY:
            return
        self.printed = now
        print(
            f"  epoch {epoch + 1:2d}   loss {logs['loss']:.4f}   held back: loss {logs['val_loss']:.4f}"
            f"{self.besides(logs)}   {(now - self.started).total_seconds():.1f} s",
            flush=True,
        )

    def besides(self, logs: dict[str, Any]) -> str:
        """What is told beside the losses."""
        return f", accuracy {logs['val_accuracy']:.3f}" if "val_accuracy" in logs else ""


class PrintPerplexity(PrintEpoch):
    """A line for each epoch of a model of language, and one that it writes, so that one sees it learn."""

    def __init__(self) -> None:
        super().__init__(always=True)

    def besides(self, logs: dict[str, Any]) -> str:
        return f", perplexity {math.exp(min(logs['val_loss'], 99)):.2f}"

    def on_epoch_end(self, epoch: int, logs: dict[str, Any]) -> None:
        super().on_epoch_end(epoch, logs)
        written = self.model.generate("", SAMPLE, temperature=0.8, seed=epoch)
        print(f"           {' '.join(written.split())[:SAMPLE]}", flush=True)


class StopByAccuracy(keras.callbacks.Callback):
    """Ends the training, and keeps the weights of its best epoch: the most accurate on the held-back part.

    Of equally accurate epochs the one of the smallest loss is better: until a tagger finds its first span, it answers
    "O" everywhere, and only its loss falls.
    """

    def __init__(self, patience: int) -> None:
        super().__init__()
        self.patience, self.best, self.epoch = patience, (-1.0, 0.0), 0  # counted from 1

    def on_epoch_end(self, epoch: int, logs: dict[str, Any]) -> None:
        score = (logs["val_accuracy"], -logs["val_loss"])
        if score > self.best:
            self.best, self.epoch, self.weights = score, epoch + 1, self.model.get_weights()
        elif epoch + 1 >= self.epoch + self.patience:
            self.model.stop_training = True

    def on_train_end(self, logs: Any = None) -> None:
        if self.epoch:
            self.model.set_weights(self.weights)


def best_epoch(history: dict[str, list[float]]) -> int:
    """Which epoch has the smallest loss on the held-back part, counted from 1: its weights are kept."""
    losses = history["val_loss"]
    return 1 + losses.index(min(losses))
