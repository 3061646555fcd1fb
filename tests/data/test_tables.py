"""Files are read exactly, or refused: never another number, never another text."""

import csv
import gzip
import io
import json
import math
import os
import re
import subprocess
import sys
from collections import Counter

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rnn_tf.data import read_texts
from rnn_tf.data.tables import read_table

CRAWL = settings(
    max_examples=int(os.environ.get("RNN_TF_CRAWL", "200")),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
outcomes = Counter()


@pytest.fixture(scope="module", autouse=True)
def _counted():
    """`RNN_TF_CRAWL=10000 pytest -n 0 -s tests/data/test_tables.py` crawls further and tells the counts."""
    yield
    print(dict(outcomes))  # noqa: T201


@pytest.fixture
def write(tmp_path):
    def write(content, name="table.csv"):
        path = tmp_path / name
        content = content if isinstance(content, bytes) else content.encode()
        path.write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
        return path

    return write


# No surrogates and no NUL; line ends, quotes, separators and letters of many scripts as often as anything.
any_text = st.text(
    st.one_of(st.sampled_from("\"',;\t\n\r .-0123456789aé世"), st.characters(exclude_categories=["Cs"])), max_size=12
).map(lambda text: text.replace("\0", ""))
one_line = any_text.map(lambda text: re.sub(r"[\r\n\t]", " ", text))
finite = st.one_of(
    st.integers(-(10**6), 10**6).map(float),
    st.floats(allow_nan=False, allow_infinity=False, width=32),
    st.floats(allow_nan=False, allow_infinity=False),
)


@st.composite
def tables(draw):
    """Names, rows of a number, a text and a number, and how they are written."""
    rows = draw(st.lists(st.tuples(finite, any_text, finite), min_size=1, max_size=8))
    separator = draw(st.sampled_from(",;\t"))
    quoting = draw(st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC]))
    decimal = draw(st.sampled_from(".,"))
    end = draw(st.sampled_from(["\n", "\r\n", "\r"]))
    if any({"\r", "\n"} & set(words) for _, words, _ in rows):
        quoting = csv.QUOTE_ALL  # csv.writer quotes the line end that it writes, and not always the others
    file = io.StringIO()
    writer = csv.writer(file, delimiter=separator, quoting=quoting, lineterminator=end)
    writer.writerow(["first", "words", "second"])
    for first, words, second in rows:
        writer.writerow([repr(first).replace(".", decimal), words, repr(second).replace(".", decimal)])
    text = file.getvalue()
    if draw(st.booleans()):
        text = text.removesuffix(end)
    if draw(st.booleans()):
        text = "\ufeff" + text
    return rows, text, separator, decimal, draw(st.sampled_from(["table.csv", "table.csv.gz", "table.dat"]))


@CRAWL
@given(tables())
def test_crawl_of_valid_files(write, table):
    rows, text, _, decimal, name = table
    table = read_table(write(text, name), ["first", "words", "second"], decimal=decimal)
    outcomes["valid, read"] += 1
    assert table.cells("words") == [words for _, words, _ in rows]
    np.testing.assert_array_equal(table.numbers("first"), [first for first, _, _ in rows])
    np.testing.assert_array_equal(table.numbers("second"), [second for _, _, second in rows])


@CRAWL
@given(st.lists(st.tuples(one_line, finite), min_size=1, max_size=8), st.sampled_from(["\n", "\r\n", "\r"]))
def test_crawl_of_tab_separated_files(write, rows, end):
    lines = ["words\tnumber", *(f"{words}\t{number!r}" for words, number in rows)]
    table = read_table(write(end.join(lines), "table.tsv"), ["words"])
    assert table.cells("words") == [words for words, _ in rows]
    np.testing.assert_array_equal(table.numbers("number"), [number for _, number in rows])


@CRAWL
@given(st.lists(st.tuples(any_text, finite, st.booleans()), min_size=1, max_size=8))
def test_crawl_of_json_lines(write, rows):
    lines = [json.dumps({"words": words, "number": n}, ensure_ascii=ascii_only) for words, n, ascii_only in rows]
    table = read_table(write("\n".join(lines), "table.jsonl"))
    assert table.cells("words") == [words for words, *_ in rows]
    np.testing.assert_array_equal(table.numbers("number"), [number for _, number, _ in rows])


