import keras
import numpy as np
import pytest
import tensorflow as tf

from rnn_tf import RNN, accelerate
from rnn_tf.layers import acceleration as module

layers = keras.layers
rng = np.random.default_rng(4)


def classifier():
    """The text recipe of two bidirectional layers on padded ids."""
    return keras.Sequential(
        [
            keras.Input([None], dtype="int32"),
            layers.Embedding(50, 4, mask_zero=True, name="words"),
            layers.Bidirectional(layers.LSTM(3, return_sequences=True), name="lower"),
            layers.Bidirectional(layers.LSTM(3, dropout=0.2), name="upper"),
            layers.Dense(1, activation="sigmoid", name="head"),
        ],
        name="classifier",
    )


def forecaster():
    return keras.Sequential(
        [
            keras.Input([9, 2]),
            layers.GRU(4, return_sequences=True, name="first"),
            layers.GRU(3, reset_after=False, name="second"),
            layers.Dense(2, name="head"),
        ],
        name="forecaster",
    )


def translator():
    """An encoder whose last states are the first ones of a decoder."""
    source, target = keras.Input([None, 3], name="source"), keras.Input([None, 2], name="target")
    _, h, c = layers.LSTM(4, return_state=True, name="encoder")(source)
    outputs, _, _ = layers.LSTM(4, return_sequences=True, return_state=True, name="decoder")(
        target, initial_state=[h, c]
    )
    return keras.Model([source, target], layers.Dense(2, name="head")(outputs), name="translator")


ids = rng.integers(1, 50, [6, 7]).astype("int32")
ids[:3, 4:] = 0
DATA = {
    classifier: (ids, rng.integers(0, 2, [6, 1]).astype("float32")),
    forecaster: (rng.normal(size=[6, 9, 2]).astype("float32"), rng.normal(size=[6, 2]).astype("float32")),
    translator: (
        [rng.normal(size=[6, 5, 3]).astype("float32"), rng.normal(size=[6, 4, 2]).astype("float32")],
        rng.normal(size=[6, 4, 2]).astype("float32"),
    ),
}
REPLACED = {classifier: 4, forecaster: 2, translator: 2}


def fitted(make, epochs=2):
    model = make()
    model.compile(keras.optimizers.Adam(0.01, clipnorm=1.0), loss="mse", metrics=["mae"])
    model.fit(*DATA[make], epochs=epochs, batch_size=3, shuffle=False, verbose=0)
    return model


def same(one, other, x, tolerance=1e-5):
    for a, b in zip(*(keras.tree.flatten(model.predict(x, verbose=0)) for model in (one, other)), strict=True):
        assert np.abs(a - b).max() <= tolerance * np.abs(a).max()


def snapshot(model):
    variables = [*model.variables, *(model.optimizer.variables if model.compiled else [])]
    return [variable.numpy() for variable in variables]


def fast_layers(model):
    return [layer for layer in module._layers(model) if type(layer) is RNN]


@pytest.mark.parametrize("make", DATA)
def test_answers_what_the_model_answers_saves_and_trains_on(make, tmp_path, capsys):
    (x, y), model = DATA[make], fitted(make)
    before, config = snapshot(model), model.get_config()
    fast = accelerate(model)
    # the model is as it was, and shares nothing with the new one
    assert model.get_config() == config
    np.testing.assert_equal(snapshot(model), before)
    np.testing.assert_equal(snapshot(fast), before)
    assert not {id(v) for v in model.variables} & {id(v) for v in fast.variables}
    assert not set(module._layers(model)) & set(module._layers(fast))
    printed = capsys.readouterr().out.splitlines()
    assert len(printed) == REPLACED[make] + 1 == len(fast_layers(fast)) + 1
    assert "differ by at most" in printed[-1]

    same(model, fast, x)
    assert [weight.path for weight in fast.weights] == [weight.path for weight in model.weights]
    assert [layer.name for layer in fast.layers] == [layer.name for layer in model.layers]
    assert (fast.name, type(fast)) == (model.name, type(model))
    assert fast.evaluate(x, y, verbose=0) == pytest.approx(model.evaluate(x, y, verbose=0), rel=1e-4)

    # one more epoch, with the same moments, learning rate and seeds of dropout, takes both to the same weights
    start = fast.get_weights()
    assert fast.optimizer.get_config() == model.optimizer.get_config()
    for one in (model, fast):
        one.fit(x, y, batch_size=3, shuffle=False, verbose=0)
    assert int(fast.optimizer.iterations) == 6
    for a, b, c in zip(start, fast.get_weights(), model.get_weights(), strict=True):
        assert np.abs(a - b).max() > 1e-3
        np.testing.assert_allclose(b, c, atol=1e-4)

    fast.save(tmp_path / "fast.keras")
    loaded = keras.models.load_model(tmp_path / "fast.keras")
    assert len(fast_layers(loaded)) == REPLACED[make]
    same(fast, loaded, x, 1e-6)


