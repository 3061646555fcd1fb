"""`explain` tells the way that a call takes; each way is taken."""

import platform

import keras
import numpy as np
import pytest
import tensorflow as tf

from rnn_tf import RNN, ElmanCell, MinGRUCell, SequenceRegressor, _keras, export_saved_model
from rnn_tf._exporting import for_export


@keras.saving.register_keras_serializable(package="tests")
class OwnCell(keras.layers.SimpleRNNCell):
    """Derived from a cell with a kernel: it may have changed the step."""


def explained(cell, shape=(64, 100, 32), dtype=None, layer=(), **call):
    return RNN(cell, shards=2, dtype=dtype, **dict(layer)).explain(shape, **call)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (lambda: explained(ElmanCell(8)), ["The kernel of ElmanCell", "100 steps without a loop", "side by side: 2"]),
        (lambda: explained(keras.layers.LSTMCell(8)), ["The kernel of LSTMCell", "A loop of 10 steps a turn"]),
        (lambda: explained(keras.layers.LSTMCell(8)), ["compile 10 steps; with unroll=True about 8.3 s, for"]),
        (lambda: explained([keras.layers.LSTMCell(8)] * 2), ["takes about 2.0 s more, to trace and compile 10 steps"]),
        (lambda: explained(ElmanCell(8)), ["takes about 1.1 s more, to trace and compile 100 steps."]),
        (lambda: explained(keras.layers.GRUCell(8), (64, None, 3)), ["takes about 1.1 s more, to trace and compile 9"]),
        (lambda: explained(keras.layers.GRUCell(8)), ["The kernel of GRUCell"]),
        (lambda: explained(keras.layers.SimpleRNNCell(8)), ["The kernel of SimpleRNNCell", "On CPU, without XLA"]),
        (lambda: explained(OwnCell(8)), ["The chunked loop: OwnCell has no kernel", "One shard: a cell may look at"]),
        (
            lambda: explained([ElmanCell(8), ElmanCell(8)]),
            ["The kernel of ElmanCell, then ElmanCell", "side by side: 2"],
        ),
        (lambda: explained([ElmanCell(8), OwnCell(8)]), ["The chunked loop: StackedRNNCells has no kernel"]),
        (lambda: explained(ElmanCell(8), (64, 100, 9, 9)), ["of rank 4"]),
        (lambda: explained(ElmanCell(8), dtype="float16"), ["the layer computes in float16, its cell in float32"]),
        (lambda: explained(ElmanCell(8), (64, 1000, 32)), ["A loop of 40 steps a turn: 1000 are too many"]),
        (lambda: explained(OwnCell(8), (64, 20, 32)), ["A loop of 2 steps a turn: 20 are too many"]),
        (lambda: explained(ElmanCell(8), (64, None, 32)), ["the number of steps is not known", "on [64, ?, 32]"]),
        (lambda: explained(ElmanCell(8), (64, 1000, 3), layer={"unroll": True}), ["as unroll=True asks"]),
        (lambda: explained(ElmanCell(8), (None, 10, 3)), ["2, whatever its size, which is not known"]),
        (lambda: explained(ElmanCell(8), (9, 10, 3)), ["side by side: 1, for 9 rows (at most 2)"]),
        (lambda: explained(ElmanCell(8), mask=True), ["with a mask:", "The mask is applied inside the loop"]),
        (lambda: explained(ElmanCell(8), layer={"remat": True}), ["as remat=True asks"]),
        (
            lambda: explained(ElmanCell(8), layer={"implementation": "reference"}),
            ["as implementation='reference' asks"],
        ),
        (lambda: explained(ElmanCell(8), layer={"implementation": "chunked"}), ["as implementation='chunked' asks"]),
        (lambda: explained(ElmanCell(8), jit_compile=True), ["A loop of one step a turn: XLA", "compiled by XLA"]),
        (lambda: explained(ElmanCell(8), (64, 4, 3), jit_compile=True), ["4 steps without a loop: they are few"]),
        (lambda: explained(ElmanCell(8), training=False, jit_compile=True), ["Keras's own loop: without a gradient"]),
    ],
)
def test_explains(text, expected):
    text = text()
    for words in expected:
        assert words in text
    assert repr(text) == text  # as at the end of a notebook's cell


def test_tells_of_the_loop_of_an_export():
    with for_export():
        told = explained(keras.layers.GRUCell(8), (None, None, 3), training=False)
    assert "A loop of 8 steps a turn, for any number of steps" in told


