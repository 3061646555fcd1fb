"""Publishing a SavedModel under `<directory>/<version>/`."""

import contextlib
import io
import json
import os
import shutil
import uuid
from os import PathLike
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from rnn_tf._checks import writable_folder
from rnn_tf._sharding import single_shard
from rnn_tf.serving.verify import answer_in_fresh_process, check_equal

METADATA = "assets.extra/rnn_tf.json"


def export_saved_model(
    model: Any,
    directory: str | PathLike[str],
    examples: Any = None,
    metadata: dict[str, Any] | None = None,
) -> str:
    """Write the next version of a trained model, as TF Serving takes it.

    The version is the integer after the largest in `directory`. It is written beside it under a hidden name,
    loaded in a fresh Python process without Keras, compared with the model at two batch sizes, and only then
    renamed to its place: a server that polls the directory never sees half a version.

    `SequenceRegressor` is exported with the signature `serving_default`: `sequences`, float32
    `[batch, timesteps, features]`, gives `forecast`, float32 `[batch, horizon]`, both in raw units, for any
    batch size and any number of steps. `SequenceClassifier` takes `sequences` and `lengths`, int32 `[batch]`;
    `TextClassifier` takes `text`, strings `[batch]`, and its vocabulary lies in `assets/vocabulary.txt`. Both give
    `label`, string `[batch]`, and `probabilities`, float32, and `classes`, their names, `[batch, classes]`.

    Args:
        model: A built model that declares its signature by a method `serving_signature()`, as the models of
            rnn_tf do. It returns the function to export, its list of named `tf.TensorSpec`, and the layers with a
            vocabulary, if there are any.
        directory: Where the versions are, such as `saved_models/sales`. Made if missing.
        examples: Inputs to compare on: an array, or a dict of arrays by input name. Default: random numbers, or a few
            texts.
        metadata: Written to `assets.extra/rnn_tf.json`, which servers ignore.

    Returns:
        The path of the new version, such as `"saved_models/sales/1"`.

    Raises:
        TypeError: If the model does not declare a signature.
        ValueError: If the model is not built, the directory is a remote address, or an example does not fit.
        OSError: If the directory cannot be written.
        RuntimeError: If the export does not answer as the model does. Nothing is published then.

    Example:
    >>> import tempfile, numpy as np
    >>> from rnn_tf import SequenceRegressor, export_saved_model
    >>> model = SequenceRegressor(units=4)
    >>> model.build([None, 4, 1])
    >>> path = export_saved_model(model, tempfile.mkdtemp() + "/sales")
    >>> path.endswith("sales/1")
    True
    """
    if not hasattr(model, "serving_signature"):
        raise TypeError(
            "`model` must declare what it serves by a method `serving_signature()`, as the models of rnn_tf do. "
            f"Received: {type(model).__name__}."
        )
    if not model.built:
        raise ValueError("The model has no weights yet. Train it, or call model.build([None, timesteps, features]).")
    function, signature, *lookups = model.serving_signature()
    feed = _feed(signature, examples)
    directory = writable_folder(directory)
    missing = [folder for folder in (directory, *directory.parents) if not folder.exists()]
    draft = directory / f".{uuid.uuid4().hex}"
    try:
        draft.mkdir(parents=True)
    except OSError as error:
        _remove_empty(missing)
        message = f"Cannot write to {directory} ({error.strerror}). Choose a folder that you may write to."
        raise OSError(error.errno, message) from None
    try:
        _write(function, signature, lookups, draft, metadata)
        feeds = [feed, {name: array[:1] for name, array in feed.items()}]
        expected = [_answer(function, one) for one in feeds]
        check_equal(answer_in_fresh_process(draft, feeds), expected)
        _flush(*draft.rglob("*"), draft)
        return str(_publish(draft, directory))
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        _remove_empty(missing)
        raise


def _feed(signature: list[tf.TensorSpec], examples: Any) -> dict[str, np.ndarray]:
    """Inputs by name to compare on."""
    if examples is None:
        return {spec.name: _example(spec) for spec in signature}
    if not isinstance(examples, dict):
        examples = {signature[0].name: examples}
    if set(examples) != {spec.name for spec in signature}:
        raise ValueError(
            f"`examples` must name the inputs {[spec.name for spec in signature]}. Received: {list(examples)}."
        )
    feed = {}
    for spec in signature:
        array = np.asarray(examples[spec.name], spec.dtype.as_numpy_dtype)
        if spec.dtype == tf.string:
            array = np.array([tf.compat.as_bytes(text) for text in array.ravel()], object).reshape(array.shape)
        if not spec.shape.is_compatible_with(array.shape) or not array.size:
            raise ValueError(
                f"An example for {spec.name!r} must have shape {spec.shape}. Received: shape {array.shape}."
            )
        feed[spec.name] = array
    return feed


def _example(spec: tf.TensorSpec) -> np.ndarray:
    """Four rows of something: random numbers, ones for integers (lengths), or texts of several kinds."""
    shape = [size or 4 for size in spec.shape]
    if spec.dtype == tf.string:
        return np.resize(np.array([b"some text", "你好 \U0001f600".encode(), b"", b"not \xff UTF-8"], object), shape)
    if spec.dtype.is_integer:
        return np.ones(shape, spec.dtype.as_numpy_dtype)
    return np.random.default_rng(0).normal(size=shape).astype(spec.dtype.as_numpy_dtype)


def _answer(function: Any, feed: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {name: np.asarray(output) for name, output in function(**feed).items()}


def _write(
    function: Any, signature: list[tf.TensorSpec], lookups: list[Any], folder: Path, metadata: dict[str, Any] | None
) -> None:
    # The archive does not track the model: saving would trace it again, with inputs of its own invention.
    archive = keras.export.ExportArchive()
    for layer in lookups:  # it finds variables by itself, but not the tables of a vocabulary
        archive.track(layer)
    # One shard, whatever the cores of this machine; and Keras 3.8 names the hidden folder even so.
    with single_shard(), contextlib.redirect_stdout(io.StringIO()):
        archive.add_endpoint("serving_default", function, input_signature=signature)
        archive.write_out(str(folder), verbose=False)
    if metadata is not None:
        (folder / METADATA).parent.mkdir(exist_ok=True)
        (folder / METADATA).write_text(json.dumps(metadata, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def _flush(*paths: Path) -> None:
    """Wait until what these files and folders hold is on the disk."""
    for path in paths:
        if os.name == "nt" and path.is_dir():
            continue  # Windows cannot open folders
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _publish(draft: Path, directory: Path) -> Path:
    """Rename the draft to the next version; another export may take that number first."""
    while True:
        versions = [int(path.name) for path in directory.iterdir() if path.name.isdecimal()]
        target = directory / str(max(versions, default=0) + 1)
        try:
            draft.rename(target)
        except OSError:
            if not target.exists():
                raise
        else:
            _flush(directory)
            return target


def _remove_empty(folders: list[Path]) -> None:
    """Take back the folders that were made, the innermost first, as long as nothing is in them."""
    with contextlib.suppress(OSError):
        for folder in folders:
            folder.rmdir()
