"""A SavedModel on disk: signatures, TF Serving's method names, and what lies beside the model."""

import contextlib
import io
import json
import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from rnn_tf._exporting import for_export
from rnn_tf.export.signatures import PREDICT, Endpoint

EXTRA = "assets.extra"  # servers ignore all of it but the warm-up requests
EXAMPLES = f"{EXTRA}/examples.json"
WARMUP = f"{EXTRA}/tf_serving_warmup_requests"
_STDOUT = threading.Lock()


def write_saved_model(
    endpoints: dict[str, Endpoint], lookups: Sequence[keras.layers.Layer], folder: str | Path
) -> None:
    """Write a SavedModel with a signature for each endpoint, which are compiled, `serving_default` among them."""
    # The archive does not track the model: saving would trace it again, with inputs of its own invention.
    archive = keras.export.ExportArchive()
    for layer in lookups:  # it finds variables by itself, but not the tables of a vocabulary
        archive.track(layer)
    with for_export(), quiet_tensorflow(), _silent():
        for name, endpoint in endpoints.items():
            endpoint.trace()
            archive.add_endpoint(name, endpoint.function)
        try:
            archive.write_out(str(folder), verbose=False)
        except AssertionError as error:
            raise ValueError(
                "What a model looks up in a table must be in a layer of Keras, such as StringLookup, or in `lookups` "
                f"of its serving_signatures(). Received: {str(error).splitlines()[0]}"
            ) from None
    methods = {name: endpoint.method for name, endpoint in endpoints.items() if endpoint.method != PREDICT}
    if methods:
        updater = tf.compat.v1.saved_model.signature_def_utils.MethodNameUpdater(str(folder))
        for name, method in methods.items():
            updater.replace_method_name(signature_key=name, method_name=method, tags="serve")
        updater.save()


def is_error(record: logging.LogRecord) -> bool:
    return record.levelno >= logging.ERROR


@contextlib.contextmanager
def quiet_tensorflow(told: Callable[[logging.LogRecord], bool] = is_error) -> Iterator[None]:
    """TensorFlow's logger tells of what `told` lets through: in a notebook it would comment on every hidden file."""
    logger = tf.get_logger()
    logger.addFilter(told)
    try:
        yield
    finally:
        logger.removeFilter(told)


@contextlib.contextmanager
def _silent() -> Iterator[None]:
    """Old versions of Keras name the hidden folder even if they are asked to be silent."""
    if tuple(map(int, keras.version().split(".")[:2])) >= (3, 12):
        yield
        return
    with _STDOUT, contextlib.redirect_stdout(io.StringIO()):  # one at a time: what is restored is what was there
        yield


def write_json(path: Path, content: dict[str, Any] | list[Any]) -> None:
    """Write a dict, or a list with one entry a line."""
    if isinstance(content, list):
        text = "[\n" + ",\n".join(json.dumps(entry, ensure_ascii=False) for entry in content) + "\n]\n"
    else:
        text = json.dumps(content, indent=2, ensure_ascii=False) + "\n"
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")
