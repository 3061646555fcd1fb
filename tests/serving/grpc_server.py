"""A gRPC server on the official services of TF Serving, for the newest version of a model; and a tiny model."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from time import sleep

import grpc
import numpy as np
import tensorflow as tf
from google.protobuf import json_format
from tensorflow_serving.apis import prediction_service_pb2_grpc as prediction_service
from tensorflow_serving.apis.classification_pb2 import ClassificationRequest, ClassificationResponse
from tensorflow_serving.apis.get_model_metadata_pb2 import (
    GetModelMetadataRequest,
    GetModelMetadataResponse,
    SignatureDefMap,
)
from tensorflow_serving.apis.get_model_status_pb2 import GetModelStatusRequest, GetModelStatusResponse
from tensorflow_serving.apis.model_pb2 import ModelSpec
from tensorflow_serving.apis.model_service_pb2_grpc import ModelServiceServicer, add_ModelServiceServicer_to_server
from tensorflow_serving.apis.predict_pb2 import PredictRequest, PredictResponse
from tensorflow_serving.apis.regression_pb2 import RegressionRequest, RegressionResponse

from rnn_tf.serving.servable import NotServedError, RequestError, Servable, ServedModel


class GrpcServer(prediction_service.PredictionServiceServicer, ModelServiceServicer):
    """Serves the versions in a folder, under the folder's name, at `address`.

    `refusals` are status codes to refuse the next requests with, `delay` seconds to wait before each answer.
    """

    def __init__(self, directory: Path, port: int = 0) -> None:
        self.model = ServedModel(directory)
        self.refusals: list[grpc.StatusCode] = []
        self.delay = 0.0
        self._threads = ThreadPoolExecutor(4)
        self._server = grpc.server(self._threads, options=[("grpc.max_receive_message_length", -1)])
        prediction_service.add_PredictionServiceServicer_to_server(self, self._server)
        add_ModelServiceServicer_to_server(self, self._server)
        self.address = f"grpc://127.0.0.1:{self._server.add_insecure_port(f'127.0.0.1:{port}')}"

    def __enter__(self) -> "GrpcServer":
        self._server.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._server.stop(None).wait()
        self._threads.shutdown()
        self.model.close()

    def Predict(self, request: PredictRequest, context: grpc.ServicerContext) -> PredictResponse:  # noqa: N802
        with self._use(request, context) as (servable, spec):
            inputs = {name: tf.make_ndarray(tensor) for name, tensor in request.inputs.items()}
            outputs = servable.run(inputs, spec.signature_name)
            return PredictResponse(
                model_spec=spec, outputs={name: tf.make_tensor_proto(array) for name, array in outputs.items()}
            )

    def Classify(self, request: ClassificationRequest, context: grpc.ServicerContext) -> ClassificationResponse:  # noqa: N802
        with self._use(request, context) as (servable, spec):
            rows = servable.classify(_serialised(request), spec.signature_name)
            classifications = [{"classes": [{"label": label, "score": score} for label, score in row]} for row in rows]
            return ClassificationResponse(model_spec=spec, result={"classifications": classifications})

    def Regress(self, request: RegressionRequest, context: grpc.ServicerContext) -> RegressionResponse:  # noqa: N802
        with self._use(request, context) as (servable, spec):
            values = servable.regress(_serialised(request), spec.signature_name)
            return RegressionResponse(model_spec=spec, result={"regressions": [{"value": one} for one in values]})

    def GetModelMetadata(  # noqa: N802
        self, request: GetModelMetadataRequest, context: grpc.ServicerContext
    ) -> GetModelMetadataResponse:
        with self._use(request, context) as (servable, spec):
            response = GetModelMetadataResponse(model_spec=spec)
            response.metadata["signature_def"].Pack(SignatureDefMap(signature_def=servable.signatures))
            return response

    def GetModelStatus(  # noqa: N802
        self, request: GetModelStatusRequest, context: grpc.ServicerContext
    ) -> GetModelStatusResponse:
        with self._use(request, context):
            return json_format.ParseDict({"model_version_status": self.model.status()}, GetModelStatusResponse())

    @contextmanager
    def _use(self, request: object, context: grpc.ServicerContext) -> Iterator[tuple[Servable, ModelSpec]]:
        sleep(self.delay)
        if self.refusals:
            context.abort(self.refusals.pop(0), "refused for a test")
        asked = request.model_spec
        version = asked.version.value if asked.HasField("version") else None
        try:
            if asked.name != self.model.name:
                raise NotServedError(asked.name, version)
            with self.model.use(version) as servable:
                spec = ModelSpec(name=asked.name, signature_name=asked.signature_name or "serving_default")
                spec.version.value = servable.version
                yield servable, spec
        except NotServedError as error:
            context.abort(grpc.StatusCode.NOT_FOUND, str(error))
        except RequestError as error:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, str(error))


def _serialised(request: ClassificationRequest | RegressionRequest) -> np.ndarray:
    return np.array([one.SerializeToString() for one in request.input.example_list.examples], object)


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
