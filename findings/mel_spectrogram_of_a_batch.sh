#!/bin/sh
# The mel spectrogram of a quiet clip depends on the loudest clip in its batch.
#
# Expected: keras.layers.MelSpectrogram works on each clip by itself, as its output has one spectrogram a clip
# What happens: the floor of its decibels (top_db=80) lies 80 dB below the loudest value of the whole batch. A quiet
#   clip beside a loud one is cut off at this floor. A network then sees other features in training, in a batch of
#   evaluation and in serving one clip
# Seen: the quiet clip alone is -96.8 to -16.8 dB; beside one that is 60 dB louder it is -36.8 to -16.8 dB
# Versions: tensorflow 2.21.0, keras 3.15.1, numpy 2.4.6; TensorFlow backend, on a processor
# For whom: anyone who feeds speech to a recurrent network through this layer: predictions change with the batch
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

layer = keras.layers.MelSpectrogram(
    fft_length=512, sequence_stride=128, sampling_rate=8000, num_mel_bins=20, min_freq=20, max_freq=4000
)
time = np.arange(8000) / 8000
loud = np.sin(2 * np.pi * 440 * time).astype("float32")[np.newaxis]
quiet = 0.001 * loud
alone = np.array(layer(quiet))[0]
beside_a_quiet_one = np.array(layer(np.concatenate([quiet, quiet])))[0]
beside_a_loud_one = np.array(layer(np.concatenate([quiet, loud])))[0]
print(f"the quiet clip alone:           {alone.min():.1f} to {alone.max():.1f} dB")
print(f"the same beside the loud clip:  {beside_a_loud_one.min():.1f} to {beside_a_loud_one.max():.1f} dB")
if np.abs(alone - beside_a_quiet_one).max() > 0.01:
    sys.exit("The clip now changes even beside itself.")
if np.abs(alone - beside_a_loud_one).max() < 30:
    sys.exit("The spectrogram of a clip no longer depends on the other clips of its batch.")
PROGRAM
cd "$folder"
TF_CPP_MIN_LOG_LEVEL=3 CUDA_VISIBLE_DEVICES=-1 KERAS_BACKEND=tensorflow "$folder/venv/bin/python" check.py
