import base64
import html
import http.client
import importlib
import json
import re
import shlex
import shutil
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from pathlib import Path

import pytest
import tensorflow as tf

from rnn_tf.serving import server as module
from rnn_tf.serving.servable import Servable
from rnn_tf.serving.server import DevelopmentServer


def spec(shape, dtype, name):
    return tf.TensorSpec(shape, dtype, name=name)


def save(folder, methods=None, **functions):
    """A SavedModel of functions, each with its input specs, and the methods of signatures that are not Predict."""
    module = tf.Module()
    module.functions = {name: tf.function(function, specs) for name, (function, *specs) in functions.items()}
    tf.saved_model.save(module, str(folder), module.functions)
    if methods:
        updater = tf.compat.v1.saved_model.signature_def_utils.MethodNameUpdater(str(folder))
        for name, method in methods.items():
            updater.replace_method_name(name, f"tensorflow/serving/{method}", "serve")
        updater.save()


def half_plus_two(folder):
    """The model of TF Serving's documentation: y = x / 2 + 2."""

    def feature(inputs):
        return tf.io.parse_example(inputs, {"x": tf.io.FixedLenFeature([], tf.float32)})["x"] / 2 + 2

    examples = spec([None], tf.string, "inputs")
    save(
        folder,
        {"regress_x_to_y": "regress", "classify_x_to_y": "classify"},
        serving_default=(lambda x: {"y": x / 2 + 2}, spec([None], tf.float32, "x")),
        regress_x_to_y=(lambda inputs: {"outputs": feature(inputs)}, examples),
        classify_x_to_y=(lambda inputs: {"scores": feature(inputs)[:, tf.newaxis]}, examples),
    )


def three_inputs(folder):
    """The inputs of TF Serving's documentation of its row and column formats."""
    save(
        folder,
        serving_default=(
            lambda tag, signal, sensor: {"tag": tag, "sum": tf.reduce_sum(signal, 1), "sensor": sensor},
            spec([None], tf.string, "tag"),
            spec([None, 5], tf.float32, "signal"),
            spec([None, 2, 2], tf.int32, "sensor"),
        ),
        scalar=(lambda x: {"size": tf.size(x), "x": x}, spec([None], tf.float32, "x")),
        sizes=(lambda x: {"x": x, "twice": tf.concat([x, x], 0)}, spec([None], tf.float32, "x")),
        strings=(
            lambda s: {"s": s, "s_bytes": s, "one_bytes": tf.strings.reduce_join(s)},
            spec([None], tf.string, "s"),
        ),
        caption=(
            lambda inputs: {
                "classes": tf.io.parse_example(
                    inputs,
                    {
                        "image": tf.io.FixedLenFeature([1], tf.string),
                        "caption": tf.io.FixedLenFeature([1], tf.string),
                    },
                )["image"]
            },
            spec([None], tf.string, "inputs"),
        ),
        methods={"caption": "classify"},
    )


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    models = tmp_path_factory.mktemp("models")
    half_plus_two(models / "half_plus_two" / "00000123")
    three_inputs(models / "three inputs" / "1")
    (models / "notes").mkdir()
    (models / ".hidden" / "1").mkdir(parents=True)
    half_plus_two(models.parent / "secret" / "1")
    return models


@pytest.fixture(scope="module")
def server(models):
    with DevelopmentServer(models, port=0) as server:
        yield server


def connect(server):
    return http.client.HTTPConnection(server.url.removeprefix("http://"), timeout=30)


def ask(server, path, content=None, method=None):
    """Status and JSON of the answer to a request, POST if it has a content."""
    connection = connect(server)
    body = json.dumps(content) if isinstance(content, (dict, list)) else content
    connection.request(method or ("GET" if content is None else "POST"), path, body)
    response = connection.getresponse()
    assert response.headers["Content-Type"] == "application/json"
    answer = response.status, json.loads(response.read())
    connection.close()
    return answer


HALF, THREE = "/v1/models/half_plus_two", "/v1/models/three%20inputs"


@pytest.mark.parametrize("path", [HALF, f"{HALF}/versions/123"])
def test_the_documented_predictions(server, path):
    assert ask(server, f"{path}:predict", {"instances": [1.0, 2.0, 5.0]}) == (200, {"predictions": [2.5, 3.0, 4.5]})
    assert ask(server, f"{path}:predict", {"inputs": [1, 2, 5]}) == (200, {"outputs": [2.5, 3.0, 4.5]})
    content = {"signature_name": "", "instances": [{"x": 1.0}, {"x": 2.0}]}
    assert ask(server, f"{path}:predict", content) == (200, {"predictions": [2.5, 3.0]})
    assert ask(server, f"{path}:predict", {"inputs": {"x": [1.0]}}) == (200, {"outputs": [2.5]})
    assert ask(server, f"{path}:predict", {"inputs": []}) == (200, {"outputs": []})


