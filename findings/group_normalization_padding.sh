#!/bin/sh
# GroupNormalization passes the mask on and counts the padding in its mean.
#
# Expected: a normalization that takes a masked sequence without a warning leaves the padding out of its statistics,
#   as BatchNormalization does
# What happens: keras.layers.GroupNormalization says that it supports masks and hands them on, but its mean and
#   variance run over all steps, the padding too. What a real step becomes depends on how far its row was padded.
#   Nothing warns
# Seen: two padded steps change the two real ones by 1.18 behind GroupNormalization(1), by 0.00 behind the others;
#   warnings: 0
# Versions: tensorflow 2.21.0, keras 3.15.1, numpy 2.4.6; TensorFlow backend, on a processor
# For whom: anyone who puts GroupNormalization between a masked embedding and an LSTM
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
import warnings

import keras
import numpy as np


def change_by_padding(norm, training):
    """How much the two real steps change by two steps of padding, and the warnings about masks."""
    table = np.array([[9, -9], [1, 2], [3, 1]], "float32")  # token 0, the padding, is far from the others
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        tokens = keras.Input((None,), dtype="int32")
        embedding = keras.layers.Embedding(3, 2, mask_zero=True)
        model = keras.Model(tokens, norm(embedding(tokens)))
        embedding.set_weights([table])
        short = np.array(model(np.array([[1, 2]]), training=training))
        padded = np.array(model(np.array([[1, 2, 0, 0]]), training=training))
    return float(np.abs(short - padded[:, :2]).max()), [w for w in caught if "mask" in str(w.message)]


others = {
    "LayerNormalization": change_by_padding(keras.layers.LayerNormalization(), False),
    "BatchNormalization in training": change_by_padding(keras.layers.BatchNormalization(), True),
}
group, told = change_by_padding(keras.layers.GroupNormalization(1), False)
for name, (change, _) in others.items():
    print(f"{name}: {change:.4f}")
    if change > 1e-3:
        sys.exit(f"{name} counts the padding now.")
print(f"GroupNormalization: {group:.4f}, warnings: {len(told)}")
if group < 0.1:
    sys.exit("GroupNormalization leaves the padding out now.")
if told:
    sys.exit("GroupNormalization warns about the mask now.")
PROGRAM
cd "$folder"
TF_CPP_MIN_LOG_LEVEL=3 CUDA_VISIBLE_DEVICES=-1 KERAS_BACKEND=tensorflow "$folder/venv/bin/python" check.py
