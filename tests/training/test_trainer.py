import csv

import keras
import numpy as np
import pytest
import tensorflow as tf

from rnn_tf import ElmanCell, SequenceRegressor, Trainer
from rnn_tf.training.batches import Batches
from rnn_tf.training.loop import pays_xla

rng = np.random.default_rng(4)
X = rng.normal(size=[96, 4, 2]).astype("float32")
Y = X.sum(axis=(1, 2))[:, np.newaxis]
WEIGHTS = rng.uniform(0.5, 2, size=96).astype("float32")


def regressor(compiled=True, **arguments):
    keras.utils.set_random_seed(7)
    model = SequenceRegressor(units=6, **arguments)
    if compiled:
        model.compile(optimizer=keras.optimizers.Adam(0.01), loss="mse", metrics=["mae"])
    return model


def assert_same_weights(a, b, tolerance=1e-5):
    for p, q in zip(a.get_weights(), b.get_weights(), strict=True):
        np.testing.assert_allclose(p, q, atol=tolerance)


def batches(*arrays, size=32):
    return tf.data.Dataset.from_tensor_slices(arrays).batch(size)


# --- the same as model.fit


@pytest.mark.parametrize("jit_compile", [True, False])
@pytest.mark.parametrize("feed", ["epochs", "steps", "dataset epochs", "dataset steps"])
def test_twenty_steps_end_with_the_weights_of_fit(feed, jit_compile):
    expected = regressor()
    history = expected.fit(X[:80], Y[:80], batch_size=16, epochs=4, shuffle=False, verbose=0)
    model = regressor()
    data = [batches(X[:80], Y[:80], size=16)] if "dataset" in feed else [X[:80], Y[:80]]
    size = {} if "dataset" in feed else {"batch_size": 16, "shuffle": False}
    length = {"epochs": 4} if "epochs" in feed else {"steps": 20, "log_every": 5}
    mine = Trainer(model, jit_compile=jit_compile).fit(*data, **length, **size, verbose=0)
    assert_same_weights(model, expected)
    assert int(model.optimizer.iterations) == 20
    assert mine.epoch == history.epoch == [0, 1, 2, 3]
    for name in ("loss", "mae"):
        np.testing.assert_allclose(mine.history[name], history.history[name], rtol=1e-4)


@pytest.mark.parametrize("weights", ["none", "sample_weight", "class_weight"])
def test_a_smaller_last_batch_weights_and_validation_are_those_of_fit(weights):
    y = (Y > 0).astype("float32")
    arguments = {
        "none": {},
        "sample_weight": {"sample_weight": WEIGHTS},
        "class_weight": {"class_weight": {1: 3.0}},
    }[weights]
    arguments |= {"epochs": 3, "batch_size": 36, "shuffle": False, "validation_data": (X[:50], y[:50])}
    expected, model = regressor(), regressor()
    history = expected.fit(X, y, verbose=0, **arguments).history
    mine = Trainer(model).fit(X, y, verbose=0, **arguments).history
    assert_same_weights(model, expected)
    assert mine.keys() == history.keys() == {"loss", "mae", "val_loss", "val_mae"}
    for name in history:
        np.testing.assert_allclose(mine[name], history[name], rtol=1e-4, err_msg=name)


@pytest.mark.parametrize("jit_compile", [True, False])
def test_dropout_is_that_of_fit_under_the_same_compiler(jit_compile):
    def make():
        model = regressor(dropout=0.3, recurrent_dropout=0.2)
        model.compile(optimizer=keras.optimizers.Adam(0.01), loss="mse", jit_compile=jit_compile)
        return model

    expected, model = make(), make()
    expected.fit(X, Y, batch_size=32, epochs=7, shuffle=False, verbose=0)
    Trainer(model, jit_compile=jit_compile).fit(X, Y, batch_size=32, epochs=7, shuffle=False, verbose=0)
    assert_same_weights(model, expected)


