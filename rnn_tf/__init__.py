"""rnn_tf: recurrent networks for TensorFlow 2 and Keras 3.

- `RNN`, `accelerate`: layers for models of your own, and for a model that you already have.
- `ElmanCell`, `MinGRUCell`, `MinLSTMCell`, `LRUCell`: cells for them.
- `SequenceRegressor`, `SequenceClassifier`, `TextClassifier`, `TextTagger`: whole models, of series and of texts.
- `LanguageModel`: text after text.
- `summarize`: which frames of a clip make its summary, from the importance of each.
- `Trainer`: many steps in one compiled loop.
- `export_saved_model`, `export`: exports for TF Serving. `serving`: a development server and a client.
- `data`, `evaluation`, `plots`: what to learn from, how good the answers are, pictures.

Names are imported on first use, so that `rnn-tf --help` does not wait for TensorFlow. Touching any of them
registers every class of the package with Keras: after `from rnn_tf import SequenceRegressor`,
`keras.models.load_model` needs no `custom_objects`. Only where the variable TF_CONFIG names several workers is
TensorFlow imported at once, and joins them.
"""

import importlib
from typing import TYPE_CHECKING, Any

from rnn_tf import _cluster

__version__ = "0.2.0"

if TYPE_CHECKING:
    from rnn_tf import (
        cells,
        data,
        evaluation,
        export,
        fields,
        layers,
        models,
        plots,
        scans,
        serving,
        summaries,
        training,
    )
    from rnn_tf.cells import ElmanCell, LRUCell, MinGRUCell, MinLSTMCell
    from rnn_tf.export import export_saved_model
    from rnn_tf.layers import RNN, accelerate
    from rnn_tf.models import LanguageModel, SequenceClassifier, SequenceRegressor, TextClassifier, TextTagger
    from rnn_tf.summaries import summarize
    from rnn_tf.training import Trainer

_cluster.join()  # before the first tensor, where TF_CONFIG names several workers

__all__ = [
    "RNN",
    "ElmanCell",
    "LRUCell",
    "LanguageModel",
    "MinGRUCell",
    "MinLSTMCell",
    "SequenceClassifier",
    "SequenceRegressor",
    "TextClassifier",
    "TextTagger",
    "Trainer",
    "accelerate",
    "cells",
    "data",
    "evaluation",
    "export",
    "export_saved_model",
    "fields",
    "layers",
    "models",
    "plots",
    "scans",
    "serving",
    "summaries",
    "summarize",
    "training",
]

_HOME = {
    "RNN": "rnn_tf.layers",
    "accelerate": "rnn_tf.layers",
    "ElmanCell": "rnn_tf.cells",
    "LRUCell": "rnn_tf.cells",
    "MinGRUCell": "rnn_tf.cells",
    "MinLSTMCell": "rnn_tf.cells",
    "LanguageModel": "rnn_tf.models",
    "SequenceClassifier": "rnn_tf.models",
    "SequenceRegressor": "rnn_tf.models",
    "TextClassifier": "rnn_tf.models",
    "TextTagger": "rnn_tf.models",
    "Trainer": "rnn_tf.training",
    "export_saved_model": "rnn_tf.export",
    "summarize": "rnn_tf.summaries",
}


def __getattr__(name: str) -> Any:
    if name in _HOME:
        for room in ("rnn_tf.cells", "rnn_tf.layers", "rnn_tf.models"):  # where the registered classes live
            importlib.import_module(room)
        return getattr(importlib.import_module(_HOME[name]), name)
    if name in __all__:
        return importlib.import_module(f"rnn_tf.{name}")
    raise AttributeError(f"module 'rnn_tf' has no attribute {name!r}. It has: {', '.join(__all__)}.")


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
