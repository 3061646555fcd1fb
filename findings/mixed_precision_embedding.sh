#!/bin/sh
# A mixed-precision Embedding that is called by itself casts the whole vocabulary to look up 32 tokens.
#
# Expected: an Embedding gathers 32 rows; its cost does not depend on the vocabulary, and the policy mixed_bfloat16
#   makes it cheaper if anything
# What happens: called outside a model of this policy, the layer casts its table as a whole at each call, and
#   gathers 32 rows of the copy. So does a layer of mixed dtype in a model of float32. With 1,000,000 tokens of 32
#   numbers a lookup costs over ten times that of 1,000 tokens. Inside a model of the policy it gathers first, and
#   the vocabulary makes no difference
# Seen: 1,000,000 tokens cost 49 times what 1,000 do for the mixed layer by itself, 1.0 times in float32, 0.5 times
#   in a mixed model; asserted: over 5 and under 3
# Versions: tensorflow 2.21.0, keras 3.15.1, numpy 2.4.6; TensorFlow backend, on a processor
# For whom: anyone who decodes word by word with a trained model's own layers, or gives dtype="mixed_bfloat16" to
#   some layers only: one step pays for all words
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

tf.get_logger().setLevel("ERROR")  # several small functions trace, which is meant
keras.config.set_dtype_policy("mixed_bfloat16")
ids = tf.constant(np.random.default_rng(0).integers(0, 1000, (32, 1)), tf.int32)


def lookup(kind, size):
    layer = keras.layers.Embedding(size, 32, dtype="float32" if kind == "float32" else "mixed_bfloat16")
    called = keras.Sequential([keras.Input((1,), dtype="int32"), layer]) if kind == "mixed, in a model" else layer
    return tf.function(lambda tokens: called(tokens), autograph=False)


kinds, sizes = ("float32", "mixed", "mixed, in a model"), (1_000, 1_000_000)
lookups = {(kind, size): lookup(kind, size) for kind in kinds for size in sizes}
seconds = {case: [] for case in lookups}
for repeat in range(25):
    for case, function in lookups.items():
        start = time.perf_counter()
        function(ids)
        if repeat > 3:  # the first times trace and warm up
            seconds[case].append(time.perf_counter() - start)
medians = {case: statistics.median(values) for case, values in seconds.items()}
ratios = {kind: medians[kind, 1_000_000] / medians[kind, 1_000] for kind in kinds}
print("cost of 1,000,000 tokens in costs of 1,000:", {kind: round(ratio, 1) for kind, ratio in ratios.items()})
if max(ratios["float32"], ratios["mixed, in a model"]) > 3:
    sys.exit("A lookup in float32, or in a mixed model, depends on the vocabulary now.")
if ratios["mixed"] < 5:
    sys.exit("A lookup by a mixed layer itself no longer costs the whole vocabulary.")
PROGRAM
cd "$folder"
TF_CPP_MIN_LOG_LEVEL=3 CUDA_VISIBLE_DEVICES=-1 KERAS_BACKEND=tensorflow "$folder/venv/bin/python" check.py
