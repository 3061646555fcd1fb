"""What exports may be named, and names made of columns."""

import re
import sys
import unicodedata

import keras
import pytest

from rnn_tf._names import check_export_folder
from rnn_tf.export import export_name, export_saved_model
from rnn_tf.export.versions import version_number

NAMES = {
    "Temperature [C]": "Temperature_C",
    "a/b": "a_b",
    "a\\b": "a_b",
    "Preis €": "Preis_euro",
    "Preis $": "Preis_dollar",
    "T °C": "T_degree_C",
    "load 1+2": "load_1_plus_2",
    "humidity %": "humidity_percent",
    "温度": "温度",
    "Größe (m³/h)": "Größe_m³_h",
    unicodedata.normalize("NFD", "Größe"): "Größe",
    "हवा": "हवा",
    "86": "model_86",
    "-86": "model_86",
    "8.6": "8.6",
    "1e3": "1e3",
    "": "model",
    "..": "model",
    ".": "model",
    "?*": "model",
    "\ud800": "model",
    "\x00\n": "model",
    ".hidden": "hidden",
    "--help": "help",
    "sales": "sales",
    "sales_eu-2.1": "sales_eu-2.1",
    "golden_retriever": "golden_retriever",
}


@pytest.mark.parametrize("text", NAMES)
def test_names_of_columns(text, tmp_path):
    name = export_name(text)
    assert name == NAMES[text]
    assert export_name(name) == name
    assert version_number(name) is None
    check_export_folder(tmp_path / name)
    (tmp_path / name).mkdir()


@pytest.mark.parametrize("text", ["a" * 300, "温" * 200, "x " * 500, "😀" * 40])
def test_long_names_are_cut_and_stay_apart(text, tmp_path):
    names = {export_name(text), export_name(text + "b"), export_name(text + "c")}
    assert len(names) == 3
    for name in names:
        assert len(name.encode()) <= 120
        check_export_folder(tmp_path / name)
        (tmp_path / name).mkdir()


def test_names_need_no_tensorflow(run_python):
    code = "import sys; from rnn_tf._names import export_name; export_name('a [b]'); print('tensorflow' in sys.modules)"
    assert run_python(code) == "False\n"


def model():
    return keras.Sequential([keras.Input([2], name="x"), keras.layers.Dense(1)])


@pytest.mark.parametrize(
    ("folder", "message"),
    [
        ("86", "named by a number"),
        ("007", "named by a number"),
        ("sales/1", "named by a number.*for version 1 of the model in"),
        ("room [C]", "for patterns"),
        ("why?", "for patterns"),
        ("a*/b", "for patterns"),
        (".hidden", "requests can use"),
        ("-x", "requests can use"),
        ("a:b", "requests can use"),
        ("100%", "requests can use"),
        ("a\nb", "requests can use"),
    ],
)
def test_bad_names_are_refused_before_any_work_and_the_advice_works(
    folder, message, tmp_path, monkeypatch, in_this_process
):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match=message) as refusal:
        export_saved_model(None, folder)  # not even the model was looked at
    assert list(tmp_path.iterdir()) == []
    of = re.search(r"of the model in '([^']+)' give that folder, and version=(\d+)", str(refusal.value))
    if folder == "sales/1":
        assert export_saved_model(model(), of[1], version=int(of[2])) == folder
    else:
        advised = re.search(r"(?:choose|such as) '([^']+)'", str(refusal.value))[1]
        assert export_saved_model(model(), advised) == advised + "/1"


def test_a_relative_path_has_the_name_of_its_folder(tmp_path, monkeypatch, in_this_process):
    for name in ("sales", "86"):
        (tmp_path / name / "in").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "sales")
    assert export_saved_model(model(), ".") == "1"
    assert export_saved_model(model(), "../sales/") == "../sales/2"
    monkeypatch.chdir(tmp_path / "sales" / "in")
    assert export_saved_model(model(), "..") == "../3"
    monkeypatch.chdir(tmp_path / "86")
    for folder in (".", "./", "../86", "../86/"):
        with pytest.raises(ValueError, match="named by a number"):
            export_saved_model(None, folder)
    monkeypatch.chdir(tmp_path / "86" / "in")
    with pytest.raises(ValueError, match=r"named by a number.*model_86'"):
        export_saved_model(None, "..")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows needs a right to make links")
def test_a_link_counts_by_its_own_name(tmp_path, in_this_process):
    (tmp_path / "2024").mkdir()
    (tmp_path / "sales").symlink_to(tmp_path / "2024")
    export_saved_model(model(), tmp_path / "sales")
    assert (tmp_path / "2024" / "1" / "saved_model.pb").is_file()
    (tmp_path / "data").mkdir()
    (tmp_path / "3").symlink_to(tmp_path / "data")
    with pytest.raises(ValueError, match="named by a number"):
        export_saved_model(None, tmp_path / "3")


def test_a_version_and_a_folder_of_models_are_no_models(tmp_path, in_this_process):
    export_saved_model(model(), tmp_path / "models" / "sales")
    (tmp_path / "models" / "sales" / "1").rename(tmp_path / "one")
    with pytest.raises(ValueError, match=r"which is a version itself.*such as '.*one_versions'"):
        export_saved_model(None, tmp_path / "one")
    export_saved_model(model(), tmp_path / "models" / "sales")
    with pytest.raises(ValueError, match=r"which holds the model 'sales'. Choose a folder in it, such as '.*model'"):
        export_saved_model(None, tmp_path / "models")
    (tmp_path / "models" / "sales" / "archive").mkdir()
    export_saved_model(model(), tmp_path / "models" / "sales" / "archive" / "old")
    assert export_saved_model(model(), tmp_path / "models" / "sales").endswith("2")
