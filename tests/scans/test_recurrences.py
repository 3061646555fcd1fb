"""Each kernel against its equations in NumPy, and its gradient against finite differences, in float64."""

import contextlib

import keras
import numpy as np
import pytest
import tensorflow as tf

from rnn_tf import _exporting, scans
from rnn_tf.scans import steps

BATCH, TIME, UNITS = 3, 5, 2
random = np.random.default_rng(0)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def elman(p, states, weights):
    (h,), (kernel,) = states, weights
    return [np.tanh(p + h @ kernel)]


def lstm(p, states, weights):
    (h, c), (kernel,) = states, weights
    i, f, g, o = np.split(p + h @ kernel, 4, axis=1)
    c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
    return [sigmoid(o) * np.tanh(c), c]


def gru(p, states, weights):
    (h,), (kernel, bias) = states, weights
    (p_z, p_r, p_g), (u_z, u_r, u_g) = (np.split(one, 3, axis=1) for one in (p, h @ kernel))
    z, r = sigmoid(p_z + u_z), sigmoid(p_r + u_r)
    return [z * h + (1 - z) * np.tanh(p_g + r * (u_g + bias))]


def gru_reset_before(p, states, weights):
    (h,), (kernel,) = states, weights
    (p_z, p_r, p_g), (k_z, k_r, k_g) = (np.split(one, 3, axis=1) for one in (p, kernel))
    z, r = sigmoid(p_z + h @ k_z), sigmoid(p_r + h @ k_r)
    return [z * h + (1 - z) * np.tanh(p_g + (r * h) @ k_g)]


tanh, logistic = keras.activations.tanh, keras.activations.sigmoid
softplus, softsign = keras.activations.softplus, keras.activations.softsign
# The kernel, its step in NumPy, gates, states, shapes of its weights.
KERNELS = {
    "elman": (scans.Elman(tanh), elman, 1, 1, [(UNITS, UNITS)]),
    "elman, other": (scans.Elman(softplus), None, 1, 1, [(UNITS, UNITS)]),
    "lstm": (scans.LSTM(tanh, logistic), lstm, 4, 2, [(UNITS, 4 * UNITS)]),
    "lstm, other": (scans.LSTM(softplus, softsign), None, 4, 2, [(UNITS, 4 * UNITS)]),
    "gru": (scans.GRU(tanh, logistic), gru, 3, 1, [(UNITS, 3 * UNITS), (UNITS,)]),
    "gru, before": (scans.GRUResetBefore(tanh, logistic), gru_reset_before, 3, 1, [(UNITS, 3 * UNITS)]),
    "gru, before, other": (
        scans.GRUResetBefore(softplus, softsign), None, 3, 1, [(UNITS, 3 * UNITS)],
    ),
}  # fmt: skip


def tensors(name):
    """Projected inputs, states and weights."""
    _, _, gates, states, shapes = KERNELS[name]
    projected = random.normal(size=(BATCH, TIME, gates * UNITS))
    return (
        projected,
        [random.normal(size=(BATCH, UNITS)) for _ in range(states)],
        [random.normal(size=s) for s in shapes],
    )


@pytest.mark.parametrize("chunk", [None, 2])
@pytest.mark.parametrize("name", [name for name in KERNELS if "other" not in name])
def test_equations(name, chunk):
    kernel, step, *_ = KERNELS[name]
    projected, states, weights = tensors(name)
    mask = random.random((BATCH, TIME)) > 0.3
    hidden, last = tf.function(
        lambda: scans.scan(kernel, tf.constant(projected), states, weights, mask=mask, chunk=chunk)
    )()
    expected = states
    for t in range(TIME):
        new = step(projected[:, t], expected, weights)
        expected = [np.where(mask[:, t, None], a, b) for a, b in zip(new, expected, strict=True)]
        np.testing.assert_allclose(hidden[:, t], expected[0], rtol=1e-12)
    for one, other in zip(last, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-12)


