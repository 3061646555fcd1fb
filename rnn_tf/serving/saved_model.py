"""A SavedModel on disk: signatures, TF Serving's method names, and what lies beside the model."""

import contextlib
import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from rnn_tf._exporting import for_export
from rnn_tf.serving.signatures import PREDICT, Endpoint

EXTRA = "assets.extra"  # servers ignore all of it but the warm-up requests
METADATA = f"{EXTRA}/rnn_tf.json"
EXAMPLES = f"{EXTRA}/examples.json"
WARMUP = f"{EXTRA}/tf_serving_warmup_requests"


def write_saved_model(
    endpoints: dict[str, Endpoint], lookups: Sequence[keras.layers.Layer], folder: str | Path
) -> None:
    """Write a SavedModel with a signature for each endpoint, `serving_default` among them."""
    # The archive does not track the model: saving would trace it again, with inputs of its own invention.
    archive = keras.export.ExportArchive()
    for layer in lookups:  # it finds variables by itself, but not the tables of a vocabulary
        archive.track(layer)
    with for_export(), contextlib.redirect_stdout(io.StringIO()):  # Keras 3.8 names the hidden folder even so
        for name, endpoint in endpoints.items():
            archive.add_endpoint(name, endpoint.function, input_signature=list(endpoint.inputs))
        archive.write_out(str(folder), verbose=False)
    methods = {name: endpoint.method for name, endpoint in endpoints.items() if endpoint.method != PREDICT}
    if methods:
        updater = tf.compat.v1.saved_model.signature_def_utils.MethodNameUpdater(str(folder))
        for name, method in methods.items():
            updater.replace_method_name(signature_key=name, method_name=method, tags="serve")
        updater.save()


def write_json(path: Path, content: dict[str, Any] | list[Any]) -> None:
    """Write a dict, or a list with one entry a line."""
    if isinstance(content, list):
        text = "[\n" + ",\n".join(json.dumps(entry, ensure_ascii=False) for entry in content) + "\n]\n"
    else:
        text = json.dumps(content, indent=2, ensure_ascii=False) + "\n"
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")
