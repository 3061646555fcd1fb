import argparse

import pytest
import tensorflow as tf

from rnn_tf.commands import check
from rnn_tf.serving.check import Report


@pytest.fixture
def run(monkeypatch, tmp_path, capsys):
    """The command on a model of two versions, with what the check shall find; returns the exit code and the lines."""
    for version in "12":
        (tmp_path / "m" / version).mkdir(parents=True)
        (tmp_path / "m" / version / "saved_model.pb").touch()

    def run(model, *findings):
        monkeypatch.setattr(check, "check_saved_model", lambda path: Report([f"version {path.name}"], *findings))
        code = check.run(argparse.Namespace(model=str(tmp_path / model)))
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
    assert check.run(argparse.Namespace(model=str(tmp_path / "m"))) == 1
    printed = capsys.readouterr().out
    assert printed.count("REFUSED: ") == 3
    assert printed.endswith("m/7 must not be served.\n")
