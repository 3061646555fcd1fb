"""`RNN` gives what `keras.layers.RNN` gives with the same weights: outputs, states, and every gradient."""

import inspect
import re

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rnn_tf import RNN, ElmanCell, LRUCell, MinGRUCell, MinLSTMCell, accelerate
from rnn_tf.layers import plan
from rnn_tf.scans import linear


@keras.saving.register_keras_serializable(package="tests")
class LeakyCell(keras.layers.Layer):
    """A user's own: an output that is no state, an argument `training`, and a state of two parts."""

    def __init__(self, units, **kwargs):
        super().__init__(**kwargs)
        self.units = units
        self.state_size = [units, units]
        self.output_size = 2

    def build(self, input_shape):
        self.kernel = self.add_weight(shape=(input_shape[-1], self.units), name="kernel")
        self.recurrent_kernel = self.add_weight(shape=(self.units, self.units), name="recurrent_kernel")
        self.head = self.add_weight(shape=(self.units, 2), name="head")

    def call(self, inputs, states, training=False):
        fast, slow = states
        fast = keras.ops.tanh(inputs @ self.kernel + slow @ self.recurrent_kernel)
        slow = 0.9 * slow + 0.1 * fast
        return (slow @ self.head) * (2.0 if training else 1.0), [fast, slow]

    def get_config(self):
        return {**super().get_config(), "units": self.units}


CELLS = {
    "simple": lambda **k: keras.layers.SimpleRNNCell(4, **k),
    "simple relu": lambda **k: keras.layers.SimpleRNNCell(4, activation="relu", use_bias=False, **k),
    "elman": lambda **k: ElmanCell(4, activation="sigmoid", **k),
    "elman read-out": lambda **k: ElmanCell(4, activation="gelu", output_units=3, output_activation="tanh", **k),
    "elman linear": lambda **k: ElmanCell(4, activation=None, **k),
    "lstm": lambda **k: keras.layers.LSTMCell(4, **k),
    "lstm other": lambda **k: keras.layers.LSTMCell(
        4, activation="softsign", recurrent_activation="hard_sigmoid", use_bias=False, **k
    ),
    "gru": lambda **k: keras.layers.GRUCell(4, **k),
    "gru other": lambda **k: keras.layers.GRUCell(
        4, activation="relu", recurrent_activation="hard_sigmoid", use_bias=False, **k
    ),
    "gru before": lambda **k: keras.layers.GRUCell(4, reset_after=False, **k),
    "gru before other": lambda **k: keras.layers.GRUCell(
        4, reset_after=False, activation="softplus", recurrent_activation="hard_sigmoid", **k
    ),
    "mingru": lambda **k: MinGRUCell(4, **k),
    "minlstm": lambda **k: MinLSTMCell(4, activation="tanh", use_bias=False, **k),
    "lru": lambda **k: LRUCell(4, activation="gelu", **k),
    "own": lambda **k: LeakyCell(4, **k),
    "stacked": lambda **k: [keras.layers.GRUCell(4, **k), keras.layers.LSTMCell(3, **k), ElmanCell(2, **k)],
    "stacked read-out": lambda **k: [ElmanCell(4, output_units=2, **k), keras.layers.GRUCell(3, **k)],
    "stacked own": lambda **k: [keras.layers.LSTMCell(3, **k), LeakyCell(4)],
}
FEW = ["elman read-out", "lstm", "lru", "own", "stacked"]  # with a GRU in the stack
KERNELS = [name for name in CELLS if not name.endswith("own")]
LOOPS = {"unrolled": (100, 1), "chunks": (0, 3)}  # steps to unroll, steps a turn: 7 steps are two chunks and a rest


@pytest.fixture(params=LOOPS)
def loop(request, monkeypatch):
    set_loop(monkeypatch, request.param)


def set_loop(monkeypatch, name):
    unrolled, chunk = LOOPS[name]
    monkeypatch.setattr(plan, "UNROLLED_STEPS", unrolled)
    monkeypatch.setattr(plan, "UNROLLED_CELL_STEPS", unrolled)
    monkeypatch.setattr(plan, "CHUNK", chunk)
    monkeypatch.setattr(plan, "GATED_CHUNK", chunk)
    monkeypatch.setattr(plan, "CELL_CHUNK", chunk)
    monkeypatch.setattr(plan, "SHARD_ROWS", 1)
    monkeypatch.setattr(linear, "SHORT", 100 if name == "unrolled" else 2)


