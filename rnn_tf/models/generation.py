"""From one step of a decoder to whole sequences of tokens, in one loop of the graph."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

Step = Callable[[Any, Sequence[Any]], tuple[Any, Sequence[Any]]]


def generate(
    step: Step, states: Sequence[Any], token: Any, lengths: Any, choose: Callable[[Any, Any], Any]
) -> tuple[Any, Any]:
    """Token ids `[batch, longest]`, each chosen from what the decoder makes of those before it; 0 after a row's end.

    Args:
        step: Takes tokens `[batch]` and states; gives logits `[batch, size]` and the states after it.
        states: Those before `token`, with an entry a row.
        token: Int32 `[batch]`, the last token that is given.
        lengths: Int32 `[batch]`, how many tokens each row gets.
        choose: Takes logits and the number of the step; gives int32 `[batch]`.

    Returns:
        The ids, and the states after them.
    """
    longest = tf.reduce_max(tf.concat([lengths, [0]], 0))
    chosen = tf.TensorArray(tf.int32, longest, element_shape=[None])

    def body(i: Any, token: Any, chosen: Any, states: Any) -> Any:
        logits, states = step(token, states)
        token = choose(logits, i)
        return i + 1, token, chosen.write(i, tf.where(i < lengths, token, 0)), list(states)

    shapes = (tf.TensorShape([]), tf.TensorShape([None]), tf.TensorShape(None), [state.shape for state in states])
    _, _, chosen, states = tf.while_loop(
        lambda i, *_: i < longest, body, (0, token, chosen, list(states)), shape_invariants=shapes
    )
    ids = tf.reshape(chosen.stack(), [longest, tf.shape(token)[0]])
    return tf.transpose(ids), states


def sample(logits: Any, uniform: Any, temperature: Any, top_k: Any = None, top_p: Any = None) -> Any:
    """Tokens int32 `[batch]`, drawn from softmax(logits / temperature); the most probable one where that is 0.

    Args:
        logits: `[batch, size]`.
        uniform: A random number from [0, 1) for each row.
        temperature: `[batch]`, not negative.
        top_k: From how many tokens to draw, the most probable; None from all.
        top_p: From the fewest tokens, the most probable first, whose probabilities add up to this share; None from all.

    Source of top_p: A. Holtzman et al. (2020), "The curious case of neural text degeneration", ICLR.
    """
    scaled = logits / tf.where(temperature > 0, temperature, 1)[:, None]
    if top_k is not None:
        least = tf.math.top_k(scaled, tf.minimum(top_k, scaled.shape[1])).values[:, -1:]
        scaled = tf.where(scaled < least, -np.inf, scaled)
    if top_p is not None:
        falling = tf.sort(scaled, direction="DESCENDING")
        share = tf.cumsum(tf.nn.softmax(falling), axis=1, exclusive=True)  # of those before each
        least = tf.reduce_min(tf.where(share < top_p, falling, np.inf), axis=1, keepdims=True)
        scaled = tf.where(scaled < least, -np.inf, scaled)
    below = tf.cumsum(tf.nn.softmax(scaled), axis=1)
    drawn = tf.reduce_sum(tf.cast(below <= uniform[:, None] * below[:, -1:], tf.int32), axis=1)
    return tf.where(temperature > 0, drawn, tf.argmax(logits, axis=1, output_type=tf.int32))


def uniforms(seeds: Any, first: Any, count: Any) -> Any:
    """Random numbers from [0, 1) `[batch, count]`: those of each row follow from its seed, number `first` on.

    Whoever asks for one number after the other gets the same as who asks for all.
    """

    def row(row: Any) -> Any:
        seed, first = row
        return tf.random.stateless_uniform([first + count], tf.stack([seed, 0]))[first:]

    return tf.map_fn(row, (seeds, first), fn_output_signature=tf.TensorSpec([None], tf.float32))
