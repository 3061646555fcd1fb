"""From a trained model to what TF Serving takes, and to the answers it gives. It knows keras.Model, not our models.

Names are imported on first use: to look for an export on the disk needs no TensorFlow.
"""

import importlib
from typing import TYPE_CHECKING, Any

from rnn_tf._names import export_name
from rnn_tf._variables import check_variables

if TYPE_CHECKING:
    from rnn_tf.serving.client import Client
    from rnn_tf.serving.export import export_saved_model
    from rnn_tf.serving.signatures import Endpoint, Signatures
    from rnn_tf.serving.verify import answer_in_fresh_process
    from rnn_tf.serving.versions import rollback

check_variables()

__all__ = [
    "Client",
    "Endpoint",
    "Signatures",
    "answer_in_fresh_process",
    "export_name",
    "export_saved_model",
    "rollback",
]

_HOME = {
    "Client": "client",
    "Endpoint": "signatures",
    "Signatures": "signatures",
    "answer_in_fresh_process": "verify",
    "export_saved_model": "export",
    "rollback": "versions",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'rnn_tf.serving' has no attribute {name!r}. It has: {', '.join(__all__)}.")
    importlib.import_module("rnn_tf._environment")
    return getattr(importlib.import_module(f"rnn_tf.serving.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return __all__
