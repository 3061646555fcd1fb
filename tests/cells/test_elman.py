import inspect

import keras
import numpy as np
import pytest
import tensorflow as tf

from rnn_tf import ElmanCell

MODES = {
    "eager": lambda function: function,
    "graph": tf.function,
    "xla": lambda function: tf.function(function, jit_compile=True),
}


def sequences(batch=5, timesteps=6, features=3, dtype="float32"):
    return np.random.default_rng(1).normal(size=[batch, timesteps, features]).astype(dtype)


def randomize(layer, scale=0.4):
    """Weights without zeros, so that no term of the equation can be missing unnoticed."""
    random = np.random.default_rng(2)
    layer.set_weights([scale * random.normal(size=weight.shape) for weight in layer.get_weights()])
    return layer


def reference(x, weights, output=True):
    """The equations in float64, one row and one step at a time."""
    kernel, recurrent_kernel, bias, *rest = (np.asarray(weight, np.float64) for weight in weights)
    outputs = np.zeros([*x.shape[:2], rest[0].shape[1] if output else len(bias)])
    for i, sequence in enumerate(x.astype(np.float64)):
        h = np.zeros(len(bias))
        for t, x_t in enumerate(sequence):
            h = np.tanh(recurrent_kernel.T @ h + kernel.T @ x_t + bias)
            outputs[i, t] = 1 / (1 + np.exp(-(rest[0].T @ h + rest[1]))) if output else h
    return outputs


@pytest.mark.parametrize("mode", MODES)
def test_equals_a_float64_reference(mode):
    layer = keras.layers.RNN(ElmanCell(4, output_units=2, output_activation="sigmoid"), return_sequences=True)
    x = sequences()
    layer.build(x.shape)
    randomize(layer)
    np.testing.assert_allclose(MODES[mode](layer)(x), reference(x, layer.get_weights()), atol=1e-6)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("dropout", [0.0, 0.5])
@pytest.mark.parametrize("arguments", [{}, {"activation": "relu", "use_bias": False}])
def test_equals_keras_simple_rnn_cell(mode, dropout, arguments):
    x = sequences()
    arguments = {**arguments, "dropout": dropout, "recurrent_dropout": dropout / 2, "seed": 3}
    outputs = []
    for cell in (ElmanCell(4, **arguments), keras.layers.SimpleRNNCell(4, **arguments)):
        layer = keras.layers.RNN(cell, return_sequences=True)
        layer.build(x.shape)
        randomize(layer)
        outputs.append(MODES[mode](lambda x, layer=layer: layer(x, training=True))(x))
    np.testing.assert_allclose(*outputs, atol=1e-6)
    if dropout:  # the masks are at work
        assert np.abs(outputs[0] - layer(x, training=False)).max() > 0.01


@pytest.mark.parametrize("mode", MODES)
def test_gradients_equal_finite_differences(mode):
    cell = ElmanCell(3, output_units=2, output_activation="tanh", dtype="float64")
    layer = keras.layers.RNN(cell, return_sequences=True, dtype="float64")
    x = tf.constant(sequences(2, 4, 2, "float64"))
    state = tf.constant(0.3 * sequences(2, 1, 3, "float64")[:, 0])
    layer.build(x.shape)
    randomize(layer)
    places = [x, state, *layer.trainable_variables]

    @MODES[mode]
    def gradients():
        with tf.GradientTape() as tape:
            tape.watch([x, state])
            loss = tf.reduce_sum(layer(x, initial_state=[state]) ** 2)
        return tape.gradient(loss, [x, state, *[v.value for v in layer.trainable_variables]])

    def loss_with(place, value):
        if place is x or place is state:
            inputs, start = (value, state) if place is x else (x, value)
            return float(tf.reduce_sum(layer(inputs, initial_state=[start]) ** 2))
        kept = place.numpy()
        place.assign(value)
        loss = float(tf.reduce_sum(layer(x, initial_state=[state]) ** 2))
        place.assign(kept)
        return loss

    for place, gradient in zip(places, gradients(), strict=True):
        value = place.numpy().copy()
        numeric = np.zeros_like(value)
        for index in np.ndindex(value.shape):
            shift = np.zeros_like(value)
            shift[index] = 1e-6
            numeric[index] = (loss_with(place, value + shift) - loss_with(place, value - shift)) / 2e-6
        np.testing.assert_allclose(gradient, numeric, rtol=1e-4, atol=1e-4 * np.abs(numeric).max())


