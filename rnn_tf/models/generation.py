"""From one step of a decoder to whole sequences of tokens, in one loop of the graph."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

BLOCK = 1024  # random numbers that are drawn at once
Step = Callable[[Any, Sequence[Any]], tuple[Any, Sequence[Any]]]


def generate(step: Step, states: Sequence[Any], token: Any, lengths: Any, choose: Callable[[Any, Any], Any]) -> Any:
    """Token ids `[batch, longest]`, each chosen from what the decoder makes of those before it; 0 after a row's end.

    Args:
        step: Takes tokens `[batch]` and states; gives logits `[batch, size]` and the states after it.
        states: Those before `token`, with an entry a row.
        token: Int32 `[batch]`, the last token that is given.
        lengths: Int32 `[batch]`, how many tokens each row gets.
        choose: Takes logits and the number of the step; gives int32 `[batch]`.
    """
    longest = tf.reduce_max(tf.concat([lengths, [0]], 0))
    chosen = tf.TensorArray(tf.int32, longest, element_shape=[None])

    def body(i: Any, token: Any, chosen: Any, states: Any) -> Any:
        logits, states = step(token, states)
        token = choose(logits, i)
        return i + 1, token, chosen.write(i, tf.where(i < lengths, token, 0)), list(states)

    shapes = (tf.TensorShape([]), tf.TensorShape([None]), tf.TensorShape(None), [state.shape for state in states])
    _, _, chosen, _ = tf.while_loop(
        lambda i, *_: i < longest, body, (0, token, chosen, list(states)), shape_invariants=shapes
    )
    ids = tf.reshape(chosen.stack(), [longest, tf.shape(token)[0]])
    return tf.transpose(ids)


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
    tokens = None
    if top_k is not None or top_p is not None:
        size = scaled.shape[1]
        scaled, tokens = tf.math.top_k(scaled, size if top_k is None else tf.minimum(top_k, size))
    if top_p is not None:
        share = tf.cumsum(tf.nn.softmax(scaled), axis=1, exclusive=True)  # of those before each
        scaled = tf.where(share < top_p, scaled, -np.inf)
    below = tf.cumsum(tf.nn.softmax(scaled), axis=1)
    drawn = tf.reduce_sum(tf.cast(below <= uniform[:, None] * below[:, -1:], tf.int32), axis=1)
    drawn = drawn if tokens is None else tf.gather(tokens, drawn, batch_dims=1)
    return tf.where(temperature > 0, drawn, tf.argmax(logits, axis=1, output_type=tf.int32))


def uniforms(seeds: Any, count: Any) -> Any:
    """The first random numbers from [0, 1) of each seed, `[batch, count]`."""
    blocks = (count + BLOCK - 1) // BLOCK
    number = tf.tile(tf.range(blocks), [tf.size(seeds)])
    numbers = _block(tf.repeat(seeds, blocks), number)
    return tf.reshape(numbers, [tf.size(seeds), blocks * BLOCK])[:, :count]


def uniform(seeds: Any, place: Any) -> Any:
    """One of them for each seed, `[batch]`: that at `place`, `[batch]`."""
    return tf.gather(_block(seeds, place // BLOCK), place % BLOCK, axis=1, batch_dims=1)


def _block(seeds: Any, number: Any) -> Any:
    """A block of random numbers for each seed, `[batch, BLOCK]`."""
    return tf.map_fn(
        lambda key: tf.random.stateless_uniform([BLOCK], key),
        tf.stack([seeds, number], 1),
        fn_output_signature=tf.TensorSpec([BLOCK], tf.float32),
    )
