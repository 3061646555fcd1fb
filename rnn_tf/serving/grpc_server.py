"""TF Serving's gRPC interface for development: the official services on the models of a `DevelopmentServer`."""

import socket
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import numpy as np
import tensorflow as tf
from google.protobuf import json_format

from rnn_tf.serving.servable import NotServedError, RequestError, Servable, ServedModel

try:
    import grpc
    from tensorflow_serving.apis import prediction_service_pb2_grpc as prediction_service
    from tensorflow_serving.apis.classification_pb2 import ClassificationResponse
    from tensorflow_serving.apis.get_model_metadata_pb2 import GetModelMetadataResponse, SignatureDefMap
    from tensorflow_serving.apis.get_model_status_pb2 import GetModelStatusResponse
    from tensorflow_serving.apis.model_pb2 import ModelSpec
    from tensorflow_serving.apis.model_service_pb2_grpc import ModelServiceServicer, add_ModelServiceServicer_to_server
    from tensorflow_serving.apis.predict_pb2 import PredictResponse
    from tensorflow_serving.apis.regression_pb2 import RegressionResponse
except ImportError as error:
    raise ImportError('gRPC needs tensorflow-serving-api: pip install "rnn-tf[serving]".') from error

OPTIONS = [("grpc.max_receive_message_length", -1), ("grpc.so_reuseport", 0)]  # a port that is taken is refused


class GrpcServer(prediction_service.PredictionServiceServicer, ModelServiceServicer):
    """Predict, Classify, Regress, GetModelMetadata and GetModelStatus for these models, on 127.0.0.1.

    Args:
        models: A `ServedModel` for each name; those that come into the mapping later are served, too.
        port: Where to listen. 0 takes one that is free.

    Attributes:
        address: Where it listens, such as "grpc://127.0.0.1:8500".

    Raises:
        OSError: If the port is taken.
    """

    def __init__(self, models: Mapping[str, ServedModel], port: int = 8500) -> None:
        self._models = models
        try:
            with socket.create_server(("127.0.0.1", port)) as free:  # gRPC's own error says less
                port = free.getsockname()[1]
            self._threads = ThreadPoolExecutor(4)
            self._server = grpc.server(self._threads, options=OPTIONS)
            port = self._server.add_insecure_port(f"127.0.0.1:{port}")
        except (OSError, RuntimeError) as error:
            number = getattr(error, "errno", None)
            message = f"Cannot listen on port {port} for gRPC: it is taken. Choose another, or 0 for one that is free."
            raise OSError(number, message) from None
        prediction_service.add_PredictionServiceServicer_to_server(self, self._server)
        add_ModelServiceServicer_to_server(self, self._server)
        self.address = f"grpc://127.0.0.1:{port}"

    def __enter__(self) -> "GrpcServer":
        self._server.start()
        return self

    def __exit__(self, *error: object) -> None:
        """Stop, after the requests in flight, for five seconds at most."""
        self._server.stop(5).wait()
        self._threads.shutdown()

    def Predict(self, request: Any, context: Any) -> Any:  # noqa: N802 # the name of the official service
        with self._use(request, context) as (servable, spec):
            inputs = {name: _array(name, tensor) for name, tensor in request.inputs.items()}
            outputs = servable.run(inputs, spec.signature_name)
            return PredictResponse(
                model_spec=spec, outputs={name: tf.make_tensor_proto(array) for name, array in outputs.items()}
            )

    def Classify(self, request: Any, context: Any) -> Any:  # noqa: N802 # likewise
        with self._use(request, context) as (servable, spec):
            rows = servable.classify(_serialised(request), spec.signature_name)
            classifications = [{"classes": [{"label": label, "score": score} for label, score in row]} for row in rows]
            return ClassificationResponse(model_spec=spec, result={"classifications": classifications})

    def Regress(self, request: Any, context: Any) -> Any:  # noqa: N802 # likewise
        with self._use(request, context) as (servable, spec):
            values = servable.regress(_serialised(request), spec.signature_name)
            return RegressionResponse(model_spec=spec, result={"regressions": [{"value": one} for one in values]})

    def GetModelMetadata(self, request: Any, context: Any) -> Any:  # noqa: N802 # likewise
        with self._use(request, context) as (servable, spec):
            response = GetModelMetadataResponse(model_spec=spec)
            response.metadata["signature_def"].Pack(SignatureDefMap(signature_def=servable.signatures))
            return response

    def GetModelStatus(self, request: Any, context: Any) -> Any:  # noqa: N802 # likewise
        name, version = _asked(request)
        status = self._models[name].status() if name in self._models else []
        status = [one for one in status if version in (None, int(one["version"]))]
        if not status:
            context.abort(grpc.StatusCode.NOT_FOUND, str(NotServedError(name, version)))
        return json_format.ParseDict({"model_version_status": status}, GetModelStatusResponse())

    @contextmanager
    def _use(self, request: Any, context: Any) -> Iterator[tuple[Servable, Any]]:
        name, version = _asked(request)
        try:
            if name not in self._models:
                raise NotServedError(name, version)
            with self._models[name].use(version) as servable:
                spec = ModelSpec(name=name, signature_name=request.model_spec.signature_name or "serving_default")
                spec.version.value = servable.version
                yield servable, spec
        except NotServedError as error:
            context.abort(grpc.StatusCode.NOT_FOUND, str(error))
        except RequestError as error:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, str(error))


def _asked(request: Any) -> tuple[str, int | None]:
    spec = request.model_spec
    return spec.name, spec.version.value if spec.HasField("version") else None


def _array(name: str, tensor: Any) -> np.ndarray:
    try:
        return tf.make_ndarray(tensor)
    except (TypeError, ValueError) as error:
        raise RequestError(f"The input {name!r} must be a whole TensorProto. Received: {error}") from None


def _serialised(request: Any) -> list[bytes]:
    return [one.SerializeToString() for one in request.input.example_list.examples]
