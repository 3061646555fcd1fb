import inspect
import logging

import keras
import numpy as np
import pytest
import tensorflow as tf

from rnn_tf import ElmanCell, SequenceRegressor, Trainer

rng = np.random.default_rng(3)
X = rng.normal(300, 50, size=[48, 4, 2]).astype("float32")
Y = X.sum(axis=2)[:, -2:] * 0.5  # [48, 2]


def trained(x=X, y=Y, epochs=1, **arguments):
    arguments = {"units": 5, "horizon": y.shape[-1], **arguments}
    model = SequenceRegressor(**arguments)
    model.compile(optimizer=keras.optimizers.Adam(0.01), loss="mse", metrics=["mae"])
    model.fit(x, y, epochs=epochs, batch_size=16, verbose=0)
    return model


VARIANTS = {
    "elman": {},
    "gru": {"cell": "gru"},
    "lstm": {"cell": "lstm", "units": [5, 3]},
    "layers": {"units": [6, 4], "dropout": 0.1, "recurrent_dropout": 0.1},
    "own cell": {"units": None, "cell": ElmanCell(5, output_units=3)},
    "own cells": {"units": None, "cell": [keras.layers.GRUCell(4), keras.layers.SimpleRNNCell(3)]},
    "relative": {"relative": True},
    "half precision": {"dtype": "mixed_bfloat16"},
}


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_variant_trains_saves_and_loads(variant, tmp_path):
    arguments = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(VARIANTS[variant]))
    model = trained(**arguments)
    assert model.predict(X, verbose=0).shape == (48, 2)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(loaded.predict(X, verbose=0), model.predict(X, verbose=0), rtol=1e-6)
    assert loaded.evaluate(X, Y, verbose=0) == pytest.approx(model.evaluate(X, Y, verbose=0), rel=1e-5)
    states = model.hidden_states(X)
    assert [h.shape for h in states] == [(48, 4, layer.cell.units) for layer in model.encoder.layers]


def test_loads_in_a_fresh_process_after_importing_one_name(tmp_path, run_python):
    model = trained(units=[4, 3], cell="gru")
    model.save(tmp_path / "model.keras")
    np.save(tmp_path / "x.npy", X)
    printed = run_python(
        "from rnn_tf import SequenceRegressor\n"
        "import keras, numpy as np\n"
        f"model = keras.models.load_model({str(tmp_path / 'model.keras')!r})\n"
        f"np.save({str(tmp_path / 'y.npy')!r}, model.predict(np.load({str(tmp_path / 'x.npy')!r}), verbose=0))\n"
        "print(type(model) is SequenceRegressor)"
    )
    assert printed.strip() == "True"
    np.testing.assert_allclose(np.load(tmp_path / "y.npy"), model.predict(X, verbose=0), rtol=1e-6)


def test_answers_at_every_step():
    y = np.cumsum(X.sum(axis=2), axis=1)[..., np.newaxis]
    model = trained(y=y, return_sequences=True)
    answers = model.predict(X, verbose=0)
    assert answers.shape == (48, 4, 1)
    # the answer at step t does not know what comes after it
    np.testing.assert_allclose(model.predict(X[:, :3], verbose=0), answers[:, :3], rtol=1e-5)
    # the last of them is what a model with these weights answers without return_sequences
    last = SequenceRegressor(units=5)
    last.build((None, 4, 2))
    last.set_weights(model.get_weights())
    np.testing.assert_allclose(last.predict(X, verbose=0), answers[:, -1], rtol=1e-6)


@pytest.mark.parametrize("cell", ["elman", "gru", "lstm"])
def test_hidden_states_are_those_of_keras(cell):
    model = trained(units=[5, 3], cell=cell, epochs=3)
    states = model.hidden_states(X)
    z = model.field_in.scaling(X)
    for layer, hidden in zip(model.encoder.layers, states, strict=True):
        z = keras.layers.RNN(layer.cell, return_sequences=True)(z)
        np.testing.assert_allclose(hidden, z, atol=1e-6)
    answer = model.field_out.scaling(model.head(hidden[:, -1]), inverse=True)
    np.testing.assert_allclose(answer, model.predict(X, verbose=0), rtol=1e-5)


