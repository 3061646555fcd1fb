import _thread
import argparse
import re
import signal
import threading
import urllib.request

import pytest
import tensorflow as tf

from rnn_tf.commands import serve
from rnn_tf.serving.server import DevelopmentServer


def save(folder, *specs):
    module = tf.Module()
    module.f = tf.function(lambda *inputs: {"y": tf.shape(inputs[0])}, specs)
    tf.saved_model.save(module, str(folder), {"serving_default": module.f})


SEQUENCES = tf.TensorSpec([None, None, 2], tf.float32, name="sequences")
LENGTHS = tf.TensorSpec([None], tf.int32, name="lengths")
TEXT = tf.TensorSpec([None], tf.string, name="text")
FIXED = tf.TensorSpec([None, 4, 1], tf.float32, name="sequences")


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    """Run the command in a folder with the models `sales` and `films`; returns what it printed."""
    monkeypatch.chdir(tmp_path)
    save(tmp_path / "saved models" / "sales" / "2", SEQUENCES, LENGTHS)
    save(tmp_path / "saved models" / "films" / "1", TEXT)

    def run(models="saved models", docker=None, port=8501):
        serve.run(argparse.Namespace(models=models, port=port, grpc_port=None, docker=docker))
        return capsys.readouterr().out

    return run


@pytest.fixture
def interruptible():
    """Ctrl-C interrupts, even where the tests run as a shell's background job, which ignores it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interruptible")
def test_serves_until_it_is_interrupted(run, monkeypatch):
    answers = []
    wait = DevelopmentServer.wait

    def interrupted(server):
        for name in server.models:
            with urllib.request.urlopen(f"{server.url}/v1/models/{name}") as response:
                answers.append(response.status)
        threading.Timer(0.1, _thread.interrupt_main).start()
        wait(server)

    monkeypatch.setattr(DevelopmentServer, "wait", interrupted)
    printed = run(port=0)
    assert answers == [200, 200]
    assert "for development" in printed.splitlines()[0]
    assert re.search(r"http://127.0.0.1:\d+/v1/models/films +version 1 AVAILABLE\n", printed)
    assert re.search(r"http://127.0.0.1:\d+/v1/models/sales +version 2 AVAILABLE\n", printed)
    assert printed.endswith("Stopped.\n")


def test_says_what_cannot_be_loaded(run, tmp_path, monkeypatch):
    (tmp_path / "saved models" / "sales" / "3").mkdir()
    monkeypatch.setattr(DevelopmentServer, "wait", lambda server: None)
    printed = run(port=0)
    assert re.search(r"/v1/models/sales +version 3 END There is no SavedModel in .*\n.*sales +version 2 AVAIL", printed)


def test_prints_the_command_for_one_model(run, tmp_path):
    for models in ("saved models/sales", tmp_path / "saved models" / "sales"):
        lines = run(models, "sales").splitlines()
        assert lines == [
            "TF Serving with sales:",
            "",
            f"docker run --rm -t -p 8500:8500 -p 8501:8501 -v '{tmp_path}/saved models/sales:/models/sales' "
            "-e MODEL_NAME=sales tensorflow/serving",
        ]


def test_prints_the_files_for_several_models(run, tmp_path):
    printed = run(docker="films", port=9000)
    models = f"'{tmp_path}/saved models"
    docker = "docker run --rm -t -p 8500:8500 -p 9000:8501 -v"
    assert f"{docker} {models}/films:/models/films' -e MODEL_NAME=films tensorflow/serving\n" in printed
    assert printed.endswith(
        f"{docker} {models}:/models' tensorflow/serving --model_config_file=/models/models.config "
        "--enable_batching=true --batching_parameters_file=/models/batching_parameters.txt\n"
    )
    assert f"{tmp_path}/saved models/models.config\n" in printed
    assert f"{tmp_path}/saved models/batching_parameters.txt\n" in printed

    from google.protobuf import text_format
    from tensorflow_serving.config import model_server_config_pb2

    start = printed.index("model_config_list")
    config = text_format.Parse(
        printed[start : printed.index("}\n\nand") + 1], model_server_config_pb2.ModelServerConfig()
    )
    assert [(one.name, one.base_path, one.model_platform) for one in config.model_config_list.config] == [
        ("films", "/models/films", "tensorflow"),
        ("sales", "/models/sales", "tensorflow"),
    ]


def parameters(text):
    """The settings of a BatchingParameters in protobuf's text format."""
    values = re.findall(r"^(\w+)(?: \{ value)?: (\w+)", text, flags=re.MULTILINE)
    return {name: [value for key, value in values if key == name] for name, _ in values}


def test_batching(run, tmp_path):
    folders = {name: tmp_path / "saved models" / name for name in ("films", "sales")}
    text = serve.batching_parameters(folders)
    settings = parameters(text)
    sizes = [int(size) for size in settings["allowed_batch_sizes"]]
    assert sizes == sorted(set(sizes))  # as TF Serving demands
    assert [str(sizes[-1])] == settings["max_batch_size"]
    assert settings["pad_variable_length_inputs"] == ["true"]

    save(tmp_path / "unsafe" / "1", SEQUENCES)
    save(tmp_path / "fixed" / "1", FIXED)
    text = serve.batching_parameters({**folders, "fixed": tmp_path / "fixed", "unsafe": tmp_path / "unsafe"})
    assert parameters(text)["pad_variable_length_inputs"] == ["false"]
    assert "# unsafe would read the padding" in text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"docker": "sale"}, r"There is no model 'sale' in 'saved models'. Received: a folder with films, sales"),
        ({"docker": "sales", "models": "none"}, r"There is no model 'sales' in 'none'. .* no models"),
        ({"docker": "a b", "models": "odd"}, r"takes names of .* Received: \['a b'\]. Rename the folder"),
    ],
)
def test_names_that_cannot_be(run, tmp_path, arguments, message):
    save(tmp_path / "odd" / "a b" / "1", TEXT)
    with pytest.raises(ValueError, match=message):
        run(**arguments)


def test_a_server_that_loads_nothing_ends(rnn_tf, tmp_path):
    for name in ("86", "sales"):
        (tmp_path / "saved_models" / name / "1").mkdir(parents=True)
        (tmp_path / "saved_models" / name / "1" / "saved_model.pb").write_bytes(b"cut")
    for more in ([], ["--grpc-port", 0]):
        code, out, err = rnn_tf("serve", "--port", 0, *more)
        assert (code, out) == (2, "")
        assert all(f"{name}: The SavedModel in" in err for name in ("86", "sales"))
