import json
import re

import keras
import numpy as np
import pytest
import tensorflow as tf

from rnn_tf.export import json_tensors
from rnn_tf.export.saved_model import EXAMPLES, write_json
from rnn_tf.serving import check
from rnn_tf.serving.check import check_saved_model

FLOAT, TEXT = tf.TensorSpec([None], tf.float32, name="x"), tf.TensorSpec([None], tf.string, name="inputs")


@pytest.fixture
def save(tmp_path):
    """Save functions as signatures, each with the specs of its inputs, and maybe with a method of TF Serving."""

    def save(examples=None, methods=None, tracked=None, **signatures):
        module = tf.Module()
        module.functions = [tf.function(function, specs) for function, *specs in signatures.values()]
        module.tracked = tracked
        tf.saved_model.save(module, str(tmp_path), dict(zip(signatures, module.functions, strict=True)))
        if methods:
            updater = tf.compat.v1.saved_model.signature_def_utils.MethodNameUpdater(str(tmp_path))
            for name, method in methods.items():
                updater.replace_method_name(name, f"tensorflow/serving/{method}", tags="serve")
            updater.save()
        if examples is not None:
            write_json(tmp_path / EXAMPLES, examples)
        return tmp_path

    return save


@pytest.fixture
def quick(monkeypatch):
    """All as it is, but without the seconds that new processes take."""

    def measure(path, calls, timed):
        signatures = tf.saved_model.load(str(path)).signatures
        feeds = [(name, {key: tf.constant(one) for key, one in inputs.items()}) for name, inputs in calls]
        answers = [{key: one.numpy() for key, one in signatures[name](**inputs).items()} for name, inputs in feeds]
        return answers, [[1.0, 2.0] for _ in timed]

    monkeypatch.setattr(check, "measure_in_fresh_process", measure)


def half(x):
    return {"y": x / 2}


def example(**changes):
    x = np.linspace(0, 1, 3, dtype=np.float32)
    return {
        "signature_name": "serving_default",
        "inputs": {"x": json_tensors.to_json(x)},
        "outputs": {"y": json_tensors.to_json(x / 2)},
        **changes,
    }


def test_what_it_is_and_how_fast(save):
    path = save([example(), example()], serving_default=(half, FLOAT))
    lines, refusals, warnings = check_saved_model(path)
    assert not refusals
    assert not warnings
    assert re.fullmatch(rf"{path}: \d+\.\d kB, written by TensorFlow {tf.__version__}", lines[0])
    assert lines[1:4] == ["serving_default (predict)", "  <- x: float32 (None,)", "  -> y: float32 (None,)"]
    assert re.fullmatch(r"\d kinds of operations, of which unusual in a server: none", lines[4])
    assert lines[5] == "loaded in a fresh process without Keras, 2 examples replayed"
    for line, batch in zip(lines[6:], (1, 32), strict=True):
        numbers = re.fullmatch(rf"serving_default, batch {batch}: median (\S+) ms, 99 % within (\S+) ms", line).groups()
        median, slow = map(float, numbers)
        assert 0 < median <= slow


@pytest.mark.parametrize("given", [True, False])
def test_layers_that_depend_on_the_size_of_a_batch(save, given):
    def three(x):
        return {"y": tf.ensure_shape(tf.reshape(x, [3]), [3])[: tf.shape(x)[0]]}

    examples = [example(outputs={"y": [0.0, 0.5, 1.0]})] if given else None
    _, refusals, warnings = check_saved_model(save(examples, serving_default=(three, FLOAT)))
    (finding,) = refusals if given else warnings[1:]  # what we make up it need not answer
    assert re.match(r"'serving_default' does not answer batches of 1 and 32 rows: .*shape.*Look for a layer", finding)
    assert given or not refusals


def python(x):
    return {"y": tf.ensure_shape(tf.py_function(lambda x: x, [x], tf.float32), [None])}