def test_tells_of_the_first_call_where_it_was_measured():
    for told in (
        explained(ElmanCell(8), training=False),
        explained(ElmanCell(8), jit_compile=True),
        explained(OwnCell(8)),
        explained(MinGRUCell(8)),
    ):
        assert "first call" not in told


def test_explains_a_gpu(monkeypatch):
    for module in ("plan", "rnn"):
        monkeypatch.setattr(f"rnn_tf.layers.{module}.gpu_visible", lambda: True)
    assert "Keras's cuDNN path" in explained(keras.layers.LSTMCell(8))
    assert "The kernel of LSTMCell" in explained(keras.layers.LSTMCell(8), mask=True)
    assert "The kernel of LSTMCell" in explained(keras.layers.LSTMCell(8, activation="relu"))
    assert "One shard: a GPU" in explained(ElmanCell(8))
    assert "On GPU" in explained(ElmanCell(8))


def test_explains_that_products_could_be_faster(monkeypatch):
    for off in (True, False):
        monkeypatch.setattr("rnn_tf._keras.onednn_is_off", lambda off=off: off)
        assert ("TF_ENABLE_ONEDNN_OPTS=1" in explained(ElmanCell(8))) == off
        assert "ONEDNN" not in explained(ElmanCell(8), jit_compile=True)


def test_knows_whether_products_are_onednns(run_python):
    ask = "from rnn_tf._keras import onednn_is_off; print(onednn_is_off())"
    assert "True" not in run_python(ask, TF_ENABLE_ONEDNN_OPTS="1")
    assert ("True" in run_python(ask, TF_ENABLE_ONEDNN_OPTS="0")) == (platform.machine() in ("x86_64", "AMD64"))


def called(function, *specs):
    """Operations in a graph, and in the function that it calls, if it calls one."""
    definition = tf.function(function).get_concrete_function(*specs).graph.as_graph_def()
    operations = [node.op for node in definition.node]
    names = {node.attr["f"].func.name for node in definition.node if "PartitionedCall" in node.op}
    inner = [node.op for one in definition.library.function if one.signature.name in names for node in one.node_def]
    return operations, inner, len(names)


@pytest.mark.parametrize(
    ("shape", "loops", "shards", "outside"),
    [
        ((64, 100, 3), 0, 2, 101),  # the inputs of all steps are one product, and each step is one
        ((64, 200, 3), 1, 2, 0),
        ((64, 131, 3), 1, 2, 2),  # one step is left over
        ((8, 256, 3), 1, 1, 0),
        ((None, None, 3), 2, 2, 0),
    ],
)
def test_takes_the_way_that_it_explains(shape, loops, shards, outside):
    layer = RNN(ElmanCell(8), return_sequences=True, shards=2)
    layer.build(shape)
    operations, inner, functions = called(layer, tf.TensorSpec(shape))
    calls = sum("PartitionedCall" in operation for operation in operations)
    assert (calls, functions) == ((shards, 1) if shards > 1 else (0, 0))  # all shards call what is traced once
    inner = inner if shards > 1 else operations
    assert inner.count("StatelessWhile") + inner.count("While") == loops
    assert inner.count("MatMul") == outside


def test_asks_whether_xla_compiles():
    seen = []

    @tf.function(jit_compile=True)
    def compiled(x):
        seen.append(_keras.traced_for_xla())
        return x

    tf.function(lambda x: (seen.append(_keras.traced_for_xla()), x)[1])(tf.zeros([]))
    compiled(tf.zeros([]))
    assert seen == [False, True]


def test_an_export_has_one_shard(tmp_path):
    model = SequenceRegressor(units=4, normalize=False, shards=2)
    model.build([None, 4, 1])
    predict = model.serving_signatures().predict
    outside = tf.function(predict.function, input_signature=predict.inputs).get_concrete_function()
    path = export_saved_model(model, tmp_path / "model")
    exported = tf.saved_model.load(path).signatures["serving_default"]
    split = [any(node.op == "SplitV" for node in every_node(one)) for one in (outside, exported)]
    assert split == [True, False]


def every_node(function):
    definition = function.graph.as_graph_def()
    yield from definition.node
    for inner in definition.library.function:
        yield from inner.node_def


def test_shards_change_nothing_but_the_last_bits():
    x = np.random.default_rng(0).normal(size=(33, 20, 3)).astype("float32")
    outputs = []
    for shards in (1, 2, 3):
        keras.utils.set_random_seed(0)
        outputs.append(tf.function(RNN(keras.layers.GRUCell(8), shards=shards))(x))
    np.testing.assert_allclose(outputs[1], outputs[0], atol=1e-6)
    np.testing.assert_allclose(outputs[2], outputs[0], atol=1e-6)
