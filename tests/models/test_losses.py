"""A loss that standardized targets do not suit is refused before training, and what the message advises works."""

import re

import keras
import numpy as np
import pytest

from rnn_tf import SequenceRegressor, Trainer
from rnn_tf.models.losses import UNSUITED

rng = np.random.default_rng(1)
X = rng.random([64, 5, 1]).astype("float32")
Y = rng.poisson(np.exp(3 * X.mean(axis=1))).astype("float32") + 1


def made(loss, **arguments):
    model = SequenceRegressor(units=3, **arguments)
    model.compile(keras.optimizers.Adam(0.01), loss, metrics=["mape"])
    return model


@pytest.mark.parametrize(
    "loss",
    [
        "poisson",
        "mape",
        "msle",
        "binary_crossentropy",
        "hinge",
        "cosine_similarity",
        "kl_divergence",
        keras.losses.Poisson(),
        keras.losses.MeanAbsolutePercentageError(name="error"),
        keras.losses.mean_squared_logarithmic_error,
        keras.losses.BinaryFocalCrossentropy(),
        ["poisson"],
        type("Mine", (keras.losses.Poisson,), {})(),
    ],
    ids=[str(i) for i in range(13)],
)
def test_unsuited_losses_are_refused(loss):
    for compiled in (made, lambda loss: Trainer(SequenceRegressor(units=3), keras.optimizers.Adam(0.01), loss)):
        with pytest.raises(ValueError, match="computes its loss on standardized targets"):
            compiled(loss)
    made(loss, normalize=False).fit(X, Y, epochs=1, verbose=0)  # which leaves the user's numbers alone


@pytest.mark.parametrize(
    "loss", ["mse", "mae", "huber", "log_cosh", keras.losses.Huber(2.0), lambda y, p: (y - p) ** 2]
)
def test_other_losses_train(loss):
    model = made(loss)
    model.fit(X, Y, epochs=1, verbose=0)
    answers = model.predict(X, verbose=0)
    mape = float(np.mean(100 * np.abs((Y - answers) / Y)))
    assert model.evaluate(X, Y, verbose=0, return_dict=True)["mape"] == pytest.approx(mape, rel=1e-4)


def test_the_advice_works():
    said = set()
    for loss in ("poisson", "mape"):
        with pytest.raises(ValueError, match="standardized targets") as refused:
            made(loss)
        advised = re.search(r"loss='(\w+)'", str(refused.value).split("Received")[1].split(". ", 1)[1])[1]
        target, back = (np.log1p, np.expm1) if "np.log1p(y)" in str(refused.value) else (np.asarray, np.asarray)
        model = made(advised)
        Trainer(model).fit(X, target(Y), steps=300, verbose=0)
        answers = back(model.predict(X, verbose=0))
        assert np.mean(np.abs(answers - Y)) < np.mean(np.abs(Y - Y.mean()))
        said.add(advised)
    assert said == {"mse", "mae"}


def test_every_name_is_a_loss_of_keras():
    names = {re.sub("[^a-z]", "", name.lower()) for name in dir(keras.losses)}
    assert set(UNSUITED) - names <= {"categoricalgeneralizedcrossentropy"}  # newer than Keras 3.8
