#!/bin/sh
# BackupAndRestore loses its backup when a later save does not fit on the disk.
#
# Expected: a backup that was made stays until the next one is whole; `fit`, run again, goes on from it
# What happens: by default the callback writes over its only file. If that fails half-way, half a file is left, and the
#   next `fit` raises ValueError ("objects could not be loaded") instead of going on, or of starting anew. With
#   double_checkpoint=True it goes on from the backup before
# Seen: three epochs, the disk full in the save of the third; the next fit raised, and began at epoch 2 with
#   double_checkpoint=True
# The full disk is played by a limit on the size of files, which the test sets for its own process. POSIX only
# Versions: tensorflow 2.21.0, keras 3.15.1, numpy 2.4.6; TensorFlow backend, on a processor
# For whom: anyone whose long training may meet a full disk, or a power cut in the middle of a save
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
import resource
import sys

import keras
import numpy as np

DATA = np.zeros([32, 4], "float32"), np.zeros([32, 1], "float32")
NO_LIMIT = resource.RLIM_INFINITY


class FullDisk(keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        if epoch == 2:
            resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, NO_LIMIT))


class Epochs(keras.callbacks.Callback):
    def __init__(self):
        super().__init__()
        self.seen = []

    def on_epoch_begin(self, epoch, logs=None):
        self.seen.append(epoch)


def fit(folder, callbacks, **settings):
    layers = [keras.Input([4]), keras.layers.Dense(300), keras.layers.Dense(300), keras.layers.Dense(1)]
    model = keras.Sequential(layers)
    model.compile("adam", "mse")
    backup = keras.callbacks.BackupAndRestore(folder, delete_checkpoint=False, **settings)
    model.fit(*DATA, epochs=5, verbose=0, callbacks=[*callbacks, backup])


def begins_again(folder, **settings):
    """What the next fit does after a save that failed: the epoch that it begins with, or the error."""
    try:
        fit(folder, [FullDisk()], **settings)
        sys.exit("The full disk went unnoticed.")
    except OSError:
        resource.setrlimit(resource.RLIMIT_FSIZE, (NO_LIMIT, NO_LIMIT))
    epochs = Epochs()
    try:
        fit(folder, [epochs], **settings)
    except ValueError as error:
        return f"ValueError: {str(error).splitlines()[0]}"
    return f"epoch {epochs.seen[0]}"


plain, double = begins_again("plain"), begins_again("double", double_checkpoint=True)
print("by default:", plain)
print("double_checkpoint=True:", double)
if not plain.startswith("ValueError"):
    sys.exit("By default the backup now outlives a save that fails.")
if double != "epoch 2":
    sys.exit("double_checkpoint=True does something else now.")
PROGRAM
cd "$folder"
TF_CPP_MIN_LOG_LEVEL=3 CUDA_VISIBLE_DEVICES=-1 KERAS_BACKEND=tensorflow "$folder/venv/bin/python" check.py
