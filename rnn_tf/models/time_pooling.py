"""From the states at all steps to one vector."""

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

STATES = {"last": "last", "mean": "sum", "max": "max"}  # what each kind keeps between steps


class TimePooling(keras.layers.Layer):
    """Pools over the unmasked steps: `[batch, timesteps, features]` to `[batch, features]`, or several side by side.

        last:  h_T, for a layer that reads both ways [h_T forward; h_1 backward]: what each saw last
        mean:  1/T Σ_t h_t
        max:   max_t h_t, feature by feature

    A sequence without any unmasked step gives zeros.

    Args:
        kinds: `"last"`, `"mean"` or `"max"`, or a list of them to stand side by side.
        bidirectional: Whether the second half of the features comes from a layer that reads from the end.

    Raises:
        ValueError: If a kind is unknown, or there is none.
    """

    def __init__(self, kinds: str | Sequence[str], bidirectional: bool, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.supports_masking = True
        self.kinds = tuple(kinds) if isinstance(kinds, (list, tuple)) else (kinds,)
        if not self.kinds or set(self.kinds) - set(STATES) or len(set(self.kinds)) < len(self.kinds):
            raise ValueError(
                f"`pooling` must be one of {', '.join(map(repr, STATES))}, or a list of different ones. "
                f"Received: pooling={kinds!r}."
            )
        self.bidirectional = bidirectional

    def call(self, sequence: Any, mask: Any = None) -> Any:
        if mask is None:
            mask = tf.ones(tf.shape(sequence)[:2], tf.bool)
        mask = tf.expand_dims(mask, -1)  # [batch, timesteps, 1]
        sequence = tf.where(mask, sequence, 0)  # masked steps may hold anything
        pooled = [getattr(self, f"_{kind}")(sequence, mask) for kind in self.kinds]
        return tf.concat(pooled, axis=-1)  # [batch, features * kinds]

    def compute_mask(self, sequence: Any, mask: Any = None) -> None:
        return None

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, ...]:
        return input_shape[0], input_shape[-1] * len(self.kinds)

    def _last(self, sequence: Any, mask: Any) -> Any:
        mask = tf.squeeze(mask, -1)  # [batch, timesteps]
        if not self.bidirectional:
            return last_unmasked(sequence, mask)
        forward, backward = tf.split(sequence, 2, axis=-1)
        return tf.concat([last_unmasked(forward, mask), last_unmasked(backward[:, ::-1], mask[:, ::-1])], axis=-1)

    def _mean(self, sequence: Any, mask: Any) -> Any:
        steps = tf.reduce_sum(tf.cast(mask, tf.float32), axis=1)  # half precision cannot count thousands of them
        mean = tf.reduce_sum(tf.cast(sequence, tf.float32), axis=1) / tf.maximum(steps, 1)
        return tf.cast(mean, sequence.dtype)

    def _max(self, sequence: Any, mask: Any) -> Any:
        highest = tf.reduce_max(tf.where(mask, sequence, sequence.dtype.min), axis=1)
        return tf.where(tf.reduce_any(mask, axis=1), highest, 0)

    def state_specs(self, features: int) -> list[tf.TensorSpec]:
        """What a stream must remember: t, and what each kind needs from h_1, ..., h_t."""
        pooled = [tf.TensorSpec([None, features], tf.float32, name=f"pooled_{STATES[kind]}") for kind in self.kinds]
        return [*pooled, tf.TensorSpec([None], tf.int32, name="steps")]

    def step(self, output: Any, state: Sequence[Any], present: Any) -> tuple[Any, list[Any]]:
        """The pooled vectors `[batch, features]` after one step more, and the state after it.

        Args:
            output: h_t, `[batch, features]`.
            state: As `state_specs` says; zeros before the first step.
            present: Bools `[batch]`, whether there is a step.
        """
        output, present = tf.cast(output, tf.float32), tf.expand_dims(present, 1)
        before = tf.expand_dims(state[-1], 1)
        count = before + tf.cast(present, tf.int32)
        after, pooled = [], []
        for kind, old in zip(self.kinds, state, strict=False):
            new = {
                "last": output,
                "mean": old + output,
                "max": tf.where(before > 0, tf.maximum(old, output), output),
            }[kind]
            after.append(tf.where(present, new, old))
            pooled.append(after[-1] / tf.cast(tf.maximum(count, 1), tf.float32) if kind == "mean" else after[-1])
        return tf.cast(tf.concat(pooled, axis=-1), self.compute_dtype), [*after, count[:, 0]]


def last_unmasked(sequence: Any, mask: Any) -> Any:
    """The vectors `[batch, features]` of the last step at which the mask, `[batch, timesteps]`, is True."""
    steps = tf.cast(mask, tf.int32)
    end = tf.shape(steps)[1] - 1 - tf.argmax(steps[:, ::-1], axis=1, output_type=tf.int32)  # [batch]
    return tf.gather(sequence, end, axis=1, batch_dims=1)
