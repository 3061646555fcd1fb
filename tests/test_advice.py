"""What an error message advises works: each piece of advice in code, or as an option of a command, is followed here.

The first part walks the package's source for such messages. The table of what follows them is kept by hand; a message
that is not in it, and an entry whose message is gone, fail.
"""

import ast
import importlib.metadata
import io
import itertools
import re
import shlex
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import keras
import numpy as np
import pandas
import pytest
import tensorflow as tf

import rnn_tf as package
from rnn_tf import (
    RNN,
    ElmanCell,
    LanguageModel,
    LRUCell,
    MinGRUCell,
    SequenceClassifier,
    SequenceRegressor,
    TextClassifier,
    TextTagger,
    Trainer,
    _cluster,
    cli,
)
from rnn_tf import accelerate as accelerated
from rnn_tf.data import Texts, read_columns, read_series, read_tagged, split_texts, windows
from rnn_tf.data.series import load_series
from rnn_tf.data.tables import read_table
from rnn_tf.evaluation import classification_report, paired_difference, span_report
from rnn_tf.export import export_saved_model
from rnn_tf.training import gradient_reach
from rnn_tf.training.workers import Workers, check_can_share

ROOT = Path(package.__file__).parent
CODE = re.compile(r"`[^`]+`|--[a-z][\w-]*|\b\w+=(?!\{\}[.,; ])\S|\w\(|\w\[|pip install|rnn-tf ")


VERB = re.compile(r"(?:^|[.:;] )((?:give|set|call|make|use|write|name|choose|train|build)\b.*)", re.IGNORECASE)

TREES = {path: ast.parse(path.read_text(encoding="utf-8")) for path in sorted(ROOT.rglob("*.py"))}


def named_texts():
    """The constants of all modules, and what functions return, by name."""
    named = {}
    for node in (node for tree in TREES.values() for node in tree.body):
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            named.setdefault(node.targets[0].id, []).append(node.value)
        elif isinstance(node, ast.FunctionDef):
            returns = [one.value for one in ast.walk(node) if isinstance(one, ast.Return) and one.value]
            named.setdefault(node.name, []).extend(returns)
    return named


NAMED = named_texts()


def text(node, local, depth=0):
    """What an expression says, with {} for what only running it tells; of alternatives all of them."""
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else ""
    if isinstance(node, ast.JoinedStr):
        return "".join(text(one, local, depth) for one in node.values)
    if isinstance(node, ast.FormattedValue):
        return text(node.value, local, depth) or "{}"
    parts = {
        ast.BinOp: lambda: (node.left, node.right),
        ast.IfExp: lambda: (node.body, node.orelse),
        ast.Dict: lambda: node.values,
        ast.Tuple: lambda: node.elts,
    }.get(type(node))
    name = node.value if isinstance(node, ast.Subscript) else node.func if isinstance(node, ast.Call) else node
    if parts is None and isinstance(name, ast.Attribute) and isinstance(node, ast.Call):  # a method, as of a dict
        parts = lambda: (name.value, *node.args)  # noqa: E731 # like those above
    if parts is None and isinstance(name, ast.Name) and depth < 3:
        values, depth = local.get(name.id) or NAMED.get(name.id, []), depth + 1
        parts = lambda: values  # noqa: E731
    return " ".join(text(one, local, depth) for one in parts()) or "{}" if parts else "{}"


def messages():
    """Where each message is, and its advice: what comes after the sentence that says what was received."""
    for path, tree in TREES.items():
        functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
        for inner in (list(walk_top(tree)), *(list(ast.walk(function)) for function in functions)):
            local = {}
            for node in (node for node in inner if isinstance(node, ast.Assign)):
                for target in node.targets:
                    for one in target.elts if isinstance(target, ast.Tuple) else [target]:
                        if isinstance(one, ast.Name):
                            local.setdefault(one.id, []).append(node.value)
            for node in inner:
                call = node.exc if isinstance(node, ast.Raise) else None
                if isinstance(call, ast.Call) and call.args:
                    message = " ".join(text(one, local) for one in call.args)
                    yield f"{path.relative_to(ROOT)}:{node.lineno}", advice_of(message)


def walk_top(module):
    """The nodes of a module outside of its functions."""
    for node in module.body:
        if not isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            yield from ast.walk(node)


def advice_of(message):
    """What comes after the sentence that says what was received; and before it, what begins with such a verb."""
    rule, received, rest = message.partition("Received")
    if not received:
        return rule.partition(". ")[2] or rule
    before = VERB.findall(rule)
    after = re.split(r"(?:[.!]|\{\})\s+(?=[A-Z{`'])", rest, maxsplit=1)[1:]
    return " ".join([*before, *after])


FOLLOWED = {}


def follows(*fragments):
    """The test below follows the advice of the messages with these fragments."""

    def keep(function):
        for fragment in fragments:
            FOLLOWED[fragment] = function
        return function

    return keep


def test_every_message_with_advice_in_code_is_followed():
    missing = []
    for place, advice in dict(messages()).items():
        if CODE.search(advice) and not any(fragment in advice for fragment in FOLLOWED):
            missing.append(f"{place}: {advice}")
    assert missing == []


def test_every_entry_is_still_a_message():
    advice = [one for _, one in messages()]
    assert [fragment for fragment in FOLLOWED if not any(fragment in one for one in advice)] == []


def refused(fragment, call, *arguments, error=ValueError, **named):
    """The message of an error that has this in it."""
    with pytest.raises(error) as caught:
        call(*arguments, **named)
    assert fragment in str(caught.value)
    return str(caught.value)


X = np.random.default_rng(0).normal(size=[8, 5, 2]).astype("float32")
Y = X.sum(axis=(1, 2))[:, None]
LABELS = np.array([0, 1] * 4)


def compiled(model, loss="mse"):
    model.compile("sgd", loss)
    return model


def regressor(**arguments):
    return compiled(SequenceRegressor(units=2, **arguments))


def classifier(**arguments):
    return compiled(SequenceClassifier(units=2, **arguments), "sparse_categorical_crossentropy")


