"""One run of training: epochs of compiled calls, with callbacks, validation, and what a checkpoint needs."""

import sys
from collections.abc import Iterator
from typing import Any

import keras
import numpy as np

from rnn_tf.training.batches import Source
from rnn_tf.training.checkpoint import Checkpoint
from rnn_tf.training.dataset_batches import DatasetBatches
from rnn_tf.training.identity import check_same, versions
from rnn_tf.training.interrupts import Interrupts, stop_if_one_came
from rnn_tf.training.loop import Loop
from rnn_tf.training.remembered import Notes, rewind_files, variables_of, write_notes
from rnn_tf.training.workers import OneWorker

WRITERS = (
    keras.callbacks.CSVLogger,
    keras.callbacks.ModelCheckpoint,
    keras.callbacks.RemoteMonitor,
    keras.callbacks.TensorBoard,
)


class Run:
    """Trains a model for a number of epochs.

    Args:
        model: A compiled model.
        loop: Its compiled loops.
        source: The batches to train on.
        validation: Those to validate on after each epoch, or None.
        lengths: For each epoch how many steps it has; 0 for one pass through the data.
        log_every: How many steps a call of the loop makes.
        callbacks: Those of Keras.
        verbose: As in `Trainer.fit`.
        workers: Those that train together. The callbacks of Keras that write are called in the chief alone.
    """

    def __init__(
        self,
        model: keras.Model,
        loop: Loop,
        source: Source,
        validation: Source | None,
        lengths: list[int],
        log_every: int,
        callbacks: Any,
        verbose: int | str,
        workers: OneWorker,
    ) -> None:
        self.model = model
        self.loop = loop
        self.source = source
        self.validation = validation
        self.lengths = lengths
        self.log_every = log_every
        self.workers = workers
        self.verbose = verbose = verbose if workers.index == 0 else 0
        self.epoch = 0
        self.step = 0  # of the whole run
        self.done = 0  # steps of this epoch
        self.logs: dict[str, Any] = {}
        if not isinstance(callbacks, keras.callbacks.CallbackList):
            callbacks = keras.callbacks.CallbackList(
                callbacks,
                add_history=True,
                add_progbar=verbose != 0,
                verbose=1 if verbose == "auto" else verbose,
                epochs=len(lengths),
                steps=lengths[0] or source.steps_an_epoch,
                model=model,
            )
        self.callbacks = callbacks
        self.to_note = [one for one in callbacks.callbacks if not isinstance(one, keras.callbacks.ProgbarLogger)]
        if workers.index:
            callbacks.callbacks = [one for one in callbacks.callbacks if not isinstance(one, WRITERS)]

    def train(self, checkpoint: Checkpoint | None = None, kept: Any = None, identity: Any = None) -> Any:
        """Train to the end, together with the other workers; returns the `History`.

        Args:
            checkpoint: Where to save the run from time to time.
            kept: What was saved there before, or None.
            identity: What tells this run from others.
        """
        with self.workers.training(self.model):
            return self._train(checkpoint, kept, identity)

    def _train(self, checkpoint: Checkpoint | None, kept: Any, identity: Any) -> Any:
        if checkpoint and kept:
            check_same(checkpoint.path, kept, identity)
            noted = len(kept["first batches"])
            if kept["finished"]:
                self.source.seek(0, noted, noted, kept["first batches"])
                self._say(f"This run is finished: its end is in {checkpoint.path.parent}")
                self._restore(kept)
                return self.model.history
            self.epoch, self.step, self.done, self.logs = kept["epoch"], kept["step"], kept["done"], kept["logs"]
            self.source.seek(self.epoch, self.step, self.done, kept["first batches"])
            if self.validation is not None:
                self.validation.seek(self.epoch, 0, 0, kept["first validation batches"])
            if checkpoint.writes:
                rewind_files(self.to_note, kept["callbacks"])
            self._say(f"Going on after step {self.step}, from {checkpoint.path.parent}")
        self.model.stop_training = False
        self.callbacks.on_train_begin()
        notes = Notes(self.to_note, kept["callbacks"] if kept else None)

        def state(finished: bool = False) -> dict[str, Any]:
            return {
                "run": identity,
                "versions": versions(),
                "finished": finished,
                "epoch": self.epoch,
                "step": self.step,
                "done": self.done,
                "logs": self.logs,
                "first batches": self.source.first_batches,
                "first validation batches": [] if self.validation is None else self.validation.first_batches,
                "stop": self.model.stop_training,
                "variables": [variable.numpy() for variable in variables_of(self.model)],
                "metrics": [variable.numpy() for variable in self.model.metrics_variables],
                "callbacks": notes.read(),
            }

        with Interrupts(heeded=checkpoint is not None) as interrupts:
            for epoch in range(self.epoch, len(self.lengths)):
                self.epoch = epoch
                self.model.reset_metrics()
                self.callbacks.on_epoch_begin(epoch)
                for feed, limit in self._calls():
                    if kept:
                        self._restore(kept, feed)
                        kept = None
                    elif checkpoint and self._can_save:
                        came = self.workers.largest(interrupts.came)  # a later one waits for the next call
                        if checkpoint.due() or came:
                            checkpoint.save(state())
                        stop_if_one_came(
                            came, f"The run is saved in {checkpoint.path.parent}: start it again to go on."
                        )
                    if isinstance(self.source, DatasetBatches) and self.workers.count > 1 and not self.step:
                        self._call(feed, 1)
                        self.workers.check_same({"dataset": self.source.first_batches[:1]})
                        limit -= 1
                    self._call(feed, limit)
                if not self.done:
                    raise ValueError("The dataset gave no batch. Give one that has at least one.")
                self.done = 0
                if self.validation is not None:
                    validated = self._validate(self.validation)
                    self.workers.check_same({"validation dataset": self.validation.first_batches[:1]})
                    self.logs = {**self.logs, **{f"val_{name}": value for name, value in validated.items()}}
                self.callbacks.on_epoch_end(epoch, self.logs)
                self.model.stop_training = bool(self.workers.largest(int(self.model.stop_training)))
                if self.model.stop_training:
                    break
            self.model.optimizer.finalize_variable_values(self.model.trainable_variables)
            self.callbacks.on_train_end(self.logs)
            if checkpoint:
                checkpoint.save(state(finished=True))
                came = self.workers.largest(interrupts.came)
                stop_if_one_came(came, f"The run is finished, and saved in {checkpoint.path.parent}")
        return self.model.history

    @property
    def _can_save(self) -> bool:
        """Not in an epoch that is not compiled: its metrics cannot be made before a first step."""
        return not self.done or not self.model.run_eagerly

    def _restore(self, kept: dict[str, Any], feed: Any = None) -> None:
        """Put everything where it was: after `on_epoch_begin`, which some callbacks begin anew with."""
        in_an_epoch = feed is not None and kept["done"]  # at the start of one, metrics are reset
        if in_an_epoch and len(kept["metrics"]) > len(self.model.metrics_variables):
            self.loop.trace(feed)  # which makes the variables of the metrics
        for variable, value in zip(variables_of(self.model), kept["variables"], strict=True):
            variable.assign(value)
        if in_an_epoch and self.workers.index == 0:  # whose metrics held those of all workers
            for variable, value in zip(self.model.metrics_variables, kept["metrics"], strict=True):
                variable.assign(value)
        self.model.stop_training = kept["stop"]
        self.workers.restored(self.model)
        write_notes(self.to_note, kept["callbacks"])

    def _say(self, text: str) -> None:
        if self.verbose:
            sys.stderr.write(f"{text}\n")

    def _calls(self) -> Iterator[tuple[Any, int]]:
        """The rest of this epoch, up to the end of the data."""
        for feed, limit in self.source.calls(self.lengths[self.epoch], self.log_every, self.done):
            before = self.done
            yield feed, limit
            if self.done - before < limit:
                break

    def _call(self, feed: Any, limit: int) -> None:
        self.callbacks.on_train_batch_begin(self.done)
        done, loss = self.loop.train(feed, limit)
        if not np.isfinite(loss):
            raise FloatingPointError(
                f"The loss or its gradient became {loss} at step {self.step + done + 1}. That update was not made: "
                "the trainable weights are those before it. A smaller learning rate, the optimizer's "
                "`global_clipnorm`, or inputs of a smaller scale usually help."
            )
        self.step += done
        self.done += done
        if done:
            self.logs = self.workers.results(self.model)
            self.callbacks.on_train_batch_end(self.done - 1, self.logs)

    def _validate(self, validation: Source) -> dict[str, Any]:
        self.model.reset_metrics()
        self.callbacks.on_test_begin()
        logs: dict[str, Any] = {}
        batch = 0
        for feed, limit in validation.calls(0, 1000):
            self.callbacks.on_test_batch_begin(batch)
            done = self.loop.evaluate(feed, limit)
            batch += done
            if done:
                logs = self.workers.results(self.model)
                self.callbacks.on_test_batch_end(batch - 1, logs)
            if done < limit:
                break
        if not batch:
            logs = self.workers.results(self.model)
        self.callbacks.on_test_end(logs)
        return logs
