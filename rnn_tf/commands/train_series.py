"""`rnn-tf train series`: a forecaster for a column of a user's CSV file, against three simple baselines."""

import argparse
import time
from pathlib import Path

import keras
import numpy as np

import rnn_tf
from rnn_tf._checks import writable_folder
from rnn_tf.data import Windows, linear_autoregression, persistence, read_columns, seasonal_naive, windows
from rnn_tf.data.series import split_windows


def run(options: argparse.Namespace) -> None:
    target, *features = (name.strip() for name in (options.column, *options.features.split(",")) if name.strip())
    name = options.name or target
    if Path(name).name != name or name == "..":
        raise ValueError(f"An export is named like a folder, without a path. Received: {name!r}. Choose by --name.")
    folder = writable_folder(Path(options.models, name))  # to fail now rather than after the training
    values = read_columns(options.file, [target, *features])
    train, test = split_windows(values, options.window, options.horizon, options.test, options.file)
    forecasts = {
        "persistence: the last value again": persistence(test.x, options.horizon),
        "linear autoregression, least squares": linear_autoregression(train, test.x),
    }
    if season := options.season:
        rows = season + len(test.x) + options.horizon - 1  # windows that hold a season, before the same targets
        if rows > len(values):
            raise ValueError(f"A season of {season} steps is longer than what comes before the held-out part.")
        forecasts[f"seasonal naive: the value {season} steps before"] = seasonal_naive(
            windows(values[-rows:], season, options.horizon).x, options.horizon, season
        )
    print(
        f"{options.file}: {len(values)} rows, {len(train.x)} windows to train on, the last {len(test.x)} to test on; "
        f"{options.window} steps of {', '.join([target, *features])} -> {options.horizon} of {target}"
    )

    keras.utils.set_random_seed(options.seed)
    started = time.perf_counter()
    model = train_forecaster(train, options)
    print(f"trained in {time.perf_counter() - started:.0f} s\n")

    network = f"rnn_tf, {options.cell} with {options.units} units"
    forecasts = {network: model.predict(test.x, verbose=0), **forecasts}
    errors = {kind: np.sqrt(np.mean((forecast - test.y) ** 2)) for kind, forecast in forecasts.items()}
    print(f"{'RMSE on the held-out part':48s}{'all steps':>12s}{'step 1':>12s}")
    for kind, forecast in forecasts.items():
        first = np.sqrt(np.mean((forecast[:, 0] - test.y[:, 0]) ** 2))
        print(f"  {kind:46s}{errors[kind]:12.4g}{first:12.4g}")
    print(verdict(errors))

    path = rnn_tf.export_saved_model(
        model,
        folder,
        examples=test.x[:32],
        metadata={
            "task": "series",
            "column": target,
            "features": features,
            "window": options.window,
            "horizon": options.horizon,
        },
    )
    print(f"\nexported, reloaded in a fresh process and compared: {path}")
    print(f"next: rnn-tf predict {folder} {options.file} --steps {options.horizon}")


def train_forecaster(train: Windows, options: argparse.Namespace) -> rnn_tf.SequenceRegressor:
    """The better of two models on the last 20 % of the training windows; the first 80 % train both.

    One sees each window as it is, the other relative to its last value, as suits a series that drifts. The
    held-back part also stops the training.
    """
    held_back = max(1, len(train.x) // 5)
    # The windows just before the held-back ones reach into them, and are left out.
    fitted = len(train.x) - held_back - options.window - options.horizon + 1
    if fitted < 1:
        raise ValueError(
            f"{options.file} is too short to hold a part of the training windows back: there are {len(train.x)}. "
            "Use a shorter window, a smaller --test, or a longer series."
        )
    x, y = train.x[-held_back:], train.y[-held_back:]
    candidates = []
    for relative in (False, True):
        model = rnn_tf.SequenceRegressor(options.units, cell=options.cell, horizon=options.horizon, relative=relative)
        trainer = rnn_tf.Trainer(model, optimizer=keras.optimizers.Adam(0.005), loss="mse")
        history = trainer.fit(
            train.x[:fitted],
            train.y[:fitted],
            epochs=options.epochs,
            batch_size=32,
            validation_data=(x, y),
            callbacks=[
                keras.callbacks.ReduceLROnPlateau(patience=10, factor=0.3, min_lr=1e-5),
                keras.callbacks.EarlyStopping(patience=40, restore_best_weights=True),
            ],
            verbose=0,
        )
        error = float(np.sqrt(np.mean((model.predict(x, verbose=0) - y) ** 2)))
        kind = "relative to its last value" if relative else "as it is"
        print(f"  each window {kind:28s}{len(history.epoch):4d} epochs, held-back RMSE {error:.4g}")
        candidates.append((error, model))
    return min(candidates, key=lambda candidate: candidate[0])[1]


def verdict(errors: dict[str, float]) -> str:
    """Says plainly whether the network, the first of `errors`, beats the baselines, the others."""
    (_, network), *baselines = errors.items()
    better = [name for name, error in baselines if error <= network]
    if not better:
        return "The network beats every baseline."
    return (
        f"The network does NOT beat {len(better)} of {len(baselines)} baselines: {'; '.join(better)}. "
        "Use that, or try other --window, --units, --cell or --features."
    )
