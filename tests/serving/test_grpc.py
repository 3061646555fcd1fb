"""The official gRPC client and ours, against a server of the official services."""

import itertools
import runpy
import socket
import sys
import threading
from pathlib import Path
from time import sleep

import numpy as np
import pytest
import tensorflow as tf

pytest.importorskip("tensorflow_serving")

import grpc
from tensorflow_serving.apis.classification_pb2 import ClassificationRequest
from tensorflow_serving.apis.get_model_metadata_pb2 import GetModelMetadataRequest, SignatureDefMap
from tensorflow_serving.apis.get_model_status_pb2 import GetModelStatusRequest, ModelVersionStatus
from tensorflow_serving.apis.model_service_pb2_grpc import ModelServiceStub
from tensorflow_serving.apis.predict_pb2 import PredictRequest
from tensorflow_serving.apis.prediction_service_pb2_grpc import PredictionServiceStub
from tensorflow_serving.apis.regression_pb2 import RegressionRequest

from rnn_tf.serving import client as client_module
from rnn_tf.serving.client import Client
from rnn_tf.serving.server import DevelopmentServer

tools = runpy.run_path(str(Path(__file__).with_name("grpc_server.py")))
GrpcServer, publish = tools["GrpcServer"], tools["publish"]

NUMBERS, LENGTHS = np.array([[1.5, 2.5, np.nan], [0.1, 4, 5]], np.float32), np.array([2, 3], np.int32)
FORECAST = np.float32([[4.0], [9.1]])  # of version 1


@pytest.fixture
def server(tmp_path):
    folder = tmp_path / "tiny"
    folder.mkdir()
    publish(folder, 1)
    with GrpcServer(folder) as server:
        yield server


@pytest.fixture
def channel(server):
    with grpc.insecure_channel(server.address.removeprefix("grpc://")) as channel:
        yield channel


@pytest.fixture
def pauses(monkeypatch):
    """The pauses between tries, which are not made."""
    pauses = []
    monkeypatch.setattr(client_module, "sleep", pauses.append)
    return pauses


def spec(signature_name="", **more):
    return {"name": "tiny", "signature_name": signature_name, **more}


def predict_request(numbers=NUMBERS, lengths=LENGTHS, **more):
    inputs = {"numbers": tf.make_tensor_proto(numbers), "lengths": tf.make_tensor_proto(lengths)}
    return PredictRequest(model_spec=spec(**more), inputs=inputs)


def one_example(**features):
    """An Input of one Example."""
    feature = {name: tf.train.Feature(**value) for name, value in features.items()}
    return {"example_list": {"examples": [{"features": {"feature": feature}}]}}


def test_official_client(channel):
    stub = PredictionServiceStub(channel)
    response = stub.Predict(predict_request())
    assert (response.model_spec.name, response.model_spec.version.value) == ("tiny", 1)
    np.testing.assert_array_equal(tf.make_ndarray(response.outputs["forecast"]), FORECAST, strict=True)
    np.testing.assert_array_equal(tf.make_ndarray(response.outputs["version"]), np.int32([1, 1]), strict=True)

    example = one_example(numbers={"float_list": {"value": [1.0, 2.0]}})
    response = stub.Regress(RegressionRequest(model_spec=spec("regress"), input=example))
    assert [one.value for one in response.result.regressions] == [3.0]

    example = one_example(text={"bytes_list": {"value": ["好".encode()]}}, count={"int64_list": {"value": [4]}})
    response = stub.Classify(ClassificationRequest(model_spec=spec("classify"), input=example))
    (classification,) = response.result.classifications
    assert [(one.label, one.score) for one in classification.classes] == [("好", 0.25), ("其他", 0.75)]

    response = stub.GetModelMetadata(GetModelMetadataRequest(model_spec=spec(), metadata_field=["signature_def"]))
    signatures = SignatureDefMap()
    assert response.metadata["signature_def"].Unpack(signatures)
    methods = {name: signature.method_name for name, signature in signatures.signature_def.items()}
    assert methods == {
        "serving_default": "tensorflow/serving/predict",
        "echo": "tensorflow/serving/predict",
        "regress": "tensorflow/serving/regress",
        "classify": "tensorflow/serving/classify",
    }

    response = ModelServiceStub(channel).GetModelStatus(GetModelStatusRequest(model_spec=spec()))
    (status,) = response.model_version_status
    assert (status.version, status.state) == (1, ModelVersionStatus.AVAILABLE)


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        (predict_request(version={"value": 2}), grpc.StatusCode.NOT_FOUND),
        (PredictRequest(model_spec={"name": "other"}), grpc.StatusCode.NOT_FOUND),
        (PredictRequest(model_spec=spec()), grpc.StatusCode.INVALID_ARGUMENT),
        (predict_request(NUMBERS.astype("float64")), grpc.StatusCode.INVALID_ARGUMENT),
        (predict_request(lengths=np.int32([0, 1])), grpc.StatusCode.INVALID_ARGUMENT),
        (predict_request(signature_name="other"), grpc.StatusCode.INVALID_ARGUMENT),
    ],
)
def test_official_client_is_refused(request_, code, channel):
    with pytest.raises(grpc.RpcError) as refusal:
        PredictionServiceStub(channel).Predict(request_)
    assert refusal.value.code() == code