def test_whole_sequence_projection_equals_step_by_step():
    cell = ElmanCell(4, dropout=0.5, seed=1)
    x = keras.ops.convert_to_tensor(sequences())
    cell.build(x.shape)
    randomize(cell)
    whole = cell.project(x, training=True)
    steps = np.stack([cell.project(x[:, t], training=True) for t in range(x.shape[1])], axis=1)
    np.testing.assert_allclose(whole, steps, atol=1e-6)


def test_call_is_project_advance_read_out():
    cell = ElmanCell(4, output_units=2)
    x, h = sequences()[:, 0], sequences(features=4)[:, 0]
    output, states = cell(x, [h])
    expected = cell.advance(cell.project(x), [h])
    np.testing.assert_array_equal(states[0], expected[0])
    np.testing.assert_array_equal(output, cell.read_out(expected))
    assert isinstance(cell(x, h)[1], tf.Tensor)  # a state alone comes back alone


def test_weights_of_a_keras_simple_rnn_fit():
    x = sequences()
    simple = randomize(_built(keras.layers.SimpleRNN(4, return_sequences=True), x))
    layer = _built(keras.layers.RNN(ElmanCell(4), return_sequences=True), x)
    layer.set_weights(simple.get_weights())
    np.testing.assert_allclose(layer(x), simple(x), atol=1e-6)
    assert [weight.name for weight in layer.weights] == ["kernel", "recurrent_kernel", "bias"]


def _built(layer, x):
    layer.build(x.shape)
    return layer


def test_read_out_shares_the_arguments_of_kernel_and_bias():
    cell = ElmanCell(
        4,
        output_units=4,
        kernel_initializer="random_normal",
        bias_initializer="random_normal",
        kernel_regularizer="l2",
        kernel_constraint="non_neg",
    )
    cell.build((None, 4))
    assert len(cell.losses) == 2
    assert cell.output_kernel.constraint is not None
    # ... but not the random numbers themselves
    assert not np.array_equal(cell.kernel, cell.output_kernel)
    assert not np.array_equal(cell.bias, cell.output_bias)
    assert ElmanCell(4, output_units=2, use_bias=False).use_bias is False


@pytest.mark.parametrize("mode", MODES)
def test_padding_with_a_mask_equals_the_cut_sequence(mode):
    x = sequences(timesteps=6)
    layer = _built(keras.layers.RNN(ElmanCell(4, output_units=2)), x)
    mask = np.arange(6) < np.array([6, 4, 1, 3, 6])[:, np.newaxis]
    masked = MODES[mode](lambda x, mask: layer(x, mask=mask))(x, mask)
    for i, length in enumerate(mask.sum(axis=1)):
        np.testing.assert_allclose(masked[i : i + 1], layer(x[i : i + 1, :length]), atol=1e-6)


def test_state_goes_in_and_comes_out():
    x = sequences(timesteps=6)
    layer = keras.layers.RNN(ElmanCell(4, output_units=2), return_state=True)
    whole, final = layer(x)
    _, half = layer(x[:, :3])
    rest, end = layer(x[:, 3:], initial_state=half)
    np.testing.assert_allclose(rest, whole, atol=1e-6)
    np.testing.assert_allclose(end, final, atol=1e-6)