def as_csv_says(text, separator, decimal):
    """What Python's own reader makes of a text, slowly; None if it or this test calls it damaged."""
    try:
        rows = list(csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""), delimiter=separator, strict=True))
    except csv.Error:
        return None
    header, *rows = [row for row in rows if row]
    header = [name.strip() for name in header]
    places = [header.index(name) for name in ("first", "second") if header.count(name) == 1]
    if len(places) < 2 or any(len(row) != len(header) for row in rows):
        return None
    values = []
    for row in rows:
        for place in places:
            cell = row[place].strip(" ")
            cell = cell.replace(",", ".") if decimal == "," and "." not in cell else "" if decimal == "," else cell
            if not re.fullmatch(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?", cell):
                return None
            values.append(float(cell))
    return values


@CRAWL
@given(tables(), st.data())
def test_crawl_of_damaged_files(write, table, data):
    _, text, separator, decimal, _ = table
    place = data.draw(st.integers(0, len(text) - 1), label="place")
    damage = data.draw(st.sampled_from(["delete", "insert", "replace", "swap", "cut off"]), label="damage")
    character = data.draw(st.sampled_from('",;\t\n\r.0 -e_x１\u00a0'), label="character")
    if damage == "delete":
        text = text[:place] + text[place + 1 :]
    elif damage == "insert":
        text = text[:place] + character + text[place:]
    elif damage == "replace":
        text = text[:place] + character + text[place + 1 :]
    elif damage == "swap":
        text = text[:place] + text[place : place + 2][::-1] + text[place + 2 :]
    else:
        text = text[:place]
    try:
        table = read_table(write(text), ["first", "second"], decimal=decimal)
        values = np.stack([table.numbers("first"), table.numbers("second")], axis=1).ravel().tolist()
    except ValueError:
        outcomes["damaged, refused"] += 1
        return
    outcomes["damaged, read as it says"] += 1
    assert values == as_csv_says(text, separator, decimal)


@CRAWL
@given(tables(), st.data())
def test_damaged_archives_are_refused(write, table, data):
    path = write(table[1], "table.csv.gz")
    whole = path.read_bytes()
    path.write_bytes(whole[: data.draw(st.integers(1, len(whole) - 1))])
    with pytest.raises(ValueError, match="not a whole gzip file"):
        read_table(path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("day,value\n1,21,5\n", r"line 2: .* names, 2\. Received: 3 cells, '1', '21', '5'\. .*decimal comma \(21,5\)"),
        ("value\n21,5\n", r"line 2: .* Received: 2 cells, '21', '5'\. .*decimal comma"),
        ("month,value\nJan,1,020\n", r"line 2: .* thousands comma \(1,020\)"),
        ("a;value\n1;2\n3;4;5\n", r"line 3: .* Received: 3 cells.* semicolons must stand in quotes"),
        ("a\tvalue\n1\t2\n3\n", r"line 3: .* Received: 1 cells, '3'\. A cell is missing, or the line was cut off"),
        ('a,value\n"x\ny",1\n\n"z",2,3\n', r"line 5: a row must have as many cells"),
        ("a,value\r1,2\r3\r", r"line 3: .* A cell is missing"),
        ('a,value\n"x,1\ny,2\nz,3\n', r"line 2: a quote opens a cell and is never closed"),
        ('a,value\nw,0\n"x,1\n"y",2\n', r"line 3: a quote must open or close a whole cell\. .* Close the quote"),
        ('a,value\n5" pipe,1\n', r"line 2: a quote must open or close a whole cell"),
        ('a,value\n"x" y,1\n', r"line 2: a quote must open or close a whole cell"),
        ('a,value\n "x",1\n', r"line 2: a quote must open or close a whole cell"),
        ("value,value\n1,2\n", r"has 2 columns 'value', so that the name does not say which"),
        ("value, value \n1,2\n", r"has 2 columns 'value'"),
        ("a,b;value\n1,2\n", r"one kind of separator\. Received: commas and semicolons"),
        ("2024-01-01,20.5\n2024-01-02,21\n", r"a first line that looks like data, '2024-01-01', '20\.5'\. Put a line"),
        ("1,2\n3,4\n", r"a first line that looks like data"),
        ("value\n1\n\n2\n", r"above line 4: in a file of one column every line must hold a value"),
        ("a,value\n1,2\0\n", r"line 2: a text file holds no NUL byte"),
        ("", r"is empty"),
        ("\n\r\n", r"is empty"),
        ("a,value\n", r"has no rows below its first line"),
        ("a,value\nä,1\n".encode("latin-1"), r"line 2: the file must be in UTF-8"),
        ("a,value\n1,2\n".encode("utf-16"), r"Received: a file in UTF-16"),
    ],
)
def test_what_is_refused(write, content, message):
    with pytest.raises(ValueError, match=message):
        read_table(write(content), ["value"])