def test_hidden_states_of_a_cell_with_a_read_out_are_h_not_o():
    model = trained(units=None, cell=ElmanCell(5, output_units=3))
    (hidden,) = model.hidden_states(X)
    cell = model.encoder.layers[0].cell
    np.testing.assert_allclose(
        model.field_out.scaling(model.head(cell.read_out(hidden[:, -1])), inverse=True),
        model.predict(X, verbose=0),
        rtol=1e-5,
    )


def test_adapt_learns_mean_and_scale():
    model = SequenceRegressor(units=3, horizon=2)
    model.adapt(X, Y)
    flat = X.reshape(-1, 2).astype(np.float64)
    np.testing.assert_allclose(model.field_in.scaling.mean, flat.mean(axis=0), rtol=1e-6)
    np.testing.assert_allclose(model.field_in.scaling.scale, flat.std(axis=0), rtol=1e-6)
    np.testing.assert_allclose(model.field_out.scaling.mean, Y.mean(axis=0), rtol=1e-5)
    np.testing.assert_allclose(model.field_out.scaling.scale, Y.std(axis=0), rtol=1e-5)


def test_adapt_on_a_dataset_equals_adapt_on_arrays():
    models = [SequenceRegressor(units=3, horizon=2) for _ in range(2)]
    models[0].adapt(X, Y)
    models[1].adapt(tf.data.Dataset.from_tensor_slices((X, Y)).batch(13))
    for name in ("field_in", "field_out"):
        for a, b in zip(getattr(models[0], name).weights, getattr(models[1], name).weights, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-6)


def test_a_constant_feature_keeps_its_scale():
    x = X.copy()
    x[..., 1] = 1e6 / 3
    model = SequenceRegressor(units=3, horizon=2)
    model.adapt(x, Y)
    assert model.field_in.scaling.scale.numpy()[1] == 1


def test_units_of_measurement_do_not_matter():
    in_kelvin = trained(epochs=3)
    keras.utils.set_random_seed(0)
    in_millikelvin = trained(x=X * 1000, y=Y * 1000, epochs=3)
    np.testing.assert_allclose(
        in_millikelvin.predict(X * 1000, verbose=0), 1000 * in_kelvin.predict(X, verbose=0), rtol=1e-4
    )
    assert in_millikelvin.evaluate(X * 1000, Y * 1000, verbose=0, return_dict=True) == pytest.approx(
        {  # the loss is in standardized units, the metric in the target's own
            "loss": in_kelvin.evaluate(X, Y, verbose=0, return_dict=True)["loss"],
            "mae": 1000 * in_kelvin.evaluate(X, Y, verbose=0, return_dict=True)["mae"],
        },
        rel=1e-3,
    )


def test_fit_adapts_once_and_only_where_asked():
    model = trained()
    learned = model.field_in.scaling.mean.numpy()
    model.fit(X + 100, Y, verbose=0)
    np.testing.assert_array_equal(model.field_in.scaling.mean, learned)
    assert not trained(normalize=False).field_in.scaling.learned


@pytest.mark.parametrize("positional", [True, False])
def test_nothing_is_learned_from_validation_rows(positional):
    x = X.copy()
    x[36:] += 1000
    model = SequenceRegressor(units=3, horizon=2)
    model.compile(optimizer="adam", loss="mse")
    model.fit(
        x, Y, *([16, 1, 0, None, 0.25] if positional else []), **({} if positional else {"validation_split": 0.25})
    )
    np.testing.assert_allclose(model.field_in.scaling.mean, x[:36].mean(axis=(0, 1)), rtol=1e-6)


def test_relative_starts_from_persistence_and_follows_a_drift():
    model = SequenceRegressor(units=5, horizon=2, relative=True)
    model.compile(optimizer="adam", loss="mse")
    model.build((None, 4, 2))
    model.head.dense.kernel.assign(np.zeros([5, 2]))
    np.testing.assert_allclose(model.predict(X, verbose=0), np.repeat(X[:, -1:, 0], 2, axis=1))

    model = trained(relative=True, epochs=3)
    drift = np.array([500, 0], "float32")  # of the first feature only
    np.testing.assert_allclose(model.predict(X + drift, verbose=0), model.predict(X, verbose=0) + 500, rtol=1e-5)


