"""The training loop: `tf.function` in place of placeholder, Session and feed_dict."""

from collections.abc import Iterator
from os import PathLike
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from rnn_tf._checks import checked_arrays, positive_integer, seed_of
from rnn_tf.training.batches import Batches, Source
from rnn_tf.training.checkpoint import Checkpoint
from rnn_tf.training.class_weights import weighted, with_class_weight
from rnn_tf.training.dataset_batches import DatasetBatches
from rnn_tf.training.identity import identity_of
from rnn_tf.training.loop import Loop, pays_xla
from rnn_tf.training.pieces import Pieces
from rnn_tf.training.preparation import PreparesData, split_validation
from rnn_tf.training.run import Run
from rnn_tf.training.workers import check_can_share, check_not_mirrored, workers_of


class Trainer:
    """Trains a `keras.Model` by one compiled loop over many steps.

    One step takes a batch, computes the loss and its gradients, and lets the optimizer update the weights,
    as `model.fit` does. But where `model.fit` returns to Python after each, here `log_every` steps run inside
    one `tf.function`, with XLA where it pays.

    Args:
        model: A `keras.Model`, compiled or not.
        optimizer, loss, metrics: As in `model.compile`, which is called with them. Leave them out to use what
            the model was compiled with.
        jit_compile: `True` compiles the loop with XLA, `False` does not, `"auto"` does for small recurrent
            models on arrays, where XLA pays. Random numbers under XLA differ from those outside.
        workers: `"auto"`: train together with the other processes that the variable TF_CONFIG names, alone where it
            names none. Or a `tf.distribute.MultiWorkerMirroredStrategy`, made before the first tensor. Every process
            runs the same program on all of the data. Of each batch it takes its share of the rows, and one sum of
            the gradients a step makes the update the same in all: that of one process with the whole batch. A loss
            that divides by a number of steps, since some are masked, does so in each worker, and the mean of these
            is taken, weighed by rows. Metrics are sums over all rows, masks of dropout differ, statistics such as
            those of BatchNormalization become the mean. Keras's callbacks that write files write in worker 0, the
            chief, alone, and it alone prints and reads and writes the `checkpoint`; all start from its weights.

    Raises:
        TypeError: If `model` is not a `keras.Model`.
        ValueError: If the model was never compiled and no optimizer and loss are given; if the model has
            a `train_step` of its own, which only `model.fit` follows; if it was made in the scope of a strategy; if
            TF_CONFIG is not valid; or if workers cannot share a batch, as with XLA or a loss with
            `reduction="sum"`.
        RuntimeError: If this process cannot join the workers of TF_CONFIG any more.

    Example:
    >>> import keras
    >>> from rnn_tf import SequenceRegressor, Trainer
    >>> from rnn_tf.data import jang_task
    >>> (x, y), test = jang_task()
    >>> model = SequenceRegressor(units=4)
    >>> trainer = Trainer(model, optimizer=keras.optimizers.Adam(0.01), loss="mse")
    >>> history = trainer.fit(x, y, steps=200, log_every=100, verbose=0)
    >>> history.epoch, history.history["loss"][1] < history.history["loss"][0]
    ([0, 1], True)
    """

    def __init__(
        self,
        model: Any,
        optimizer: Any = None,
        loss: Any = None,
        metrics: Any = None,
        jit_compile: bool | str = "auto",
        workers: Any = None,
    ) -> None:
        if not isinstance(model, keras.Model):
            raise TypeError(f"`model` must be a keras.Model. Received: {type(model).__name__}.")
        for step in ("train_step", "test_step"):
            if getattr(type(model), step) is not getattr(keras.Model, step):
                raise ValueError(
                    f"Trainer makes the steps itself, and {type(model).__name__} has a `{step}` of its own that would "
                    "be ignored. Train it with model.fit, or override `compute_loss` instead."
                )
        if jit_compile not in (True, False, "auto"):
            raise ValueError(f"`jit_compile` must be True, False or 'auto'. Received: {jit_compile!r}.")
        if optimizer is not None or loss is not None:
            if optimizer is None or loss is None:
                raise ValueError(
                    "Give Trainer an optimizer and a loss, or neither for a compiled model. "
                    f"Received: optimizer={optimizer!r}, loss={loss!r}."
                )
            model.compile(optimizer=optimizer, loss=loss, metrics=metrics)
        elif metrics is not None:
            raise ValueError("`metrics` needs `optimizer` and `loss` beside it; otherwise name them in model.compile.")
        elif not model.compiled:
            raise ValueError(
                "The model has no optimizer and loss yet. Call model.compile(optimizer=..., loss=...), or "
                "Trainer(model, optimizer=..., loss=...)."
            )
        check_not_mirrored(model)
        self.model = model
        self.jit_compile = jit_compile
        self.workers = workers_of(workers)
        if self.workers.count > 1:
            check_can_share(model, jit_compile)
        self._loop: Loop | None = None

    def __repr__(self) -> str:
        return f"Trainer({self.model!r}, jit_compile={self.jit_compile!r})"

    def fit(
        self,
        x: Any,
        y: Any = None,
        *,
        steps: int | None = None,
        epochs: int | None = None,
        batch_size: int | None = None,
        log_every: int = 100,
        sample_weight: Any = None,
        class_weight: Any = None,
        validation_data: Any = None,
        validation_split: float = 0.0,
        shuffle: bool = True,
        seed: int | None = None,
        callbacks: Any = None,
        verbose: int | str = "auto",
        checkpoint: str | PathLike[str] | None = None,
        checkpoint_seconds: float | None = None,
    ) -> keras.callbacks.History:
        """Train for a number of `steps`, or of `epochs`.

        With `steps`, batches are drawn from the data repeated without end, and every `log_every` steps count
        as one epoch for the callbacks and the history. With `epochs`, each goes through the data once, the
        last batch may be smaller, and `log_every` is how many steps run between two updates of the progress
        bar.

        Args:
            x: Array `[rows, ...]`, a nested structure of arrays, or a `tf.data.Dataset` of batches `(x, y)`
                or `(x, y, sample_weight)`.
            y: Targets; not with a dataset.
            steps: Positive integer, how many updates to make.
            epochs: Positive integer, how many times to go through the data.
            batch_size: Rows a step. `None` takes all rows with `steps`, 32 with `epochs`, and 32 of texts. Not with a
                dataset.
            log_every: Positive integer, steps to run in one call of the compiled loop.
            sample_weight: Array, one weight a row. Not with a dataset.
            class_weight: Weight of each class, by its integer label; a class not named weighs 1. Where the model
                answers at every step, labels `[rows, steps]` give every step its weight. The classifiers of rnn_tf
                take names of classes, and `"balanced"`, too.
            validation_data: `(x, y)`, `(x, y, sample_weight)` or a dataset; its loss and metrics come after
                each epoch, named `val_...`.
            validation_split: Share of the rows, the last ones, to validate on in place of `validation_data`; nothing
                is learned from them. Not with a dataset.
            shuffle: Whether each pass through arrays has an order of its own.
            seed: A seed for that order. `None` takes one from NumPy's global state, which
                `keras.utils.set_random_seed` sets.
            callbacks: Keras callbacks.
            verbose: 0 silent, 1 or `"auto"` a progress bar, 2 one line an epoch, as in `model.fit`.
            checkpoint: A folder in which one file holds the whole run: weights, optimizer, seeds of dropout, metrics,
                place in the data, and what callbacks noted in attributes that are numbers, texts, arrays, or lists
                and dicts of them. Where a process was killed, the same program run again goes on, and ends with the
                same bits; a run that is finished returns its history at once. Ctrl-C and SIGTERM save, too. Where no
                seed is given, runs are told apart by their data and settings alone. On a GPU bits need
                `tf.config.experimental.enable_op_determinism()`.
            checkpoint_seconds: How many seconds lie between two saves, at least; 0 saves before each call of the
                loop. `None`: 10, and so many that saving takes at most 2 % of the time.

        Returns:
            The Keras `History`, `history.history["loss"]` being the mean over each epoch's rows.

        Raises:
            ValueError: If an argument is out of range or the data cannot be trained on; or if `checkpoint` is of
                another run: the message names what differs.
            OSError: If the disk of `checkpoint` is full. What was saved before is whole.
            FloatingPointError: At the first loss or gradient that is NaN or infinite; the message names the step.
                That step's update is not made: the trainable weights are those before it.
            ConnectionError: If another worker is gone.
        """
        self._check_callbacks(callbacks)
        workers = self.workers
        saved = None if checkpoint is None else Checkpoint(checkpoint, checkpoint_seconds, writes=workers.index == 0)
        kept = saved.load() if saved else None
        drawn = seed_of(seed)  # also where a seed was kept: what comes after draws the same numbers
        kept, seed = workers.from_chief((kept, kept["run"]["seed"] if kept and seed is None else drawn))
        arguments = {
            "steps": steps,
            "epochs": epochs,
            "log_every": log_every,
            "seed": seed,
            "class_weight": class_weight,
            "jit_compile": self.jit_compile,
        }
        if (steps is None) == (epochs is None):
            raise ValueError(f"Give `steps` or `epochs`, one of the two. Received: steps={steps!r}, epochs={epochs!r}.")
        log_every = positive_integer("log_every", log_every)
        if steps is not None:
            steps = positive_integer("steps", steps)
            lengths = [min(log_every, steps - first) for first in range(0, steps, log_every)]
        else:
            lengths = [0] * positive_integer("epochs", epochs)  # 0: one pass through the data
        if isinstance(x, (Iterator, keras.utils.PyDataset)):
            raise ValueError(
                "`x` must be arrays or a tf.data.Dataset, which can be gone through again. Received: "
                f"{type(x).__name__}. Write tf.data.Dataset.from_generator(function, output_signature=...), with a "
                "function that makes the batches (x, y) anew."
            )
        if isinstance(x, tf.data.Dataset):
            for name, value in (("y", y), ("sample_weight", sample_weight), ("batch_size", batch_size)):
                if value is not None:
                    raise ValueError(f"A dataset brings its own `{name}`. Received: {name}={value!r} beside it.")
        elif batch_size is None and epochs is not None:
            batch_size = 32
        if validation_split:
            if validation_data is not None or isinstance(x, tf.data.Dataset):
                raise ValueError(
                    "`validation_split` is for rows in memory, in place of `validation_data`. Received: "
                    f"{'a dataset' if isinstance(x, tf.data.Dataset) else 'both'}. Give `validation_data` alone."
                )
            parts = tuple(x) if isinstance(x, list) and not isinstance(self.model, PreparesData) else x
            (x, y, sample_weight), validation_data = split_validation((parts, y, sample_weight), validation_split)
        if isinstance(self.model, PreparesData):
            x, y, sample_weight, class_weight = self.model.prepare_data(
                x, y, sample_weight, class_weight, training=True, batch_size=batch_size, shuffle=shuffle, seed=seed
            )
            if isinstance(x, Batches) and class_weight is not None:
                x = x.dataset()
        source: Source
        replayable = saved is not None or workers.count > 1
        if isinstance(x, tf.data.Dataset):
            x = weighted(self.model, x, class_weight)
            source = DatasetBatches(x, repeat=steps is not None, replayable=replayable)
        elif isinstance(x, (Batches, Pieces)):
            source = x
        else:
            columns = with_class_weight(self.model, self._columns(x, y, sample_weight), class_weight)
            source = Batches(columns, batch_size, shuffle=shuffle, seed=seed, joined=steps is not None)
        validation = self._validation_source(validation_data, batch_size, replayable)
        loop = self._built_loop(source)
        run = Run(self.model, loop, source, validation, lengths, log_every, callbacks, verbose, workers)
        if saved is None and workers.count == 1:
            return run.train()
        identity = identity_of(self.model, arguments, run.to_note, source, validation)
        workers.check_same({**identity, "checkpoint": saved is not None})
        return run.train(saved, kept, identity)

    def _check_callbacks(self, callbacks: Any) -> None:
        for callback in callbacks or () if isinstance(callbacks, (list, tuple, type(None))) else (callbacks,):
            if isinstance(callback, keras.callbacks.BackupAndRestore):
                raise ValueError(
                    "Trainer saves and restores a run itself. Received: BackupAndRestore among the callbacks. Leave it "
                    'out, and name a folder: fit(..., checkpoint="backup").'
                )

    def _validation_source(self, validation_data: Any, batch_size: int | None, replayable: bool) -> Source | None:
        if validation_data is None:
            return None
        sizes = (1, 2, 3) if isinstance(self.model, PreparesData) else (2, 3)
        if isinstance(validation_data, (tf.data.Dataset, str, bytes, PathLike)):
            validation_data = (validation_data,)
        elif not isinstance(validation_data, (tuple, list)) or len(validation_data) not in sizes:
            raise ValueError(
                "`validation_data` must be (x, y), (x, y, sample_weight) or a tf.data.Dataset. "
                f"Received: {type(validation_data).__name__}."
            )
        x, y, weight = (*validation_data, None, None)[:3]
        try:
            if isinstance(self.model, PreparesData):
                x, y, weight, _ = self.model.prepare_data(x, y, weight, training=False, batch_size=batch_size)
            if isinstance(x, tf.data.Dataset):
                return DatasetBatches(x, repeat=False, replayable=replayable)
            if isinstance(x, (Batches, Pieces)):
                return x
            columns = self._columns(x, y, weight)
        except ValueError as error:
            raise ValueError(f"`validation_data` cannot be used. {error}") from None
        return Batches(columns, batch_size, shuffle=False, seed=0)

    def _columns(self, x: Any, y: Any, sample_weight: Any) -> tuple[Any, ...]:
        """Checked columns; a model that prepares its data has checked its arrays."""
        if isinstance(self.model, PreparesData) and isinstance(tf.nest.flatten(x)[0], np.ndarray):
            return x, y, sample_weight
        return checked_arrays(x=x, y=y, sample_weight=sample_weight)

    def _built_loop(self, source: Source) -> Loop:
        """The compiled loop for the model as it is now, the old one if nothing changed."""
        model = self.model
        if not model.built:
            inputs = tf.nest.map_structure(
                lambda spec: keras.KerasTensor((None, *spec.shape[1:]), spec.dtype.name), source.spec[0]
            )
            model(inputs)  # symbolic: makes the weights, computes nothing
        model.optimizer.build(model.trainable_variables)
        if self.workers.count > 1:
            jit = False
        elif self.jit_compile == "auto":
            jit = isinstance(source, Batches) and not source.ragged and pays_xla(model, source.spec)
        else:
            jit = bool(self.jit_compile)
        if self._loop is None or not self._loop.serves(model, jit):
            self._loop = Loop(model, jit, self.workers)
        return self._loop
