import json
import threading

import keras
import numpy as np
import pytest
import tensorflow as tf

from rnn_tf import ElmanCell, SequenceRegressor, export_saved_model
from rnn_tf.serving import answer_in_fresh_process, export, verify

X = np.random.default_rng(5).normal(300, 50, size=[64, 4, 2]).astype("float32")


def adapted(**arguments):
    model = SequenceRegressor(**{"units": 4, "horizon": 2, **arguments})
    model.adapt(X, X * 2 if model.return_sequences else X[:, -1] * 2)
    return model


@pytest.fixture
def in_this_process(monkeypatch):
    """Verification as it is, but without the seconds that a new process takes."""

    def answer(saved_model, feeds):
        signature = tf.saved_model.load(str(saved_model)).signatures["serving_default"]
        return [{k: v.numpy() for k, v in signature(**feed).items()} for feed in feeds]

    monkeypatch.setattr(export, "answer_in_fresh_process", answer)


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"cell": "gru", "dropout": 0.1},
        {"units": [4, 3], "cell": "lstm", "return_sequences": True},
        {"units": None, "cell": ElmanCell(4, output_units=3), "relative": True},
        {"dtype": "mixed_bfloat16"},
    ],
    ids=str,
)
def test_answers_as_the_model_does(arguments, tmp_path, in_this_process):
    arguments = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(arguments))
    model = adapted(**arguments)
    path = export_saved_model(model, tmp_path / "model", examples=X[:3])
    assert path == str(tmp_path / "model" / "1")
    signature = tf.saved_model.load(path).signatures["serving_default"]
    assert signature.structured_input_signature[1] == {
        "sequences": tf.TensorSpec([None, None, 2], tf.float32, name="sequences")
    }
    for batch in (1, 3, 64):
        for timesteps in (4, 2):
            answer = signature(sequences=tf.constant(X[:batch, :timesteps]))
            assert list(answer) == ["forecast"]
            np.testing.assert_allclose(answer["forecast"], model(X[:batch, :timesteps]), rtol=1e-5)
    operations = {node.op for node in tf.saved_model.load(path).signatures["serving_default"].graph.as_graph_def().node}
    assert not {op for op in operations if "Cudnn" in op or "PyFunc" in op or "Xla" in op}


def test_a_fresh_process_without_keras_answers(tmp_path):
    model = adapted()
    path = export_saved_model(model, tmp_path / "model", metadata={"column": "温度"})
    one, many = answer_in_fresh_process(path, [{"sequences": X[:1]}, {"sequences": X}])
    np.testing.assert_allclose(one["forecast"], model(X[:1]), rtol=1e-5)
    np.testing.assert_allclose(many["forecast"], model(X), rtol=1e-5)
    assert json.loads((tmp_path / "model/1/assets.extra/rnn_tf.json").read_text("utf-8")) == {"column": "温度"}
    with pytest.raises(RuntimeError, match="does not answer in a fresh process"):
        answer_in_fresh_process(path, [{"other": X}])


def test_versions_count_up_and_leave_others_alone(tmp_path, in_this_process):
    folder = tmp_path / "model"
    (folder / "7").mkdir(parents=True)
    (folder / "notes").mkdir()
    assert [export_saved_model(adapted(), folder) for _ in range(2)] == [str(folder / "8"), str(folder / "9")]
    assert sorted(path.name for path in folder.iterdir()) == ["7", "8", "9", "notes"]


def test_two_exports_at_once_give_two_versions(tmp_path, in_this_process):
    barrier, publish = threading.Barrier(2), export._publish

    def wait_and_publish(*arguments):
        barrier.wait()
        return publish(*arguments)

    models = [adapted(), adapted()]
    paths = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(export, "_publish", wait_and_publish)
        threads = [
            threading.Thread(target=lambda model=model: paths.append(export_saved_model(model, tmp_path / "m")))
            for model in models
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert sorted(paths) == [str(tmp_path / "m" / "1"), str(tmp_path / "m" / "2")]


@pytest.mark.parametrize("failure", ["wrong answer", "interrupted", "disk full"])
def test_a_failure_leaves_nothing_behind(failure, tmp_path, monkeypatch, in_this_process):
    def fail(*arguments):
        raise {"interrupted": KeyboardInterrupt(), "disk full": OSError(28, "No space left on device")}[failure]

    if failure == "wrong answer":
        answer = export.answer_in_fresh_process
        monkeypatch.setattr(
            export, "answer_in_fresh_process", lambda *a: [{k: v + 1 for k, v in one.items()} for one in answer(*a)]
        )
    else:
        monkeypatch.setattr(export, "_flush", fail)
    expected = {"wrong answer": RuntimeError, "interrupted": KeyboardInterrupt, "disk full": OSError}[failure]
    with pytest.raises(expected, match="otherwise than the model" if failure == "wrong answer" else None):
        export_saved_model(adapted(), tmp_path / "new" / "model")
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "old" / "1").mkdir(parents=True)
    with pytest.raises(expected):
        export_saved_model(adapted(), tmp_path / "old")
    assert [path.name for path in (tmp_path / "old").iterdir()] == ["1"]


def test_comparison_is_strict_about_names_shapes_and_nan():
    wanted = [{"a": np.ones([2, 1])}]
    verify.check_equal([{"a": np.ones([2, 1]) + 1e-7}], wanted)
    for answer in ({"b": np.ones([2, 1])}, {"a": np.ones([1, 1])}, {"a": np.full([2, 1], np.nan)}):
        with pytest.raises(RuntimeError):
            verify.check_equal([answer], wanted)


def test_bad_input(tmp_path):
    with pytest.raises(TypeError, match=r"`serving_signature\(\)`.* Received: Sequential"):
        export_saved_model(keras.Sequential(), tmp_path)
    with pytest.raises(ValueError, match="no weights yet"):
        export_saved_model(SequenceRegressor(4), tmp_path)
    with pytest.raises(ValueError, match="must be local"):
        export_saved_model(adapted(), "gs://bucket/model")
    with pytest.raises(ValueError, match=r"must name the inputs \['sequences'\]. Received: \['x'\]"):
        export_saved_model(adapted(), tmp_path, examples={"x": X})
    with pytest.raises(ValueError, match=r"must have shape .* Received: shape \(64, 4, 1\)"):
        export_saved_model(adapted(), tmp_path, examples=X[..., :1])
    (tmp_path / "file").write_text("")
    for folder in (tmp_path / "file", tmp_path / "file" / "model"):
        with pytest.raises(NotADirectoryError, match="must be a folder"):
            export_saved_model(adapted(), folder)
    with pytest.raises(OSError, match="Choose a folder that you may write to"):
        export_saved_model(adapted(), "/proc/model")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
