"""implementation="kernel" runs the kernel or nothing; and every call takes the way that `explain` tells."""

import itertools
import re

import keras
import numpy as np
import pytest
import tensorflow as tf

from rnn_tf import RNN, ElmanCell, LRUCell, MinGRUCell, export_saved_model
from rnn_tf._exporting import for_export

rng = np.random.default_rng(0)
CELLS = {
    "elman": lambda **a: ElmanCell(3, **a),
    "simple": lambda **a: keras.layers.SimpleRNNCell(3, **a),
    "lstm": lambda **a: keras.layers.LSTMCell(3, **a),
    "gru": lambda **a: keras.layers.GRUCell(3, **a),
    "lru": lambda **a: LRUCell(3, **a),
}


class Derived(keras.layers.GRUCell):
    pass


def learned():
    scale = tf.Variable(1.5)
    return lambda z: tf.tanh(scale * z)


@pytest.fixture
def taken(monkeypatch):
    """The ways that calls took, in their order."""
    ways = []
    for way, owner, name in [
        ("kernel", RNN, "_kernel"),
        ("chunked", RNN, "_chunked"),
        ("reference", keras.layers.RNN, "inner_loop"),
    ]:
        original = getattr(owner, name)

        def spy(self, *arguments, way=way, original=original):
            ways.append(way)
            return original(self, *arguments)

        monkeypatch.setattr(owner, name, spy)
    return ways


WAYS = ["eager", "graph", "xla", "export"]
LINES = {"kernel": "The kernel of", "chunked": "The chunked loop", "reference": "Keras's own loop"}


@pytest.mark.parametrize("implementation", ["auto", "kernel", "chunked", "reference"])
@pytest.mark.parametrize("name", [*CELLS, "derived", "stacked", "learned", "types"])
def test_takes_the_way_that_it_explains(name, implementation, taken):
    make = {
        **CELLS,
        "derived": lambda: Derived(3),
        "stacked": lambda: [keras.layers.GRUCell(3), ElmanCell(3)],
        "learned": lambda: keras.layers.GRUCell(3, activation=learned()),
        "types": lambda: keras.layers.GRUCell(3, dtype="float64"),
    }[name]
    if implementation == "kernel" and name not in (*CELLS, "stacked"):
        with pytest.raises(
            ValueError, match=r"Received: implementation='kernel' with .* set implementation='auto'\.|Set"
        ):
            RNN(make(), implementation=implementation)
        return
    x = tf.constant(rng.normal(size=[4, 3, 2]).astype("float32"))
    mask = tf.constant([[True] * 3, [True, True, False]] * 2)
    for masked, training, how in itertools.product([False, True], [False, True], WAYS):
        if how == "xla" and masked:  # which takes long
            continue
        layer = RNN(make(), implementation=implementation)
        layer.build([None, 3, 2])
        call = lambda x, mask: layer(x, mask=mask, training=training)  # noqa: B023, E731 # called in this turn
        if how in ("graph", "xla"):
            call = tf.function(call, jit_compile=how == "xla")
        taken.clear()
        if how == "export":
            with for_export():
                told = layer.explain([4, 3, 2], mask=masked, training=training)
                tf.function(call)(x, mask if masked else None)
        else:
            told = layer.explain([4, 3, 2], mask=masked, training=training, jit_compile=how == "xla")
            call(x, mask if masked else None)
        assert set(taken) == {way for way, line in LINES.items() if f"\n- {line}" in told}, (masked, training, how)
        assert implementation == "auto" or set(taken) == {implementation}


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda **a: RNN(Derived(3), **a),
            "There are kernels for the cells of rnn_tf.*with Derived. Set implementation",
        ),
        (lambda **a: RNN([ElmanCell(3), MinGRUCell(2)], **a), "do not run in parallel.*with StackedRNNCells. Set"),
        (lambda **a: RNN([ElmanCell(3), Derived(2)], **a), "There are kernels for .*with StackedRNNCells. Set"),
        (lambda **a: RNN([ElmanCell(3), ElmanCell(2, dtype="float64")], **a), "in float32, its cell in float64"),
        (lambda **a: RNN(keras.layers.LSTMCell(3, activation=learned()), **a), "variables of an activation"),
        (lambda **a: RNN(keras.layers.GRUCell(3, recurrent_activation=learned()), **a), "variables of an activation"),
        (lambda **a: RNN(ElmanCell(3, activation=keras.layers.PReLU()), **a), "variables of an activation"),
        (lambda **a: RNN(keras.layers.LSTMCell(3), dtype="float64", **a), "computes in float64, its cell in float32"),
        (lambda **a: RNN(ElmanCell(3, dtype="mixed_float16"), **a), "computes in float32, its cell in float16"),
    ],
)
def test_is_refused_where_it_is_made_and_the_advice_works(make, message):
    with pytest.raises(ValueError, match=re.sub(r"\.(?=[ '])", r"\.", message)):
        make(implementation="kernel")
    layer = make(implementation="auto")
    assert layer(np.ones([2, 4, 2], "float32")).shape == (
        2,
        layer.units if hasattr(layer, "units") else layer.state_size[-1],
    )
    assert "The chunked loop" in layer.explain([2, 4, 2])


