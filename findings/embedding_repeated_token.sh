#!/bin/sh
# Adam moves a token's vector by sqrt(n) learning rates where the token stands n times in the batch.
#
# Expected: an embedding is updated as any weight: the gradients of equal tokens are summed, then clipped, then
#   given to the optimizer. The first step of Adam is one learning rate, however long the batch is, and no clipped
#   gradient is above its bound
# What happens: the gradient of keras.layers.Embedding comes as slices, one a token. Keras does not merge slices of
#   one row before it squares or clips them. Adam's second moment then holds the sum of squares in place of the
#   square of the sum, and clipvalue, clipnorm and global_clipnorm bound each slice or their unmerged norm. Nothing
#   warns. With gradient_accumulation_steps the gradient is dense, and all is as expected
# Seen: one token n times in the batch: Adam's first step is 1, 2 and 10 learning rates for n = 1, 4 and 100; for n
#   = 100 clipvalue lets it move by 100 bounds, global_clipnorm by 10
# Versions: tensorflow 2.21.0, keras 3.15.1, numpy 2.4.6; TensorFlow backend, on a processor
# For whom: anyone who trains words, characters or padding (the token of most repeats) by Adam, RMSprop, Adagrad and
#   others of second moments, or who clips gradients of a network with an Embedding
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


def row_after_a_step(optimizer, repeats, reduction="sum_over_batch_size"):
    """How far one batch of one token, `repeats` times, moves this token's vector."""
    model = keras.Sequential(
        [keras.Input((repeats,), dtype="int32"), keras.layers.Embedding(10, 1, embeddings_initializer="zeros")]
    )
    model.compile(optimizer, keras.losses.MeanSquaredError(reduction=reduction))
    model.fit(np.full((1, repeats), 3), np.ones((1, repeats, 1)), verbose=0)
    return float(model.get_weights()[0][3, 0])


adam = {n: row_after_a_step(keras.optimizers.Adam(0.001), n) / 0.001 for n in (1, 4, 100)}
value = {n: row_after_a_step(keras.optimizers.SGD(1.0, clipvalue=0.001), n, "sum") / 0.001 for n in (1, 100)}
norm = {n: row_after_a_step(keras.optimizers.SGD(1.0, global_clipnorm=0.001), n) / 0.001 for n in (1, 100)}
print("Adam: the first step, in learning rates, by repeats:", {n: round(step, 2) for n, step in adam.items()})
print("clipvalue: the step, in bounds, by repeats:", {n: round(step, 2) for n, step in value.items()})
print("global_clipnorm: the step, in bounds, by repeats:", {n: round(step, 2) for n, step in norm.items()})
if not np.allclose([adam[1], value[1], norm[1]], 1, rtol=0.01):
    sys.exit("A single token no longer moves by one learning rate, or by the bound.")
if not np.allclose([adam[4], adam[100]], [2, 10], rtol=0.01):
    sys.exit("Adam no longer moves a token of n repeats by sqrt(n) learning rates.")
if not np.allclose([value[100], norm[100]], [100, 10], rtol=0.01):
    sys.exit("Clipping no longer lets a token of 100 repeats move by 100 and 10 times the bound.")
PROGRAM
cd "$folder"
TF_CPP_MIN_LOG_LEVEL=3 CUDA_VISIBLE_DEVICES=-1 KERAS_BACKEND=tensorflow "$folder/venv/bin/python" check.py
