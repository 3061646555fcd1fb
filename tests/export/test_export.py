import json
import sys
import threading
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from rnn_tf import ElmanCell, SequenceClassifier, SequenceRegressor, TextClassifier, export_saved_model
from rnn_tf.export import answer_in_fresh_process, export, verify
from rnn_tf.export.feeds import make_feed
from rnn_tf.export.json_tensors import from_json

X = np.random.default_rng(5).normal(300, 50, size=[64, 4, 2]).astype("float32")


def adapted(**arguments):
    model = SequenceRegressor(**{"units": 4, "horizon": 2, **arguments})
    model.adapt(X, X * 2 if model.head.at_every_step else X[:, -1] * 2)
    return model


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"cell": "gru", "dropout": 0.1},
        {"units": [4, 3], "cell": "lstm", "return_sequences": True},
        {"units": None, "cell": ElmanCell(4, output_units=3), "relative": True},
        {"dtype": "mixed_bfloat16"},
    ],
    ids=str,
)
def test_answers_as_the_model_does(arguments, tmp_path, in_this_process):
    arguments = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(arguments))
    model = adapted(**arguments)
    path = export_saved_model(model, tmp_path / "model", examples=X[:3])
    assert path == str(tmp_path / "model" / "1")
    signature = tf.saved_model.load(path).signatures["serving_default"]
    assert signature.structured_input_signature[1] == {
        "sequences": tf.TensorSpec([None, 4, 2], tf.float32, name="sequences")
    }
    for batch in (1, 3, 64):
        answer = signature(sequences=tf.constant(X[:batch]))
        assert list(answer) == ["forecast"]
        np.testing.assert_allclose(answer["forecast"], model(X[:batch]), rtol=1e-5)
    operations = {node.op for node in tf.saved_model.load(path).signatures["serving_default"].graph.as_graph_def().node}
    assert not {op for op in operations if "Cudnn" in op or "PyFunc" in op or "Xla" in op}


def test_a_fresh_process_without_keras_answers(tmp_path):
    model = adapted()
    path = export_saved_model(model, tmp_path / "model", metadata={"column": "温度"})
    one, many = answer_in_fresh_process(
        path, [("serving_default", {"sequences": X[:1]}), ("serving_default", {"sequences": X})]
    )
    np.testing.assert_allclose(one["forecast"], model(X[:1]), rtol=1e-5)
    np.testing.assert_allclose(many["forecast"], model(X), rtol=1e-5)
    assert json.loads((tmp_path / "model/1/assets.extra/rnn_tf.json").read_text("utf-8")) == {"column": "温度"}
    with pytest.raises(RuntimeError, match="does not answer in a fresh process"):
        answer_in_fresh_process(path, [("serving_default", {"other": X})])


def test_versions_count_up_and_leave_others_alone(tmp_path, in_this_process):
    folder = tmp_path / "model"
    (folder / "7").mkdir(parents=True)
    (folder / "notes").mkdir()
    assert [export_saved_model(adapted(), folder) for _ in range(2)] == [str(folder / "8"), str(folder / "9")]
    assert sorted(path.name for path in folder.iterdir()) == ["7", "8", "9", "notes"]


@pytest.mark.parametrize("failure", ["wrong answer", "interrupted", "disk full"])
def test_a_failure_leaves_nothing_behind(failure, tmp_path, monkeypatch, in_this_process):
    def fail(*arguments):
        raise {"interrupted": KeyboardInterrupt(), "disk full": OSError(28, "No space left on device")}[failure]

    if failure == "wrong answer":
        answer = export.answer_in_fresh_process
        monkeypatch.setattr(
            export, "answer_in_fresh_process", lambda *a: [{k: v + 1 for k, v in one.items()} for one in answer(*a)]
        )
    else:
        monkeypatch.setattr(export.versions, "publish", fail)
    expected = {"wrong answer": RuntimeError, "interrupted": KeyboardInterrupt, "disk full": OSError}[failure]
    with pytest.raises(expected, match="otherwise than the model" if failure == "wrong answer" else None):
        export_saved_model(adapted(), tmp_path / "new" / "model")
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "old" / "1").mkdir(parents=True)
    with pytest.raises(expected):
        export_saved_model(adapted(), tmp_path / "old")
    assert [path.name for path in (tmp_path / "old").iterdir()] == ["1"]