def test_repeats_what_is_unavailable(server, pauses):
    unavailable = grpc.StatusCode.UNAVAILABLE
    with Client(server.address, "tiny", retries=2) as client:
        server.refusals = [unavailable, unavailable]
        assert client.regress([{"numbers": [1.0, 2.0]}]) == 3.0
        assert len(pauses) == 2
        server.refusals = [unavailable] * 3
        with pytest.raises(
            ConnectionError, match=rf"{server.address} gave no answer in 3 tries\. .* refused for a test"
        ):
            client.status()
        assert not server.refusals


@pytest.mark.parametrize(
    ("code", "error", "message"),
    [
        ("INVALID_ARGUMENT", ValueError, r"refused the request\. .* Received: refused for a test"),
        ("FAILED_PRECONDITION", ValueError, r"refused the request\."),
        ("NOT_FOUND", FileNotFoundError, r"must serve 'tiny'.* Received: refused for a test"),
        ("DEADLINE_EXCEEDED", TimeoutError, "gave no answer within 60.0 s"),
        ("RESOURCE_EXHAUSTED", OSError, r"failed, with status 500\. Received: refused for a test"),
    ],
)
def test_what_the_server_says_is_told_at_once(code, error, message, server, pauses):
    server.refusals = [grpc.StatusCode[code]]
    with Client(server.address, "tiny") as client, pytest.raises(error, match=message):
        client.regress([{"numbers": [1.0, 2.0]}])
    assert not pauses


def test_time_out(server, pauses):
    with Client(server.address, "tiny", timeout=0.05) as client:
        server.delay = 0.2
        with pytest.raises(TimeoutError, match=rf"{server.address} gave no answer within 0.05 s"):
            client.status()
    assert not pauses


def test_server_that_comes_back(server):
    """With the pauses as they are: gRPC itself must not wait for longer."""
    with Client(server.address, "tiny") as client:
        assert client.status()
        server.__exit__()
        with pytest.raises(ConnectionError, match="in 4 tries"):
            client.status()
        with GrpcServer(server.model.directory, port=int(server.address.rpartition(":")[2])):
            assert client.regress([{"numbers": [1.0, 2.0]}]) == 3.0


def test_new_versions_under_load(server, channel):
    """2000 requests from 4 threads, of the official client and ours, while versions 2, 3, ..., 6 are published."""
    stub, client = PredictionServiceStub(channel), Client(server.address, "tiny")
    published = threading.Event()
    seen, errors = set(), []

    def official():
        response = stub.Predict(predict_request())
        outputs = {name: tf.make_ndarray(tensor) for name, tensor in response.outputs.items()}
        assert (outputs["version"] == response.model_spec.version.value).all()
        return outputs

    def ours():
        return client.predict({"numbers": NUMBERS, "lengths": LENGTHS})

    def ask(predict):
        try:
            for count in itertools.count():
                if count >= 500 and published.is_set():
                    return
                outputs = predict()
                (version,) = set(outputs["version"].tolist())
                np.testing.assert_allclose(outputs["forecast"], FORECAST * version, rtol=1e-6)
                seen.add(version)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=ask, args=[predict]) for predict in (official, ours) * 2]
    with client:
        for thread in threads:
            thread.start()
        try:
            for version in range(2, 7):
                publish(server.model.directory, version)
                server.model.poll()
                while version not in seen and not errors:
                    sleep(0.001)
        finally:
            published.set()
            for thread in threads:
                thread.join()
        assert not errors
        assert seen >= {2, 3, 4, 5, 6}
        assert client.status()[-1][:2] == (6, "AVAILABLE")


def test_rest_and_grpc_side_by_side(tmp_path):
    (tmp_path / "tiny").mkdir()
    publish(tmp_path / "tiny", 1)
    with DevelopmentServer(tmp_path, port=0, grpc_port=0) as server:
        assert server.grpc_address.startswith("grpc://127.0.0.1:")
        for address in (server.url, server.grpc_address):
            with Client(address, "tiny") as client:
                assert client.predict({"numbers": [[1.0]], "lengths": [1]})["forecast"] == 1.0
                assert client.status()[0][:2] == (1, "AVAILABLE")
                with pytest.raises(ValueError, match="refused the request"):
                    client.classify([])
            with Client(address, "tiny", version=7) as client, pytest.raises(FileNotFoundError):
                client.status()
            with Client(address, "huge") as client, pytest.raises(FileNotFoundError):
                client.status()


def test_ports_that_cannot_be(tmp_path, monkeypatch):
    (tmp_path / "tiny").mkdir()
    publish(tmp_path / "tiny", 1)
    monkeypatch.setattr(DevelopmentServer, "poll", lambda self: pytest.fail("a model was loaded first"))
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(OSError, match=f"Cannot listen on port {port} for gRPC: it is taken"):
            DevelopmentServer(tmp_path, port=0, grpc_port=port)
    with pytest.raises(ValueError, match=r"ports of their own. Received: 8500 for both"):
        DevelopmentServer(tmp_path, port=8500, grpc_port=8500)
    with pytest.raises(ValueError, match=r"from 0 to 65535. Received: -1"):
        DevelopmentServer(tmp_path, port=0, grpc_port=-1)
    monkeypatch.setitem(sys.modules, "grpc", None)
    monkeypatch.delitem(sys.modules, "rnn_tf.serving.grpc_server", raising=False)
    with pytest.raises(ImportError, match=r'pip install "rnn-tf\[serving\]"'):
        DevelopmentServer(tmp_path, port=0, grpc_port=0)