def sequences(batch=5, timesteps=7, features=3, dtype="float32"):
    return np.random.default_rng(1).normal(size=(batch, timesteps, features)).astype(dtype)


def mask(batch=5, timesteps=7):
    """Gaps, an empty row, a row that starts and one that ends masked."""
    kept = np.random.default_rng(2).random((batch, timesteps)) > 0.4
    kept[0] = False
    kept[1, :3] = False
    kept[2, -2:] = False
    return kept


def pair(name, dtype="float32", features=3, cell=(), ours=(), **arguments):
    """keras.layers.RNN and RNN with the same weights."""
    layers, weights = [], None
    for kind, extra in ((keras.layers.RNN, {}), (RNN, {"shards": 2, **dict(ours)})):
        keras.utils.set_random_seed(3)
        cells = CELLS[name](dtype=dtype, **dict(cell))
        if isinstance(cells, list) and dtype != "float32":  # of which Keras makes a stack of the default type
            cells = keras.layers.StackedRNNCells(cells, dtype=dtype)
        layer = kind(cells, dtype=dtype, **arguments, **extra)
        layer.build((None if not arguments.get("stateful") else 5, None, features))
        if weights is None:
            random = np.random.default_rng(0)
            weights = [0.5 * random.normal(size=weight.shape) for weight in layer.get_weights()]
        layer.set_weights(weights)
        layers.append(layer)
    return layers


def everything(layer, x, kept=None, initial=False, training=False, signature=None, jit_compile=False):
    """Outputs, states and the gradients by inputs, initial states and weights, as arrays."""
    x = tf.convert_to_tensor(x, layer.compute_dtype)
    random = np.random.default_rng(4)
    sizes = tf.nest.flatten(layer.state_size)
    states = [tf.convert_to_tensor(random.normal(size=(len(x), size)), x.dtype) for size in sizes] if initial else []

    def call(x, *rest):
        kept, states = (rest[0], list(rest[1:])) if with_mask else (None, list(rest))
        nested = tf.nest.pack_sequence_as(layer.state_size, states) if states else None
        with tf.GradientTape() as tape:
            tape.watch([x, *states])
            outputs = tf.nest.flatten(layer(x, initial_state=nested, mask=kept, training=training))
            loss = tf.add_n([tf.reduce_sum(tf.cast(y, x.dtype) * waves(y, x.dtype)) for y in outputs])
        sources = [x, *states, *[weight.value for weight in layer.trainable_variables]]
        gradients = tape.gradient(loss, sources, unconnected_gradients=tf.UnconnectedGradients.ZERO)
        return outputs + gradients

    with_mask = kept is not None
    inputs = [x, *([tf.constant(kept)] if with_mask else []), *states]
    if signature:  # sizes of batch and time are not known
        rank = {tensor.ref(): 2 if tensor is x or tensor.dtype == tf.bool else 1 for tensor in inputs}
        specs = [tf.TensorSpec([None] * rank[one.ref()] + one.shape[rank[one.ref()] :], one.dtype) for one in inputs]
        return [y.numpy() for y in tf.function(call, input_signature=specs)(*inputs)]
    if not isinstance(layer, RNN) and not jit_compile:
        return [y.numpy() for y in call(*inputs)]  # Keras's own: computed once, it is not worth a graph
    return [y.numpy() for y in tf.function(call, jit_compile=jit_compile)(*inputs)]


def waves(y, dtype):
    """Weights of the loss that differ for every entry."""
    return tf.cast(tf.reshape(tf.sin(tf.range(tf.cast(tf.size(y), "float32")) + 1), tf.shape(y)), dtype)


def assert_equal(ours, keras_, tolerance=1e-5):
    assert len(ours) == len(keras_)
    for one, other in zip(ours, keras_, strict=True):
        assert one.shape == other.shape
        assert one.dtype == other.dtype
        if one.size:
            scale = np.abs(other).max()
            np.testing.assert_allclose(one, other, rtol=0, atol=tolerance * max(scale, 1e-30))