def test_class_weight_on_a_dataset_and_one_hot_labels():
    labels = rng.integers(0, 3, size=96)

    def classifier():
        keras.utils.set_random_seed(1)
        return keras.Sequential(
            [keras.Input([4, 2]), keras.layers.RNN(ElmanCell(5)), keras.layers.Dense(3, activation="softmax")]
        )

    expected = classifier()
    expected.compile(optimizer="adam", loss="sparse_categorical_crossentropy")
    expected.fit(X, labels, batch_size=32, class_weight={0: 5.0, 2: 0.5}, shuffle=False, verbose=0)
    for loss, y in (
        ("sparse_categorical_crossentropy", labels),
        ("categorical_crossentropy", keras.utils.to_categorical(labels)),
    ):
        model = classifier()
        Trainer(model, optimizer="adam", loss=loss).fit(
            batches(X, y), epochs=1, class_weight={0: 5.0, 2: 0.5}, verbose=0
        )
        assert_same_weights(model, expected)


def test_regularizers_constraints_clipping_schedules_and_averages_count():
    def make():
        model = regressor(compiled=False, normalize=False)
        cell = model.encoder.layers[0].cell
        cell.kernel_regularizer, cell.recurrent_constraint = keras.regularizers.L2(0.1), keras.constraints.UnitNorm()
        schedule = keras.optimizers.schedules.CosineDecay(0.1, 10)
        model.compile(keras.optimizers.AdamW(schedule, global_clipnorm=0.1, use_ema=True), loss="mse")
        return model

    expected, model = make(), make()
    expected.fit(X, Y, batch_size=32, epochs=3, shuffle=False, verbose=0)
    Trainer(model).fit(X, Y, batch_size=32, epochs=3, shuffle=False, verbose=0)
    assert_same_weights(model, expected)


def test_any_keras_model_trains_also_with_several_inputs_and_never_built():
    a, b = keras.Input([4, 2], name="a"), keras.Input([3], name="b")
    output = keras.layers.Dense(1)(keras.layers.Concatenate()([keras.layers.LSTM(3)(a), b]))
    inputs = {"a": X, "b": X[:, 0, :1] * np.ones([1, 3], "float32")}
    models = [keras.Model([a, b], output), keras.models.clone_model(keras.Model([a, b], output))]
    models[1].set_weights(models[0].get_weights())
    for model in models:
        model.compile("adam", "mse")
    models[0].fit(inputs, Y, batch_size=32, shuffle=False, verbose=0)
    Trainer(models[1]).fit(inputs, Y, batch_size=32, epochs=1, shuffle=False, verbose=0)
    assert_same_weights(*models)

    class Subclassed(keras.Model):  # never built, and its call takes no `training`
        def __init__(self):
            super().__init__()
            self.recurrent, self.head = keras.layers.GRU(3), keras.layers.Dense(1)

        def call(self, inputs):
            return self.head(self.recurrent(inputs))

    history = Trainer(Subclassed(), optimizer="adam", loss="mse").fit(X, Y, steps=30, log_every=10, verbose=0)
    assert history.history["loss"][-1] < history.history["loss"][0]


def test_mixed_precision_with_loss_scaling():
    model = regressor(dtype="mixed_float16")
    history = Trainer(model).fit(X, Y, steps=60, log_every=20, verbose=0)
    assert type(model.optimizer).__name__ == "LossScaleOptimizer"
    assert history.history["loss"][-1] < history.history["loss"][0]


# --- steps, epochs, order


def test_steps_are_full_batches_and_entries_are_epochs():
    history = Trainer(regressor()).fit(X, Y, steps=23, log_every=10, batch_size=36, verbose=0)
    assert history.epoch == [0, 1, 2]
    assert history.params["epochs"] == 3


def test_default_batches():
    model = regressor()
    Trainer(model).fit(X, Y, epochs=2, verbose=0)
    assert int(model.optimizer.iterations) == 6  # 96 rows in batches of 32
    expected, model = regressor(), regressor()
    expected.fit(X, Y, batch_size=96, epochs=5, verbose=0)
    Trainer(model).fit(X, Y, steps=5, verbose=0)  # all rows in every step
    assert_same_weights(model, expected)


def test_the_order_of_a_pass_follows_from_seed_and_pass_alone():
    def rows(seed, **arguments):
        source = Batches((np.arange(10), None, None), 3, shuffle=True, seed=seed, joined=True)
        calls = [next(iter(source.calls(length, 4))) for length in arguments["lengths"]]
        return np.concatenate([feed[1].numpy()[:limit].ravel() for feed, limit in calls])

    order = rows(0, lengths=[4, 4, 2])
    np.testing.assert_array_equal(order, rows(0, lengths=[1, 2, 3, 4]))
    assert not np.array_equal(order, rows(1, lengths=[4, 4, 2]))
    for first in (0, 10, 20):  # each pass shows every row once
        assert sorted(order[first : first + 10]) == list(range(10))
    assert not np.array_equal(order[:10], order[10:20])