def test_the_documented_rows_and_columns(server):
    rows = [
        {"tag": "foo", "signal": [1, 2, 3, 4, 5], "sensor": [[1, 2], [3, 4]]},
        {"tag": "bar", "signal": [3, 4, 1, 2, 5], "sensor": [[4, 5], [6, 8]]},
    ]
    columns = {name: [row[name] for row in rows] for name in rows[0]}
    sums = [15.0, 15.0]
    assert ask(server, f"{THREE}:predict", {"instances": rows}) == (
        200,
        {"predictions": [{"tag": one["tag"], "sum": 15.0, "sensor": one["sensor"]} for one in rows]},
    )
    assert ask(server, f"{THREE}:predict", {"inputs": columns}) == (
        200,
        {"outputs": {"tag": ["foo", "bar"], "sum": sums, "sensor": columns["sensor"]}},
    )


def b64(value):
    return {"b64": base64.b64encode(value).decode()}


def test_strings_and_bytes(server):
    strings, values = ["é", b64(b"\xff\x00")], ["é".encode(), b"\xff\x00"]
    expected = {"s": strings, "s_bytes": [b64(one) for one in values], "one_bytes": b64(b"".join(values))}
    for inputs in (strings, {"s": strings}):
        content = {"signature_name": "strings", "inputs": inputs}
        assert ask(server, f"{THREE}:predict", content) == (200, {"outputs": expected})


def test_outputs_that_are_no_rows(server):
    for signature, outputs in (("scalar", {"size": 2, "x": [1.0, 2.0]}), ("sizes", {"x": [1, 2], "twice": [1, 2] * 2})):
        content = {"signature_name": signature, "inputs": [1.0, 2.0]}
        assert ask(server, f"{THREE}:predict", content) == (200, {"outputs": outputs})
        content["instances"] = content.pop("inputs")
        status, answer = ask(server, f"{THREE}:predict", content)
        assert status == 400
        assert "Ask in columns" in answer["error"]


def test_regress_and_classify(server):
    content = {"signature_name": "regress_x_to_y", "examples": [{"x": 1.0}, {"x": [2.0]}]}
    assert ask(server, f"{HALF}:regress", content) == (200, {"results": [2.5, 3.0]})
    content["signature_name"] = "classify_x_to_y"
    assert ask(server, f"{HALF}:classify", content) == (200, {"results": [[["", 2.5]], [["", 3.0]]]})
    content.update(examples=[{}, {}], context={"x": 1.0})
    assert ask(server, f"{HALF}:classify", content) == (200, {"results": [[["", 2.5]], [["", 2.5]]]})
    serialized = tf.train.Example()
    for name in ("image", "caption"):
        serialized.features.feature[name].bytes_list.value.append(b"a")
    for instance in (b64(serialized.SerializeToString()), {"inputs": b64(serialized.SerializeToString())}):
        content = {"signature_name": "caption", "instances": [instance]}
        assert ask(server, f"{THREE}:predict", content) == (200, {"predictions": [["a"]]})
    content = {
        "signature_name": "caption",
        "examples": [
            {"image": b64(b"image bytes"), "caption": "seaside"},
            {"image": [b64(b"awesome")], "caption": "hills"},
        ],
    }
    results = [[["image bytes", 0.0]], [["awesome", 0.0]]]
    assert ask(server, f"{THREE}:classify", content) == (200, {"results": results})


def test_status_and_metadata(server):
    status = {"version": "123", "state": "AVAILABLE", "status": {"error_code": "OK", "error_message": ""}}
    for path in (HALF, f"{HALF}/versions/123"):
        assert ask(server, path) == (200, {"model_version_status": [status]})
        code, answer = ask(server, f"{path}/metadata")
        assert code == 200
        assert answer["model_spec"] == {"name": "half_plus_two", "signature_name": "", "version": "123"}
        signature = answer["metadata"]["signature_def"]["signature_def"]["serving_default"]
        assert signature["method_name"] == "tensorflow/serving/predict"
        assert signature["inputs"] == {
            "x": {
                "dtype": "DT_FLOAT",
                "tensor_shape": {"dim": [{"size": "-1", "name": ""}], "unknown_rank": False},
                "name": "serving_default_x:0",
            }
        }
        assert signature["outputs"].keys() == {"y"}