def sequential(*layers):
    return compiled(keras.Sequential([keras.Input([5, 2]), *layers]))


@follows("Add the missing axis: x[None] for one sequence, x[..., None] for one feature.")
def test_a_missing_axis():
    model = regressor()
    model.fit(X, Y, verbose=0)
    x = X[0]
    assert "x[None]" in refused("Add the missing axis", model.predict, x, verbose=0)
    assert model.predict(x[None], verbose=0).shape == (1, 1)
    one = regressor()
    x = X[:, :, 0]
    refused("x[..., None]", one.fit, x, Y, verbose=0)
    one.fit(x[..., None], Y, verbose=0)


@follows("Give the last size, as in keras.Input([None, 8])", "Give the last dimension, as in keras.Input([None, 8])")
def test_the_number_of_features():
    refused("keras.Input([None, 8])", RNN(ElmanCell(2)).build, [None, 5, None])
    refused("keras.Input([None, 8])", ElmanCell(2).build, (None, None))
    refused("keras.Input([None, 8])", LRUCell(2).build, (None, None))
    RNN(ElmanCell(2))(keras.Input([None, 8]))


@follows(
    "Leave them out; `dropout` drops inputs",
    "Set recurrent_dropout=0; `dropout` drops inputs",
    "Choose such as 0.9 and 0.999",
    "Choose a small one, such as 0.3",
)
def test_parallel_cells():
    refused("Leave them out; `dropout` drops inputs", MinGRUCell, 2, dropout=0.1, recurrent_dropout=0.1)
    assert MinGRUCell(2, dropout=0.1).dropout == 0.1
    both = {"cell": "lru", "dropout": 0.1}
    refused("Set recurrent_dropout=0; `dropout` drops inputs", regressor, recurrent_dropout=0.1, **both)
    regressor(recurrent_dropout=0, **both)
    refused("such as 0.9 and 0.999", LRUCell, 2, r_min=1.0, r_max=0.5)
    refused("such as 0.3", LRUCell, 2, max_phase=7.0)
    assert LRUCell(2, r_min=0.9, r_max=0.999, max_phase=0.3).max_phase == 0.3


@follows("as by tf.ensure_shape(x, [None, None, 8])")
def test_a_rank_that_is_not_known():
    layer = RNN(ElmanCell(2))
    layer.build([None, None, 8])

    def call(x, ensure):
        return layer(tf.ensure_shape(x, [None, None, 8]) if ensure else x)

    spec = [tf.TensorSpec(None, tf.float32), tf.TensorSpec([], tf.bool)]
    with pytest.raises(ValueError, match=r"tf\.ensure_shape\(x, \[None, None, 8\]\)"):
        tf.function(lambda x: call(x, False), input_signature=spec[:1], autograph=False).get_concrete_function()
    tf.function(lambda x: call(x, True), input_signature=spec[:1], autograph=False).get_concrete_function()


@follows("set KERAS_BACKEND=tensorflow", "Unset it before Python starts")
def test_the_environment(run_python):
    code = "import os; os.environ.setdefault('KERAS_BACKEND', 'jax'); import rnn_tf.data; from rnn_tf import ElmanCell"
    bad = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "set KERAS_BACKEND=tensorflow" in bad.stderr
    run_python(code, KERAS_BACKEND="tensorflow")


@follows("by astype('float32')", "astype('float32')")
def test_texts_of_digits_and_booleans():
    for x in (X > 0, np.round(X, 2).astype(str)):
        message = refused("astype('float32')", regressor().fit, x, Y, verbose=0)
        advised = re.search(r"astype\('float32'\)", message)[0]
        regressor().fit(eval(f"x.{advised}", {"x": x}), Y, verbose=0)


@follows("give that folder, and version={}", "For a model of that name choose")
def test_a_folder_named_by_a_number(tmp_path, in_this_process):
    model = regressor()
    model.build([None, 5, 2])
    message = refused("named by a number", export_saved_model, model, tmp_path / "sales" / "86")
    assert export_saved_model(model, re.search(r"choose '(.*?)'", message)[1]).endswith("model_86/1")
    message = refused("named by a number", export_saved_model, model, tmp_path / "prices" / "86")
    folder, version = re.search(r"the model in '(.*?)' give that folder, and version=(\d+)", message).groups()
    assert export_saved_model(model, folder, version=int(version)).endswith("prices/86")


@follows("one-hot rows: take argmax(axis=1)", "One-hot rows become class numbers with argmax(axis=1)")
def test_one_hot_rows():
    from rnn_tf.fields.labels import class_numbers

    y, probabilities = np.eye(2)[LABELS], np.full([8, 2], 0.5)
    refused("take argmax(axis=1)", class_numbers, y, ["a", "b"])
    assert class_numbers(y.argmax(axis=1), ["a", "b"]).tolist() == LABELS.tolist()
    refused("argmax(axis=1)", classification_report, y, probabilities, ["a", "b"])
    classification_report(y.argmax(axis=1), probabilities, ["a", "b"])


@follows("as in probabilities.argmax(axis=1) == y_true")
def test_paired_differences():
    probabilities, y_true = np.eye(2)[LABELS], LABELS
    refused("probabilities.argmax(axis=1) == y_true", paired_difference, probabilities, probabilities)
    correct = probabilities.argmax(axis=1) == y_true
    assert paired_difference(correct, correct).low == 0


