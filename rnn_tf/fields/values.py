"""Numbers to be answered, in their own units."""

from typing import Any

import numpy as np
import tensorflow as tf

from rnn_tf._checks import checked_arrays, numbers_of, positive_integer
from rnn_tf.fields.field import AnswerField
from rnn_tf.fields.sequences import padded
from rnn_tf.fields.standardization import Moments, Standardization


class Values(AnswerField):
    """Targets `[batch, horizon]`, or `[batch, timesteps, horizon]` with an answer at every step, standardized.

        o = scale_y z + mean_y

    Args:
        horizon: Positive integer, how many values an answer has.
        at_every_step: Whether there is an answer at every step.

    Example:
    >>> import numpy as np
    >>> from rnn_tf.fields import Values
    >>> Values(horizon=1).answers(np.array([5.0, 7.0])).tolist()
    [[5.0], [7.0]]
    """

    noun = "targets"

    def __init__(self, horizon: int, at_every_step: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.horizon = positive_integer("horizon", horizon)
        self.at_every_step = at_every_step
        self.scaling = Standardization(name="scaling", dtype=self.dtype_policy)

    def build(self, input_shape: Any) -> None:
        """Make mean and scale."""
        self.scaling.build((None, self.horizon))
        self._moments = Moments(self.horizon)

    def call(self, answers: Any) -> Any:
        return self.scaling(answers, inverse=True)

    def rows(self, column: Any, *, finite: bool = True) -> Any:
        if self.at_every_step:
            column = _padded(column)
        (values,) = checked_arrays(y=column, booleans=False)
        return self.answers(values) if self.at_every_step else values  # or metrics would mistake steps for a horizon

    def answers(self, y: Any, timesteps: int | None = None) -> Any:
        """Targets with the shape of the answers; the axis of a horizon of 1 may be missing.

        Args:
            y: Targets.
            timesteps: How many steps the sequences have; None if that is not known.
        """
        wanted = (timesteps, self.horizon) if self.at_every_step else (self.horizon,)
        answers = y[..., None] if len(y.shape) == len(wanted) else y
        sizes = tuple(answers.shape[1:])
        if len(sizes) != len(wanted) or any(a != b for a, b in zip(sizes, wanted, strict=True) if None not in (a, b)):
            names = "[batch, timesteps, horizon]" if self.at_every_step else "[batch, horizon]"
            raise ValueError(
                f"`y` must have the shape of the model's answers, {names} = {('batch', *wanted)}. Received: y of shape "
                f"{tuple(y.shape)}. Set `horizon` and `return_sequences` to fit."
            )
        return answers

    def see(self, values: np.ndarray) -> None:
        self._moments.add(values)

    def learn(self) -> None:
        if self._moments.count:
            self.scaling.learn(self._moments)
        self._moments = Moments(self.horizon)

    def named(self, answers: Any) -> dict[str, Any]:
        return {"forecast": answers}

    def class_weights(self, weights: Any, rows: Any) -> Any:
        return weights

    def settings(self) -> dict[str, Any]:
        return {"horizon": self.horizon}


def _padded(y: Any) -> Any:
    """Targets at every step of sequences of different lengths as one array; others as they are."""
    if not isinstance(y, (list, tuple, tf.RaggedTensor)):
        return y
    rows = [numbers_of("y", row) for row in (y.to_list() if isinstance(y, tf.RaggedTensor) else y)]
    return padded(rows) if all(row.ndim for row in rows) else y