def test_comparison_is_strict_about_names_shapes_and_nan():
    wanted = [{"a": np.ones([2, 1])}]
    verify.check_equal([{"a": np.ones([2, 1]) + 1e-7}], wanted)
    for answer in ({"b": np.ones([2, 1])}, {"a": np.ones([1, 1])}, {"a": np.full([2, 1], np.nan)}):
        with pytest.raises(RuntimeError):
            verify.check_equal([answer], wanted)


def test_bad_input(tmp_path):
    with pytest.raises(TypeError, match=r"must be a keras.Model. Received: Dense"):
        export_saved_model(keras.layers.Dense(1), tmp_path)
    with pytest.raises(ValueError, match="no weights yet"):
        export_saved_model(SequenceRegressor(4), tmp_path)
    with pytest.raises(ValueError, match="must be local"):
        export_saved_model(adapted(), "gs://bucket/model")
    with pytest.raises(ValueError, match=r"must name the inputs \['sequences'\]. Received: \['x'\]"):
        export_saved_model(adapted(), tmp_path, examples={"x": X})
    with pytest.raises(ValueError, match=r"must have shape .* Received: shape \(64, 4, 1\)"):
        export_saved_model(adapted(), tmp_path, examples=X[..., :1])
    (tmp_path / "file").write_text("")
    for folder in (tmp_path / "file", tmp_path / "file" / "model"):
        with pytest.raises(NotADirectoryError, match="must be a folder"):
            export_saved_model(adapted(), folder)
    with pytest.raises(OSError, match="Choose a folder that you may write to"):
        export_saved_model(adapted(), "/proc/model")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def stored(path):
    return json.loads(Path(path, "assets.extra/examples.json").read_text("utf-8"))


def test_what_lies_beside_the_model(tmp_path, in_this_process):
    model = SequenceRegressor(units=3)
    model.adapt(X, X[:, -1, :1])
    path = export_saved_model(model, tmp_path / "sales", examples=X, examples_api=True, streaming=True, warmup=(1, 5))
    calls = stored(path)
    assert [call["signature_name"] for call in calls] == [
        name for name in ("serving_default", "regress", "step", "step") for _ in range(2)
    ]
    signatures = tf.saved_model.load(path).signatures
    for call in calls:
        signature = signatures[call["signature_name"]]
        specs = signature.structured_input_signature[1]
        answer = signature(
            **{name: tf.constant(from_json(value, specs[name].dtype)) for name, value in call["inputs"].items()}
        )
        for name, value in call["outputs"].items():
            np.testing.assert_allclose(answer[name], value, rtol=1e-5)
    np.testing.assert_allclose(calls[0]["outputs"]["forecast"], model(X), rtol=1e-5)
    logs = tf.data.TFRecordDataset(f"{path}/assets.extra/tf_serving_warmup_requests")
    assert len(list(logs)) == 3 * 2
    plain = export_saved_model(model, tmp_path / "plain", warmup=())
    assert sorted(tf.saved_model.load(plain).signatures) == ["serving_default"]
    assert [file.name for file in Path(plain, "assets.extra").iterdir()] == ["examples.json"]


def test_an_answer_writes_nothing(tmp_path, in_this_process):
    """Keras's layers draw the masks of a dropout that they do not use, which writes the seed."""
    text = TextClassifier(["a", "b"], 2, units=3, cell="gru", dropout=0.5, recurrent_dropout=0.5, word_dropout=0.3)
    text.build((None, None))
    for name, model in (("a", adapted(cell="lstm", dropout=0.5, recurrent_dropout=0.5)), ("b", text)):
        path = export_saved_model(model, tmp_path / name)
        graph = tf.saved_model.load(path).signatures["serving_default"].graph.as_graph_def()
        nodes = [*graph.node, *(node for function in graph.library.function for node in function.node_def)]
        assert not [node.op for node in nodes if "Assign" in node.op or "Random" in node.op]


