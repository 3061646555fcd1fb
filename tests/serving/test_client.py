"""The client over REST and gRPC alike, then over REST against a server that fails in every way."""

import json
import runpy
import socket
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

pytest.importorskip("tensorflow_serving")

from rnn_tf.serving import client as client_module
from rnn_tf.serving.client import Client, Signature, VersionStatus
from rnn_tf.serving.server import DevelopmentServer

tools = runpy.run_path(str(Path(__file__).with_name("grpc_server.py")))
GrpcServer, publish = tools["GrpcServer"], tools["publish"]

NUMBERS, LENGTHS = np.array([[1.5, 2.5, 99], [0.1, 4, 5]]), np.array([2, 3])
BYTES = np.array([b"a\0", b"\xff\xfe", "文字".encode(), b""], object)


@pytest.fixture(autouse=True)
def pauses(monkeypatch):
    """The pauses between tries, which are not made."""
    pauses = []
    monkeypatch.setattr(client_module, "sleep", pauses.append)
    return pauses


@pytest.fixture(params=["http", "grpc"])
def server(request, tmp_path):
    """Serves version 1 of a tiny model; `address`, `folder` of its versions, and `poll` for new ones."""
    folder = tmp_path / "models" / "tiny"
    folder.mkdir(parents=True)
    publish(folder, 1)
    with DevelopmentServer(folder.parent, port=0) if request.param == "http" else GrpcServer(folder) as server:
        server.folder = folder
        if request.param == "http":
            server.address = server.url
        else:
            server.poll = server.model.poll
        yield server


def test_predict(server):
    with Client(server.address, "tiny") as client:
        answer = client.predict({"numbers": NUMBERS, "lengths": LENGTHS})  # float64 and int64
        assert list(answer) == ["forecast", "version"]
        np.testing.assert_array_equal(answer["forecast"], np.float32([[4.0], [9.1]]), strict=True)
        np.testing.assert_array_equal(answer["version"], np.int32([1, 1]), strict=True)
        answer = client.predict({"numbers": [[1, 2]], "lengths": [2]})  # integers for floats
        assert answer["forecast"].tolist() == [[3.0]]
        for text in (BYTES, BYTES.tolist(), tf.constant(BYTES)):
            answer = client.predict(text, "echo")["text"]  # the only input
            assert answer.dtype == object
            assert answer.tolist() == ["a\0", b"\xff\xfe", "文字", ""]
        assert client.predict({"text": np.array(["文字"])}, "echo")["text"].tolist() == ["文字"]


def test_large_batch(server):
    texts = [letter * 100_000 for letter in "ab" * 25]  # 5 MB
    with Client(server.address, "tiny") as client:
        assert client.predict(texts, "echo")["text"].tolist() == texts


def test_examples(server):
    feature = {"numbers": tf.train.Feature(float_list=tf.train.FloatList(value=[0.5, -1]))}
    example = tf.train.Example(features=tf.train.Features(feature=feature))
    with Client(server.address, "tiny") as client:
        answer = client.regress([{"numbers": [1.0, 2.0]}, {"numbers": np.float32([0.1, 0.2])}, example])
        np.testing.assert_array_equal(answer, np.float32([3.0, 0.3, -0.5]), strict=True)
        labels, scores = client.classify([{"text": "好", "count": 1}, {"text": b"bad", "count": np.array([4])}])
        assert labels.tolist() == [["好", "其他"], ["bad", "其他"]]
        np.testing.assert_array_equal(scores, np.float32([[1, 0], [0.25, 0.75]]), strict=True)
        with pytest.raises(ValueError, match="refused the request"):
            client.regress([{"other": 1.0}])
        with pytest.raises(ValueError, match="refused the request"):
            client.classify([])
        with pytest.raises(ValueError, match=r"feature 'count' must hold .* all of one kind. Received: \[1, 'a'\]"):
            client.classify([{"text": "a", "count": [1, "a"]}])
        with pytest.raises(ValueError, match=r"must be a list of dicts .* Received: one is a str"):
            client.classify({"text": "a", "count": 1})