@pytest.mark.parametrize("name", CELLS)
def test_equals_keras(name, monkeypatch):
    calls = [
        (0, 0, 0, "chunks"),
        (1, 0, 1, "unrolled"),
        (1, 1, 0, "chunks"),
        (0, 1, 1, "unrolled"),
        (1, 0, 0, "chunks"),
    ]
    for masked, last, backwards, loop in calls if name in FEW else calls[:3]:
        set_loop(monkeypatch, loop)
        arguments = {"return_sequences": not last, "return_state": bool(backwards), "go_backwards": bool(backwards)}
        reference, layer = pair(name, **arguments)
        kept = mask() if masked else None
        initial = backwards != last
        assert_equal(everything(layer, sequences(), kept, initial), everything(reference, sequences(), kept, initial))


@pytest.mark.usefixtures("loop")
@pytest.mark.parametrize("name", FEW)
def test_zero_output_for_mask(name):
    for last in (False, True):
        reference, layer = pair(name, return_sequences=not last, return_state=True, zero_output_for_mask=True)
        assert_equal(everything(layer, sequences(), mask(), True), everything(reference, sequences(), mask(), True))


@pytest.mark.parametrize("name", FEW)
@pytest.mark.parametrize("remat", [False, True])
def test_unknown_batch_and_time(name, remat, monkeypatch):
    set_loop(monkeypatch, "chunks")
    monkeypatch.setattr("rnn_tf.scans.remat.PIECE", 4)
    reference, layer = pair(name, return_sequences=True, return_state=True, ours={"remat": remat})
    for kept in (None, mask()):
        assert_equal(
            everything(layer, sequences(), kept, True, signature=True), everything(reference, sequences(), kept, True)
        )


@pytest.mark.parametrize("name", [*KERNELS, "own"])
def test_float64(name, monkeypatch):
    set_loop(monkeypatch, "chunks")
    reference, layer = pair(name, dtype="float64", return_sequences=True, return_state=True)
    x = sequences(dtype="float64")
    assert_equal(everything(layer, x, mask(), True), everything(reference, x, mask(), True), 1e-10)


def test_a_list_of_cells_in_float64():
    """Keras makes a stack of the default type of it, and rounds inputs and initial states to that."""
    answers, x = [], sequences(dtype="float64")
    for kind in (keras.layers.RNN, RNN):
        keras.utils.set_random_seed(0)
        cells = [keras.layers.LSTMCell(3, dtype="float64"), keras.layers.GRUCell(2, dtype="float64")]
        answers.append(kind(cells, dtype="float64")(x))
    np.testing.assert_allclose(*answers, atol=1e-6)
    assert answers[1].dtype == tf.float64


@pytest.mark.parametrize("name", ["simple", "elman read-out", "lstm", "gru", "gru before", "mingru", "lru"])
@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_half_precision_is_as_near_to_the_truth_as_keras(name, policy):
    exact, _ = pair(name, dtype="float64", return_sequences=True)
    reference, layer = pair(name, dtype=policy, return_sequences=True)
    squares = np.zeros(2)
    for seed in range(4):
        x = np.random.default_rng(seed).normal(size=(32, 20, 3)).astype("float32")
        for true, *both in zip(*[everything(one, x) for one in (exact, layer, reference)], strict=True):
            assert both[0].dtype == both[1].dtype
            squares += [np.sum((y.astype("float64") - true) ** 2) / np.sum(true**2) for y in both]
    ours, keras_ = np.sqrt(squares)
    assert ours <= 1.5 * keras_


@pytest.mark.usefixtures("loop")
@pytest.mark.parametrize("name", ["simple", "elman read-out", "lstm", "gru", "gru before", "mingru", "lru", "stacked"])
def test_dropout_draws_the_same_masks(name):
    only = ({"dropout": 0.4},)
    for rates in only if name in ("mingru", "lru") else (*only, {"dropout": 0.3, "recurrent_dropout": 0.5}):
        reference, layer = pair(name, cell={**rates, "seed": 7}, return_sequences=True)
        ours = everything(layer, sequences(), mask(), training=True)
        assert_equal(ours, everything(reference, sequences(), mask(), training=True))


