"""`rnn-tf bench language`: training a model of characters, and writing with it, against Keras and PyTorch.

Equal in all rows of the training: a vector of 256 numbers for each of 65 characters, two LSTM layers of 256 units, a
score for each character; 64 streams of 100 characters a step, whose states go on to the next; no dropout, Adam with the
same rate and epsilon. They hold the same weights at first, and give the same scores, which is checked. The Keras recipe
is the usual one: stateful layers and `model.fit` without shuffling. PyTorch's loop is as its users write it: states are
detached and handed on; of its two biases one is trained. For these two characters are ids before the clock starts; ours
cuts its text each time. Threads are as many as each library takes by itself.

Writing is 1,000 characters after one another, for one text. "A call a character" is a stateful model whose `predict` is
called for each; it writes fewer, and the time is scaled up. The other loop is in Python over a `tf.function` that takes
a character and states, and draws the next one.

Each is compiled before the clock starts; then they take turns, and the ratios are medians of those within a turn.
"""

import argparse
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from rnn_tf.bench.recipe import in_pytorch
from rnn_tf.bench.timing import in_turns, installed, machine
from rnn_tf.models import LanguageModel
from rnn_tf.training import Trainer

CHARACTERS = "\n !$&',-.3:;?" + "ABCDEFGHIJKLMNOPQRSTUVWXYZ" + "abcdefghijklmnopqrstuvwxyz"
STREAMS, STEPS, UNITS, PIECES = 64, 100, [256, 256], 10
RATE, EPSILON = 0.002, 1e-7
WRITTEN, PREDICTED = 1000, 50  # characters
KERAS, PYTORCH, OURS, OURS_FIT = "keras recipe", "PyTorch", "LanguageModel, Trainer", "LanguageModel, model.fit"
GENERATE, LOOP, PREDICT = "LanguageModel.generate", "a loop in Python over a tf.function", "a call a character"


def run(options: argparse.Namespace) -> None:
    keras.utils.set_random_seed(0)
    with_torch = installed("PyTorch", "torch")
    print(f"{STREAMS} streams of {STEPS} characters, {UNITS} units; {options.repeat} turns; {machine()}")
    runs = training(with_torch)
    seconds = in_turns(runs, options.repeat)

    def faster(times: dict[str, np.ndarray], name: str, other: str) -> float:
        return float(np.median(times[other] / times[name]))

    columns = {"times Keras": KERAS, **({"times PyTorch": PYTORCH} if with_torch else {})}
    print(f"\n{'training':40s}{'characters a second':>20s}" + "".join(f"{column:>16s}" for column in columns))
    for name, times in seconds.items():
        ratios = "".join(f"{faster(seconds, name, other):16.2f}" for other in columns.values())
        print(f"{name:40s}{STREAMS * STEPS * PIECES / np.median(times):20.0f}{ratios}")
    print("(goals: 1.5 times Keras and 1.1 times PyTorch, or more)")
    written = in_turns(writing(), options.repeat)
    written[PREDICT] = written[PREDICT] * WRITTEN / PREDICTED
    print(f"\n{f'writing {WRITTEN} characters':40s}{'seconds':>20s}{'generate takes':>28s}")
    for name, times in written.items():
        print(f"{name:40s}{np.median(times):20.3f}{f'1 / {faster(written, GENERATE, name):.1f} of it':>28s}")
    print("(goals: 1 / 2 of the loop and 1 / 5 of the calls, or less)")


def language_model() -> LanguageModel:
    """Ours, in the sizes of all."""
    model = LanguageModel(list(CHARACTERS), UNITS, steps=STEPS)
    model.compile(adam())
    model.build((None, None))
    return model


def adam() -> keras.optimizers.Optimizer:
    return keras.optimizers.Adam(RATE, epsilon=EPSILON)


