"""Whether other runtimes answer as an export does: ONNX Runtime, OpenVINO and LiteRT, each through its converter."""

import importlib.metadata
import importlib.util
import os
import pickle
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from os import PathLike
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from rnn_tf.export.examples import split_lengths
from rnn_tf.export.saved_model import EXAMPLES
from rnn_tf.export.signatures import CLASSIFY, REGRESS, specs_of
from rnn_tf.export.verify import Feed
from rnn_tf.export.versions import newest_version
from rnn_tf.serving.check import ones, read_examples
from rnn_tf.serving.servable import Servable

PACKAGES = {"onnx": ["tf2onnx", "onnxruntime"], "openvino": ["openvino"], "litert": ["tensorflow"]}
TOLERANCE = 1e-5  # of the largest entry
LONG = 20  # steps: more turns of a loop than one


class Conversion(NamedTuple):
    """What became of one signature.

    Attributes:
        signature: Its name.
        agrees: Whether it was converted and answers as the SavedModel does; None if it was left out.
        text: The difference, or the reason.
    """

    signature: str
    agrees: bool | None
    text: str


def missing_packages(target: str) -> list[str]:
    """What must be installed to convert for a target: of `"onnx"`, `"openvino"` and `"litert"`."""
    return [name for name in PACKAGES[target] if importlib.util.find_spec(name) is None]


def converters(target: str) -> str:
    """The packages that convert and answer, with their versions."""
    return " and ".join(f"{name} {importlib.metadata.version(name)}" for name in PACKAGES[target])


def check_conversions(path: str | PathLike[str], target: str) -> Iterator[Conversion]:
    """Convert each signature, and compare its answers with the SavedModel's, to 1e-5 of the largest.

    Asked are the examples that the export keeps, and where sequences may have any length a batch of longer ones.
    OpenVINO is set to float32, LiteRT has its built-in operations only.

    Args:
        path: Folder with a `saved_model.pb`, or of versions, of which the newest is checked.
        target: `"onnx"`, `"openvino"` or `"litert"`, whose packages are installed.

    Raises:
        FileNotFoundError: If there is no SavedModel.
        ValueError: If it cannot be loaded, or its examples do not fit.

    Example:
    >>> import tempfile, tensorflow as tf
    >>> from rnn_tf.serving.conversion import check_conversions
    >>> module, path = tf.Module(), tempfile.mkdtemp()
    >>> module.half = tf.function(lambda x: {"half": x / 2}, [tf.TensorSpec([None], tf.float32, name="x")])
    >>> tf.saved_model.save(module, path, {"serving_default": module.half})
    >>> list(check_conversions(path, "litert"))
    [Conversion(signature='serving_default', agrees=True, text='agrees, to 0e+00')]
    """
    path = newest_version(path)
    servable = Servable(path)
    servable.close()
    signatures = servable.signatures
    examples = read_examples(path / EXAMPLES, signatures) if (path / EXAMPLES).is_file() else []
    for name, signature in sorted(signatures.items()):
        if signature.method_name in (CLASSIFY, REGRESS):
            yield Conversion(name, None, "left out: TF Serving alone takes tf.train.Examples")
            continue
        feeds = [inputs for given, inputs, _ in examples if given == name] or [ones(signature)]
        yield _converted(path, target, name, signature, [*feeds, *_longer(feeds[0], signature)])


def _longer(feed: Feed, signature: Any) -> list[Feed]:
    """The same rows over again in time, where they are one sequence of any length, with its `lengths` or without."""
    specs = specs_of(signature.inputs)
    named = [tf.TensorSpec(spec.shape, spec.dtype, name) for name, spec in specs.items()]
    variable, lengths = split_lengths(named)
    if len(variable) != 1 or len(named) > 1 + len(lengths) or variable[0].dtype == tf.string:
        return []
    sequences = feed[variable[0].name]
    long = np.resize(sequences.swapaxes(0, 1), [LONG, *np.delete(sequences.shape, 1)]).swapaxes(0, 1)
    ends = np.maximum(LONG - 3 * np.arange(len(long)), 1)
    return [{variable[0].name: long, **{spec.name: ends.astype(spec.dtype.as_numpy_dtype) for spec in lengths}}]


def _converted(path: Path, target: str, name: str, signature: Any, feeds: list[Feed]) -> Conversion:
    with tempfile.TemporaryDirectory() as folder:
        calls_path, answers_path = Path(folder, "calls"), Path(folder, "answers")
        calls_path.write_bytes(pickle.dumps(feeds))
        script = Path(__file__).with_name("_convert.py")
        process = subprocess.run(
            [sys.executable, str(script), target, str(path), name, str(calls_path), str(answers_path)],
            env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1"},
            capture_output=True,
            check=False,
        )
        answers: list[tuple[Feed, Feed]] | str = f"the converter ended with exit code {process.returncode}"
        if answers_path.is_file():
            answers = pickle.loads(answers_path.read_bytes())
    if isinstance(answers, str):
        return Conversion(name, False, f"cannot: {answers.rstrip('. ')}.{_advice(signature.inputs)}")
    strings = sorted(key for key, tensor in signature.outputs.items() if tf.as_dtype(tensor.dtype) == tf.string)
    without = [key for key in strings if key not in answers[0][1]]
    differences = [
        _difference(answer.get(key), value)
        for wanted, answer in answers
        for key, value in wanted.items()
        if key not in without
    ]
    left = f", without {' and '.join(without)}, which are strings" if without else ""
    worst = max(differences, default=0.0)
    if worst > TOLERANCE:
        return Conversion(name, False, f"differs by {worst:.0e} of the largest answer{left}")
    return Conversion(name, True, f"agrees, to {worst:.0e}{left}")


def _advice(inputs: Mapping[str, Any]) -> str:
    """What to do about inputs that converters do not take."""
    if all(tf.as_dtype(tensor.dtype) != tf.string for tensor in inputs.values()):
        return ""
    return " It takes texts, which TensorFlow's own operations make tokens of: export what begins at the token ids."


def _difference(answer: np.ndarray | None, wanted: np.ndarray) -> float:
    """The largest, as a part of the largest entry; infinite where they cannot be compared, or strings differ."""
    if answer is None or answer.shape != wanted.shape:
        return np.inf
    if wanted.dtype == object:
        texts = [one.encode() if isinstance(one, str) else one for one in answer.ravel()]
        return 0.0 if texts == wanted.ravel().tolist() else np.inf
    answer, wanted = answer.astype(np.float64), wanted.astype(np.float64)
    if not np.array_equal(np.isnan(answer), np.isnan(wanted)):
        return np.inf
    scale = max(1e-6, np.abs(np.nan_to_num(wanted)).max(initial=0))
    return float(np.abs(np.nan_to_num(answer - wanted)).max(initial=0) / scale)