def test_is_refused_where_the_type_changes_later():
    layer = RNN(keras.layers.GRUCell(3), implementation="kernel")
    layer.dtype_policy = keras.DTypePolicy("float64")
    for call in (lambda: layer(np.ones([2, 4, 2])), lambda: layer.explain([2, 4, 2])):
        with pytest.raises(ValueError, match=r"computes in one type.*float64, its cell in float32"):
            call()


def test_explain_refuses_what_a_call_refuses():
    layer = RNN(keras.layers.GRUCell(3), implementation="kernel")
    with pytest.raises(ValueError, match=r"A kernel takes sequences \[batch, timesteps, features\].*rank 4"):
        layer.explain([2, 4, 5, 2])


def test_a_saved_layer_asks_again(tmp_path):
    model = keras.Sequential(
        [keras.Input([4, 2]), keras.layers.Bidirectional(RNN(ElmanCell(3), implementation="kernel"))]
    )
    model.save(tmp_path / "m.keras")
    inner = keras.models.load_model(tmp_path / "m.keras").layers[0]
    assert (inner.forward_layer.implementation, inner.backward_layer.implementation) == ("kernel", "kernel")
    config = RNN(ElmanCell(3), implementation="kernel").get_config()
    config["cell"] = keras.saving.serialize_keras_object(Derived(3))
    with pytest.raises(ValueError, match="There are kernels for"):
        RNN.from_config(config, {"Derived": Derived})


@pytest.mark.parametrize("activation", ["closure", "keras variable", "PReLU"])
@pytest.mark.parametrize("name", CELLS)
def test_variables_of_an_activation_get_their_gradient(name, activation):
    gradients = []
    x = tf.constant(rng.normal(size=[4, 3, 2]).astype("float32"))
    for implementation in ("auto", "reference"):
        keras.utils.set_random_seed(0)
        if activation == "PReLU":
            function = keras.layers.PReLU(alpha_initializer="ones")
            function.build([None, 3])
            variable = function.alpha.value
        else:
            variable = tf.Variable(1.5) if activation == "closure" else keras.Variable(1.5).value
            function = lambda z, variable=variable: tf.tanh(variable * z)  # noqa: E731
        layer = RNN(CELLS[name](activation=function), implementation=implementation)

        @tf.function
        def gradient(layer=layer, variable=variable):
            with tf.GradientTape() as tape:
                loss = tf.reduce_sum(layer(x) ** 2)
            return tape.gradient(loss, variable)

        layer.build([None, 3, 2])
        gradients.append(gradient())
    np.testing.assert_allclose(*gradients, rtol=1e-5)
    assert np.abs(gradients[0]).min() > 0


def test_an_activation_without_variables_keeps_the_kernel():
    for activation in ("gelu", keras.layers.LeakyReLU(0.2), lambda z: tf.tanh(1.5 * z)):
        assert "The kernel of" in RNN(keras.layers.LSTMCell(3, activation=activation)).explain([2, 4, 2])


