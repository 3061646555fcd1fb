"""The linear scan against its equation in NumPy, and its gradient against finite differences."""

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
@settings(max_examples=8, deadline=None)
def test_equation(parts, constant, length, masked, known):
    """Any length: in one block, in blocks that divide it, filled up, or not known to the graph."""
    a, b, first, mask = problem(length, parts, constant, seed=length)
    counts = [len(parts_of(x)) for x in (a, b, first)]

    def scan(*tensors):
        split = tf.nest.pack_sequence_as([[0] * count for count in counts], tensors[: sum(counts)])
        return linear_scan(*split, mask=tensors[-1] if masked else None)

    tensors = [*parts_of(a), *parts_of(b), *parts_of(first), *([tf.constant(mask)] if masked else [])]
    if not known:
        sizes = [x.shape if len(x.shape) == 1 else [None, None, UNITS][-len(x.shape) :] for x in tensors]
        sizes = [[None, None] if x.dtype == tf.bool else size for x, size in zip(tensors, sizes, strict=True)]
        specs = [tf.TensorSpec(size, x.dtype) for x, size in zip(tensors, sizes, strict=True)]
        scan = tf.function(scan, input_signature=specs)
    hidden, last = scan(*tensors)
    expected = step_by_step(a, b, first, mask if masked else None)
    np.testing.assert_allclose(joined(hidden), expected, atol=1e-12)
    np.testing.assert_allclose(joined(last), expected[:, -1], atol=1e-12)


# One block; blocks that divide the length; filled up; a loop, as under XLA; a length that is not known.
WAYS = {"block": (5, {}), "blocks": (12, {}), "filled": (11, {}), "loop": (5, {"looped": True}), "open": (9, {})}


@pytest.mark.parametrize(("parts", "constant", "sequences"), [(1, False, True), (2, False, False), (2, True, True)])
@pytest.mark.parametrize("way", WAYS)
def test_gradients_against_finite_differences(way, parts, constant, sequences, monkeypatch):
    """Along a random direction of each tensor."""
    monkeypatch.setattr(linear, "OPEN_BLOCK", 4)
    length, arguments = WAYS[way]
    a, b, first, mask = problem(length, parts, constant)
    random = np.random.default_rng(1)
    scale = random.normal(size=b.shape)

    def loss(*tensors):
        groups = [list(tensors[i * parts : (i + 1) * parts]) for i in range(3)]
        hidden, last = linear_scan(*groups, mask=None if constant else mask, sequences=sequences, **arguments)
        total = tf.add_n([tf.reduce_sum((i + 1) * part**2) for i, part in enumerate(last)])
        return total + tf.add_n([tf.reduce_sum(scale * part**2) for part in hidden]) if sequences else total

    def gradients(*tensors):
        with tf.GradientTape() as tape:
            tape.watch(tensors)
            value = loss(*tensors)
        return value, tape.gradient(value, tensors)

    inputs = [*parts_of(a), *parts_of(b), *parts_of(first)]
    sizes = [[BATCH, None, UNITS] if way == "open" and len(x.shape) == 3 else x.shape for x in inputs]
    graph = tf.function(gradients, input_signature=[tf.TensorSpec(size, tf.float64) for size in sizes])
    for i, gradient in enumerate(graph(*inputs)[1]):
        direction = random.normal(size=gradient.shape)
        ahead, behind = ([x + e * direction if j == i else x for j, x in enumerate(inputs)] for e in (1e-5, -1e-5))
        numeric = (graph(*ahead)[0] - graph(*behind)[0]) / 2e-5
        np.testing.assert_allclose(np.sum(gradient * direction), numeric, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("looped", [False, True])
def test_under_xla(looped):
    """The loop is the way to take there; the blocks are right all the same."""
    a, b, first, _ = problem(12, parts=2, constant=True)
    inputs = [parts_of(a), parts_of(b), parts_of(first)]
    scan = tf.function(lambda *inputs: linear_scan(*inputs, looped=looped), jit_compile=True)
    np.testing.assert_allclose(joined(scan(*inputs)[0]), step_by_step(a, b, first), atol=1e-12)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_half_precision_is_computed_in_single(dtype):
    """200 steps of h + 1/16, which half precision itself would round away at 128 in float16's sums and at 16."""
    steps = 4096
    inputs = tf.fill([1, steps, 1], tf.constant(0.0625, dtype))
    (hidden,), (last,) = linear_scan([tf.ones([1], dtype)], [inputs], [tf.zeros([1, 1], dtype)])
    assert hidden.dtype == last.dtype == dtype
    assert float(last[0, 0]) == steps / 16


def test_factors_of_zero_and_masked_numbers_that_are_none():
    """Nothing is divided by a product of factors, and what a mask leaves out is not looked at."""
    a, b, first, mask = problem(40)
    a[:, ::3] = 0
    (hidden,), _ = linear_scan(*map(parts_of, (a, b, first)))
    np.testing.assert_allclose(hidden, step_by_step(a, b, first), atol=1e-12)
    expected = step_by_step(a, b, first, mask)
    a[~mask] = b[~mask] = np.nan
    tensors = [*parts_of(a), *parts_of(b), *parts_of(first)]
    with tf.GradientTape() as tape:
        tape.watch(tensors)
        (hidden,), _ = linear_scan(*([x] for x in tensors), mask=mask)
    np.testing.assert_allclose(hidden, expected, atol=1e-12)
    assert all(np.isfinite(one).all() for one in tape.gradient(hidden, tensors))


def test_has_no_second_derivative():
    x = tf.ones([1, 3, 1])
    with tf.GradientTape() as outer:
        outer.watch(x)
        with tf.GradientTape() as inner:
            inner.watch(x)
            (hidden,), _ = linear_scan([x], [x], [tf.ones([1, 1])])
            squares = hidden**2
        gradient = inner.gradient(squares, x)
    with pytest.raises(NotImplementedError, match="implementation='reference'"):
        outer.gradient(gradient, x)


def test_blocks_divide_the_length_where_they_can():
    assert [block_size(length) for length in (1, 8, 64, 100, 784, 4096, 65536)] == [1, 8, 8, 10, 28, 32, 32]
    assert block_size(10007) == linear.BLOCK  # a prime: the last block is filled up


def test_factors_that_are_constant_cost_no_sequence_of_them():
    """Of the operations of a scan and its gradient none is of factors at all steps; only b, h and their gradients."""
    length = 64

    def operations(a):
        def gradients(a, b):
            with tf.GradientTape() as tape:
                tape.watch([a, b])
                (hidden,), _ = linear_scan([a], [b], [tf.zeros([1, 4])])
            return tape.gradient(hidden, [a, b])

        graph = tf.function(gradients).get_concrete_function(a, tf.zeros([1, length, 4])).graph
        return sum(op.type == "Unpack" for op in graph.get_operations())

    assert operations(tf.ones([4])) < operations(tf.ones([1, length, 4]))


def test_an_export_holds_stock_operations_only():
    specs = [tf.TensorSpec([None, None, 3]), tf.TensorSpec([None, 3])]
    with for_export():
        function = tf.function(lambda b, h: linear_scan([tf.fill([3], 0.5)] * 2, [b, b], [h, h]), input_signature=specs)
        graph = function.get_concrete_function().graph.as_graph_def()
    types = {node.op for node in graph.node} | {node.op for one in graph.library.function for node in one.node_def}
    assert not types & {"IdentityN", "PyFunc", "Complex", "Conj"}
