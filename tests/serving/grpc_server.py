"""The library's gRPC server for one model, which fails when a test says so; and a tiny model."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import sleep

import grpc
import tensorflow as tf

from rnn_tf.serving import grpc_server
from rnn_tf.serving.servable import ServedModel


class GrpcServer(grpc_server.GrpcServer):
    """Serves the versions in a folder, under the folder's name, at `address`.

    `refusals` are status codes to refuse the next requests with, `delay` seconds to wait before each answer.
    """

    def __init__(self, directory: Path, port: int = 0) -> None:
        self.model = ServedModel(directory)
        self.refusals: list[grpc.StatusCode] = []
        self.delay = 0.0
        super().__init__({self.model.name: self.model}, port)

    def __exit__(self, *error: object) -> None:
        super().__exit__()
        self.model.close()

    def GetModelStatus(self, request, context):  # noqa: N802
        self._fail(context)
        return super().GetModelStatus(request, context)

    @contextmanager
    def _use(self, request: object, context: grpc.ServicerContext) -> Iterator[tuple]:
        self._fail(context)
        with super()._use(request, context) as used:
            yield used

    def _fail(self, context: grpc.ServicerContext) -> None:
        sleep(self.delay)
        if self.refusals:
            context.abort(self.refusals.pop(0), "refused for a test")


def publish(directory: Path, version: int, name: str = "numbers") -> None:
    """Write a version of a tiny model, and put it into its place by a rename; `name` is that of an input."""

    def forecast(numbers: tf.Tensor, lengths: tf.Tensor) -> dict[str, tf.Tensor]:
        taken = tf.where(tf.sequence_mask(lengths, tf.shape(numbers)[1]), numbers, 0.0)
        tf.debugging.assert_positive(lengths, message="lengths must be positive")
        total = tf.reduce_sum(taken, axis=1, keepdims=True)
        return {"forecast": total * version, "version": tf.fill(tf.shape(lengths), version)}

    def echo(text: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"text": text}

    def regress(inputs: tf.Tensor) -> dict[str, tf.Tensor]:
        numbers = tf.io.parse_example(inputs, {"numbers": tf.io.FixedLenFeature([2], tf.float32)})["numbers"]
        return {"outputs": tf.reduce_sum(numbers, axis=1, keepdims=True) * version}

    def classify(inputs: tf.Tensor) -> dict[str, tf.Tensor]:
        features = {"text": tf.io.FixedLenFeature([], tf.string), "count": tf.io.FixedLenFeature([], tf.int64)}
        parsed = tf.io.parse_example(inputs, features)
        labels = tf.stack([parsed["text"], tf.fill(tf.shape(inputs), "其他")], axis=1)
        counts = tf.cast(parsed["count"], tf.float32)
        return {"classes": labels, "scores": tf.stack([1 / counts, 1 - 1 / counts], axis=1)}

    numbers = tf.TensorSpec([None, None], tf.float32, name)
    lengths = tf.TensorSpec([None], tf.int32, "lengths")
    signatures = {
        "serving_default": tf.function(forecast).get_concrete_function(numbers, lengths),
        "echo": tf.function(echo).get_concrete_function(tf.TensorSpec([None], tf.string, "text")),
        "regress": tf.function(regress).get_concrete_function(tf.TensorSpec([None], tf.string, "inputs")),
        "classify": tf.function(classify).get_concrete_function(tf.TensorSpec([None], tf.string, "inputs")),
    }
    draft = directory / f".{version}"
    tf.saved_model.save(tf.Module(), str(draft), signatures)
    updater = tf.compat.v1.saved_model.signature_def_utils.MethodNameUpdater(str(draft))
    for method in ("regress", "classify"):
        updater.replace_method_name(method, f"tensorflow/serving/{method}", tags="serve")
    updater.save()
    draft.rename(directory / str(version))
