"""Several workers that train one model: each on its rows of every batch, with one sum of gradients a step.

TensorFlow's `MultiWorkerMirroredStrategy` adds up; nothing is mirrored. Every worker holds variables of its own, which
stay equal, since all start from the chief's and make the same updates.
"""

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from rnn_tf import _cluster
from rnn_tf._keras import parts_of
from rnn_tf.training.checkpoint import read, write
from rnn_tf.training.identity import differences
from rnn_tf.training.remembered import carried_by, variables_of

Batch = tuple[Any, Any, Any]  # x, y, sample_weight
GONE = (tf.errors.UnavailableError, tf.errors.AbortedError, tf.errors.CancelledError, tf.errors.DeadlineExceededError)
SEED = 7919  # lies between the seeds of two workers
NOT_A_MEAN = ("sum", "none", None, "mean_with_sample_weight")  # over rows


class OneWorker:
    """Has all rows, and nobody to agree with."""

    index = 0
    count = 1

    def own_rows(self, batch: Batch) -> tuple[Batch, Any]:
        """Its rows of a joint batch, and which share of all rows they are, or None for all of them."""
        return batch, None

    def joint(self, gradients: Sequence[Any], loss: Any) -> tuple[Sequence[Any], Any]:
        """The sums over all workers of gradients and loss, that are already weighed by their share."""
        return gradients, loss

    def from_chief(self, value: Any) -> Any:
        """The chief's value: plain, or an array, or dicts and lists of them."""
        return value

    def largest(self, number: int) -> int:
        """The largest of the workers' numbers."""
        return number

    def check_same(self, identity: dict[str, Any]) -> None:
        """Raise ValueError if workers were given other data or settings."""

    def results(self, model: keras.Model) -> dict[str, Any]:
        """The metrics over the rows of all workers."""
        return results(model)

    @contextmanager
    def training(self, model: keras.Model) -> Iterator[None]:
        """While it is entered, what workers must have in common is so, and what must differ differs."""
        yield

    def restored(self, model: keras.Model) -> None:
        """To be called when the chief's variables have been put into the model."""