def test_in_bidirectional_and_stacked():
    x = sequences()
    both = keras.layers.Bidirectional(keras.layers.RNN(ElmanCell(4, output_units=2), return_sequences=True))
    output = both(x)
    backward = keras.ops.flip(both.backward_layer(x), axis=1)
    np.testing.assert_allclose(output, np.concatenate([both.forward_layer(x), backward], axis=-1), atol=1e-6)

    stacked = keras.layers.RNN([ElmanCell(4, output_units=2), ElmanCell(5)])
    output = stacked(x)
    first, second = stacked.cell.cells
    lower = keras.layers.RNN(first, return_sequences=True)(x)
    np.testing.assert_allclose(output, keras.layers.RNN(second)(lower), atol=1e-6)


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16", "float64"])
def test_dtype_policies(policy):
    x = sequences()
    layer = keras.layers.RNN(ElmanCell(4, output_units=2, dtype=policy), dtype=policy)
    output = layer(x)
    policy = keras.DTypePolicy(policy)
    assert output.dtype == policy.compute_dtype
    assert {weight.dtype for weight in layer.weights} == {policy.variable_dtype}
    exact = keras.layers.RNN(ElmanCell(4, output_units=2))
    exact.build(x.shape)
    exact.set_weights(layer.get_weights())
    np.testing.assert_allclose(keras.ops.cast(output, "float32"), exact(x), atol=0.05)


CONFIG = {
    "units": 7,
    "activation": "relu",
    "use_bias": False,
    "kernel_initializer": "he_normal",
    "recurrent_initializer": "glorot_normal",
    "bias_initializer": "ones",
    "kernel_regularizer": "l1",
    "recurrent_regularizer": "l2",
    "bias_regularizer": "l1",
    "kernel_constraint": "non_neg",
    "recurrent_constraint": "unit_norm",
    "bias_constraint": "non_neg",
    "dropout": 0.1,
    "recurrent_dropout": 0.2,
    "seed": 5,
    "output_units": 3,
    "output_activation": "sigmoid",
}


def test_config_keeps_every_argument():
    arguments = {
        name
        for cls in (ElmanCell, keras.layers.SimpleRNNCell)
        for name, parameter in inspect.signature(cls.__init__).parameters.items()
        if parameter.kind is not inspect.Parameter.VAR_KEYWORD and name != "self"
    }
    assert set(CONFIG) == arguments  # a new argument must be added here
    config = ElmanCell(**CONFIG, name="cell", dtype="float64").get_config()
    assert ElmanCell.from_config(config).get_config() == config
    default = ElmanCell(1).get_config()
    for name in arguments:
        assert config[name] != default[name], name
    assert (config["name"], config["dtype"]["config"]["name"]) == ("cell", "float64")


@pytest.mark.parametrize("units", [0, -1, 2.5, True, "4", None])
def test_sizes_must_be_positive_integers(units):
    with pytest.raises(ValueError, match=r"`units` must be a positive integer. Received: units="):
        ElmanCell(units)
    if units is not None:
        with pytest.raises(ValueError, match=r"`output_units` must be a positive integer"):
            ElmanCell(4, output_units=units)


def test_unknown_activations_are_refused():
    with pytest.raises(ValueError, match=r"`activation` must be .* Received: activation='tahn'"):
        ElmanCell(4, activation="tahn")
    with pytest.raises(ValueError, match="`output_activation` must be"):
        ElmanCell(4, output_activation="tahn")


def test_other_features_than_built_for_are_refused():
    cell = ElmanCell(2)
    layer = keras.layers.RNN(cell)
    layer.build([None, 7, 3])
    message = r"ElmanCell was built for inputs of shape \[batch, 3\]. Received: shape \(5, 4\)"
    with pytest.raises(ValueError, match=message):
        cell(np.zeros([5, 4]), np.zeros([5, 2]))
    with pytest.raises(ValueError, match=message):
        layer(np.zeros([5, 7, 4]))


def test_the_number_of_features_must_be_known():
    with pytest.raises(ValueError, match=r"number of features .* Received: input shape \(None, None\)"):
        ElmanCell(4).build((None, None))
