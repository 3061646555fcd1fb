"""`rnn-tf bench tutorial`: the tutorial's 2000 training steps, by every way a reader might take.

All of them train the same network, an Elman layer of 4 relu units and a linear output, from the same weights, on
the same 256 sequences of 4 steps, all of them in every step, by Adam with learning rate 0.01 on the mean squared
error. Each is compiled and run once before the clock starts; then they take turns, and the ratios are taken within
a turn. The last column, the loss after the last of 2000 steps from the same start, shows that they do the same.
"""

import argparse
import time
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf

from rnn_tf.bench.timing import installed, machine
from rnn_tf.data import jang_task
from rnn_tf.models import SequenceRegressor
from rnn_tf.training import Trainer

STEPS = 2000
RATE = 0.01
EPSILON = 1e-7


class Run(NamedTuple):
    """One way to train: back to the first weights, the timed steps, and the loss that they end with."""

    restart: Callable[[], object]
    train: Callable[[], object]
    loss: Callable[[], float]


# Each contender makes a Run of x, y and the first weights: kernel, recurrent_kernel, bias, output_kernel, output_bias.
Contender = Callable[[np.ndarray, np.ndarray, list[np.ndarray]], Run]


def run(options: argparse.Namespace) -> None:
    contenders: dict[str, Contender] = {
        "rnn_tf Trainer": trainer,
        "TF1 Session, feed_dict": session,
        "model.fit": partial(keras_fit, steps_per_execution=1),
        "model.fit, steps_per_execution=100": partial(keras_fit, steps_per_execution=100),
    }
    for name, module, contender in (("PyTorch nn.RNN", "torch", pytorch), ("JAX fori_loop", "jax", jax_loop)):
        if installed(name, module):
            contenders[name] = contender
    train, _ = jang_task()
    x, y = train.x[:256], train.y[:256]
    random = np.random.default_rng(0)
    weights = [0.5 * random.normal(size=shape).astype("float32") for shape in ((1, 4), (4, 4), (4,), (4, 1), (1,))]

    print(f"{STEPS} full-batch steps, {len(x)} sequences of 4 steps, 4 units, Adam; {options.repeat} turns")
    print(f"{machine()}\n")
    runs = {name: contender(x, y, weights) for name, contender in contenders.items()}
    losses = {}
    for name, one in runs.items():
        one.restart()
        one.train()
        losses[name] = one.loss()
    seconds: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(options.repeat):
        for name, one in runs.items():
            one.restart()
            started = time.perf_counter()
            one.train()
            seconds[name].append(time.perf_counter() - started)

    print(f"{'':36s}{'Trainer is faster by':>22s}{'seconds':>10s}{'last loss':>12s}")
    ours = np.array(seconds["rnn_tf Trainer"])
    for name, times in seconds.items():
        ratio = np.median(np.array(times) / ours)
        print(f"{name:36s}{f'{ratio:.1f} x':>22s}{np.median(times):10.3f}{losses[name]:12.3g}")


def trainer(x: np.ndarray, y: np.ndarray, weights: list[np.ndarray]) -> Run:
    model = SequenceRegressor(units=4, activation="relu", normalize=False)
    model.build([None, 4, 1])
    loop = Trainer(model, optimizer=keras.optimizers.Adam(RATE, epsilon=EPSILON), loss="mse")
    return keras_run(model, weights, x, y, lambda: loop.fit(x, y, steps=STEPS, log_every=100, verbose=0))


def keras_fit(x: np.ndarray, y: np.ndarray, weights: list[np.ndarray], steps_per_execution: int) -> Run:
    """Plain Keras: one epoch of 2000 steps on a repeated dataset."""
    model = keras.Sequential([keras.Input([4, 1]), keras.layers.SimpleRNN(4, activation="relu"), keras.layers.Dense(1)])
    optimizer = keras.optimizers.Adam(RATE, epsilon=EPSILON)
    model.compile(optimizer=optimizer, loss="mse", steps_per_execution=steps_per_execution)
    dataset = tf.data.Dataset.from_tensors((x, y)).repeat()
    return keras_run(model, weights, x, y, lambda: model.fit(dataset, steps_per_epoch=STEPS, shuffle=False, verbose=0))


def keras_run(
    model: keras.Model, weights: list[np.ndarray], x: np.ndarray, y: np.ndarray, train: Callable[[], object]
) -> Run:
    return Run(lambda: restart(model, weights), train, lambda: float(np.mean((model(x) - y) ** 2)))


def restart(model: keras.Model, weights: list[np.ndarray]) -> None:
    """Put the trainable weights and the optimizer's state back to the start."""
    for variable, value in zip(model.trainable_variables, weights, strict=True):
        variable.assign(value)
    for variable in model.optimizer.variables:
        if variable is not model.optimizer.learning_rate:
            variable.assign(np.zeros(variable.shape))