class Workers(OneWorker):
    """The workers of a strategy.

    Args:
        strategy: A `tf.distribute.MultiWorkerMirroredStrategy` with one device a worker.
    """

    def __init__(self, strategy: tf.distribute.MultiWorkerMirroredStrategy) -> None:
        resolver = strategy.cluster_resolver
        jobs = resolver.cluster_spec().as_dict()
        chiefs = len(jobs.get("chief", ()))
        self.strategy = strategy
        self.count = chiefs + len(jobs.get("worker", ()))
        self.index = int(resolver.task_id) + (chiefs if resolver.task_type == "worker" else 0)
        if strategy.num_replicas_in_sync != self.count:
            raise ValueError(
                f"A worker must have one device. Received: {strategy.num_replicas_in_sync} devices for {self.count} "
                "workers. Start one worker for each GPU, with CUDA_VISIBLE_DEVICES=0 in the first, and so on."
            )
        self._compiled: dict[Any, Any] = {}
        self._before: list[np.ndarray] = []
        _cluster.end_by_signals()

    def add(self, tensors: Sequence[Any]) -> list[Any]:
        """Sums over the workers: one collective operation for all tensors of a dtype."""
        sums: dict[int, Any] = {}
        for dtype in dict.fromkeys(tensor.dtype for tensor in tensors):
            places = [place for place, tensor in enumerate(tensors) if tensor.dtype == dtype]
            flat = tf.concat([tf.reshape(tensors[place], [-1]) for place in places], 0)
            parts = tf.split(self.strategy.run(_sum, (flat,)), [tf.size(tensors[place]) for place in places])
            sums.update(
                (place, tf.reshape(part, tf.shape(tensors[place]))) for place, part in zip(places, parts, strict=True)
            )
        return [sums[place] for place in range(len(tensors))]

    def own_rows(self, batch: Batch) -> tuple[Batch, Any]:
        """Every `count`-th row. Where there are none, the last row of the batch, with a share of 0.

        Keras's loss of no rows has another shape, so that there must be one.
        """
        rows = tf.shape(tf.nest.flatten(batch[0])[0])[0]
        numbers = tf.minimum(tf.range(self.index, tf.maximum(rows, self.index + 1), self.count), rows - 1)
        own = (rows - self.index + self.count - 1) // self.count
        part = tf.nest.map_structure(lambda column: None if column is None else tf.gather(column, numbers), batch)
        return part, tf.cast(own, tf.float32) / tf.cast(rows, tf.float32)

    def joint(self, gradients: Sequence[Any], loss: Any) -> tuple[Sequence[Any], Any]:
        """See `OneWorker`. A table's gradient is sent whole, since workers see different rows of it."""
        there = [tf.convert_to_tensor(gradient) for gradient in gradients if gradient is not None]
        *sums, loss = self.add([*there, loss])
        left = iter(sums)
        return [None if gradient is None else next(left) for gradient in gradients], loss

    def each(self, number: int) -> list[int]:
        """The numbers of all workers."""
        numbers = np.zeros([self.count], np.int32)
        numbers[self.index] = number
        return self._add_now([tf.constant(numbers)])[0].numpy().tolist()

    def largest(self, number: int) -> int:
        """See `OneWorker`."""
        return max(self.each(number))

    def gather(self, data: bytes) -> list[bytes]:
        """The bytes of all workers."""
        sizes = self.each(len(data))
        ends = np.cumsum([-(-size // 4) for size in sizes])  # in words of four bytes
        if not ends[-1]:  # TensorFlow cannot add up nothing
            return [b""] * self.count
        words = np.zeros([ends[-1]], np.int32)
        starts = [0, *ends[:-1]]
        words[starts[self.index] :].view(np.uint8)[: len(data)] = np.frombuffer(data, np.uint8)
        words = self._add_now([tf.constant(words)])[0].numpy()
        return [words[start:].view(np.uint8)[:size].tobytes() for start, size in zip(starts, sizes, strict=True)]

    def from_chief(self, value: Any) -> Any:
        """See `OneWorker`."""
        data = io.BytesIO()
        if self.index == 0:
            write(data, value)
        return read(io.BytesIO(self.gather(data.getvalue())[0]))

    def check_same(self, identity: dict[str, Any]) -> None:
        """See `OneWorker`. All raise the same error."""
        data = io.BytesIO()
        write(data, identity)
        chief, *others = (read(io.BytesIO(one)) for one in self.gather(data.getvalue()))
        named = [
            f"worker {number} with another {', '.join(differences(chief, other, ('in worker 0', 'there')))}"
            for number, other in enumerate(others, start=1)
            if other != chief
        ]
        if named:
            raise ValueError(
                f"All workers must be given the same data and settings. Received: {'; '.join(named)}. Run the same "
                "program on the same data everywhere; each takes its own rows."
            )

    @contextmanager
    def training(self, model: keras.Model) -> Iterator[None]:
        """See `OneWorker`."""
        chief = self.from_chief([variable.numpy() for variable in variables_of(model)] if self.index == 0 else None)
        for variable, value in zip(variables_of(model), chief, strict=True):
            variable.assign(value)
        self.restored(model)
        try:
            with self._all_there():
                yield
            self.each(0)  # none leaves while another still needs it
        finally:
            self._shift_seeds(model, -1)

    @contextmanager
    def _all_there(self) -> Iterator[None]:
        try:
            yield
        except GONE as error:
            raise ConnectionError(
                f"All workers must run to the end. Received: one is gone, seen by worker {self.index} of "
                f"{self.count} ({type(error).__name__}). Start all of them again: with the same `checkpoint` they go "
                "on, without one they begin anew."
            ) from None

    def _add_now(self, tensors: Sequence[Any]) -> list[Any]:
        """`add`, outside of a `tf.function`."""
        key = tuple((tensor.dtype, tuple(tensor.shape)) for tensor in tensors)
        if key not in self._compiled:  # a function for each, since TensorFlow warns of one with many traces
            self._compiled[key] = tf.function(partial(self.add))
        with self._all_there():
            return self._compiled[key](tensors)

    def restored(self, model: keras.Model) -> None:
        """See `OneWorker`. Masks of dropout differ by worker."""
        self._shift_seeds(model, 1)
        self._before = [variable.numpy() for variable in _statistics(model)]

    def _shift_seeds(self, model: keras.Model, sign: int) -> None:
        for variable in variables_of(model):
            if getattr(variable, "path", "").endswith("seed_generator_state"):
                shift = np.array([self.index * SEED, 0]).astype(variable.dtype)
                value = variable.numpy()
                variable.assign(value + shift if sign > 0 else value - shift)

    def results(self, model: keras.Model) -> dict[str, Any]:
        """See `OneWorker`. Statistics such as those of BatchNormalization become the mean of the workers'.

        Afterwards the chief's metrics hold the sums of all, and the others' nothing; and all hold the states of all
        streams: a checkpoint that the chief writes holds all that there is, and whether one was read changes no bit.
        """
        metrics, statistics, carried = model.metrics_variables, _statistics(model), carried_by(model)
        moved = [tf.convert_to_tensor(v) - before for v, before in zip(statistics, self._before, strict=True)]
        states = [self._of_own_rows(tf.convert_to_tensor(state)) for state in carried]
        sums = self._add_now([*map(tf.convert_to_tensor, metrics), *moved, *states])
        for variable, value in zip(metrics, sums, strict=False):
            variable.assign(value)
        found = results(model)
        if self.index:
            model.reset_metrics()
        for variable, value in zip(carried, sums[len(metrics) + len(moved) :], strict=True):
            variable.assign(value)
        for number, (variable, value) in enumerate(zip(statistics, sums[len(metrics) :], strict=False)):
            self._before[number] = self._before[number] + value.numpy() / self.count
            variable.assign(self._before[number])
        return found

    def _of_own_rows(self, state: Any) -> Any:
        """A state with an entry a row of the batch, 0 in the rows that are not this worker's: see `own_rows`."""
        own = tf.range(tf.shape(state)[0]) % self.count == self.index
        return tf.where(own[:, tf.newaxis], state, 0)


def workers_of(workers: Any) -> OneWorker:
    """What `Trainer(workers=)` was given, checked."""
    if isinstance(workers, str) and workers == "auto":
        workers = _cluster.strategy()
    if workers is None:
        return OneWorker()
    if not isinstance(workers, tf.distribute.MultiWorkerMirroredStrategy):
        raise ValueError(
            "`workers` must be 'auto', None or a tf.distribute.MultiWorkerMirroredStrategy. Received: "
            f"{workers if isinstance(workers, str) else type(workers).__name__!r}. {INSTEAD}"
        )
    _cluster.check_only(workers)
    return Workers(workers) if workers.num_replicas_in_sync > 1 else OneWorker()


INSTEAD = (
    "For several machines or processes write Trainer(model, workers='auto') in each, with TF_CONFIG set; for several "
    "GPUs of one process write model.fit, with the model made in strategy.scope()."
)


def check_not_mirrored(model: keras.Model) -> None:
    """Raise ValueError if a model was made in the scope of a strategy, which holds its weights several times."""
    strategy = model.distribute_strategy
    if strategy.num_replicas_in_sync > 1 or isinstance(strategy, tf.distribute.ParameterServerStrategy):
        raise ValueError(
            "Trainer needs a model that was made outside of every strategy's scope. Received: one of a "
            f"{type(strategy).__name__}. {INSTEAD}"
        )


def check_can_share(model: keras.Model, jit_compile: bool | str) -> None:
    """Raise ValueError if several workers cannot train a model on parts of a batch."""
    if jit_compile is True:
        raise ValueError(
            "XLA cannot add up over processes. Received: jit_compile=True with several workers. Leave `jit_compile` "
            "out, or train in one process."
        )
    sums = [one for one in tf.nest.flatten(model.loss) if getattr(one, "reduction", "mean") in NOT_A_MEAN]
    if sums:
        raise ValueError(
            "Workers need a loss that is a mean over the rows of a batch. Received: a loss with "
            f"reduction={sums[0].reduction!r}. Give it reduction='sum_over_batch_size'."
        )


def results(model: keras.Model) -> dict[str, Any]:
    """The metrics as plain numbers, or lists of them."""
    return {name: np.asarray(value).tolist() for name, value in model.get_metrics_result().items()}


def _sum(part: Any) -> Any:
    """In `strategy.run`: the sum over the workers. A copy has a device, which what was made outside of it has not."""
    return tf.distribute.get_replica_context().all_reduce("SUM", tf.identity(part))


def _statistics(model: keras.Model) -> list[Any]:
    """What layers note while they train, such as the moving averages of BatchNormalization."""
    frozen = {id(variable) for layer in parts_of(model) if not layer.trainable for variable in layer.variables}
    return [one for one in model.non_trainable_variables if "float" in one.dtype and id(one) not in frozen]
