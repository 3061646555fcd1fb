"""Which losses and metrics of Keras suit standardized targets, and which take class numbers or one-hot rows."""

import re
from typing import Any

import keras
import tensorflow as tf

_LOGARITHMS = "Train on np.log1p(y) with loss='mse', and take np.expm1 of the answers."
_CLASSES = "For classes make a SequenceClassifier."
_OWN_UNITS = "Make the model with normalize=False, and scale inputs and targets yourself."
UNSUITED = {
    "poisson": _LOGARITHMS,
    "meansquaredlogarithmicerror": _LOGARITHMS,
    "meanabsolutepercentageerror": "Give loss='mae' and metrics=['mape'], which is computed in the target's units.",
    "cosinesimilarity": _OWN_UNITS,
    "kldivergence": _CLASSES,
    "hinge": _CLASSES,
    "squaredhinge": _CLASSES,
    "categoricalhinge": _CLASSES,
    "binarycrossentropy": _CLASSES,
    "binaryfocalcrossentropy": _CLASSES,
    "categoricalcrossentropy": _CLASSES,
    "categoricalfocalcrossentropy": _CLASSES,
    "sparsecategoricalcrossentropy": _CLASSES,
    "categoricalgeneralizedcrossentropy": _CLASSES,
    "dice": _CLASSES,
    "tversky": _CLASSES,
    "ctc": _CLASSES,
}

ONE_HOT_METRICS = re.compile(  # of Keras, by their names without "_"
    "auc|precision.*|recall.*|f1score|fbetascore|.*atspecificity|.*atsensitivity|true.*|false.*|binaryaccuracy|"
    "categoricalaccuracy|topkcategoricalaccuracy|categoricalcrossentropy|binarycrossentropy|onehot.*"
)


def check_regression_loss(loss: Any) -> None:
    """Raise ValueError if a loss of Keras means nothing on targets of mean 0 and deviation 1, half of them negative.

    Losses of a user's own are left alone.
    """
    for one in tf.nest.flatten(loss):
        if isinstance(one, str):
            one = keras.losses.get(one)
        kinds = type(one).__mro__ if isinstance(one, keras.losses.Loss) else (one,)
        names = [_keras_name(kind) for kind in kinds]
        found = next((name for name in names if name in UNSUITED), None)
        if found:
            name = getattr(one, "name", None) or one.__name__
            raise ValueError(
                "SequenceRegressor computes its loss on standardized targets, of mean 0 and deviation 1. Received: "
                f"loss={name!r}, which is of another kind of numbers. {UNSUITED[found]}"
            )


def takes_one_hot(loss: Any) -> bool:
    """Whether a loss takes one-hot rows `[batch, classes]`: those of Keras do, except the sparse ones."""
    loss = keras.losses.get(loss) if isinstance(loss, str) else loss
    name = _keras_name(loss if hasattr(loss, "__name__") else type(loss))
    return bool(name) and not name.startswith("sparse")


def check_metric(metric: Any, loss: Any) -> None:
    """Raise ValueError if a metric of Keras takes class numbers and the loss one-hot rows, or the other way round."""
    name = metric if isinstance(metric, str) else getattr(metric, "__name__", type(metric).__name__)
    plain = re.sub("[^a-z0-9]", "", name.lower())
    if takes_one_hot(loss) and plain.startswith("sparse"):
        raise ValueError(
            f"The metric {name} takes class numbers, and this loss one-hot rows. Received: loss={loss!r:.60}. "
            "Write loss='sparse_categorical_crossentropy'."
        )
    if not takes_one_hot(loss) and ONE_HOT_METRICS.fullmatch(plain):
        raise ValueError(
            f"The metric {name} takes one-hot rows, and this loss class numbers. Received: loss={loss!r:.60}. "
            "Write loss='categorical_crossentropy'; labels stay names or numbers."
        )


def _keras_name(kind: Any) -> str:
    """The name of a class or function of Keras in small letters; "" for others."""
    own = getattr(kind, "__module__", "").startswith("keras.")
    return re.sub("[^a-z]", "", getattr(kind, "__name__", "").lower()) if own else ""
