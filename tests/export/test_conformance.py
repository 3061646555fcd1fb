"""Exports as others load them: a Python without Keras, a session of TensorFlow 1, and a C program.

All models are exported once, and each of the three answers all requests in one go.
"""

import re
import subprocess
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

import keras
import numpy as np
import pytest
import tensorflow as tf
from loaders import LOADERS, as_numbers, as_tensor, as_text, compile_c, read_meta_graph

from rnn_tf import SequenceClassifier, SequenceRegressor, TextClassifier, export_saved_model
from rnn_tf.export import export

HERE = Path(__file__).parent
OPERATIONS = set((HERE / "ops_2_18.txt").read_text("utf-8").splitlines()[1:])

INPUTS = {
    "SequenceRegressor": ["sequences"],
    "SequenceRegressor of any length": ["sequences", "lengths"],
    "SequenceClassifier": ["sequences", "lengths"],
    "TextClassifier": ["text"],
}
CELLS = ["elman", "gru", "lstm", "lru", "own"]
MODELS = list(product(INPUTS, CELLS))
BATCHES = (1, 3, 64)
CLASSES = ["good", "不好", "undecided"]

rng = np.random.default_rng(3)
SEQUENCES = rng.normal([300, -2], [50, 0.1], size=[64, 5, 2]).astype("float32")
LENGTHS = np.resize([3, 5, 2], 64).astype("int32")
PADDED = np.where((np.arange(5) < LENGTHS[:, np.newaxis])[..., np.newaxis], SEQUENCES, np.float32(np.nan))
WORDS = ["good", "food", "bad", "好吃", "不", "!", "unseen", "😀"]
TEXTS = np.array([" ".join(rng.choice(WORDS, size=row % 7)).encode() for row in range(64)], object)
TEXTS[:3] = [b"bad food !", b"good \xff food", b""]


@keras.saving.register_keras_serializable("tests")
class Leaky(keras.layers.Layer):
    """A cell of a user's own: h_t = (h_{t-1} + tanh(W x_t)) / 2, whose output is not its state."""

    def __init__(self, units, **kwargs):
        super().__init__(**kwargs)
        self.units = self.state_size = units

    def build(self, shape):
        self.kernel = self.add_weight(shape=(shape[-1], self.units), name="kernel")

    def call(self, inputs, states):
        hidden = (states[0] + keras.ops.tanh(inputs @ self.kernel)) / 2
        return hidden + 1, [hidden]


def make(kind, cell):
    network = {"cell": Leaky(3)} if cell == "own" else {"cell": cell, "units": 3}
    if kind == "TextClassifier":
        model = TextClassifier(WORDS[:6], CLASSES, embedding_size=4, bidirectional=cell == "lstm", **network)
        model.build([None, None])
    elif kind == "SequenceClassifier":
        model = SequenceClassifier(classes=CLASSES, **network)
        model.adapt({"sequences": PADDED, "lengths": LENGTHS})
    else:
        model = SequenceRegressor(**network)
        model.build([None, None if "lengths" in INPUTS[kind] else 5, 2])
        model.adapt(SEQUENCES, SEQUENCES.mean(axis=1)[:, :1])
    return model


def live_answers(model, has_lengths):
    """What the model gives for all rows, called and by `predict`."""
    if isinstance(model, TextClassifier):
        return model(model.vectorize(list(TEXTS))).numpy(), model.predict(TEXTS, verbose=0)
    if isinstance(model, SequenceClassifier):
        inputs = {"sequences": PADDED, "lengths": LENGTHS}
        return model(inputs).numpy(), model.predict(inputs, verbose=0)
    answers = np.empty([2, 64, 1], "float32")
    lengths = LENGTHS if has_lengths else np.full(64, 5)
    for length in np.unique(lengths):  # rows of one length, without padding
        rows = lengths == length
        inputs = SEQUENCES[rows, :length]
        answers[:, rows] = model(inputs), model.predict(inputs, verbose=0)
    return answers


def outputs(signature, answers):
    """Outputs of a signature by name, from what the model gives."""
    names = np.array([name.encode() for name in CLASSES], object)
    if signature == "regress":
        return {"outputs": answers}
    if signature == "classify":
        return {"classes": np.tile(names, [len(answers), 1]), "scores": answers}
    if answers.shape[1] == 1:
        return {"forecast": answers}
    label = names[answers.argmax(axis=1)]
    return {"label": label, "probabilities": answers, "classes": np.tile(names, [len(answers), 1])}


def as_examples(sequences=None, lengths=None, text=None):
    """Serialised `tf.train.Example`s: all numbers of a row, step after step, as far as it goes, or its text."""
    if text is not None:
        features = {"text": [tf.train.Feature(bytes_list=tf.train.BytesList(value=[row])) for row in text]}
    else:
        rows = sequences if lengths is None else [row[:n] for row, n in zip(sequences, lengths, strict=True)]
        floats = [tf.train.FloatList(value=row.ravel()) for row in rows]
        features = {"sequences": [tf.train.Feature(float_list=row) for row in floats]}
    ((name, column),) = features.items()
    examples = [tf.train.Example(features=tf.train.Features(feature={name: row})) for row in column]
    return np.array([example.SerializeToString() for example in examples], object)


class Request(NamedTuple):
    """Inputs of a signature, and what the model answers to them, called and by `predict`."""

    signature: str
    feed: dict[str, np.ndarray]
    expected: list[dict[str, np.ndarray]]


