"""A task: what people have in, what people read out, and recurrent layers between."""

import inspect
import logging
from os import PathLike
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from rnn_tf._keras import validates_inside_fit
from rnn_tf.export.saved_model import quiet_tensorflow
from rnn_tf.fields.sequences import steps_inside
from rnn_tf.models.encoder import with_objects
from rnn_tf.models.heads import Head
from rnn_tf.models.rows import PreparesRows
from rnn_tf.models.served import Served
from rnn_tf.training.batches import Batches, Ragged
from rnn_tf.training.pieces import Pieces
from rnn_tf.training.preparation import split_validation

PARTS = ("field_in", "encoder", "head", "field_out")


class Task(PreparesRows, Served, abstract=True):
    """A `keras.Model` of four parts, which a subclass makes in its `__init__`.

        sequence, mask = field_in(inputs)          what people have, as vectors
        states = encoder(sequence, mask)           recurrent layers
        answers = field_out(head(states, mask))    what the loss is computed on, in the units of the data

    Data are prepared once, before the first step, by the same code for `fit`, `evaluate`, `predict` and `Trainer.fit`.
    A subclass names its settings in its `__init__`; each is held by one of the parts, whose `settings` gives it back
    for the config.
    """

    head: Head

    def __init_subclass__(cls, abstract: bool = False, **kwargs: Any) -> None:
        super().__init_subclass__(abstract=abstract, **kwargs)
        if not abstract:
            stored = {name for kind in cls.__mro__ for name in _stored(kind)}
            missing = [f"self.{part}" for part in PARTS if part not in stored]
            if missing:
                raise TypeError(f"{cls.__name__} must set {', '.join(missing)} in its __init__.")

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(autocast=False, **kwargs)  # each field casts: token ids and raw units fit no half precision
        self.supports_masking = True

    def build(self, input_shape: Any) -> None:
        """Make the weights, for the shape of what the model is called on.

        On a built model it changes only the number of steps that an export takes.
        """
        self.field_in.build(input_shape)
        if not self.built:
            shape = self.field_in.sequence_shape(input_shape)
            self.encoder.build(shape)
            self.head.build(self.encoder.compute_output_shape(shape))
            self.field_out.build(None)

    def call(self, inputs: Any, mask: Any = None, training: bool = False) -> Any:
        """The answers: see the class."""
        sequence, mask = self.read(inputs, mask, training)
        states = self.encoder(sequence, mask=mask, training=training)
        return self.field_out(self.head(states, mask=mask, training=training))

    def read(self, inputs: Any, mask: Any = None, training: bool = False) -> tuple[Any, Any]:
        """What the encoder reads: vectors `[batch, timesteps, features]`, and their mask or None."""
        return self.field_in(inputs, mask=mask, training=training)

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, ...]:
        """The shape of the answers."""
        shape = self.encoder.compute_output_shape(self.field_in.sequence_shape(input_shape))
        return self.head.compute_output_shape(shape)

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """The mask of the steps, if each has an answer."""
        return self.field_in.steps(inputs, mask) if self.head.at_every_step else None

    def compile(self, optimizer: Any = "rmsprop", loss: Any = None, *args: Any, **kwargs: Any) -> None:
        """`keras.Model.compile`, by default with the head's loss, after checking that loss and metrics suit it."""
        loss = self.head.loss if loss is None else loss
        given = inspect.signature(super().compile).bind(optimizer, loss, *args, **kwargs).arguments
        self.head.check(loss, tf.nest.flatten([given.get(name) or [] for name in ("metrics", "weighted_metrics")]))
        super().compile(optimizer, loss, *args, **kwargs)

    def compile_from_config(self, config: Any) -> None:
        """As Keras's, which does not compile a model whose class has its own `compile`."""
        self.compile(**keras.saving.deserialize_keras_object(config))
        if self.optimizer is not None and self.built:
            self.optimizer.build(self.trainable_variables)

    def fit(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        epochs: int = 1,
        verbose: Any = "auto",
        callbacks: Any = None,
        validation_split: float = 0.0,
        validation_data: Any = None,
        shuffle: bool = True,
        class_weight: Any = None,
        sample_weight: Any = None,
        initial_epoch: int = 0,
        steps_per_epoch: int | None = None,
        validation_steps: int | None = None,
        validation_batch_size: int | None = None,
        validation_freq: Any = 1,
    ) -> keras.callbacks.History:
        """Train, as `keras.Model.fit` does, on data as people have them: see the class for what it takes.

        Args:
            x: The inputs, or a `tf.data.Dataset` of `(x, y)`.
            y: The targets; not with a dataset.
            batch_size: Rows a step, 32 by default. Not with a dataset of batches.
            epochs: How many times to go through the data.
            verbose: 0 silent, 1 or `"auto"` a progress bar, 2 one line an epoch.
            callbacks: Callbacks of Keras.
            validation_split: Share of the rows, the last ones, to validate on; nothing is learned from them.
            validation_data: `(x, y)`, `(x, y, sample_weight)` or a dataset, to validate on after each epoch.
            shuffle: Whether every epoch has an order of its own.
            class_weight: Dict of weights by class, its name or number; or `"balanced"`.
            sample_weight: One number a row.
            initial_epoch: The number that the first epoch has.
            steps_per_epoch: How many batches make an epoch; all of them by default.
            validation_steps: How many batches to validate on; all of them by default.
            validation_batch_size: Rows a step of the validation; `batch_size` by default.
            validation_freq: How many epochs lie between two validations, or a list of epochs.

        Returns:
            The Keras `History`.
        """
        columns = (x, y, sample_weight)
        if validation_split and validation_data is None and not isinstance(x, tf.data.Dataset):
            columns, validation_data = split_validation(columns, validation_split)
            validation_split = 0.0
        x, y, sample_weight, class_weight = self.prepare_data(
            *columns, class_weight, training=True, batch_size=batch_size, shuffle=shuffle
        )
        validation_batch_size = validation_batch_size or batch_size
        if isinstance(validation_data, (tuple, list, tf.data.Dataset, str, bytes, PathLike)):
            parts = validation_data if isinstance(validation_data, (tuple, list)) else (validation_data,)
            if len(parts) > 3:
                raise ValueError(
                    "`validation_data` must be (x, y), (x, y, sample_weight) or a tf.data.Dataset. "
                    f"Received: {len(parts)} entries."
                )
            prepared = self.prepare_data(*parts, training=False, batch_size=validation_batch_size)
            x_held_back = _for_keras(prepared.x)
            in_batches = isinstance(x_held_back, tf.data.Dataset)
            validation_data = x_held_back if in_batches else tuple(prepared[:3])
            validation_batch_size = None if in_batches else validation_batch_size
        x = _for_keras(x)
        if isinstance(x, tf.data.Dataset):
            batch_size, shuffle = None, False  # it makes its own batches, in its own order
        optimizer = getattr(self, "optimizer", None)  # of a model that is not compiled there is none
        if self.built and optimizer is not None and not optimizer.built:
            # In Keras 3.15 optimizers that copy the weights, such as ScheduleFreeAdamW, copy zeros if the compiled
            # step builds them.
            optimizer.build(self.trainable_variables)
        with quiet_tensorflow(_no_retracing):
            return super().fit(
                x,
                y,
                batch_size=batch_size,
                epochs=epochs,
                verbose=verbose,
                callbacks=callbacks,
                validation_split=validation_split,
                validation_data=validation_data,
                shuffle=shuffle,
                class_weight=class_weight,
                sample_weight=sample_weight,
                initial_epoch=initial_epoch,
                steps_per_epoch=steps_per_epoch,
                validation_steps=validation_steps,
                validation_batch_size=validation_batch_size,
                validation_freq=validation_freq,
            )

    def evaluate(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        verbose: Any = "auto",
        sample_weight: Any = None,
        steps: int | None = None,
        callbacks: Any = None,
        return_dict: bool = False,
        **private: Any,
    ) -> Any:
        """The loss and the metrics on data as `fit` takes them.

        Args:
            x: As in `fit`.
            y: As in `fit`.
            batch_size: As in `fit`.
            verbose: As in `fit`.
            sample_weight: As in `fit`.
            steps: How many batches to take; all of them by default.
            callbacks: As in `fit`.
            return_dict: Whether to return a dict by name, rather than a list.
            **private: What Keras's own `fit` hands on.
        """
        if not validates_inside_fit(private):
            x, y, sample_weight, _ = self.prepare_data(x, y, sample_weight, training=False, batch_size=batch_size)
            x = _for_keras(x)
            batch_size = None if isinstance(x, tf.data.Dataset) else batch_size
        with quiet_tensorflow(_no_retracing):
            return super().evaluate(x, y, batch_size, verbose, sample_weight, steps, callbacks, return_dict, **private)

    def predict(
        self,
        x: Any,
        batch_size: int | None = None,
        verbose: Any = "auto",
        steps: int | None = None,
        callbacks: Any = None,
    ) -> np.ndarray:
        """The answers to inputs as `fit` takes them, in their order.

        Args:
            x: The inputs; NaN gives NaN. Where each step has an answer, those after the end of a sequence are NaN.
            batch_size: As in `fit`.
            verbose: As in `fit`.
            steps: How many batches of a dataset to answer; all of them by default.
            callbacks: As in `fit`.
        """
        x = self.prepare_inputs(x)
        order = None
        if isinstance(x, Ragged):
            batches = Batches((x,), 32 if batch_size is None else batch_size, shuffle=False, seed=0)
            order = np.concatenate([batches.rows(step) for step in range(batches.steps_an_epoch)])
            x, batch_size = batches.dataset(), None
        with quiet_tensorflow(_no_retracing):
            answers = super().predict(x, batch_size, verbose, steps, callbacks)
        if self.head.at_every_step and isinstance(x, dict):
            answers[~steps_inside(answers, x["lengths"])] = np.nan
        return answers if order is None else answers[np.argsort(order)]

    def hidden_states(self, inputs: Any) -> list[np.ndarray]:
        """h_1, ..., h_T of each layer, without dropout.

        Args:
            inputs: Inputs as `predict` takes them.

        Returns:
            A list with an array of shape `[batch, timesteps, units]` for each layer, the first layer first; for an
            LSTM the hidden state h, not the cell state c. After its end a sequence keeps its last state.

        Raises:
            ValueError: If the model is not built.
        """
        rows = self.prepare_inputs(inputs, built_for="hidden_states")
        return self.encoder.hidden_states(*self.read(rows.padded() if isinstance(rows, Ragged) else rows))

    def get_config(self) -> dict[str, Any]:
        """The settings that the class's `__init__` names, from the parts that hold them."""
        held: dict[str, Any] = {}
        for part in PARTS:
            held.update(getattr(self, part).settings())
        parameters = inspect.signature(type(self).__init__).parameters.values()
        named = {one.name for one in parameters if one.kind is not one.VAR_KEYWORD}
        return {**super().get_config(), **{name: value for name, value in held.items() if name in named}}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> "Task":
        return cls(**with_objects(config, custom_objects))


def _for_keras(x: Any) -> Any:
    """Rows of different lengths as Keras takes them."""
    return x.dataset() if isinstance(x, (Batches, Pieces)) else x


def _stored(kind: type) -> tuple[str, ...]:
    """The names that a class's own `__init__` uses or sets."""
    code = getattr(vars(kind).get("__init__"), "__code__", None)
    return () if code is None else code.co_names


def _no_retracing(record: logging.LogRecord) -> bool:
    """TensorFlow counts the traces of one Python function, and all models share Keras's: its warning is not true."""
    return "triggered tf.function retracing" not in record.getMessage()