def test_padding_of_a_batching_server_changes_nothing(tmp_path, in_this_process):
    model = SequenceRegressor(units=4, horizon=2)
    model.build([None, None, 2])
    model.adapt(X, X[:, -1])
    examples = {"sequences": X, "lengths": np.resize([2, 4, 3], 64)}
    path = export_saved_model(model, tmp_path, examples=examples)
    signature = tf.saved_model.load(path).signatures["serving_default"]
    alone = signature(sequences=tf.constant(X[:1, :2]), lengths=tf.constant([2]))["forecast"]
    np.testing.assert_allclose(alone, model(X[:1, :2]), rtol=1e-5)
    padded = np.full([3, 9, 2], np.nan, np.float32)
    padded[0, :2], padded[1], padded[2, :4] = X[0, :2], 1, X[2]
    together = signature(sequences=tf.constant(padded), lengths=tf.constant([2, 9, 4]))["forecast"]
    np.testing.assert_allclose(together[0], alone[0], rtol=1e-5)
    np.testing.assert_allclose(together[2], model(X[2:3])[0], rtol=1e-5)


def test_a_dataset_of_many_lengths_leaves_the_length_open(tmp_path):
    batches = [(X, X[:, -1]), (X[:, :2], X[:, 1])]
    spec = (tf.TensorSpec([None, None, 2]), tf.TensorSpec([None, 2]))
    dataset = tf.data.Dataset.from_generator(lambda: batches, output_signature=spec)
    for normalize in (True, False):
        model = SequenceRegressor(units=3, horizon=2, normalize=normalize)
        model.compile(optimizer="sgd", loss="mse")
        model.fit(dataset.apply(tf.data.experimental.assert_cardinality(2)), epochs=1, verbose=0)
        assert [one.name for one in model.serving_signatures().predict.inputs] == ["sequences", "lengths"]
    relative = SequenceRegressor(units=3, relative=True)
    relative.build([None, None, 2])
    path = export_saved_model(relative, tmp_path / "relative")
    answer = tf.saved_model.load(path).signatures["serving_default"]
    for length in (1, 3):  # the last value is that of the length, whatever stands behind it
        x = np.float32([[[5, 1], [7, 2], [9, 3], [np.nan, np.nan]]])[:, : length + 1].copy()
        got = answer(sequences=tf.constant(x), lengths=tf.constant([length]))["forecast"]
        np.testing.assert_allclose(got, relative.predict(x[:, :length], verbose=0), rtol=1e-5)


class Subclassed(keras.Model):
    """Ids to a number, as people write models."""

    def __init__(self, **spec):
        super().__init__()
        self.embedding = keras.layers.Embedding(9, 3)
        self.head = keras.layers.Dense(1)
        if spec:
            self.input_spec = keras.layers.InputSpec(**spec)

    def call(self, ids):
        return self.head(self.embedding(ids))[:, 0]


def test_keras_models_of_ones_own(tmp_path, in_this_process):
    sequential = keras.Sequential([keras.Input([5]), keras.layers.Dense(1, activation="sigmoid")])
    a, b = keras.Input([3], name="a"), keras.Input([2], dtype="int32", name="b")
    answers = {"sum": keras.layers.Dense(1)(a), "vectors": keras.layers.Embedding(4, 2)(b)}
    vocabulary = keras.layers.TextVectorization(vocabulary=["good", "bad"], output_sequence_length=3)
    texts = keras.Sequential(
        [
            keras.Input([], dtype="string", name="text"),
            vocabulary,
            keras.layers.Embedding(4, 3),
            keras.layers.GlobalAveragePooling1D(),
            keras.layers.Dense(2, activation="softmax"),
        ]
    )
    subclassed = Subclassed(dtype="int32", shape=(None, 4), name="ids")
    subclassed(np.ones([2, 4], "int32"))
    expected = [
        (sequential, {}, {"inputs": tf.float32}, {"outputs": (4, 1)}, "regress"),
        (sequential, {"labels": ["no", "yes"]}, {"inputs": tf.float32}, CLASSIFIER, "classify"),
        (keras.Model({"a": a, "b": b}, answers), {}, AB, {"sum": (4, 1), "vectors": (4, 2, 2)}, None),
        (keras.Model([a, b], list(answers.values())), {}, AB, {"outputs_0": (4, 1), "outputs_1": (4, 2, 2)}, None),
        (texts, {"labels": ["no", "yes"]}, {"text": tf.string}, CLASSIFIER, "classify"),
        (subclassed, {}, {"ids": tf.int32}, {"outputs": (4, 1)}, "regress"),
    ]
    for number, (model, arguments, inputs, outputs, method) in enumerate(expected):
        path = export_saved_model(model, tmp_path / f"model_{number}", examples_api=method is not None, **arguments)
        signatures = tf.saved_model.load(path).signatures
        assert set(signatures) == {"serving_default", method} - {None}
        specs = signatures["serving_default"].structured_input_signature[1]
        assert {name: spec.dtype for name, spec in specs.items()} == inputs
        assert all(spec.shape[0] is None for spec in specs.values())
        assert {name: np.shape(value) for name, value in stored(path)[0]["outputs"].items()} == outputs