def training(with_torch: bool) -> dict[str, Callable[[], object]]:
    """The ways to train, by name: a call goes through the text once."""
    models = language_model(), language_model()
    models[1].set_weights(models[0].get_weights())
    letters = np.random.default_rng(0).choice(list(CHARACTERS), STREAMS * STEPS * PIECES)
    text = "".join(letters)
    pieces = models[0].prepare_data(text, training=True, batch_size=STREAMS).x
    x, y, _ = pieces.columns(0, PIECES, PIECES)
    ids = x["tokens"]
    trainer = Trainer(models[0])
    peer = keras_recipe(STREAMS, STEPS, models[0])

    def keras_pass() -> None:
        for layer in peer.layers:
            if isinstance(layer, keras.layers.LSTM):
                layer.reset_states()
        peer.fit(ids, y, batch_size=STREAMS, shuffle=False, verbose=0)

    runs: dict[str, Callable[[], object]] = {
        KERAS: keras_pass,
        OURS: lambda: trainer.fit(text, epochs=1, batch_size=STREAMS, verbose=0),
        OURS_FIT: lambda: models[1].fit(text, batch_size=STREAMS, verbose=0),
    }
    scores = {KERAS: peer(ids[:STREAMS]).numpy()}
    if with_torch:
        runs[PYTORCH], scores[PYTORCH] = _pytorch(models[0], ids, y)
    for name, found in scores.items():
        if not np.allclose(found, models[0](ids[:STREAMS]).numpy(), atol=1e-4):
            raise RuntimeError(f"{name} computes something else than LanguageModel.")
    return runs


def keras_recipe(streams: int, steps: int, model: LanguageModel) -> keras.Model:
    """A stateful model as Keras's users write it, with the weights of ours."""
    size = model.field_in.size
    peer = keras.Sequential(
        [
            keras.Input(batch_shape=(streams, steps), dtype="int32"),
            keras.layers.Embedding(size, model.field_in.embedding.output_dim),
            *(keras.layers.LSTM(units, return_sequences=True, stateful=True) for units in UNITS),
            keras.layers.Dense(size),
        ]
    )
    peer.compile(adam(), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    for variable, weight in zip(peer.trainable_variables, weights_of(model), strict=True):
        variable.assign(weight)
    return peer


def weights_of(model: LanguageModel) -> list[np.ndarray]:
    """Those of ours, from the first layer to the last."""
    parts = (model.field_in, model.encoder, model.head)
    return [weight.numpy() for part in parts for weight in part.trainable_variables]


def writing() -> dict[str, Callable[[], object]]:
    """The ways to write, by name."""
    model = language_model()
    one_by_one = keras_recipe(1, 1, model)
    vectors, *layers, dense = keras_recipe(1, 1, model).layers
    cells = [layer.cell for layer in layers]

    @tf.function
    def step(token: Any, states: Any) -> Any:
        hidden, after = vectors(token), []
        for cell, state in zip(cells, states, strict=True):
            hidden, new = cell(hidden, state)
            after.append(new)
        return tf.random.categorical(dense(hidden), 1)[:, 0], after

    def loop() -> list[int]:
        token, found = tf.constant([2], tf.int64), []
        states = [cell.get_initial_state(1) for cell in cells]
        for _ in range(WRITTEN):
            token, states = step(token, states)
            found.append(int(token[0]))
        return found

    def predict() -> list[int]:
        token, found, random = 2, [], np.random.default_rng(0)
        for _ in range(PREDICTED):
            scores = one_by_one.predict(np.array([[token]]), verbose=0)[0, 0]
            token = int(np.argmax(scores + random.gumbel(size=scores.shape)))
            found.append(token)
        return found

    return {GENERATE: lambda: model.generate("", WRITTEN, seed=1), LOOP: loop, PREDICT: predict}


def _pytorch(model: LanguageModel, ids: np.ndarray, y: np.ndarray) -> tuple[Callable[[], None], np.ndarray]:
    """The same network with a training loop as PyTorch's users write it; and its first scores."""
    import torch

    embedding, layers, dense, optimizer = in_pytorch(weights_of(model), len(UNITS), adam())
    x = torch.from_numpy(ids).long().reshape(PIECES, STREAMS, STEPS)
    labels = torch.from_numpy(y).long().reshape(PIECES, STREAMS * STEPS)

    def train() -> None:
        states, loss_sum = None, torch.zeros(())
        for piece, wanted in zip(x, labels, strict=True):
            hidden, states = layers(embedding(piece), states)
            states = tuple(state.detach() for state in states)
            loss = torch.nn.functional.cross_entropy(dense(hidden).flatten(0, 1), wanted)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            loss_sum += loss.detach()
        float(loss_sum)

    with torch.no_grad():
        return train, dense(layers(embedding(x[0]))[0]).numpy()