def test_relative_targets_of_rank_one_and_integers():
    counts = (100 * Y[:, 0]).astype("int64")
    models = []
    for y in (counts, counts[:, np.newaxis].astype("float32")):
        keras.utils.set_random_seed(0)
        models.append(SequenceRegressor(units=5, relative=True))
        models[-1].compile(keras.optimizers.Adam(0.01), "mse")
        models[-1].fit(X, y, epochs=2, verbose=0)
    np.testing.assert_allclose(models[0].field_out.scaling.scale, np.std(counts - X[:, -1, 0]), rtol=1e-5)
    np.testing.assert_allclose(models[0].predict(X, verbose=0), models[1].predict(X, verbose=0), rtol=1e-5)


def test_nothing_is_learned_from_targets_of_the_wrong_shape():
    model = SequenceRegressor(units=3, horizon=2)
    model.compile("adam", "mse")
    with pytest.raises(ValueError, match="must have the shape of the model's answers"):
        model.fit(X, np.tile(Y, [1, 2]), verbose=0)
    assert not model.field_out.scaling.learned
    model.fit(X, Y, verbose=0)
    np.testing.assert_allclose(model.field_out.scaling.mean, Y.mean(axis=0), rtol=1e-5)


def test_what_keras_fit_takes_besides_arrays():
    class Batches(keras.utils.PyDataset):
        def __len__(self):
            return 3

        def __getitem__(self, i):
            return X[16 * i : 16 * (i + 1)], Y[16 * i : 16 * (i + 1)]

    model = SequenceRegressor(units=3, horizon=2)
    model.compile("adam", "mse")
    with pytest.raises(ValueError, match=r"in memory or a tf.data.Dataset. Received: x of type Batches"):
        model.fit(Batches(), verbose=0)
    model.adapt(X, Y)
    assert len(model.fit(Batches(), epochs=2, verbose=0).epoch) == 2
    model.fit(X.tolist(), Y.tolist(), verbose=0)


def test_rows_do_not_see_each_other():
    model = trained(cell="lstm", epochs=2)
    whole = model.predict(X, verbose=0)
    np.testing.assert_allclose(model.predict(X[7:8], verbose=0), whole[7:8], rtol=1e-5)
    np.testing.assert_allclose(model.predict(X[::-1], verbose=0), whole[::-1], rtol=1e-5)


@pytest.mark.parametrize("timesteps", [4, 20])  # unrolled, and in a loop
def test_padding_with_a_mask_equals_the_cut_sequence(timesteps):
    x = rng.normal(300, 50, size=[5, timesteps, 2]).astype("float32")
    model = trained(units=[4, 3])
    mask = np.arange(timesteps) < 3
    masked = model(x, mask=np.tile(mask, [5, 1]))
    np.testing.assert_allclose(masked, model(x[:, :3]), rtol=1e-5)


def test_targets_of_rank_one():
    a = trained(y=Y[:, :1], epochs=2)
    keras.utils.set_random_seed(0)
    b = SequenceRegressor(units=5)
    b.compile(optimizer=keras.optimizers.Adam(0.01), loss="mse", metrics=["mae"])
    b.fit(X, Y[:, 0], epochs=2, batch_size=16, verbose=0)
    np.testing.assert_allclose(a.predict(X, verbose=0), b.predict(X, verbose=0), rtol=1e-5)


def test_raw_units_survive_half_precision():
    x, y = X + 100_000, Y + 100_000  # beyond float16, and finer than its digits
    model = trained(x=x, y=y, epochs=30, dtype="mixed_float16")
    assert model.predict(x, verbose=0).dtype == np.float32
    assert model.evaluate(x, y, verbose=0, return_dict=True)["mae"] < Y.std()


CONFIG = {
    "units": [3, 2],
    "cell": "gru",
    "horizon": 6,
    "return_sequences": True,
    "activation": "relu",
    "dropout": 0.1,
    "recurrent_dropout": 0.2,
    "relative": True,
    "normalize": False,
    "shards": 3,
}