def test_dropout_is_active_in_training_only():
    _, layer = pair("lstm", cell={"dropout": 0.5}, return_sequences=True)
    x = sequences()
    assert np.abs(layer(x, training=True) - layer(x, training=True)).max() > 1e-3
    np.testing.assert_array_equal(layer(x), layer(x))


@pytest.mark.parametrize("name", FEW)
@pytest.mark.parametrize("implementation", ["auto", "kernel", "chunked"])
def test_every_implementation_under_xla(name, implementation):
    if implementation == "kernel" and name not in KERNELS:
        pytest.skip("no kernel")
    reference, layer = pair(name, return_sequences=True, ours={"implementation": implementation})
    calls = [(11, True), (11, False), (4, True)]
    for timesteps, training in calls if implementation == "auto" else calls[:1]:
        x, kept = sequences(timesteps=timesteps), mask(timesteps=timesteps)
        expected = everything(reference, x, kept, training=training)
        assert_equal(everything(layer, x, kept, training=training, jit_compile=True), expected)


@pytest.mark.usefixtures("loop")
@pytest.mark.parametrize("name", FEW)
@pytest.mark.parametrize("timesteps", [11, 16])  # with a rest, and without
def test_rematerialized(name, timesteps):
    x, kept = sequences(timesteps=timesteps), mask(timesteps=timesteps)
    cell = {"dropout": 0.3, "seed": 1} if name in ("gru", "elman read-out") else {}
    reference, layer = pair(name, ours={"remat": True}, cell=cell, return_sequences=timesteps == 11, return_state=True)
    expected = everything(reference, x, kept, True, training=True)
    assert_equal(everything(layer, x, kept, True, training=True), expected)
    if not cell and timesteps == 11:  # XLA draws other random numbers
        assert_equal(everything(layer, x, kept, True, training=True, jit_compile=True), expected)


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    name=st.sampled_from(sorted(CELLS)),
    batch=st.sampled_from([0, 1, 2, 3, 17]),
    timesteps=st.integers(1, 9),
    features=st.integers(1, 3),
    chunk=st.integers(1, 5),
    shards=st.integers(1, 4),
    last=st.booleans(),
    remat=st.booleans(),
    lengths=st.lists(st.integers(0, 9), min_size=17, max_size=17) | st.none(),
)
def test_any_shape(monkeypatch, name, batch, timesteps, features, chunk, shards, last, remat, lengths):
    if name.startswith(("lstm", "stacked")) and batch == 0:
        return  # Keras itself fails: it takes an empty product for a bias
    set_loop(monkeypatch, "chunks")
    monkeypatch.setattr(plan, "CHUNK", chunk)
    monkeypatch.setattr(plan, "GATED_CHUNK", chunk)
    monkeypatch.setattr(plan, "CELL_CHUNK", chunk)
    x = sequences(batch, timesteps, features)
    kept = None if lengths is None else np.arange(timesteps) < np.array(lengths[:batch]).reshape(-1, 1)
    ours = {"shards": shards, "remat": remat}
    reference, layer = pair(name, features=features, ours=ours, return_sequences=not last, return_state=True)
    assert_equal(everything(layer, x, kept, True), everything(reference, x, kept, True))


def test_eager_and_graph_agree():
    for name in CELLS:
        _, layer = pair(name, return_sequences=True)
        graph = tf.function(layer)
        np.testing.assert_allclose(layer(sequences(), mask=mask()), graph(sequences(), mask=mask()), atol=1e-6)


@pytest.mark.parametrize("merge_mode", ["concat", "sum", "mul", "ave", None])
def test_bidirectional(merge_mode):
    outputs = []
    for kind in (keras.layers.RNN, RNN):
        keras.utils.set_random_seed(0)
        layer = keras.layers.Bidirectional(
            kind(keras.layers.LSTMCell(4), return_sequences=True, return_state=True), merge_mode=merge_mode
        )
        outputs.append(layer(sequences(), mask=tf.constant(mask())))
        assert type(layer.forward_layer) is type(layer.backward_layer) is kind
    for ours, theirs in zip(*outputs, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-6)


