#!/bin/sh
# One name for a state before and after a step: converters lose it.
#
# Expected: a SavedModel whose signature takes `state` and gives `state`, as TF Serving and TensorFlow serve it, becomes
#   an ONNX model and an OpenVINO model with these names
# What happens: tf2onnx ends with "graph input 'state' not exist", which tells of neither the name nor the remedy;
#   OpenVINO converts without a word, and its output is called `state_1`. With `next_state` for the output both convert
# Seen: ValueError by tf2onnx; outputs `output` and `state_1` in OpenVINO, for inputs `inputs` and `state`
# Versions: tensorflow 2.21.0, keras 3.15.1, tf2onnx 1.17.0, onnx 1.23.2, openvino 2026.4.1, numpy 2.4.6
# For whom: anyone who exports one step of a recurrent network, or a decoder with a cache
# Exit: 0 while it is so; 1 once it changes; 2 if the packages could not be installed
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
trap 'exit 2' HUP INT TERM
"${PYTHON:-python3}" -m venv "$folder/venv" || exit 2
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check tensorflow==2.21.0 keras==3.15.1 tf2onnx==1.17.0 \
    onnx==1.23.2 openvino==2026.4.1 numpy==2.4.6 || {
    echo "The packages could not be installed: nothing was checked." >&2
    exit 2
}
cat > "$folder/check.py" <<'PROGRAM'
import subprocess
import sys

import openvino
import tensorflow as tf


def convert(after):
    """How tf2onnx ends, and OpenVINO's outputs, where the state after the step has this name."""
    module = tf.Module()
    specs = [tf.TensorSpec([None, 1], tf.float32, name) for name in ("inputs", "state")]
    module.step = tf.function(lambda inputs, state: {"output": inputs + state, after: inputs + 2 * state}, specs)
    tf.saved_model.save(module, after, {"serving_default": module.step})
    one = tf.ones([1, 1])
    answers = tf.saved_model.load(after).signatures["serving_default"](inputs=one, state=one)
    print(f"{after}: TensorFlow gives {sorted((name, float(value[0, 0])) for name, value in answers.items())}")
    command = [sys.executable, "-m", "tf2onnx.convert", "--saved-model", after, "--output", f"{after}.onnx"]
    process = subprocess.run(command, capture_output=True, text=True, check=False)
    print("  tf2onnx:", process.stderr.strip().splitlines()[-1] if process.returncode else "converts")
    names = sorted(output.any_name for output in openvino.convert_model(after).outputs)
    print("  OpenVINO's outputs:", names)
    return process.returncode, names


apart = convert("next_state")
if apart != (0, ["next_state", "output"]):
    sys.exit("Names that differ no longer convert.")
code, names = convert("state")
if not code:
    sys.exit("tf2onnx converts one name for both now.")
if names == ["output", "state"]:
    sys.exit("OpenVINO keeps one name for both now.")
PROGRAM
cd "$folder"
TF_CPP_MIN_LOG_LEVEL=3 CUDA_VISIBLE_DEVICES=-1 "$folder/venv/bin/python" check.py
