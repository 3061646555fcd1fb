import re
import threading

import numpy as np
import pytest
import tensorflow as tf

from rnn_tf.serving.servable import NotServedError, RequestError, Servable, ServedModel


def spec(shape, dtype, name):
    return tf.TensorSpec(shape, dtype, name=name)


def save(folder, methods=None, **functions):
    """A SavedModel of functions, each with its input specs, and the methods of signatures that are not Predict."""
    module = tf.Module()
    module.functions = {name: tf.function(function, specs) for name, (function, *specs) in functions.items()}
    module.variable = tf.Variable(2.0)
    tf.saved_model.save(module, str(folder), module.functions)
    if methods:
        updater = tf.compat.v1.saved_model.signature_def_utils.MethodNameUpdater(str(folder))
        for name, method in methods.items():
            updater.replace_method_name(name, f"tensorflow/serving/{method}", "serve")
        updater.save()
    return folder


def feature(serialized):
    return tf.io.parse_example(serialized, {"x": tf.io.FixedLenFeature([], tf.float32)})["x"]


def example(x):
    features = tf.train.Features(feature={"x": tf.train.Feature(float_list=tf.train.FloatList(value=[x]))})
    return tf.train.Example(features=features).SerializeToString()


@pytest.fixture(scope="module")
def servable(tmp_path_factory):
    examples = spec([None], tf.string, "inputs")

    def classify(inputs):
        scores = tf.stack([feature(inputs), 0.1 * feature(inputs)], axis=1)
        return {"classes": tf.fill(tf.shape(scores), "gut"), "scores": scores}

    path = save(
        tmp_path_factory.mktemp("model") / "3",
        {
            **dict.fromkeys(["classify", "scores", "classes", "flat", "more"], "classify"),
            **dict.fromkeys(["regress", "column", "wide"], "regress"),
        },
        serving_default=(
            lambda text, x: {"text": text + "!", "y": x / 2, "scalar": tf.size(x), "word": tf.constant("one")},
            spec([None], tf.string, "text"),
            spec([None, 2], tf.float32, "x"),
        ),
        classify=(classify, examples),
        scores=(lambda inputs: {"scores": feature(inputs)[:, tf.newaxis]}, examples),
        classes=(lambda inputs: {"classes": tf.fill([tf.size(inputs), 2], "a")}, examples),
        flat=(lambda inputs: {"scores": feature(inputs)}, examples),
        more=(lambda inputs: {"scores": feature(inputs), "x": feature(inputs)}, examples),
        regress=(lambda inputs: {"outputs": feature(inputs) / 2}, examples),
        column=(lambda inputs: {"outputs": feature(inputs)[:, tf.newaxis] / 2}, examples),
        wide=(lambda inputs: {"outputs": tf.zeros([tf.size(inputs), 2])}, examples),
    )
    servable = Servable(path)
    yield servable
    servable.close()


def request(**changes):
    return {"text": np.array([b"a"], object), "x": np.ones([1, 2], np.float32), **changes}


def test_runs_a_signature(servable):
    outputs = servable.run({"text": np.array([b"a", "b", b"\xff"], object), "x": np.ones([3, 2], np.float32)})
    assert outputs["text"].tolist() == [b"a!", b"b!", b"\xff!"]
    np.testing.assert_array_equal(outputs["y"], np.full([3, 2], 0.5, np.float32))
    assert outputs["y"].dtype == np.float32
    assert outputs["scalar"] == 6
    assert outputs["word"].shape == ()
    assert outputs["word"].item() == b"one"


def test_says_what_it_is(servable):
    assert servable.version == 3
    assert "serving_default" in servable.signatures
    assert "__saved_model_init_op" not in servable.signatures
    assert servable.signatures["classify"].method_name == "tensorflow/serving/classify"
    assert servable.meta_graph.meta_info_def.tensorflow_version == tf.__version__
    assert "ParseExampleV2" in {op.name for op in servable.meta_graph.meta_info_def.stripped_op_list.op}


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ({"x": np.ones([1, 2], np.float32)}, r"its inputs, 'text', 'x', .* Received: missing 'text'; unknown none"),
        (request(z=1), r"Received: missing none; unknown 'z'"),
        ({}, r"missing 'text', 'x'"),
        (request(x=np.ones([1, 2])), r"'x' must have dtype float32. Received: float64"),
        (request(x=np.ones([1, 2], int)), r"'x' must have dtype float32. Received: int64"),
        (request(x=np.array([["a", "b"]])), r"'x' must have dtype float32"),
        (request(text=np.array([1.0])), r"'text' must have dtype string. Received: float64"),
        (request(text=np.array([b"a", None], object)), r"'text' must have dtype string. Received: object"),
        (request(x=np.ones([1, 3], np.float32)), r"'x' must have shape \(None, 2\). Received: \(1, 3\)"),
        (request(x=np.ones([2], np.float32)), r"'x' must have shape \(None, 2\). Received: \(2,\)"),
        (request(text=np.array([[b"a"]], object)), r"'text' must have shape \(None,\)"),
    ],
)
def test_requests_must_fit_the_signature(servable, inputs, message):
    with pytest.raises(RequestError, match=message):
        servable.run(inputs)


