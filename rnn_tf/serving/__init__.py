"""What asks an export: clients, a server for development, and the check that TF Serving will take it.

Names are imported on first use: a server that serves nothing yet needs no TensorFlow to say so.
"""

import importlib
from typing import TYPE_CHECKING, Any

from rnn_tf._variables import check_variables

if TYPE_CHECKING:
    from rnn_tf.export.versions import rollback
    from rnn_tf.serving.client import Client

check_variables()

__all__ = ["Client", "rollback"]

_HOME = {"Client": "rnn_tf.serving.client", "rollback": "rnn_tf.export.versions"}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}. It has: {', '.join(__all__)}.")
    importlib.import_module("rnn_tf._environment")
    return getattr(importlib.import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return __all__
