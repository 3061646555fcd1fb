"""Requests to a model server over gRPC, with the official stubs."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from rnn_tf.serving.rest_transport import Refusal

try:
    import grpc
    from tensorflow_serving.apis.classification_pb2 import ClassificationRequest
    from tensorflow_serving.apis.get_model_metadata_pb2 import GetModelMetadataRequest, SignatureDefMap
    from tensorflow_serving.apis.get_model_status_pb2 import GetModelStatusRequest, ModelVersionStatus
    from tensorflow_serving.apis.input_pb2 import ExampleList, Input
    from tensorflow_serving.apis.model_pb2 import ModelSpec
    from tensorflow_serving.apis.model_service_pb2_grpc import ModelServiceStub
    from tensorflow_serving.apis.predict_pb2 import PredictRequest
    from tensorflow_serving.apis.prediction_service_pb2_grpc import PredictionServiceStub
    from tensorflow_serving.apis.regression_pb2 import RegressionRequest
except ImportError:
    raise ImportError(
        'gRPC needs tensorflow-serving-api. Install it with: pip install "rnn-tf[serving]". '
        "A client of an http:// address does without."
    ) from None

OPTIONS = (
    ("grpc.max_receive_message_length", -1),  # a large batch has more than the 4 MB that are the default
    ("grpc.initial_reconnect_backoff_ms", 100),  # no longer than the client's own pauses
    ("grpc.max_reconnect_backoff_ms", 100),
)
HTTP_STATUS = {  # as TF Serving's REST interface has them
    grpc.StatusCode.INVALID_ARGUMENT: 400,
    grpc.StatusCode.FAILED_PRECONDITION: 400,
    grpc.StatusCode.OUT_OF_RANGE: 400,
    grpc.StatusCode.NOT_FOUND: 404,
    grpc.StatusCode.UNAVAILABLE: 503,
    grpc.StatusCode.DEADLINE_EXCEEDED: 504,
}


class GrpcTransport:
    """One try of each request; the same methods as `RestTransport` has."""

    def __init__(self, target: str, model: str, version: int | None, timeout: float) -> None:
        self._model, self._version, self._timeout = model, version, timeout
        self._channel = grpc.insecure_channel(target, OPTIONS)
        self._predictions, self._models = PredictionServiceStub(self._channel), ModelServiceStub(self._channel)

    def predict(
        self, signature_name: str, inputs: Mapping[str, np.ndarray], specs: Mapping[str, tf.TensorSpec]
    ) -> dict[str, np.ndarray]:
        tensors = {name: tf.make_tensor_proto(array) for name, array in inputs.items()}
        request = PredictRequest(model_spec=self._spec(signature_name), inputs=tensors)
        outputs = self._call(self._predictions.Predict, request).outputs
        return {name: tf.make_ndarray(outputs[name]) for name in sorted(outputs)}

    def classify(self, signature_name: str, examples: Sequence[tf.train.Example]) -> list[list[tuple[str, float]]]:
        request = ClassificationRequest(model_spec=self._spec(signature_name), input=_input(examples))
        rows = self._call(self._predictions.Classify, request).result.classifications
        return [[(one.label, one.score) for one in row.classes] for row in rows]

    def regress(self, signature_name: str, examples: Sequence[tf.train.Example]) -> list[float]:
        request = RegressionRequest(model_spec=self._spec(signature_name), input=_input(examples))
        return [one.value for one in self._call(self._predictions.Regress, request).result.regressions]

    def metadata(self) -> Mapping[str, Any]:
        request = GetModelMetadataRequest(model_spec=self._spec(), metadata_field=["signature_def"])
        signatures = SignatureDefMap()
        self._call(self._predictions.GetModelMetadata, request).metadata["signature_def"].Unpack(signatures)
        return signatures.signature_def

    def status(self) -> list[tuple[int, str, str]]:
        request = GetModelStatusRequest(model_spec=self._spec())
        return [
            (one.version, ModelVersionStatus.State.Name(one.state), one.status.error_message)
            for one in self._call(self._models.GetModelStatus, request).model_version_status
        ]

    def close(self) -> None:
        self._channel.close()

    def _spec(self, signature_name: str = "") -> ModelSpec:
        version = None if self._version is None else {"value": self._version}
        return ModelSpec(name=self._model, version=version, signature_name=signature_name)

    def _call(self, method: Callable[..., Any], request: Any) -> Any:
        try:
            return method(request, timeout=self._timeout)
        except grpc.RpcError as error:
            raise Refusal(HTTP_STATUS.get(error.code(), 500), error.details()) from None


def _input(examples: Sequence[tf.train.Example]) -> Input:
    return Input(example_list=ExampleList(examples=examples))
