#!/bin/sh
# Adding positions to a masked embedding drops the mask, and nothing says so.
#
# Expected: Embedding(mask_zero=True) marks the padding, and what is added to it keeps the mark, or Keras warns as
#   it does for Conv1D: "this layer does not support masking and will therefore destroy the mask information"
# What happens: after `embedded + positions`, `embedded * 30.0`, and keras.layers.Add of a masked and an unmasked
#   sequence there is no mask and no warning. The LSTM behind it runs over the padding, and a text's answer depends
#   on how far it was padded
# Seen: two steps of padding change the LSTM's answer by 0.0000 without a sum, by 0.21 behind both sums and by 0.25
#   behind the product; warnings: 0
# Versions: tensorflow 2.21.0, keras 3.15.1, numpy 2.4.6; TensorFlow backend, on a processor
# For whom: anyone who scales embeddings or adds embeddings of positions or features in front of an LSTM or GRU
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
import tensorflow as tf

tf.get_logger().setLevel("ERROR")  # several small models trace, which is meant


def change_by_padding(join):
    """How much an LSTM's answer to one text changes by two steps of padding, and the warnings about masks."""
    keras.utils.set_random_seed(1)
    tokens = keras.Input((None,), dtype="int32")
    embedded = keras.layers.Embedding(5, 4, mask_zero=True, embeddings_initializer="random_normal")(tokens)
    places = keras.ops.cumsum(keras.ops.ones_like(tokens), axis=1) - 1
    positions = keras.layers.Embedding(5, 4, embeddings_initializer="orthogonal")(places)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model = keras.Model(tokens, keras.layers.LSTM(8)(join(embedded, positions)))
        short = model.predict(np.array([[1, 2]]), verbose=0)
        padded = model.predict(np.array([[1, 2, 0, 0]]), verbose=0)
    return float(np.abs(short - padded).max()), [w for w in caught if "mask" in str(w.message)]


plain, _ = change_by_padding(lambda embedded, positions: embedded)
print(f"embedded: {plain:.4f}")
if plain > 1e-6:
    sys.exit("Padding now changes the answer even without a sum.")
for name, join in {
    "embedded + positions": lambda embedded, positions: embedded + positions,
    "embedded * 30.0": lambda embedded, positions: embedded * 30.0,
    "Add()([embedded, positions])": lambda embedded, positions: keras.layers.Add()([embedded, positions]),
}.items():
    change, told = change_by_padding(join)
    print(f"{name}: {change:.4f}, warnings: {len(told)}")
    if change < 0.01:
        sys.exit(f"{name} keeps the mask now.")
    if told:
        sys.exit(f"{name} warns about the mask now.")
PROGRAM
cd "$folder"
TF_CPP_MIN_LOG_LEVEL=3 CUDA_VISIBLE_DEVICES=-1 KERAS_BACKEND=tensorflow "$folder/venv/bin/python" check.py