def numpy(x):
    return {"y": tf.ensure_shape(tf.numpy_function(lambda x: x, [x], tf.float32), [None])}


def compiled(x):
    return {"y": tf.function(tf.math.softplus, jit_compile=True)(x)}


def on_a_gpu(x):
    ones = tf.reshape(x[0], [1, 1, 1])
    rnn = tf.raw_ops.CudnnRNN(input=ones, input_h=ones, input_c=ones, params=tf.ones([16]), rnn_mode="lstm")
    return {"y": x + rnn.output[0, 0, 0]}


def within_a_loop(x):
    return {"y": tf.while_loop(lambda _: False, lambda x: on_a_gpu(x)["y"], [x])[0]}


def for_a_gpu_too(x):
    """As Keras saves a layer that has a variant for GPUs, which nothing on a CPU calls."""
    tf.function(on_a_gpu).get_concrete_function(FLOAT).add_to_graph()
    return half(x)


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (python, r"The operations EagerPyFunc call the Python program that wrote them. Use TensorFlow's operations"),
        (numpy, r"The operations PyFunc call the Python program"),
        (compiled, r"The operations XlaLaunch need a compiler .* without jit_compile=True"),
        (on_a_gpu, r"The operations CudnnRNN run on a GPU only. Build the layers with use_cudnn=False"),
        (within_a_loop, r"The operations CudnnRNN run on a GPU only"),
        (for_a_gpu_too, None),
    ],
)
def test_operations_that_a_server_lacks(save, monkeypatch, quick, function, message):
    monkeypatch.setattr(check, "measure_in_fresh_process", lambda *_: ([], [[1.0, 2.0]] * 2))  # there may be no GPU
    _, refusals, _ = check_saved_model(save(serving_default=(function, FLOAT)))
    assert bool(refusals) == (message is not None)
    if message is not None:
        assert re.match(message, refusals[0])


def test_unusual_operations_are_listed(save, quick):
    requests = tf.Variable(0)

    def noisy(x):
        tf.debugging.assert_non_negative(x)
        requests.assign_add(1)
        return {"y": x + tf.random.uniform(tf.shape(x))}

    lines = check_saved_model(save(tracked=requests, serving_default=(noisy, FLOAT))).lines
    assert re.fullmatch(r"\d+ kinds of operations, .*: Assert, AssignAddVariableOp, RandomUniform", lines[4])


def test_an_operation_that_is_not_tensorflows(save):
    path = save(serving_default=(lambda x: {"y": tf.cos(x)}, FLOAT)) / "saved_model.pb"
    path.write_bytes(path.read_bytes().replace(b"\x03Cos", b"\x03Own"))
    _, (refusal,), _ = check_saved_model(path.parent)
    assert refusal.startswith("It needs the operation Own, which TensorFlow does not have")


def test_what_cannot_be_loaded(save):
    path = save(serving_default=(half, FLOAT))
    (path / "saved_model.pb").write_bytes((path / "saved_model.pb").read_bytes()[:300])
    lines, (refusal,), _ = check_saved_model(path)
    assert len(lines) == 1
    assert re.match(r"It cannot be loaded: .*(corrupt|Error parsing message).*\. Copy the whole folder again", refusal)
    with pytest.raises(FileNotFoundError, match="no exported model"):
        check_saved_model(path / "assets")


@pytest.mark.parametrize("used", [True, False])
def test_a_missing_asset(save, tmp_path, quick, used):
    (tmp_path / "words.txt").write_text("one\ntwo\n")
    if used:
        initializer = tf.lookup.TextFileInitializer(
            str(tmp_path / "words.txt"), tf.string, 0, tf.int64, tf.lookup.TextFileIndex.LINE_NUMBER, delimiter="\t"
        )
        table = tf.lookup.StaticHashTable(initializer, -1)
        path = save(tracked=table, serving_default=(lambda inputs: {"y": table.lookup(inputs)}, TEXT))
    else:
        path = save(tracked=tf.saved_model.Asset(str(tmp_path / "words.txt")), serving_default=(half, FLOAT))
    (path / "assets" / "words.txt").unlink()
    _, refusals, _ = check_saved_model(path)
    assert re.search(
        r"It cannot be loaded: .*words.txt; No such file or directory. Copy the whole folder again"
        if used
        else r"The asset 'words.txt' is missing. Copy the whole folder again",
        refusals[0],
    )


