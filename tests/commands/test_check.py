import argparse

import pytest
import tensorflow as tf

from rnn_tf.commands import check
from rnn_tf.serving.check import Report
from rnn_tf.serving.conversion import Conversion


@pytest.fixture
def run(monkeypatch, tmp_path, capsys):
    """The command on a model of two versions, with what the check shall find; returns the exit code and the lines."""
    for version in "12":
        (tmp_path / "m" / version).mkdir(parents=True)
        (tmp_path / "m" / version / "saved_model.pb").touch()

    def run(model, *findings):
        monkeypatch.setattr(check, "check_saved_model", lambda path: Report([f"version {path.name}"], *findings))
        code = check.run(argparse.Namespace(model=str(tmp_path / model), targets=None))
        return code, capsys.readouterr().out.splitlines()

    return run


def test_it_can_be_served(run, tmp_path):
    assert run("m", [], []) == (0, ["version 2", "", f"{tmp_path}/m/2 can be served."])
    assert run("m/1", [], ["odd"]) == (0, ["version 1", "warning: odd", "", f"{tmp_path}/m/1 can be served."])


def test_it_must_not_be_served(run, tmp_path):
    assert run("m", ["wrong", "bad"], ["odd"]) == (
        1,
        ["version 2", "warning: odd", "REFUSED: wrong", "REFUSED: bad", "", f"{tmp_path}/m/2 must not be served."],
    )
    with pytest.raises(FileNotFoundError, match="There is no exported model"):
        run("none", [], [])


def test_a_model_that_no_server_can_take(tmp_path, capsys):
    module = tf.Module()
    module.half = tf.function(lambda x: {"output_0": x / 2}, [tf.TensorSpec([1], tf.float32, name="x")])
    tf.saved_model.save(module, str(tmp_path / "m" / "7"), {"serving_default": module.half})
    assert check.run(argparse.Namespace(model=str(tmp_path / "m"), targets=None)) == 1
    printed = capsys.readouterr().out
    assert printed.count("REFUSED: ") == 3
    assert printed.endswith("m/7 must not be served.\n")


@pytest.mark.parametrize(
    ("missing", "agrees", "code", "verdict"),
    [
        ([], {"onnx": True, "litert": True}, 0, "answers in onnx, litert as it does in TensorFlow."),
        ([], {"onnx": True, "litert": False}, 1, "cannot be taken over whole: litert."),
        (["tf2onnx"], {"litert": True}, 2, "Not checked: onnx."),
        (["tf2onnx"], {"litert": False}, 1, "cannot be taken over whole: litert."),
    ],
)
def test_for_other_runtimes(missing, agrees, code, verdict, rnn_tf, tmp_path, monkeypatch):
    (tmp_path / "m" / "1").mkdir(parents=True)
    (tmp_path / "m" / "1" / "saved_model.pb").touch()

    def conversions(path, target):
        yield Conversion("classify", None, "left out")
        yield Conversion("serving_default", agrees[target], "the reason")

    monkeypatch.setattr(check, "check_conversions", conversions)
    monkeypatch.setattr(check, "converters", lambda target: "a converter")
    monkeypatch.setattr(check, "missing_packages", lambda target: missing if target == "onnx" else [])
    got, printed, _ = rnn_tf("check", "--for", "onnx,litert", "m")
    lines = printed.splitlines()
    assert (got, lines[-1].endswith(verdict)) == (code, True), printed
    assert ("onnx: not installed: pip install tf2onnx" in lines) == bool(missing)
    assert ("  REFUSED: serving_default: the reason" in lines) == (False in agrees.values())


def test_a_runtime_that_nobody_knows(rnn_tf):
    code, _, error = rnn_tf("check", "--for", "onnx,torch", "m")
    assert code == 2
    assert "one or more of onnx, openvino and litert, not 'onnx,torch'" in error
