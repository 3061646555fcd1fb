"""The table of vectors: its gradient, what optimizers make of it, and how it reads."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from rnn_tf import Trainer
from rnn_tf.layers import Embedding

IDS = np.array([[1] * 16, [1] * 8 + [2] * 4 + [3, 3, 4, 0]], "int32")  # of 6 rows; row 5 is in no batch
Y = np.array([[1.0], [5.0]], "float32")
SHAPE = (6, 3)
OTHERS = ["SGD", "AdamW", "Nadam", "RMSprop", "Adagrad", "Adadelta", "Ftrl"]


def model_of(kind=Embedding, **arguments):
    keras.utils.set_random_seed(3)
    layers = [kind(*SHAPE, **arguments), keras.layers.GlobalAveragePooling1D(), keras.layers.Dense(1)]
    model = keras.Sequential(layers)
    model.build((None, 16))
    return model


class Dense(keras.layers.Embedding):
    """The same lookup as a matrix product, whose gradient is dense."""

    def call(self, inputs):
        return keras.ops.one_hot(inputs, self.input_dim) @ self.embeddings


@pytest.mark.parametrize("how", ["fit", "Trainer", "fit, XLA"])
def test_the_first_adam_step_is_that_of_a_dense_gradient(how):
    model, rate, epsilon = model_of(), 0.1, 1e-7
    table, kernel, bias = (weight.numpy().astype("float64") for weight in model.trainable_variables)
    answers = table[IDS].mean(1) @ kernel + bias
    of_vectors = np.repeat(2 / 2 * (answers - Y) @ kernel.T[None] / 16, 16, axis=0).reshape(2, 16, 3)
    gradient = np.zeros(SHAPE)
    np.add.at(gradient, IDS, of_vectors)
    wanted = table - rate * gradient / (np.abs(gradient) + epsilon / np.sqrt(1 - 0.999))
    model.compile(keras.optimizers.Adam(rate), "mse", jit_compile="XLA" in how)
    if how == "Trainer":
        Trainer(model).fit(IDS, Y, steps=1, batch_size=2, verbose=0)
    else:
        model.fit(IDS, Y, batch_size=2, verbose=0)
    np.testing.assert_allclose(model.trainable_variables[0].numpy(), wanted, atol=2e-5)


@pytest.mark.parametrize(
    "optimizer",
    [
        keras.optimizers.Adam(0.1, global_clipnorm=0.01),
        keras.optimizers.Adam(0.1, clipnorm=0.01),
        keras.optimizers.SGD(0.1, global_clipnorm=0.01),
        *(
            getattr(keras.optimizers, name)(0.1)
            for name in ["SGD", "AdamW", "Nadam", "RMSprop", "Adagrad", "Adadelta", "Ftrl"]
        ),
    ],
    ids=lambda optimizer: f"{optimizer.name}-{optimizer.global_clipnorm or optimizer.clipnorm}",
)
def test_optimizers_move_the_table_as_by_a_dense_gradient(optimizer):
    tables = []
    for kind in (Embedding, Dense):
        model = model_of(kind)
        model.compile(type(optimizer).from_config(optimizer.get_config()), "mse")
        model.fit(IDS, Y, batch_size=2, epochs=3, verbose=0)
        tables.append(model.trainable_variables[0].numpy())
    np.testing.assert_allclose(*tables, atol=1e-5)


@pytest.mark.parametrize("dtype", ["int32", "int64", "uint8", "float32"])
@pytest.mark.parametrize("policy", ["float32", "mixed_float16", "mixed_bfloat16"])
def test_answers_are_those_of_keras(policy, dtype):
    ours, theirs = Embedding(*SHAPE, dtype=policy), keras.layers.Embedding(*SHAPE, dtype=policy)
    ids = tf.constant(IDS.astype(dtype))
    ours.build(None), theirs.build(None)
    theirs.set_weights(ours.get_weights())
    got, wanted = ours(ids), theirs(ids)
    assert got.dtype == wanted.dtype
    np.testing.assert_array_equal(tf.cast(got, "float32"), tf.cast(wanted, "float32"))


def test_a_table_that_is_not_trained_stays():
    model = model_of(trainable=False)
    model.compile("adam", "mse")
    before = model.layers[0].get_weights()
    model.fit(IDS, Y, verbose=0)
    Trainer(model).fit(IDS, Y, steps=2, verbose=0)
    np.testing.assert_array_equal(model.layers[0].get_weights(), before)


def test_only_the_rows_that_are_asked_for_are_read():
    layer = Embedding(*SHAPE)
    layer.build(None)
    operations = {one.type for one in tf.function(layer).get_concrete_function(tf.constant(IDS)).graph.get_operations()}
    assert "ResourceGather" in operations
    assert "ReadVariableOp" not in operations


def test_keras_saves_and_loads_it(tmp_path):
    model = model_of()
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert type(loaded.layers[0]) is Embedding
    np.testing.assert_array_equal(loaded.predict(IDS, verbose=0), model.predict(IDS, verbose=0))


def test_low_rank_and_quantized_tables_do_as_those_of_keras():
    layer = Embedding(*SHAPE, lora_rank=2)
    before = layer(IDS).numpy()
    layer.lora_embeddings_a.assign(np.ones([6, 2]))
    layer.lora_embeddings_b.assign(np.ones([2, 3]))
    np.testing.assert_allclose(layer(IDS), before + 2, atol=1e-5)
    layer = Embedding(*SHAPE)
    before = layer(IDS).numpy()
    layer.quantize("int8")
    np.testing.assert_allclose(layer(IDS), before, atol=1e-3)
    assert layer.variables[0].dtype == "int8"