def test_unknown_signatures(servable):
    for ask in (lambda: servable.run({}, "other"), lambda: servable.classify([b""], "other")):
        with pytest.raises(RequestError, match=r"'other' not found in signature def. It has .*'classify', .*'regress'"):
            ask()


def test_classifies(servable):
    assert servable.classify([example(1.0), example(2.0)], "classify") == [
        [("gut", 1.0), ("gut", 0.1)],
        [("gut", 2.0), ("gut", 0.2)],
    ]
    assert servable.classify([example(1.0)], "scores") == [[("", 1.0)]]
    assert servable.classify([example(1.0)], "classes") == [[("a", 0.0), ("a", 0.0)]]


@pytest.mark.parametrize("signature", ["regress", "column"])
def test_regresses(servable, signature):
    assert servable.regress([example(1.0), example(5.0)], signature) == [0.5, 2.5]


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (
            lambda one: one.classify([example(1.0)]),
            "Expected classification signature method_name to be tensorflow/serving/classify. "
            "Was: tensorflow/serving/predict",
        ),
        (
            lambda one: one.regress([example(1.0)], "classify"),
            "Expected regression signature method_name to be tensorflow/serving/regress. "
            "Was: tensorflow/serving/classify",
        ),
        (lambda one: one.classify([], "classify"), "at least one Example"),
        (lambda one: one.regress([b"no example"], "regress"), "(?i)parse"),
        (lambda one: one.classify([example(1.0)], "flat"), r"one shape \[1, classes\]. Received: {'scores': \(1,\)}"),
        (lambda one: one.classify([example(1.0)], "more"), r"and outputs of {'classes': .*'x': tf.float32"),
        (lambda one: one.regress([example(1.0)], "wide"), r"must have shape \[1, 1\]. Received: \(1, 2\)"),
    ],
)
def test_classify_and_regress_must_fit(servable, ask, message):
    with pytest.raises(RequestError, match=message):
        ask(servable)


def test_what_cannot_be_loaded(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"There is no SavedModel in .*none"):
        Servable(tmp_path / "none")
    (tmp_path / "saved_model.pb").write_bytes(b"half of a file")
    with pytest.raises(ValueError, match="cannot be loaded: Cannot parse file"):
        Servable(tmp_path)
    path = save(tmp_path / "model", f=(lambda x: {"y": x}, spec([], tf.float32, "x")))
    assert Servable(path).version is None
    (path / "variables" / "variables.index").unlink()
    with pytest.raises(ValueError, match="cannot be loaded"):
        Servable(path)


def constant(folder, value):
    return save(folder, serving_default=(lambda x: {"y": x * 0 + value}, spec([], tf.float32, "x")))


def ask(model, version=None):
    with model.use(version) as servable:
        return servable.run({"x": np.float32(0)})["y"]


def test_the_newest_version_takes_over(tmp_path):
    directory = tmp_path / "sales"
    constant(directory / "9", 9)
    constant(directory / "003", 3)
    constant(directory / ".rnn_tf-10", 10)
    constant(directory / "best", 10)
    model = ServedModel(directory)
    assert ask(model) == ask(model, 9) == 9
    available = {"error_code": "OK", "error_message": ""}
    assert model.status() == [{"version": "9", "state": "AVAILABLE", "status": available}]
    with pytest.raises(NotServedError, match=r"^Servable not found for request: Specific\(sales, 3\)$"):
        ask(model, 3)

    constant(tmp_path / "draft", 12)
    with model.use() as old:
        (tmp_path / "draft").rename(directory / "12")
        model.poll()
        assert ask(model) == 12
        assert old.run({"x": np.float32(0)})["y"] == 9  # as long as the request lasts
        assert [(one["version"], one["state"]) for one in model.status()] == [("12", "AVAILABLE"), ("9", "UNLOADING")]
    with pytest.raises(RuntimeError, match="closed"):
        old.run({"x": np.float32(0)})
    assert [one["version"] for one in model.status()] == ["12"]

    (directory / "12").rename(directory / "bad")  # back to the one before
    model.poll()
    assert ask(model) == 9
    model.close()
    with pytest.raises(NotServedError, match=r"Latest\(sales\)"):
        ask(model)


