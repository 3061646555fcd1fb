"""What a trained model leaves behind: a SavedModel as TF Serving takes it. It knows keras.Model, not our models.

Names are imported on first use: to look for an export on the disk needs no TensorFlow.
"""

import importlib
from typing import TYPE_CHECKING, Any

from rnn_tf._names import export_name
from rnn_tf._variables import check_variables

if TYPE_CHECKING:
    from rnn_tf.export.export import export_saved_model
    from rnn_tf.export.signatures import Endpoint, Signatures
    from rnn_tf.export.verify import answer_in_fresh_process

check_variables()

__all__ = ["Endpoint", "Signatures", "answer_in_fresh_process", "export_name", "export_saved_model"]

_HOME = {
    "Endpoint": "rnn_tf.export.signatures",
    "Signatures": "rnn_tf.export.signatures",
    "answer_in_fresh_process": "rnn_tf.export.verify",
    "export_saved_model": "rnn_tf.export.export",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}. It has: {', '.join(__all__)}.")
    importlib.import_module("rnn_tf._environment")
    return getattr(importlib.import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return __all__
