"""Proof that an export answers as the model does."""

import os
import pickle
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from os import PathLike
from pathlib import Path

import numpy as np

Feed = dict[str, np.ndarray]
Call = tuple[str, Feed]  # a signature's name, and its inputs


def answer_in_fresh_process(saved_model: str | PathLike[str], calls: Sequence[Call]) -> list[Feed]:
    """What a SavedModel answers in a new Python process where Keras and rnn_tf are blocked.

    Args:
        saved_model: Directory of one version, as `export_saved_model` returns it.
        calls: Pairs of the name of a signature, such as `"serving_default"`, and its inputs by name.

    Returns:
        Outputs by name, one dict a call.

    Raises:
        RuntimeError: If the process fails, with what it said.

    Example:
    >>> import tempfile, numpy as np, tensorflow as tf
    >>> from rnn_tf.export import answer_in_fresh_process
    >>> half = tf.function(lambda x: {"y": x / 2}, input_signature=[tf.TensorSpec([None], tf.float32, "x")])
    >>> folder = tempfile.mkdtemp()
    >>> tf.saved_model.save(tf.Module(), folder, {"serving_default": half.get_concrete_function()})
    >>> answer_in_fresh_process(folder, [("serving_default", {"x": np.float32([1, 3])})])
    [{'y': array([0.5, 1.5], dtype=float32)}]
    """
    return measure_in_fresh_process(saved_model, calls, [])[0]


def measure_in_fresh_process(
    saved_model: str | PathLike[str], calls: Sequence[Call], timed: Sequence[Call]
) -> tuple[list[Feed], list[list[float]] | str]:
    """As `answer_in_fresh_process`, and how long other calls take there.

    Returns:
        The answers to `calls`; and for each of `timed` the median and the 99th percentile of its milliseconds, or what
        the process said if one of these failed.
    """
    with tempfile.TemporaryDirectory() as folder:
        calls_path, answers_path = Path(folder, "calls"), Path(folder, "answers")
        calls_path.write_bytes(pickle.dumps((list(calls), list(timed))))
        script = Path(__file__).with_name("_fresh.py")
        process = subprocess.run(
            [sys.executable, str(script), str(saved_model), str(calls_path), str(answers_path)],
            env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1"},  # as a server for CPUs
            capture_output=True,
            text=True,
            check=False,
        )
        if process.returncode:
            raise RuntimeError(f"{saved_model} does not answer in a fresh process:\n{process.stderr[-3000:]}")
        measured: tuple[list[Feed], list[list[float]] | str] = pickle.loads(answers_path.read_bytes())
        return measured


def check_equal(answers: Sequence[Feed], expected: Sequence[Feed], tolerance: float = 1e-5) -> None:
    """Raise RuntimeError unless all answers are as expected, to `tolerance` of the largest entry."""
    for answer, wanted in zip(answers, expected, strict=True):
        if answer.keys() != wanted.keys():
            raise RuntimeError(f"The export has outputs {sorted(answer)}, the model {sorted(wanted)}.")
        for name, value in wanted.items():
            got = answer[name]
            if got.shape != value.shape:
                raise RuntimeError(f"The export answers {name!r} with shape {got.shape}, the model with {value.shape}.")
            if value.dtype == object:
                if not np.array_equal(got, value):
                    raise RuntimeError(f"The export answers {name!r} otherwise than the model.")
                continue
            got, value = got.astype(np.float64), value.astype(np.float64)
            finite = np.isfinite(value)
            error = np.abs(got[finite] - value[finite]).max(initial=0)
            same = np.array_equal(got[~finite], value[~finite], equal_nan=True)
            if not (same and error <= tolerance * max(1e-6, np.abs(value[finite]).max(initial=0))):
                raise RuntimeError(
                    f"The export answers {name!r} otherwise than the model: they differ by up to {error:.2g}."
                )
