"""Standardization is learned once, is known to be learned, and is never forgotten silently."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from rnn_tf import SequenceClassifier, SequenceRegressor, Trainer

rng = np.random.default_rng(5)
X = rng.normal(size=[64, 5, 2])
X = ((X - X.mean((0, 1))) / X.std((0, 1))).astype("float32")  # mean 0 and deviation 1 already
Y = rng.normal(size=[64, 1])
Y = ((Y - Y.mean(0)) / Y.std(0)).astype("float32")
LABELS = (Y[:, 0] > 0).astype(int)


def made(kind, **arguments):
    model = kind(units=3, **arguments)
    model.compile("sgd", "mse" if kind is SequenceRegressor else "sparse_categorical_crossentropy")
    return model, Y if kind is SequenceRegressor else LABELS


KINDS = [SequenceRegressor, SequenceClassifier]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("way", ["as it is", "saved", "weights file", "weights", "EarlyStopping"])
def test_a_second_fit_does_not_learn_again(kind, way, tmp_path):
    model, y = made(kind)
    model.fit(X, y, epochs=1, verbose=0)
    scaling = model.field_in.scaling.get_weights()
    if way == "saved":
        model.save(tmp_path / "model.keras")
        model = keras.models.load_model(tmp_path / "model.keras")
    elif way in ("weights file", "weights"):
        other, _ = made(kind)
        other.build([None, 5, 2])
        if way == "weights":
            other.set_weights(model.get_weights())
        else:
            model.save_weights(tmp_path / "model.weights.h5")
            other.load_weights(tmp_path / "model.weights.h5")
        model = other
    elif way == "EarlyStopping":
        stop = keras.callbacks.EarlyStopping("loss", restore_best_weights=True)
        model.fit(X, y, epochs=2, verbose=0, callbacks=[stop])
    model.fit(1000 + 50 * X, y, epochs=1, verbose=0)
    for old, new in zip(scaling, model.field_in.scaling.get_weights(), strict=True):
        np.testing.assert_array_equal(new, old)


@pytest.mark.parametrize("kind", KINDS)
def test_training_from_outside_is_refused_until_adapt(kind):
    raw = 300 + 50 * X
    for normalize in (True, False):
        inner, y = made(kind, normalize=normalize)
        inner.build([None, 5, 2])

        def tape(model=inner, y=y):
            with tf.GradientTape() as tape:
                loss = tf.reduce_mean(model(raw, training=True))
            return tape.gradient(loss, model.trainable_variables)

        inputs = keras.Input([5, 2])
        outer = keras.Model(inputs, inner(inputs))
        outer.compile("sgd", inner.loss)
        around = keras.Sequential([keras.Input([5, 2]), inner])
        around.compile("sgd", inner.loss)
        calls = [
            tape,
            tf.function(tape),
            lambda inner=inner, y=y: inner.train_on_batch(raw, y),
            lambda outer=outer, y=y: outer.fit(raw, y, epochs=1, verbose=0),
            lambda around=around, y=y: Trainer(around).fit(raw, y, epochs=1, verbose=0),
        ]
        for call in calls:
            if normalize:
                with pytest.raises(ValueError, match=r"has not seen them\. .*adapt.*normalize=False"):
                    call()
            else:
                call()
    inner, y = made(kind)
    inner.adapt(*((raw, y) if kind is SequenceRegressor else (raw,)))
    inputs = keras.Input([5, 2])
    outer = keras.Model(inputs, inner(inputs))
    outer.compile("sgd", inner.loss)
    outer.fit(raw, y, epochs=1, verbose=0)
    assert inner.train_on_batch(raw, y) is not None


@pytest.mark.parametrize("kind", KINDS)
def test_inference_needs_no_adapt(kind):
    model, _ = made(kind)
    assert np.isfinite(model(X)).all()
    assert np.isfinite(model.predict(X, verbose=0)).all()


@pytest.mark.parametrize("kind", KINDS)
def test_optimizers_that_copy_the_weights(kind):
    if not hasattr(keras.optimizers, "ScheduleFreeAdamW"):
        pytest.skip("this Keras has no ScheduleFreeAdamW")
    model, y = made(kind)
    model.build([None, 5, 2])
    model.compile(keras.optimizers.ScheduleFreeAdamW(1e-4), model.loss)
    before = model.get_weights()
    model.fit(X, y, epochs=1, batch_size=64, verbose=0)
    for old, new, weight in zip(before, model.get_weights(), model.weights, strict=True):
        if weight.trainable:
            np.testing.assert_allclose(new, old, atol=5e-3)


@pytest.mark.parametrize("kind", KINDS)
def test_shards_that_nobody_passed_are_not_in_the_config(kind):
    assert made(kind)[0].get_config()["shards"] is None
    assert made(kind, shards=2)[0].get_config()["shards"] == 2
