"""Names and folders of exports, checked before the training; and the model kept where an export fails after it."""

import argparse
import math

import keras
import numpy as np
import pytest

import rnn_tf as package
from rnn_tf._names import export_name
from rnn_tf.commands.exports import export, export_folder


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("sales", "sales"),
        ("Temperature [C]", "Temperature_C"),
        ("a/b", "a_b"),
        ("Preis €", "Preis_euro"),
        ("温度", "温度"),
        ("86", "model_86"),
        ("..", "model"),
        ("", "model"),
        ("?!", "model"),
        (".hidden", "hidden"),
        ("-x", "x"),
        ("x" * 100, "x" * 100),
        ("m:1 50%", "m_1_50_percent"),
    ],
)
def test_a_name_is_made_of_any_text(tmp_path, text, name):
    assert export_name(text) == name
    assert export_name(name) == name
    assert export_folder(str(tmp_path), None, text) == tmp_path / name
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["86", "a/b", "..", "Temperature [C]", ".x", ""])
def test_a_name_that_is_given_is_refused_with_one_that_works(tmp_path, name):
    with pytest.raises(ValueError, match="Choose another, such as --name ") as error:
        export_folder(str(tmp_path), name, "sales")
    advice = str(error.value).split("--name ")[1].removesuffix(".")
    assert export_folder(str(tmp_path), advice, "sales") == tmp_path / advice


def test_folders_that_an_export_would_refuse(tmp_path, monkeypatch):
    with pytest.raises(ValueError, match=r"such as --models 'my _models_'"):
        export_folder("my [models]", None, "sales")
    (tmp_path / "sales").mkdir()
    (tmp_path / "sales" / "saved_model.pb").touch()
    with pytest.raises(ValueError, match="which is a version itself"):
        export_folder(str(tmp_path), None, "sales")
    with pytest.raises(PermissionError, match="Choose a folder that you may write to"):
        export_folder("/proc/models", None, "sales")
    full = argparse.Namespace(free=2**20)
    monkeypatch.setattr("shutil.disk_usage", lambda path: full)
    with pytest.raises(OSError, match="needs 64 MiB on the disk"):
        export_folder(str(tmp_path), None, "other")


@pytest.mark.parametrize("column", ["Temperature [C]", "a/b", "86"])
@pytest.mark.usefixtures("in_this_process")
def test_a_column_of_any_name_is_trained_and_exported(rnn_tf, tmp_path, column):
    rows = "".join(f"{i},{math.sin(i):.3f}\n" for i in range(60))
    (tmp_path / "room.csv").write_text(f'i,"{column}"\n{rows}')
    code, printed, errors = rnn_tf("train", "series", "room.csv", "--column", column, "--epochs", 1)
    assert (code, errors) == (0, "")
    following = printed.split("next: rnn-tf ")[1].split()
    code, printed, errors = rnn_tf(*following)
    assert (code, errors) == (0, "")
    assert printed.splitlines()[0] == f"step,{column}"


def test_a_model_is_kept_where_its_export_fails(tmp_path, monkeypatch, capsys):
    model = package.SequenceRegressor(units=2)
    x = np.arange(8.0, dtype=np.float32).reshape(2, 4, 1)
    model.build([None, 4, 1])

    def fail(*arguments, **rest):
        raise OSError("The disk is full.")

    monkeypatch.setattr(package, "export_saved_model", fail)
    for name in ("sales.keras", "sales_2.keras"):  # nothing is overwritten
        with pytest.raises(OSError, match="The disk is full"):
            export(model, tmp_path / "models" / "sales", x, {})
        said = capsys.readouterr().err
        path = tmp_path / "models" / name
        assert f"keras.models.load_model({str(path)!r})" in said
        np.testing.assert_allclose(keras.models.load_model(path).predict(x, verbose=0), model.predict(x, verbose=0))
    (tmp_path / "file").touch()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(OSError, match="The disk is full"):
        export(model, tmp_path / "file" / "sales", x, {})
    assert (tmp_path / "sales.keras").is_file()