@pytest.mark.parametrize("make", DATA)
def test_takes_a_model_from_a_file(make, tmp_path):
    model = make()
    model.compile("adam", "mse")
    model.optimizer.build(model.trainable_variables)
    model.optimizer.iterations.assign(4)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    fast = accelerate(loaded, verbose=False)
    assert len(fast_layers(fast)) == REPLACED[make]
    assert int(fast.optimizer.iterations) == 4
    for expected, output in zip(*(keras.tree.flatten(one(DATA[make][0])) for one in (model, fast)), strict=True):
        np.testing.assert_allclose(output, expected, atol=1e-6)


def test_says_what_it_replaced(capsys):
    accelerate(classifier())
    *changes, last = capsys.readouterr().out.splitlines()
    assert changes == [
        "lower/forward_lstm: LSTM -> RNN(LSTMCell), kernel",
        "lower/backward_lstm: LSTM -> RNN(LSTMCell), kernel",
        "upper/forward_lstm_1: LSTM -> RNN(LSTMCell), kernel",
        "upper/backward_lstm_1: LSTM -> RNN(LSTMCell), kernel",
    ]
    assert last.startswith("Outputs on random inputs differ by at most")
    assert last.endswith("(allowed: 1e-05).")
    accelerate(forecaster(), verbose=False)
    assert capsys.readouterr().out == ""


def test_nothing_to_replace(capsys):
    model = keras.Sequential([keras.Input([3]), layers.Dense(2)])
    fast = accelerate(model)
    assert fast is not model
    same(model, fast, np.ones([2, 3], "float32"))
    assert capsys.readouterr().out.startswith("Nothing to replace")
    again = accelerate(accelerate(forecaster(), verbose=False))  # rnn_tf.RNN stays what it is
    assert len(fast_layers(again)) == 2
    assert "Nothing to replace" in capsys.readouterr().out


SETTINGS = {
    "SimpleRNN": (layers.SimpleRNN, {"activation": "relu", "use_bias": False}),
    "LSTM": (layers.LSTM, {"unit_forget_bias": False, "recurrent_activation": "hard_sigmoid"}),
    "GRU": (layers.GRU, {"reset_after": False, "kernel_initializer": "he_normal"}),
}


