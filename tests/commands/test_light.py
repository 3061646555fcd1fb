"""What needs no TensorFlow is said without it; and whose mistake an error is."""

import subprocess
import sys

import pytest

from rnn_tf import cli
from rnn_tf.commands import train


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("light")
    (folder / "sales.csv").write_text("sales,kind\n" + "".join(f"{i},a\n" for i in range(60)))
    (folder / "reviews.csv").write_text("text,label\na b,x\nc d,y\n")
    version = folder / "models" / "reviews" / "1"
    (version / "assets.extra").mkdir(parents=True)
    (version / "saved_model.pb").touch()
    (version / "assets.extra" / "rnn_tf.json").write_text('{"task": "text", "text": "text"}')
    return folder


ERRORS = [
    ("train series none.csv --column sales", "There is no file 'none.csv'"),
    ("train series sales.csv --column price", "must have a column 'price'"),
    ("train series sales.csv --column kind", "must hold finite numbers"),
    ("train series sales.csv --column sales --window 100", "Use a shorter window"),
    ("train series sales.csv --column sales --time when", "must have a column 'when'"),
    ("train series sales.csv --column sales --test-file none.csv", "There is no file 'none.csv'"),
    ("train series sales.csv --column sales --models /proc/x", "Choose a folder that you may write to"),
    ("train text none.tsv", "There is no file 'none.tsv'"),
    ("train text reviews.csv --label stars", "must have a column 'stars'"),
    ("train text reviews.csv --name 7", "--name model_7"),
    ("train sequences none.csv --id a --label b", "There is no file 'none.csv'"),
    ("train sequences sales.csv --id kind --label stars", "must have a column 'stars'"),
    ("predict models/none sales.csv", "There is no exported model in 'models/none'"),
    ("predict models/reviews none.csv", "There is no file 'none.csv'"),
    ("predict models/reviews reviews.csv --text review", "must have a column 'review'"),
    ("predict models/reviews fine --steps 3", "classifies texts"),
    ("predict http://localhost/x/y/z fine", "must be like http://localhost:8501/v1/models/sales"),
    ("check models/none", "There is no exported model in 'models/none'"),
    ("serve none", "There is no model in 'none'"),
    ("demo --models /proc/x", "Choose a folder that you may write to"),
]
CODE = """
import contextlib, io, json, sys
from rnn_tf.cli import main
answers = []
for command in json.loads(sys.argv[1]):
    with contextlib.redirect_stderr(io.StringIO()) as errors:
        code = main(command.split())
    answers.append((code, errors.getvalue(), [name for name in ("tensorflow", "keras") if name in sys.modules]))
print(json.dumps(answers))
"""


def test_errors_that_need_no_tensorflow_come_without_it(folder):
    import json

    commands = json.dumps([command for command, _ in ERRORS])
    process = subprocess.run(
        [sys.executable, "-c", CODE, commands], cwd=folder, capture_output=True, text=True, check=False
    )
    assert process.returncode == 0, process.stderr
    for (command, message), (code, errors, imported) in zip(ERRORS, json.loads(process.stdout), strict=True):
        assert (command, code, imported) == (command, 2, [])
        assert message in errors


def nothing_there():
    return {}["price"]


def too_many():
    first, second = [1, 2, 3]
    return first + second


def within_another_library():
    import json

    return json.loads("{")


@pytest.mark.parametrize("defect", [nothing_there, too_many, within_another_library, lambda: 1 + "a"])
@pytest.mark.parametrize("before", [True, False])
def test_a_defect_of_ours_is_no_mistake_of_the_user(rnn_tf, monkeypatch, defect, before):
    monkeypatch.setattr(train, "run", lambda options: defect())
    command = ("train", "series", "sales.csv", "--column", "sales")
    code, _, errors = rnn_tf(*command)
    assert code == cli.DEFECT
    assert "a defect of rnn-tf, not a mistake of yours" in errors
    assert "add --debug" in errors
    assert "Traceback" not in errors
    code, _, errors = rnn_tf("--debug", *command) if before else rnn_tf(*command, "--debug")
    assert code == cli.DEFECT
    assert "Traceback" in errors
    assert "test_light.py" in errors


def test_debug_shows_where_a_check_stands(rnn_tf):
    code, _, errors = rnn_tf("train", "series", "none.csv", "--column", "x", "--debug")
    assert code == 2
    assert "Traceback" in errors
    assert errors.splitlines()[-1].startswith("rnn-tf: There is no file 'none.csv'")


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("--rate", "0", "must be a positive number"),
        ("--rate", "inf", "must be a positive number"),
        ("--dropout", "1", "must be at least 0 and less than 1"),
        ("--layers", "0", "must be a positive integer"),
        ("--batch", "-1", "must be a positive integer"),
        ("--seed", "-1", "must be an integer from 0"),
    ],
)
@pytest.mark.parametrize("kind", ["series", "text", "sequences"])
def test_options_out_of_range(rnn_tf, option, value, message, kind):
    needed = {"series": ("--column", "a"), "text": (), "sequences": ("--id", "a", "--label", "b")}[kind]
    code, _, errors = rnn_tf("train", kind, "file.csv", *needed, option, value)
    assert code == 2
    assert message in errors