@pytest.mark.parametrize(
    ("cell", "decimal", "why"),
    [
        ("1_000", ".", "Correct it"),
        ("nan", ".", "Correct it"),
        ("inf", ".", "Correct it"),
        ("1e999", ".", "Correct it"),
        ("0x10", ".", "Correct it"),
        ("١٢", ".", "Correct it"),
        ("１２", ".", "Correct it"),
        ("true", ".", "Correct it"),
        ("1 000", ".", "Correct it"),
        ("5%", ".", "Correct it"),
        ("", ".", "Fill the gap"),
        ('"1,5"', ".", r"say decimal=',' \(on the command line --decimal ,\)"),
        ('"1,020,300"', ".", "Remove what separates the thousands"),
        ("1.5", ",", "Remove what separates the thousands, or correct it"),
        ('"1.020,5"', ",", "Remove what separates the thousands"),
        ("2024-01-01", ".", "Correct it"),
    ],
)
def test_cells_that_are_no_numbers(write, cell, decimal, why):
    with pytest.raises(ValueError, match=rf"line 3: column 'value' must hold finite numbers\. .* {why}"):
        read_table(write(f"day,value\n1,7\n2,{cell}\n"), decimal=decimal).numbers("value")


@pytest.mark.parametrize("value", ['"1.5"', "true", "null", "[1]", "NaN", "Infinity", "1" + "0" * 400])
def test_values_of_json_that_are_no_numbers(write, value):
    with pytest.raises(ValueError, match="line 2: "):
        read_table(write(f'{{"v": 1}}\n{{"v": {value}}}\n', "table.jsonl")).numbers("v")


def test_a_key_of_json_that_occurs_twice(write):
    path = write('{"v": 1, "w": 1}\n{"v": 1, "v": 2, "w": 3}\n', "table.jsonl")
    with pytest.raises(ValueError, match=r"line 2: there must be one column 'v'\. Received: 2 of them"):
        read_table(path, ["v"])
    assert read_table(path, ["w"]).numbers("w").tolist() == [1, 3]


def test_numbers_as_people_write_them(write):
    cells = [" 1.5 ", "+2", "-.5", "3.", "1e3", "1E-2", "007", "0.1"]
    table = read_table(write("a,value\n" + "".join(f"x,{cell}\n" for cell in cells)))
    assert table.numbers("value").tolist() == [1.5, 2, -0.5, 3, 1000, 0.01, 7, 0.1]
    quoted = read_table(write('a,"value"\n' + "".join(f'x,"{cell}"\n' for cell in cells)))
    assert quoted.numbers("value").tolist() == table.numbers("value").tolist()
    assert not math.isnan(table.numbers("value").sum())


def test_decimal_commas(write):
    semicolons = read_table(write("day;value\nMon;1,5\nTue;-2\n"), decimal=",")
    assert semicolons.numbers("value").tolist() == [1.5, -2]
    assert read_table(write("value\n1,5\n2,25\n"), decimal=",").numbers("value").tolist() == [1.5, 2.25]
    assert read_table(write('day,value\nMon,"1,5"\n'), decimal=",").numbers("value").tolist() == [1.5]
    with pytest.raises(ValueError, match=r"`decimal` must be '\.' or ','. Received: decimal=';'"):
        read_table(write("value\n1\n"), decimal=";")


def test_line_ends_inside_of_quotes_keep_the_count_of_lines(write):
    path = write('text,label\r\n"one\r\ntwo\nthree\rfour",a\r\n"five",b\r\n\r\nsix,\r\n')
    assert read_table(path).cells("text") == ["one\r\ntwo\nthree\rfour", "five", "six"]
    with pytest.raises(ValueError, match="line 8: 'label' must hold a label"):
        read_texts(path)


@pytest.mark.parametrize(("label", "expected"), [("5.0", "5"), ("3", "3"), ('"5.0"', "5.0"), ("true", "True")])
def test_labels_of_json(write, label, expected):
    path = write(f'{{"text": "a", "label": {label}}}\n', "reviews.jsonl")
    assert read_texts(path).labels == [expected]


def test_texts_and_series_are_read_by_the_same_rules(write):
    path = write("label\ttext\tscore\rgood\tWarm\t1\rbad\tCold\t2\r")
    assert read_texts(path).texts == ["Warm", "Cold"]
    assert read_table(path).numbers("score").tolist() == [1, 2]


def test_a_file_is_read_without_tensorflow(write):
    path = write("day,value\n1,2\n")
    code = (
        "import sys; from rnn_tf.data import read_columns, read_texts;"
        f"print(read_columns({str(path)!r}, ['value']).tolist(), {{'keras', 'tensorflow'}} & set(sys.modules))"
    )
    process = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert process.stdout == "[[2.0]] set()\n"
