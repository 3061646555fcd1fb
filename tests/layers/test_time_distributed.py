"""One call for all steps gives what Keras's call at each of them gives; where it would not, it is not made."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from rnn_tf import accelerate
from rnn_tf.layers.time_distributed import TimeDistributed, why_by_step

layers = keras.layers
rng = np.random.default_rng(0)
FRAMES = rng.normal(size=[2, 3, 4, 4, 2]).astype("float32")
VECTORS = rng.normal(size=[2, 3, 4]).astype("float32")


def small_cnn():
    return keras.Sequential([layers.Conv2D(3, 2, activation="relu"), layers.MaxPooling2D(2), layers.Flatten()])


def residual():
    inputs = keras.Input([4])
    return keras.Model(inputs, layers.Add()([layers.Dense(4, activation="tanh")(inputs), inputs]))


INNER = {
    "Dense": (lambda: layers.Dense(5, activation="softmax"), VECTORS),
    "Dense on more axes": (lambda: layers.Dense(5), FRAMES),
    "PReLU": (lambda: layers.PReLU(alpha_initializer="ones"), VECTORS),
    "Softmax": (layers.Softmax, VECTORS),
    "LayerNormalization": (layers.LayerNormalization, VECTORS),
    "GroupNormalization": (lambda: layers.GroupNormalization(2), FRAMES),
    "Embedding": (lambda: layers.Embedding(9, 3), rng.integers(0, 9, [2, 3, 4])),
    "Reshape": (lambda: layers.Reshape([2, 2]), VECTORS),
    "Sequential": (small_cnn, FRAMES),
    "functional": (residual, VECTORS),
}


def pair(make, x):
    """Keras's layer and ours, with the same weights."""
    both = [kind(make()) for kind in (layers.TimeDistributed, TimeDistributed)]
    for one in both:
        one.build(x.shape)
    both[1].set_weights(both[0].get_weights())
    return both


def operations(layer, x, **call):
    graph = tf.function(lambda x: layer(x, **call)).get_concrete_function(tf.TensorSpec(x.shape, x.dtype)).graph
    return len(graph.get_operations())


@pytest.mark.parametrize("name", INNER)
def test_answers_and_gradients_are_those_of_keras(name):
    make, x = INNER[name]
    both = pair(make, x)
    assert why_by_step(both[1].layer, training=True) == ""

    def run(layer, shape):
        @tf.function(input_signature=[tf.TensorSpec(shape, x.dtype)])
        def gradients(x):
            with tf.GradientTape() as tape:
                tape.watch(x)
                answer = layer(x, training=True)
                loss = tf.reduce_sum(tf.sin(answer))
            sources = [weight.value for weight in layer.trainable_variables] + [x] * x.dtype.is_floating
            return answer, [tf.convert_to_tensor(one) for one in tape.gradient(loss, sources)]

        return gradients(tf.constant(x))

    expected, wanted = run(both[0], x.shape)
    # Of unknown steps Keras 3.15 answers as many as the batch has rows: see findings.
    for shape in (x.shape, [None, None, *x.shape[2:]]):
        answer, got = run(both[1], shape)
        np.testing.assert_allclose(answer, expected, atol=1e-6)
        for one, other in zip(got, wanted, strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-5)
    assert both[1].compute_output_shape(x.shape) == answer.shape
    assert operations(both[1], x) == operations(both[1], np.repeat(x, 2, axis=1))  # however many steps
    assert operations(both[0], x) < operations(both[0], np.repeat(x, 2, axis=1))


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda: layers.LSTM(2), "LSTM is not known to treat rows independently"),
        (lambda: layers.Lambda(lambda x: x), "Lambda is not known"),
        (lambda: type("Mine", (layers.Dense,), {})(2), "Mine is not known"),
        (lambda: layers.Dense(2, activation=lambda x: x - tf.reduce_mean(x)), "the activation of Dense is not one"),
        (lambda: layers.Softmax(axis=0), "Softmax works over the axis 0"),
        (lambda: layers.Softmax(axis=-2), "Softmax works over the axis -2"),
        (lambda: layers.Dense(2, activity_regularizer="l2"), "Dense has an activity regularizer"),
        (lambda: layers.Dense(2, dtype="int8_from_float32"), "Dense is quantized"),
        (lambda: keras.Sequential([layers.Dense(2), layers.Lambda(lambda x: x)]), "Lambda is not known"),
        (lambda: keras.Model(i := keras.Input([4]), keras.ops.flip(layers.Dense(2)(i), 0)), "Flip is not known"),
    ],
)
def test_what_is_called_step_by_step(make, reason):
    for training in (True, False):
        assert reason in why_by_step(make(), training)