def predict(content, path=HALF):
    return f"{path}:predict", content


def regress(examples, **more):
    return f"{HALF}:regress", {"signature_name": "regress_x_to_y", "examples": examples, **more}


@pytest.mark.parametrize(
    ("request_", "status", "message"),
    [
        (predict({"inputs": {"z": [1.0]}}), 400, "must be given its inputs, 'x'.* missing 'x'; unknown 'z'"),
        (predict({"inputs": {"x": [1.0], "z": [1.0]}}), 400, "unknown 'z'"),
        (predict({"instances": [{"x": 1.0}, {"z": 1.0}]}), 400, "must name the same inputs"),
        (predict({"instances": [{"x": 1.0}, 1.0]}), 400, "must name the same inputs"),
        (predict({"instances": [{}]}), 400, "missing 'x'"),
        (predict({"inputs": ["a"]}), 400, "The input 'x': A tensor of float32 .*'a'"),
        (predict({"inputs": [None]}), 400, "The input 'x': A tensor of float32 .*None"),
        (predict({"inputs": [[1.0], [1.0, 2.0]]}), 400, "The input 'x': A tensor of float32 must be"),
        (predict({"inputs": [[1.0]]}), 400, r"'x' must have shape \(None,\). Received: \(1, 1\)"),
        (predict({"inputs": 1.0}), 400, r"'x' must have shape \(None,\). Received: \(\)"),
        (predict({"instances": [b64(b"a")]}), 400, "The input 'x': A tensor of float32"),
        (predict({"instances": []}), 400, "'instances' must be a list of at least one"),
        (predict({"instances": 1.0}), 400, "'instances' must be a list of at least one"),
        (predict({"instances": [1.0], "inputs": [1.0]}), 400, "either 'instances' or 'inputs'"),
        (predict({}), 400, "either 'instances' or 'inputs'"),
        (predict({"signature_name": "no", "instances": [1.0]}), 400, "'no' not found in signature def"),
        (predict({"signature_name": 1, "instances": [1.0]}), 400, "'signature_name' must be a string"),
        (predict('{"instances": [1.0'), 400, "JSON Parse error"),
        (predict(b'{"instances": ["\xff"]}'), 400, "JSON Parse error"),
        (predict("[" * 100_000), 400, "JSON Parse error"),
        (predict('{"instances": ' + "[" * 200 + "]" * 200 + "}"), 400, "The input 'x'"),
        (predict(""), 400, "JSON Parse error"),
        (predict([1.0]), 400, "must be a JSON object. Received: list"),
        (predict({"inputs": [1.0]}, THREE), 400, "must be named, as one of .*'sensor', 'signal', 'tag'"),
        (predict({"instances": [1.0]}, THREE), 400, "must be named"),
        (predict({"signature_name": "strings", "inputs": [1]}, THREE), 400, "The input 's': A tensor of string"),
        (predict({"signature_name": "strings", "inputs": [{"b64": "?"}]}, THREE), 400, "The input 's': A tensor of"),
        (predict('{"signature_name": "strings", "inputs": ["\\ud800"]}', THREE), 400, "The input 's'"),
        (regress([]), 400, "'examples', a list of at least one"),
        (regress([1.0]), 400, "'examples', a list of at least one"),
        (regress([{}], context=1), 400, "'context' be an object"),
        (regress([{"x": 1.0}], context={"x": 1.0}), 400, "must not be in the 'examples'"),
        (regress([{"x": 1}]), 400, "(?i)x.*data types"),
        (regress([{}]), 400, "(?i)x.*required"),
        (regress([{"x": []}]), 400, "(?i)x"),
        (regress([{"x": [1, 2.0]}]), 400, "'x' must hold whole numbers, decimal ones"),
        (regress([{"x": None}]), 400, "'x' must hold whole numbers, decimal ones"),
        (regress([{"x": {"a": 1}}]), 400, "A tensor of string"),
        (regress([{"x": 2**64}]), 400, ""),
        ((f"{HALF}:regress", {"examples": [{"x": 1.0}]}), 400, "method_name to be tensorflow/serving/regress. Was"),
        (predict({"instances": [1.0]}, "/v1/models/half"), 404, r"^Servable not found for request: Latest\(half\)$"),
        (predict({"instances": [1.0]}, f"{HALF}/versions/9"), 404, r"request: Specific\(half_plus_two, 9\)$"),
        (("/v1/models/half", None), 404, r"Latest\(half\)"),
        ((f"{HALF}/versions/9", None), 404, r"Specific\(half_plus_two, 9\)"),
        ((f"{HALF}/versions/9/metadata", None), 404, r"Specific\(half_plus_two, 9\)"),
        (("/v1/models/half/metadata", None), 404, r"Latest\(half\)"),
        ((f"{HALF}:predict", None), 400, f"Malformed request: GET {HALF}:predict"),
        ((HALF, {}), 400, f"Malformed request: POST {HALF}"),
        ((f"{HALF}:explain", {}), 400, "Malformed request"),
        ((f"{HALF}/versions/one:predict", {}), 400, "Malformed request"),
        ((f"{HALF}/versions/{'9' * 5000}", None), 400, ""),
        (("/", {}), 404, "Malformed request: POST /"),
        (("/favicon.ico", None), 404, "Malformed request"),
    ],
)
def test_refuses(server, request_, status, message):
    path, content = request_
    code, answer = ask(server, path, content)
    assert answer.keys() == {"error"}
    assert code == status
    assert re.search(message, answer["error"]), answer


