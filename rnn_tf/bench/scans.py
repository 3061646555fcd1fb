"""The linear recurrence h_t = a_t ∘ h_{t-1} + b_t, forward and back: the blocked scan against associative ones."""

import importlib.util
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from rnn_tf.bench.timing import in_turns
from rnn_tf.scans import linear_scan

SHAPE = (16, 8192, 64)  # batch, steps, units
LENGTHS = (512, 65536)  # whose cost a step is told


def compare_scans(turns: int) -> dict[str, Any]:
    """Time all contenders, and ours on other lengths, and print a line for each; returns the figures."""
    runs = {name: make(*_problem(*SHAPE)) for name, make in _contenders().items()}
    ours = [np.asarray(one) for one in runs["rnn_tf.scans.linear_scan"]()]
    for name, run in runs.items():
        if not all(np.allclose(one, other, rtol=1e-3, atol=1e-3) for one, other in zip(run(), ours, strict=True)):
            raise RuntimeError(f"{name} computes something else than rnn_tf.scans.linear_scan.")
    lengths = {length: _blocked(*_problem(SHAPE[0], length, SHAPE[2])) for length in LENGTHS}
    seconds = in_turns({**runs, **{f"{length} steps": run for length, run in lengths.items()}}, turns)
    batch, steps, units = SHAPE
    print(f"\nA linear recurrence, forward and back, {batch},{steps},{units} (batch, steps, units)")
    rows = {}
    for name in runs:
        ratio = float(np.median(seconds[name] / seconds["rnn_tf.scans.linear_scan"]))
        rows[name] = {"ratio": ratio, "milliseconds": 1000 * float(np.median(seconds[name]))}
        print(f"{name:36s}{ratio:10.2f} x{rows[name]['milliseconds']:12.2f} ms")
    by_length = {length: float(np.median(seconds[f"{length} steps"])) / length for length in LENGTHS}
    for length, each in by_length.items():
        print(f"rnn_tf.scans.linear_scan, {length} steps: {1e6 * each:.2f} µs a step")
    return {"contenders": rows, "seconds_a_step": by_length}


def _problem(batch: int, steps: int, units: int) -> tuple[Any, Any, Any]:
    """Factors, inputs, and the weights of a loss."""
    random = np.random.default_rng(0)
    a, b, w = random.random([3, batch, steps, units], np.float32)
    return a, b, w


def _contenders() -> dict[str, Callable[..., Callable[[], Any]]]:
    found = {"rnn_tf.scans.linear_scan": _blocked, "keras.ops.associative_scan": _associative}
    if importlib.util.find_spec("jax"):
        found["jax.lax.associative_scan"] = _jax
    return found


def _combine(earlier: Any, later: Any) -> Any:
    return earlier[0] * later[0], later[0] * earlier[1] + later[1]


def _gradients(scan: Callable[[Any, Any], Any], a: Any, b: Any, w: Any) -> Callable[[], Any]:
    @tf.function
    def gradients(a: Any, b: Any) -> Any:
        with tf.GradientTape() as tape:
            tape.watch([a, b])
            loss = tf.reduce_sum(scan(a, b) * w)
        return tape.gradient(loss, [a, b])

    a, b, w = map(tf.constant, (a, b, w))
    return lambda: [one.numpy() for one in gradients(a, b)]


def _blocked(a: Any, b: Any, w: Any) -> Callable[[], Any]:
    zeros = tf.zeros([a.shape[0], a.shape[2]])
    return _gradients(lambda a, b: (linear_scan([a], [b], [zeros])[0] or [])[0], a, b, w)


def _associative(a: Any, b: Any, w: Any) -> Callable[[], Any]:
    return _gradients(lambda a, b: keras.ops.associative_scan(_combine, (a, b), axis=1)[1], a, b, w)


def _jax(a: Any, b: Any, w: Any) -> Callable[[], Any]:
    import jax
    import jax.numpy as jnp

    def loss(a: Any, b: Any) -> Any:
        return jnp.sum(jax.lax.associative_scan(_combine, (a, b), axis=1)[1] * w)

    gradients = jax.jit(jax.grad(loss, (0, 1)))
    a, b, w = map(jnp.asarray, (a, b, w))
    return lambda: jax.block_until_ready(gradients(a, b))
