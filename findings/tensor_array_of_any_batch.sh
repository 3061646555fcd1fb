#!/bin/sh
# A TensorArray whose element shape leaves the batch open converts to LiteRT, and every call of it fails.
#
# Expected: a loop that writes `[2, batch, 2]` in every turn, with element_shape=[2, None, 2], either converts to
#   LiteRT's built-in operations and answers, or is refused
# What happens: the converter gives a model, in which None is -1 and which fails at the first call, whatever
#   the batch. With the batch as a number, `tf.shape(x)[1]`, in tf.raw_ops.TensorListReserve, the model answers any
#   batch. Without element_shape, as keras.layers.GRU(return_sequences=True) has it, the converter refuses
# Seen: "failed to invoke" for a batch of 3; the same loop with the batch as a number gives the sums
# Versions: tensorflow 2.21.0, keras 3.15.1, ai-edge-litert 2.3.0, numpy 2.4.6
# For whom: anyone who writes a loop for a phone or a microcontroller
# Exit: 0 while it is so; 1 once it changes; 2 if the packages could not be installed
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
trap 'exit 2' HUP INT TERM
"${PYTHON:-python3}" -m venv "$folder/venv" || exit 2
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check tensorflow==2.21.0 keras==3.15.1 \
    ai-edge-litert==2.3.0 numpy==2.4.6 || {
    echo "The packages could not be installed: nothing was checked." >&2
    exit 2
}
cat > "$folder/check.py" <<'PROGRAM'
import sys

import numpy as np
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter

X = np.arange(30, dtype="float32").reshape(5, 3, 2)  # [time, batch, features]
WANTED = np.stack([np.cumsum(X, axis=0), X], axis=1)


def tensor_array(x):
    """The sums so far and the values, [time, 2, batch, features]."""
    array = tf.TensorArray(tf.float32, 5, element_shape=[2, None, 2])

    def turn(i, total, array):
        total += x[i]
        return i + 1, total, array.write(i, tf.stack([total, x[i]]))

    _, _, array = tf.while_loop(lambda i, *_: i < 5, turn, (0, tf.zeros_like(x[0]), array))
    return array.stack()


def with_the_batch(x):
    """The same, in a list that knows the batch as a number."""
    shape = [2, tf.shape(x)[1], 2]
    array = tf.raw_ops.TensorListReserve(element_shape=shape, num_elements=5, element_dtype=tf.float32)

    def turn(i, total, array):
        total += x[i]
        item = tf.stack([total, x[i]])
        return i + 1, total, tf.raw_ops.TensorListSetItem(input_handle=array, index=i, item=item)

    _, _, array = tf.while_loop(lambda i, *_: i < 5, turn, (0, tf.zeros_like(x[0]), array))
    return tf.raw_ops.TensorListStack(
        input_handle=array, element_shape=shape, element_dtype=tf.float32, num_elements=5
    )


def answer(function):
    """What the converted function gives, or why it gives nothing."""
    module = tf.Module()
    module.run = tf.function(lambda x: {"y": function(x)}, [tf.TensorSpec([5, None, 2], tf.float32, "x")])
    np.testing.assert_allclose(module.run(tf.constant(X))["y"], WANTED)
    concrete = module.run.get_concrete_function()
    model = tf.lite.TFLiteConverter.from_concrete_functions([concrete], module).convert()
    interpreter = Interpreter(model_content=model)
    index = interpreter.get_input_details()[0]["index"]
    interpreter.resize_tensor_input(index, X.shape)
    interpreter.allocate_tensors()
    interpreter.set_tensor(index, X)
    try:
        interpreter.invoke()
    except RuntimeError as error:
        return str(error)
    return interpreter.get_tensor(interpreter.get_output_details()[0]["index"])


known, unknown = answer(with_the_batch), answer(tensor_array)
print("the batch as a number:", known if isinstance(known, str) else known.shape)
print("element_shape=[2, None, 2]:", unknown if isinstance(unknown, str) else unknown.shape)
if isinstance(known, str) or not np.allclose(known, WANTED):
    sys.exit("The list that knows its batch no longer answers.")
if not isinstance(unknown, str):
    sys.exit("The TensorArray of any batch answers now.")
PROGRAM
cd "$folder"
TF_CPP_MIN_LOG_LEVEL=3 CUDA_VISIBLE_DEVICES=-1 "$folder/venv/bin/python" check.py