@pytest.mark.parametrize("name", SETTINGS)
def test_keeps_every_setting(name):
    kind, special = SETTINGS[name]
    arguments = {
        **special,
        "dropout": 0.3,
        "recurrent_dropout": 0.2,
        "seed": 7,
        "kernel_regularizer": keras.regularizers.L2(0.1),
        "recurrent_regularizer": keras.regularizers.L1(0.1),
        "activity_regularizer": keras.regularizers.L2(0.01),
        "kernel_constraint": keras.constraints.MaxNorm(2.0),
        "return_sequences": True,
        "return_state": True,
        "go_backwards": True,
        "unroll": True,
        "zero_output_for_mask": True,
        "trainable": False,
        "dtype": "float64",
        "name": "recurrent",
    }
    inputs = keras.Input([4, 2], dtype="float64")
    model = keras.Model(inputs, kind(3, **arguments)(inputs))
    old, new = model.get_layer("recurrent"), accelerate(model, verbose=False).get_layer("recurrent")
    assert type(new) is RNN
    assert type(new.cell) is type(old.cell)
    assert new.cell.get_config() == old.cell.get_config()
    wanted = keras.layers.RNN.get_config(old)
    wanted["cell"].pop("build_config", None)
    received = {key: value for key, value in new.get_config().items() if key in wanted}
    received["cell"].pop("build_config", None)
    assert received == wanted
    # the same losses, and with the same seeds the same dropout
    x = np.ones([5, 4, 2])
    for one in (old, new):
        one.cell.seed_generator.state.assign([3, 4])
    for a, b in zip(old(x, training=True), new(x, training=True), strict=True):
        np.testing.assert_allclose(b, a, rtol=1e-9)
    np.testing.assert_allclose(sum(new.losses), sum(old.losses), rtol=1e-9)


def test_simple_rnn_with_dropout_leaves_the_seeds_alone():
    model = keras.Sequential([keras.Input([5, 2]), layers.SimpleRNN(4, dropout=0.5, recurrent_dropout=0.5)])
    before = snapshot(model)
    fast = accelerate(model, verbose=False)
    np.testing.assert_equal(snapshot(model), before)
    np.testing.assert_equal(snapshot(fast), before)
    x = rng.normal(size=[3, 5, 2]).astype("float32")
    np.testing.assert_allclose(fast(x, training=True), model(x, training=True), atol=1e-6)
    assert np.abs(fast(x, training=True) - fast(x)).max() > 0.01


def nested():
    shared = layers.GRU(3, name="shared")
    inner = keras.Sequential(
        [keras.Input([None, 2]), layers.SimpleRNN(4, return_sequences=True, name="simple")], name="inner"
    )
    inputs = keras.Input([None, 2])
    encoder = keras.Model(inputs, shared(layers.Dense(2, name="mix")(inner(inputs)) + inputs), name="encoder")
    left, right = keras.Input([None, 2], name="left"), keras.Input([None, 2], name="right")
    outputs = {"distance": encoder(left) - encoder(right), "again": layers.Dense(1, name="head")(shared(right))}
    return keras.Model({"left": left, "right": right}, outputs, name="siamese")


def test_nested_models_and_layers_that_are_shared(capsys, tmp_path):
    model = nested()
    fast = accelerate(model)
    changes = capsys.readouterr().out.splitlines()[:-1]
    assert sorted(changes) == [
        "encoder/inner/simple: SimpleRNN -> RNN(SimpleRNNCell), kernel",
        "encoder/shared: GRU -> RNN(GRUCell), kernel",
    ]
    x = {name: rng.normal(size=[3, 6, 2]).astype("float32") for name in ("left", "right")}
    same(model, fast, x)
    assert fast.get_layer("shared") is fast.get_layer("encoder").get_layer("shared")
    assert len(fast.weights) == len(model.weights)
    encoder = fast.get_layer("encoder")  # Keras itself does not load models with a layer in two models
    encoder.save(tmp_path / "encoder.keras")
    same(encoder, keras.models.load_model(tmp_path / "encoder.keras"), x["left"], 1e-6)


def test_what_is_frozen_stays_frozen():
    model = nested()
    model.get_layer("encoder").trainable = False
    model.get_layer("encoder").get_layer("inner").trainable = True
    model.compile("sgd", "mse")
    fast = accelerate(model, verbose=False)
    assert [v.path for v in fast.trainable_variables] == [v.path for v in model.trainable_variables]
    assert [layer.trainable for layer in module._layers(fast)] == [layer.trainable for layer in module._layers(model)]
    assert 0 < len(model.trainable_variables) < len(model.weights)