def test_a_version_without_requests_is_closed_at_once(tmp_path):
    constant(tmp_path / "1", 1)
    model = ServedModel(tmp_path)
    with model.use() as old:
        pass
    constant(tmp_path / "2", 2)
    model.poll()
    with pytest.raises(RuntimeError, match="closed"):
        old.run({"x": np.float32(0)})


def test_what_is_half_written_stops_nothing(tmp_path):
    constant(tmp_path / "1", 1)
    model = ServedModel(tmp_path)
    constant(tmp_path / "draft", 2)
    (tmp_path / "2" / "variables").mkdir(parents=True)
    model.poll()
    assert ask(model) == 1
    (tmp_path / "2" / "saved_model.pb").write_bytes((tmp_path / "draft" / "saved_model.pb").read_bytes()[:-20])
    model.poll()
    assert ask(model) == 1
    broken, running = model.status()
    assert (broken["version"], broken["state"], running["state"]) == ("2", "END", "AVAILABLE")
    assert broken["status"]["error_code"] != "OK"
    assert "cannot be loaded" in broken["status"]["error_message"]

    (tmp_path / "2").rename(tmp_path / "half")
    (tmp_path / "draft").rename(tmp_path / "2")  # tried again, and now it is whole
    model.poll()
    assert ask(model) == 2
    assert [one["version"] for one in model.status()] == ["2"]


def test_a_folder_without_versions(tmp_path):
    for folder in (tmp_path, tmp_path / "none"):
        model = ServedModel(folder)
        assert model.status() == []
        with pytest.raises(NotServedError):
            ask(model)
    constant(tmp_path / "1", 1)
    model = ServedModel(tmp_path)
    (tmp_path / "1").rename(tmp_path / "gone")
    model.poll()
    assert ask(model) == 1  # better than nothing


def test_threads_share_a_servable(servable):
    wrong = []

    def work(value):
        for _ in range(50):
            outputs = servable.run(request(x=np.full([1, 2], value, np.float32)))
            wrong.extend(outputs["y"][outputs["y"] != value / 2])

    threads = [threading.Thread(target=work, args=[value]) for value in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def refusing(kind):
    """A function that refuses some inputs, with its specs."""

    def asserts(x):
        with tf.control_dependencies([tf.debugging.assert_positive(x, message="Each price must be above 0.")]):
            return {"y": tf.identity(x)}

    def without_words(x):
        with tf.control_dependencies([tf.debugging.assert_less(x, 5.0)]):
            return {"y": tf.identity(x)}

    x, text = spec([None], tf.float32, "x"), spec([None], tf.string, "text")
    return {
        "asserts": (asserts, x),
        "without_words": (without_words, x),
        "adds": (lambda x, z: {"y": x + z}, x, spec([None], tf.float32, "z")),
        "gathers": (lambda i: {"y": tf.gather(tf.constant([1.0, 2.0]), i)}, spec([None], tf.int32, "i")),
        "numbers": (lambda text: {"y": tf.strings.to_number(text)}, text),
        "parses": (lambda text: {"y": feature(text)}, text),
    }[kind]


@pytest.mark.parametrize(
    ("kind", "inputs", "message"),
    [
        ("asserts", {"x": np.float32([1, -7])}, r"inputs: Each price must be above 0. Received: 'x', float32 .*\(2,\)"),
        (
            "without_words",
            {"x": np.float32([7])},
            r"a condition .* does not hold. Received: 'x', float32 of shape \(1,\)",
        ),
        (
            "adds",
            {"x": np.float32([1, 2]), "z": np.float32([1, 2, 3])},
            r"\[2\] vs. \[3\]. Received: 'x', .*; 'z', .*3",
        ),
        ("gathers", {"i": np.int32([7])}, r"indices\[0\] = 7 is not in .* Received: 'i', int32 of shape \(1,\)"),
        ("numbers", {"text": np.array([b"nan?"], object)}, r"nan\?. Received: 'text', string of shape \(1,\)"),
        (
            "parses",
            {"text": np.array([tf.train.Example().SerializeToString()], object)},
            "(?i)feature.*x.*Received: 'text'",
        ),
    ],
)
def test_what_an_operation_refuses_is_told_without_its_insides(tmp_path, kind, inputs, message):
    servable = Servable(save(tmp_path / "1", serving_default=refusing(kind)))
    with pytest.raises(RequestError, match=message) as refusal:
        servable.run(inputs)
    assert not re.search(r"node|Graph execution|:0\b|Assert|\[\[", str(refusal.value))
    servable.close()
