#!/bin/sh
# One step of SGD, and every later lookup of an Embedding copies the whole table, also in inference.
#
# Expected: what a lookup costs does not depend on which optimizer once trained the table
# What happens: the update of SGD without momentum, RMSprop, Adagrad, Adadelta and Adafactor is scattered into the
#   variable. From then on TensorFlow copies the variable whenever it is read, and the layer reads all of it to take 960
#   rows. Adam, AdamW, Nadam, Lion and SGD with momentum write the whole table instead: lookups stay cheap
# Seen: for 50,000 tokens x 256, 10 to 17 times the cost of a call before the step, in one run; after Adam 1.0 times.
#   Asserted: over 4 and under 2
# Versions: tensorflow 2.21.0, keras 3.15.1, numpy 2.4.6; TensorFlow backend, on a processor
# For whom: anyone who trains a text model with SGD or RMSprop and answers with the same process
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
import statistics
import sys
import time

import keras
import numpy as np
import tensorflow as tf

ids = np.random.default_rng(0).integers(0, 50_000, [32, 30]).astype("int32")
ratios = {}
for name in ("Adam", "SGD", "RMSprop", "Adagrad"):
    layers = [keras.layers.Embedding(50_000, 256), keras.layers.GlobalAveragePooling1D(), keras.layers.Dense(1)]
    model = keras.Sequential(layers)
    model.compile(getattr(keras.optimizers, name)(), "mse")
    model.build((None, 30))
    answer = tf.function(lambda x, model=model: model(x, training=False))
    seconds = []
    for _ in range(2):
        answer(tf.constant(ids))
        times = []
        for _ in range(15):
            start = time.perf_counter()
            answer(tf.constant(ids)).numpy()
            times.append(time.perf_counter() - start)
        seconds.append(statistics.median(times))
        model.fit(ids, np.zeros(32), batch_size=32, verbose=0)
    ratios[name] = seconds[1] / seconds[0]
print("cost of a call after one step, in costs before it:", {name: round(one, 1) for name, one in ratios.items()})
if ratios["Adam"] > 2:
    sys.exit("A lookup became dearer after a step of Adam, too.")
if min(ratios["SGD"], ratios["RMSprop"], ratios["Adagrad"]) < 4:
    sys.exit("A step of SGD, RMSprop or Adagrad no longer makes lookups much dearer.")
PROGRAM
cd "$folder"
TF_CPP_MIN_LOG_LEVEL=3 CUDA_VISIBLE_DEVICES=-1 KERAS_BACKEND=tensorflow "$folder/venv/bin/python" check.py
