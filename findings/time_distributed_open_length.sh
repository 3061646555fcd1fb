#!/bin/sh
# TimeDistributed answers as many steps as the batch has rows, where the number of steps is not known.
#
# Expected: [batch, steps, ...] in, [batch, steps, ...] out, whatever of it is known when the call is traced
# What happens: where the number of steps is not known, keras.layers.TimeDistributed maps over the numbers from 0 to the
#   batch size instead. With fewer rows than steps the steps behind are missing; with more it asks for steps that are
#   not there. Nothing warns. An export with steps of any number is such a call
# Seen: [2, 3, 4] in, [2, 2, 5] out
# Versions: tensorflow 2.21.0, keras 3.15.1, numpy 2.4.6; TensorFlow backend, on a processor
# For whom: anyone who exports a tagger for sentences of any length
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
import tensorflow as tf

layer = keras.layers.TimeDistributed(keras.layers.Dense(5))
layer.build([None, None, 4])
known = tf.function(layer, input_signature=[tf.TensorSpec([2, 3, 4])])(tf.ones([2, 3, 4]))
unknown = tf.function(layer, input_signature=[tf.TensorSpec([None, None, 4])])(tf.ones([2, 3, 4]))
print("known:", known.shape, "unknown:", unknown.shape)
if unknown.shape[1] == 3:
    sys.exit("It answers all steps now.")
PROGRAM
cd "$folder"
TF_CPP_MIN_LOG_LEVEL=3 CUDA_VISIBLE_DEVICES=-1 KERAS_BACKEND=tensorflow "$folder/venv/bin/python" check.py
