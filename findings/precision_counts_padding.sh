#!/bin/sh
# Precision counts the padded steps that accuracy and the loss leave out.
#
# Expected: the mask of a masked network reaches all metrics of compile alike
# What happens: Keras applies the mask in metrics that are a mean (accuracy, mse) only. Precision takes every padded
#   step for a step, in metrics and in weighted_metrics. At a padded step the network repeats its last output.
#   Sample weights of 0 on the padding mend it for weighted_metrics only
# Seen: a perfect tagger has the accuracy 1.0 and the precision 1.0, 0.4 and 0.25 with 0, 6 and 12 padded steps
#   beside 4 real ones
# Versions: tensorflow 2.21.0, keras 3.15.1, numpy 2.4.6; TensorFlow backend, on a processor
# For whom: anyone who tags sequences of different lengths: the same model on the same data gets another precision
#   for more padding
# Exit: 0 while it is so; 1 once it changes; 2 if the packages could not be installed
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
trap 'exit 2' HUP INT TERM
"${PYTHON:-python3}" -m venv "$folder/venv" || exit 2
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check tensorflow==2.21.0 keras==3.15.1 numpy==2.4.6 || {
    echo "The packages could not be installed: nothing was checked." >&2
    exit 2
}
cat > "$folder/check.py" <<'PROGRAM'
import sys

import keras
import numpy as np
import tensorflow as tf

tf.get_logger().setLevel("ERROR")  # several small models trace, which is meant


def tagger(**metrics):
    echo = keras.layers.SimpleRNN(  # gives back each step's input
        1,
        activation=None,
        use_bias=False,
        kernel_initializer="ones",
        recurrent_initializer="zeros",
        return_sequences=True,
    )
    model = keras.Sequential([keras.Input((None, 1)), keras.layers.Masking(), echo])
    model.compile(loss="binary_crossentropy", **metrics)
    return model


def scores(kind, padding, weighted=False):
    """A perfect tagger: four real steps of label 1, predicted 0.9; the rest is padding of label 0."""
    x = np.zeros((3, 4 + padding, 1), "float32")
    x[:, :4] = 0.9
    y = (x > 0).astype("float32")
    asked = ["binary_accuracy", keras.metrics.Precision(name="precision")]
    result = tagger(**{kind: asked}).evaluate(
        x, y, sample_weight=y[..., 0] if weighted else None, verbose=0, return_dict=True
    )
    return round(result["binary_accuracy"], 4), round(result["precision"], 4)


for kind in ("metrics", "weighted_metrics"):
    for padding in (0, 6, 12):
        accuracy, precision = scores(kind, padding)
        print(f"{kind}, {padding} padded steps: accuracy {accuracy}, precision {precision}")
        if accuracy != 1:
            sys.exit("Accuracy counts padded steps now.")
        if abs(precision - 4 / (4 + padding)) > 0.001:
            sys.exit("Precision no longer counts the padded steps.")
print("weighted_metrics, 6 padded steps of weight 0:", scores("weighted_metrics", 6, weighted=True))
if scores("weighted_metrics", 6, weighted=True) != (1, 1):
    sys.exit("Sample weights no longer take the padding out of weighted metrics.")
PROGRAM
cd "$folder"
TF_CPP_MIN_LOG_LEVEL=3 CUDA_VISIBLE_DEVICES=-1 KERAS_BACKEND=tensorflow "$folder/venv/bin/python" check.py
