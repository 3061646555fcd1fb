"""Which losses suit targets that are standardized."""

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


def check_loss(loss: Any) -> None:
    """Raise ValueError if a loss of Keras means nothing on targets of mean 0 and deviation 1, half of them negative.

    Losses of a user's own are left alone.
    """
    for one in tf.nest.flatten(loss):
        if isinstance(one, str):
            one = keras.losses.get(one)
        kinds = type(one).__mro__ if isinstance(one, keras.losses.Loss) else (one,)
        names = [
            re.sub("[^a-z]", "", getattr(kind, "__name__", "").lower())
            for kind in kinds
            if getattr(kind, "__module__", "").startswith("keras.")
        ]
        found = next((name for name in names if name in UNSUITED), None)
        if found:
            name = getattr(one, "name", None) or one.__name__
            raise ValueError(
                "SequenceRegressor computes its loss on standardized targets, of mean 0 and deviation 1. Received: "
                f"loss={name!r}, which is of another kind of numbers. {UNSUITED[found]}"
            )
