#!/bin/sh
# The loss that evaluate tells of masked sequences depends on batch_size.
#
# Expected: model.evaluate gives the mean loss of all steps that are no padding, or of all sequences; batch_size is
#   a matter of speed
# What happens: each batch's loss is the mean of its unmasked steps; evaluate (and val_loss in fit) weighs the
#   batches by their rows. A step in a batch of short rows counts more than one in a batch of long rows. The same
#   loss as a metric is right
# Seen: the loss is 0.5000 with batch_size 1 and 4, and 0.9804 with 8; the metric is 0.9804 each time
# Versions: tensorflow 2.21.0, keras 3.15.1, numpy 2.4.6; TensorFlow backend, on a processor
# For whom: anyone who compares val_loss of taggers between batch sizes or orders of the data, stops early by it, or
#   sorts sequences by length
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

echo = keras.layers.SimpleRNN(  # gives back each step's input
    1,
    activation=None,
    use_bias=False,
    kernel_initializer="ones",
    recurrent_initializer="zeros",
    return_sequences=True,
)
model = keras.Sequential([keras.Input((None, 1)), keras.layers.Masking(), echo])
model.compile(loss="mse", metrics=["mse"])
x = np.zeros((8, 50, 1), "float32")
x[:4, 0] = 1  # four rows of one step
x[4:] = 1  # four rows of 50 steps
y = np.zeros((8, 50, 1), "float32")
y[:4, 0] = 1  # right in the 4 steps of the short rows, wrong by 1 in the 200 others
seen = {size: model.evaluate(x, y, batch_size=size, verbose=0) for size in (1, 4, 8)}
for size, (loss, metric) in seen.items():
    print(f"batch_size={size}: loss {loss:.4f}, metric {metric:.4f}")
if not np.allclose([metric for _, metric in seen.values()], 200 / 204, atol=1e-4):
    sys.exit("The metric is no longer the mean of all unmasked steps.")
if not np.allclose([seen[size][0] for size in (1, 4, 8)], [0.5, 0.5, 200 / 204], atol=1e-4):
    sys.exit("The loss of masked sequences no longer depends on the batch size as it did.")
PROGRAM
cd "$folder"
TF_CPP_MIN_LOG_LEVEL=3 CUDA_VISIBLE_DEVICES=-1 KERAS_BACKEND=tensorflow "$folder/venv/bin/python" check.py
