"""What people have, as what a network takes, and what a network answers, as what people read."""

from abc import abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf

from rnn_tf._abstract import Abstract


class Field(Abstract, keras.layers.Layer, abstract=True):
    """One column of the data: it checks what people have, and learns from it what must be known before training.

    Attributes:
        noun: What the column holds, in the plural, as errors name it.
    """

    needs = ("noun",)
    noun: str

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.supports_masking = True

    @abstractmethod
    def rows(self, column: Any, *, finite: bool = True) -> Any:
        """The column, checked once, with one entry a row: arrays, or `Ragged` rows of different lengths.

        Args:
            column: As people have it.
            finite: Whether to refuse NaN and infinity, as where something is learned from the rows.
        """

    @abstractmethod
    def settings(self) -> dict[str, Any]:
        """The settings of a task that this field holds, as `get_config` shows them."""

    @property
    def must_learn(self) -> bool:
        """Whether `learn` must be called before training."""
        return False

    def see(self, values: np.ndarray) -> None:
        """Add a chunk of values to those that `learn` uses."""

    def learn(self) -> None:
        """Learn from the values seen."""


class RawInputs(NamedTuple):
    """What an export takes, and how it becomes the inputs of the model.

    specs: One for each input, named.
    read: A function of one tensor for each spec.
    lookups: Layers that hold a vocabulary.
    """

    specs: Sequence[tf.TensorSpec]
    read: Callable[..., Any]
    lookups: Sequence[keras.layers.Layer] = ()


class InputField(Field, abstract=True):
    """A column that a network reads: in the graph it becomes vectors `[batch, timesteps, features]` and their mask."""

    @abstractmethod
    def takes(self, x: Any) -> bool:
        """Whether x must go through `rows`; if not, x is ready for the model, as a dataset of batches is."""

    @abstractmethod
    def input_shape(self, x: Any) -> Any:
        """The shape to build a model with, from checked rows or a dataset; None where it is not known."""

    @abstractmethod
    def sequence_shape(self, input_shape: Any) -> tuple[int | None, ...]:
        """The shape of what `call` gives, `(batch, timesteps, features)`."""

    @abstractmethod
    def call(self, inputs: Any, mask: Any = None, training: bool = False) -> tuple[Any, Any]:
        """Vectors `[batch, timesteps, features]`, and their mask `[batch, timesteps]` or None."""

    @abstractmethod
    def steps(self, inputs: Any, mask: Any = None) -> Any:
        """Which steps belong to their sequences, bools `[batch, timesteps]`; None for all of them."""

    @abstractmethod
    def raw_inputs(self) -> RawInputs:
        """What an export takes."""

    @abstractmethod
    def step_spec(self) -> tf.TensorSpec:
        """What one step of a stream takes."""

    @abstractmethod
    def step(self, inputs: Any) -> tuple[Any, Any]:
        """Vectors `[batch, features]` of one step, and whether there is a step, bools `[batch]`."""

    def compute_mask(self, inputs: Any, mask: Any = None) -> None:
        """None: `call` gives the mask."""

    def saw(self, x: Any) -> None:
        """Called with the rows of every `fit`."""


class AnswerField(Field, abstract=True):
    """A column that a network answers; called on the head's output, it gives the answers in their own units."""

    @abstractmethod
    def call(self, answers: Any) -> Any:
        """The answers in the units of `rows`."""

    @abstractmethod
    def named(self, answers: Any) -> dict[str, Any]:
        """The answers as an export gives them, tensors by name."""

    @abstractmethod
    def class_weights(self, weights: Any, rows: Any) -> dict[int, float] | None:
        """`class_weight` of `fit` by class number; rows are None if they come from a dataset."""