@follows(
    "frame.reset_index()",
    "as by frame.interpolate()",
    "pandas.to_datetime(column, utc=True)",
    "as in values[:, None]",
    "Name it, as in time={}",
    "time=False (on the command line --no-time)",
    "say group=",
    "say decimal=','",
    "`Texts(texts, labels)`",
)
def test_files_and_frames(tmp_path):
    values = np.arange(20.0)
    refused("values[:, None]", windows, values, 3)
    windows(values[:, None], 3)
    frame = pandas.DataFrame({"v": values}, index=pandas.MultiIndex.from_product([[0, 1], range(10)]))
    refused("frame.reset_index()", load_series, frame, ["v"])
    load_series(frame.reset_index(), ["v"])
    frame = pandas.DataFrame({"v": [1.0, None, 3.0]})
    refused("frame.interpolate()", load_series, frame, ["v"])
    assert load_series(frame.interpolate(), ["v"]).values.ravel().tolist() == [1, 2, 3]
    zoned = [pandas.Timestamp("2024-01-01", tz="UTC").to_pydatetime() + pandas.Timedelta(days=i) for i in range(9)]
    column = pandas.Series(zoned, dtype=object)
    refused(
        "pandas.to_datetime(column, utc=True)", load_series, pandas.DataFrame({"v": values[:9], "t": column}), ["v"]
    )
    load_series(pandas.DataFrame({"v": values[:9], "t": pandas.to_datetime(column, utc=True)}), ["v"])

    path = tmp_path / "s.csv"
    days = [f"2024-01-{day:02d}" for day in range(1, 21)]
    path.write_text("t,u,v\n" + "".join(f"{day},{day},{i}\n" for i, day in enumerate(days)))
    message = refused("on the command line --time", read_series, path, "v", 2)
    read_series(path, "v", 2, **eval(f"dict({re.search(r'time=.t.', message)[0]})"))
    read_series(path, "v", 2, **eval(f"dict({re.search('time=False', message)[0]})"))
    path.write_text("s,t,v\n" + "".join(f"{s},{day},{i}\n" for s in "ab" for i, day in enumerate(days)))
    message = refused("(on the command line --group)", read_series, path, "v", 2)
    read_series(path, "v", 2, **eval(f"dict({re.search(r'group=.s.', message)[0]})"))
    path.write_text("d;v\n" + "".join(f"x{i};{i},5\n" for i in range(20)))
    message = refused("--decimal ,", read_columns, path, ["v"])
    assert read_table(path, **eval(f"dict({re.search(r'decimal=.,.', message)[0]})")).numbers("v")[1] == 1.5
    texts, labels = ["a", "b", "c"], ["x", "y"]
    refused("`Texts(texts, labels)`", split_texts, (texts, labels))
    split_texts(Texts(["a", "b", "c", "d"], ["x", "y", "x", "y"]))