@pytest.mark.parametrize("implementation", ["auto", "kernel", "chunked", "reference"])
@pytest.mark.parametrize(
    ("sequences", "message"),
    [
        (lambda x: tf.RaggedTensor.from_tensor(x, lengths=[1, 3]), r"Received: a RaggedTensor. Pad"),
        (lambda x: tf.complex(x, x), "sequences of complex64"),
        (lambda x: tf.as_string(x), "sequences of string"),
    ],
)
def test_sequences_that_are_no_numbers_are_refused(sequences, message, implementation):
    layer, x = RNN(ElmanCell(3), implementation=implementation), tf.constant(rng.normal(size=[2, 4, 2]), tf.float32)
    with pytest.raises(ValueError, match=message):
        layer(sequences(x))
    with pytest.raises(ValueError, match=message):
        tf.function(layer)(sequences(x))


def test_what_the_refusals_advise():
    layer, x = RNN(ElmanCell(3)), tf.constant(rng.normal(size=[2, 4, 2]), tf.float32)
    ragged = tf.RaggedTensor.from_tensor(x, lengths=[1, 3])
    answer = layer(ragged.to_tensor(), mask=tf.sequence_mask(ragged.row_lengths()))
    np.testing.assert_allclose(answer[0], layer(x[:1, :1])[0], atol=1e-6)
    np.testing.assert_allclose(answer[1], layer(x[1:, :3])[0], atol=1e-6)
    z = tf.complex(x, 2 * x)
    assert RNN(ElmanCell(3))(tf.concat([tf.math.real(z), tf.math.imag(z)], -1)).shape == (2, 3)


def test_second_derivatives_of_a_model_that_is_there():
    model = keras.Sequential([keras.Input([4, 2]), RNN(keras.layers.GRUCell(3), implementation="kernel")])
    x, layer = tf.constant(rng.normal(size=[2, 4, 2]), tf.float32), model.layers[0]

    def second():
        with tf.GradientTape() as outer:
            outer.watch(x)
            with tf.GradientTape() as inner:
                inner.watch(x)
                y = tf.reduce_sum(model(x) ** 2)
            first = inner.gradient(y, x)
        return outer.gradient(first, x)

    with pytest.raises(NotImplementedError, match=r"layer\.implementation = 'reference'"):
        second()
    before = model(x).numpy()
    layer.implementation = "reference"
    assert np.abs(second()).max() > 0
    np.testing.assert_allclose(model(x), before, atol=1e-6)


@pytest.mark.parametrize("dtype", ["float64", "float16", "int32"])
def test_states_of_another_type(dtype):
    x, states = rng.normal(size=[2, 4, 2]).astype("float32"), [tf.ones([2, 3], dtype)] * 2
    layers = [RNN(keras.layers.LSTMCell(3), implementation=one) for one in ("kernel", "reference")]
    for layer in layers:
        layer.build([None, 4, 2])
    layers[1].set_weights(layers[0].get_weights())
    answers = [layer(x, initial_state=states) for layer in layers]
    np.testing.assert_allclose(*answers, atol=1e-6)


class Wired(keras.layers.Layer):
    def __init__(self, wiring):
        super().__init__()
        self.wiring = wiring

    @property
    def state_size(self):
        return self.wiring.units

    def call(self, x, states):
        return x, states


class Lazy(keras.layers.Layer):
    @property
    def state_size(self):
        raise RuntimeError("build me first")

    def call(self, x, states):
        return x, states


@pytest.mark.parametrize("wrap", [lambda cell: cell, lambda cell: [cell], lambda cell: [ElmanCell(2), cell]])
def test_an_error_in_a_property_of_a_cell_is_told_as_it_is(wrap):
    with pytest.raises(AttributeError, match="has no attribute 'units'"):
        RNN(wrap(Wired({"units": 4})))
    with pytest.raises(RuntimeError, match="build me first"):
        RNN(wrap(Lazy()))


@pytest.mark.parametrize("cell", [lambda: keras.layers.LSTMCell(3), lambda: [ElmanCell(3), keras.layers.LSTMCell(2)]])
def test_a_kernel_is_exported(cell, tmp_path, in_this_process):
    model = keras.Sequential([keras.Input([4, 2], name="x"), RNN(cell(), implementation="kernel")])
    assert export_saved_model(model, tmp_path / "m").endswith("1")
