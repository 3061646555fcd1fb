import csv
import gzip
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnn_tf.data import Texts, TextSplit, read_texts, split_texts


@pytest.fixture
def write(tmp_path):
    def write(name, content):
        path = tmp_path / name
        content = content if isinstance(content, bytes) else content.encode()
        path.write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
        return path

    return write


def test_tsv_takes_quotes_as_they_come(write):
    content = 'label\ttext\nneg\t"No" he said, "never\r\npos\t"So so, \'fine\n\npos\t  42\n'
    expected = Texts(['"No" he said, "never', "\"So so, 'fine", "  42"], ["neg", "pos", "pos"])
    assert read_texts(write("reviews.tsv", content)) == expected
    assert read_texts(write("reviews.TSV.gz", content)) == expected


def test_csv_as_spreadsheets_write_it(write):
    content = '\ufefflabel, body ,stars\n neg ,"No, he said: ""never""\nagain",1\n\npos,还不错,5'
    expected = Texts(['No, he said: "never"\nagain', "还不错"], ["neg", "pos"])
    assert read_texts(write("reviews.csv", content), text="body") == expected
    assert read_texts(write("reviews.csv.gz", content), text="body") == expected
    assert read_texts(write("reviews.csv", content), text="body", label="stars").labels == ["1", "5"]


def test_json_lines(write):
    rows = [{"text": "a\nb\u2028c 😀", "label": label, "stars": 3} for label in ("pos", 2, 0, True)]
    content = "\n".join(json.dumps(row, ensure_ascii=i % 2 == 0) + "\n" for i, row in enumerate(rows))
    expected = Texts(["a\nb\u2028c 😀"] * 4, ["pos", "2", "0", "True"])
    for name in ("reviews.jsonl", "reviews.ndjson", "reviews.jsonl.gz"):
        assert read_texts(write(name, content)) == expected
    assert read_texts(write("reviews.jsonl", "\ufeff" + content)) == expected


def test_long_texts_and_the_limit_of_the_csv_module(write):
    before = csv.field_size_limit(1000)
    try:
        for name, separator in (("reviews.tsv", "\t"), ("reviews.csv", ",")):
            assert read_texts(write(name, f"text{separator}label\n{'a' * 200_000}{separator}b\n")).labels == ["b"]
            with pytest.raises(ValueError, match="cells"):
                read_texts(write(name, f"text{separator}label\n1\n"))
            assert csv.field_size_limit() == 1000
    finally:
        csv.field_size_limit(before)


CSV, TSV, JSON = "text,label\nfine,pos\n", "text\tlabel\nfine\tpos\n", '{"text": "fine", "label": "pos"}\n'


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("r.txt", TSV, r"must end in \.tsv, \.csv or \.jsonl .* Received: 'r\.txt'"),
        ("r.gz", TSV, r"must end in \.tsv, \.csv or \.jsonl"),
        ("r.csv", "", r"r\.csv is empty"),
        ("r.tsv.gz", "\n\n", r"r\.tsv\.gz is empty"),
        ("r.jsonl", "\n", r"r\.jsonl is empty"),
        ("r.csv", "text,label\n", r"r\.csv has no rows below its first line"),
        ("r.csv", "Text,label\nfine,pos\n", r"must have a column 'text'\. Received: 'Text', 'label'"),
        ("r.csv", "text,class\nfine,pos\n", r"must have a column 'label'\. Received: 'text', 'class'"),
        ("r.tsv", CSV, r"must have a column 'text'\. Received: one column, 'text,label'\. .* tabs"),
        ("r.jsonl", JSON + '{"body": "fine", "label": 1}', r"line 2: .* one column 'text'\. Received: 'body', 'label'"),
        ("r.jsonl", JSON + "\n{}", r"line 3: .* one column 'text'\. Received: no names"),
        ("r.csv", CSV + '"two\nlines",pos\nfine\n', r"line 5: a row must have as many cells .* 2\. Received: 1 cells"),
        ("r.csv", CSV + "fine, but,pos\n", r"line 3: .* Received: 3 cells.* or a text that holds a comma, must stand"),
        ("r.tsv", TSV + "fine\n", r"line 3: .* Received: 1 cells"),
        ("r.csv", CSV + '"fine,pos\nfine,pos\n', r"line 3: a quote opens a cell and is never closed"),
        ("r.csv", CSV + '"fine" indeed,pos\n', r"line 3: a quote must open or close a whole cell"),
        ("r.tsv", TSV + " \tpos\n", r"line 3: 'text' must hold a text\. Received: ' '\. .* remove the line"),
        ("r.csv", CSV + ",pos\n", r"line 3: 'text' must hold a text\. Received: ''"),
        ("r.jsonl", JSON + '{"text": null, "label": 1}', r"line 2: 'text' must hold a text\. Received: None"),
        ("r.jsonl", JSON + '{"text": 3, "label": 1}', r"line 2: 'text' must hold a text\. Received: 3"),
        ("r.jsonl", JSON + '{"text": "\\ud83d", "label": 1}', r"line 2: 'text' must hold whole characters"),
        ("r.csv", CSV + "fine, \n", r"line 3: 'label' must hold a label.* Received: ' '"),
        ("r.tsv", TSV + "fine\t\n", r"line 3: 'label' must hold a label.* Received: ''"),
        ("r.jsonl", JSON + '{"text": "fine", "label": null}', r"line 2: 'label' must hold a label.* Received: None"),
        ("r.jsonl", JSON + '{"text": "fine", "label": 1.5}', r"line 2: 'label' must hold a label.* Received: 1\.5"),
        ("r.jsonl", JSON + "{'text': 1}", r"line 2: not JSON: .* Each line must hold a JSON object"),
        ("r.jsonl", JSON + '["fine", "pos"]', r"line 2: must be a JSON object, .* Received: list"),
        ("r.csv", (CSV + "schön,pos\n").encode("latin-1"), r"line 3: the file must be in UTF-8"),
        ("r.jsonl", JSON.encode("utf-16"), r"must be in UTF-8. Received: a file in UTF-16"),
    ],
)
def test_bad_files(write, name, content, message):
    with pytest.raises(ValueError, match=message):
        read_texts(write(name, content))


