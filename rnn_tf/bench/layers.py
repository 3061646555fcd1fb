"""`rnn-tf bench layers`: recurrent layers, training step and forward pass, by every way a reader might take.

All contenders of a case hold the same weights, and give the same outputs, which is checked; but for a minGRU's, beside
which stands a GRU, as what it is taken for. A training step is the
forward pass, the gradient of the mean squared output by the weights, and their update by gradient descent. Each is
compiled and run once before the clock starts, which is "first step", in seconds of the processor; then they take
turns, and ratios are taken within a turn.
"""

import argparse
import importlib.util
import json
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf

from rnn_tf._checks import writable_folder
from rnn_tf.bench.scans import compare_scans
from rnn_tf.bench.timing import in_turns, installed, machine
from rnn_tf.cells import ElmanCell, MinGRUCell
from rnn_tf.layers import RNN

RATE = 1e-4
GEMM = 2048  # rows and columns of the large product that shows what the machine can do


class Case(NamedTuple):
    kind: str
    batch: int
    timesteps: int
    features: int
    units: int
    recurrent_dropout: float = 0.0

    @property
    def name(self) -> str:
        dropout = f", recurrent_dropout={self.recurrent_dropout:g}" if self.recurrent_dropout else ""
        return f"{self.kind} {self.batch},{self.timesteps},{self.features},{self.units}{dropout}"

    @property
    def settings(self) -> dict[str, Any]:
        """Arguments of the cell beside its units."""
        return {"recurrent_dropout": self.recurrent_dropout} if self.recurrent_dropout else {}


class Run(NamedTuple):
    """One way to do it: a training step, a forward pass, and its outputs, `[batch, time, units]`."""

    train: Callable[[], object]
    forward: Callable[[], object]
    outputs: Callable[[], np.ndarray]
    alike: bool = True  # whether it computes what the others do


