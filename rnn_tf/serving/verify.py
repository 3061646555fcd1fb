"""Proof that an export answers as the model does."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

Feed = dict[str, np.ndarray]


def answer_in_fresh_process(saved_model: str | PathLike[str], feeds: Sequence[Feed]) -> list[Feed]:
    """What the `serving_default` signature answers in a new Python process where Keras and rnn_tf are blocked.

    Args:
        saved_model: Directory of one version, as `export_saved_model` returns it.
        feeds: Inputs by name, one dict a call.

    Returns:
        Outputs by name, one dict a call.

    Raises:
        RuntimeError: If the process fails, with what it said.
    """
    with tempfile.TemporaryDirectory() as folder:
        feeds_path, answers_path = Path(folder, "feeds.npz"), Path(folder, "answers.npz")
        # NumPy's files hold bytes of one length, and no objects, which strings of TensorFlow are.
        arrays: dict[str, Any] = {
            f"{i}/{name}": array.astype("S") if array.dtype == object else array
            for i, feed in enumerate(feeds)
            for name, array in feed.items()
        }
        np.savez(feeds_path, **arrays)
        script = Path(__file__).with_name("_fresh.py")
        process = subprocess.run(
            [sys.executable, str(script), str(saved_model), str(feeds_path), str(answers_path)],
            env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
            capture_output=True,
            text=True,
            check=False,
        )
        if process.returncode:
            raise RuntimeError(f"{saved_model} does not answer in a fresh process:\n{process.stderr[-3000:]}")
        answers: list[Feed] = [{} for _ in feeds]
        with np.load(answers_path) as saved:
            for key, array in saved.items():
                number, name = key.split("/", 1)
                answers[int(number)][name] = array.astype(object) if array.dtype.kind == "S" else array
    return answers


def check_equal(answers: Sequence[Feed], expected: Sequence[Feed], tolerance: float = 1e-5) -> None:
    """Raise RuntimeError unless all answers are as expected, to `tolerance` of the largest entry."""
    for answer, wanted in zip(answers, expected, strict=True):
        if answer.keys() != wanted.keys():
            raise RuntimeError(f"The export has outputs {sorted(answer)}, the model {sorted(wanted)}.")
        for name, value in wanted.items():
            got = answer[name]
            if value.dtype == object:
                if not np.array_equal(got, value):
                    raise RuntimeError(f"The export answers {name!r} otherwise than the model. Nothing was published.")
                continue
            error = np.inf if got.shape != value.shape else float(np.abs(got - value).max())
            if not error <= tolerance * max(1e-6, float(np.abs(value).max())):
                raise RuntimeError(
                    f"The export answers {name!r} otherwise than the model: they differ by up to {error}. "
                    "Nothing was published."
                )
