"""`class_weight` weighs each row, or each step where the model answers at every step, as `sample_weight` would."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from rnn_tf import Trainer

rng = np.random.default_rng(0)
X = rng.normal(size=[20, 5, 2]).astype("float32")
TAGS = rng.integers(0, 3, [20, 5])
LABELS = TAGS[:, 0]
WEIGHT = {0: 1.0, 1: 5.0, 2: 9.0}
OF_TAGS = np.vectorize(WEIGHT.get)(TAGS).astype("float32")
OF_LABELS = OF_TAGS[:, 0]


def weights_after(y, loss, steps, data=None, units=3, batch_size=5, **extra):
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [
            keras.Input([5, 2]),
            keras.layers.GRU(3, return_sequences=steps),
            keras.layers.Dense(units, activation="softmax" if units > 1 else "sigmoid"),
        ]
    )
    fit = Trainer(model, "sgd", loss, jit_compile=False).fit
    if data is None:
        fit(X, y, epochs=1, batch_size=batch_size, shuffle=False, verbose=0, **extra)
    else:
        fit(data, epochs=1, verbose=0, **extra)
    return np.concatenate([weight.ravel() for weight in model.get_weights()])


@pytest.mark.parametrize("batch_size", [4, 5, 20])  # 5 rows of 5 steps look like one-hot rows
@pytest.mark.parametrize(
    ("y", "loss", "steps", "sample_weight"),
    [
        (TAGS, "sparse_categorical_crossentropy", True, OF_TAGS),
        (TAGS[..., np.newaxis], "sparse_categorical_crossentropy", True, OF_TAGS),
        (TAGS.astype("float32"), "sparse_categorical_crossentropy", True, OF_TAGS),
        (np.eye(3, dtype="float32")[TAGS], "categorical_crossentropy", True, OF_TAGS),
        (LABELS, "sparse_categorical_crossentropy", False, OF_LABELS),
        (LABELS[:, np.newaxis], "sparse_categorical_crossentropy", False, OF_LABELS),
        (np.eye(3, dtype="float32")[LABELS], "categorical_crossentropy", False, OF_LABELS),
    ],
)
def test_class_weight_is_sample_weight(y, loss, steps, sample_weight, batch_size):
    expected = weights_after(y, loss, steps, batch_size=batch_size, sample_weight=sample_weight)
    got = weights_after(y, loss, steps, batch_size=batch_size, class_weight=WEIGHT)
    np.testing.assert_allclose(got, expected, atol=1e-7)
    data = tf.data.Dataset.from_tensor_slices((X, y)).batch(batch_size)
    np.testing.assert_allclose(weights_after(y, loss, steps, data, class_weight=WEIGHT), expected, atol=1e-6)


def test_two_classes_at_every_step():
    y = (TAGS > 0).astype("float32")
    weight = np.where(y > 0, 4.0, 1.0).astype("float32")
    for labels in (y[..., np.newaxis],):
        expected = weights_after(labels, "binary_crossentropy", True, units=1, sample_weight=weight)
        got = weights_after(labels, "binary_crossentropy", True, units=1, class_weight={1: 4.0})
        np.testing.assert_allclose(got, expected, atol=1e-7)


def test_labels_that_fit_no_answer_are_refused():
    with pytest.raises(ValueError, match=r"`class_weight` needs a label for each answer\. .* Give `sample_weight`"):
        weights_after(TAGS[..., np.newaxis], "sparse_categorical_crossentropy", False, class_weight=WEIGHT)


def test_a_model_with_a_method_of_the_name_prepare_data():
    class Mine(keras.Model):
        def __init__(self):
            super().__init__()
            self.dense = keras.layers.Dense(3, activation="softmax")

        def prepare_data(self, path):
            raise AssertionError("this is not for Trainer")

        def call(self, x):
            return self.dense(x)

    history = Trainer(Mine(), "sgd", "sparse_categorical_crossentropy").fit(
        X, TAGS, epochs=1, verbose=0, validation_data=(X, TAGS)
    )
    assert np.isfinite(history.history["val_loss"]).all()
