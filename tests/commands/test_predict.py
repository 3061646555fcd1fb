"""What `rnn-tf predict` reads: files, standard input, or texts themselves."""

import argparse
import csv
import gzip
import io
import json

import numpy as np
import pytest

import rnn_tf as package
from rnn_tf.commands.inputs import looks_like_a_file, texts_of
from rnn_tf.serving.server import DevelopmentServer

TEXTS = ["warm, lovely soup", "cold poor soup", "温暖 lovely"]


def options(*inputs, text=None):
    return argparse.Namespace(inputs=list(inputs), text=text, model="saved_models/reviews")


@pytest.fixture
def files(tmp_path, monkeypatch):
    """The same texts in every form."""
    monkeypatch.chdir(tmp_path)
    lines = "\n".join(TEXTS)
    (tmp_path / "a.txt").write_text(f"{lines}\n")
    (tmp_path / "crlf.txt").write_bytes(f"\ufeff{lines}\n\n".replace("\n", "\r\n").encode())
    (tmp_path / "cr.txt").write_bytes(f"{lines}\n".replace("\n", "\r").encode())
    (tmp_path / "lines").write_text(lines)
    with open(tmp_path / "a.csv", "w", newline="") as file:
        csv.writer(file).writerows([("n", "text"), *enumerate(TEXTS)])
    (tmp_path / "a.tsv").write_text("text\tn\n" + "".join(f"{text}\t1\n" for text in TEXTS))
    (tmp_path / "a.jsonl").write_text("".join(json.dumps({"text": text}) + "\n" for text in TEXTS))
    for name in ("a.txt", "a.csv"):
        (tmp_path / f"{name}.gz").write_bytes(gzip.compress((tmp_path / name).read_bytes()))
    return tmp_path


@pytest.mark.parametrize(
    "file", ["a.txt", "crlf.txt", "cr.txt", "lines", "a.csv", "a.tsv", "a.jsonl", "a.txt.gz", "a.csv.gz"]
)
def test_a_file_is_read_as_train_reads_it(files, file):
    assert texts_of(options(file), {}) == TEXTS


def test_columns_and_standard_input(files, monkeypatch):
    (files / "b.csv").write_text("review,text\nfine,1\n")
    assert texts_of(options("b.csv"), {"text": "review"}) == ["fine"]
    assert texts_of(options("b.csv", text="review"), {"text": "other"}) == ["fine"]
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO("\n".join(TEXTS).encode())))
    assert texts_of(options("-"), {}) == TEXTS
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"\xff\n")))
    with pytest.raises(ValueError, match="Standard input must be in UTF-8"):
        texts_of(options("-"), {})


@pytest.mark.parametrize(
    "texts", [["Warm rooms, cold soup.", "房间很干净"], ["and/or", "No.txt is none"], [""], ["node.js"], ["x" * 5000]]
)
def test_texts_are_texts(files, texts):
    assert texts_of(options(*texts), {}) == texts


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        (["none.txt"], FileNotFoundError, "There is no file 'none.txt'"),
        (["my none.csv"], FileNotFoundError, "There is no file 'my none.csv'"),
        (["./none"], FileNotFoundError, "There is no file './none'"),
        (["~/none"], FileNotFoundError, "There is no file '~/none'"),
        (["none.xlsx"], FileNotFoundError, "There is no file 'none.xlsx'"),
        (["a.txt", "fine"], ValueError, "Give one file, or - for standard input, or texts"),
        (["a.txt", "a.csv"], ValueError, "Call the command once for each"),
        (["fine", "-"], ValueError, "Give one file, or - for standard input, or texts"),
        (["folder"], IsADirectoryError, "Received: the folder folder"),
        (["table.xlsx"], ValueError, "Rename the file to what it holds"),
        (["empty.txt"], ValueError, "is empty"),
        (["gap.csv"], ValueError, "line 3: 'text' must hold a text"),
    ],
)
def test_what_cannot_be_known_is_refused(files, given, error, message):
    (files / "folder").mkdir()
    (files / "table.xlsx").touch()
    (files / "empty.txt").touch()
    (files / "gap.csv").write_text("n,text\n1,fine\n2,\n")
    with pytest.raises(error, match=message):
        texts_of(options(*given), {})


