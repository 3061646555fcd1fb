"""Exports as others load them: a Python without Keras, a session of TensorFlow 1, and a C program.

Each answers all requests of all models in one go. `models` is, by any key, the path of a version and a list of
requests, each the name of a signature and its inputs by name; the answers are, by the same key, a list of outputs by
name.
"""

import io
import pickle
import shutil
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

C_PROGRAM = Path(__file__).parent / "export" / "run_saved_model.c"

WITHOUT_KERAS = """
import pickle
import sys

sys.modules["keras"] = sys.modules["rnn_tf"] = None  # importing them now fails
import tensorflow as tf

with open(sys.argv[1], "rb") as file:
    models = pickle.load(file)
answers = {}
for model, (path, requests) in models.items():
    signatures = tf.saved_model.load(path).signatures
    answers[model] = []
    for signature, feed in requests:
        outputs = signatures[signature](**{name: tf.constant(array) for name, array in feed.items()})
        answers[model].append({name: output.numpy() for name, output in outputs.items()})
with open(sys.argv[2], "wb") as file:
    pickle.dump(answers, file)
"""


def python_without_keras(models, folder):
    """Answers of `tf.saved_model.load` in a new process that has neither Keras nor rnn_tf."""
    (folder / "requests").write_bytes(pickle.dumps(models))
    command = [sys.executable, "-c", WITHOUT_KERAS, folder / "requests", folder / "answers"]
    process = subprocess.run(command, capture_output=True, text=True)
    assert process.returncode == 0, process.stderr
    return pickle.loads((folder / "answers").read_bytes())


def session(models, folder):
    """Answers of a session of TensorFlow 1, which knows tensors by their names in the graph."""
    answers = {}
    for key, (path, requests) in models.items():
        with tf.Graph().as_default(), tf.compat.v1.Session() as session:
            signatures = tf.compat.v1.saved_model.load(session, ["serve"], path).signature_def
            answers[key] = []
            for name, feed in requests:
                signature = signatures[name]
                fetches = {name: info.name for name, info in signature.outputs.items()}
                inputs = {signature.inputs[name].name: array for name, array in feed.items()}
                answers[key].append(session.run(fetches, inputs))
    return answers


def c_program(models, folder):
    """Answers of run_saved_model.c, which loads a model as TF Serving does."""
    program = folder / "run_saved_model"
    compile_c(program)
    job, outputs = b"", {}
    for key, (path, requests) in models.items():
        signatures = read_meta_graph(path).signature_def
        outputs[key] = [list(signatures[name].outputs) for name, _ in requests]
        for name, feed in requests:
            signature = signatures[name]
            job += as_text(path) + as_numbers(len(feed))
            for one, array in feed.items():
                job += as_text(signature.inputs[one].name) + as_tensor(array)
            job += as_numbers(len(signature.outputs))
            job += b"".join(as_text(info.name) for info in signature.outputs.values())
    process = subprocess.run([program], input=job, capture_output=True)
    assert process.returncode == 0, process.stderr.decode()
    stream = io.BytesIO(process.stdout)
    answers = {
        key: [{name: read_tensor(stream) for name in names} for names in requests] for key, requests in outputs.items()
    }
    assert stream.read() == b""
    return answers


LOADERS = {"python_without_keras": python_without_keras, "session": session, "c_program": c_program}


def read_meta_graph(path):
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        return tf.compat.v1.saved_model.load(session, ["serve"], path)


def compile_c(program):
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        pytest.skip("There is no C compiler, neither cc nor gcc.")
    headers, folder = Path(tf.sysconfig.get_include()), Path(tf.sysconfig.get_lib())
    libraries = [path for name in ("cc", "framework") for path in folder.glob(f"libtensorflow_{name}.*")]
    if len(libraries) < 2 or not (headers / "tensorflow/c/c_api.h").is_file():
        pytest.skip("This TensorFlow comes without the headers or the libraries of its C API.")
    options = ["-std=c11", "-isystem", headers, f"-Wl,-rpath,{folder}", "-o", program]
    process = subprocess.run([compiler, C_PROGRAM, *libraries, *options], capture_output=True, text=True)
    assert process.returncode == 0, process.stderr


def as_numbers(*values):
    return struct.pack(f"={len(values)}q", *values)


def as_text(value):
    value = tf.compat.as_bytes(value)
    return as_numbers(len(value)) + value


def as_tensor(array):
    dtype = tf.as_dtype(array.dtype)
    elements = b"".join(map(as_text, array.ravel())) if dtype == tf.string else array.tobytes()
    return as_numbers(dtype.as_datatype_enum, array.ndim, *array.shape) + elements


def read_tensor(stream):
    def numbers(count):
        return struct.unpack(f"={count}q", stream.read(8 * count))

    dtype, rank = numbers(2)
    dtype, shape = tf.as_dtype(dtype), numbers(rank)
    size = int(np.prod(shape))
    if dtype == tf.string:
        return np.array([stream.read(*numbers(1)) for _ in range(size)], object).reshape(shape)
    return np.frombuffer(stream.read(size * dtype.size), dtype.as_numpy_dtype).reshape(shape)