@pytest.mark.parametrize("wrapped", [False, True])
def test_stateful_layers_keep_the_state_they_had(wrapped):
    layer = layers.GRU(3, stateful=True, name="gru")
    model = keras.Sequential([keras.Input(batch_shape=[4, 5, 2]), layers.Bidirectional(layer) if wrapped else layer])
    x = rng.normal(size=[4, 5, 2]).astype("float32")

    def states(one):
        return [state.numpy() for part in module._layers(one) if not part.name.startswith("bi")
                for state in keras.tree.flatten(getattr(part, "states", None) or [])]  # fmt: skip

    for _ in range(2):  # without a state, then with one
        before = states(model)
        fast = accelerate(model, verbose=False)
        assert len(before) == 1 + wrapped
        np.testing.assert_equal(states(model), before)
        np.testing.assert_equal(states(fast), before)
        for _ in range(2):
            first = model(x)
            np.testing.assert_allclose(fast(x), first, atol=1e-6)
    assert np.abs(before).max() > 0


def test_words_cells_and_lambdas():
    text = layers.TextVectorization(output_sequence_length=6)
    text.adapt(["the cat sat on the mat", "a dog ran"])
    inputs = keras.Input([1], dtype="string")
    x = layers.Embedding(text.vocabulary_size(), 4, mask_zero=True)(text(inputs))
    scaling = layers.Normalization(name="scaling")
    scaling.adapt(rng.normal(3, 2, size=[20, 4]))
    x = layers.Lambda(lambda t: t * 2, mask=lambda t, mask: mask)(scaling(x))
    x = layers.RNN([layers.LSTMCell(3), layers.GRUCell(2)], return_sequences=True, name="stack")(x)
    model = keras.Model(inputs, layers.Bidirectional(layers.RNN(layers.GRUCell(2)), merge_mode="sum")(x))
    fast = accelerate(model, verbose=False)
    assert len(fast_layers(fast)) == 3
    same(model, fast, tf.constant([["the cat ran"], ["a mat sat on"]]))


def test_ids_that_come_as_floats():
    model = keras.Sequential([layers.Embedding(5, 3), layers.LSTM(2)])
    model(np.array([[1, 2, 4]]))
    same(model, accelerate(model, verbose=False), np.array([[0, 3], [4, 1]]))


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_half_precision(policy):
    keras.config.set_dtype_policy(policy)
    model = forecaster()
    model.compile("adam", "mse")
    model.optimizer.build(model.trainable_variables)
    model.optimizer.iterations.assign(2)
    fast = accelerate(model, verbose=False)
    assert {layer.dtype_policy.name for layer in fast_layers(fast)} == {policy}
    assert {layer.cell.compute_dtype for layer in fast_layers(fast)} == {policy.removeprefix("mixed_")}
    assert [v.numpy().tolist() for v in fast.optimizer.variables] == [
        v.numpy().tolist() for v in model.optimizer.variables
    ]


def test_derived_layers_stay_as_they_are():
    class Special(layers.LSTM):
        def call(self, sequences, initial_state=None, mask=None, training=False):
            return super().call(sequences, initial_state, mask, training) + 1

    model = keras.Sequential([keras.Input([3, 2]), Special(2, name="special")])
    fast = accelerate(model, verbose=False)
    assert type(fast.get_layer("special")) is Special


def test_models_that_it_does_not_take():
    class Own(keras.Model):
        def __init__(self):
            super().__init__()
            self.recurrent = layers.LSTM(2)

        def call(self, x):
            return self.recurrent(x)

    class OwnGraph(keras.Model):
        def __init__(self, units):
            inputs = keras.Input([3, 2])
            super().__init__(inputs, layers.LSTM(units)(inputs))

    own = Own()
    own(np.zeros([1, 3, 2]))
    with pytest.raises(TypeError, match=r"Received: Own\. .* write rnn_tf\.RNN\(keras\.layers\.LSTMCell\(64\), \.\.\."):
        accelerate(own)
    with pytest.raises(TypeError, match=r"Received: OwnGraph\."):
        accelerate(OwnGraph(2))
    with pytest.raises(TypeError, match=r"Received: LSTM\."):
        accelerate(layers.LSTM(2))
    with pytest.raises(ValueError, match=r"Received: bare, which is not built\. .* keras\.Input"):
        accelerate(keras.Sequential([layers.LSTM(2)], name="bare"))