@pytest.fixture
def readings(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    rows = [
        f"{i},{'up' if i % 2 else 'down'},{t},{rng.normal() + t * (i % 2):.3f}\n" for i in range(24) for t in range(4)
    ]
    Path("r.csv").write_text("id,label,step,x\n" + "".join(rows))
    Path("s.csv").write_text("v\n" + "".join(f"{i % 4}\n" for i in range(60)))
    return rows


def command(capsys, line, code=0):
    assert cli.main(shlex.split(line)) == code
    return "".join(capsys.readouterr())


@follows(
    "such as --name",
    "--models {}",
    "--column and --features",
    "--features and --id",
    "Leave --text out",
    "| rnn-tf predict MODEL -",
    "as in: echo {} {} | rnn-tf predict",
    "Name the columns to look at by --features",
    "by --time which column orders its rows",
    "a smaller --test",
    "Use a shorter --window",
    "Give a shorter --season",
    "`rnn-tf train` makes one",
    "Leave out the others",
)
def test_advice_of_the_commands(readings, capsys, in_this_process):
    train = "train sequences r.csv --id id --label label --features x --epochs 1 --units 2"
    assert "--name" in command(capsys, f"{train} --name 86", 2)
    message = command(capsys, f"{train} --name 86", 2)
    advised = re.search(r"--name (\S+)[.]", message)[1]
    command(capsys, f"{train} --name {advised}")
    Path("mixed.csv").write_text("id,label,step,x\n" + "".join(sorted(readings, key=lambda row: row.split(",")[2])))
    assert "--time" in command(capsys, f"{train} --name mixed".replace("r.csv", "mixed.csv"), 2)
    command(capsys, f"{train} --name mixed --time step".replace("r.csv", "mixed.csv"))
    assert "--features" in command(capsys, "train sequences r.csv --id id --label label --time step --features ,", 2)
    answer = command(capsys, "predict saved_models/mixed r.csv --features x --id id")
    assert answer.splitlines()[0] == "id,label,down,up"
    assert "--features and --id" in command(capsys, "predict saved_models/mixed r.csv --features x,step", 2)

    series = "train series s.csv --column v --epochs 1 --units 2"
    assert "a smaller --test" in command(capsys, f"{series} --window 20", 2)
    command(capsys, f"{series} --window 20 --test 0.1 --name long")
    Path("few.csv").write_text("v\n1\n2\n3\n")
    assert "a shorter --window" in command(capsys, f"{series} --test-file few.csv", 2)
    command(capsys, f"{series} --test-file few.csv --window 2 --name few")
    assert "a shorter --season" in command(capsys, f"{series} --window 4 --season 50", 2)
    message = command(capsys, f"{series} --window 4 --season 4 --models 'a[b]'", 2)
    models = re.search(r"such as --models (\S+)[.]", message)[1]
    command(capsys, f"{series} --window 4 --season 4 --models {models}")
    predict = f"predict {models}/v s.csv"
    assert command(capsys, predict).startswith("step,v\n")
    assert "--column and --features" in command(capsys, f"{predict} --features x", 2)
    command(capsys, f"{predict} --column v --features ''")
    assert "Leave out the others" in command(capsys, f"{predict} --text v", 2)
    assert "`rnn-tf train` makes one" in command(capsys, "predict saved_models/none s.csv", 2)
    assert "`rnn-tf train` makes one" in command(capsys, "serve none", 2)


def test_advice_of_predicting_texts(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    model = ROOT.parent / "saved_models" / "golden_library_docs"
    Path("folder").mkdir()
    assert "Leave --text out" in command(capsys, f"predict {model} 'Open a file.' --text t", 2)
    for given in ("folder", "./none/such"):
        message = command(capsys, f"predict {model} {given}", 2)
        assert re.search(r"as in: echo (TEXT|folder) \| rnn-tf predict (MODEL|\S+) -", message)
        monkeypatch.setattr(sys, "stdin", io.StringIO(f"{given}\n"))
        assert command(capsys, f"predict {model} -").splitlines()[1].endswith(f",{given}")


@follows(
    "accelerate(model, examples=x), with x as in model.predict(x)",
    "Give inputs by name: accelerate(model, examples=x)",
    "write rnn_tf.RNN(keras.layers.LSTMCell(64), ...)",
    "@keras.saving.register_keras_serializable()",
    "Correct `get_config` or `from_config` of {}",
)
def test_accelerate():
    sound = keras.Input([None, 1])
    deep = keras.layers.Lambda(lambda x: x / tf.cast(tf.shape(x)[1] > 20_000, x.dtype) if x.shape[1] else x)(sound)
    strided = keras.layers.Conv1D(2, 20_000, strides=20_000)(deep)
    model = keras.Model(sound, keras.layers.GRU(2)(strided))
    x = np.ones([1, 40_000, 1], "float32")
    refused("accelerate(model, examples=x)", accelerated, model, verbose=False)
    accelerated(model, verbose=False, examples=x)
    refused("accelerate(model, examples=x)", accelerated, model, x, error=TypeError)
    subclass = type("Mine", (keras.Model,), {})()
    refused("rnn_tf.RNN(keras.layers.LSTMCell(64), ...)", accelerated, subclass, error=TypeError)
    package.RNN(keras.layers.LSTMCell(64), return_sequences=True)

    def loss(y, answer):
        return (y - answer) ** 2

    unknown = sequential(keras.layers.GRU(1))
    unknown.compile("sgd", loss)
    refused("register_keras_serializable", accelerated, unknown, verbose=False)
    unknown.compile("sgd", keras.saving.register_keras_serializable()(loss))
    accelerated(unknown, verbose=False)

    class Scale(keras.layers.Layer):
        def __init__(self, factor):
            super().__init__()
            self.factor = factor

        def call(self, x):
            return self.factor * x

    scaled = sequential(Scale(2.0), keras.layers.GRU(1))
    message = refused("config does not load: Scale.from_config", accelerated, scaled, verbose=False)
    assert "`get_config` or `from_config` of Scale" in message
    Scale.get_config = lambda self: {"factor": self.factor}
    accelerated(scaled, verbose=False)


@follows(
    "layer(x.to_tensor(), mask=tf.sequence_mask(x.row_lengths()))",
    "as in tf.concat([tf.math.real(x), tf.math.imag(x)], -1)",
    "or set implementation='auto'",
    "Set implementation='auto'",
    "as in keras.Input(batch_shape=[8, None, 3])",
    "set remat=False",
    "make the layer with implementation='reference'",
)
def test_layers():
    layer = RNN(keras.layers.GRUCell(2))
    x = tf.RaggedTensor.from_row_lengths(X[0], [2, 3])
    refused("layer(x.to_tensor(), mask=tf.sequence_mask(x.row_lengths()))", layer.call, x)
    layer(x.to_tensor(), mask=tf.sequence_mask(x.row_lengths()))
    x = tf.complex(X, X)
    complex_layer = RNN(keras.layers.GRUCell(2))
    refused("tf.concat([tf.math.real(x), tf.math.imag(x)], -1)", complex_layer.call, x)
    complex_layer(tf.concat([tf.math.real(x), tf.math.imag(x)], -1))

    mine = type("Mine", (keras.layers.GRUCell,), {})
    message = refused("implementation='auto'", RNN, mine(2), implementation="kernel")
    RNN(mine(2), **eval(f"dict({re.search(r'implementation=.auto.', message)[0]})"))(X)
    half = keras.layers.GRUCell(2, dtype="float16")
    refused("or set implementation='auto'", RNN, half, implementation="kernel")
    RNN(half, implementation="auto")

    stateful = RNN(keras.layers.GRUCell(2), stateful=True)
    refused("keras.Input(batch_shape=[8, None, 3])", stateful.build, [None, None, 3])
    RNN(keras.layers.GRUCell(2), stateful=True)(keras.Input(batch_shape=[8, None, 3]))
    refused("set remat=False", RNN([mine(2), keras.layers.GRUCell(2, dropout=0.5)], remat=True), X, training=True)
    RNN([mine(2), keras.layers.GRUCell(2, dropout=0.5)], remat=False)(X, training=True)

    def second(layer):
        x = tf.constant(X)
        with tf.GradientTape() as outer:
            outer.watch(x)
            with tf.GradientTape() as inner:
                inner.watch(x)
                answer = tf.reduce_sum(layer(x) ** 2)
            gradient = tf.reduce_sum(inner.gradient(answer, x) ** 2)
        return outer.gradient(gradient, x)

    kernel = RNN(keras.layers.GRUCell(2))
    refused("implementation='reference'", second, kernel, error=NotImplementedError)
    assert second(RNN(keras.layers.GRUCell(2), implementation="reference")) is not None


@follows(
    "Write loss='sparse_categorical_crossentropy'",
    "Write loss='categorical_crossentropy'",
    "Give dataset.take(n)",
    "as in fit(x, y)",
    "Call model.adapt(x) first",
    "Call model.adapt(...) first, or make the model with normalize=False",
    "Call `model.adapt(dataset.take(n))` before training, or make the model with `normalize=False`",
    "Train it, or call it on data, first",
    "Call `predict`, and go on from its answers",
    "as in row[:, None]",
    "Give a list of arrays [timesteps, features]",
    "Set `horizon` and `return_sequences` to fit",
    "Texts are for model.predict(texts), or for model.vectorize(texts) first",
    "a smaller `min_count`",
    "Train on np.log1p(y) with loss='mse'",
    "`return_sequences=False`",
    "give `units`, `activation`, `dropout` and `recurrent_dropout`",
)
def test_models():
    one_hot = classifier()
    metric = keras.metrics.AUC()
    message = refused("Write loss='categorical_crossentropy'", one_hot.compile, "sgd", one_hot.loss, metrics=[metric])
    one_hot.compile(
        "sgd", **eval(f"dict({re.search(r'loss=.categorical_crossentropy.', message)[0]})"), metrics=[metric]
    )
    sparse = keras.metrics.SparseCategoricalAccuracy()
    refused("Write loss='sparse", one_hot.compile, "sgd", one_hot.loss, metrics=[sparse])
    one_hot.compile("sgd", loss="sparse_categorical_crossentropy", metrics=[sparse])
    one_hot.fit(X, LABELS, verbose=0)

    texts, labels = ["a b", "c d"] * 4, ["x", "y"] * 4
    words = TextClassifier.from_texts(texts, labels, units=2, embedding_size=2)
    dataset = tf.data.Dataset.from_tensor_slices((texts, labels)).repeat()
    n = 8
    refused("Give dataset.take(n)", words.fit, dataset, verbose=0)
    words.fit(dataset.take(n), verbose=0)
    refused("as in fit(x, y)", words.fit, texts, verbose=0)
    refused("model.predict(texts), or for model.vectorize(texts) first", words, tf.constant(X))
    assert words(words.vectorize(texts)).shape == words.predict(texts, verbose=0).shape
    refused("a smaller `min_count`", TextClassifier.from_texts, texts, labels, min_count=9)
    TextClassifier.from_texts(texts, labels, min_count=4, units=2)
    for model in (regressor(), classifier()):
        refused("as in fit(x, y)", model.fit, X, verbose=0)

    endless = tf.data.Dataset.from_tensors((X, Y)).repeat()
    model = regressor()
    refused("model.adapt(dataset.take(n))", Trainer(model).fit, endless, steps=1, verbose=0)
    model.adapt(endless.take(n))
    Trainer(model).fit(endless, steps=1, verbose=0)
    Trainer(regressor(normalize=False)).fit(endless, steps=1, verbose=0)
    model = regressor()
    generator = keras.utils.PyDataset
    batches = type("Batches", (generator,), {"__len__": lambda self: 1, "__getitem__": lambda self, i: (X, Y)})()
    refused("Call model.adapt(...) first", model.fit, batches, verbose=0)
    model.adapt(X, Y)
    model.fit(batches, verbose=0)
    inner = SequenceRegressor(units=2)
    refused("Call model.adapt(x) first", inner, X, training=True)
    inner.adapt(X)
    inner(X, training=True)

    refused("needs a built model", regressor().forecast, X, 2)
    refused("Call `predict`, and go on", inner.forecast, X, 2)
    inner.predict(X, verbose=0)
    rows = [X[0][:, 0], X[1][:2, 0]]
    refused("row[:, None]", regressor().fit, rows, Y[:2], verbose=0)
    regressor().fit([row[:, None] for row in rows], Y[:2], verbose=0)
    ragged = tf.ragged.constant([row.tolist() for row in rows])
    refused("Give a list of arrays [timesteps, features]", regressor().fit, ragged, Y[:2], verbose=0)
    two = np.repeat(Y, 2, axis=1)
    refused("Set `horizon` and `return_sequences` to fit", regressor().fit, X, two, verbose=0)
    regressor(horizon=2).fit(X, two, verbose=0)
    refused("`return_sequences=False`", SequenceRegressor, units=2, relative=True, return_sequences=True)
    SequenceRegressor(units=2, relative=True, return_sequences=False)
    refused("to the cell", SequenceRegressor, units=2, cell=ElmanCell(2))
    SequenceRegressor(cell=ElmanCell(2, activation="relu", dropout=0.1, recurrent_dropout=0.1))
    counts = SequenceRegressor(units=2)
    message = refused("np.log1p(y) with loss='mse'", counts.compile, "sgd", "poisson")
    counts.compile("sgd", re.search(r"loss='(mse)'", message)[1])
    counts.fit(X, np.log1p(np.abs(Y)), verbose=0)


@follows(
    "Train it with model.fit, or override `compute_loss` instead",
    "otherwise name them in model.compile",
    "Call model.compile(optimizer=..., loss=...), or Trainer(model, optimizer=..., loss=...)",
    "Give `steps` or `epochs`",
    "`global_clipnorm`",
    "Give `steps` instead, or dataset.take(n)",
    "Give `class_weight` or ",
    "Give `sample_weight`",
    "(x, y, sample_weight)",
    "Give `validation_data` alone",
    "Give a `loss` and a `head`",
    'name a folder: fit(..., checkpoint="backup")',
    "Write tf.data.Dataset.from_generator(function, output_signature=...)",
    "give its shuffle a seed, as in dataset.shuffle(1000, seed=1)",
)
def test_training(tmp_path):
    def head(**kwargs):
        return keras.Sequential([keras.Input([5, 2]), keras.layers.Flatten(), keras.layers.Dense(2, **kwargs)])

    model = head()
    refused("Call model.compile(optimizer=..., loss=...)", Trainer, model)
    Trainer(model, optimizer="sgd", loss="mse")
    refused("name them in model.compile", Trainer, model, metrics=["mae"])
    model.compile(optimizer="sgd", loss="mse", metrics=["mae"])
    Trainer(model).fit(X, X[:, 0], epochs=1, verbose=0)
    own = type("Own", (keras.Model,), {"train_step": lambda self, data: {}})
    refused("override `compute_loss` instead", Trainer, own(), "sgd", "mse")

    hot = head()
    hot.compile(keras.optimizers.SGD(10.0), "mse")
    refused("`global_clipnorm`", Trainer(hot).fit, X, X[:, 0], steps=500, verbose=0, error=FloatingPointError)
    calm = head()
    calm.compile(keras.optimizers.SGD(10.0, global_clipnorm=1e-3), "mse")
    Trainer(calm).fit(X, X[:, 0], steps=500, verbose=0)

    endless = tf.data.Dataset.from_tensors((X, X[:, 0])).repeat()
    refused("Give `steps` or `epochs`", Trainer(calm).fit, X, X[:, 0])
    refused("Give `steps` instead, or dataset.take(n)", Trainer(calm).fit, endless, epochs=1, verbose=0)
    Trainer(calm).fit(endless, steps=1, verbose=0)
    Trainer(calm).fit(endless.take(2), epochs=1, verbose=0)

    classes = head(activation="softmax")
    classes.compile("sgd", "sparse_categorical_crossentropy")
    fit = Trainer(classes).fit
    weight = np.ones(8, "float32")
    refused("Give `class_weight` or", fit, X, LABELS, epochs=1, class_weight={0: 1.0}, sample_weight=weight, verbose=0)
    fit(X, LABELS, epochs=1, sample_weight=weight * np.where(LABELS, 2.0, 1.0), verbose=0)
    data = tf.data.Dataset.from_tensors((X, LABELS, weight))
    refused("Give `class_weight` or", fit, data, epochs=1, class_weight={0: 1.0}, verbose=0)
    wrong = np.zeros([8, 3, 3, 1])
    refused("Give `sample_weight`", fit, X, wrong, epochs=1, class_weight={0: 1.0}, verbose=0)
    refused("Give `validation_data` alone", fit, X, LABELS, epochs=1, validation_split=0.5, validation_data=(X, LABELS))
    fit(X, LABELS, epochs=1, validation_data=(X, LABELS), verbose=0)
    backup = [keras.callbacks.BackupAndRestore("x")]
    refused("name a folder: fit(..., checkpoint=", fit, X, LABELS, epochs=1, callbacks=backup, verbose=0)
    fit(X, LABELS, epochs=1, checkpoint=tmp_path / "backup", verbose=0)

    def function():
        yield X, LABELS

    refused("Write tf.data.Dataset.from_generator(function, output_signature=...)", fit, function(), epochs=2)
    signature = (tf.TensorSpec([None, 5, 2]), tf.TensorSpec([None], LABELS.dtype))
    dataset = tf.data.Dataset.from_generator(function, output_signature=signature)
    fit(dataset, epochs=2, verbose=0, checkpoint=tmp_path / "generator")

    class StopEarly(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 1:
                raise InterruptedError

    def shuffled(**seed):
        return tf.data.Dataset.from_tensor_slices((X, LABELS)).shuffle(1000, **seed).batch(1)

    tf.random.set_seed(1)
    saved = {"epochs": 2, "log_every": 1, "verbose": 0, "checkpoint_seconds": 0, "checkpoint": tmp_path / "own order"}
    with pytest.raises(InterruptedError):
        fit(shuffled(), **saved, callbacks=[StopEarly()])
    refused("give its shuffle a seed", fit, shuffled(), **saved, callbacks=[StopEarly()])

    class Notes(keras.callbacks.Callback):
        def on_train_begin(self, logs=None):
            self.losses = []

        def on_train_batch_end(self, batch, logs=None):
            self.losses.append(self.note(logs["loss"]))

    def noting(note):
        return {"epochs": 2, "verbose": 0, "checkpoint": tmp_path / note.__name__, "callbacks": [make(note)]}

    def make(note):
        callback = Notes()
        callback.note = note
        return callback

    with pytest.warns(UserWarning, match=r"Note numbers there, as by float\(...\)"):
        fit(X, LABELS, **noting(tf.constant))
    fit(X, LABELS, **noting(float))

    saved["checkpoint"] = tmp_path / "another folder"
    with pytest.raises(InterruptedError):
        fit(shuffled(seed=1), **saved, callbacks=[StopEarly()])
    fit(shuffled(seed=1), **saved, callbacks=[type("StopEarly", (keras.callbacks.Callback,), {})()])
    refused("Give a `loss` and a `head`", gradient_reach, ElmanCell(1), lambda o: 0 * o, X, Y)
    gradient_reach(ElmanCell(1), keras.layers.Dense(1), X, Y)


@follows(
    "Give `examples` that it takes",
    "Export it without `streaming`",
    "or leave `keep` out",
    "Softmax()(model.outputs[0])",
    "Call it outside of any",
    "model.build([None, timesteps, features])",
    "new.set_weights(model.get_weights())",
    "Begin it with keras.Input(shape, dtype=..., name=...)",
    "input_names={}",
    "Give such as {}",
    "Export it without `examples_api`, or give `labels`",
    "Choose a smaller one by `version`",
    "`examples_api`",
    "Export it with rnn_tf.export_saved_model(model, directory)",
)
def test_exports(tmp_path, in_this_process):
    """Of trained models see tests/serving/test_advice_after_training.py."""
    export = export_saved_model
    model = regressor()
    refused("model.build([None, timesteps, features])", export, model, tmp_path / "m")
    timesteps, features = 5, 2
    model.build([None, timesteps, features])
    roots = sequential(keras.layers.Lambda(positive))
    refused("Give `examples` that it takes", export, roots, tmp_path / "f")
    export(roots, tmp_path / "f", examples=np.abs(X) + 1)
    directory = tmp_path / "quantized"
    refused("rnn_tf.export_saved_model(model, directory)", model.quantize, "int8")
    tf.lite.TFLiteConverter.from_saved_model(package.export_saved_model(model, directory))
    both = classifier(bidirectional=True)
    both.build([None, None, 2])
    refused("Export it without `streaming`", export, both, tmp_path / "b", streaming=True)
    export(both, tmp_path / "b")
    export(model, tmp_path / "m", version=5)
    refused("leave `keep` out", export, model, tmp_path / "m", version=3, keep=1)
    export(model, tmp_path / "m", version=3)
    refused("Choose a smaller one by `version`", export, model, tmp_path / "m", version=2**63)
    refused("Call it outside of any", tf.function(lambda: export(model, tmp_path / "t"), autograph=False))
    two = regressor(horizon=2)
    two.build([None, 5, 2])
    refused("Export it without `examples_api`", export, two, tmp_path / "e", examples_api=True)
    export(two, tmp_path / "e")


def positive(x):
    with tf.control_dependencies([tf.debugging.assert_positive(x)]):
        return tf.identity(x)


@follows(
    "take answers[0, :, 0]",
    "take change_points[:, 0]",
    "by shots.astype(int)",
    "by np.insert(shots, 0, 0)",
    "by np.unique(shots)",
    "by np.repeat(scores, 15)[:frames]",
    "or cut the clip into shorter",
    "as by scores - scores.min()",
    "Give 0 to a frame that has no score",
    "Give 0.15 for 15 %",
)
def test_summaries_of_clips():
    from rnn_tf.summaries import summarize

    frames, shots, scores = 40, np.arange(0, 40, 4), np.linspace(0, 1, 40)
    answers = scores[None, :, None]
    refused("answers[0, :, 0]", summarize, answers, shots)
    summary = summarize(answers[0, :, 0], shots)
    change_points = np.stack([shots, shots + 3], axis=1)
    refused("change_points[:, 0]", summarize, scores, change_points)
    for right in (change_points[:, 0], shots.astype(float).astype(int), np.unique(shots[::-1])):
        np.testing.assert_array_equal(summarize(scores, right), summary)
    refused("shots.astype(int)", summarize, scores, shots.astype(float))
    refused("np.insert(shots, 0, 0)", summarize, scores, shots[1:])
    np.testing.assert_array_equal(summarize(scores, np.insert(shots[1:], 0, 0)), summary)
    refused("np.unique(shots)", summarize, scores, [0, 8, 4])
    few = scores[::15]
    refused("np.repeat(scores, 15)[:frames]", summarize, few, shots)
    assert summarize(np.repeat(few, 15)[:frames], shots).shape == (frames,)
    for length in (3, 4, 7, 13):
        message = refused("or more", summarize, scores, np.arange(0, frames, length)[: frames // length], 0.01)
        advised = float(re.search(r"budget=([\d.]+) or more", message)[1])
        assert summarize(scores, np.arange(0, frames, length)[: frames // length], advised).any()
    refused("scores - scores.min()", summarize, scores - 2, shots)
    summarize((scores - 2) - (scores - 2).min(), shots)
    refused("Give 0 to a frame", summarize, np.where(scores > 0.5, np.nan, scores), shots)
    summarize(np.where(scores > 0.5, 0, scores), shots)
    refused("Give 0.15 for 15 %", summarize, scores, shots, 15)
    summarize(scores, shots, 0.15)


@follows(
    "by people.astype(bool)",
    "is turned by people.T",
    "at least budget={}",
    "give people_scores[None]",
    "is turned by people_scores.T",
    "as by people_scores[np.ptp(people_scores, axis=1) > 0]",
)
def test_what_people_chose():
    from rnn_tf.evaluation.agreement import summary_report
    from rnn_tf.evaluation.ranks import rank_correlation
    from rnn_tf.summaries import summarize

    shots, scores = np.arange(0, 42, 3), np.linspace(0, 1, 42)
    summary = summarize(scores, shots, 0.3)
    people = np.tile(summary, [2, 1])
    refused("people.astype(bool)", summary_report, summary, people.astype(float), shots, 0.3)
    refused("people.T", summary_report, summary, people.T, shots, 0.3)
    assert summary_report(summary, people.astype(float).astype(bool).T.T, shots, 0.3).f_score == 1
    message = refused("at least budget=", summary_report, summary, people, shots)
    advised = float(re.search(r"budget=([\d.]+?)[.]$", message)[1])
    assert summary_report(summary, people, shots, advised).f_score == 1
    people_scores = np.stack([scores, scores, 0 * scores])
    refused("people_scores[None]", rank_correlation, scores, people_scores[0])
    rank_correlation(scores, people_scores[0][None])
    refused("people_scores.T", rank_correlation, scores, people_scores.T)
    refused("np.ptp", rank_correlation, scores, people_scores)
    advised = people_scores[np.ptp(people_scores, axis=1) > 0]
    assert rank_correlation(scores, advised).kendall == pytest.approx(1)


@follows(
    "Leave `column` out, or give one file.",
    "lists of labels, the true ones and those of predict(x, labels=True), cut to the lengths",
    "model.tag(sentences), or for model.field_in.rows(sentences).padded() first.",
    "Leave them out, as in model.compile('adam'); model.report gives precision, recall and F1.",
    "Draw plots.tagged(tagger.tag(sentences)).",
)
def test_answers_at_every_step(tmp_path):
    for name, line in (("seq.in", "call Ada"), ("seq.out", "O B-person")):
        (tmp_path / name).write_text(f"{line}\n", "utf-8")
    refused("Leave `column` out", read_tagged, tmp_path, "ner")
    sentences, tags = read_tagged(tmp_path)

    tagger = TextTagger.from_data(sentences, tags, units=2)
    refused("as in model.compile('adam')", tagger.compile, "adam", "mse")
    tagger.compile("adam")
    assert tagger.report(sentences, tags).sentences == 1
    refused("model.field_in.rows(sentences).padded() first", tagger, np.zeros([1, 2], "int32"))
    assert tagger(tagger.field_in.rows(sentences).padded()).shape == (1, 2, 2)
    assert len(tagger.tag(sentences)) == 1
    from rnn_tf import plots  # which needs matplotlib

    refused("plots.tagged(tagger.tag(sentences))", plots.tagged, sentences)
    assert plots.tagged(tagger.tag(sentences)).axes

    x, y = np.zeros([2, 3, 1], "float32"), [["a", "b", "b"]] * 2
    model = SequenceClassifier(2, ["a", "b"], each="step", normalize=False)
    model.build(x.shape)
    refused("those of predict(x, labels=True)", model.report, x, y)
    assert span_report(y, model.predict(x, labels=True, verbose=0).tolist()).sentences == 2


@follows(
    'pip install "rnn-tf[plots]"',
    'pip install "rnn-tf[serving]"',
    'pip install "rnn-tf[translation]"',
    "Run it there",
)
def test_extras_that_are_named():
    extras = importlib.metadata.metadata("rnn-tf").get_all("Provides-Extra")
    assert {"plots", "serving", "translation"} <= set(extras)


@follows(
    "Set it like this, with another index in each: TF_CONFIG=",
    "Write workers='auto', or make yours above `import rnn_tf`",
    "write Trainer(model, workers='auto') in each, with TF_CONFIG set",
    "Leave `jit_compile` out, or train in one process",
    "Give it reduction='sum_over_batch_size'",
    "Start one worker for each GPU, with CUDA_VISIBLE_DEVICES=0",
    "with the same `checkpoint` they go on",
)
def test_workers(monkeypatch):
    """In one process; tests/training/test_workers.py follows them in several, and starts them again."""
    monkeypatch.setenv("TF_CONFIG", "two")
    message = refused("Set it like this", Trainer, regressor(), workers="auto")
    monkeypatch.setenv("TF_CONFIG", message.split("TF_CONFIG='")[1].removesuffix("'."))
    assert _cluster.cluster().number == 0
    monkeypatch.delenv("TF_CONFIG")
    strategy = tf.distribute.MultiWorkerMirroredStrategy()
    monkeypatch.setattr(_cluster, "_joined", "another one")
    refused("Write workers='auto'", Trainer, regressor(), workers=strategy)
    monkeypatch.setattr(_cluster, "_joined", None)
    refused("write Trainer(model, workers='auto')", Trainer, regressor(), workers=tf.distribute.get_strategy())
    Trainer(regressor(), workers="auto").fit(X, Y, epochs=1, verbose=0)
    Trainer(regressor(), workers=strategy).fit(X, Y, epochs=1, verbose=0)

    refused("Leave `jit_compile` out", check_can_share, regressor(), True)
    check_can_share(regressor(), "auto")
    loss = keras.losses.MeanSquaredError(reduction="sum")
    refused("Give it reduction='sum_over_batch_size'", check_can_share, compiled(SequenceRegressor(2), loss), "auto")
    loss = keras.losses.MeanSquaredError(reduction="sum_over_batch_size")
    check_can_share(compiled(SequenceRegressor(2), loss), "auto")

    resolver = SimpleNamespace(
        cluster_spec=lambda: tf.train.ClusterSpec({"worker": ["a:1", "b:1"]}), task_type="worker", task_id=1
    )
    refused("Start one worker", Workers, SimpleNamespace(cluster_resolver=resolver, num_replicas_in_sync=4))
    workers = Workers(SimpleNamespace(cluster_resolver=resolver, num_replicas_in_sync=2))
    assert (workers.index, workers.count) == (1, 2)

    def gone():
        with workers._all_there():
            raise tf.errors.UnavailableError(None, None, "")

    refused("with the same `checkpoint` they go on", gone, error=ConnectionError)


@follows(
    "Write fit(text), with validation_data=text; for several files give a list of paths",
    "make the model with smaller `steps`; for a file write pathlib.Path(name)",
    "For several texts write '\\n'.join(texts)",
    "Write text.encode(errors='replace').decode()",
    "Leave `embedding_size` out, or set tied=False",
    "texts go through model.stream(...)",
    "Give its text, by path.read_text('utf-8')",
    "Make it outside of strategy.scope(); several processes train it by Trainer(model, workers='auto')",
    "as by model.fit(text), or call model.build((None, None))",
)
def test_language_models(tmp_path, monkeypatch):
    text = "the cat sat on the mat\n" * 5

    def make(**arguments):
        return LanguageModel.from_text(text, **{"units": 2, "steps": 20, **arguments})

    model, name = make(), str(tmp_path / "text.txt")
    Path(name).write_text(text)
    refused("Write fit(text)", model.fit, text, text)
    refused("([path, path],)", Trainer(model).fit, text, epochs=1, validation_data=[Path(name), Path(name)])
    model.fit(text, validation_data=text, verbose=0)
    validation = ([Path(name), Path(name)],)
    Trainer(model).fit([Path(name), Path(name)], epochs=1, validation_data=validation, verbose=0)
    refused("smaller `steps`", model.fit, "the cat")
    make(steps=5).fit("the cat", verbose=0)
    name_alone = "text.txt"
    refused("pathlib.Path(name)", model.fit, name_alone)
    model.fit(tmp_path / name_alone, verbose=0)
    path = tmp_path / name_alone
    for fit in (model.fit, lambda *data, **more: Trainer(model).fit(*data, epochs=1, **more)):
        refused("path.read_text('utf-8')", fit, path, validation_split=0.3)
        assert "val_loss" in fit(path.read_text("utf-8"), validation_split=0.3, verbose=0).history
        assert "val_loss" in fit(path, validation_data=path, verbose=0).history
    texts = ["the cat sat on", "the mat \ud83d"]
    refused("'\\n'.join(texts)", model.fit, texts)
    joined = "\n".join(texts)
    refused("text.encode(errors='replace').decode()", model.fit, joined)
    model.fit(joined.encode(errors="replace").decode(), verbose=0)
    refused("set tied=False", make, tied=True, embedding_size=3)
    make(tied=True)
    make(tied=False, embedding_size=3)
    refused("model.stream(...)", model.generate, "the", length=10_001)
    assert len(list(itertools.islice(model.stream("the"), 3))) == 3
    Trainer(model, workers="auto").fit(text, epochs=1, verbose=0)
    with monkeypatch.context() as patch:
        patch.setattr(LanguageModel, "distribute_strategy", SimpleNamespace(num_replicas_in_sync=2))
        refused("Make it outside of strategy.scope()", model.fit, text)
    for ready in (lambda fresh: fresh.fit(text, verbose=0), lambda fresh: fresh.build((None, None))):
        fresh = compiled(LanguageModel(model.vocabulary, 2, steps=20), model.head.loss)
        for use in (fresh.generate, fresh.stream, lambda fresh=fresh: fresh.perplexity(text)):
            refused("call model.build((None, None))", use)
        ready(fresh)
        assert len(fresh.generate(length=3)) == 3
