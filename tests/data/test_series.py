import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnn_tf.data import read_series, windows
from rnn_tf.data.series import Series


@pytest.fixture
def write(tmp_path):
    def write(text, encoding="utf-8"):
        path = tmp_path / "sales.csv"
        path.write_bytes(text.encode(encoding))
        return path

    return write


def table(rows=60):
    return "month,sales,price\n" + "".join(f"m{i},{i},{-i}\n" for i in range(rows))


def test_reads_the_named_columns(write):
    train, test = read_series(write(table()), column="sales", features=["price"], window=3, horizon=2, test=0.25)
    np.testing.assert_array_equal(train.x[0], [[0, 0], [1, -1], [2, -2]])
    np.testing.assert_array_equal(train.y[0], [3, 4])
    np.testing.assert_array_equal(test.x[0], [[42, -42], [43, -43], [44, -44]])
    np.testing.assert_array_equal(test.y[[0, -1]], [[45, 46], [58, 59]])
    assert train.x.dtype == train.y.dtype == np.float32


@given(
    rows=st.integers(6, 80),
    window=st.integers(1, 12),
    horizon=st.integers(1, 5),
    test=st.floats(0.05, 0.95),
)
def test_nothing_of_the_test_part_reaches_training(rows, window, horizon, test):
    values = np.arange(rows, dtype=float)[:, np.newaxis]
    cut = int(rows * (1 - test))
    if cut < window + horizon or rows - cut < horizon:
        with pytest.raises(ValueError, match="need at least"):
            Series("the series", np.asarray(values, float)).split(window, horizon, test)
        return
    train, held_out = Series("the series", np.asarray(values, float)).split(window, horizon, test)
    assert max(train.x.max(), train.y.max()) == cut - 1
    assert held_out.y.min() == cut  # every row after the cut is predicted
    assert held_out.y.max() == rows - 1
    for part in (train, held_out):  # what a window predicts comes right after it
        np.testing.assert_array_equal(part.y, part.x[:, -1] + np.arange(1, horizon + 1))


def test_quotes_byte_order_marks_and_blank_lines(write):
    path = write('\ufeff"month","sales"\n"1, Jan",1.5\n\n"2, Feb", 2.5 \n3,1e1\n4,4\n5,5\n6,6\n')
    train, _ = read_series(path, column="sales", window=2)
    np.testing.assert_array_equal(train.x[0, :, 0], [1.5, 2.5])


@pytest.mark.parametrize(
    ("text", "arguments", "message"),
    [
        (table(), {"column": "sale"}, r"must have a column 'sale'. Received: 'month', 'sales', 'price'"),
        (table(), {"features": ["cost"]}, r"must have a column 'cost'"),
        (table().replace("\n", ";\n", 1), {}, r"one kind of separator. Received: commas and semicolons"),
        (table() + "m60,none,0\n", {}, r"line 62: column 'sales' must hold finite numbers. Received: 'none'"),
        (table() + "m60,,0\n", {}, r"line 62: .* Received: ''"),
        (table() + "m60\n", {}, r"line 62: a row must have as many cells .* 3. Received: 1 cells, 'm60'. A cell is"),
        (table() + "m60,nan,0\n", {}, r"line 62: .* Received: 'nan'"),
        (table(3), {}, r"need at least 5 rows to train on .* has 3 rows"),
        (table(0), {}, r"has no rows"),
        ("", {}, r"is empty"),
        (table(), {"window": 0}, r"`window` must be a positive integer"),
        (table(), {"horizon": 1.5}, r"`horizon` must be a positive integer"),
        (table(), {"test": 0}, r"`test` must be a share between 0 and 1"),
        (table(), {"test": 5}, r"`test` must be a share between 0 and 1"),
    ],
)
def test_bad_files_and_arguments(write, text, arguments, message):
    with pytest.raises(ValueError, match=message):
        read_series(write(text), **{"column": "sales", "window": 4, **arguments})


def test_other_encodings_and_missing_files(write, tmp_path):
    with pytest.raises(ValueError, match="line 62: the file must be in UTF-8"):
        read_series(write(table() + "Umsätze,1,2\n", "latin-1"), column="sales", window=4)
    with pytest.raises(FileNotFoundError, match="There is no file"):
        read_series(tmp_path / "none.csv", column="sales", window=4)


def test_windows_are_checked():
    with pytest.raises(ValueError, match=r"add an axis, as in values\[:, None\]"):
        windows(np.arange(10.0), window=2)
    with pytest.raises(ValueError, match=r"at least window \+ horizon = 5 steps"):
        windows(np.zeros([4, 1]), window=4)
    with pytest.raises(ValueError, match="told apart in float32"):
        windows(1_700_000_000 + 60.0 * np.arange(20)[:, np.newaxis], window=2)