def test_metadata_and_status(server):
    with Client(server.address, "tiny") as client:
        signatures = client.metadata()
        assert list(signatures) == ["classify", "echo", "regress", "serving_default"]
        assert signatures["serving_default"] == Signature(
            {"lengths": tf.TensorSpec([None], tf.int32), "numbers": tf.TensorSpec([None, None], tf.float32)},
            {"forecast": tf.TensorSpec([None, 1], tf.float32), "version": tf.TensorSpec([None], tf.int32)},
        )
        assert client.status() == [VersionStatus(1, "AVAILABLE", "")]


def test_what_does_not_fit_is_refused_before_it_is_sent(server):
    fitting = {"numbers": [[1.0]], "lengths": [1]}
    with Client(server.address, "tiny") as client:
        for inputs, message in [
            ({"number": [[1.0]], "lengths": [1]}, r"the inputs 'lengths', 'numbers'. Received: 'lengths', 'number'"),
            ([[1.0]], r"the inputs 'lengths', 'numbers'. Received: list"),
            (fitting | {"lengths": [1.5]}, r"'lengths' .* must be int32, .* Received: \[1.5\]"),
            (fitting | {"lengths": [2**31]}, r"'lengths' .* must be int32, .* Received: \[2147483648\]"),
            (fitting | {"lengths": ["1"]}, r"'lengths' .* must be int32"),
            (fitting | {"numbers": np.array([["1"]])}, r"'numbers' .* must be float32, .* Received: <U1"),
            (fitting | {"numbers": [[1.0], [1.0, 2.0]]}, r"'numbers' .* must be float32, in rows of one length"),
            (fitting | {"numbers": [1.0]}, r"'numbers' .* must have shape \(None, None\). Received: shape \(1,\)"),
        ]:
            with pytest.raises(ValueError, match=message):
                client.predict(inputs)
        for texts in ([b"a", 1], [["a"], ["b", "c"]], ["\ud800"]):
            with pytest.raises(ValueError, match=r"'text' .* must be string"):
                client.predict(texts, "echo")
        with pytest.raises(ValueError, match=r"has the signatures 'classify', .* Received: 'other'"):
            client.predict(fitting, "other")
        with pytest.raises(ValueError, match=r"(?s)refused the request\. .*lengths must be positive"):
            client.predict(fitting | {"lengths": [0]})


def test_versions(server):
    with Client(server.address, "tiny") as client, Client(server.address, "tiny", version=1) as first:
        assert client.predict({"numbers": [[1.0]], "lengths": [1]})["version"] == 1
        publish(server.folder, 2, name="values")
        server.poll()
        assert client.predict({"values": [[1.0]], "lengths": [1]})["version"] == 2  # it has asked again
        with pytest.raises(ValueError, match=r"'lengths', 'values'\. Received: 'lengths', 'numbers'"):
            client.predict({"numbers": [[1.0]], "lengths": [1]})
        with pytest.raises(FileNotFoundError, match=r"the version asked for. .* Servable not found"):
            first.predict({"numbers": [[1.0]], "lengths": [1]})
    with Client(server.address, "tiny", version=2) as second:
        assert second.predict({"values": [[1.0]], "lengths": [1]})["forecast"] == 2


def test_no_model_of_this_name(server, pauses):
    with Client(server.address, "huge/模型") as client:
        for ask in (client.metadata, lambda: client.predict([1]), lambda: client.regress([{}]), client.status):
            with pytest.raises(FileNotFoundError, match=r"must serve 'huge/模型'.* Received: .*huge"):
                ask()
    assert not pauses


class Script(BaseHTTPRequestHandler):
    """Answers the requests, one after the other, as the server's `script` says.

    A step of it is a status and a body, or the name of a failure.
    """

    protocol_version = "HTTP/1.1"  # connections are kept

    def setup(self):
        super().setup()
        self.server.connections += 1

    def do_GET(self):
        self.do_POST()

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.requests.append((self.command, self.path, json.loads(body) if body else None))
        step = self.server.script.pop(0)
        if step == "late":
            self.server.stopped.wait()
        if step in ("late", "dropped"):
            self.close_connection = True
            return
        status, content = step
        content = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Length", len(content))
        self.end_headers()
        self.wfile.write(content)
        self.close_connection = self.server.closing

    def log_message(self, *arguments):
        pass


@pytest.fixture
def scripted():
    with ThreadingHTTPServer(("127.0.0.1", 0), Script) as server:
        server.script, server.requests, server.connections = [], [], 0
        server.stopped, server.closing = threading.Event(), False
        server.address = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, args=[0.01])
        thread.start()
        yield server
        server.stopped.set()
        server.shutdown()
        thread.join()