@pytest.mark.parametrize(
    "name",
    ["..%2fsecret", "../secret", "..%2Fmodels%2Fhalf_plus_two", "%2e%2e", "..", ".", ".hidden", "notes", "%00", "%ff"],
)
def test_a_name_is_no_path(server, name):
    for path, content in ((f"/v1/models/{name}", None), (f"/v1/models/{name}:predict", {"instances": [1.0]})):
        status, answer = ask(server, path, content)
        assert status in (400, 404)
        assert answer.keys() == {"error"}


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS"])
def test_other_methods(server, method):
    status, answer = ask(server, HALF, "{}", method)
    assert status == 405
    assert answer == {"error": f"A request must be GET or POST. Received: {method}."}


@pytest.mark.parametrize("chunked", [False, True])
def test_large_requests(server, monkeypatch, chunked):
    monkeypatch.setattr(module, "LARGEST_REQUEST", 1000)
    for size, status in ((1000, 200), (1001, 413), (10**7, 413)):
        body = json.dumps({"instances": [1.0]}).ljust(size).encode()
        parts = iter([body[:500], body[500:]]) if chunked else body  # an iterator is sent without Content-Length
        code, answer = ask(server, f"{HALF}:predict", parts)
        assert code == status
    assert answer["error"] == f"A request must have at most 1000 bytes. Received: {10**7}. Divide it into several."


def test_a_broken_connection_stops_nothing(server):
    address = server.url.removeprefix("http://").split(":")
    with socket.create_connection(address) as connection:
        connection.sendall(f"POST {HALF}:predict HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{{".encode())
    assert ask(server, HALF)[0] == 200


def test_an_operation_that_fails(server, monkeypatch):
    def fail(*arguments):
        raise tf.errors.ResourceExhaustedError(None, None, "no memory")

    monkeypatch.setattr(Servable, "run", fail)
    assert ask(server, f"{HALF}:predict", {"instances": [1.0]}) == (429, {"error": "no memory"})


def test_one_model_alone(models):
    with DevelopmentServer(models / "half_plus_two", port=0) as server:
        assert list(server.models) == ["half_plus_two"]
        assert re.fullmatch(r"DevelopmentServer\('.+', url='http://.+', models=\['half_plus_two'\]\)", repr(server))
        assert ask(server, HALF)[0] == 200
    with pytest.raises(ConnectionRefusedError):
        ask(server, HALF)


def test_what_cannot_be_served(models, tmp_path):
    for folder in (tmp_path, tmp_path / "none", models / "notes"):
        with pytest.raises(FileNotFoundError, match=r"There is no model in .* NAME/1 with a saved_model.pb"):
            DevelopmentServer(folder)
    with pytest.raises(ValueError, match=r"A port must be from 0 to 65535. Received: 65536"):
        DevelopmentServer(models, port=65536)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(OSError, match=f"Cannot listen on port {port}: Address already in use. Choose another"):
            DevelopmentServer(models, port=port)


def test_without_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    monkeypatch.delitem(sys.modules, "rnn_tf.serving.server")
    with pytest.raises(ImportError, match=r'pip install "rnn-tf\[serving\]"'):
        importlib.import_module("rnn_tf.serving.server")


