"""`tf.train.Example`: features by name, as TF Serving's Classify and Regress take them."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

LENGTHS = "lengths"  # of the variable axis; counted, where it comes from an Example


def split_lengths(specs: Sequence[tf.TensorSpec]) -> tuple[list[tf.TensorSpec], list[tf.TensorSpec]]:
    """The inputs whose second axis is variable, and the input `lengths` [batch] of integers that belongs to them."""
    variable = [spec for spec in specs if spec.shape.rank and spec.shape.rank > 1 and spec.shape[1] is None]
    lengths = [spec for spec in specs if spec.name == LENGTHS and spec.dtype.is_integer and spec.shape.rank == 1]
    return variable, lengths if variable else []


def to_examples(feed: dict[str, np.ndarray], specs: Sequence[tf.TensorSpec]) -> np.ndarray:
    """Serialised Examples `[batch]`, one for each row of the inputs.

    A feature holds all numbers of a row, the last axis fastest; a sequence ends where `lengths`, if it is there, says.
    """
    variable, lengths = split_lengths(specs)
    rows = []
    for i in range(len(next(iter(feed.values())))):
        features = {}
        for spec in specs:
            if spec not in lengths:
                array = feed[spec.name]
                row = array[i, : feed[LENGTHS][i]] if lengths and spec in variable else array[i : i + 1]
                features[spec.name] = feature(row.ravel())
        rows.append(tf.train.Example(features=tf.train.Features(feature=features)).SerializeToString())
    return np.array(rows, object)


def feature(values: np.ndarray) -> tf.train.Feature:
    """The Feature of a vector: bytes for objects, otherwise floats or integers."""
    value = values.tolist()
    if values.dtype == object:
        return tf.train.Feature(bytes_list=tf.train.BytesList(value=value))
    if values.dtype.kind == "f":
        return tf.train.Feature(float_list=tf.train.FloatList(value=value))
    return tf.train.Feature(int64_list=tf.train.Int64List(value=map(int, value)))  # bools, too


def parser(specs: Sequence[tf.TensorSpec]) -> Callable[[Any], list[Any]]:
    """A function of serialised Examples `[batch]` that gives a tensor for each spec, from the feature of its name.

    Where the axis after the batch is variable, the Examples may differ in length, and the input `lengths` is counted.

    Raises:
        ValueError: If a variable axis has no `lengths` beside it, or is not the one after the batch.
    """
    variable, counted = split_lengths(specs)
    if any(None in spec.shape[2:] for spec in specs) or (variable and (len(variable) > 1 or not counted)):
        raise ValueError(
            "`examples_api` needs inputs of fixed shape, or one whose second axis is variable, with `lengths` [batch] "
            f"beside it. Received: {', '.join(f'{spec.name} {tuple(spec.shape)}' for spec in specs)}."
        )
    features = {
        spec.name: tf.io.RaggedFeature(_wide(spec.dtype))
        if spec in variable
        else tf.io.FixedLenFeature(spec.shape[1:], _wide(spec.dtype))
        for spec in specs
        if spec not in counted
    }

    def parse(serialized: Any) -> list[Any]:
        parsed = tf.io.parse_example(serialized, features)
        for spec in variable:
            width = math.prod(spec.shape[2:])
            values = parsed[spec.name]
            sizes = values.row_lengths()
            rule = f"The feature '{spec.name}' must hold {width} values a step, and at least one step."
            with tf.control_dependencies(
                [tf.debugging.assert_equal(sizes % width, tf.zeros_like(sizes), message=rule),
                 tf.debugging.assert_positive(sizes, message=rule)]
            ):  # fmt: skip
                parsed[spec.name] = tf.reshape(values.to_tensor(), [tf.shape(serialized)[0], -1, *spec.shape[2:]])
            parsed[LENGTHS] = sizes // width
        return [tf.cast(parsed[spec.name], spec.dtype) for spec in specs]

    return parse


def _wide(dtype: tf.DType) -> tf.DType:
    """What an Example has for a dtype: strings, float32 or int64."""
    if dtype == tf.string:
        return dtype
    return tf.float32 if dtype.is_floating else tf.int64