class Export(NamedTuple):
    path: str
    meta_graph: Any  # a protocol buffer: signatures and graph
    requests: list[Request]


def make_requests(kind, model):
    has_lengths = "lengths" in INPUTS[kind]
    columns = {"sequences": PADDED if has_lengths else SEQUENCES, "lengths": LENGTHS, "text": TEXTS}
    answers = live_answers(model, has_lengths)
    for rows in BATCHES:
        feed = {name: columns[name][:rows] for name in INPUTS[kind]}
        for signature, inputs in {
            "serving_default": feed,
            "regress" if "Regressor" in kind else "classify": {"inputs": as_examples(**feed)},
        }.items():
            yield Request(signature, inputs, [outputs(signature, answer[:rows]) for answer in answers])


@pytest.fixture(scope="module")
def unverified():
    """Exports without the proof that each of them brings, which takes seconds; the tests below are one for all."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(export, "answer_in_fresh_process", lambda *_: None)
        patch.setattr(export, "check_equal", lambda *_: None)
        yield


@pytest.fixture(scope="module")
def exports(unverified, tmp_path_factory):
    keras.utils.set_random_seed(0)
    folder = tmp_path_factory.mktemp("exports")
    found = {}
    for kind, cell in MODELS:
        model = make(kind, cell)
        path = export_saved_model(model, folder / kind / cell, examples_api=True, warmup=())
        found[kind, cell] = Export(path, read_meta_graph(path), list(make_requests(kind, model)))
    return found


@pytest.fixture(scope="module", params=LOADERS)
def answers(request, exports, tmp_path_factory):
    models = {model: (one.path, [asked[:2] for asked in one.requests]) for model, one in exports.items()}
    return LOADERS[request.param](models, tmp_path_factory.mktemp(request.param))


@pytest.mark.parametrize("model", MODELS, ids=" ".join)
def test_answers_as_the_live_model(model, answers, exports):
    for asked, answer in zip(exports[model].requests, answers[model], strict=True):
        for expected in asked.expected:
            assert answer.keys() == expected.keys()
            for name, value in expected.items():
                assert answer[name].dtype == value.dtype
                if value.dtype == object:
                    np.testing.assert_array_equal(answer[name], value)
                else:
                    np.testing.assert_allclose(answer[name], value, rtol=0, atol=1e-5 * np.abs(value).max())


@pytest.mark.parametrize("model", MODELS, ids=" ".join)
def test_servers_know_its_methods_and_operations(model, exports):
    meta_graph = exports[model].meta_graph
    for asked in exports[model].requests:
        signature = meta_graph.signature_def[asked.signature]
        assert set(signature.inputs) == set(asked.feed)
        method = asked.signature.replace("serving_default", "predict")
        assert signature.method_name == f"tensorflow/serving/{method}"
    functions = meta_graph.graph_def.library.function
    nodes = [*meta_graph.graph_def.node, *(node for function in functions for node in function.node_def)]
    operations = {node.op for node in nodes} - {function.signature.name for function in functions}
    assert sorted(operations - OPERATIONS) == []
    assert [name for name in operations if re.search("Cudnn|PyFunc|Xla", name)] == []


@pytest.mark.parametrize("kind", INPUTS)
def test_takes_examples_only_if_asked_to(kind, tmp_path, unverified):
    path = export_saved_model(make(kind, "own"), tmp_path, warmup=())
    assert not {"regress", "classify"} & set(read_meta_graph(path).signature_def)


@pytest.fixture(scope="module")
def of_any_length(unverified, tmp_path_factory):
    """Exports of the models that take lengths."""
    folder = tmp_path_factory.mktemp("lengths")
    kinds = [kind for kind, names in INPUTS.items() if "lengths" in names]
    return [export_saved_model(make(kind, "gru"), folder / kind.replace(" ", "_")) for kind in kinds]


@pytest.mark.parametrize(
    ("lengths", "message"),
    [
        ([-1, 5, 5], "A length must not be negative."),
        ([5, 5, -(2**31)], "A length must not be negative."),
        ([5, 6, 5], "A length must not be larger than the number of steps."),
        ([5, 5], "Each sequence must have one length."),
        ([5, 5, 5, 5], "Each sequence must have one length."),
    ],
)
def test_lengths_that_cannot_be_are_refused_by_every_loader(of_any_length, tmp_path, lengths, message):
    feed = {"sequences": SEQUENCES[:3], "lengths": np.int32(lengths)}
    for path in of_any_length:
        with pytest.raises(tf.errors.InvalidArgumentError, match=message):
            tf.saved_model.load(path).signatures["serving_default"](**{k: tf.constant(v) for k, v in feed.items()})
        with tf.Graph().as_default(), tf.compat.v1.Session() as session:
            signature = tf.compat.v1.saved_model.load(session, ["serve"], path).signature_def["serving_default"]
            fetches = [info.name for info in signature.outputs.values()]
            with pytest.raises(tf.errors.InvalidArgumentError, match=message):
                session.run(fetches, {signature.inputs[name].name: array for name, array in feed.items()})
    program = tmp_path / "run_saved_model"
    compile_c(program)
    job = as_text(path) + as_numbers(len(feed))
    job += b"".join(as_text(signature.inputs[name].name) + as_tensor(array) for name, array in feed.items())
    job += as_numbers(len(fetches)) + b"".join(map(as_text, fetches))
    process = subprocess.run([program], input=job, capture_output=True)
    assert process.returncode != 0
    assert message in process.stderr.decode()
