#!/bin/sh
# A cell inside a cell drops the same units in every call.
#
# Expected: keras.layers.LSTMCell(dropout=0.5) draws a new mask for each sequence, wherever the cell stands
# What happens: the cell keeps its first mask until keras.layers.RNN asks it to draw anew, and RNN asks only a cell
#   that it was given, not one inside it. A wrapper (residual, attention) around the cell drops the same inputs at
#   every call, and a model that was called in training once (a look at its output) trains with this mask: it never
#   learns from these inputs. Nothing warns
# Seen: of 20 calls in training, 19 differ from the first for the cell, 0 for the cell inside a cell; of 8 inputs,
#   30 batches learned nothing from 0 and from 3
# Versions: tensorflow 2.21.0, keras 3.15.1, numpy 2.4.6; TensorFlow backend, on a processor
# For whom: anyone who writes a cell around keras.layers.LSTMCell or GRUCell with dropout
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


class Residual(keras.layers.Layer):
    """The cell's output plus its input."""

    def __init__(self, cell):
        super().__init__()
        self.cell = cell
        self.state_size = cell.state_size
        self.output_size = cell.state_size[0]

    def build(self, shape):
        self.cell.build(shape)

    def call(self, inputs, states, training=False):
        output, states = self.cell(inputs, states, training=training)
        return output + inputs, states


def different(layer):
    """How many of 20 calls in training give another output than the first one."""
    x = np.ones((2, 5, 8), "float32")
    outputs = [np.array(layer(x, training=True)) for _ in range(20)]
    return sum(not np.array_equal(outputs[0], output) for output in outputs)


def untouched_rows(wrap):
    """How many inputs the kernel learned nothing from in 30 batches, if the model was called in training before."""
    keras.utils.set_random_seed(3)
    cell = keras.layers.LSTMCell(8, dropout=0.5)
    layer = keras.layers.RNN(Residual(cell) if wrap else cell)
    model = keras.Sequential([keras.Input((5, 8)), layer, keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    x = np.random.default_rng(0).normal(size=(30, 5, 8)).astype("float32")
    model(x[:1], training=True)
    before = model.get_weights()[0].copy()
    model.fit(x, x[:, 0, :1], batch_size=1, verbose=0)
    return int((model.get_weights()[0] == before).all(axis=1).sum())


plain = different(keras.layers.RNN(keras.layers.LSTMCell(8, dropout=0.5)))
wrapped = different(keras.layers.RNN(Residual(keras.layers.LSTMCell(8, dropout=0.5))))
print(f"calls in 20 that differ from the first: the cell {plain}, the cell inside a cell {wrapped}")
rows = untouched_rows(False), untouched_rows(True)
print(f"inputs in 8 that 30 batches did not learn from: the cell {rows[0]}, the cell inside a cell {rows[1]}")
if plain < 15 or rows[0]:
    sys.exit("The plain cell no longer draws a mask a call.")
if wrapped or not rows[1]:
    sys.exit("The cell inside a cell draws a mask a call now.")
PROGRAM
cd "$folder"
TF_CPP_MIN_LOG_LEVEL=3 CUDA_VISIBLE_DEVICES=-1 KERAS_BACKEND=tensorflow "$folder/venv/bin/python" check.py