CLASSIFIER = {"label": (4,), "probabilities": (4, 2), "classes": (4, 2)}
AB = {"a": tf.float32, "b": tf.int32}


def test_one_probability_stands_for_two_labels(tmp_path, in_this_process):
    model = keras.Sequential([keras.Input([1]), keras.layers.Dense(1, activation="sigmoid")])
    model.layers[0].set_weights([np.ones([1, 1]), np.zeros(1)])
    path = export_saved_model(model, tmp_path, labels=["no", "yes"])
    answer = tf.saved_model.load(path).signatures["serving_default"](inputs=tf.constant([[-2.0], [3.0]]))
    assert answer["label"].numpy().tolist() == [b"no", b"yes"]
    np.testing.assert_allclose(answer["probabilities"][:, 1], 1 / (1 + np.exp([2.0, -3.0])), rtol=1e-5)


@pytest.mark.parametrize(
    "model",
    [SequenceRegressor(4), SequenceClassifier(4, ["a", "b"]), TextClassifier(["a", "b"], ["x", "y"], units=3)],
    ids=lambda model: type(model).__name__,
)
def test_keras_own_export_writes_the_same_signature(model, tmp_path, capfd):
    model.build((None, None) if isinstance(model, TextClassifier) else (None, 4, 2))
    model.export(tmp_path / "keras", verbose=False)
    signature = tf.saved_model.load(str(tmp_path / "keras")).signatures["serving_default"]
    declared = model.serving_signatures().predict
    assert signature.structured_input_signature[1] == {spec.name: spec for spec in declared.inputs}
    feed = make_feed(declared.inputs, None)
    answer = {name: value.numpy() for name, value in signature(**{k: tf.constant(v) for k, v in feed.items()}).items()}
    verify.check_equal([answer], [declared.answer(feed)])
    assert capfd.readouterr().out == ""


def test_keep_and_version(tmp_path, in_this_process):
    model = adapted()
    for version in (3, None, 20):
        path = export_saved_model(model, tmp_path / "m", version=version, keep=2)
    assert path == str(tmp_path / "m" / "20")
    assert sorted(path.name for path in (tmp_path / "m").iterdir()) == ["20", "4"]
    before = sorted((tmp_path / "m").rglob("*"))
    for arguments, error, message in [
        ({"version": 20}, FileExistsError, "never overwritten"),
        ({"version": 0}, ValueError, "`version` must be a positive integer. Received: version=0"),
        ({"version": "latest"}, ValueError, "Received: version='latest'"),
        ({"version": 5, "keep": 1}, ValueError, "would remove the version.* version=5, keep=1, with 20 in"),
        ({"keep": 0}, ValueError, "`keep` must be a positive integer"),
        ({"warmup": [0]}, ValueError, "`warmup` must be a positive integer"),
    ]:
        with pytest.raises(error, match=message):
            export_saved_model(model, tmp_path / "m", **arguments)
    assert sorted((tmp_path / "m").rglob("*")) == before
    for _ in range(2):  # no name is special
        path = export_saved_model(model, tmp_path / "golden_retriever", keep=1)
    assert [str(one) for one in (tmp_path / "golden_retriever").iterdir()] == [path]