@pytest.mark.parametrize("make", [lambda: layers.Dropout(0.5, seed=3), layers.BatchNormalization])
def test_what_depends_on_the_step_in_training_is_keras_there(make):
    both = pair(make, VECTORS)
    expected, answer = (layer(VECTORS, training=True) for layer in both)
    np.testing.assert_allclose(answer, expected, atol=1e-6)
    assert np.abs(answer - both[1](VECTORS)).max() > 0.1
    for one, other in zip(*(layer.variables for layer in both), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)
    long = np.repeat(VECTORS, 2, axis=1)
    assert operations(both[1], VECTORS) == operations(both[1], long)
    assert operations(both[1], VECTORS, training=True) < operations(both[1], long, training=True)


def test_a_frozen_batch_normalization_does_not():
    layer = layers.BatchNormalization(trainable=False)
    assert why_by_step(layer, training=True) == ""


def test_masks():
    mask = np.array([[True, False, True], [True, True, False]])
    for make in (lambda: layers.Dense(4), layers.GlobalAveragePooling1D):
        x = FRAMES[:, :, 0] if make is layers.GlobalAveragePooling1D else VECTORS
        steps = np.repeat(mask[:, :, None], x.shape[2], axis=2) if x.ndim == 4 else mask
        steps[..., 0] |= x.ndim == 4  # a mean of nothing is NaN
        expected, answer = (layer(x, mask=tf.constant(steps)) for layer in pair(make, x))
        np.testing.assert_allclose(answer, expected, atol=1e-6)
        assert answer.shape[:2] == (2, 3)


def tagger():
    return keras.Sequential(
        [
            keras.Input([6], dtype="int32"),
            layers.Embedding(9, 4, mask_zero=True),
            layers.Bidirectional(layers.LSTM(3, return_sequences=True, recurrent_dropout=0.2)),
            layers.TimeDistributed(layers.Dense(4, activation="relu"), name="hidden"),
            layers.TimeDistributed(layers.Dropout(0.5), name="drop"),
            layers.TimeDistributed(layers.Dense(5, activation="softmax"), name="tags"),
        ]
    )


def test_a_tagger_is_accelerated_and_trains_on(capsys, tmp_path):
    x, y = rng.integers(0, 9, [4, 6]), rng.integers(0, 5, [4, 6])
    model = tagger()
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(x, y, verbose=0)
    fast = accelerate(model)
    assert capsys.readouterr().out.splitlines()[2:5] == [
        "hidden: TimeDistributed(Dense) -> one call for all steps",
        "drop: TimeDistributed(Dropout) -> one call for all steps, at inference: in training Dropout depends on the "
        "step",
        "tags: TimeDistributed(Dense) -> one call for all steps",
    ]
    assert [weight.path for weight in fast.weights] == [weight.path for weight in model.weights]
    for one in (model, fast):
        one.fit(x, y, verbose=0)
    for one, other in zip(fast.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-4)
    assert fast.get_layer("tags").compute_mask(x, fast.layers[0].compute_mask(x)).shape == (4, 6)

    # Weights files go both ways, and so do whole models.
    for saved, other in ((model, fast), (fast, model)):
        for name in ("tagger.weights.h5", "tagger.keras"):
            saved.save_weights(tmp_path / name) if name.endswith("h5") else saved.save(tmp_path / name)
            other.set_weights([0 * weight for weight in other.get_weights()])
            other.load_weights(tmp_path / name)
            np.testing.assert_allclose(other.predict(x, verbose=0), saved.predict(x, verbose=0), atol=1e-6)
    loaded = keras.models.load_model(tmp_path / "tagger.keras")
    assert [type(layer) for layer in loaded.layers[2:]] == [TimeDistributed] * 3


def test_what_is_left_is_named_with_its_reason(capsys):
    inputs = keras.Input([3, 4, 2])
    model = keras.Model(inputs, layers.TimeDistributed(layers.GRU(2), name="lines")(inputs))
    fast = accelerate(model)
    assert type(fast.get_layer("lines")) is layers.TimeDistributed
    assert capsys.readouterr().out.startswith(
        "lines: TimeDistributed(GRU) left as it is: GRU is not known to treat rows independently.\n"
    )


def test_a_difference_that_labels_hide_is_seen(monkeypatch):
    inputs = keras.Input([3, 4])
    best = layers.Lambda(lambda p: keras.ops.argmax(p, -1), output_shape=(3,), dtype="int64")
    model = keras.Model(inputs, best(layers.TimeDistributed(layers.Dense(2))(inputs)))
    monkeypatch.setattr(TimeDistributed, "call", lambda self, x, training=None, mask=None: 1.001 * self.layer(x))
    with pytest.raises(RuntimeError, match=r"differ by 0\.001 .*one call for all steps"):
        accelerate(model)
