"""Both models of sequences take those of different lengths in every form, and padding changes nothing."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from rnn_tf import SequenceClassifier, SequenceRegressor, Trainer
from rnn_tf.fields.sequences import as_sequences

rng = np.random.default_rng(7)
LENGTHS = [4, 7, 2, 7, 3, 5, 6, 1]
ROWS = [rng.normal(5, 3, [length, 2]).astype("float32") for length in LENGTHS]
Y = np.array([row.sum() for row in ROWS], "float32")
LABELS = np.array([0, 1] * 4)


def padded(fill):
    x = np.full([len(ROWS), 9, 2], fill, "float32")
    for row, into in zip(ROWS, x, strict=True):
        into[: len(row)] = row
    return x


FORMS = {
    "list": ROWS,
    "lists of lists": [row.tolist() for row in ROWS],
    "ragged": tf.RaggedTensor.from_row_lengths(np.concatenate(ROWS), LENGTHS),
    "ragged in its type": tf.ragged.constant([row.tolist() for row in ROWS]),
    "dict": {"sequences": padded(np.nan), "lengths": np.array(LENGTHS)},
}


def regressor(**arguments):
    keras.utils.set_random_seed(1)
    model = SequenceRegressor(units=2, **arguments)
    model.compile("sgd", "mse", metrics=["mae"])
    return model, Y


def classifier(**arguments):
    keras.utils.set_random_seed(1)
    model = SequenceClassifier(units=2, classes=2, cell="elman", **arguments)
    model.compile("sgd", "sparse_categorical_crossentropy")
    return model, LABELS


@pytest.mark.parametrize("make", [regressor, classifier])
@pytest.mark.parametrize("way", ["fit", "Trainer"])
def test_all_forms_train_alike(make, way):
    weights, answers, losses = [], [], []
    for form in FORMS.values():
        model, y = make()
        (model if way == "fit" else Trainer(model)).fit(form, y, epochs=2, batch_size=4, shuffle=False, verbose=0)
        weights.append(np.concatenate([weight.ravel() for weight in model.get_weights()]))
        answers.append(model.predict(form, verbose=0))
        losses.append(model.evaluate(form, y, verbose=0))
    for row, answer in zip(ROWS, answers[-1], strict=True):  # each alone, without any padding
        np.testing.assert_allclose(model(row[np.newaxis])[0], answer, rtol=2e-4, atol=1e-5)
    for results in (weights, answers, losses):
        for other in results[1:]:
            np.testing.assert_allclose(other, results[0], rtol=1e-4, atol=1e-6)


def test_relative_is_to_the_last_value_of_each_sequence():
    model, _ = regressor(relative=True)
    model.fit(ROWS, Y, epochs=1, verbose=0, validation_data=(FORMS["ragged"], Y))
    raised = [row + np.float32([100, 0]) for row in ROWS]
    np.testing.assert_allclose(model.predict(raised, verbose=0), model.predict(ROWS, verbose=0) + 100, rtol=1e-4)


def test_an_answer_at_every_step_has_a_loss_at_the_real_steps_only():
    targets = [row.sum(axis=1) for row in ROWS]
    losses = []
    for fill in (0.0, 1e6):
        model, _ = regressor(return_sequences=True, normalize=False)
        model.build([None, None, 2])
        y = np.full([len(ROWS), 9], fill, "float32")
        for target, into in zip(targets, y, strict=True):
            into[: len(target)] = target
        losses.append(model.evaluate(FORMS["dict"], y, verbose=0))
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)
    answers = model.predict(FORMS["dict"], verbose=0)[..., 0]
    errors = np.concatenate([answers[i, : len(target)] - target for i, target in enumerate(targets)])
    assert losses[0][1] == pytest.approx(np.abs(errors).mean(), rel=1e-4)
    model, _ = regressor(return_sequences=True)
    model.fit(ROWS, targets, epochs=1, verbose=0)
    np.testing.assert_allclose(model.field_out.scaling.mean, [np.concatenate(targets).mean()], rtol=1e-5)


@pytest.mark.parametrize("make", [regressor, classifier])
@pytest.mark.parametrize(
    ("x", "message"),
    [
        ([], "at least one row"),
        ([ROWS[0], ROWS[1][:, 0]], r"arrays \[timesteps, features\].* row\[:, None\]"),
        ([ROWS[0], ROWS[1][:0]], "of one step at least"),
        ([ROWS[0], [["a", "b"]]], "`sequences` must hold numbers.* texts"),
        (tf.ragged.constant([[1.0], [2.0, 3.0]]), r"A ragged tensor .* Give a list of arrays"),
        ({"sequences": padded(0), "lengths": np.array([4, 7, -1, 7, 3, 5, 6, 1])}, "between 1 and .* -1 in row 2"),
        ({"sequences": padded(0), "lengths": np.array([4, 7, 0, 7, 3, 5, 6, 1])}, "between 1 and"),
        ({"sequences": padded(0), "lengths": np.array([4, 7, 10, 7, 3, 5, 6, 1])}, "between 1 and"),
        ({"sequences": padded(0), "steps": np.array(LENGTHS)}, "must hold 'sequences' and 'lengths'"),
    ],
)
def test_what_is_refused(make, x, message):
    for model, y in (make(), trained(make)):
        with pytest.raises(ValueError, match=message):
            model.fit(x, y, verbose=0)


def trained(make):
    model, y = make()
    model.fit(ROWS, y, epochs=1, verbose=0)
    return model, y


@pytest.mark.parametrize("make", [regressor, classifier])
def test_a_wrong_shape_is_told_as_clearly_after_a_good_call(make):
    model, y = trained(make)
    model.predict(ROWS, verbose=0)
    for call in (
        lambda x: model.predict(x, verbose=0),
        lambda x: model.evaluate(x, y, verbose=0),
        lambda x: model.fit(x, y, verbose=0),
        lambda x: Trainer(model).fit(x, y, epochs=1, verbose=0),
    ):
        with pytest.raises(ValueError, match=r"shape \[batch, timesteps, features\]\. Received: shape \(8, 9\)"):
            call(padded(0)[:, :, 0])
        with pytest.raises(ValueError, match=r"was built for sequences of shape \[batch, timesteps, 2\]"):
            call(padded(0)[:, :, :1])


def test_arrays_stay_as_they_are():
    x = padded(0)
    assert as_sequences(x) is x
    np.testing.assert_array_equal(as_sequences([ROWS[1], ROWS[3]]), np.stack([ROWS[1], ROWS[3]]))


def test_a_regressor_that_has_seen_several_lengths_exports_lengths():
    model, _ = trained(regressor)
    assert [spec.name for spec in model.serving_signatures().predict.inputs] == ["sequences", "lengths"]
    model.build([None, 5, 2])  # as the docstring says: for one number of steps
    assert [spec.shape for spec in model.serving_signatures().predict.inputs] == [[None, 5, 2]]
