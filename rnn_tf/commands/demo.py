"""`rnn-tf demo`: the tutorial's example on a task that is known from the literature, from data to export."""

import argparse
import time
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

import rnn_tf
from rnn_tf._checks import writable_folder
from rnn_tf.commands.exports import kept_if_it_fails
from rnn_tf.commands.pictures import save_pictures
from rnn_tf.data import JANG_TEST_NDEI, Windows, jang_task, linear_autoregression, mackey_glass, ndei, windows
from rnn_tf.export import answer_in_fresh_process

TUTORIAL_STEPS = 2000
CANDIDATE_STEPS = (5_000, 10_000, 20_000)
LOG_EVERY = 200
FREE_STEPS = 4000


def run(options: argparse.Namespace) -> None:
    started = time.perf_counter()
    for folder in (options.output, Path(options.models, "mackey_glass")):  # to fail now rather than after the training
        writable_folder(folder)
    keras.utils.set_random_seed(options.seed)
    train, test = jang_task()
    print(f"rnn_tf {rnn_tf.__version__}, TensorFlow {tf.__version__}, Keras {keras.__version__}, seed {options.seed}")
    print(
        "The Mackey-Glass task of Jang (1993): x(t-18), x(t-12), x(t-6), x(t) predict x(t+6); 500 pairs train, 500 test"
    )

    print("\n1. The tutorial's network, repaired: 4 relu units with the recurrence it lacked, a linear output, every")
    print("   weight and bias from N(0, 1), Adam 0.01, 2000 full-batch steps; the cost after the update")
    tutorial = tutorial_network()
    rnn_tf.Trainer(tutorial, optimizer=keras.optimizers.Adam(0.01), loss="mse").fit(
        *train, steps=TUTORIAL_STEPS, log_every=100, validation_data=train, callbacks=[PrintCost()], verbose=0
    )

    print("\n2. A stronger network: two layers of 24 gelu units, standardized data, AdamW with a decaying rate;")
    print("   how long to train is chosen on the last 100 training pairs, then all 500 train that long")
    model, history = forecaster(train)

    print("\n3. Test NDEI (root mean squared error / standard deviation; smaller is better)")
    forecasts = {
        "rnn_tf: the stronger network": model.predict(test.x, verbose=0),
        "rnn_tf: the tutorial's network": tutorial.predict(test.x, verbose=0),
        "persistence: x(t) again": test.x[:, -1],
        "linear autoregression, least squares": linear_autoregression(train, test.x),
    }
    rows = [(ndei(test.y, forecast), name, "here") for name, forecast in forecasts.items()]
    rows += [(error, name, "Jang 1993") for name, error in JANG_TEST_NDEI.items()]
    for error, name, source in sorted(rows):
        print(f"   {error:8.4f}  {name:40s}{source}")

    print("\n4. Pictures")
    print("   For the attractor a third network reads 18 values, tells the next 6, and runs free after x(623)")
    series = mackey_glass(2124)
    start = series[606:624]  # [18]
    free_run = free_runner(series[100:624]).forecast(start[np.newaxis, :, np.newaxis], steps=1500)[0]
    save_pictures(
        options.output,
        {
            "learning_curve.png": lambda plots: plots.learning_curve(history, steps_an_epoch=LOG_EVERY),
            "forecast.png": lambda plots: plots.forecast(
                test.y, forecasts["rnn_tf: the stronger network"], "x(t+6) of the 500 test pairs", "x"
            ),
            "hidden_states.png": lambda plots: plots.hidden_states(
                tutorial.hidden_states(test.x[:200])[0], "The tutorial's network reads four values: its hidden states"
            ),
            "attractor.png": lambda plots: plots.attractor(series[606:], np.concatenate([start, free_run])),
        },
    )

    print("\n5. The export, for TF Serving")
    directory = Path(options.models, "mackey_glass")
    with kept_if_it_fails(model, directory):
        path = rnn_tf.export_saved_model(model, directory, examples=test.x)
    (answer,) = answer_in_fresh_process(path, [("serving_default", {"sequences": test.x[:1]})])
    print(f"   {path}, which a fresh process without Keras has loaded and compared")
    values = ", ".join(f"{value:.4f}" for value in test.x[0, :, 0])
    print(f"   {values} -> {answer['forecast'][0, 0]:.4f}, truth {test.y[0, 0]:.4f}")
    print(f"\nDone in {time.perf_counter() - started:.0f} s. What to type next:")
    print("   rnn-tf train series FILE.csv --column NAME     the same for a series of yours")
    print("   rnn-tf bench tutorial                          the 2000 steps, timed against other ways")


def tutorial_network() -> rnn_tf.SequenceRegressor:
    """Four relu units on raw values, every weight and bias drawn from N(0, 1)."""
    model = rnn_tf.SequenceRegressor(units=4, activation="relu", normalize=False)
    model.build([None, 4, 1])
    for weight in model.trainable_variables:
        weight.assign(keras.initializers.RandomNormal(stddev=1.0)(weight.shape))
    return model


class PrintCost(keras.callbacks.Callback):
    """The tutorial's line every hundred steps."""

    def on_epoch_end(self, epoch: int, logs: dict[str, Any]) -> None:
        print(f"   step {100 * (epoch + 1):5d}   cost {logs['val_loss']:.6f}")


def forecaster(train: Windows) -> tuple[rnn_tf.SequenceRegressor, dict[str, list[float]]]:
    """The stronger network, and how its losses went on the way to the number of steps that was chosen.

    The rate falls to nearly nothing over each run, so that its end can be trusted: while the rate is high, the loss
    on the held-back pairs leaps up and down.
    """
    fitted, held_back = Windows(train.x[:-100], train.y[:-100]), Windows(train.x[-100:], train.y[-100:])
    runs = {steps: train_network(fitted, steps, validation_data=held_back)[1] for steps in CANDIDATE_STEPS}
    for steps, history in runs.items():
        print(f"   {steps:6d} steps: loss {history['val_loss'][-1]:.2e} on the held-back pairs")
    best = min(runs, key=lambda steps: runs[steps]["val_loss"][-1])
    return train_network(train, best)[0], runs[best]


def train_network(
    data: Windows, steps: int, **arguments: Any
) -> tuple[rnn_tf.SequenceRegressor, dict[str, list[float]]]:
    model = rnn_tf.SequenceRegressor(units=[24, 24], activation="gelu")
    rate = keras.optimizers.schedules.CosineDecay(0.01, steps, alpha=1e-3)
    optimizer = keras.optimizers.AdamW(rate, weight_decay=0.005, beta_2=0.99)
    trainer = rnn_tf.Trainer(model, optimizer=optimizer, loss="mse")
    history = trainer.fit(*data, steps=steps, log_every=LOG_EVERY, verbose=0, **arguments)
    return model, history.history


def free_runner(series: np.ndarray) -> rnn_tf.SequenceRegressor:
    """A network that reads the last 18 values and tells the next 6, for running on its own predictions.

    The four values of the task, 6 apart, would make six interleaved runs that know nothing of each other.
    """
    model = rnn_tf.SequenceRegressor(units=24, horizon=6)
    rate = keras.optimizers.schedules.CosineDecay(0.01, FREE_STEPS, alpha=1e-3)
    optimizer = keras.optimizers.AdamW(rate, weight_decay=0.005, beta_2=0.99)
    rnn_tf.Trainer(model, optimizer=optimizer, loss="mse").fit(
        *windows(series[:, np.newaxis], window=18, horizon=6), steps=FREE_STEPS, verbose=0
    )
    return model
