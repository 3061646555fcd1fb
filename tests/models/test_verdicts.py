"""What was right, and has to stay so, where people rely on it without a line in the documentation."""

import keras
import numpy as np

from rnn_tf import RNN, SequenceRegressor, Trainer

rng = np.random.default_rng(4)
X = rng.normal(size=[16, 6, 2]).astype("float32")
Y = X.sum(axis=(1, 2))[:, None]


def test_dropout_that_is_left_on_for_uncertainty(tmp_path):
    model = SequenceRegressor(units=8, cell="gru", dropout=0.5)
    model.compile("adam", "mse")
    model.fit(X, Y, epochs=1, verbose=0)
    draws = np.stack([model(X, training=True) for _ in range(20)])
    assert draws.std(axis=0).min() > 0
    np.testing.assert_array_equal(model(X), model(X))
    inputs = keras.Input([6, 2])
    outer = keras.Model(inputs, model(inputs, training=True))  # a model that always draws
    outer.save(tmp_path / "outer.keras")
    loaded = keras.models.load_model(tmp_path / "outer.keras")
    assert np.std([loaded(X) for _ in range(5)], axis=0).min() > 0


def test_lengths_that_vary_are_not_traced_each():
    model = keras.Sequential([keras.Input([None, 2]), RNN(keras.layers.GRUCell(4)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    traces = []
    layer = model.layers[0]
    inner_loop = layer.inner_loop

    def counted(*arguments, **named):
        traces.append(1)
        return inner_loop(*arguments, **named)

    layer.inner_loop = counted
    for steps in range(3, 12):
        model.train_on_batch(X[:, :1].repeat(steps, axis=1), Y)
        model.predict_on_batch(X[:, :1].repeat(steps, axis=1))
    assert len(traces) <= 6  # two or three for each of the two functions


def test_weights_for_each_step():
    def trained(fit, **arguments):
        keras.utils.set_random_seed(0)
        model = keras.Sequential(
            [keras.Input([6, 2]), RNN(keras.layers.GRUCell(3), return_sequences=True), keras.layers.Dense(1)]
        )
        model.compile("sgd", "mse")
        fit(model)(X, X.sum(axis=2, keepdims=True), epochs=2, batch_size=4, shuffle=False, verbose=0, **arguments)
        return np.concatenate([weight.ravel() for weight in model.get_weights()])

    weights = rng.random([16, 6]).astype("float32")
    ours = trained(lambda model: Trainer(model, jit_compile=False).fit, sample_weight=weights)
    np.testing.assert_allclose(ours, trained(lambda model: model.fit, sample_weight=weights), atol=1e-6)
    assert np.abs(ours - trained(lambda model: model.fit)).max() > 1e-3