def test_listens_on_this_machine_alone(server):
    assert server.url.startswith("http://127.0.0.1:")
    assert server._socket.getsockname()[0] == "127.0.0.1"


def two_answers(folder, version):
    save(folder, serving_default=(lambda x: {"sum": x + version, "difference": x - version}, spec([], tf.float32, "x")))


def eventually(condition):
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_new_models_and_versions_are_found(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "POLL_SECONDS", 0.01)
    two_answers(tmp_path / "a" / "1", 1)
    with DevelopmentServer(tmp_path, port=0) as server:

        def answer(name):
            return ask(server, f"/v1/models/{name}:predict", {"inputs": 0})

        assert answer("a") == (200, {"outputs": {"sum": 1.0, "difference": -1.0}})
        (tmp_path / "a" / "3").mkdir()  # half-written
        two_answers(tmp_path / "draft", 2)
        (tmp_path / "draft").rename(tmp_path / "a" / "2")
        two_answers(tmp_path / "b" / "1", 5)
        eventually(lambda: answer("a") == (200, {"outputs": {"sum": 2.0, "difference": -2.0}}))
        eventually(lambda: answer("b") == (200, {"outputs": {"sum": 5.0, "difference": -5.0}}))
        _, status = ask(server, "/v1/models/a")
        assert [(one["version"], one["state"]) for one in status["model_version_status"]] == [
            ("3", "END"),
            ("2", "AVAILABLE"),
        ]


def test_no_request_is_lost_or_mixed_while_versions_come(tmp_path):
    versions, threads_, requests = 8, 4, 500
    for version in range(1, versions + 1):
        two_answers(tmp_path / f".draft{version}", version)
    directory = tmp_path / "model"
    directory.mkdir()
    (tmp_path / ".draft1").rename(directory / "1")
    seen, wrong = [[] for _ in range(threads_)], []

    def work(server, seen):
        connection = connect(server)
        for x in range(requests):
            connection.request("POST", "/v1/models/model:predict", json.dumps({"inputs": {"x": x}}))
            response = connection.getresponse()
            answer = json.loads(response.read())
            if response.status != 200:
                wrong.append(answer)
                continue
            outputs = answer["outputs"]
            seen.append(outputs["sum"] - x)
            if x - outputs["difference"] != seen[-1]:
                wrong.append(answer)
        connection.close()

    with DevelopmentServer(tmp_path, port=0) as server:
        threads = [threading.Thread(target=work, args=[server, one]) for one in seen]
        for thread in threads:
            thread.start()
        for version in range(2, versions + 1):
            eventually(lambda share=(version - 1) / versions: min(map(len, seen)) >= share * requests or wrong)
            (tmp_path / f".draft{version}").rename(directory / str(version))
            server.poll()
        for thread in threads:
            thread.join()
    assert not wrong
    for one in seen:
        assert len(one) == requests
        assert one == sorted(one)  # no answer of an old version after one of a newer
        assert set(one) == set(range(1, versions + 1))


def test_a_model_whose_name_is_a_number(tmp_path):
    two_answers(tmp_path / "86" / "1", 1)
    two_answers(tmp_path / "sales" / "2", 2)
    with DevelopmentServer(tmp_path, port=0) as server:
        assert sorted(server.models) == ["86", "sales"]
        assert ask(server, "/v1/models/86:predict", {"inputs": 0})[0] == 200


def test_models_that_cannot_be_loaded(tmp_path):
    two_answers(tmp_path / "half" / "1", 1)
    (tmp_path / "half" / "1" / "variables" / "variables.index").unlink(missing_ok=True)
    (tmp_path / "half" / "1" / "saved_model.pb").write_bytes(b"cut")
    (tmp_path / "empty" / "1").mkdir(parents=True)
    with pytest.raises(ValueError, match=r"can be served(.|\n)*empty: There is no SavedModel(.|\n)*half: .*be loaded"):
        DevelopmentServer(tmp_path, port=0)
    two_answers(tmp_path / "whole" / "1", 1)
    with DevelopmentServer(tmp_path, port=0) as server:
        assert [name for name, one in server.models.items() if one.available] == ["whole"]
        assert "cannot be loaded" in server.models["half"].problem


HOSTILE = "<script>alert('x')</script> $(touch pwned) `id` \\ \" \n & 好 😀"


def get_page(server):
    with urllib.request.urlopen(server.url, timeout=30) as response:
        assert response.headers["Content-Type"].startswith("text/html")
        return response.read().decode()


def lines_of(page):
    return [html.unescape(one) for one in re.findall(r"<pre>(.*?)</pre>", page, flags=re.DOTALL)]