RESULT = (200, {"results": [1.5]})
EXAMPLES = [{"x": 1}]


def test_request(scripted):
    """TF Serving's own form of it; the answer of one output is a bare value, its NaN and infinity bare words."""
    tensor = {"dtype": "DT_FLOAT", "tensor_shape": {"dim": [{"size": "-1", "name": ""}], "unknown_rank": False}}
    initialize = {"inputs": {}, "outputs": {"__saved_model_init_op": {"dtype": "DT_INVALID", "name": "NoOp"}}}
    predict = {"inputs": {"x": tensor}, "outputs": {"y": tensor}, "method_name": "tensorflow/serving/predict", "new": 1}
    signatures = {"__saved_model_init_op": initialize, "serving_default": predict}
    metadata = {"model_spec": {"name": "m"}, "metadata": {"signature_def": {"signature_def": signatures}}}
    scripted.script = [(200, metadata), (200, b'{"outputs": [NaN, -Infinity, 1, 0.1]}'), RESULT]
    with Client(scripted.address + "/behind/a/proxy/", "m", version=7) as client:
        answer = client.predict([np.nan, np.inf, 1, 0.1])
        assert list(answer) == ["y"]
        np.testing.assert_array_equal(answer["y"], np.float32([np.nan, -np.inf, 1, 0.1]), strict=True)
        client.regress([{"a": [1.0, 2.0], "b": True, "c": [b"\xff", "文字", b"\0"], "d": []}], signature_name="other")
    _, (_, _, predict), (_, _, regress) = scripted.requests
    assert [request[:2] for request in scripted.requests] == [
        ("GET", "/behind/a/proxy/v1/models/m/versions/7/metadata"),
        ("POST", "/behind/a/proxy/v1/models/m/versions/7:predict"),
        ("POST", "/behind/a/proxy/v1/models/m/versions/7:regress"),
    ]
    np.testing.assert_array_equal(np.float32(predict["inputs"]["x"]), np.float32([np.nan, np.inf, 1, 0.1]))
    assert predict["signature_name"] == "serving_default"
    assert regress == {
        "signature_name": "other",
        "examples": [{"a": [1.0, 2.0], "b": [1], "c": [{"b64": "/w=="}, "文字", "\0"], "d": []}],
    }


@pytest.mark.parametrize("failure", [(503, {"error": "busy"}), "dropped"])
def test_repeats_after_growing_pauses(failure, scripted, pauses, monkeypatch):
    monkeypatch.setattr(client_module, "uniform", lambda low, high: high)
    scripted.script = [failure, failure, RESULT]
    with Client(scripted.address, "m") as client:
        assert client.regress(EXAMPLES) == [1.5]
        np.testing.assert_allclose(pauses, [0.15, 0.3])
    for retries in (3, 0):
        scripted.script = [failure] * (retries + 1)
        message = rf"{scripted.address} gave no answer in {retries + 1} tries\. .* (busy|closed)"
        with Client(scripted.address, "m", retries=retries) as client, pytest.raises(ConnectionError, match=message):
            client.status()
        assert not scripted.script


@pytest.mark.parametrize(
    ("reply", "error", "message"),
    [
        ((400, {"error": "Missing input"}), ValueError, r"refused the request\. .* 'm' takes. Received: Missing input"),
        ((404, {"error": "Servable not found"}), FileNotFoundError, r"must serve 'm', .* Received: Servable not found"),
        ((404, b"<html>nginx</html>"), FileNotFoundError, "Received: b?'<html>nginx</html>'"),
        ((504, {"error": "Deadline"}), TimeoutError, r"no answer within 60.0 s\. .* Received: Deadline"),
        ((500, {"error": "Out of memory"}), OSError, r"failed, with status 500. Received: Out of memory"),
        ((429, {"error": "Too many"}), OSError, r"failed, with status 429. Received: Too many"),
        ((200, b"<html>It works!</html>"), OSError, "with status 502. Received: b?'<html>It works!</html>' is not"),
        ((200, {"other": 1}), OSError, "with status 502"),
        ((200, []), OSError, "with status 502"),
        ((301, b""), OSError, "with status 301"),
    ],
)
def test_what_the_server_says_is_told_at_once(reply, error, message, scripted, pauses):
    scripted.script = [reply, RESULT]
    with Client(scripted.address, "m") as client:
        with pytest.raises(error, match=message):
            client.regress(EXAMPLES)
        assert client.regress(EXAMPLES) == [1.5]  # over the same connection
    assert not pauses


