"""What both tasks on sequences of numbers share: what they learn from the data before training."""

from typing import Any

import numpy as np
import tensorflow as tf

from rnn_tf.fields.numbers import Numbers, values_of
from rnn_tf.models.task import Task


class SequenceTask(Task, abstract=True):
    """A task that reads sequences `[batch, timesteps, features]`, of different lengths, and standardizes them."""

    field_in: Numbers

    def adapt(self, x: Any, y: Any = None) -> None:
        """Learn mean and scale of the inputs, and of a regressor's targets, so that the model works in raw units.

        Args:
            x: Sequences as `fit` takes them, or a finite `tf.data.Dataset` of batches `(x, y)`.
            y: Targets; only of a regressor, and not with a dataset.

        Raises:
            ValueError: If the data are empty, endless, not finite, or of the wrong shape.
        """
        if not isinstance(x, tf.data.Dataset):
            x, y, _ = self.rows(x, y)
        self._learn(x, y)

    def _to_learn_from(self, inputs: Any, targets: Any) -> tuple[np.ndarray, np.ndarray | None]:
        return values_of(inputs), None