def test_config_keeps_every_argument():
    arguments = set(inspect.signature(SequenceRegressor.__init__).parameters) - {"self", "kwargs"}
    assert set(CONFIG) == arguments  # a new argument must be added here
    default = SequenceRegressor(1).get_config()
    for left_out in ("relative", "return_sequences"):  # these two exclude each other
        config = SequenceRegressor(**{**CONFIG, left_out: False}, name="model", dtype="float64").get_config()
        kept = dict(config)
        assert SequenceRegressor.from_config(config).get_config() == config == kept
        for name in arguments - {left_out}:
            assert config[name] != default[name], name
        assert (config["name"], config["dtype"]["config"]["name"]) == ("model", "float64")


SHARED = ElmanCell(3)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"units": 0}, r"`units` must be a positive integer. Received: units=0"),
        ({"units": 2.5}, r"`units` must be a positive integer. Received: units=2.5"),
        ({"units": [4, 0]}, r"`units` must be a positive integer. Received: units=0"),
        ({"units": []}, r"`units` must name at least one layer"),
        ({}, r"`units` must be a positive integer. Received: units=None"),
        ({"units": 4, "horizon": 0}, r"`horizon` must be a positive integer"),
        ({"units": 4, "cell": "elmann"}, r"`cell` must be one of 'elman', 'gru', 'lstm', .*'lru', or a Keras cell"),
        ({"units": 4, "activation": "tahn"}, r"`activation` must be .* Received: activation='tahn'"),
        ({"units": 4, "cell": ElmanCell(3)}, r"A cell of your own has its own size"),
        ({"cell": ElmanCell(3), "dropout": 0.5}, r"A cell of your own has its own size"),
        ({"cell": []}, r"`cell` must be"),
        ({"cell": [SHARED, SHARED]}, r"a cell of its own"),
        ({"cell": keras.layers.Dense}, r"`cell` must be"),
        ({"units": 4, "relative": True, "return_sequences": True}, r"`relative` needs the last value"),
    ],
)
def test_arguments_are_checked(arguments, message):
    with pytest.raises(ValueError, match=message):
        SequenceRegressor(**arguments)


NAN = X.copy()
NAN[5, 2, 1] = np.nan


@pytest.mark.parametrize("way", ["fit", "Trainer"])
@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        (X[:, :, 0], Y, r"shape \[batch, timesteps, features\]. Received: shape \(.*4\).* x\[..., None\]"),
        (NAN, Y, r"`x` must be finite. Received: NaN or infinity in 1 of 384 values, the first at index \(5, 2, 1\)"),
        (X, np.where(Y > 300, np.inf, Y), r"`y` must be finite"),
        (X, Y[:-1], r"same number of rows. Received: x has 48, y has 47"),
        (X[:0], Y[:0], r"`x` must have at least one row. Received: shape \(0, 4, 2\)"),
        (X, Y[:, :1], r"`y` must have the shape of the model's answers, \[batch, horizon\]"),
        (X, None, r"needs targets"),
        (np.array([["a"]]), Y, r"`x` must hold numbers"),
        ([[[1.0], [2.0]], [3.0]], Y[:2], r"A list of sequences must hold arrays \[timesteps, features\]"),
        (X > 300, Y, r"`x` must hold numbers, .* Received: booleans"),
        (np.array([["1.5", "2"]]), Y[:1], r"`x` must hold numbers, .* Received: texts"),
    ],
)
def test_data_are_checked(way, x, y, message):
    model = SequenceRegressor(units=3, horizon=2)
    model.compile(optimizer="adam", loss="mse")
    with pytest.raises(ValueError, match=message):
        model.fit(x, y, verbose=0) if way == "fit" else Trainer(model).fit(x, y, steps=1, verbose=0)


def test_a_changed_number_of_features_is_refused():
    model = trained()
    for call in (model, model.hidden_states, lambda x: model.predict(x, verbose=0)):
        with pytest.raises(
            ValueError, match=r"built for sequences of shape \[batch, timesteps, 2\]. Received: shape \(.*4, 1\)"
        ):
            call(X[:, :, :1])