def test_time_out(scripted, pauses):
    scripted.script = ["late", RESULT]
    with Client(scripted.address, "m", timeout=0.1) as client:
        with pytest.raises(TimeoutError, match=rf"{scripted.address} gave no answer within 0.1 s"):
            client.regress(EXAMPLES)
        assert client.regress(EXAMPLES) == [1.5]
    assert not pauses


def test_no_server(pauses):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    for scheme in ("http", "grpc", "https"):
        address = f"{scheme}://127.0.0.1:{port}"
        message = rf"{address} gave no answer in 3 tries\. Start .* refused"
        with Client(address, "m", retries=2) as client, pytest.raises(ConnectionError, match=message):
            client.status()
        assert len(pauses) == 2
        pauses.clear()


def test_connections_are_kept_and_replaced(scripted, pauses):
    scripted.script = [RESULT] * 100
    with Client(scripted.address, "m") as client:
        for _ in range(10):
            assert client.regress(EXAMPLES) == [1.5]
        assert scripted.connections == 1
        scripted.closing = True  # after each answer, without saying so
        for _ in range(10):
            assert client.regress(EXAMPLES) == [1.5]
        assert scripted.connections == 10
        answers = []
        threads = [threading.Thread(target=lambda: answers.append(client.regress(EXAMPLES))) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert answers == [1.5] * 4
    assert not pauses


def test_outputs_that_have_changed(scripted):
    """A newer version gives other outputs for the same inputs: it is asked what they are, and once more."""

    def metadata(**dtypes):
        outputs = {name: {"dtype": dtype, "tensor_shape": {"dim": []}} for name, dtype in dtypes.items()}
        signature = {"inputs": {"x": {"dtype": "DT_FLOAT", "tensor_shape": {"dim": []}}}, "outputs": outputs}
        return 200, {"metadata": {"signature_def": {"signature_def": {"serving_default": signature}}}}

    two = 200, {"outputs": {"label": "好", "count": 2}}
    scripted.script = [metadata(y="DT_FLOAT"), (200, {"outputs": 1.5})]
    with Client(scripted.address, "m") as client:
        assert client.predict(1.0) == {"y": 1.5}
        scripted.script = [two, metadata(label="DT_STRING", count="DT_INT32"), two]
        assert client.predict(1.0) == {"label": "好", "count": 2}
        scripted.script = [(200, {"outputs": 3}), metadata(count="DT_INT32"), (200, {"outputs": 3})]
        assert client.predict(1.0) == {"count": 3}
        scripted.script = [(200, {"outputs": "three"}), metadata(count="DT_INT32")]
        with pytest.raises(ValueError, match="'three'"):
            client.predict(1.0)
    assert not scripted.script


def test_its_repr_says_what_it_asks():
    with Client("http://localhost:8501", "mackey_glass") as newest:
        assert repr(newest) == "Client('http://localhost:8501', model='mackey_glass')"
    with Client("grpc://localhost:8500", "模型", version=3) as third:
        assert repr(third) == "Client('grpc://localhost:8500', model='模型', version=3)"


def test_bad_arguments():
    for address in ("localhost:8501", "127.0.0.1:8501", "ftp://host:8501", "http://", "grpc://host", "grpc:8500", ""):
        with pytest.raises(ValueError, match=rf"must be http://host:port .* grpc://.* Received: address='{address}'"):
            Client(address, "m")
    for version in (0, "1", 1.5, True):
        with pytest.raises(ValueError, match="`version` must be a positive integer"):
            Client("http://host", "m", version=version)
    for arguments in ({"timeout": 0}, {"timeout": np.nan}, {"retries": -1}):
        with pytest.raises(ValueError, match=r"`timeout` must be positive and `retries` not negative. Received: "):
            Client("http://host", "m", **arguments)


def test_without_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "grpc", None)
    monkeypatch.delitem(sys.modules, "rnn_tf.serving.grpc_transport", raising=False)
    Client("http://localhost:1", "m").close()
    with pytest.raises(ImportError, match=r'needs tensorflow-serving-api. .* pip install "rnn-tf\[serving\]"'):
        Client("grpc://localhost:1", "m")