def test_a_full_disk(tmp_path, run_python):
    """A limit on the size of a file, which TensorFlow runs into as it would into the end of a disk."""
    code = f"""
import resource, signal
from rnn_tf import SequenceRegressor, export_saved_model
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
model = SequenceRegressor(units=16)
model.build([None, 4, 1])
resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))
try:
    export_saved_model(model, {str(tmp_path / "new" / "m")!r})
except OSError as error:
    print(error)
"""
    assert "Nothing was published" in run_python(code)
    assert list(tmp_path.iterdir()) == []


def test_bad_models_and_examples(tmp_path):
    plain = keras.Sequential([keras.layers.Dense(1)])
    with pytest.raises(ValueError, match=r"no weights yet\. Received: a Sequential"):
        export_saved_model(plain, tmp_path / "m")
    model = Subclassed()
    model(np.ones([2, 4], "int32"))
    with pytest.raises(ValueError, match=r"Subclassed does not say what it takes.* keras.Input\(shape"):
        export_saved_model(model, tmp_path / "m")
    inputs = [keras.Input([1]), keras.Input([2])]
    nameless = keras.Model(inputs, keras.layers.Concatenate()(inputs))
    with pytest.raises(ValueError, match="Every input needs a name"):
        export_saved_model(nameless, tmp_path / "m")
    for arguments, message in [
        ({"labels": ["a"]}, r"`labels` are for Keras models of your own; SequenceRegressor declares"),
        ({"examples_api": True}, r"one number for each example.* forecast \('batch', 2\)"),
        ({"examples": np.zeros([0, 4, 2])}, "must have shape"),
        ({"examples": [["a"]]}, "must be an array of float32"),
        ({"examples": [[[1.0, 2.0]], [[1.0, 2.0]] * 2]}, "rows of different lengths"),
    ]:
        with pytest.raises(ValueError, match=message):
            export_saved_model(adapted(), tmp_path / "m", **arguments)
    probabilities = keras.Sequential([keras.Input([2]), keras.layers.Dense(3, activation="softmax")])
    with pytest.raises(ValueError, match=r"`labels` must name the model's 3 classes.* Received: \['a', 'b'\]"):
        export_saved_model(probabilities, tmp_path / "m", labels=["a", "b"])
    logits = keras.Sequential([keras.Input([2]), keras.layers.Dense(2)])
    with pytest.raises(ValueError, match="none is negative, and each row sums to 1"):
        export_saved_model(logits, tmp_path / "m", labels=["a", "b"])
    variable = keras.Sequential([keras.Input([None, 2]), keras.layers.SimpleRNN(1)])
    with pytest.raises(ValueError, match="`examples_api` needs inputs of fixed shape"):
        export_saved_model(variable, tmp_path / "m", examples_api=True)
    classifier = SequenceClassifier(3)
    classifier.build([None, None, 2])
    for examples, message in [
        ({"sequences": X}, r"must name the inputs \['sequences', 'lengths'\]"),
        ({"sequences": X, "lengths": [4]}, "same number of rows"),
    ]:
        with pytest.raises(ValueError, match=message):
            export_saved_model(classifier, tmp_path / "m", examples=examples)
    assert not (tmp_path / "m").exists()


@keras.saving.register_keras_serializable(package="tests")
class Categories(keras.layers.Layer):
    """Strings to vectors, with a vocabulary of its own."""

    def __init__(self):
        super().__init__()
        self.parts = [keras.layers.StringLookup(vocabulary=["a", "b"]), keras.layers.Embedding(4, 2)]

    def call(self, texts):
        for part in self.parts:
            texts = part(texts)
        return texts


