#!/bin/sh
# In mixed precision a lookup of 32 tokens costs the cast of the whole vocabulary.
#
# Expected: an Embedding gathers 32 rows; its cost does not depend on the vocabulary, and mixed_bfloat16 makes it
#   cheaper if anything
# What happens: the layer's table is cast to bfloat16 as a whole at each call, then 32 rows of the copy are
#   gathered. With 1,000,000 tokens of 32 numbers the lookup costs over ten times that of 1,000 tokens. In float32
#   the vocabulary makes no difference
# Seen: 1,000,000 tokens cost 23 times what 1,000 do in mixed_bfloat16, 0.6 times in float32; asserted: over 5 and
#   under 3
# Versions: tensorflow 2.21.0, keras 3.15.1, numpy 2.4.6; TensorFlow backend, on a processor
# For whom: anyone who serves or trains a recurrent network of a large vocabulary under mixed_bfloat16 or
#   mixed_float16: one request or one decoded step pays for all words
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

ids = tf.constant(np.random.default_rng(0).integers(0, 1000, (32, 1)), tf.int32)


def lookup(policy, vocabulary):
    layer = keras.layers.Embedding(vocabulary, 32, dtype=policy)
    layer.build()
    return tf.function(lambda tokens: layer(tokens), autograph=False)


policies, sizes = ("float32", "mixed_bfloat16"), (1_000, 1_000_000)
lookups = {(policy, size): lookup(policy, size) for policy in policies for size in sizes}
seconds = {name: [] for name in lookups}
for repeat in range(25):
    for name, function in lookups.items():
        start = time.perf_counter()
        function(ids).numpy() if name[0] == "float32" else tf.cast(function(ids), tf.float32).numpy()
        if repeat > 3:  # the first times trace and warm up
            seconds[name].append(time.perf_counter() - start)
medians = {name: statistics.median(values) for name, values in seconds.items()}
mixed = medians["mixed_bfloat16", 1_000_000] / medians["mixed_bfloat16", 1_000]
single = medians["float32", 1_000_000] / medians["float32", 1_000]
print(f"cost of 1,000,000 tokens in costs of 1,000: float32 {single:.1f}, mixed_bfloat16 {mixed:.1f}")
if single > 3:
    sys.exit("A lookup in float32 depends on the vocabulary now.")
if mixed < 5:
    sys.exit("A lookup in mixed precision no longer costs the whole vocabulary.")
PROGRAM
cd "$folder"
TF_CPP_MIN_LOG_LEVEL=3 CUDA_VISIBLE_DEVICES=-1 KERAS_BACKEND=tensorflow "$folder/venv/bin/python" check.py
