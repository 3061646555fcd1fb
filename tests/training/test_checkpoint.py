"""A run that was stopped goes on with the same bits; and what stands in the way is said before it trains."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from trainings import arrays, datasets, texts

from rnn_tf import SequenceRegressor, Trainer
from rnn_tf.training.checkpoint import Checkpoint, digest

X = np.random.default_rng(0).standard_normal([40, 4, 1]).astype("float32")
Y = X.sum(1)


class StopError(Exception):
    """In place of a kill."""


class StopAt(keras.callbacks.Callback):
    """Raises at the n-th call of the loop; what it notes is no plain value, so that no checkpoint holds it."""

    def __init__(self, number):
        super().__init__()
        self.left = iter(range(number))

    def on_train_batch_end(self, batch, logs=None):
        if next(self.left, None) is None:
            raise StopError


def bits(trainer, history):
    variables = [*trainer.model.variables, *trainer.model.optimizer.variables]
    return digest(*(one.numpy() for one in variables if one.dtype != "string")), history.epoch, history.history


def run(kind, stop_at=10**9, **saved):
    keras.utils.set_random_seed(5)
    trainer, data, arguments = kind()
    arguments.update({name: arguments[name] // 10 for name in ("steps", "epochs") if name in arguments})
    callbacks = [*arguments.pop("callbacks", ()), StopAt(stop_at)]
    history = trainer.fit(*data, **arguments, callbacks=callbacks, verbose=0, **saved)
    keras.config.set_dtype_policy("float32")
    return bits(trainer, history)


@pytest.mark.parametrize("kind", [arrays, texts, datasets], ids=lambda kind: kind.__name__)
def test_stopped_again_and_again_it_ends_with_the_same_bits(kind, tmp_path):
    wanted = run(kind)
    saved = {"checkpoint": tmp_path, "checkpoint_seconds": 0}
    for number in (1, 0, 1):
        with pytest.raises(StopError):
            run(kind, number, **saved)
    assert run(kind, **saved) == wanted
    assert run(kind, 0, **saved) == wanted  # it is finished: no step is made


def small(**compiled):
    keras.utils.set_random_seed(1)
    return Trainer(SequenceRegressor(units=3), compiled.pop("optimizer", "adam"), "mse", **compiled)


def stopped(folder, callbacks=(), number=3, trainer=None, data=(X, Y), **arguments):
    with pytest.raises(StopError):
        (trainer or small()).fit(
            *data,
            **{"epochs": 4, "batch_size": 10, "log_every": 2, "seed": 7, "verbose": 0, **arguments},
            callbacks=[*callbacks, StopAt(number)],
            checkpoint=folder,
            checkpoint_seconds=0,
        )


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"data": (X + 1, Y)}, "data"),
        ({"data": (X, -Y)}, "data"),
        ({"epochs": 5}, r"epochs \(4 then, 5 now\)"),
        ({"batch_size": 8}, r"batch_size \(10 then, 8 now\)"),
        ({"shuffle": False}, r"shuffle \(True then, False now\)"),
        ({"seed": 8}, r"seed \(7 then, 8 now\)"),
        ({"validation_data": (X, Y)}, "validation data"),
        ({"callbacks": [keras.callbacks.EarlyStopping("loss", patience=3)]}, "callbacks"),
    ],
)
def test_the_checkpoint_of_another_run_is_refused(tmp_path, changed, named):
    stopped(tmp_path)
    before = (tmp_path / "training.npz").read_bytes()
    with pytest.raises(ValueError, match=f"must be of the same run. Received: one that differs in {named}"):
        stopped(tmp_path, **changed)
    assert (tmp_path / "training.npz").read_bytes() == before


@pytest.mark.parametrize(
    ("trainer", "named"),
    [
        (lambda: Trainer(SequenceRegressor(units=4), "adam", "mse"), "model"),
        (lambda: Trainer(SequenceRegressor(units=3, dropout=0.1), "adam", "mse"), "model"),
        (lambda: small(optimizer="sgd"), "model, optimizer|optimizer"),
        (lambda: small(optimizer=keras.optimizers.Adam(0.01)), "optimizer"),
        (lambda: Trainer(SequenceRegressor(units=3), "adam", "mae"), "loss and metrics"),
        (lambda: small(jit_compile=True), "jit_compile"),
        (lambda: small(metrics=["mae"]), "loss and metrics"),
    ],
)
def test_another_model_is_refused(tmp_path, trainer, named):
    stopped(tmp_path)
    with pytest.raises(ValueError, match=f"differs in ({named})"):
        stopped(tmp_path, trainer=trainer())
    stopped(tmp_path / "another folder", trainer=trainer())  # as the message advises


def test_the_same_model_object_goes_on(tmp_path):
    """As in a notebook, where a cell is run again."""
    trainer = small()
    plateau = [keras.callbacks.ReduceLROnPlateau("loss", patience=0, factor=0.5, min_delta=10)]
    stopped(tmp_path, plateau, number=5, trainer=trainer)
    stopped(tmp_path, plateau, number=1, trainer=trainer)
    arguments = {"epochs": 4, "batch_size": 10, "log_every": 2, "seed": 7, "verbose": 0}
    history = trainer.fit(X, Y, **arguments, callbacks=[*plateau, StopAt(99)], checkpoint=tmp_path)
    whole = small()
    plateau = [keras.callbacks.ReduceLROnPlateau("loss", patience=0, factor=0.5, min_delta=10)]
    assert bits(trainer, history) == bits(whole, whole.fit(X, Y, **arguments, callbacks=plateau))


def test_what_callbacks_noted_comes_back(tmp_path):
    class Counts(keras.callbacks.Callback):
        def __init__(self):
            super().__init__()
            self.epochs, self.losses = 0, []

        def on_epoch_end(self, epoch, logs=None):
            self.epochs += 1
            self.losses.append(logs["loss"])

    logger = keras.callbacks.CSVLogger(tmp_path / "log.csv")
    stopped(tmp_path / "run", [Counts(), logger], number=5)
    logger.csv_file.close()
    with open(tmp_path / "log.csv", "a") as file:  # written after the save, before the kill
        file.write("3,0.1\n")
    counts = Counts()
    logger = keras.callbacks.CSVLogger(tmp_path / "log.csv")
    arguments = {"epochs": 4, "batch_size": 10, "log_every": 2, "seed": 7, "verbose": 0}
    callbacks = [counts, logger, StopAt(100)]
    history = small().fit(X, Y, **arguments, callbacks=callbacks, checkpoint=tmp_path / "run")
    assert counts.epochs == 4
    assert counts.losses == history.history["loss"]
    rows = [line.split(",")[0] for line in (tmp_path / "log.csv").read_text().split()]
    assert rows == ["epoch", "0", "1", "2", "3"]


def test_a_model_that_is_not_compiled_goes_on(tmp_path):
    def eager():
        trainer = small()
        trainer.model.run_eagerly = True
        return trainer

    arguments = {"epochs": 3, "batch_size": 20, "log_every": 1, "seed": 7, "verbose": 0}
    whole = eager()
    wanted = bits(whole, whole.fit(X, Y, **arguments))
    for number in (3, 1):
        callbacks = [StopAt(number)]
        with pytest.raises(StopError):
            eager().fit(X, Y, **arguments, callbacks=callbacks, checkpoint=tmp_path, checkpoint_seconds=0)
    trainer = eager()
    assert bits(trainer, trainer.fit(X, Y, **arguments, callbacks=[StopAt(99)], checkpoint=tmp_path)) == wanted


def test_a_shuffled_validation_goes_on_with_its_own_order(tmp_path):
    def arguments():
        keras.utils.set_random_seed(1)
        held_back = tf.data.Dataset.from_tensor_slices((X, Y)).shuffle(40, seed=3).take(5).batch(5)
        return {"epochs": 4, "batch_size": 10, "log_every": 2, "seed": 7, "verbose": 0, "validation_data": held_back}

    whole = small()
    wanted = bits(whole, whole.fit(X, Y, **arguments()))
    with pytest.raises(StopError):
        small().fit(X, Y, **arguments(), callbacks=[StopAt(5)], checkpoint=tmp_path, checkpoint_seconds=0)
    trainer = small()
    assert bits(trainer, trainer.fit(X, Y, **arguments(), callbacks=[StopAt(99)], checkpoint=tmp_path)) == wanted


def test_a_finished_run_on_another_dataset_is_refused(tmp_path):
    dataset = tf.data.Dataset.from_tensor_slices((X, Y)).batch(10)
    small().fit(dataset, epochs=2, verbose=0, checkpoint=tmp_path)
    small().fit(dataset, epochs=2, verbose=0, checkpoint=tmp_path)
    with pytest.raises(ValueError, match="whose first batches are others"):
        small().fit(dataset.map(lambda x, y: (x, -y)), epochs=2, verbose=0, checkpoint=tmp_path)


def test_a_seed_that_nobody_gave_is_kept(tmp_path):
    orders = []
    for number in (3, 1):
        trainer = small()
        np.random.seed(number)  # of which another seed would come
        stopped(tmp_path, number=number, trainer=trainer, seed=None)
        orders.append(Checkpoint(tmp_path).load()["run"]["seed"])
    assert orders[0] == orders[1]


@pytest.fixture
def in_a_terminal():
    """What is started in the background may ignore Ctrl-C, and so leaves it to Python to ignore it, too."""
    handlers = {signal.SIGINT: signal.default_int_handler, signal.SIGTERM: signal.SIG_DFL}
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.usefixtures("in_a_terminal")
@pytest.mark.parametrize(("number", "raised"), [(signal.SIGINT, KeyboardInterrupt), (signal.SIGTERM, SystemExit)])
def test_a_signal_saves_and_says_how_to_go_on(tmp_path, number, raised, capsys):
    class Signal(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            if self.model.optimizer.iterations == 6:
                os.kill(os.getpid(), number)

    handler = signal.getsignal(number)
    arguments = {"epochs": 4, "batch_size": 10, "log_every": 2, "seed": 7, "verbose": 0}
    with pytest.raises(raised) as error:
        small().fit(X, Y, **arguments, callbacks=[Signal()], checkpoint=tmp_path)
    assert signal.getsignal(number) is handler
    if number == signal.SIGTERM:
        assert error.value.code == 128 + number
    assert f"The run is saved in {tmp_path}: start it again to go on" in str(error.value) + capsys.readouterr().err
    assert Checkpoint(tmp_path).load()["step"] == 6
    trainer = small()
    history = trainer.fit(X, Y, **arguments, callbacks=[Signal()], checkpoint=tmp_path)
    trainer_of_one_go = small()
    whole = trainer_of_one_go.fit(X, Y, **arguments)
    assert bits(trainer, history) == bits(trainer_of_one_go, whole)


def test_a_full_disk_leaves_the_last_checkpoint(tmp_path):
    resource = pytest.importorskip("resource")  # of POSIX
    stopped(tmp_path)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))
    try:
        with pytest.raises(
            OSError, match=r"must fit on its disk.*training.npz is whole.*Make room, and run the same again"
        ):
            stopped(tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert [path.name for path in tmp_path.iterdir()] == ["training.npz"]
    stopped(tmp_path, number=1)  # as the message advises


def test_a_loss_that_is_not_finite_keeps_the_last_good_state(tmp_path):
    layers = [keras.Input([4, 1]), keras.layers.SimpleRNN(3), keras.layers.Dense(1)]
    trainer = Trainer(keras.Sequential(layers), "adam", "mse")
    y = np.where(np.arange(40)[:, None] == 17, np.inf, Y).astype("float32")
    dataset = tf.data.Dataset.from_tensor_slices((X, y)).batch(5)
    with pytest.raises(FloatingPointError, match="at step 4"):
        trainer.fit(dataset, epochs=2, log_every=2, checkpoint=tmp_path, checkpoint_seconds=0, verbose=0)
    kept = Checkpoint(tmp_path).load()
    assert kept["step"] == 2
    assert all(np.isfinite(one).all() for one in kept["variables"])


def test_bad_arguments_are_refused_before_training(tmp_path):
    arguments = {"epochs": 1, "verbose": 0}
    with pytest.raises(ValueError, match=r"must be local.*Received: gs://bucket/run. Give a path on a disk"):
        small().fit(X, Y, **arguments, checkpoint="gs://bucket/run")
    (tmp_path / "file").write_text("")
    with pytest.raises(NotADirectoryError, match="Choose another folder"):
        small().fit(X, Y, **arguments, checkpoint=tmp_path / "file")
    with pytest.raises(ValueError, match="`checkpoint_seconds` must be a number of seconds"):
        small().fit(X, Y, **arguments, checkpoint=tmp_path, checkpoint_seconds=-1)
    (tmp_path / "training.npz").write_bytes(b"half a file")
    with pytest.raises(ValueError, match=r"must be a file that Trainer saved.*Remove it to begin anew"):
        small().fit(X, Y, **arguments, checkpoint=tmp_path)
    (tmp_path / "training.npz").unlink()  # as the message advises
    small().fit(X, Y, **arguments, checkpoint=tmp_path)


def test_datasets_with_an_order_of_their_own_are_refused(tmp_path):
    def dataset(seed):
        keras.utils.set_random_seed(1)  # TensorFlow mixes it into every seed
        return tf.data.Dataset.from_tensor_slices((X, Y)).shuffle(40, seed=seed).batch(10)

    arguments = {"data": (), "batch_size": None}
    for number, steps in ((0, {"epochs": 4}), (1, {"epochs": None, "steps": 30})):
        folder = tmp_path / str(number)
        stopped(folder, **{**arguments, **steps, "data": (dataset(1),)})
        with pytest.raises(ValueError, match=r"give its shuffle a seed, as in dataset.shuffle\(1000, seed=1\)"):
            stopped(folder, **{**arguments, **steps, "data": (dataset(2),)})
        stopped(folder, number=1, **{**arguments, **steps, "data": (dataset(1),)})
    options = tf.data.Options()
    options.deterministic = False
    with pytest.raises(ValueError, match=r"in the same order again.*Set that to True"):
        stopped(tmp_path / "new", **{**arguments, "data": (dataset(1).with_options(options),)})
    options.deterministic = True
    stopped(tmp_path / "new", **{**arguments, "data": (dataset(1).with_options(options),)})


def test_another_version_goes_on_with_a_warning(tmp_path):
    stopped(tmp_path)
    checkpoint = Checkpoint(tmp_path)
    kept = checkpoint.load()
    kept["versions"]["tensorflow"] = "2.18.0"
    checkpoint.save(kept)
    with pytest.warns(UserWarning, match=re.escape(f"tensorflow 2.18.0, now {tf.__version__}")):
        stopped(tmp_path, number=1)


def test_a_file_holds_what_numpy_and_json_know(tmp_path):
    checkpoint = Checkpoint(tmp_path)
    half = tf.cast([1.5, 2.0], "bfloat16").numpy()
    state = {"a": [1, 0.1, None, True, "texts"], 3: (np.float32(0.1), np.arange(4)), "half": half, "no": np.inf}
    checkpoint.save(state)
    loaded = checkpoint.load()
    assert loaded["a"] == state["a"]
    assert loaded["no"] == np.inf
    assert isinstance(loaded[3], tuple)
    assert loaded[3][0] == state[3][0]
    assert type(loaded[3][0]) is np.float32
    np.testing.assert_array_equal(loaded[3][1], state[3][1])
    assert loaded["half"].dtype == half.dtype
    np.testing.assert_array_equal(loaded["half"], half)
    assert not checkpoint.due()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are forked")
def test_killed_processes_end_with_the_same_bits():
    script = Path(__file__).with_name("kill_training.py")
    process = subprocess.run([sys.executable, str(script), "12"], capture_output=True, text=True, check=False)
    assert process.returncode == 0, process.stderr
    assert "12 of 12 runs end bit for bit as without a kill" in process.stdout
    assert int(re.search(r"(\d+) others", process.stdout)[1]) > 3