@pytest.mark.parametrize(("chunk", "dropped", "sequences"), [(None, True, True), (2, False, True), (2, True, False)])
@pytest.mark.parametrize("name", KERNELS)
def test_gradients_against_finite_differences(name, chunk, dropped, sequences):
    kernel, _, gates, count, _ = KERNELS[name]
    projected, states, weights = tensors(name)
    mask = random.random((BATCH, TIME)) > 0.3
    dropout = [tf.constant(random.choice([0.0, 2.0], size=(BATCH, UNITS))) for _ in range(gates)] if dropped else None
    scale = random.normal(size=(BATCH, TIME, UNITS))

    @tf.function
    def loss(*inputs):
        p, *rest = inputs
        hidden, last = scans.scan(
            kernel, p, rest[:count], rest[count:], mask=mask, dropout=dropout, sequences=sequences, chunk=chunk,
            training=not dropped,  # where none is expected, it is right all the same
        )  # fmt: skip
        total = tf.add_n([tf.reduce_sum(state**2) for state in last])
        return total + tf.reduce_sum(scale * hidden) if sequences else total

    inputs = [tf.constant(one) for one in (projected, *states, *weights)]
    analytic, numeric = tf.test.compute_gradient(loss, inputs, delta=1e-5)
    for one, other in zip(analytic, numeric, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6 * max(1, np.abs(other).max()))


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("length", [1, 2, 5, 6, 7])
@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize("exporting", [contextlib.nullcontext, _exporting.for_export], ids=["", "export"])
def test_every_step_counts_once_in_order(length, known, reverse, exporting):
    """The state lists the steps that came before, as digits."""
    x = np.arange(1.0, length + 1)[:, None]

    def turn(inputs, carried):
        rows = inputs[0].rows
        for t in reversed(range(len(rows))) if reverse else range(len(rows)):
            carried = [carried[0] * 10 + rows[t]]
            rows[t] = carried[0]
        return [steps.Steps(rows=rows)], carried

    @tf.function(input_signature=[tf.TensorSpec([length if known else None, 1], tf.float64)])
    def run(x):
        (outputs,), (last,) = steps.run(turn, [x], [tf.zeros([1], x.dtype)], [steps.Output([1], x.dtype)], 3, reverse)
        return outputs.whole, last

    with exporting():
        outputs, last = run(x)
    order = list(range(length, 0, -1) if reverse else range(1, length + 1))
    states = [float("".join(map(str, order[: i + 1]))) for i in range(length)]
    assert last.numpy().tolist() == [states[-1]]
    assert outputs.numpy()[:, 0].tolist() == (states[::-1] if reverse else states)


@pytest.mark.parametrize("rows", [0, 1, 2, 7])
@pytest.mark.parametrize("known", [True, False])
def test_shards(rows, known):
    seen = []

    @tf.function(input_signature=[tf.TensorSpec([rows if known else None, 2])])
    def double(x):
        def function(x, nothing, nested):
            seen.append(x.shape[0])
            return {"twice": 2 * x, "nothing": nothing, "sum": x + nested[0]}

        return scans.in_shards(function, 3, x, None, [x + 1])

    x = random.normal(size=(rows, 2)).astype("float32")
    result = double(x)
    np.testing.assert_array_equal(result["twice"], 2 * x)
    np.testing.assert_allclose(result["sum"], 2 * x + 1, rtol=1e-6)
    assert result["nothing"] is None
    assert seen == [rows // 3 if known and rows % 3 == 0 else None]  # traced once


def test_half_precision_sums_do_not_stall():
    """In float16 itself, 2048 + 1 is 2048."""
    ones = tf.ones([64, 100, 1], tf.float16)
    bias = tf.zeros([1], tf.float16)
    with tf.GradientTape() as tape:
        tape.watch(bias)
        y = scans.add_bias(ones, bias)
    assert tape.gradient(y, bias).numpy() == 6400
