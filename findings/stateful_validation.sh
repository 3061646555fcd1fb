#!/bin/sh
# Validating a stateful model of Keras changes what it learns afterwards, and what it is validated on.
#
# Expected: what `fit` learns does not depend on whether it is given `validation_data`; `evaluate` twice gives the same
# What happens: a layer with stateful=True has one state, for training and for validation. The first batch of the second
#   epoch begins with the state that the validation ended with; without validation, with that of the end of the first
#   epoch. Nothing sets it to zero in between. And a loss of `evaluate` depends on what the model read before
# Seen: the weights after two epochs differ, with the same seeds and no dropout; three calls of `evaluate` on the same
#   data give three losses
# Versions: tensorflow 2.21.0, keras 3.15.1, numpy 2.4.6; TensorFlow backend
# For whom: anyone who trains a model of language on a stream with Keras's stateful layers, and watches its validation
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

random = np.random.default_rng(0)
x, held_out = (random.normal(size=[rows, 5, 2]).astype("float32") for rows in (40, 12))
y, held_out_y = x.cumsum(axis=1)[..., :1], held_out.cumsum(axis=1)[..., :1]


def trained(**validation):
    keras.utils.set_random_seed(1)
    layers = [keras.layers.LSTM(8, return_sequences=True, stateful=True), keras.layers.Dense(1)]
    model = keras.Sequential([keras.Input(batch_shape=[4, 5, 2]), *layers])
    model.compile(keras.optimizers.SGD(0.1), "mse", jit_compile=False)
    model.fit(x, y, batch_size=4, shuffle=False, epochs=2, verbose=0, **validation)
    return model


alone, same, validated = trained(), trained(), trained(validation_data=(held_out, held_out_y), validation_batch_size=4)


def apart(one, other):
    return max(np.abs(a - b).max() for a, b in zip(one.get_weights(), other.get_weights()))


print("largest difference of a weight: run again", apart(alone, same), "with validation", apart(alone, validated))
losses = [alone.evaluate(held_out, held_out_y, batch_size=4, verbose=0) for _ in range(3)]
print("evaluate, three times:", losses)
if apart(alone, same) > 1e-6:
    sys.exit("The same training twice gives other weights: nothing was checked.")
if apart(alone, validated) < 1e-5:
    sys.exit("Validation no longer changes what a stateful model learns.")
if len(set(losses)) == 1:
    sys.exit("A stateful model is evaluated from the same state each time.")
PROGRAM
cd "$folder"
TF_CPP_MIN_LOG_LEVEL=3 CUDA_VISIBLE_DEVICES=-1 KERAS_BACKEND=tensorflow "$folder/venv/bin/python" check.py
