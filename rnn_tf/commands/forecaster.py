"""The part of `rnn-tf train series` that trains, and tells how good the forecasts are."""

import argparse

import keras
import numpy as np

import rnn_tf
from rnn_tf.commands.progress import PrintEpoch, checkpoint_folder, say_that_it_compiles
from rnn_tf.commands.train_series import SeriesTask
from rnn_tf.commands.verdicts import forecast_verdict


def report(model: rnn_tf.SequenceRegressor, task: SeriesTask, options: argparse.Namespace) -> None:
    """The errors on the held-out part, beside those of the baselines."""
    test = task.test
    layers = f" and {options.layers} layers" if options.layers > 1 else ""
    network = f"rnn_tf, {options.cell} with {options.units} units{layers}"
    forecasts = {network: model.predict(test.x, verbose=0), **task.baselines}
    errors = {kind: np.sqrt(np.mean((forecast - test.y) ** 2)) for kind, forecast in forecasts.items()}
    print(f"{'RMSE on the held-out part':48s}{'all steps':>12s}{'step 1':>12s}")
    for kind, forecast in forecasts.items():
        first = np.sqrt(np.mean((forecast[:, 0] - test.y[:, 0]) ** 2))
        print(f"  {kind:46s}{errors[kind]:12.4g}{first:12.4g}")
    print(forecast_verdict(errors))


def train(task: SeriesTask, options: argparse.Namespace) -> tuple[rnn_tf.SequenceRegressor, str]:
    """The better of two models on the held-back windows; the fitted ones train both.

    One sees each window as it is, the other relative to its last value, as suits a series that drifts. The
    held-back part also stops the training.
    """
    say_that_it_compiles()
    x, y = (part[task.held_back] for part in task.train)
    candidates = []
    for relative in (False, True):
        model = rnn_tf.SequenceRegressor(
            [options.units] * options.layers,
            cell=options.cell,
            horizon=options.horizon,
            relative=relative,
            dropout=options.dropout,
        )
        trainer = rnn_tf.Trainer(model, optimizer=keras.optimizers.Adam(options.rate), loss="mse")
        history = trainer.fit(
            *(part[task.fitted] for part in task.train),
            epochs=options.epochs,
            batch_size=options.batch,
            validation_data=(x, y),
            callbacks=[
                keras.callbacks.ReduceLROnPlateau(patience=10, factor=0.3, min_lr=1e-5),
                keras.callbacks.EarlyStopping(patience=40, restore_best_weights=True),
                PrintEpoch(),
            ],
            verbose=0,
            checkpoint=checkpoint_folder(options, "relative" if relative else "plain"),
        )
        error = float(np.sqrt(np.mean((model.predict(x, verbose=0) - y) ** 2)))
        kind = "relative to its last value" if relative else "as it is"
        print(f"  each window {kind:28s}{len(history.epoch):4d} epochs, held-back RMSE {error:.4g}", flush=True)
        candidates.append((error, model))
    return min(candidates, key=lambda candidate: candidate[0])[1], ""