def test_stateful():
    reference, layer = pair("lstm", stateful=True, return_sequences=True)
    for _ in range(3):
        np.testing.assert_allclose(layer(sequences()), reference(sequences()), atol=1e-6)
    layer.reset_state()
    reference.reset_state()
    np.testing.assert_allclose(layer(sequences()), reference(sequences()), atol=1e-6)
    given = [tf.ones_like(state) for state in layer.states]  # an initial state goes before the one that is kept
    for initial_state in (given, None):
        answers = [one(sequences(), initial_state=initial_state) for one in (layer, reference)]
        np.testing.assert_allclose(*answers, atol=1e-6)


@pytest.mark.parametrize("kind", [keras.layers.SimpleRNN, keras.layers.LSTM, keras.layers.GRU])
def test_takes_the_weights_of_keras_layers(kind):
    theirs = kind(4, return_sequences=True)
    ours = RNN(type(theirs.cell)(4), return_sequences=True)
    expected = theirs(sequences())
    ours.build(sequences().shape)
    ours.set_weights(theirs.get_weights())
    np.testing.assert_allclose(ours(sequences()), expected, atol=1e-6)
    names = [[weight.path.split("/")[-1] for weight in layer.weights] for layer in (ours, theirs)]
    assert names[0] == names[1]


def test_cells_on_images():
    """Sequences of a higher rank go through the cell as they do in Keras."""

    class ImageCell(keras.layers.Layer):
        state_size = output_size = 4

        def build(self, input_shape):
            self.kernel = self.add_weight(shape=(input_shape[-1], 4))

        def call(self, inputs, states):
            state = keras.ops.mean(inputs, axis=(1, 2)) @ self.kernel + 0.5 * states[0]
            return state, [state]

    x = np.random.default_rng(0).normal(size=(2, 20, 3, 3, 2)).astype("float32")
    keras.utils.set_random_seed(0)
    expected = keras.layers.RNN(ImageCell(), return_sequences=True)(x)
    keras.utils.set_random_seed(0)
    np.testing.assert_allclose(tf.function(RNN(ImageCell(), return_sequences=True))(x), expected, atol=1e-6)


@pytest.mark.parametrize("jit_compile", [False, True, "auto"])
def test_model_fit(jit_compile):
    losses = []
    for kind in (keras.layers.RNN, RNN):
        keras.utils.set_random_seed(0)
        model = keras.Sequential([keras.Input([12, 3]), kind(keras.layers.GRUCell(8)), keras.layers.Dense(1)])
        model.compile(optimizer="sgd", loss="mse", jit_compile=jit_compile)
        x = sequences(40, 12)
        losses.append(model.fit(x, x.sum((1, 2)), epochs=3, batch_size=16, verbose=0, shuffle=False).history["loss"])
    assert losses[0][-1] < losses[0][0]
    np.testing.assert_allclose(losses[1], losses[0], rtol=1e-4)


@pytest.mark.parametrize("jit_compile", [False, "auto"])
def test_mirrored_strategy(run_python, jit_compile):
    printed = run_python(
        f"""
import numpy as np, keras, tensorflow as tf
tf.config.set_logical_device_configuration(
    tf.config.list_physical_devices("CPU")[0], [tf.config.LogicalDeviceConfiguration()] * 2)
from rnn_tf import RNN
x = np.random.default_rng(0).normal(size=(32, 9, 3)).astype("float32")
for strategy in (tf.distribute.get_strategy(), tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])):
    for kind in (keras.layers.RNN, RNN):
        keras.utils.set_random_seed(0)
        with strategy.scope():
            model = keras.Sequential([keras.Input([9, 3]), kind(keras.layers.LSTMCell(8)), keras.layers.Dense(1)])
            model.compile(optimizer="sgd", loss="mse", jit_compile={jit_compile!r})
        history = model.fit(x, x.sum((1, 2)), epochs=2, batch_size=16, verbose=0, shuffle=False)
        print(history.history["loss"][-1])
"""
    )
    losses = [float(line) for line in printed.split()[-4:]]
    # Keras 3.8 counts the loss of the replicas in another way than that of one.
    np.testing.assert_allclose(losses[1::2], losses[::2], rtol=1e-4)