def session(x: np.ndarray, y: np.ndarray, weights: list[np.ndarray]) -> Run:
    """The tutorial's way: placeholders, a Session, one `run` a step, with the recurrence it lacked."""
    v1 = tf.compat.v1
    with tf.Graph().as_default():
        inputs, targets = v1.placeholder(tf.float32, [None, 4, 1]), v1.placeholder(tf.float32, [None, 1])
        kernel, recurrent_kernel, bias, output_kernel, output_bias = (
            v1.get_variable(f"weight_{i}", initializer=value, use_resource=True) for i, value in enumerate(weights)
        )
        hidden = tf.zeros([tf.shape(inputs)[0], 4])
        for t in range(4):
            hidden = tf.nn.relu(inputs[:, t] @ kernel + hidden @ recurrent_kernel + bias)
        cost = tf.reduce_mean((hidden @ output_kernel + output_bias - targets) ** 2)
        update = v1.train.AdamOptimizer(RATE, epsilon=EPSILON).minimize(cost)
        restart_all = v1.global_variables_initializer()
        tf_session = v1.Session()

    feed = {inputs: x, targets: y}

    def train() -> None:
        for _ in range(STEPS):
            tf_session.run(update, feed_dict=feed)

    return Run(lambda: tf_session.run(restart_all), train, lambda: float(tf_session.run(cost, feed_dict=feed)))


def pytorch(x: np.ndarray, y: np.ndarray, weights: list[np.ndarray]) -> Run:
    import torch

    inputs, targets = torch.tensor(x), torch.tensor(y)
    rnn, head = torch.nn.RNN(1, 4, nonlinearity="relu", batch_first=True), torch.nn.Linear(4, 1)
    rnn.bias_hh_l0.requires_grad_(False)  # Keras's cell has one bias
    optimizers: list[Any] = []

    def restart() -> None:
        start = [torch.tensor(value) for value in weights]
        with torch.no_grad():
            rnn.weight_ih_l0.copy_(start[0].T)
            rnn.weight_hh_l0.copy_(start[1].T)
            rnn.bias_ih_l0.copy_(start[2])
            rnn.bias_hh_l0.zero_()
            head.weight.copy_(start[3].T)
            head.bias.copy_(start[4])
        optimizers[:] = [torch.optim.Adam([*rnn.parameters(), *head.parameters()], lr=RATE, eps=EPSILON)]

    def cost() -> Any:
        return torch.mean((head(rnn(inputs)[0][:, -1]) - targets) ** 2)

    def train() -> None:
        (optimizer,) = optimizers
        for _ in range(STEPS):
            optimizer.zero_grad()
            cost().backward()
            optimizer.step()

    return Run(restart, train, lambda: float(cost().detach()))


def jax_loop(x: np.ndarray, y: np.ndarray, weights: list[np.ndarray]) -> Run:
    """JAX at its best: the whole loop and Adam in one compiled function."""
    import jax
    import jax.numpy as jnp

    inputs, targets = jnp.asarray(x), jnp.asarray(y)

    def cost(parameters: Any) -> Any:
        kernel, recurrent_kernel, bias, output_kernel, output_bias = parameters
        hidden = jnp.zeros([inputs.shape[0], 4])
        for t in range(4):
            hidden = jax.nn.relu(inputs[:, t] @ kernel + hidden @ recurrent_kernel + bias)
        return jnp.mean((hidden @ output_kernel + output_bias - targets) ** 2)

    def step(i: Any, carry: Any) -> Any:
        parameters, first, second = carry
        gradients = jax.grad(cost)(parameters)
        rate = RATE * jnp.sqrt(1 - 0.999 ** (i + 1.0)) / (1 - 0.9 ** (i + 1.0))
        first = [0.9 * m + 0.1 * g for m, g in zip(first, gradients, strict=True)]
        second = [0.999 * v + 0.001 * g**2 for v, g in zip(second, gradients, strict=True)]
        moved = zip(parameters, first, second, strict=True)
        return [p - rate * m / (jnp.sqrt(v) + EPSILON) for p, m, v in moved], first, second

    @jax.jit
    def train(parameters: Any) -> Any:
        zeros = [jnp.zeros_like(value) for value in parameters]
        return jax.lax.fori_loop(0, STEPS, step, (parameters, zeros, zeros))[0]

    start = [jnp.asarray(value) for value in weights]
    trained = [start]

    def run_train() -> None:
        trained[0] = jax.block_until_ready(train(start))

    return Run(lambda: None, run_train, lambda: float(cost(trained[0])))
