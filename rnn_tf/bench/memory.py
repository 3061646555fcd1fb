"""`rnn-tf bench memory`: what training on long sequences takes, with and without `remat`.

Each contender runs in a process of its own, which reports how far its peak memory rose above what it held before the
first step, and the median time of a step. Only the last output is asked for, so that outputs take no memory.
"""

import argparse
import json
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from rnn_tf.cells import ElmanCell
from rnn_tf.layers import RNN

LAYERS: dict[str, Any] = {
    "keras.layers.RNN": keras.layers.RNN,
    "rnn_tf.RNN": RNN,
    "rnn_tf.RNN, remat=True": lambda cell: RNN(cell, remat=True),
}


def run(options: argparse.Namespace) -> None:
    sizes = [options.batch, options.timesteps, options.features, options.units]
    print("Elman, training step; batch, steps, features, units: " + ", ".join(map(str, sizes)))
    print(f"{'':28s}{'memory, MiB':>14s}{'of Keras':>10s}{'seconds':>10s}")
    first = None
    for name in LAYERS:
        command = [sys.executable, "-m", __name__, name, json.dumps(sizes)]
        answer = subprocess.run(command, capture_output=True, text=True, check=False)
        if answer.returncode:
            raise RuntimeError(f"{name} failed: {answer.stderr.strip().splitlines()[-1]}")
        mebibytes, seconds = json.loads(answer.stdout.splitlines()[-1])
        first = first or mebibytes
        print(f"{name:28s}{mebibytes:14.0f}{mebibytes / first:10.2f}{seconds:10.3f}")


def measure(name: str, batch: int, timesteps: int, features: int, units: int) -> tuple[float, float]:
    """MiB that training takes above what the process held before, and seconds a step."""
    x = tf.constant(np.random.default_rng(0).normal(size=(batch, timesteps, features)).astype("float32"))
    layer = LAYERS[name](ElmanCell(units))
    layer.build(x.shape)
    weights = [weight.value for weight in layer.trainable_variables]

    @tf.function
    def step() -> Any:
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(layer(x, training=True) ** 2)
        for weight, gradient in zip(weights, tape.gradient(loss, weights), strict=True):
            weight.assign_sub(1e-4 * gradient)
        return loss

    step.get_concrete_function()
    before, peak, done = _resident(), [0.0], threading.Event()

    def watch() -> None:
        while not done.wait(0.001):
            peak[0] = max(peak[0], _resident())

    watcher = threading.Thread(target=watch)
    watcher.start()
    step().numpy()
    seconds = []
    for _ in range(5):
        started = time.perf_counter()
        step().numpy()
        seconds.append(time.perf_counter() - started)
    done.set()
    watcher.join()
    return peak[0] - before, float(np.median(seconds))


def _resident() -> float:
    """MiB of memory that the process holds."""
    status = Path("/proc/self/status")
    if not status.exists():
        raise OSError("`rnn-tf bench memory` reads /proc/self/status, which only Linux has. Run it there.")
    (line,) = [line for line in status.read_text().splitlines() if line.startswith("VmRSS")]
    return int(line.split()[1]) / 1024


if __name__ == "__main__":
    print(json.dumps(measure(sys.argv[1], *json.loads(sys.argv[2]))))
