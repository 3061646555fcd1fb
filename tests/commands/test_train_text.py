import csv
import re

import numpy as np
import pytest

import rnn_tf as package
from rnn_tf.commands import train_text
from rnn_tf.data import library_docs

WORDS = {"good": ["warm", "fine", "lovely", "great"], "bad": ["cold", "poor", "awful", "rude"]}


@pytest.fixture
def reviews(tmp_path):
    """A CSV file of easy texts, two of them alike."""
    random = np.random.default_rng(0)
    rows = [
        (label, " ".join([*random.choice(words, 3), str(i), "soup,", "said", random.choice(["we", "they"])]))
        for i in range(60)
        for label, words in WORDS.items()
    ]
    with open(tmp_path / "reviews.csv", "w", newline="") as file:
        csv.writer(file).writerows([("stars", "review"), *rows, ("good", rows[0][1].upper())])
    return tmp_path / "reviews.csv"


TRAIN = (
    "train",
    "text",
    "reviews.csv",
    "--text",
    "review",
    "--label",
    "stars",
    "--units",
    8,
    "--cell",
    "elman",
    "--rate",
    0.01,
)


def test_train_and_predict(rnn_tf, reviews, tmp_path):
    code, printed, errors = rnn_tf(*TRAIN, "--epochs", 6)
    assert (code, errors) == (0, "")
    assert "reviews.csv: 121 texts, 2 of them duplicates, which only train" in printed
    assert "bad 60, good 61" in printed
    # 119 texts occur once: a fifth of each class is held out, then a tenth of what is left of each
    assert "87 train, 10 stop the training, 24 test" in printed
    losses = [float(loss) for loss in re.findall(r"epoch +\d+ +loss (\S+)", printed)]
    assert losses[-1] < losses[0]
    assert re.search(r"accuracy  1\.000|accuracy  0\.9", printed)
    assert "A logistic regression on which words occur" in printed
    assert (tmp_path / "rnn_tf_text" / "confusion_matrix.png").is_file()
    assert (tmp_path / "rnn_tf_text" / "reading.png").is_file()
    known = (tmp_path / "saved_models/reviews/1/assets/vocabulary.txt").read_text(encoding="utf-8").splitlines()
    assert {"warm", "cold", "soup", ","} <= set(known)

    texts = ["lovely warm great 7 soup, said we", "awful poor rude 7 soup, said we", ""]
    code, printed, errors = rnn_tf("predict", "saved_models/reviews", *texts)
    assert (code, errors) == (0, "")
    header, *rows = csv.reader(printed.splitlines())
    assert header == ["label", "bad", "good", "text"]
    assert [row[0] for row in rows[:2]] == ["good", "bad"]
    assert [row[3] for row in rows] == texts
    for row in rows:
        assert float(row[1]) + float(row[2]) == pytest.approx(1, abs=2e-4)
    code, printed, _ = rnn_tf("predict", "saved_models/reviews/1", texts[0], "--output", "out.csv")
    assert (code, printed) == (0, "")
    assert (tmp_path / "out.csv").read_text().splitlines()[1].startswith("good,")
    code, _, errors = rnn_tf("predict", "saved_models/reviews", "warm", "--steps", 3)
    assert code == 2
    assert "classifies texts, which takes --text. Received: --steps" in errors


def test_without_a_file_it_trains_on_the_documentation_of_the_libraries(rnn_tf, monkeypatch):
    sentences = library_docs(40)
    monkeypatch.setattr(train_text, "library_docs", lambda: sentences)
    monkeypatch.setattr(package, "export_saved_model", lambda model, folder, **rest: f"{folder}/1")
    code, printed, errors = rnn_tf("train", "text", "--epochs", 1, "--units", 4, "--cell", "elman")
    assert (code, errors) == (0, "")
    assert "120 texts" in printed
    assert "numpy 40, python 40, tensorflow 40" in printed
    assert "saved_models/library_docs/1" in printed


@pytest.mark.parametrize(
    ("correct", "words", "message"),
    [
        ([1] * 90 + [0] * 10, [1] * 50 + [0] * 50, "better by 0.400"),
        ([1] * 50 + [0] * 50, [1] * 90 + [0] * 10, "WORSE: the difference is -0.400"),
        ([1, 0] * 50, [0, 1] * 50, "NOT clearly better"),
    ],
)
def test_the_verdict_is_plain(correct, words, message):
    assert message in train_text.verdict(np.array(correct, bool), np.array(words, bool))


@pytest.mark.parametrize(
    ("content", "arguments", "message"),
    [
        ("", (), "is empty"),
        ("text,label\n", (), "has no rows below its first line"),
        ("text,label\na b,x\nc d,x\n", (), "two classes or more"),
        ("text,label\n" + "a b,x\nc d,x\ne f,x\n" + "g h,y\n", (), "class 'y' has 1 rows"),
        ("text,label\na b,x\nc d,\n", (), "line 3: 'label' must hold a label"),
        ("text,label\na b,x\n,y\n", (), "line 3: 'text' must hold a text"),
        ("text,label\na b,x\n", ("--text", "review"), "must have a column 'review'"),
        ("text,label\na,x\nb,y\n", ("--vocabulary", 0), "positive integer"),
        ("text,label\na,x\nb,y\n", ("--test", 1.5), "between 0 and 1"),
        ("text,label\na,x\nb,y\n", ("--name", "a/b"), "without a path"),
    ],
)
def test_bad_input_ends_with_code_2_and_leaves_nothing_behind(rnn_tf, tmp_path, content, arguments, message):
    (tmp_path / "reviews.csv").write_text(content)
    code, _, errors = rnn_tf("train", "text", "reviews.csv", *arguments)
    assert code == 2
    assert message in errors
    assert "Traceback" not in errors
    assert [path.name for path in tmp_path.iterdir()] == ["reviews.csv"]


def test_a_file_that_is_not_there(rnn_tf, tmp_path):
    code, _, errors = rnn_tf("train", "text", "none.tsv")
    assert code == 2
    assert "There is no file 'none.tsv'" in errors
    assert not list(tmp_path.iterdir())