@keras.saving.register_keras_serializable(package="rnn_tf.bench")
class OwnCell(keras.layers.Layer):
    """A cell as a user writes one, with a single gate: f = σ(x W_f + h U_f), h += f ∘ (tanh(x W + h U) - h)."""

    def __init__(self, units: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.state_size = self.output_size = units

    def build(self, input_shape: Any) -> None:
        self.kernel = self.add_weight(shape=(input_shape[-1], 2 * self.state_size), name="kernel")
        self.recurrent_kernel = self.add_weight(shape=(self.state_size, 2 * self.state_size), name="recurrent_kernel")

    def call(self, inputs: Any, states: Any) -> Any:
        (h,) = states
        f, candidate = keras.ops.split(inputs @ self.kernel + h @ self.recurrent_kernel, 2, axis=-1)
        h = h + keras.ops.sigmoid(f) * (keras.ops.tanh(candidate) - h)
        return h, [h]


CELLS: dict[str, Any] = {
    "Elman": ElmanCell,
    "LSTM": keras.layers.LSTMCell,
    "GRU": keras.layers.GRUCell,
    "own cell": OwnCell,
    "minGRU": MinGRUCell,
}
KERAS: dict[str, Any] = {"Elman": keras.layers.SimpleRNN, "LSTM": keras.layers.LSTM, "GRU": keras.layers.GRU}
GATES = {"Elman": 1, "LSTM": 4, "GRU": 3, "own cell": 2, "minGRU": 2}

CASES = [
    Case("Elman", 64, 100, 64, 128),
    Case("Elman", 256, 200, 128, 256),
    Case("Elman", 16, 1024, 16, 64),
    Case("Elman", 32, 4, 1, 64),
    Case("LSTM", 64, 100, 64, 128),
    Case("GRU", 64, 100, 64, 128),
    Case("own cell", 64, 100, 64, 128),
    Case("LSTM", 64, 100, 64, 128, recurrent_dropout=0.2),
    Case("minGRU", 16, 64, 128, 128),
    Case("minGRU", 16, 4096, 128, 128),
]
# Along each of these, everything but one size stays what it is in the first.
SWEEPS = {
    "timesteps": [Case("Elman", 16, size, 16, 64) for size in (256, 512, 1024, 2048, 4096, 8192)],
    "units": [Case("Elman", 64, 100, 64, size) for size in (16, 32, 64, 128, 256, 512)],
    "batch": [Case("Elman", size, 100, 64, 128) for size in (4, 8, 16, 32, 64, 128, 256)],
}


def run(options: argparse.Namespace) -> None:
    folder = writable_folder(options.output)
    print(f"{options.repeat} turns; {machine()}")
    for name, module in (("PyTorch", "torch"), ("JAX", "jax")):
        installed(name, module)
    results = [compare(case, options.repeat) for case in CASES[: options.cases]]
    scans = compare_scans(options.repeat)
    sweeps = {name: sweep(cases[: options.cases], options.repeat) for name, cases in SWEEPS.items()}
    folder.mkdir(parents=True, exist_ok=True)
    report = {"machine": machine(), "cases": results, "scans": scans, "sweeps": sweeps}
    (folder / "layers.json").write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    print(f"\nFigures: {folder / 'layers.json'}")
    if importlib.util.find_spec("matplotlib"):
        from rnn_tf import plots

        plots.cost(sweeps).savefig(folder / "layers.png", dpi=120)
        print(f"Picture: {folder / 'layers.png'}")


def compare(case: Case, turns: int) -> dict[str, Any]:
    """Time all contenders of a case and print a line for each; returns the figures."""
    runs = contenders(case)
    ours = runs["rnn_tf.RNN"].outputs()
    for name, one in runs.items():
        if one.alike and not np.allclose(one.outputs(), ours, atol=1e-4):
            raise RuntimeError(f"{name} computes something else than rnn_tf.RNN on {case.name}.")
    large = tf.random.normal([GEMM, GEMM])
    product = tf.function(lambda: tf.matmul(large, large)[0, 0])
    first = {name: _first_seconds(one.train) for name, one in runs.items()}
    train = in_turns({**{name: one.train for name, one in runs.items()}, "product": lambda: product().numpy()}, turns)
    forward = in_turns({name: one.forward for name, one in runs.items()}, turns)

    # Forward: inputs and state by their kernels; backward: the gradients of the state and of both kernels.
    multiplied = GATES[case.kind] * case.batch * case.timesteps * case.units
    adds = multiplied * (2 * case.features + (0 if case.kind == "minGRU" else 3 * case.units))
    of_product = float(np.median(train["rnn_tf.RNN"] / (train.pop("product") * adds / GEMM**3)))
    print(f"\n{case.name} (batch, steps, features, units)")
    columns = f"{'train':>9s}{'forward':>10s}{'train ms':>12s}{'forward ms':>12s}{'first step':>13s}"
    print(f"{'rnn_tf.RNN is faster than':36s}{columns}")
    rows = {}
    for name in runs:
        ratios = [float(np.median(seconds[name] / seconds["rnn_tf.RNN"])) for seconds in (train, forward)]
        milliseconds = [1000 * float(np.median(seconds[name])) for seconds in (train, forward)]
        rows[name] = {"ratios": ratios, "milliseconds": milliseconds, "first_step": first[name]}
        shown = ["", ""] if name == "rnn_tf.RNN" else [f"{ratio:.2f} x" for ratio in ratios]
        times = f"{milliseconds[0]:12.2f}{milliseconds[1]:12.2f}{first[name]:11.2f} s"
        print(f"{name:36s}{shown[0]:>9s}{shown[1]:>10s}{times}")
    print(_earned_back(rows))
    print(f"Its training step takes {of_product:.1f} times as long as its multiply-adds in one large product.")
    return {"case": case._asdict(), "of_product": of_product, "contenders": rows}


def _first_seconds(train: Callable[[], object]) -> float:
    """Processor seconds of the first training step: to trace, to compile, and to run it."""
    start = time.process_time()
    train()
    return time.process_time() - start


def _earned_back(rows: dict[str, Any]) -> str:
    """After how many steps the whole training was shorter than Keras's, by its own layer or else by its RNN."""
    ours = rows["rnn_tf.RNN"]
    name = next(name for name in [*list(rows)[2:3], "keras.layers.RNN"] if name.startswith("keras.layers."))
    later = 1000 * (ours["first_step"] - rows[name]["first_step"])
    a_step = rows[name]["milliseconds"][0] - ours["milliseconds"][0]
    if later <= 0:
        return f"Its first step is no later than that of {name}."
    if a_step <= 0:
        return f"What its first step takes more than that of {name} is not earned back."
    return f"What its first step takes more than that of {name} is earned back after {later / a_step:.0f} steps."


def sweep(cases: list[Case], turns: int) -> list[dict[str, Any]]:
    """Milliseconds of a training step of rnn_tf.RNN and of keras.layers.SimpleRNN."""
    rows = []
    for case in cases:
        runs = contenders(case, only=("rnn_tf.RNN", "keras.layers.SimpleRNN"))
        seconds = in_turns({name: one.train for name, one in runs.items()}, turns)
        rows.append({**case._asdict(), **{name: 1000 * float(np.median(times)) for name, times in seconds.items()}})
    return rows


def contenders(case: Case, only: tuple[str, ...] = ()) -> dict[str, Run]:
    random = np.random.default_rng(0)
    x = random.normal(size=(case.batch, case.timesteps, case.features)).astype("float32")

    def cell() -> Any:
        return CELLS[case.kind](case.units, **case.settings)

    layers: dict[str, Callable[[], Any]] = {
        "rnn_tf.RNN": lambda: RNN(cell(), return_sequences=True),
        "keras.layers.RNN": lambda: keras.layers.RNN(cell(), return_sequences=True),
    }
    if case.kind in KERAS:
        kind, settings = KERAS[case.kind], {"return_sequences": True, **case.settings}
        layers[f"keras.layers.{kind.__name__}"] = lambda: kind(case.units, **settings)
        if case.timesteps <= 128:
            layers[f"... {kind.__name__}, unroll=True"] = lambda: kind(case.units, unroll=True, **settings)
        layers[f"... {kind.__name__}, jit_compile=True"] = layers[f"keras.layers.{kind.__name__}"]

    runs, weights = {}, None
    for name, make in layers.items():
        if only and name not in only:
            continue
        layer = make()
        layer.build(x.shape)
        if weights is None:
            keras.utils.set_random_seed(0)
            weights = layer.get_weights()
        layer.set_weights(weights)
        runs[name] = _tensorflow(layer, tf.constant(x), jit_compile="jit_compile" in name)
    if not only and case.kind == "minGRU":
        layer = keras.layers.GRU(case.units, return_sequences=True)
        layer.build(x.shape)
        run = _tensorflow(layer, tf.constant(x), jit_compile=False)
        runs["keras.layers.GRU, not the same"] = run._replace(alike=False)
    if not (only or case.recurrent_dropout) and case.kind in KERAS and importlib.util.find_spec("torch"):
        runs["PyTorch"] = _pytorch(case, x, weights or [])
    if not only and case.kind == "Elman" and importlib.util.find_spec("jax"):
        runs["JAX, lax.scan"] = _jax(x, weights or [])
    return runs


def _tensorflow(layer: Any, x: Any, jit_compile: bool) -> Run:
    weights = [weight.value for weight in layer.trainable_variables]

    @tf.function(jit_compile=jit_compile)
    def step() -> Any:
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(layer(x, training=True) ** 2)
        for weight, gradient in zip(weights, tape.gradient(loss, weights), strict=True):
            weight.assign_sub(RATE * gradient)
        return loss

    forward = tf.function(lambda: layer(x), jit_compile=jit_compile)
    return Run(lambda: step().numpy(), lambda: forward()[0, 0, 0].numpy(), lambda: np.array(forward()))


def _pytorch(case: Case, x: np.ndarray, weights: list[np.ndarray]) -> Run:
    import torch

    kernel, recurrent_kernel, *rest = weights
    bias = rest[0] if rest else np.zeros(kernel.shape[1], "float32")
    recurrent_bias = np.zeros_like(bias)
    kind = {"Elman": torch.nn.RNN, "LSTM": torch.nn.LSTM, "GRU": torch.nn.GRU}[case.kind]
    layer = kind(case.features, case.units, batch_first=True)
    if case.kind == "GRU":  # two biases, and the reset gate first
        bias, recurrent_bias = bias
        kernel, recurrent_kernel, bias, recurrent_bias = (
            np.concatenate([r, z, g], axis=-1)
            for z, r, g in (np.split(one, 3, axis=-1) for one in (kernel, recurrent_kernel, bias, recurrent_bias))
        )
    with torch.no_grad():
        for parameter, value in zip(
            layer.parameters(), (kernel.T, recurrent_kernel.T, bias, recurrent_bias), strict=True
        ):
            parameter.copy_(torch.tensor(value))
    layer.bias_hh_l0.requires_grad_(case.kind == "GRU")  # elsewhere Keras's cell has one bias
    inputs = torch.tensor(x)
    optimizer = torch.optim.SGD(layer.parameters(), lr=RATE)

    def train() -> None:
        optimizer.zero_grad()
        torch.mean(layer(inputs)[0] ** 2).backward()
        optimizer.step()

    def forward() -> Any:
        with torch.no_grad():
            return layer(inputs)[0]

    return Run(train, forward, lambda: forward().numpy())


def _jax(x: np.ndarray, weights: list[np.ndarray]) -> Run:
    """The recurrence as JAX's users write it, with the projection before the scan."""
    import jax
    import jax.numpy as jnp

    inputs, parameters = jnp.asarray(x), [jnp.asarray(weight) for weight in weights]

    @jax.jit
    def forward(parameters: Any) -> Any:
        kernel, recurrent_kernel, bias = parameters

        def step(h: Any, p: Any) -> Any:
            h = jnp.tanh(p + h @ recurrent_kernel)
            return h, h

        first = jnp.zeros([x.shape[0], kernel.shape[1]])
        return jnp.swapaxes(jax.lax.scan(step, first, jnp.swapaxes(inputs, 0, 1) @ kernel + bias)[1], 0, 1)

    @jax.jit
    def train(parameters: Any) -> Any:
        gradients = jax.grad(lambda parameters: jnp.mean(forward(parameters) ** 2))(parameters)
        return [weight - RATE * gradient for weight, gradient in zip(parameters, gradients, strict=True)]

    return Run(
        lambda: jax.block_until_ready(train(parameters)),
        lambda: jax.block_until_ready(forward(parameters)),
        lambda: np.asarray(forward(parameters)),
    )