def test_names_that_keras_makes_up(tmp_path, quick):
    model = keras.Sequential([keras.Input([2]), keras.layers.Dense(1)])
    model.export(str(tmp_path / "made_up"), verbose=False)
    inputs = keras.Input([2], name="price")
    model = keras.Model(inputs, {"demand": keras.layers.Dense(1)(inputs)})
    model.export(str(tmp_path / "named"), verbose=False)
    _, refusals, _ = check_saved_model(tmp_path / "made_up")
    assert any(
        re.match(r"'serving_default': Keras made up the names keras_tensor\w*, output_0; .* keras.Input\(name", refusal)
        for refusal in refusals
    )
    assert not check_saved_model(tmp_path / "named").refusals


@pytest.mark.parametrize(
    ("names", "made_up"),
    [
        (["keras_tensor", "keras_tensor_12", "input_1", "input_layer", "input_layer_3", "args_0", "args_0_1"], True),
        (["output_0", "dense", "dense_3", "bidirectional_1", "lstm"], True),
        (["inputs", "outputs", "outputs_1", "input", "output", "embedding", "state_0_1", "lag_1", "label"], False),
    ],
)
def test_which_names_are_made_up(names, made_up):
    assert [name for name in names if check.MADE_UP.fullmatch(name)] == (names if made_up else [])


def test_batches_of_one_size(save, quick):
    path = save(
        serving_default=(half, tf.TensorSpec([2, 3], tf.float32, name="x")),
        scalar=(half, tf.TensorSpec([], tf.float32, name="x")),
        sums=(lambda x: {"y": tf.reduce_sum(x)}, FLOAT),
        open=(half, tf.TensorSpec(None, tf.float32, name="x")),
    )
    _, refusals, _ = check_saved_model(path)
    assert [re.match(r"(.*?) has shape (.*?), and .* None as its first size\.", one).groups() for one in refusals] == [
        ("'scalar': 'x'", "()"),
        ("'scalar': 'y'", "()"),
        ("'serving_default': 'x'", "(2, 3)"),
        ("'serving_default': 'y'", "(2, 3)"),
        ("'sums': 'y'", "()"),
    ]


def test_no_default_signature(save, quick):
    _, refusals, _ = check_saved_model(save(step=(half, FLOAT)))
    assert refusals == ["There is no signature 'serving_default', for requests that name none. Export one so named."]


def parse(inputs):
    return tf.io.parse_example(inputs, {"x": tf.io.FixedLenFeature([], tf.float32)})["x"]


def regress(inputs):
    return {"outputs": parse(inputs)}


def classify(inputs):
    scores = tf.stack([parse(inputs)] * 2, axis=1)
    return {"classes": tf.as_string(scores), "scores": scores}


def texts(inputs):
    return {"outputs": tf.cast(tf.strings.length(inputs), tf.float32)}


@pytest.mark.parametrize(
    ("function", "method", "needed"),
    [
        (regress, "regress", None),
        (regress, "predict", "regress"),
        (regress, "classify", "regress"),
        (classify, "classify", None),
        (classify, "predict", "classify"),
        (texts, "predict", None),  # texts are no Examples, though in the same model
        (texts, "regress", "predict"),
        (lambda inputs: {"outputs": parse(inputs), "other": parse(inputs)}, "predict", None),
    ],
)
def test_methods(save, quick, function, method, needed):
    path = save(serving_default=(half, FLOAT), on_examples=(regress, TEXT), it=(function, TEXT),
                methods={"it": method, "on_examples": "regress"})  # fmt: skip
    _, refusals, _ = check_saved_model(path)
    assert len(refusals) == (needed is not None)
    if needed:
        assert re.match(
            rf"'it': its method is 'tensorflow/serving/{method}', .* for 'tensorflow/serving/{needed}'. Change it by",
            refusals[0],
        )


