import csv
import re

import numpy as np
import pytest

from rnn_tf.commands.sequence_tables import hold_out, read_sequences
from rnn_tf.serving.server import DevelopmentServer


@pytest.fixture
def readings(tmp_path):
    """Recordings of two gestures, which differ in the order of their steps; every second time 8 steps or 12."""
    lines = ["recording,time,x,y,note,gesture"]
    for i in range(40):
        steps, gesture = 8 + 4 * (i % 2), ("up", "down")[i % 4 // 2]
        values = np.linspace(-1, 1, steps) * (1 if gesture == "up" else -1)
        lines += [f"r{i},{t},{value:.3f},{i % 5},ok,{gesture}" for t, value in enumerate(values)]
    (tmp_path / "readings.csv").write_text("\n".join(lines) + "\n")
    return tmp_path / "readings.csv"


TRAIN = ("train", "sequences", "readings.csv", "--id", "recording", "--label", "gesture", "--units", 8)


def test_train_and_predict_here_and_on_a_server(rnn_tf, readings, tmp_path):
    arguments = ("--time", "time", "--name", "gestures", "--layers", 2, "--batch", 16, "--dropout", 0.1)
    code, printed, errors = rnn_tf(*TRAIN, *arguments, "--rate", 0.02, "--epochs", 30)
    assert (code, errors) == (0, "")
    assert "40 sequences of 8 to 12 steps, 400 rows" in printed
    assert "features: x, y (all columns of numbers but 'recording'; left out, as no numbers: note)" in printed
    assert "down 20, up 20" in printed
    assert "26 train, 6 stop the training, 8 test" in printed or re.search(r"\d+ train, \d+ stop .* 8 test", printed)
    assert re.search(r"accuracy  (1\.000|0\.\d+) \(", printed)
    assert "The most frequent class" in printed
    assert "A logistic regression on each sequence's means" in printed
    code, printed, errors = rnn_tf(*printed.split("next: rnn-tf ")[1].split())
    assert (code, errors) == (0, "")
    header, *rows = csv.reader(printed.splitlines())
    assert header == ["recording", "label", "down", "up"]
    assert [row[0] for row in rows] == [f"r{i}" for i in range(40)]
    truth = [("up", "down")[i % 4 // 2] for i in range(40)]
    assert np.mean([row[1] == label for row, label in zip(rows, truth, strict=True)]) > 0.9

    with DevelopmentServer("saved_models", port=0) as server:
        address = f"{server.url}/v1/models/gestures"
        code, there, errors = rnn_tf("predict", address, "readings.csv", "--id", "recording", "--features", "x,y")
        assert (code, errors) == (0, "")
        assert [row[:2] for row in csv.reader(there.splitlines())] == [row[:2] for row in [header, *rows]]
        code, _, errors = rnn_tf("predict", address, "readings.csv")
        assert code == 2
        assert "looks at 2 columns of a file" in errors
        assert "--features and --id" in errors


@pytest.mark.parametrize(
    ("content", "options", "message"),
    [
        ("id,x,kind\na,1,u\na,2,v\n", {}, "line 3: all rows of a sequence must have one label. Received: 'v'"),
        ("id,x,kind\na,1,u\nb,2,v\na,3,u\n", {}, "line 4: the rows of a sequence must stand together"),
        ("id,x,kind\na,1,u\n,2,v\n", {}, "line 3: 'id' must hold a name"),
        ("id,x,kind\na,1,u\na,2,\n", {}, "line 3: 'kind' must hold a name"),
        ("id,x,kind\na,1,u\nb,one,v\n", {}, "line 3: column 'x' must hold finite numbers"),
        ("id,note,kind\na,ok,u\nb,ok,v\n", {}, "must have a column of numbers besides 'id', 'kind'"),
        ("id,t,x,kind\na,1,2,u\na,1,3,u\n", {"time": "t"}, "line 3: the rows of a sequence must have times of their"),
        ("id,x,kind\na,1,u\n", {"features": ["id"]}, "Each column has one use. Received: 'id' twice"),
        ("id,x,kind\na,100000000.1,u\na,100000000.2,u\n", {}, "must be told apart in float32"),
    ],
)
def test_files_that_are_refused(tmp_path, content, options, message):
    (tmp_path / "readings.csv").write_text(content)
    with pytest.raises(ValueError, match=re.escape(message)):
        read_sequences(str(tmp_path / "readings.csv"), "id", "kind", **options)


def test_time_orders_the_rows_of_each_sequence(tmp_path):
    path = tmp_path / "readings.csv"
    path.write_text("id;day;x;kind\na;2024-01-02;2,5;u\nb;2024-01-01;9;v\na;2024-01-01;1,5;u\n")
    sequences = read_sequences(str(path), "id", "kind", time="day", decimal=",")
    assert [one[:, 0].tolist() for one in sequences.arrays] == [[1.5, 2.5], [9.0]]
    assert (sequences.ids, sequences.labels, sequences.features) == (["a", "b"], ["u", "v"], ["x"])


def test_a_json_label_of_5_is_the_label_5(tmp_path):
    path = tmp_path / "readings.jsonl"
    path.write_text('{"id": 1.0, "x": 0.5, "stars": 5.0}\n{"id": 2, "x": 1, "stars": 4}\n')
    sequences = read_sequences(str(path), "id", "stars")
    assert (sequences.ids, sequences.labels) == (["1", "2"], ["5", "4"])


def test_of_each_class_a_share_is_held_out():
    labels = ["a"] * 10 + ["b"] * 5 + ["c"] * 2
    stay, held_out = hold_out(labels, 0.2, np.random.default_rng(0))
    assert sorted([*stay, *held_out]) == list(range(17))
    assert [labels[i] for i in held_out] == ["a", "a", "b", "c"]
    with pytest.raises(ValueError, match="too few of 'c'"):
        hold_out(labels[:-1], 0.2, np.random.default_rng(0))


def test_classes_and_files_that_do_not_fit(rnn_tf, readings, tmp_path):
    lines = readings.read_text().splitlines()
    (tmp_path / "other.csv").write_text("\n".join([lines[0], *lines[1:9]]).replace(",up", ",left") + "\n")
    code, _, errors = rnn_tf(*TRAIN, "--test-file", "other.csv")
    assert code == 2
    assert "must have labels that readings.csv has. Received: 'left'" in errors
    code, _, errors = rnn_tf(*TRAIN[:2], "other.csv", *TRAIN[3:])
    assert code == 2
    assert "two classes or more. Received: 'left' alone" in errors