def test_epochs_show_every_row_once():
    source = Batches((np.arange(10), None, None), 3, shuffle=True, seed=0)
    for _ in range(2):
        seen = [feed[1].numpy()[:limit].ravel() for feed, limit in source.calls(0, 2)]
        assert sorted(np.concatenate(seen)) == list(range(10))
        assert [len(one) for one in seen] == [6, 3, 1]


def test_the_same_seed_gives_the_same_weights():
    def train(seed):
        model = regressor()
        Trainer(model).fit(X, Y, steps=20, batch_size=16, seed=seed, verbose=0)
        return model.get_weights()

    first = train(0)
    for a, b in zip(first, train(0), strict=True):
        np.testing.assert_array_equal(a, b)
    assert any(not np.array_equal(a, b) for a, b in zip(first, train(1), strict=True))


def test_the_loop_is_compiled_once():
    traces = []

    class Counting(SequenceRegressor):
        def call(self, inputs, mask=None, training=False):
            traces.append(training)
            return super().call(inputs, mask, training)

    model = Counting(units=3)
    trainer = Trainer(model, optimizer="adam", loss="mse")
    trainer.fit(X, Y, steps=50, log_every=20, batch_size=16, verbose=0)
    once = len(traces)
    assert once <= 2  # a while loop's body may be traced twice
    trainer.fit(X, Y, steps=40, log_every=20, batch_size=16, verbose=0)
    assert len(traces) == once
    model.compile(optimizer="sgd", loss="mae")  # what changed is seen
    trainer.fit(X, Y, steps=20, log_every=20, batch_size=16, verbose=0)
    assert len(traces) > once


def test_training_goes_on_where_it_stopped():
    whole, halves = regressor(), regressor()
    Trainer(whole).fit(X, Y, steps=20, verbose=0)
    trainer = Trainer(halves)
    trainer.fit(X, Y, steps=10, verbose=0)
    trainer.fit(X, Y, steps=10, verbose=0)
    assert_same_weights(whole, halves, 1e-6)


def test_run_eagerly_is_respected():
    eager = []

    class Watching(SequenceRegressor):
        def call(self, inputs, mask=None, training=False):
            eager.append(tf.executing_eagerly())
            return super().call(inputs, mask, training)

    keras.utils.set_random_seed(7)
    model = Watching(units=6)
    model.compile(keras.optimizers.Adam(0.01), "mse", run_eagerly=True)
    Trainer(model).fit(X, Y, steps=3, verbose=0)
    assert eager == [True] * 3
    expected = regressor()
    Trainer(expected).fit(X, Y, steps=3, verbose=0)
    assert_same_weights(model, expected)


@pytest.mark.parametrize("endless", [True, False])
def test_datasets_with_and_without_an_end(endless):
    dataset = batches(X, Y).filter(lambda x, y: True)  # of unknown length
    model = regressor(normalize=False)
    history = Trainer(model).fit(
        dataset.repeat() if endless else dataset, **({"steps": 8} if endless else {"epochs": 2}), log_every=2, verbose=0
    )
    assert int(model.optimizer.iterations) == (8 if endless else 6)
    assert len(history.epoch) == (4 if endless else 2)


# --- callbacks


@pytest.mark.parametrize("compiled", [True, False])
def test_keras_callbacks_work(compiled, tmp_path):
    model = regressor(compiled)
    arguments = {} if compiled else {"optimizer": keras.optimizers.Adam(0.01), "loss": "mse", "metrics": ["mae"]}
    seen = []
    history = Trainer(model, **arguments).fit(
        X,
        Y,
        steps=50,
        log_every=10,
        batch_size=32,
        validation_data=(X[:20], Y[:20]),
        callbacks=[
            keras.callbacks.ModelCheckpoint(tmp_path / "best.keras", monitor="val_loss", save_best_only=True),
            keras.callbacks.CSVLogger(tmp_path / "log.csv"),
            keras.callbacks.TensorBoard(tmp_path / "board", histogram_freq=1),
            keras.callbacks.LearningRateScheduler(lambda epoch, rate: 0.02 if epoch == 0 else rate * 0.5),
            keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: seen.append((epoch, dict(logs)))),
        ],
        verbose=0,
    )
    assert [epoch for epoch, _ in seen] == history.epoch == [0, 1, 2, 3, 4]
    np.testing.assert_allclose(history.history["learning_rate"], [0.02, 0.01, 0.005, 0.0025, 0.00125], rtol=1e-5)
    with open(tmp_path / "log.csv") as file:
        rows = list(csv.DictReader(file))
    np.testing.assert_allclose([float(row["val_loss"]) for row in rows], history.history["val_loss"], rtol=1e-6)
    best = keras.models.load_model(tmp_path / "best.keras")
    assert best.evaluate(X[:20], Y[:20], verbose=0)[0] == pytest.approx(min(history.history["val_loss"]), rel=1e-4)
    assert list((tmp_path / "board").rglob("*tfevents*"))


