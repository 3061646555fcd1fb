"""`step`, called T times, gives what one call on the whole sequence gives."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from rnn_tf import ElmanCell, SequenceClassifier, SequenceRegressor, TextClassifier, export_saved_model
from rnn_tf.export import export

X = np.random.default_rng(3).normal(20, 5, size=[5, 7, 2]).astype("float32")
IDS = np.random.default_rng(4).integers(1, 6, size=[5, 7]).astype("int32")
POOLINGS = ["last", "mean", "max"]


@keras.saving.register_keras_serializable(package="tests_streaming")
class LeakyCell(keras.layers.Layer):
    """h_t = 0.9 h_{t-1} + x_t W, with the state in a shape of its own."""

    state_size = 3
    output_size = 3

    def build(self, shape):
        self.kernel = self.add_weight(shape=(shape[-1], 3), name="kernel")

    def call(self, inputs, states):
        new = 0.9 * states[0] + inputs @ self.kernel
        return new, [new]


def models():
    for cell in ("elman", "gru", "lstm"):
        yield f"regressor {cell}", SequenceRegressor(units=[4, 3], cell=cell, horizon=2)
        yield f"regressor {cell} sequences", SequenceRegressor(units=4, cell=cell, return_sequences=True)
        for pooling in (*POOLINGS, POOLINGS):
            yield f"classifier {cell} {pooling}", SequenceClassifier(4, ["a", "b"], cell=cell, pooling=pooling)
    yield "regressor own cells", SequenceRegressor(cell=[LeakyCell(), ElmanCell(4, output_units=3)])
    yield "classifier own cell", SequenceClassifier(cell=LeakyCell(), pooling=POOLINGS)
    yield "regressor half", SequenceRegressor(units=4, dtype="mixed_bfloat16")
    for pooling in (*POOLINGS, POOLINGS):
        yield (
            f"texts {pooling}",
            TextClassifier(list("abcd"), ["x", "y", "z"], units=4, bidirectional=False, pooling=pooling),
        )


def trained(model):
    """Not really, but all its numbers are other than those it begins with."""
    if isinstance(model, SequenceRegressor):
        model.adapt(
            X,
            np.repeat(X, 2, axis=1)[:, : X.shape[1], :1]
            if model.head.at_every_step
            else X[:, -1, : model.field_out.horizon],
        )
    elif isinstance(model, SequenceClassifier):
        model.adapt(X)
    else:
        model.build((None, None))
    random = np.random.default_rng(6)
    for variable in model.trainable_variables:
        variable.assign(random.normal(0, 0.5, size=variable.shape))
    return model


def run_stream(step, rows):
    """The outputs of each step; `step` is called as a server would be, with what it gave the last time."""
    now, *states = step.inputs
    carried = {spec.name: np.zeros([len(rows), *spec.shape[1:]], spec.dtype.as_numpy_dtype) for spec in states}
    for t in range(rows.shape[1]):
        outputs = step.answer({now.name: rows[:, t], **carried})
        carried = {name: outputs.pop(f"next_{name}") for name in carried}
        yield outputs


@pytest.mark.parametrize(("name", "model"), list(models()), ids=lambda value: value if isinstance(value, str) else "")
def test_the_steps_give_what_one_call_gives(name, model):
    model = trained(model)
    rows = IDS if name.startswith("texts") else X
    signatures = model.serving_signatures()
    answers = list(run_stream(signatures.step, rows))
    tolerance = 2e-2 if "half" in name else 1e-5
    for t in (1, 4, 7) if "half" not in name else (7,):  # every answer on the way is that to what was read so far
        whole = np.asarray(model(rows[:, :t]))
        if model.head.at_every_step:
            whole = whole[:, -1]
        answer = answers[t - 1]["forecast" if "regressor" in name else "probabilities"]
        np.testing.assert_allclose(answer, whole, rtol=tolerance, atol=tolerance)
        if "regressor" not in name:
            assert answers[t - 1]["label"].tolist() == [model.classes[i].encode() for i in whole.argmax(axis=1)]


def test_padding_in_a_stream_changes_nothing():
    model = trained(TextClassifier(list("abcd"), ["x", "y"], units=4, bidirectional=False, pooling=POOLINGS))
    step = model.serving_signatures().step
    with_gaps = np.insert(IDS, [0, 3, 7], 0, axis=1)
    *_, plain = run_stream(step, IDS)
    *_, padded = run_stream(step, with_gaps)
    np.testing.assert_allclose(padded["probabilities"], plain["probabilities"], rtol=1e-6)


def test_an_export_streams(tmp_path, monkeypatch):
    monkeypatch.setattr(export, "answer_in_fresh_process", lambda path, calls: [None] * len(calls))
    monkeypatch.setattr(export, "check_equal", lambda *_: None)
    model = trained(SequenceRegressor(units=[4, 3], cell="lstm"))
    step = tf.saved_model.load(export_saved_model(model, tmp_path, streaming=True)).signatures["step"]
    state = {
        name: tf.zeros([5, *spec.shape[1:]], spec.dtype)
        for name, spec in step.structured_input_signature[1].items()
        if name != "inputs"
    }
    assert sorted(state) == ["state_0_0", "state_0_1", "state_1_0", "state_1_1"]
    for t in range(X.shape[1]):
        answers = step(inputs=tf.constant(X[:, t]), **state)
        state = {name: answers[f"next_{name}"] for name in state}
    np.testing.assert_allclose(answers["forecast"], model(X), rtol=1e-5)


class BeginsWithOnes(LeakyCell):
    def get_initial_state(self, batch_size=None):
        return [keras.ops.ones((batch_size, 3))]


@pytest.mark.parametrize(
    ("model", "reason"),
    [
        (SequenceRegressor(4, relative=True), "a SequenceRegressor, but it forecasts relative to the last value"),
        (SequenceClassifier(4, bidirectional=True), r"a SequenceClassifier, but its layers also read from the end"),
        (TextClassifier(["a"], 2, units=4), "a TextClassifier, but its layers also read from the end"),
        (SequenceRegressor(cell=BeginsWithOnes()), "BeginsWithOnes does not begin with zeros"),
    ],
    ids=["relative", "bidirectional", "text", "state"],
)
def test_what_cannot_be_streamed_says_why(model, reason, tmp_path):
    with pytest.raises(ValueError, match=f"`streaming` is for .* Received: .*{reason}"):
        export_saved_model(trained(model), tmp_path / "model", streaming=True)
    assert not (tmp_path / "model").exists()
