"""The linear scan against its equation in NumPy, and its gradient against finite differences."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from rnn_tf._exporting import for_export
from rnn_tf.scans import linear, linear_scan
from rnn_tf.scans.linear import block_size

BATCH, UNITS = 2, 2


def numbers(random, shape, parts, radius=1.0):
    """Complex numbers, or real ones, of at most this radius."""
    values = random.uniform(-radius, radius, size=shape)
    return values + 1j * random.uniform(-radius, radius, size=shape) if parts == 2 else values


def parts_of(values, dtype="float64"):
    return [tf.constant(part, dtype) for part in ([values.real, values.imag] if np.iscomplexobj(values) else [values])]


def problem(length, parts=1, constant=False, seed=0):
    """Factors, inputs, a first state, and a mask with gaps, an empty row among its rows."""
    random = np.random.default_rng(seed)
    a = numbers(random, (UNITS,) if constant else (BATCH, length, UNITS), parts, radius=0.7)
    b, first = (numbers(random, shape, parts) for shape in ((BATCH, length, UNITS), (BATCH, UNITS)))
    mask = random.random((BATCH, length)) > 0.4
    mask[0] = False
    return a, b, first, mask


def step_by_step(a, b, first, mask=None):
    hidden, h = np.zeros_like(b), first
    for t in range(b.shape[1]):
        new = (a if a.ndim == 1 else a[:, t]) * h + b[:, t]
        h = new if mask is None else np.where(mask[:, t, None], new, h)
        hidden[:, t] = h
    return hidden


def joined(parts):
    return parts[0].numpy() if len(parts) == 1 else parts[0].numpy() + 1j * parts[1].numpy()


@pytest.mark.parametrize("constant", [False, True])
@pytest.mark.parametrize("parts", [1, 2])
@given(st.integers(1, 150), st.booleans(), st.booleans())
@settings(max_examples=15, deadline=None)
def test_equation(parts, constant, length, masked, known):
    """Any length: in one block, in blocks that divide it, filled up, or not known to the graph."""
    a, b, first, mask = problem(length, parts, constant, seed=length)
    kept = tf.constant(mask) if masked else None
    inputs = [parts_of(a), parts_of(b), parts_of(first), kept]

    def scan(factors, inputs, states, kept):
        return linear_scan(factors, inputs, states, mask=kept)

    if not known:
        specs = tf.nest.map_structure(lambda x: tf.TensorSpec([None] * (x.ndim > 1) + x.shape[x.ndim > 1 :]), inputs)
        specs = [
            [tf.TensorSpec([UNITS] if x.ndim == 1 else [None] * (x.ndim - 1) + [UNITS], x.dtype) for x in group]
            for group in inputs[:3]
        ]
        specs.append(tf.TensorSpec([None, None], tf.bool) if masked else None)
        scan = tf.function(scan, input_signature=specs if masked else specs)
    hidden, last = scan(*inputs)
    expected = step_by_step(a, b, first, mask if masked else None)
    np.testing.assert_allclose(joined(hidden), expected, atol=1e-12)
    np.testing.assert_allclose(joined(last), expected[:, -1], atol=1e-12)