def test_early_stopping_restores_the_best_weights_and_plateaus_lower_the_rate():
    model = regressor()
    model.compile(keras.optimizers.Adam(0.5), "mse")  # too fast: the loss will not only fall
    history = Trainer(model).fit(
        X,
        Y,
        steps=1000,
        log_every=5,
        validation_data=(X[:20], Y[:20]),
        callbacks=[
            keras.callbacks.EarlyStopping(patience=8, restore_best_weights=True),
            keras.callbacks.ReduceLROnPlateau(patience=2, factor=0.5),
        ],
        verbose=0,
    )
    losses = history.history["val_loss"]
    assert len(losses) < 200
    assert np.argmin(losses) == len(losses) - 9
    assert model.evaluate(X[:20], Y[:20], verbose=0, return_dict=True)["loss"] == pytest.approx(min(losses), rel=1e-4)
    assert history.history["learning_rate"][-1] < 0.5


def test_validation_is_that_of_evaluate():
    model = regressor()
    for validation in ((X[:50], Y[:50], WEIGHTS[:50]), batches(X[:50], Y[:50], WEIGHTS[:50])):
        history = Trainer(model).fit(X, Y, steps=3, batch_size=32, validation_data=validation, verbose=0)
        expected = model.evaluate(X[:50], Y[:50], sample_weight=WEIGHTS[:50], verbose=0, return_dict=True)
        for name, value in expected.items():
            assert history.history[f"val_{name}"][-1] == pytest.approx(value, rel=1e-5)


def test_a_progress_line_an_epoch(capsys):
    Trainer(regressor()).fit(X, Y, steps=20, log_every=10, verbose=2)
    printed = capsys.readouterr().out
    assert "Epoch 2/2" in printed
    assert "10/10" in printed
    assert "loss:" in printed


# --- losses that are not finite


@pytest.mark.parametrize("feed", ["rows", "full batch", "dataset"])
@pytest.mark.parametrize("jit_compile", [True, False])
def test_stops_at_the_first_loss_that_is_not_finite(feed, jit_compile):
    dataset = batches(X, Y, size=16)
    data = [dataset] if feed == "dataset" else [X, Y]
    size = {"batch_size": 16, "shuffle": False} if feed == "rows" else {}

    def model():
        model = regressor(normalize=False)
        model.compile(keras.optimizers.SGD(1e12), "mse")
        return model

    # By hand: how many updates until the loss is not finite?
    expected = model()
    step = 0
    rows = [(X, Y)] if feed == "full batch" else list(dataset.as_numpy_iterator()) * 10
    expected.build(X.shape)
    while True:
        x, y = rows[step % len(rows)]
        if not np.isfinite(np.mean((expected(x) - y) ** 2)):
            break
        expected.train_on_batch(x, y)
        step += 1
    assert step > 0

    failing, ended = model(), []
    with pytest.raises(
        FloatingPointError, match=rf"The loss or its gradient became (inf|nan) at step {step + 1}\. That update was not"
    ):
        Trainer(failing, jit_compile=jit_compile).fit(
            *data,
            **size,
            steps=100,
            log_every=3,
            callbacks=[keras.callbacks.LambdaCallback(on_train_end=lambda logs: ended.append(True))],
            verbose=0,
        )
    assert int(failing.optimizer.iterations) == step
    assert all(np.isfinite(weight).all() for weight in failing.get_weights())
    for p, q in zip(failing.get_weights(), expected.get_weights(), strict=True):
        np.testing.assert_allclose(p, q, rtol=1e-3)
    assert ended == []  # as with any error: what EarlyStopping or a backup hold back stays as it is


