"""What is in an export's graph, for the converters of other runtimes: see `rnn-tf check --for`."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from rnn_tf import RNN, ElmanCell, SequenceClassifier, SequenceRegressor, export_saved_model


def open_regressor():
    model = SequenceRegressor(2, cell="gru", return_sequences=True)
    model.build([None, None, 2])
    return model


def both_ways():
    model = SequenceClassifier(2, ["a", "b"], cell="lstm", bidirectional=True)
    model.build([None, None, 2])
    return model


def layers():
    """A kernel, a cell of somebody's own, and pieces for the gradient."""

    class Mine(ElmanCell):
        pass

    x = keras.Input([None, 2], name="x")
    hidden = RNN(keras.layers.LSTMCell(2), return_sequences=True, remat=True)(x)
    return keras.Model(x, RNN(Mine(2), return_sequences=True)(hidden))


def long():
    x = keras.Input([150, 1], name="x")
    return keras.Model(x, RNN(ElmanCell(2), return_sequences=True)(x))


@pytest.mark.parametrize(("make", "loops"), [(open_regressor, 1), (both_ways, 2), (layers, 2), (long, 1)])
def test_one_loop_a_layer_and_nothing_that_converters_do_not_know(make, loops, tmp_path, in_this_process):
    path = export_saved_model(make(), tmp_path, warmup=())
    graph = tf.saved_model.load(path).signatures["serving_default"].graph.as_graph_def()
    nodes = [*graph.node, *(node for function in graph.library.function for node in function.node_def)]
    assert sum(node.op.endswith("While") for node in nodes) == loops
    assert not {node.op for node in nodes} & {"TensorListConcatV2", "TensorListSplit", "TensorListFromTensor"}
    assert not [
        node.name
        for node in nodes
        if node.op == "StridedSlice" and node.attr["T"].type == tf.bool and node.attr["new_axis_mask"].i
    ]


@pytest.mark.parametrize("timesteps", [1, 7, 8, 9, 17])
def test_any_length_is_answered_as_by_the_model(timesteps, portable):
    model, signature = portable
    x = np.random.default_rng(0).normal(size=[3, timesteps, 2]).astype("float32")
    lengths = np.int32([timesteps, timesteps // 2, 0])
    answers = signature(sequences=tf.constant(x), lengths=tf.constant(lengths))
    inputs = {"sequences": tf.constant(x), "lengths": tf.constant(lengths)}
    np.testing.assert_allclose(answers["probabilities"], model(inputs), rtol=1e-5)


@pytest.fixture(scope="module")
def portable(tmp_path_factory):
    model = SequenceClassifier([3, 2], ["a", "b"], cell="lstm", pooling=["last", "max"])
    model.build([None, None, 2])
    path = tmp_path_factory.mktemp("portable")
    model.export(str(path), verbose=False)
    saved = tf.saved_model.load(str(path))
    signature = saved.signatures["serving_default"]
    signature.saved = saved  # which owns the variables
    return model, signature


def test_no_name_among_inputs_and_outputs(tmp_path, in_this_process):
    """tf2onnx refuses such, OpenVINO gives the output another name."""
    model = SequenceClassifier(2, ["a", "b"], cell="lstm", pooling=["last", "mean", "max"])
    model.build([None, None, 2])
    step = tf.saved_model.load(export_saved_model(model, tmp_path, streaming=True)).signatures["step"]
    taken, given = set(step.structured_input_signature[1]), set(step.structured_outputs)
    assert not taken & given
    assert {f"next_{name}" for name in taken - {"inputs"}} == given - {"label", "probabilities", "classes"}