def test_keras_models_that_are_harder(tmp_path, in_this_process):
    """A vocabulary in a layer of one's own, half precision, nested inputs, lengths that are no sequence's, NaN."""
    words = keras.Input([], dtype="string", name="word")
    lookup = keras.Model(words, keras.layers.Dense(1)(Categories()(words)))
    half = keras.Sequential(
        [keras.Input([30, 8], name="x"), keras.layers.LSTM(64), keras.layers.Dense(3, activation="softmax")]
    )
    keras.config.set_dtype_policy("mixed_bfloat16")
    mixed = keras.Sequential(
        [keras.Input([30, 8], name="x"), keras.layers.LSTM(64), keras.layers.Dense(3, activation="softmax")]
    )
    keras.config.set_dtype_policy("float32")
    a, b, c = (keras.Input([size], name=name) for size, name in ((1, "a"), (2, "b"), (3, "c")))
    nested = keras.Model([a, {"b": b, "c": c}], keras.layers.Concatenate()([a, b, c]))
    fish = keras.Input([1], name="lengths")
    weights = keras.Model([a, fish], keras.layers.Add()([a, fish]))
    logarithm = keras.Sequential([keras.Input([2]), keras.layers.Lambda(keras.ops.log)])
    for number, (model, arguments) in enumerate(
        [
            (lookup, {"examples_api": True}),
            (half, {"labels": [0, 1, 2], "examples_api": True}),
            (mixed, {"labels": [0, 1, 2], "examples_api": True}),
            (nested, {}),
            (weights, {"examples_api": True}),
            (logarithm, {}),
        ]
    ):
        path = export_saved_model(model, tmp_path / f"model_{number}", **arguments)
        specs = tf.saved_model.load(path).signatures["serving_default"]
        for spec in (*specs.structured_input_signature[1].values(), *specs.structured_outputs.values()):
            assert spec.dtype in (tf.float32, tf.string)


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_half_precision_exports_at_real_sizes(policy, tmp_path, in_this_process):
    model = TextClassifier(["some", "text"], 2, units=64, dtype=policy)
    model.build((None, None))
    export_saved_model(model, tmp_path / "texts")
    model = SequenceRegressor(units=[64, 32], cell="lstm", dtype=policy)
    model.adapt(np.random.default_rng(0).normal(300, 50, size=[64, 20, 8]), np.ones([64, 1]))
    export_saved_model(model, tmp_path / "series", streaming=True)


def test_sequences_as_fit_takes_them(tmp_path, in_this_process):
    model = SequenceClassifier(units=3)
    model.build([None, None, 2])
    rows = [X[0], X[1, :2], X[2, :0]]
    path = export_saved_model(model, tmp_path, examples=rows, examples_api=True)
    calls = stored(path)
    assert calls[0]["inputs"]["lengths"] == [4, 2, 0]
    assert len(calls[2]["inputs"]["inputs"]) == 2  # an Example has a step at least
    signature = tf.saved_model.load(path).signatures["serving_default"]
    for lengths in ([2], [1, 2, 3, 4]):
        with pytest.raises(tf.errors.InvalidArgumentError, match="Each sequence must have one length"):
            signature(sequences=tf.constant(X[:3]), lengths=tf.constant(lengths))
    with pytest.raises(tf.errors.InvalidArgumentError, match="must not be larger than the number of steps"):
        signature(sequences=tf.constant(X[:3]), lengths=tf.constant([2, 5, 4]))