def test_settings_that_cannot_be_copied():
    def own_loss(y, answers):
        return keras.ops.mean((y - answers) ** 2)

    model = forecaster()
    model.compile("sgd", own_loss)
    with pytest.raises(ValueError, match=r"must be such that Keras can copy them.*own_loss.*register_keras"):
        accelerate(model)
    with keras.saving.custom_object_scope({"own_loss": own_loss}):
        assert accelerate(model, verbose=False).loss is own_loss
    model.compile("adam", "mse")
    model.optimizer.build(model.trainable_variables)
    model.get_layer("head").trainable = False
    with pytest.raises(ValueError, match=r"`trainable` flags have changed since\. Compile it again"):
        accelerate(model)


def test_refuses_a_layer_that_computes_something_else(monkeypatch):
    honest = module._fast_layer

    def wrong(layer):
        layer = honest(layer)
        layer.go_backwards = True
        return layer

    monkeypatch.setattr(module, "_fast_layer", wrong)
    with pytest.raises(RuntimeError, match=r"to 1e-05 of the largest entry.*first: GRU -> RNN\(GRUCell\), kernel"):
        accelerate(forecaster())


def test_the_slow_ways_of_keras_get_the_same_answers():
    """Eight small products a step with implementation=1; the reset gate before the product."""
    inputs = keras.Input([5, 2])
    x = layers.LSTM(3, implementation=1, return_sequences=True)(inputs)
    model = keras.Model(inputs, layers.GRU(3, reset_after=False)(x))
    fast, x = accelerate(model, verbose=False), rng.normal(size=[4, 5, 2]).astype("float32")
    assert len(fast_layers(fast)) == 2
    same(model, fast, x)


@keras.saving.register_keras_serializable(package="tests")
class Derived(layers.GRUCell):
    """A step of its own, as far as anyone knows."""


def test_cells_without_a_kernel_are_left_and_named(capsys):
    inputs = keras.Input([4, 2])
    x = layers.RNN(Derived(3), return_sequences=True, name="own")(inputs)
    x = layers.RNN([layers.GRUCell(3), Derived(2)], return_sequences=True, name="stack")(x)
    x = layers.Bidirectional(layers.RNN(Derived(2)), name="both")(x)
    model = keras.Model(inputs, x)
    fast = accelerate(model)
    assert [type(layer) for layer in fast.layers] == [type(layer) for layer in model.layers]
    assert fast_layers(fast) == []
    kernels = (
        "There are kernels for the cells of rnn_tf.cells, SimpleRNNCell, LSTMCell and GRUCell, and for stacks of those "
        "whose steps do not run in parallel, not for cells derived from them."
    )
    *left, _ = capsys.readouterr().out.splitlines()
    assert left == [
        f"own: RNN(Derived) left as it is. {kernels}",
        f"stack: RNN(StackedRNNCells) left as it is. {kernels}",
        f"both/forward_rnn: RNN(Derived) left as it is. {kernels}",
        f"both/backward_rnn: RNN(Derived) left as it is. {kernels}",
    ]
    same(model, fast, np.ones([2, 4, 2], "float32"))


class Wired(layers.GRUCell):
    """Its config is complete, and comes back as something else: a dict for an object."""

    def __init__(self, wiring):
        self.wiring = wiring
        super().__init__(3)

    @property
    def state_size(self):
        return self.wiring["units"] if isinstance(self.wiring, dict) else self.wiring.units

    @state_size.setter
    def state_size(self, size):
        pass

    def get_config(self):
        return {"wiring": ["units", 3]}


def test_a_cell_whose_config_does_not_load_is_named():
    inputs = keras.Input([4, 2])
    model = keras.Model(inputs, layers.RNN(Wired({"units": 3}))(inputs))
    with pytest.raises(ValueError, match=r"Wired\.from_config.* AttributeError: .*'units'.*Correct .* of Wired, which"):
        accelerate(model)
