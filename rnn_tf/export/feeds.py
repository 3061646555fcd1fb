"""Inputs of an endpoint by name: from the examples that a person gives, or made up."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from rnn_tf.export.examples import LENGTHS, split_lengths
from rnn_tf.export.signatures import NEXT, Endpoint
from rnn_tf.export.verify import Feed

MOST_ROWS = 64  # that are compared and kept


def make_feed(specs: Sequence[tf.TensorSpec], examples: Any) -> Feed:
    """Inputs by name of the dtypes and shapes that `specs` declare.

    Args:
        specs: The inputs.
        examples: An array for the first input, or a dict of arrays by name; for sequences with `lengths` also a list
            of arrays `[timesteps, features]`. None makes something up.

    Raises:
        ValueError: If they do not fit.
    """
    variable, lengths = split_lengths(specs)
    if examples is None:
        return {spec.name: _made_up(spec, spec in lengths) for spec in specs}
    if not isinstance(examples, dict):
        examples = {specs[0].name: examples}
        if lengths and specs[1:] == lengths and specs[0] in variable:
            examples = _padded(specs[0].name, examples[specs[0].name])
    if set(examples) != {spec.name for spec in specs}:
        raise ValueError(
            f"`examples` must name the inputs {[spec.name for spec in specs]}. Received: {list(examples)}."
        )
    feed = {spec.name: _checked(spec, examples[spec.name])[:MOST_ROWS] for spec in specs}
    if len({len(array) for array in feed.values()}) > 1:
        sizes = ", ".join(f"{name} has {len(array)}" for name, array in feed.items())
        raise ValueError(f"`examples` must have the same number of rows for every input. Received: {sizes}.")
    return feed


def stream_feeds(step: Endpoint) -> list[Feed]:
    """The first two steps of a stream.

    Raises:
        ValueError: If a state has none after it.
    """
    now, *states = step.inputs
    first = {spec.name: np.zeros([4, *spec.shape[1:]], spec.dtype.as_numpy_dtype) for spec in states}
    first[now.name] = _made_up(now, False)
    after = step.answer(first)
    lost = [spec.name for spec in states if NEXT + spec.name not in after]
    if lost:
        raise ValueError(
            f"A step must give the state after each that it takes, a name that begins with '{NEXT}'. Received: a step "
            f"that takes {lost[0]!r} and gives {', '.join(map(repr, after))}. Name the state after it "
            f"'{NEXT}{lost[0]}'."
        )
    return [first, {now.name: first[now.name][::-1], **{spec.name: after[NEXT + spec.name] for spec in states}}]


def rows_of(feed: Feed, size: int) -> Feed:
    """The first rows, over again where there are too few."""
    return {name: array[np.arange(size) % len(array)] for name, array in feed.items()}


def _made_up(spec: tf.TensorSpec, is_lengths: bool) -> np.ndarray:
    """Four rows of something: random numbers, lengths from 1 to 4, other integers 0 and 1, texts of several kinds."""
    shape = [size or 4 for size in spec.shape]
    if spec.dtype == tf.string:
        return np.resize(np.array([b"some text", "你好 \U0001f600".encode(), b"", b"not \xff UTF-8"], object), shape)
    if is_lengths:
        return np.arange(1, 5, dtype=spec.dtype.as_numpy_dtype)
    if not spec.dtype.is_floating:
        return np.resize(np.arange(2), shape).astype(spec.dtype.as_numpy_dtype)
    return np.random.default_rng(0).normal(size=shape).astype(spec.dtype.as_numpy_dtype)


def _padded(name: str, sequences: Any) -> Feed:
    """An array of sequences of one length, or a list of sequences, as padded ones and their lengths."""
    try:
        rows = [np.asarray(row, np.float32) for row in sequences]
        lengths = np.array([len(row) for row in rows], np.int32)
        padded = np.zeros([len(rows), lengths.max(initial=0), *np.broadcast_shapes(*(row.shape[1:] for row in rows))])
        for row, into in zip(rows, padded, strict=True):
            into[: len(row)] = row
    except (TypeError, ValueError):
        raise ValueError(
            f"Examples for {name!r} must be an array [batch, timesteps, features], or a list of arrays "
            "[timesteps, features]. Received: something else."
        ) from None
    return {name: padded, LENGTHS: lengths}


def _checked(spec: tf.TensorSpec, values: Any) -> np.ndarray:
    try:
        if spec.dtype == tf.string:
            given = np.asarray(values, object)
            array = np.array([tf.compat.as_bytes(text) for text in given.ravel()], object).reshape(given.shape)
        else:
            given = np.asarray(values)
            array = given.astype(spec.dtype.as_numpy_dtype)
            if not spec.dtype.is_floating and not np.array_equal(array, given):
                raise ValueError  # a number that the dtype does not have
    except (TypeError, ValueError, OverflowError):
        raise ValueError(
            f"An example for {spec.name!r} must be an array of {spec.dtype.name}. Received: other values, or rows of "
            "different lengths."
        ) from None
    if not spec.shape.is_compatible_with(array.shape) or not array.size:
        raise ValueError(f"An example for {spec.name!r} must have shape {spec.shape}. Received: shape {array.shape}.")
    return array