def test_missing_and_damaged_files(write, tmp_path):
    with pytest.raises(FileNotFoundError, match="There is no file"):
        read_texts(tmp_path / "none.csv")
    path = write("reviews.csv.gz", CSV * 50)
    whole = path.read_bytes()
    for damaged in (whole[:-9], CSV.encode(), whole[:12] + bytes([whole[12] ^ 255]) + whole[13:]):
        path.write_bytes(damaged)
        with pytest.raises(ValueError, match=r"reviews\.csv\.gz is not a whole gzip file"):
            read_texts(path)


def labelled(rows, start=0):
    """`rows` texts of class "a", twice as many of "b", in turn."""
    return Texts([f"text {start + i}" for i in range(3 * rows)], ["a", "b", "b"] * rows)


def test_the_split_keeps_the_shares_of_the_classes():
    texts = labelled(50)
    train, test, duplicates = split_texts(texts, test=0.2)
    assert (test.labels.count("a"), test.labels.count("b"), duplicates) == (10, 20, 0)
    for part in (train, test):  # rows stay whole and in their order
        numbers = [int(text.split()[1]) for text in part.texts]
        assert numbers == sorted(numbers)
        assert part.labels == [texts.labels[number] for number in numbers]
    assert sorted(train.texts + test.texts) == sorted(texts.texts)


def test_the_seed_decides_the_split():
    texts = labelled(20)
    assert isinstance(split_texts(texts), TextSplit)
    assert split_texts(texts) == split_texts(texts, test=0.2, seed=0)
    assert split_texts(texts) != split_texts(texts, seed=1)


@given(st.lists(st.tuples(st.sampled_from(["Good", "good", " good", "bad", "a b", "a  b"]), st.sampled_from("xy"))))
def test_no_copy_of_a_training_text_is_tested_on(repeated):
    single = labelled(5)
    texts = Texts([text for text, _ in repeated] + single.texts, [label for _, label in repeated] + single.labels)
    if any(texts.labels.count(name) and name not in "ab" for name in "xy"):  # these have few rows: give them more
        texts = Texts([*texts.texts, "1", "2", "3", "4"], [*texts.labels, "x", "x", "y", "y"])
    train, test, duplicates = split_texts(texts, test=0.3)

    def words(part):
        return [tuple(text.lower().split()) for text in part.texts]

    assert not set(words(train)) & set(words(test))
    assert len(set(words(test))) == len(test.texts)
    assert duplicates == sum(words(texts).count(one) > 1 for one in words(texts))
    assert set(train.labels) == set(test.labels) == set(texts.labels)


def test_a_class_with_little_to_hold_out_gives_what_it_can():
    texts = Texts(["same", "Same", "one", "x", "y", "z"], ["a", "a", "a", "b", "b", "b"])
    train, test, duplicates = split_texts(texts, test=0.99)
    assert train.texts[:2] == ["same", "Same"]
    assert (test.labels, len(train.texts), duplicates) == (["a", "b", "b"], 3, 2)
    assert split_texts(texts, test=0.01).test.labels == ["a", "b"]


@pytest.mark.parametrize(
    ("texts", "test", "message"),
    [
        (labelled(5), 0, r"`test` must be a share between 0 and 1\. Received: test=0"),
        (labelled(5), 1.0, r"`test` must be a share between 0 and 1"),
        (labelled(5), 20, r"`test` must be a share between 0 and 1"),
        (Texts(["a", "b"], ["x"]), 0.5, r"Each text must have a label\. Received: 2 texts and 1 labels"),
        (Texts(["a", "b"], ["x", "x"]), 0.5, r"two classes or more\. Received: 'x'"),
        (Texts([], []), 0.5, r"two classes or more\. Received: no texts"),
        (Texts(["a", "b", "c"], ["x", "y", "x"]), 0.5, r"class 'y' has 1 rows, 1 with a text that occurs once"),
        (Texts(["a", "A", "c", "d"], ["x", "x", "y", "y"]), 0.5, r"class 'x' has 2 rows, 0 with a text"),
    ],
)
def test_what_cannot_be_split(texts, test, message):
    with pytest.raises(ValueError, match=message):
        split_texts(texts, test=test)
