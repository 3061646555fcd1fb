"""`rnn-tf bench workers`: two workers with half of the processors each, against one with all of them.

Then what one sum of gradients costs on this machine, from which batch on two such machines would train faster than one,
and a simulation of more. All from one run: each worker is a process of its own, kept on its processors.

The model: a sum over N workers that pass parts of G bytes on in a ring takes 2 (N - 1) messages of G / N bytes each,

    c(N) = 2 (N - 1) (latency + G / N / bandwidth),

and a step on B rows a + b B seconds of computing. Latency and bandwidth are those between two processes of one machine:
a network is slower, and its own figures belong in the place of these.
"""

import argparse
import json
import os
import socket
import subprocess
import sys
import time
from typing import Any

STEPS = 20  # in a call
SIZES = (1, 1_000_000)  # numbers to add up
MANY = (2, 4, 8, 16, 32, 64)


def run(options: argparse.Namespace) -> None:
    from rnn_tf.bench.timing import machine

    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        raise RuntimeError(f"Two workers need two processors. Received: {len(cores)}.")
    print(
        f"LSTM of {options.units} units, {options.timesteps} steps of {options.features}, joint batch {options.batch}"
    )
    print(f"{options.repeat} turns; {machine()}")
    sizes = [options.units, options.timesteps, options.features]
    half = len(cores) // 2
    alone, shared, quarter, added = [], [], [], []
    for _ in range(options.repeat):
        (one,) = _measure([cores], sizes, [options.batch, max(1, options.batch // 4)])
        two = _measure([cores[:half], cores[half : 2 * half]], sizes, [options.batch])
        alone.append(one["steps"][0])
        quarter.append(one["steps"][1])
        shared.append(two[0]["steps"][0])
        added.append(two[0]["sums"])
    ratios = sorted(first / second for first, second in zip(alone, shared, strict=True))
    low, middle, high = f"{ratios[0]:.2f}", f"{_median(ratios):.2f}", f"{ratios[-1]:.2f}"
    whole, few = _median(alone), _median(quarter)
    print(f"one worker, all {len(cores)} processors: {1000 * whole:.2f} ms a step")
    print(f"two workers, {half} processors each: {1000 * _median(shared):.2f} ms a step")
    print(f"two workers against one: {middle} times as fast ({low} to {high})")

    weights = one["weights"]
    short, long = (_median([times[place] for times in added]) for place in range(2))
    bandwidth = 4 * SIZES[1] / max(long - short, 1e-9)  # of c(2) = 2 latency + bytes / bandwidth
    sums = {count: 2 * (count - 1) * (short / 2 + 4 * weights / count / bandwidth) for count in (2, *MANY)}
    b = max((whole - few) / (options.batch - options.batch // 4), 1e-9)
    a = max(whole - b * options.batch, 0.0)
    print(f"a sum of one number: {1000 * short:.2f} ms; of {SIZES[1]} numbers: {1000 * long:.2f} ms")
    print(f"of the {weights} weights, from these: {1000 * sums[2]:.2f} ms")
    print(f"two machines like this one pay from a batch of {2 * sums[2] / b:.0f} rows on")

    print("\nSimulated, not measured: rows a second against one, of machines like this one, linked like its processes")
    print(f"{'workers':24s}" + "".join(f"{count:8d}" for count in MANY))
    one_machine = options.batch / (a + b * options.batch)
    for name, shared_out in ((f"joint batch of {options.batch}", True), (f"{options.batch} rows each", False)):
        speeds = []
        for count in MANY:
            rows = options.batch / count if shared_out else options.batch
            speeds.append(count * rows / (a + b * rows + sums[count]) / one_machine)
        print(f"{name:24s}" + "".join(f"{speed:8.2f}" for speed in speeds))


def _median(values: list[float]) -> float:
    values = sorted(values)
    return (values[(len(values) - 1) // 2] + values[len(values) // 2]) / 2


def _measure(processors: list[list[int]], sizes: list[int], batches: list[int]) -> list[dict[str, Any]]:
    """What the workers on these processors report."""
    addresses = [f"127.0.0.1:{port}" for port in _free_ports(len(processors))]
    all_of_them = os.sched_getaffinity(0)
    running = []
    for index, own in enumerate(processors):
        variables = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1"}
        task = {"type": "worker", "index": index}
        variables["TF_CONFIG"] = json.dumps({"cluster": {"worker": addresses}, "task": task})
        command = [sys.executable, "-m", __name__, json.dumps([sizes, batches])]
        os.sched_setaffinity(0, own)  # which a new process inherits, so that TensorFlow counts these alone
        running.append(
            subprocess.Popen(command, env=variables, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        )
        os.sched_setaffinity(0, all_of_them)
    answers = [process.communicate() for process in running]
    for process, (_, told) in zip(running, answers, strict=True):
        if process.returncode:
            raise RuntimeError(f"A worker failed: {told.strip().splitlines()[-1]}")
    return [json.loads(answer.splitlines()[-1]) for answer, _ in answers]


def _free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def _work(sizes: list[int], batches: list[int]) -> dict[str, Any]:
    """Seconds of a step for each joint batch, and of a sum of so many numbers."""
    import keras
    import numpy as np
    import tensorflow as tf

    from rnn_tf import RNN, Trainer

    units, timesteps, features = sizes
    layers = [keras.Input([timesteps, features]), RNN(keras.layers.LSTMCell(units)), keras.layers.Dense(1)]
    model = keras.Sequential(layers)
    trainer = Trainer(model, "adam", "mse", jit_compile=False, workers="auto")
    x = np.random.default_rng(0).standard_normal([max(batches), timesteps, features]).astype("float32")

    class Times(keras.callbacks.Callback):
        """Seconds of the calls of the loop but the first, which compiles."""

        def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
            self.start = time.perf_counter()

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            calls.append((time.perf_counter() - self.start) / STEPS)

    steps = []
    for batch in batches:
        calls: list[float] = []
        trainer.fit(x[:batch], x[:batch, 0, :1], steps=6 * STEPS, log_every=STEPS, callbacks=[Times()], verbose=0)
        steps.append(_median(calls[1:]))
    weights = sum(int(tf.size(one)) for one in model.trainable_variables)
    workers: Any = trainer.workers
    return {"steps": steps, "weights": weights, "sums": [_seconds_of_sum(workers, size) for size in SIZES]}


def _seconds_of_sum(workers: Any, size: int) -> float:
    import tensorflow as tf

    if workers.count == 1:
        return 0.0

    @tf.function
    def many() -> Any:
        return tf.while_loop(lambda i, _: i < 50, lambda i, x: (i + 1, workers.add([x])[0] / 2), (0, tf.ones([size])))

    many()
    times = []
    for _ in range(5):
        start = time.perf_counter()
        many()[0].numpy()
        times.append((time.perf_counter() - start) / 50)
    return _median(times)


if __name__ == "__main__":
    print(json.dumps(_work(*json.loads(sys.argv[1]))))