@pytest.mark.parametrize("given", [["fine"], ["-"], ["a.txt"]])
def test_a_column_is_of_a_table(files, given):
    with pytest.raises(ValueError, match="--text"):
        texts_of(options(*given, text="review"), {})


def test_what_looks_like_a_file():
    assert all(map(looks_like_a_file, ["a.csv", "A B.TSV.gz", "/tmp/x", "../x", "report.pdf"]))
    assert not any(map(looks_like_a_file, ["fine.", "a/b", "see report.pdf here", "...", "text\nof.csv"]))


@pytest.mark.usefixtures("in_this_process")
def test_a_models_answers_to_a_file_are_those_to_its_texts(rnn_tf, files):
    model = package.TextClassifier.from_texts(TEXTS * 2, ["good", "bad", "good"] * 2, units=4)
    package.export_saved_model(model, "saved_models/reviews")
    expected = rnn_tf("predict", "saved_models/reviews", *TEXTS)
    assert expected[0] == 0
    assert expected[1].splitlines()[0] == "label,bad,good,text"
    for file in ("a.txt", "a.csv"):
        assert rnn_tf("predict", "saved_models/reviews", file) == expected
    with DevelopmentServer("saved_models", port=0) as server:
        code, printed, errors = rnn_tf("predict", f"{server.url}/v1/models/reviews", "a.tsv")
    assert (code, errors) == (0, "")
    for here, there in zip(csv.reader(expected[1].splitlines()), csv.reader(printed.splitlines()), strict=True):
        assert (here[0], here[-1]) == (there[0], there[-1])


@pytest.fixture
def shops(tmp_path):
    """Two series under each other, newest first, with dates and decimal commas."""
    days = np.datetime64("2024-02-20") + np.arange(50)
    lines = ["shop;day;sales"]
    for shop, level in (("north", 100), ("south", 900)):
        lines += [f"{shop};{day};{level + i},5" for i, day in reversed(list(enumerate(days)))]
    (tmp_path / "shops.csv").write_text("\n".join(lines) + "\n")
    return tmp_path / "shops.csv"


@pytest.mark.usefixtures("in_this_process")
def test_several_series_are_trained_and_continued_each_by_itself(rnn_tf, shops):
    train = ("train", "series", "shops.csv", "--column", "sales", "--decimal", ",")
    code, _, errors = rnn_tf(*train)
    assert code == 2
    assert "--group" in errors
    code, printed, errors = rnn_tf(*train, "--group", "shop", "--horizon", 2, "--epochs", 30)
    assert (code, errors) == (0, "")
    assert "2 series of 100 rows" in printed
    assert "newest" in printed
    code, printed, errors = rnn_tf("predict", "saved_models/sales", "shops.csv", "--steps", 3)
    assert code == 0
    assert "newest" in errors
    header, *rows = csv.reader(printed.splitlines())
    assert header == ["step", "sales", "day", "shop"]
    assert [row[2:] for row in rows] == [
        [day, shop] for shop in ("north", "south") for day in ("2024-04-10", "2024-04-11", "2024-04-12")
    ]
    assert [float(row[1]) for row in rows] == pytest.approx([150.5, 151.5, 152.5, 950.5, 951.5, 952.5], abs=15)


@pytest.mark.usefixtures("in_this_process")
def test_a_file_to_test_on_and_no_time(rnn_tf, tmp_path):
    for name in ("old", "new"):
        (tmp_path / f"{name}.csv").write_text("day,x\n" + "".join(f"2024-01-01,{i % 7}\n" for i in range(60)))
    train = ("train", "series", "old.csv", "--column", "x", "--test-file", "new.csv", "--epochs", 1)
    assert rnn_tf(*train)[0] == 2
    code, printed, errors = rnn_tf(*train, "--no-time", "--layers", 2, "--dropout", 0.1, "--batch", 8, "--rate", 0.01)
    assert (code, errors) == (0, "")
    assert "56 windows to train on, the 56 of new.csv to test on" in printed
    assert "try --window 7 --season 7" in printed
    code, printed, errors = rnn_tf("predict", "saved_models/x", "old.csv")
    assert (code, errors, printed.splitlines()[0]) == (0, "", "step,x")
