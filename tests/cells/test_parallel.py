"""MinGRU, minLSTM and LRU cells: their equations in NumPy, one step at a time, and what they are made with."""

import inspect

import keras
import numpy as np
import pytest

from rnn_tf import RNN, LRUCell, MinGRUCell, MinLSTMCell

CELLS = {"mingru": MinGRUCell, "minlstm": MinLSTMCell, "lru": LRUCell}
FEATURES, UNITS = 3, 4


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def min_gru(x, h, kernel, bias):
    z, g = np.split(x @ kernel + bias, 2, axis=-1)
    z = sigmoid(z)
    h = (1 - z) * h + z * np.tanh(g)
    return h, h


def min_lstm(x, h, kernel, bias):
    f, i, g = np.split(x @ kernel + bias, 3, axis=-1)
    f, i = sigmoid(f), sigmoid(i)
    h = f / (f + i) * h + i / (f + i) * np.tanh(g)
    return h, h


def lru(x, h, kernel, bias, nu, phi, gamma, output_kernel, skip_kernel):
    radius = np.exp(-np.exp(nu))
    b = kernel[:, :UNITS] + 1j * kernel[:, UNITS:]
    c = output_kernel[:UNITS] - 1j * output_kernel[UNITS:]
    h = radius * np.exp(1j * np.exp(phi)) * h + np.exp(gamma) * (x @ b)
    return np.tanh((h @ c).real + x @ skip_kernel + bias), h


STEPS = {"mingru": min_gru, "minlstm": min_lstm, "lru": lru}


@pytest.mark.parametrize("name", CELLS)
def test_equations(name):
    """Step by step under Keras's RNN and all at once under ours, both against NumPy."""
    random = np.random.default_rng(0)
    x = random.normal(size=[2, 20, FEATURES])
    layers = [
        kind(CELLS[name](UNITS, "tanh", dtype="float64"), True, dtype="float64") for kind in (keras.layers.RNN, RNN)
    ]
    for layer in layers:
        layer.build(x.shape)
    weights = [random.normal(size=weight.shape) / 2 for weight in layers[0].get_weights()]
    h, expected = np.zeros([2, UNITS], complex if name == "lru" else float), []
    for t in range(20):
        output, h = STEPS[name](x[:, t], h, *weights)
        expected.append(output)
    for layer in layers:
        layer.set_weights(weights)
        np.testing.assert_allclose(layer(x), np.stack(expected, 1), atol=1e-12)


CONFIG = {
    "units": 4,
    "activation": "relu",
    "use_bias": False,
    "dropout": 0.25,
    "seed": 3,
    **{f"{weight}_initializer": "ones" for weight in ("kernel", "bias")},
    **{f"{weight}_regularizer": "l2" for weight in ("kernel", "bias")},
    **{f"{weight}_constraint": "non_neg" for weight in ("kernel", "bias")},
}
OWN = {"lru": {"r_min": 0.5, "r_max": 0.6, "max_phase": 1.0}}


@pytest.mark.parametrize("name", CELLS)
def test_config_keeps_every_argument(name):
    kind, arguments = CELLS[name], {**CONFIG, **OWN.get(name, {})}
    parameters = {one for base in kind.__mro__[:2] for one in inspect.signature(base.__init__).parameters}
    assert parameters - {"self", "kwargs"} == set(arguments)  # a new argument must be added here
    config = kind(**arguments).get_config()
    again = kind.from_config(config)
    assert again.get_config() == config
    assert not [key for key in config if key.startswith("recurrent_")]
    for key in ("units", "use_bias", "dropout", "seed", *OWN.get(name, {})):
        assert getattr(again, key) == arguments[key]
    again.build((None, 2))
    assert [weight.name for weight in again.weights][:1] == ["kernel"]
    assert "bias" not in {weight.name for weight in again.weights}


def test_an_lru_begins_on_a_ring_that_its_inputs_fill():
    cell = LRUCell(2000, r_min=0.5, r_max=0.9, max_phase=1.0)
    cell.build((None, 2))
    nu, phi, gamma = (np.asarray(weight, "float64") for weight in (cell.nu, cell.phi, cell.gamma))
    radius, phase = np.exp(-np.exp(nu)), np.exp(phi)
    assert 0.5 <= radius.min() < 0.52 < 0.88 < radius.max() <= 0.9
    assert np.mean(radius < np.sqrt((0.25 + 0.81) / 2)) == pytest.approx(0.5, abs=0.05)  # even over its area
    assert 0 < phase.min() < 0.02 < 0.98 < phase.max() <= 1
    np.testing.assert_allclose(np.exp(2 * gamma), 1 - radius**2, rtol=1e-4)
    assert abs(np.corrcoef(radius, phase)[0, 1]) < 0.1  # two draws


def test_gates_that_both_vanish_share_alike():
    """f / (f + i), taken as it stands, would be 0 / 0."""
    cell = MinLSTMCell(1, kernel_initializer="zeros", bias_initializer=lambda shape, dtype: [-200.0, -200.0, 1.0])
    output, _ = cell(np.zeros([1, 2], "float32"), [np.ones([1, 1], "float32") * 3])
    np.testing.assert_allclose(output, [[2.0]])


def test_half_precision_does_not_round_the_factors_of_an_lru():
    """With |λ| = 0.9999 rounded to 1, or to 0.9995, a unit would forget at another pace."""
    layers = [
        RNN(LRUCell(3, r_min=0.9998, r_max=0.9999, dtype=dtype), dtype=dtype) for dtype in ("float32", "mixed_float16")
    ]
    x = np.random.default_rng(0).normal(size=[1, 2000, 2]).astype("float32")
    for layer in layers:
        layer.build(x.shape)
    layers[1].set_weights(layers[0].get_weights())
    single, half = (np.asarray(layer(x), "float32") for layer in layers)
    np.testing.assert_allclose(half, single, atol=0.02 * np.abs(single).max())


def test_explains_that_all_steps_run_at_once():
    told = RNN(MinGRUCell(4)).explain([2, 1000, 3])
    assert "The kernel of MinGRUCell" in told
    assert "All steps in parallel: a blocked scan" in told
    assert "The mask is applied to the factors" in RNN(LRUCell(4)).explain([2, 1000, 3], mask=True)
    assert "A loop of one step a turn" in RNN(LRUCell(4)).explain([2, 1000, 3], jit_compile=True)


def test_a_keras_file_in_which_they_stand_loads(tmp_path):
    cells = [kind(3) for kind in CELLS.values()]
    model = keras.Sequential([keras.Input([None, 2]), keras.layers.Bidirectional(RNN(cells[0], return_sequences=True))])
    model.add(keras.layers.RNN(cells[1:]))  # StackedRNNCells
    model.save(tmp_path / "m.keras")
    x = np.random.default_rng(0).normal(size=[2, 9, 2]).astype("float32")
    np.testing.assert_allclose(keras.models.load_model(tmp_path / "m.keras")(x), model(x), atol=1e-6)


def test_a_stateful_layer_goes_on_where_it_was():
    x = np.random.default_rng(0).normal(size=[2, 10, 2]).astype("float32")
    layer = RNN(LRUCell(3), return_sequences=True, stateful=True)
    first, second = layer(x[:, :6]), layer(x[:, 6:])
    layer.reset_state()
    np.testing.assert_allclose(np.concatenate([first, second], 1), layer(x), atol=1e-5)
