#!/bin/sh
# TextVectorization.adapt reads a dataset of single texts over 50 times slower than a list of the same texts.
#
# Expected: the layer counts words; a tf.data.Dataset of texts costs about as much as the list
# What happens: a dataset that is not batched is counted one text a call, each with the cost of an eager step. The
#   vocabularies are the same. `dataset.batch(500)` costs what the list costs
# Seen: 440 times the cost of the list in one run; batches of 500: 1.7 times; asserted: over 15 and under 8
# Versions: tensorflow 2.21.0, keras 3.15.1, numpy 2.4.6; TensorFlow backend, on a processor
# For whom: anyone who adapts on a corpus that is read line by line
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
import tensorflow as tf

texts = [f"the cat number {i % 50} sat on the mat" for i in range(1000)]
single = tf.data.Dataset.from_tensor_slices(texts)
sources = {"list": texts, "dataset of texts": single, "dataset of batches": single.batch(500)}
seconds = {name: [] for name in sources}
vocabularies = {}
for repeat in range(4):
    for name, source in sources.items():
        layer = keras.layers.TextVectorization()
        start = time.perf_counter()
        layer.adapt(source)
        if repeat:  # the first time warms up
            seconds[name].append(time.perf_counter() - start)
        vocabularies[name] = layer.get_vocabulary()
base = statistics.median(seconds["list"])
ratios = {name: statistics.median(values) / base for name, values in seconds.items()}
print("cost in costs of the list:", {name: round(ratio, 1) for name, ratio in ratios.items()})
if len({tuple(sorted(vocabulary)) for vocabulary in vocabularies.values()}) != 1:
    sys.exit("The vocabularies differ now.")
if ratios["dataset of texts"] < 15:
    sys.exit("A dataset of single texts no longer costs more than 15 times the list.")
if ratios["dataset of batches"] > 8:
    sys.exit("A dataset of batches now costs much more than the list.")
PROGRAM
cd "$folder"
TF_CPP_MIN_LOG_LEVEL=3 CUDA_VISIBLE_DEVICES=-1 KERAS_BACKEND=tensorflow "$folder/venv/bin/python" check.py