def test_adapt_refuses_endless_and_empty_datasets():
    dataset = tf.data.Dataset.from_tensor_slices((X, Y)).batch(8)
    with pytest.raises(ValueError, match="finite dataset"):
        SequenceRegressor(units=3, horizon=2).adapt(dataset.repeat())
    with pytest.raises(ValueError, match="at least one batch"):
        SequenceRegressor(units=3, horizon=2).adapt(dataset.take(0))


def test_relative_refuses_a_mask():
    with pytest.raises(ValueError, match="which value is the last"):
        trained(relative=True)(X, mask=np.ones([48, 4], bool))


@pytest.mark.parametrize("relative", [False, True])
@pytest.mark.parametrize("steps", [1, 3, 8])
def test_forecast_reads_its_own_answers(relative, steps):
    series = np.sin(np.arange(60, dtype="float32"))
    model = SequenceRegressor(units=4, horizon=3, relative=relative)
    model.compile(optimizer="adam", loss="mse")
    model.fit(np.stack([series[i : i + 5, np.newaxis] for i in range(50)]), np.ones([50, 3]), verbose=0)
    latest = np.stack([series[:5], series[20:25]])  # [2, 5]
    expected = latest
    for _ in range(3):
        expected = np.concatenate([expected, model.predict(expected[:, -5:, np.newaxis], verbose=0)], axis=1)
    forecast = model.forecast(latest[..., np.newaxis], steps=steps)
    np.testing.assert_allclose(forecast, expected[:, 5 : 5 + steps], atol=1e-5)
    assert forecast.dtype == np.float32


def test_forecast_refuses_what_it_cannot_read_again():
    one = SequenceRegressor(units=3)
    with pytest.raises(ValueError, match="`forecast` needs a built model"):
        one.forecast(X[..., :1], 3)
    one.build([None, 4, 1])
    with pytest.raises(ValueError, match=r"`steps` must be a positive integer. Received: steps=0"):
        one.forecast(X[..., :1], 0)
    with pytest.raises(ValueError, match=r"x\[None\] for one sequence"):
        one.forecast(X[0, :, :1], 3)
    with pytest.raises(ValueError, match=r"must continue the one feature.* a model of 2 features"):
        trained().forecast(X, 3)
    at_every_step = SequenceRegressor(units=3, return_sequences=True)
    at_every_step.build([None, 4, 1])
    with pytest.raises(ValueError, match="return_sequences=True"):
        at_every_step.forecast(X[..., :1], 3)


def test_hidden_states_need_weights():
    with pytest.raises(ValueError, match="needs a built model"):
        SequenceRegressor(units=3).hidden_states(X)


def test_forecasts_are_traced_once_for_each_number_of_steps():
    model = SequenceRegressor(units=2)
    model.build([None, 6, 1])
    x = rng.normal(size=[3, 8, 1])
    first = model.forecast(x[:, :6], steps=4)
    for rows in (1, 2, 3):
        for steps in (1, 5):
            model.forecast(x[:rows, :6], steps=steps)
    assert model._compiled().experimental_get_tracing_count() == 1
    model.forecast(x, steps=2)
    assert model._compiled().experimental_get_tracing_count() == 2
    model.head.dense.bias.assign([1.0])  # what is trained later is seen
    np.testing.assert_allclose(model.forecast(x[:, :6], steps=1), first[:, :1] + 1, rtol=1e-5)


def test_many_models_draw_no_warning_of_retracing():
    messages = []
    handler = logging.Handler()
    handler.emit = lambda record: messages.append(record.getMessage())
    logger, level = tf.get_logger(), tf.get_logger().level
    logger.addHandler(handler)
    logger.setLevel("WARNING")
    try:
        for _ in range(8):
            model = trained(units=2)
            model.predict(X, verbose=0)
            model.evaluate(X, Y, verbose=0)
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)
    assert messages == []


@pytest.mark.parametrize("relative", [True, False])
@pytest.mark.parametrize("shape", [(3, 4), (3, 4, 3), (3, 4, 2, 1)])
def test_a_call_on_other_shapes_says_what_it_takes(relative, shape):
    model = SequenceRegressor(units=2, relative=relative)
    model.build([None, 4, 2])
    with pytest.raises(ValueError, match=r"SequenceRegressor .* of shape \[batch, timesteps, (features|2)\]. Received"):
        model(np.ones(shape, "float32"))