def test_second_derivatives_are_refused_but_in_the_reference():
    _, layer = pair("gru")
    x = tf.constant(sequences())

    def second(layer):
        with tf.GradientTape() as outer:
            outer.watch(x)
            with tf.GradientTape() as inner:
                inner.watch(x)
                y = tf.reduce_sum(layer(x) ** 2)
            first = inner.gradient(y, x)
        return outer.gradient(first, x)

    with pytest.raises(NotImplementedError, match="implementation='reference'"):
        second(layer)
    _, reference = pair("gru", ours={"implementation": "reference"})
    assert np.abs(second(reference)).max() > 0


CONFIG = {"implementation": "chunked", "shards": 3, "remat": True}


def test_config_keeps_every_argument():
    arguments = set(inspect.signature(RNN.__init__).parameters) - {"self", "cell", "args", "kwargs"}
    assert set(CONFIG) == arguments  # a new argument must be added here
    layer = RNN(LeakyCell(3), **CONFIG, go_backwards=True, zero_output_for_mask=True)
    config = layer.get_config()
    copy = RNN.from_config(config)
    assert "cell" in config
    assert {name: getattr(copy, name) for name in CONFIG} == CONFIG
    assert (copy.go_backwards, copy.zero_output_for_mask, copy.cell.units) == (True, True, 3)


def test_loads_from_a_keras_file(tmp_path):
    model = keras.Sequential(
        [keras.Input([None, 3]), RNN([ElmanCell(4), keras.layers.LSTMCell(3)]), keras.layers.Dense(1)]
    )
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded(sequences()), model(sequences()))
    assert isinstance(loaded.layers[0], RNN)
    assert loaded.layers[0].shards == model.layers[0].shards


def test_left_to_cudnn(monkeypatch):
    """What Keras's own layer computes stands in for cuDNN, which needs a GPU."""
    for module in ("plan", "rnn"):
        monkeypatch.setattr(f"rnn_tf.layers.{module}.gpu_visible", lambda: True)
    for name in ("lstm", "gru"):
        reference, layer = pair(name, return_sequences=True, return_state=True, go_backwards=True)
        assert "cuDNN" in layer.explain((8, 7, 3))
        assert_equal(everything(layer, sequences(), initial=True), everything(reference, sequences(), initial=True))


def backwards(kind, turned):
    """A model of padded words whose outputs a masked loss weighs."""
    words = keras.Input([None], dtype="int32")
    vectors = keras.layers.Embedding(5, 2, mask_zero=True)(words)
    arguments = {"return_sequences": True, "go_backwards": True}
    cell, layer = keras.layers.LSTMCell(2), {"keras": keras.layers.RNN, "ours": RNN}.get(kind)
    outputs = (layer(cell, **arguments) if layer else keras.layers.LSTM(2, **arguments))(vectors)
    if turned:
        outputs = keras.layers.Lambda(lambda x: keras.ops.flip(x, axis=1), mask=lambda _, mask: mask)(outputs)
    return keras.Model(words, outputs)


@pytest.mark.parametrize("kind", ["keras", "lstm", "ours", "accelerated"])
def test_going_backwards_turns_the_outputs_and_not_the_mask(kind):
    x, y = np.array([[1, 2, 3, 0, 0]]), np.random.default_rng(0).normal(size=[1, 5, 2]).astype("float32")
    forward = np.array([True, True, True, False, False])
    weights = None
    for turned in (False, True):
        model = backwards("lstm" if kind == "accelerated" else kind, turned)
        model = accelerate(model, verbose=False) if kind == "accelerated" else model
        expected = backwards("keras", turned)
        weights = weights or expected.get_weights()
        for one in (model, expected):
            one.set_weights(weights)
            one.compile("sgd", "mse")
        outputs = model(x)
        np.testing.assert_allclose(outputs, expected(x), rtol=1e-6)
        np.testing.assert_array_equal(outputs._keras_mask, [forward])
        read = forward if turned else forward[::-1]  # pads come first, and have no output yet
        np.testing.assert_array_equal(np.any(outputs[0] != 0, axis=1), read)
        loss = np.square(outputs[0] - y[0])[forward].mean()  # of two pads and 3, unless they are turned back
        for one in (model, expected):
            np.testing.assert_allclose(one.evaluate(x, y, verbose=0), loss, rtol=1e-5)