@pytest.mark.parametrize("steps", [1, 5])
def test_stops_at_a_gradient_that_is_not_finite(steps):
    class Root(keras.layers.Layer):  # 0 at 0, where its slope is infinite
        def call(self, inputs):
            return keras.ops.sqrt(keras.ops.maximum(inputs, 0.0))

    model = keras.Sequential([keras.Input([1]), keras.layers.Dense(1, kernel_initializer="zeros"), Root()])
    with pytest.raises(FloatingPointError, match="gradient became nan at step 1"):
        Trainer(model, optimizer="adam", loss="mse").fit(X[:, 0, :1], Y, steps=steps, verbose=0)
    assert all(np.isfinite(weight).all() for weight in model.get_weights())


@pytest.mark.parametrize("jit_compile", [False, True])
def test_a_step_that_is_not_made_changes_nothing(jit_compile):
    """No weight, no slot of the optimizer, and no statistic that a layer keeps."""
    model = keras.Sequential(
        [keras.Input([3]), keras.layers.BatchNormalization(), keras.layers.Dropout(0.1), keras.layers.Dense(1)]
    )
    trainer = Trainer(model, keras.optimizers.Adam(0.01), "mse", jit_compile=jit_compile)
    x, y = np.random.default_rng(0).normal(size=[8, 3]).astype("float32"), np.ones([8, 1], "float32")
    trainer.fit(x, y, steps=3, verbose=0)
    before = [variable.numpy() for variable in [*model.variables, *model.optimizer.variables]]
    with pytest.raises(FloatingPointError, match="at step 1"):
        trainer.fit(x, 1e30 * y, steps=3, verbose=0)  # its square is infinite
    after = [variable.numpy() for variable in [*model.variables, *model.optimizer.variables]]
    for one, other in zip(before, after, strict=True):
        np.testing.assert_array_equal(one, other)


def test_validation_hooks_are_called_as_by_fit():
    def hooks(train):
        seen = []

        class Watch(keras.callbacks.Callback):
            def on_test_begin(self, logs=None):
                seen.append("begin")

            def on_test_end(self, logs=None):
                seen.append(sorted(logs))

        train(callbacks=[Watch()], validation_data=(X[:20], Y[:20]), epochs=2, verbose=0)
        return seen

    expected = hooks(lambda **arguments: regressor().fit(X, Y, **arguments))
    assert hooks(lambda **arguments: Trainer(regressor()).fit(X, Y, **arguments)) == expected


def test_xla_only_where_it_pays():
    lookup = keras.Sequential(
        [keras.Input([4], dtype="int32"), keras.layers.IntegerLookup(vocabulary=[1, 2]), keras.layers.Embedding(4, 2)]
    )
    lookup.add(keras.layers.GRU(3))
    lookup.add(keras.layers.Dense(1))
    Trainer(lookup, optimizer="adam", loss="mse").fit(np.ones([8, 4], "int32"), np.ones([8, 1]), steps=2, verbose=0)
    spec = (tf.TensorSpec([None, 4, 2]), tf.TensorSpec([None, 1]), None)
    assert not pays_xla(lookup, spec)
    model = regressor()
    model.build((None, 4, 2))
    assert pays_xla(model, spec)
    assert not pays_xla(model, (tf.TensorSpec([None], tf.string), *spec[1:]))
    large = SequenceRegressor(units=300)
    large.build((None, 4, 2))
    assert not pays_xla(large, spec)
    dense = keras.Sequential([keras.Input([4, 2]), keras.layers.Dense(1)])
    assert not pays_xla(dense, spec)


# --- bad input


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, r"`steps` or `epochs`"),
        ({"steps": 3, "epochs": 3}, r"`steps` or `epochs`"),
        ({"steps": 0}, r"`steps` must be a positive integer. Received: steps=0"),
        ({"epochs": 1.5}, r"`epochs` must be a positive integer"),
        ({"steps": 3, "log_every": 0}, r"`log_every` must be a positive integer"),
        ({"steps": 3, "batch_size": 0}, r"`batch_size` must be a positive integer"),
        ({"steps": 3, "sample_weight": WEIGHTS[:5]}, r"same number of rows"),
        ({"steps": 3, "sample_weight": WEIGHTS, "class_weight": {0: 1.0}}, r"not both"),
        ({"steps": 3, "seed": -1}, r"`seed` must be an integer that is not negative"),
        (
            {"steps": 3, "callbacks": [keras.callbacks.BackupAndRestore("b")]},
            "name a folder",
        ),
        ({"steps": 3, "validation_data": X}, r"`validation_data` must be \(x, y\)"),
        ({"steps": 3, "validation_data": (X[:5], Y[:4])}, r"`validation_data` cannot be used.*x has 5, y has 4"),
    ],
)
def test_arguments_of_fit_are_checked(arguments, message):
    with pytest.raises(ValueError, match=message):
        Trainer(regressor()).fit(X, Y, **arguments)