def test_exports_in_threads_leave_the_output_alone(tmp_path, in_this_process):
    before, paths = sys.stdout, []
    models = [adapted() for _ in range(4)]
    threads = [
        threading.Thread(target=lambda model=model: paths.append(export_saved_model(model, tmp_path)))
        for model in models
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sys.stdout is before
    assert sorted(paths) == [str(tmp_path / str(version)) for version in (1, 2, 3, 4)]


def test_a_cell_that_trains_by_default_streams_as_it_answers(tmp_path):
    cell = TrainsByDefault()
    model = SequenceRegressor(cell=cell)
    model.adapt(X, X[:, -1, :1])
    step, state = model.serving_signatures().step, {"state_0_0": np.zeros([64, 1], np.float32)}
    for t in range(4):
        answers = step.answer({"inputs": X[:, t], **state})
        state = {"state_0_0": answers["next_state_0_0"]}
    np.testing.assert_allclose(answers["forecast"], model(X), rtol=1e-5)
    np.testing.assert_allclose(model.hidden_states(X)[0][:, -1], state["state_0_0"], rtol=1e-5)


class TrainsByDefault(keras.layers.Layer):
    state_size = 1

    def call(self, inputs, states, training=True):
        new = states[0] + keras.ops.sum(inputs, axis=1, keepdims=True) + 4.0 * training
        return new, [new]


def test_what_a_server_could_not_share_out_is_refused(tmp_path):
    def model(function):
        return keras.Sequential([keras.Input([2], name="x"), keras.layers.Lambda(function)])

    state = keras.Sequential([keras.Input(batch_shape=[1, 4, 2]), keras.layers.GRU(2, stateful=True)])
    for one, arguments, message in [
        (model(keras.ops.mean), {}, r"a row for each row of the inputs.* 'outputs' of 'serving_default', float32 of"),
        (model(lambda x: {"y": {"z": x}}), {}, "a dict of tensors by name. Received: dict under 'y'"),
        (model(lambda x: keras.ops.log(x) + tf.debugging.assert_all_finite(x, "no") * 0 + tf.ones([3, 1])),
         {}, r"must answer the made-up examples, x \(4, 2\)"),
        (state, {}, "whose layer 'gru.*' is stateful"),
        (model(keras.ops.tanh), {"labels": ["a", "b"]}, "none is negative"),
        (model(lambda x: x[:, :1]), {"labels": ["a", "b"]}, "none is negative"),
        (model(keras.ops.tanh), {"labels": "ab"}, "`labels` must be a list of the classes' names"),
        (model(keras.ops.tanh), {"labels": ["a", "a"]}, "each once"),
        (model(keras.ops.tanh), {"labels": [True, False]}, "`labels` must be a list"),
        (model(keras.ops.tanh), {"warmup": "32"}, "`warmup` must be a list of batch sizes"),
        (model(keras.ops.tanh), {"warmup": 5}, "`warmup` must be a list of batch sizes"),
        (model(keras.ops.tanh), {"warmup": [1] * 400}, "none to 333 of them"),
        (model(keras.ops.tanh), {"metadata": ["a"]}, "`metadata` must be a dict"),
        (model(keras.ops.tanh), {"metadata": {"a": np.int64(1)}}, "`metadata` must be a dict of what JSON holds"),
        (model(keras.ops.tanh), {"metadata": {"a": float("nan")}}, "`metadata` must be a dict of what JSON holds"),
    ]:  # fmt: skip
        with pytest.raises(ValueError, match=message):
            export_saved_model(one, tmp_path / "m", **arguments)
    for name in ("my price", "价格", "self"):
        odd = keras.Sequential([keras.Input([2], name=name), keras.layers.Dense(1)])
        with pytest.raises(ValueError, match=f"Every input needs a name.* Received: '{name}'"):
            export_saved_model(odd, tmp_path / "m")
    with pytest.raises(ValueError, match="TensorFlow takes"):
        export_saved_model(model(keras.ops.tanh), tmp_path / "m*")
    with pytest.raises(ValueError, match="must be local"):
        export_saved_model(model(keras.ops.tanh), "GS://bucket/m")
    with pytest.raises(ValueError, match=r"writes files, which a tf\.function cannot"):
        tf.function(lambda: export_saved_model(model(keras.ops.tanh), tmp_path / "m"))()
    assert not (tmp_path / "m").exists()


def test_examples_that_do_not_fit_are_told_of(tmp_path, in_this_process):
    model = SequenceRegressor(units=3)
    model.build([None, None, 2])
    path = export_saved_model(model, tmp_path, examples_api=True)
    regress = tf.saved_model.load(path).signatures["regress"]
    for numbers in ([1.0, 2.0, 3.0], []):
        feature = tf.train.Feature(float_list=tf.train.FloatList(value=numbers))
        example = tf.train.Example(features=tf.train.Features(feature={"sequences": feature}))
        with pytest.raises(tf.errors.InvalidArgumentError, match="must hold 2 values a step, and at least one"):
            regress(inputs=tf.constant([example.SerializeToString()]))
