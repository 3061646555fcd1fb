"""Many steps inside one `tf.function`."""

from collections.abc import Callable
from functools import partial
from typing import Any

import keras
import tensorflow as tf

from rnn_tf._keras import parts_of
from rnn_tf.training.step import test_step, train_step
from rnn_tf.training.workers import OneWorker


class Loop:
    """The compiled loops for a model in the state it is in: its optimizer, metrics and trainable weights."""

    def __init__(self, model: keras.Model, jit_compile: bool, workers: OneWorker) -> None:
        self.model = model
        self.jit_compile = jit_compile
        self._state = _state(model)
        function = _eagerly if model.run_eagerly else tf.function
        train, test = partial(train_step, model, model.optimizer, workers), partial(test_step, model, workers)
        self._train_rows = function(partial(_over_rows, train), jit_compile=jit_compile)
        self._test_rows = function(partial(_over_rows, test), jit_compile=jit_compile)
        # Partial functions: TensorFlow counts the traces of one function and warns of many, so each model has its own.
        # XLA cannot hold an iterator, so here each step is compiled by itself. Only under XLA: TensorFlow 2.21 fails on
        # a function of its own that adds up over workers inside the `tf.cond` of another one.
        step = partial(function, jit_compile=True) if jit_compile else lambda plain: plain
        self._train_iterator = function(partial(_over_iterator, step(train)))
        self._test_iterator = function(partial(_over_iterator, step(test)))

    def serves(self, model: keras.Model, jit_compile: bool) -> bool:
        """Whether these loops still do what a new one would."""
        state = _state(model)
        return (
            jit_compile == self.jit_compile
            and len(state) == len(self._state)
            and all(new is old for new, old in zip(state, self._state, strict=True))
        )

    def train(self, feed: Any, limit: int) -> tuple[int, float]:
        """Up to `limit` steps; returns how many updates were made, and the last loss."""
        if isinstance(feed, tuple):
            done, loss = self._train_rows(*feed, tf.constant(limit))
        else:
            done, loss = self._train_iterator(feed, tf.constant(limit))
        return int(done), float(loss)

    def trace(self, feed: Any) -> None:
        """Compile what `train` will call, so that what the first call makes is there: the variables of the metrics."""
        function: Any
        arguments, function = (feed, self._train_rows) if isinstance(feed, tuple) else ((feed,), self._train_iterator)
        function.get_concrete_function(*arguments, tf.constant(1))

    def evaluate(self, feed: Any, limit: int) -> int:
        """Up to `limit` batches into the model's metrics; returns how many there were."""
        if isinstance(feed, tuple):
            done, _ = self._test_rows(*feed, tf.constant(limit))
        else:
            done, _ = self._test_iterator(feed, tf.constant(limit))
        return int(done)


def _eagerly(function: Callable[..., Any], jit_compile: bool = False) -> Callable[..., Any]:
    """In place of `tf.function` for a model compiled with `run_eagerly=True`."""
    return function


def _state(model: keras.Model) -> list[Any]:
    # Every `compile` makes a new tracker of the loss, which comes first among the metrics.
    return [model.optimizer, model.metrics[0], *model.trainable_variables]


def _over_rows(step: Callable[..., tf.Tensor], data: Any, indices: Any, limit: Any) -> Any:
    """`step` on the rows that `indices`, [steps, batch], name; on all rows if it is None."""

    def body(i: Any, loss: Any) -> Any:
        if indices is None:
            return i + 1, step(data)
        return i + 1, step(tf.nest.map_structure(lambda rows: _gather(rows, indices[i]), data))

    def more(i: Any, loss: Any) -> Any:
        return (i < limit) & tf.math.is_finite(loss)

    i, loss = tf.while_loop(more, body, (0, 0.0), parallel_iterations=1)
    return i - tf.cast(~tf.math.is_finite(loss), tf.int32), loss


def _gather(rows: Any, indices: Any) -> Any:
    return None if rows is None else tf.gather(rows, indices)


def _over_iterator(step: Callable[..., tf.Tensor], iterator: Any, limit: Any) -> Any:
    """`step` on the next batches of a `tf.data` iterator, as long as there are any."""

    def body(i: Any, loss: Any, has_value: Any) -> Any:
        batch = iterator.get_next_as_optional()

        def take() -> Any:
            x, y, *weight = batch.get_value()
            return i + 1, step((x, y, weight[0] if weight else None))

        i, loss = tf.cond(batch.has_value(), take, lambda: (i, loss))
        return i, loss, batch.has_value()

    def more(i: Any, loss: Any, has_value: Any) -> Any:
        return (i < limit) & tf.math.is_finite(loss) & has_value

    i, loss, _ = tf.while_loop(more, body, (0, 0.0, True), parallel_iterations=1)
    return i - tf.cast(~tf.math.is_finite(loss), tf.int32), loss


def pays_xla(model: keras.Model, spec: Any) -> bool:
    """Whether XLA, which costs a second more to compile, makes the loop faster for a model fed with arrays of `spec`.

    Measured on two CPU cores: recurrent layers of 4 to 32 units over 4 to 100 steps train up to twice as fast; with
    64 units and 100 steps there is nothing left to gain.
    """
    layers = parts_of(model)
    small = sum(int(tf.size(weight)) for weight in model.trainable_variables) <= 10_000
    recurrent = any(isinstance(layer, (keras.layers.RNN, keras.layers.Bidirectional)) for layer in layers)
    supported = all(layer.supports_jit for layer in layers)
    numeric = all(leaf is None or leaf.dtype != tf.string for leaf in tf.nest.flatten(spec))
    return small and recurrent and supported and numeric
