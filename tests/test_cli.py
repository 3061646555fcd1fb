"""The command line as a person uses it: output, exit codes, files."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from rnn_tf.commands import demo
from rnn_tf.commands.verdicts import forecast_verdict
from rnn_tf.serving.server import DevelopmentServer


@pytest.fixture
def sales(tmp_path):
    """A seasonal series that drifts, with a second column."""
    t = np.arange(150)
    sales = 100 + t + 10 * np.sin(t * np.pi / 6)
    rows = "".join(f"{i},{value:.3f},{-value:.3f}\n" for i, value in enumerate(sales))
    (tmp_path / "sales.csv").write_text("month,sales,price\n" + rows)
    return tmp_path / "sales.csv"


TRAIN = ("train", "series", "sales.csv", "--column", "sales")


def test_help_does_not_import_tensorflow():
    code = (
        "import sys\nfrom rnn_tf import cli\n"
        "try: cli.main(['--help'])\n"
        "except SystemExit as exit: assert exit.code == 0\n"
        "assert not {'tensorflow', 'keras', 'numpy'} & set(sys.modules)"
    )
    process = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert process.returncode == 0, process.stderr
    for command in ("demo", "train", "predict", "check", "serve", "bench"):
        assert command in process.stdout


def test_importing_the_package_is_as_light():
    code = "import sys, rnn_tf\nassert not {'tensorflow', 'keras'} & set(sys.modules)\nprint(rnn_tf.__version__)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout


def test_train_and_predict(rnn_tf, sales, tmp_path):
    code, printed, errors = rnn_tf(*TRAIN, "--window", 12, "--season", 12, "--epochs", 3, "--name", "shop")
    assert (code, errors) == (0, "")
    for words in ("persistence", "linear autoregression", "seasonal naive", "baseline", "saved_models/shop/1"):
        assert words in printed
    code, printed, errors = rnn_tf("predict", "saved_models/shop", "sales.csv", "--steps", 5)
    assert (code, errors) == (0, "")
    lines = printed.splitlines()
    assert lines[0] == "step,sales"
    assert [line.split(",")[0] for line in lines[1:]] == ["1", "2", "3", "4", "5"]
    # one step after the other, as a person would feed them back
    first = float(lines[1].split(",")[1])
    (tmp_path / "longer.csv").write_text(sales.read_text() + f"150,{first},0\n")
    code, printed, _ = rnn_tf("predict", "saved_models/shop/1", "longer.csv", "--output", "new/forecast.csv")
    assert (code, printed) == (0, "")
    second = float((tmp_path / "new" / "forecast.csv").read_text().splitlines()[1].split(",")[1])
    assert second == pytest.approx(float(lines[2].split(",")[1]), rel=1e-4)


def test_an_output_that_is_a_folder_is_refused(rnn_tf, sales, tmp_path):
    code, _, errors = rnn_tf("predict", "saved_models/shop", "sales.csv", "--output", tmp_path)
    assert code == 2
    assert "--output must name a file" in errors


def test_several_features_and_steps(rnn_tf, sales):
    arguments = (*TRAIN, "--features", " price", "--horizon", 3, "--cell", "elman", "--epochs", 2)
    code, printed, _ = rnn_tf(*arguments)
    assert code == 0
    assert "4 steps of sales, price -> 3 of sales" in printed
    assert len(rnn_tf("predict", "saved_models/sales", "sales.csv")[1].splitlines()) == 4
    code, _, errors = rnn_tf("predict", "saved_models/sales", "sales.csv", "--steps", 4)
    assert code == 2
    assert "whose future is unknown: it can forecast 3 steps" in errors


def test_the_forecast_of_a_known_law_is_right():
    values = np.arange(10.0)[:, np.newaxis]

    def ask(inputs):  # "the last value says what comes": x + 1, x + 2
        return {"forecast": inputs["sequences"][:, -1] + np.array([[1.0, 2.0]])}

    from rnn_tf.commands.answers import Source, continue_series

    source = Source({}, {}, ask, lambda: None)
    np.testing.assert_allclose(continue_series(source, values[-4:], 5, []), [10, 11, 12, 13, 14])
    np.testing.assert_allclose(continue_series(source, values[-4:], None, []), [10, 11])


def test_predict_asks_a_server(rnn_tf, sales, tmp_path):
    rnn_tf(*TRAIN, "--features", "price", "--window", 3, "--epochs", 1, "--horizon", 2)
    here = rnn_tf("predict", "saved_models/sales", "sales.csv")[1]
    named = ("--column", "sales", "--features", "price")
    with DevelopmentServer("saved_models", port=0) as server:
        address = f"{server.url}/v1/models/sales"
        for where in (address, f"{address}/versions/1"):
            code, printed, errors = rnn_tf("predict", where, "sales.csv", *named)
            assert (code, errors) == (0, "")
            assert [line.split(",")[0] for line in printed.splitlines()] == ["step", "1", "2"]
            for line, other in zip(printed.splitlines()[1:], here.splitlines()[1:], strict=True):
                assert float(line.split(",")[1]) == pytest.approx(float(other.split(",")[1]), rel=1e-5)
        for where, arguments, message in [
            (address, (), "looks at 2 columns of a file, the one that it forecasts first. Received: none."),
            (address, named[:2], "Received: sales. Name them by --column and --features"),
            (f"{server.url}/v1/models/other", named, "other"),
            (server.url, named, "must be like http://localhost:8501/v1/models/sales"),
            ("ftp://host/sales", named, "must be http://host:port"),
        ]:
            code, printed, errors = rnn_tf("predict", where, "sales.csv", *arguments)
            assert (code, printed) == (2, "")
            assert message in errors
    code, _, errors = rnn_tf("predict", address, "sales.csv", *named)
    assert code == 2
    assert "Start the server there" in errors


def test_it_says_plainly_when_a_baseline_is_better():
    assert forecast_verdict({"network": 1.0, "persistence": 2.0}) == "The network beats every baseline."
    assert "does NOT beat 1 of 2 baselines: linear" in forecast_verdict(
        {"network": 1.5, "persistence": 2.0, "linear": 1.0}
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("train", "series", "none.csv", "--column", "sales"), "There is no file 'none.csv'"),
        (("train", "series", "sales.csv", "--column", "sale"), "must have a column 'sale'"),
        ((*TRAIN[:4], "month"), "line 2: column 'month' must hold finite numbers"),
        ((*TRAIN, "--window", "0"), "argument --window: must be a positive integer, not '0'"),
        ((*TRAIN, "--units", "2.5"), "argument --units: must be a positive integer, not '2.5'"),
        ((*TRAIN, "--cell", "elmann"), "invalid choice: 'elmann'"),
        ((*TRAIN, "--test", "2"), "`test` must be a share between 0 and 1"),
        ((*TRAIN, "--window", "140"), "Use a shorter window"),
        ((*TRAIN, "--epochs", "1", "--models", "sales.csv"), "must be a folder"),
        ((*TRAIN, "--epochs", "1", "--models", "/proc/models"), "Choose a folder that you may write to"),
        (("train", "series", "sales.csv"), "the following arguments are required: --column"),
        (("predict", "saved_models/none", "sales.csv"), "There is no exported model in 'saved_models/none'"),
        ((*TRAIN, "--season", "140"), "A season of 140 steps is longer"),
        ((*TRAIN, "--name", "../elsewhere"), "named like a folder, without a path"),
        ((*TRAIN, "--name", ".."), "named like a folder, without a path"),
        ((*TRAIN, "--models", "gs://bucket"), "must be local"),
        (("demo", "--output", "sales.csv"), "sales.csv"),
        (("demo", "--models", "/proc/models"), "Choose a folder that you may write to"),
    ],
)
def test_bad_input_ends_with_code_2_and_a_message(rnn_tf, sales, tmp_path, arguments, message, monkeypatch):
    if "month" in arguments:
        sales.write_text(sales.read_text().replace("\n0,", "\nJan,"))
    for name, steps in (("TUTORIAL_STEPS", 20), ("CANDIDATE_STEPS", (20,)), ("FREE_STEPS", 20)):
        monkeypatch.setattr(demo, name, steps)
    before = {path.name for path in tmp_path.iterdir()}
    code, _, errors = rnn_tf(*arguments)
    assert code == 2
    assert message in errors
    assert "Traceback" not in errors
    assert {path.name for path in tmp_path.iterdir()} <= before | {"rnn_tf_demo"}


def test_an_export_of_another_kind_is_refused_by_predict(rnn_tf, sales, tmp_path):
    module = tf.Module()
    module.double = tf.function(lambda x: 2 * x, input_signature=[tf.TensorSpec([None], tf.float32)])
    tf.saved_model.save(module, str(tmp_path / "other" / "1"), signatures=module.double)
    code, _, errors = rnn_tf("predict", "other", "sales.csv")
    assert code == 2
    assert "`rnn-tf predict` is for exports of `rnn-tf train`" in errors


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("KERAS_BACKEND", "torch", "Keras's TensorFlow backend only. Received: KERAS_BACKEND=torch"),
        ("TF_USE_LEGACY_KERAS", "1", "needs Keras 3. Received: TF_USE_LEGACY_KERAS=1"),
    ],
)
@pytest.mark.parametrize(
    "code",
    [
        "import sys; from rnn_tf.cli import main; sys.exit(main(['demo']))",
        "from rnn_tf import SequenceRegressor",
        "import rnn_tf.training",
        "import rnn_tf.models",
        "import rnn_tf.cells",
        "import rnn_tf.serving",
    ],
)
def test_the_environment_is_checked(name, value, message, code):
    import os

    process = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, name: value}, capture_output=True, text=True, check=False
    )
    assert message in process.stderr
    if "cli" in code:
        assert process.returncode == 2
        assert process.stderr.startswith("rnn-tf: rnn_tf")
        assert "Traceback" not in process.stderr


def test_commands_are_quiet(tmp_path):
    (tmp_path / "sales.csv").write_text("sales\n" + "".join(f"{i % 7}\n" for i in range(80)))
    code = "import sys; from rnn_tf.cli import main; sys.exit(main(sys.argv[1:]))"
    process = subprocess.run(
        [sys.executable, "-c", code, *TRAIN, "--epochs", "2"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert process.returncode == 0
    assert process.stderr == ""


def test_a_reader_that_has_read_enough_is_no_error():
    command = f"{sys.executable} -c 'from rnn_tf.cli import main; raise SystemExit(main())' serve --docker golden_turns"
    shell = f"set -o pipefail; {command} saved_models | true"
    process = subprocess.run(
        ["bash", "-c", shell], capture_output=True, text=True, check=False, cwd=Path(__file__).parents[1]
    )
    assert process.returncode in (0, 141)
    assert process.stderr == ""


def test_a_process_that_has_keras_3_goes_on_where_the_variable_came_later():
    """Ray sets it in its workers, after it has imported Keras."""
    code = (
        "import os, keras; os.environ['TF_USE_LEGACY_KERAS'] = '1'; from rnn_tf import Trainer; print(Trainer.__name__)"
    )
    process = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert process.stdout == "Trainer\n", process.stderr
