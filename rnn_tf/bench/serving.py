"""`rnn-tf bench serving`: one answer of an exported 4-step regressor, against other ways to the same numbers.

Every contender gets a NumPy array [1, 4, 1] and gives one back. The bare function is the same arithmetic as the
model's, written with TensorFlow's operations alone: what a signature takes beyond it is what an export costs.
"""

import argparse
import importlib.util
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from rnn_tf.bench.timing import in_turns
from rnn_tf.data import jang_task
from rnn_tf.export import export_saved_model
from rnn_tf.models import SequenceRegressor
from rnn_tf.serving.servable import Servable

Answer = Callable[[np.ndarray], np.ndarray]
BARE = "bare tf.function, the same arithmetic"


def run(options: argparse.Namespace) -> None:
    (x, y), _ = jang_task()
    model = SequenceRegressor(units=16)
    model.adapt(x, y)
    row = x[:1].astype(np.float32)
    with tempfile.TemporaryDirectory() as folder:
        path = export_saved_model(model, Path(folder, "regressor"), examples=x)
        contenders: dict[str, Answer] = {
            BARE: _bare(model),
            "the export's signature, tf.saved_model.load": _signature(path),
            "the export in a session, as TF Serving runs it": _session(path),
            "the model, called": lambda row: model(row, training=False).numpy(),
            "model.predict": lambda row: model.predict(row, verbose=0),
        }
        if importlib.util.find_spec("tf2onnx") and importlib.util.find_spec("onnxruntime"):
            contenders["ONNX Runtime, through tf2onnx"] = _onnx(path, folder)
        if importlib.util.find_spec("openvino"):
            contenders["OpenVINO"] = _openvino(path)
        answers = {name: float(np.ravel(answer(row))[0]) for name, answer in contenders.items()}
        seconds = in_turns({name: partial(answer, row) for name, answer in contenders.items()}, options.repeat)
    print("One answer of SequenceRegressor(units=16), 4 steps of one feature, batch 1. Ratios within a turn, medians")
    print(f"over {options.repeat} turns; all answer {answers[BARE]:.6f}:\n")
    print(f"{'':50}{'microseconds':>14}{'ratio':>8}{'differs by':>12}")
    for name, times in seconds.items():
        ratio = np.median(times / seconds[BARE])
        difference = abs(answers[name] - answers[BARE])
        print(f"{name:50}{1e6 * np.median(times):>14.0f}{ratio:>8.2f}{difference:>12.1g}")


def _bare(model: SequenceRegressor) -> Answer:
    """h_t = tanh(x_t W + h_{t-1} U + b) over four steps, and the scaling on both ends."""
    cell, dense = model.encoder.layers[0].cell, model.head.dense
    kernel, recurrent_kernel, bias, head, head_bias = (
        tf.Variable(variable.numpy())
        for variable in (cell.kernel, cell.recurrent_kernel, cell.bias, dense.kernel, dense.bias)
    )
    means, scales = (
        [tf.Variable(getattr(scaling, name).numpy()) for scaling in (model.field_in.scaling, model.field_out.scaling)]
        for name in ("mean", "scale")
    )

    @tf.function(input_signature=[tf.TensorSpec([None, 4, 1])])
    def forecast(sequences: Any) -> Any:
        z = (sequences - means[0]) / scales[0]
        h = tf.zeros([tf.shape(z)[0], 16])
        for t in range(4):
            h = tf.tanh(z[:, t] @ kernel + h @ recurrent_kernel + bias)
        return (h @ head + head_bias) * scales[1] + means[1]

    return lambda row: forecast(tf.constant(row)).numpy()


def _signature(path: str) -> Answer:
    signature = tf.saved_model.load(path).signatures["serving_default"]
    return lambda row: signature(sequences=tf.constant(row))["forecast"].numpy()


def _session(path: str) -> Answer:
    servable = Servable(path)
    return lambda row: servable.run({"sequences": row})["forecast"]


def _onnx(path: str, folder: str) -> Answer:
    import onnxruntime
    import tf2onnx

    loaded = tf.saved_model.load(path)  # to be held: it owns the variables
    signature = loaded.signatures["serving_default"]
    model, _ = tf2onnx.convert.from_function(
        tf.function(lambda sequences: signature(sequences=sequences)["forecast"]),
        input_signature=[tf.TensorSpec([None, 4, 1], name="sequences")],
        output_path=f"{folder}/model.onnx",
    )
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    return lambda row: session.run(None, {name: row})[0]


def _openvino(path: str) -> Answer:
    import openvino

    model = openvino.compile_model(openvino.convert_model(path), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    return lambda row: model({"sequences": row})[0]
