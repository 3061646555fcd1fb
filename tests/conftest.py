"""Set before TensorFlow starts, and shared by all tests."""

import gc
import os
import subprocess
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("XLA_FLAGS", "--xla_backend_optimization_level=0")  # tests compile more than they compute

import keras
import pytest
import tensorflow as tf

tf.get_logger().setLevel("ERROR")


@pytest.fixture(autouse=True)
def _fresh_keras():
    keras.backend.clear_session(free_memory=False)  # collecting garbage takes longer than most tests
    keras.utils.set_random_seed(0)
    yield
    keras.config.set_dtype_policy("float32")


@pytest.fixture(autouse=True, scope="module")
def _models_of_a_file():
    yield
    gc.collect()  # a model refers to itself: thousands of them, let go of at the end alone, fill the memory


@pytest.fixture
def run_python():
    """Run code in a new Python process and return what it printed."""

    def run(code, **environment):
        process = subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, **environment},
            capture_output=True,
            text=True,
            check=False,
        )
        assert process.returncode == 0, process.stderr
        return process.stdout

    return run


@pytest.fixture
def in_this_process(monkeypatch):
    """An export is verified as it always is, but without the seconds that a new process takes."""
    from rnn_tf.export import export

    def answer(saved_model, calls):
        signatures = tf.saved_model.load(str(saved_model)).signatures
        return [
            {k: v.numpy() for k, v in signatures[name](**{k: tf.constant(v) for k, v in feed.items()}).items()}
            for name, feed in calls
        ]

    monkeypatch.setattr(export, "answer_in_fresh_process", answer)


@pytest.fixture
def rnn_tf(capsys, tmp_path, monkeypatch, in_this_process):
    """Run a command in an empty folder; returns its exit code, output and error output."""
    from rnn_tf import cli

    monkeypatch.chdir(tmp_path)

    def run(*arguments):
        try:
            code = cli.main([str(argument) for argument in arguments])
        except SystemExit as stop:  # argparse's way of saying what is wrong
            code = stop.code
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run