@pytest.mark.parametrize(
    ("dataset", "arguments", "message"),
    [
        (batches(X, Y), {"steps": 1, "batch_size": 3}, r"brings its own `batch_size`"),
        (batches(X, Y, WEIGHTS), {"steps": 1, "class_weight": {0: 1.0}}, r"not both"),
        (batches(X, Y).repeat(), {"epochs": 1}, r"without end has no epochs"),
        (batches(X, Y).take(0), {"epochs": 1}, r"gave no batch"),
        (batches(X, Y).take(0), {"steps": 1}, r"gave no batch"),
        (batches(X).map(lambda x: x), {"epochs": 1}, r"must give batches \(x, y\)"),
    ],
)
def test_datasets_are_checked(dataset, arguments, message):
    with pytest.raises(ValueError, match=message):
        Trainer(regressor(normalize=False)).fit(dataset, **arguments, verbose=0)


def test_what_cannot_be_trained_is_refused():
    class OwnStep(keras.Model):
        def train_step(self, data):
            return {}

    with pytest.raises(TypeError, match=r"must be a keras\.Model\. Received: int"):
        Trainer(3)

    class OwnTest(keras.Model):
        def test_step(self, data):
            return {}

    for model, name in ((OwnStep(), "train_step"), (OwnTest(), "test_step")):
        with pytest.raises(ValueError, match=f"`{name}` of its own"):
            Trainer(model, optimizer="adam", loss="mse")
    with pytest.raises(ValueError, match=r"no optimizer and loss yet"):
        Trainer(regressor(compiled=False))
    with pytest.raises(ValueError, match=r"an optimizer and a loss, or neither"):
        Trainer(regressor(compiled=False), optimizer="adam")
    with pytest.raises(ValueError, match=r"`metrics` needs"):
        Trainer(regressor(), metrics=["mae"])
    with pytest.raises(ValueError, match=r"`jit_compile` must be"):
        Trainer(regressor(), jit_compile="yes")


def test_many_trainers_draw_no_warning_of_retracing(caplog):
    caplog.set_level("WARNING", "tensorflow")
    for _ in range(8):
        Trainer(regressor(), jit_compile=False).fit(X, Y, steps=1, validation_data=(X, Y), verbose=0)
    assert "retracing" not in caplog.text


@pytest.mark.parametrize("timesteps", [3, 4])
@pytest.mark.parametrize("how", ["ours by fit", "ours by Trainer", "Keras's by Trainer"])
def test_a_weight_a_row_weighs_all_its_steps(timesteps, how):
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=[4, timesteps, 2]), rng.normal(size=[4, timesteps, 1])  # four rows, and four steps
    weights = np.array([1.0, 2.0, 0.0, 5.0])
    if how.startswith("Keras"):
        model = keras.Sequential([keras.Input([timesteps, 2]), keras.layers.SimpleRNN(3, return_sequences=True)])
        model.add(keras.layers.Dense(1))
    else:
        model = SequenceRegressor(3, return_sequences=True, normalize=False)
    model.compile(keras.optimizers.SGD(0.0), "mse", weighted_metrics=["mae"])
    train = model.fit if how.endswith("fit") else Trainer(model, jit_compile=False).fit
    history = train(x, y, sample_weight=weights, epochs=1, batch_size=4, verbose=0).history
    errors = np.asarray(model(x.astype("float32"))) - y
    expected = (weights[:, None] * np.square(errors[..., 0])).mean()
    np.testing.assert_allclose(history["loss"][0], expected, rtol=1e-5)
    expected = (weights[:, None] * np.abs(errors[..., 0])).sum() / (weights.sum() * timesteps)
    np.testing.assert_allclose(history["mae"][0], expected, rtol=1e-5)
