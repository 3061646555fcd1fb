#!/bin/sh
# ScheduleFreeAdamW sets all weights to almost zero in the first fit.
#
# Expected: the first step of an optimizer moves each weight by about one learning rate from where it was
# What happens: model.fit builds the optimizer inside its compiled step. After one batch all weights are about one
#   learning rate from zero: what the initializers drew, or what was pretrained, is gone. With
#   optimizer.build(model.trainable_variables) before fit, or with run_eagerly=True, the weights stay
# Seen: at a rate of 0.001 the largest change in one step is 1.001 and the largest weight after it 0.001; with the
#   optimizer built before, 0.001 and 1.001
# Versions: tensorflow 2.21.0, keras 3.15.1, numpy 2.4.6; TensorFlow backend, on a processor
# For whom: anyone who starts an LSTM with orthogonal or pretrained weights by this optimizer: the loss still falls,
#   from a start that nobody chose
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

RATE = 0.001


def change(build_first, run_eagerly=False):
    """The largest change of a weight, and the largest weight, after one step."""
    keras.utils.set_random_seed(1)
    model = keras.Sequential([keras.Input((5, 2)), keras.layers.LSTM(8), keras.layers.Dense(1)])
    model.compile(keras.optimizers.ScheduleFreeAdamW(RATE), "mse", run_eagerly=run_eagerly)
    if build_first:
        model.optimizer.build(model.trainable_variables)
    before = [weight.copy() for weight in model.get_weights()]
    model.fit(np.ones((4, 5, 2)), np.ones((4, 1)), verbose=0)
    after = model.get_weights()
    return (
        max(float(np.abs(new - old).max()) for new, old in zip(after, before)),
        max(float(np.abs(new).max()) for new in after),
    )


fresh, built, eager = change(False), change(True), change(False, run_eagerly=True)
for name, (moved, largest) in {"fit": fresh, "built before fit": built, "run_eagerly": eager}.items():
    print(f"{name}: largest change {moved:.4f}, largest weight {largest:.4f}")
if max(built[0], eager[0]) > 2 * RATE:
    sys.exit("The weights move by more than two learning rates even where the optimizer is built before.")
if fresh[0] < 100 * RATE or fresh[1] > 2 * RATE:
    sys.exit("The first fit no longer erases the weights.")
PROGRAM
cd "$folder"
TF_CPP_MIN_LOG_LEVEL=3 CUDA_VISIBLE_DEVICES=-1 KERAS_BACKEND=tensorflow "$folder/venv/bin/python" check.py
