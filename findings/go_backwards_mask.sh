#!/bin/sh
# go_backwards=True turns the outputs of a recurrent layer round, and hands the mask on as it was.
#
# Expected: the mask of the outputs says which of them belong to real steps
# What happens: an LSTM with go_backwards=True and return_sequences=True gives the outputs of the padding first, and
#   with them the mask of the inputs, whose padding comes last. A masked loss then counts outputs of padding, and leaves
#   out those of the first real steps. GRU, SimpleRNN and RNN do the same
# Seen: for the steps [1, 2, 3, padding, padding] outputs [0, 0, h, h, h] with the mask [1, 1, 1, 0, 0]
# Versions: tensorflow 2.21.0, keras 3.15.1, numpy 2.4.6; TensorFlow backend, on a processor
# For whom: anyone who reads a padded sequence from its end with a loss at every step, without Bidirectional
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

steps = np.array([[[1.0], [2.0], [3.0], [0.0], [0.0]]], "float32")
for kind in (keras.layers.LSTM, keras.layers.GRU, keras.layers.SimpleRNN):
    keras.utils.set_random_seed(0)
    inputs = keras.Input([5, 1])
    outputs = kind(2, return_sequences=True, go_backwards=True)(keras.layers.Masking()(inputs))
    answers = keras.Model(inputs, outputs)(steps)
    mask = answers._keras_mask
    real = np.abs(answers.numpy()[0]).sum(axis=1) > 0
    print(kind.__name__, "outputs of real steps:", real.astype(int), "mask:", mask.numpy()[0].astype(int))
    if real.tolist() != [False, False, True, True, True]:
        sys.exit("The outputs come in another order now.")
    if mask.numpy()[0].tolist() != [True, True, True, False, False]:
        sys.exit("The mask is turned round with the outputs now.")
PROGRAM
cd "$folder"
TF_CPP_MIN_LOG_LEVEL=3 CUDA_VISIBLE_DEVICES=-1 KERAS_BACKEND=tensorflow "$folder/venv/bin/python" check.py
