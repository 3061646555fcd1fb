"""What `accelerate` compares on: inputs that are made up until the model takes them, or given; and how it compares."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from rnn_tf import RNN, accelerate
from rnn_tf.layers import acceleration as module
from rnn_tf.layers.comparison import largest_difference

rng = np.random.default_rng(0)


def argmax(x):
    return layers.Lambda(lambda p: keras.ops.argmax(p, -1), output_shape=(), dtype="int64")(x)


def sound(kernels, strides):
    inputs = x = keras.Input([None, 1])
    for kernel, stride in zip(kernels, strides, strict=True):
        x = layers.Conv1D(4, kernel, strides=stride)(x)
    return keras.Model(inputs, layers.Dense(2)(layers.GRU(4)(x)))


def down_and_up():
    inputs = keras.Input([None, 2])
    down = layers.AveragePooling1D(5)(layers.LSTM(3, return_sequences=True)(inputs))
    return keras.Model(inputs, layers.Concatenate()([layers.UpSampling1D(5)(down), inputs]))


def positions():
    ids = keras.Input([None], dtype="int32")
    places = layers.Lambda(lambda x: tf.range(tf.shape(x)[1])[tf.newaxis] + 0 * x, output_shape=(None,), dtype="int32")
    x = layers.Embedding(9, 4)(ids) + layers.Embedding(10, 4)(places(ids))
    return keras.Model(ids, layers.SimpleRNN(3)(x))


def categories():
    text, number, code = (keras.Input([5], dtype=kind) for kind in ("string", "int64", "string"))
    words = layers.StringLookup(vocabulary=["red", "green", "deep blue"], num_oov_indices=0)(text)
    numbers = layers.IntegerLookup(vocabulary=[100, 7, 42], num_oov_indices=0)(number)
    codes = layers.StringLookup(vocabulary=["A", "B"], num_oov_indices=0)(code)
    x = layers.Concatenate()([layers.Embedding(4, 2)(one) for one in (words, numbers, codes)])
    return keras.Model([text, number, code], layers.GRU(3)(x))


def one_hot():
    inputs = keras.Input([6], dtype="int32")
    x = layers.CategoryEncoding(3, output_mode="multi_hot")(inputs)
    return keras.Model(inputs, layers.LSTM(2)(layers.Reshape([3, 1])(x)))


MAKE = {
    "a wide convolution": lambda: sound([80], [4]),
    "a stack of convolutions": lambda: sound([80, 9, 9, 9], [4, 4, 4, 2]),
    "lengths that are divided": down_and_up,
    "a table of positions": positions,
    "lookups without unknown": categories,
    "categories": one_hot,
}


@pytest.mark.parametrize("name", MAKE)
def test_made_up_inputs_grow_until_the_model_takes_them(name):
    model = MAKE[name]()
    fast = accelerate(model, verbose=False)
    assert [type(layer) for layer in module._layers(fast)].count(RNN) == 1


def labelled():
    inputs = keras.Input([12, 2], name="x")
    best = argmax(layers.Dense(3, activation="softmax")(layers.LSTM(4)(inputs)))
    return keras.Model(inputs, layers.StringLookup(vocabulary=["no", "yes"], invert=True)(best))


def numbered():
    inputs = keras.Input([12, 2], name="x")
    return keras.Model(inputs, argmax(layers.GRU(5)(inputs)))


def judged():
    inputs = keras.Input([12, 2], name="x")
    return keras.Model(inputs, layers.GRU(4)(inputs) > 0)


def named():
    inputs = keras.Input([12, 2], name="x")
    x = layers.GRU(4)(inputs)
    outputs = {"score": x, "place": argmax(x), "parts": [layers.Dense(1)(x), x > 0]}
    return keras.Model(inputs, outputs)


ANSWERS = {"strings": labelled, "integers": numbered, "Booleans": judged, "a dict of several": named}


@pytest.mark.parametrize("name", ANSWERS)
def test_answers_that_are_no_floats(name, monkeypatch):
    model = ANSWERS[name]()
    fast, x = accelerate(model, verbose=False), rng.normal(size=[20, 12, 2]).astype("float32")
    assert largest_difference(model(x), fast(x)) < 1e-5
    honest = module._fast_layer

    def wrong(layer):
        fast = honest(layer)
        fast.go_backwards = True
        return fast

    monkeypatch.setattr(module, "_fast_layer", wrong)
    with pytest.raises(RuntimeError, match=r"differ by .* on random inputs"):
        accelerate(model)
    with pytest.raises(RuntimeError, match=r"differ by .* on the examples"):
        accelerate(model, examples=x)


@pytest.mark.parametrize(
    ("expected", "answer", "difference"),
    [
        ([1.0, 2.0], [1.0, 2.5], 0.25),
        ([np.nan, 2.0], [np.nan, 2.0], 0),
        ([np.nan, 2.0], [0.0, 2.0], np.inf),
        ([0.0, 2.0], [np.nan, 2.0], np.inf),
        ([np.inf, 2.0], [-np.inf, 2.0], np.inf),
        ([np.inf, 2.0], [np.inf, 1.0], 0.5),
        ([1, 2], [1, 2], 0),
        ([2**53, 1], [2**53 + 1, 1], np.inf),
        ([True, False], [True, True], np.inf),
        (["a", "b"], ["a", "b"], 0),
        (["a", "b"], ["a", "c"], np.inf),
        ([1.0], [1.0, 1.0], np.inf),
        ([1.0], [1], np.inf),
        ({"a": [1.0]}, {"b": [1.0]}, np.inf),
        ({"a": [1.0]}, [[1.0]], np.inf),
    ],
)
def test_differences(expected, answer, difference):
    def tensors(one):
        if isinstance(one, dict):
            return {key: tf.constant(value) for key, value in one.items()}
        if isinstance(one[0], list):
            return [tf.constant(value) for value in one]
        return tf.constant(np.array(one) if isinstance(one[0], int) else one)

    assert largest_difference(tensors(expected), tensors(answer)) == difference


def test_differences_of_ragged_answers():
    one, other = (tf.ragged.constant(rows) for rows in ([[1.0], [2.0, 3.0]], [[1.0, 2.0], [3.0]]))
    assert largest_difference(one, one) == 0
    assert largest_difference(one, other) == np.inf


def test_nothing_but_nan_is_not_called_equal():
    inputs = keras.Input([4, 1])
    model = keras.Model(inputs, layers.GRU(2)(inputs) * float("nan"))
    with pytest.raises(ValueError, match="nothing that can be compared"):
        accelerate(model)
    with pytest.raises(ValueError, match=r"must answer the `examples`.*nothing that can be compared"):
        accelerate(model, examples=np.ones([2, 4, 1]))
    inputs = keras.Input([4, 1])
    some = keras.Model(
        inputs, layers.Lambda(lambda x: tf.concat([x, x * np.nan], -1), output_shape=(4,))(layers.GRU(2)(inputs))
    )
    accelerate(some, verbose=False)


def picky():
    """Demands ids from 1000 to 1009, which nothing tells."""
    ids = keras.Input([None], dtype="int32", name="ids")
    weights = keras.Input([1], name="weights")

    def checked(x):
        with tf.control_dependencies([tf.debugging.assert_greater_equal(x, 1000, message="no such id")]):
            return x - 1000

    x = layers.Embedding(10, 3)(layers.Lambda(checked, output_shape=(None,), dtype="int32")(ids))
    return keras.Model([ids, weights], layers.LSTM(2)(x) * weights)


def test_examples_are_asked_for_where_none_can_be_made_up():
    model = picky()
    with pytest.raises(ValueError, match=r"no such id.*accelerate\(model, examples=x\), with x as in model.predict\(x"):
        accelerate(model)
    before = [weight.copy() for weight in model.get_weights()]
    x = [rng.integers(1000, 1010, [70, 5]), rng.normal(size=[70, 1])]
    for examples in (
        x,
        tuple(x),
        {"ids": x[0], "weights": x[1]},
        [x[0].tolist(), x[1][:, 0]],
        list(map(tf.constant, x)),
    ):
        fast = accelerate(model, verbose=False, examples=examples)
        np.testing.assert_allclose(fast.predict(x, verbose=0), model.predict(x, verbose=0), atol=1e-6)
    for one, other in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(
    ("examples", "message"),
    [
        (np.ones([3, 5]), r"arrays for ids \(None, None\) int32, weights \(None, 1\) float32. Received: ndarray of"),
        ([np.ones([3, 5])], "arrays for ids.*Received: a list of 1"),
        ({"ids": np.ones([3, 5])}, r"Received: a dict of \['ids'\]"),
        ([np.ones([3, 5]), np.ones([2, 1])], r"as many rows for each input. Received: \[2, 3\]"),
        ([np.ones([0, 5]), np.ones([0, 1])], r"a row at least"),
        ([np.ones([3, 5]) / 2, np.ones([3, 1])], r"the input 'ids' must be an array of int32"),
        ([[["a"]], np.ones([1, 1])], r"the input 'ids' must be an array of int32"),
        ([[[1, 2], [3]], np.ones([2, 1])], r"the input 'ids' must be an array of int32. Received: a list of 2"),
        ([np.ones([3, 5, 2]), np.ones([3, 1])], r"the input 'ids' must have shape \(None, None\). .* \(3, 5, 2\)"),
        ([np.ones([3, 5]), np.ones([3, 2])], r"the input 'weights' must have shape \(None, 1\)"),
        ([np.ones([3, 5]), object()], r"the input 'weights' must be an array of float32. Received: object"),
        ([np.ones([3, 5]), np.ones([3, 1])], r"must answer the `examples`. Received from it: .*no such id"),
    ],
)
def test_bad_examples_are_told_of_before_any_work(examples, message, monkeypatch):
    monkeypatch.setattr(module, "_clone_model", None)
    with pytest.raises(ValueError, match=message):
        accelerate(picky(), examples=examples)


def test_examples_in_the_place_of_verbose():
    with pytest.raises(TypeError, match=r"accelerate\(model, examples=x\)"):
        accelerate(labelled(), np.ones([3, 12, 2]))


def test_examples_of_texts_and_of_fixed_batches():
    inputs = keras.Input([], dtype="string", name="text")
    text = layers.TextVectorization(vocabulary=["good", "bad"], output_sequence_length=4)
    model = keras.Model(inputs, layers.GRU(3)(layers.Embedding(5, 2)(text(inputs))))
    for examples in (["good", "bad ünknown"], np.array(["good"]), {"text": [b"bad"]}, tf.constant(["good"])):
        accelerate(model, verbose=False, examples=examples)
    with pytest.raises(ValueError, match=r"'text' must be an array of string. Received: a list of 2"):
        accelerate(model, examples=["good", 3])
    inputs = keras.Input(batch_shape=[3, 5, 2])
    model = keras.Model(inputs, layers.GRU(2, stateful=True)(inputs))
    accelerate(model, verbose=False, examples=rng.normal(size=[7, 5, 2]))
    with pytest.raises(ValueError, match=r"must have shape \(3, 5, 2\). Received: shape \(2, 5, 2\)"):
        accelerate(model, examples=rng.normal(size=[2, 5, 2]))


def test_a_model_without_names_keeps_its_structure():
    a, b = keras.Input([3, 2], name="first"), keras.Input([3, 2], name="second")
    model = keras.Model({"first": a, "second": b}, layers.GRU(2)(a + b))
    x = rng.normal(size=[2, 4, 3, 2])
    accelerate(model, verbose=False, examples={"first": x[0], "second": x[1]})
    with pytest.raises(ValueError, match=r"Received: a list of 2"):
        accelerate(model, examples=list(x))


@pytest.mark.filterwarnings("ignore:Layer .* does not have")
@pytest.mark.parametrize("mode", ["int8", "float8"])
def test_quantized_models(mode):
    model = keras.Sequential([keras.Input([9, 3]), layers.GRU(8), layers.Dense(4), layers.Dense(1)])
    model.quantize(mode)
    x = rng.normal(size=[4, 9, 3])
    fast = accelerate(model, verbose=False)
    np.testing.assert_allclose(fast.predict(x, verbose=0), model.predict(x, verbose=0), atol=1e-5)