def test_floats_that_look_like_whole_numbers(save, quick):
    names = ["id", "token_ids", "item_index", "category", "lengths"]
    path = save(
        serving_default=(lambda *x: {"y": x[0]}, *(tf.TensorSpec([None], tf.float32, name=name) for name in names)),
        good=(lambda *x: {"y": x[1]}, tf.TensorSpec([None], tf.int32, name="id"), FLOAT,
              tf.TensorSpec([None], tf.float32, name="width"), tf.TensorSpec([None], tf.float32, name="grid")),
    )  # fmt: skip
    report = check_saved_model(path)
    assert not report.refusals
    found = [
        re.match(r"'serving_default': the input '(\w+)' is float32, .* int32 or int64", one) for one in report.warnings
    ]
    assert sorted(one[1] for one in found if one) == sorted(names)
    assert len(found) == len(names) + 1
    assert report.warnings[-1].startswith(f"There is no {EXAMPLES} to compare with. `export_saved_model` writes one")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"outputs": {"y": [0.0, 0.25, 0.50001]}},
            r"Example 2 .* 'serving_default': .*differ by up to 1e-05. Export again",
        ),
        ({"outputs": {"y": [0.0, 0.25]}}, r"Example 2 .*with shape \(3,\), the model with \(2,\)"),
        ({"outputs": {}}, r"Example 2 .* outputs \['y'\]"),
        ({"outputs": {"z": [0.0]}}, r"examples.json does not fit the signatures, KeyError\('z'\). Export again"),
        ({"inputs": {"z": [0.0]}}, r"does not fit the signatures, KeyError\('z'\)"),
        ({"signature_name": "other"}, r"does not fit the signatures, KeyError\('other'\)"),
        ({"inputs": [1.0]}, r"does not fit the signatures, AttributeError"),
        ({"inputs": {"x": ["a"]}}, r"examples.json cannot be read, A tensor of float32 must be"),
    ],
)
def test_examples_that_it_does_not_answer_so(save, quick, changes, message):
    _, refusals, _ = check_saved_model(save([example(), example(**changes)], serving_default=(half, FLOAT)))
    assert len(refusals) == 1
    assert re.search(message, refusals[0])


def test_examples_in_strings_and_within_the_tolerance(save, quick):
    def both(x):
        return {"y": x / 2, "name": tf.fill(tf.shape(x), b"\xff")}

    outputs = {"y": [0.0, 0.25, 0.500004], "name": [{"b64": "/w=="}] * 3}
    path = save([example(outputs=outputs)], serving_default=(both, FLOAT))
    assert not check_saved_model(path).refusals
    write_json(path / EXAMPLES, [example(outputs={**outputs, "name": ["a"] * 3})])
    assert "answers 'name' otherwise" in check_saved_model(path).refusals[0]
    (path / EXAMPLES).write_text(json.dumps([example()])[:-4])
    assert re.match(r".*examples.json cannot be read, .*line 1 .* Export again\.", check_saved_model(path).refusals[0])


def test_what_fails_in_a_fresh_process(save, monkeypatch):
    def fail(*_):
        raise RuntimeError("It does not answer:\nTraceback\n  File\nImportError: no keras\n\t [[{{node x}}]]")

    monkeypatch.setattr(check, "measure_in_fresh_process", fail)
    _, refusals, _ = check_saved_model(save(serving_default=(half, FLOAT)))
    assert refusals == ["It fails in a fresh process without Keras: ImportError: no keras. Export again."]