@pytest.mark.parametrize("name", ["texts", "it's <b>&amp;", "$(touch pwned) `id`;", "a#b%20{x,y}&c", "好 😀"])
def test_the_page_is_safe_and_its_lines_work(tmp_path, name):
    folder = tmp_path / "models" / name / "1"
    save(folder, serving_default=(lambda text: {"text": text}, spec([None], tf.string, "text")))
    (folder / "assets.extra").mkdir()
    calls = [{"signature_name": "serving_default", "inputs": {"text": [HOSTILE]}, "outputs": {"text": [HOSTILE]}}]
    (folder / "assets.extra" / "examples.json").write_text(json.dumps(calls))
    with DevelopmentServer(tmp_path / "models", port=0) as server:
        page = get_page(server)
        assert f"<h2>{html.escape(name)}</h2>" in page
        assert "<script" not in page
        (line,) = lines_of(page)
        command, address, option, content = shlex.split(line)
        assert (command, option) == ("curl", "-d")
        assert ask(server, address.removeprefix(server.url), content.encode()) == (200, {"outputs": [HOSTILE]})
        if shutil.which("curl"):
            process = subprocess.run(["sh", "-c", line], capture_output=True, cwd=tmp_path, timeout=60)
            assert json.loads(process.stdout) == {"outputs": [HOSTILE]}
        assert not (tmp_path / "pwned").exists()


def test_the_page_of_models_without_usable_examples(tmp_path):
    for name, text in {"none": None, "cut": "[{", "other": '[{"signature_name": "no"}]', "list": "[1]"}.items():
        two_answers(tmp_path / name / "1", 1)
        if text is not None:
            (tmp_path / name / "1" / "assets.extra").mkdir()
            (tmp_path / name / "1" / "assets.extra" / "examples.json").write_text(text)
    (tmp_path / "broken" / "7").mkdir(parents=True)
    with DevelopmentServer(tmp_path, port=0) as server:
        page = get_page(server)
    assert lines_of(page) == []
    assert page.count("<h2>") == 5
    assert "<td>7<td>END<td>There is no SavedModel" in page
    assert "<td>takes<td><code>x</code><td>float32<td>[]" in page


def test_the_page_of_the_golden_models():
    with DevelopmentServer(Path(__file__).parents[2] / "saved_models", port=0) as server:
        lines = lines_of(get_page(server))
        assert len(lines) == 3
        for line in lines:
            _, address, _, content = shlex.split(line)
            assert ask(server, address.removeprefix(server.url), content.encode())[0] == 200


def test_the_page_shows_the_first_example_that_reads(tmp_path):
    texts = ["", "x" * 5000, "short and first", "no"]
    save(tmp_path / "texts" / "1", serving_default=(lambda text: {"text": text}, spec([None], tf.string, "text")))
    (tmp_path / "texts" / "1" / "assets.extra").mkdir()
    calls = [{"signature_name": "serving_default", "inputs": {"text": texts}}]
    (tmp_path / "texts" / "1" / "assets.extra" / "examples.json").write_text(json.dumps(calls))
    with DevelopmentServer(tmp_path, port=0) as server:
        (line,) = lines_of(get_page(server))
    assert "short and first" in line


def test_one_version_alone(tmp_path):
    two_answers(tmp_path / "sales" / "1", 1)
    with pytest.raises(ValueError, match=r"Received: one version, .*sales/1'. Give '(.*sales)'") as refusal:
        DevelopmentServer(tmp_path / "sales" / "1", port=0)
    advice = re.search("Give '(.*)'", str(refusal.value))[1]
    with DevelopmentServer(advice, port=0) as server:
        assert list(server.models) == ["sales"]
    two_answers(tmp_path / "alone", 1)
    with pytest.raises(ValueError, match=r"into a folder 1 of its own, '.*alone/1'"):
        DevelopmentServer(tmp_path / "alone", port=0)
    (tmp_path / "alone").rename(tmp_path / "1")
    (tmp_path / "alone").mkdir()
    (tmp_path / "1").rename(tmp_path / "alone" / "1")
    with DevelopmentServer(tmp_path / "alone", port=0) as server:
        assert list(server.models) == ["alone"]


def test_a_value_that_cannot_be_is_told_with_the_shape(server):
    _, answer = ask(server, f"{HALF}:predict", {"instances": ["NaN"]})
    assert answer["error"].endswith("Received: ['NaN']. Its shape must be (None,).")
