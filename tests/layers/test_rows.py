"""A layer over rows of a small table is the layer over the vectors themselves, with the same gradients."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from rnn_tf import RNN, MinGRUCell
from rnn_tf.layers import rows
from rnn_tf.layers.rows import over_rows

CELLS = {
    "simple": lambda **how: keras.layers.SimpleRNNCell(5, **how),
    "lstm": lambda **how: keras.layers.LSTMCell(5, **how),
    "gru": lambda **how: keras.layers.GRUCell(5, **how),
    "gru, reset before": lambda **how: keras.layers.GRUCell(5, reset_after=False, **how),
    "mingru": lambda **how: MinGRUCell(5, **how),
}
IDS = np.random.default_rng(0).integers(0, 7, [4, 23])


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("how", ["small", "large", "dropout"])
def test_outputs_states_and_gradients(cell, masked, how, monkeypatch):
    """Also where the vectors are looked up first: of a large table, and where inputs are dropped."""
    keras.utils.set_random_seed(1)
    if how == "large":
        monkeypatch.setattr(rows, "MOST_ROWS", 6)
    dropout = {"dropout": 0.5, "seed": 3} if how == "dropout" else {}
    layer = RNN(CELLS[cell](**dropout), return_sequences=True, return_state=True, shards=2)
    layer.build((None, None, 3))
    table = tf.constant(np.random.default_rng(1).normal(size=[7, 3]), tf.float32)
    states = [tf.random.normal([4, 5]) for _ in tf.nest.flatten(layer.get_initial_state(batch_size=4))]
    mask = tf.sequence_mask([23, 9, 0, 14], 23) if masked else None
    found = []
    for over in (True, False):

        @tf.function
        def run(states, over=over):
            given = {"initial_state": states, "mask": mask, "training": True}
            with tf.GradientTape() as tape:
                tape.watch([table, *states])
                everything = over_rows(layer, IDS, table, **given) if over else layer(tf.gather(table, IDS), **given)
                loss = sum(tf.reduce_sum(one * tf.cos(tf.cast(tf.size(one), one.dtype))) for one in everything)
            return everything, tape.gradient(loss, [table, *layer.trainable_variables, *states])

        if how == "dropout":
            layer.cell.seed_generator.state.assign(tf.zeros_like(layer.cell.seed_generator.state))
        found.append(tf.nest.flatten(run(states)))
    for one, other in zip(*found, strict=True):
        np.testing.assert_allclose(tf.convert_to_tensor(one), tf.convert_to_tensor(other), rtol=1e-4, atol=1e-5)


def test_a_small_table_is_projected_once():
    layer = RNN(keras.layers.LSTMCell(5), return_sequences=True, return_state=True, shards=1)
    layer.build((None, None, 3))
    table = tf.Variable(tf.ones([7, 3]))
    run = tf.function(lambda: over_rows(layer, IDS, table.value(), training=True)[0])
    graph = run.get_concrete_function().graph.as_graph_def()
    nodes = [*graph.node, *(node for function in graph.library.function for node in function.node_def)]
    assert any(node.op == "GatherV2" for node in nodes)
    products = [one for one in run.get_concrete_function().graph.get_operations() if one.type == "MatMul"]
    assert any(one.inputs[0].shape[0] == 7 for one in products)
