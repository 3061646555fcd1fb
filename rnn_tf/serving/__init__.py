"""From a trained model to what TF Serving takes, and to the answers it gives. It knows keras.Model, not our models."""

import rnn_tf._environment
from rnn_tf._names import export_name
from rnn_tf.serving.client import Client
from rnn_tf.serving.export import export_saved_model
from rnn_tf.serving.signatures import Endpoint, Signatures
from rnn_tf.serving.verify import answer_in_fresh_process
from rnn_tf.serving.versions import rollback

__all__ = [
    "Client",
    "Endpoint",
    "Signatures",
    "answer_in_fresh_process",
    "export_name",
    "export_saved_model",
    "rollback",
]


def __dir__() -> list[str]:
    return __all__