class NoStateSize(keras.layers.Layer):
    def call(self, inputs, states):
        return inputs, states


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: RNN(NoStateSize()), "must be a Keras cell.*state_size.*Received: NoStateSize"),
        (lambda: RNN([keras.layers.GRUCell(2), keras.layers.Dense(2)]), "must be a Keras cell.*Received: Dense"),
        (lambda: RNN(ElmanCell(2), implementation="fast"), "`implementation` must be one of.*'fast'"),
        (lambda: RNN(LeakyCell(2), implementation="kernel"), "There are kernels for the cells of rnn_tf.*LeakyCell"),
        (lambda: RNN(ElmanCell(2), shards=0), "`shards` must be a positive integer. Received: shards=0"),
        (lambda: RNN(ElmanCell(2), remat=True, implementation="reference"), "`remat` is not Keras's"),
        (lambda: RNN(ElmanCell(2), stateful=True)(keras.Input([4, 3])), "batch size must be known"),
        (lambda: RNN(ElmanCell(2))(np.zeros([4, 0, 3])), "at least one step.*\\(4, 0, 3\\)"),
        (lambda: RNN(ElmanCell(2))(np.zeros([4, 3])), "takes sequences of shape.*\\(4, 3\\).*x\\[None\\] for one seq"),
        (lambda: RNN(LeakyCell(2))(np.zeros([4, 3])), "takes sequences of shape.*\\(4, 3\\)"),
        (
            lambda: RNN(keras.layers.LSTMCell(2))(np.zeros([4, 5, 3, 1])),
            "\\(4, 5, 3, 1\\). Make one axis of those",
        ),
        (lambda: RNN(keras.layers.GRUCell(2))(keras.Input([5, None])), "RNN needs the number of features"),
        (
            lambda: RNN([LeakyCell(2), keras.layers.GRUCell(2, dropout=0.5)], remat=True)(
                np.zeros([4, 2, 3]), training=True
            ),
            "`remat` computes each piece twice.*Received: StackedRNNCells",
        ),
    ],
)
def test_bad_arguments(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize("cell", [lambda: ElmanCell(2), lambda: [keras.layers.LSTMCell(2), keras.layers.GRUCell(3)]])
def test_sequences_that_do_not_fit_leave_no_trace(cell):
    layer = RNN(cell())
    with pytest.raises(ValueError, match="takes sequences of shape"):
        layer(np.zeros([4, 3]))
    assert not layer.weights
    layer(sequences())
    for shape in ((4, 5, 2), (4, 3), (4, 5, 3, 1)):
        with pytest.raises(ValueError, match=f"sequences of shape.*Received: shape {re.escape(str(shape))}"):
            layer(np.zeros(shape))


@pytest.mark.parametrize("shape", [(5, 6), (4, 7), (5,), (5, 7, 3)])
@pytest.mark.parametrize("implementation", ["auto", "chunked", "reference"])
def test_bad_mask(shape, implementation):
    layer = RNN(ElmanCell(2), implementation=implementation)
    with pytest.raises(ValueError, match=r"`mask` must have shape \[batch, timesteps\] = \(5, 7\)"):
        layer(sequences(), mask=tf.ones(shape, tf.bool))


@pytest.mark.parametrize("shapes", [[(5, 3)], [(4, 2), (4, 2)], [(5, 2)] * 3, [(5, 2), (5, 3)], [(2,), (2,)]])
def test_bad_initial_state(shapes):
    with pytest.raises(ValueError, match=r"`initial_state` must be a tensor \[batch, size\] for each of the sizes"):
        RNN(keras.layers.LSTMCell(2))(sequences(), initial_state=[tf.zeros(shape) for shape in shapes])


def test_a_mask_of_rank_3():
    reference, layer = pair("gru")
    kept = tf.constant(mask()[:, :, None])
    np.testing.assert_allclose(layer(sequences(), mask=kept), reference(sequences(), mask=kept), atol=1e-6)
