import tracemalloc

import numpy as np
import pytest
import tensorflow as tf

from rnn_tf import TextClassifier
from rnn_tf.fields.columns import columns_of
from rnn_tf.fields.labels import class_names, class_numbers, class_weights, learn_classes
from rnn_tf.fields.tokens import as_texts, holds_ids, holds_texts

TEXTS = ["good 好", "", "bad"]


# --- labels


@pytest.mark.parametrize(
    ("labels", "classes"),
    [
        (["neg", "pos", "neg"], ["neg", "pos"]),
        ((b"pos", b"neg"), ["neg", "pos"]),
        (np.array(["pos", "neg"]), ["neg", "pos"]),
        (np.array([b"pos", b"neg"]), ["neg", "pos"]),
        (np.array(["坏", "好"], object), ["坏", "好"]),
        ([10, 9, 100], ["9", "10", "100"]),
        (np.array([1, 0], np.uint8), ["0", "1"]),
        ([np.int64(1), 0], ["0", "1"]),
        ([1.0, 2.0], ["1", "2"]),
        (np.array([[2], [-1]], np.float32), ["-1", "2"]),
        ([True, False], ["False", "True"]),
        (np.array([True, False]), ["False", "True"]),
        (tf.constant([3, 1]), ["1", "3"]),
        (tf.constant(["b", "a"]), ["a", "b"]),
        (["10", "9", "b", "a"], ["9", "10", "a", "b"]),
        (["--5", "-5"], ["-5", "--5"]),
        ([1, "1", 1.0, "2"], ["1", "2"]),
    ],
    ids=str,
)
def test_classes_are_learned_in_order_and_found_again(labels, classes):
    assert learn_classes(labels) == classes
    numbers = class_numbers(labels, classes)
    assert numbers.dtype == np.int32
    assert set(numbers.tolist()) == set(range(len(classes)))
    assert class_numbers([classes[number] for number in numbers], classes).tolist() == numbers.tolist()


@pytest.mark.parametrize("dtype", ["category", "object", "string", None])
def test_pandas_labels(dtype):
    pandas = pytest.importorskip("pandas")
    column = pandas.Series(["pos", "neg", "pos"], index=[7, 7, 3], dtype=dtype)
    assert class_numbers(column, learn_classes(column)).tolist() == [1, 0, 1]
    with pytest.raises(ValueError, match=r"must be a name or a whole number. Received: .* in row 1. Fill it in"):
        learn_classes(pandas.Series(["a", None, "b"], dtype=dtype))
    with pytest.raises(ValueError, match=r"in row 2"):
        learn_classes(pandas.Series([1, 2, None], dtype="Int64"))


def test_numbers_are_places_only_where_the_names_are_not_numbers():
    assert class_numbers([1, 0, 2], ["neg", "neutral", "pos"]).tolist() == [1, 0, 2]
    assert class_numbers(np.array([2.0, 0.0]), ["neg", "neutral", "pos"]).tolist() == [2, 0]
    stars = ["1", "2", "3", "4", "5"]
    assert class_numbers([1, 5], stars).tolist() == class_numbers(["1", "5"], stars).tolist() == [0, 4]
    with pytest.raises(ValueError, match=r"one of the classes '1', '2', '3', '4', '5'. Received: '0' in row 1"):
        class_numbers([1, 0], stars)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (["neg", "pso"], r"must be one of the classes 'neg', 'pos'. Received: 'pso' in row 1. Remove such rows"),
        ([0, 2], r"Received: '2' in row 1"),
        ([0, -1], r"Received: '-1' in row 1"),
        (["neg", None], r"must be a name or a whole number. Received: None in row 1. Fill it in"),
        ([0.0, np.nan], r"Received: nan in row 1"),
        (np.array([0, np.inf]), r"Received: inf in row 1"),
        ([0, 0.5], r"Received: 0.5 in row 1"),
        (["neg", ""], r"Received: '' in row 1"),
        ("neg", r"`labels` must be a list or an array, one entry a row. Received: 'neg'"),
        (None, r"`labels` must be a list or an array, one entry a row. Received: None"),
        (np.eye(2), r"`labels` must have one entry a row. Received: shape \(2, 2\)"),
        ([], r"`labels` must have at least one row"),
    ],
    ids=str,
)
def test_unusable_labels_are_named(labels, message):
    with pytest.raises(ValueError, match=message):
        class_numbers(labels, ["neg", "pos"])


def test_one_class_is_not_enough():
    with pytest.raises(ValueError, match=r"at least two classes. Received: 3 labels, all of them 'a'. Add examples"):
        learn_classes(["a"] * 3)


def test_class_names():
    assert class_names(3) == class_names(np.int64(3)) == class_names(range(3)) == ["0", "1", "2"]
    assert class_names(["b", "a"]) == class_names(("b", b"a")) == class_names(np.array(["b", "a"])) == ["b", "a"]
    for classes in (1, ["a"], ["a", "a"], [1, "1"]):
        with pytest.raises(ValueError, match=r"number of classes, at least 2, or their names, each once. Received: \["):
            class_names(classes)
    for classes in (0, 2.0, True, None, "ab"):
        with pytest.raises(ValueError, match=r"`classes` must be"):
            class_names(classes)


# --- class weights

NUMBERS = np.array([0, 0, 0, 1])


def test_class_weights_by_name_by_number_and_balanced():
    classes = ["neg", "pos"]
    assert class_weights({"pos": 3, "neg": 1}, None, classes) == {0: 1.0, 1: 3.0}
    assert class_weights({1: np.float32(3)}, None, classes) == {0: 1.0, 1: 3.0}
    assert class_weights({2: 3.0}, None, ["1", "2"]) == class_weights({"2": 3.0}, None, ["1", "2"]) == {0: 1.0, 1: 3.0}
    balanced = class_weights("balanced", NUMBERS, classes)
    assert balanced == pytest.approx({0: 4 / (2 * 3), 1: 4 / (2 * 1)})
    assert sum(balanced[number] for number in NUMBERS.tolist()) == pytest.approx(len(NUMBERS))
    assert class_weights(None, NUMBERS, classes) is None


def test_balanced_weights_of_a_class_without_rows():
    assert class_weights("balanced", NUMBERS, ["a", "b", "c"]) == pytest.approx({0: 2 / 3, 1: 2, 2: 1})


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ("auto", r"`class_weight` must be a dict of weights by class, or 'balanced'.* Received: class_weight='auto'"),
        ([1, 2], r"`class_weight` must be"),
        (3, r"`class_weight` must be"),
        (np.array([1.0, 2.0]), r"`class_weight` must be"),
        ({"other": 2.0}, r"Received: 'other'"),
        ({2: 2.0}, r"Received: '2'"),
        ({"pos": "much"}, r"`class_weight`"),
        ({"pos": None}, r"`class_weight`"),
        ({"pos": np.nan}, r"`class_weight`"),
        ({"pos": -1.0}, r"`class_weight`"),
    ],
    ids=str,
)
def test_class_weights_are_checked(weights, message):
    with pytest.raises(ValueError, match=message):
        class_weights(weights, NUMBERS, ["neg", "pos"])


def test_balanced_weights_need_labels():
    with pytest.raises(ValueError, match=r"needs the labels beside the texts or sequences, not in a dataset"):
        class_weights("balanced", None, ["neg", "pos"])


# --- texts

FORMS = {
    "list": list,
    "tuple": tuple,
    "numpy str": np.array,
    "numpy bytes": lambda texts: np.array([text.encode() for text in texts]),
    "numpy objects": lambda texts: np.array(texts, object),
    "numpy column": lambda texts: np.array(texts)[:, np.newaxis],
    "numpy strings in a list": lambda texts: list(np.array(texts)),
    "bytes": lambda texts: [text.encode() for text in texts],
    "tensor": tf.constant,
    "rows": tf.data.Dataset.from_tensor_slices,
    "batches": lambda texts: tf.data.Dataset.from_tensor_slices(texts).batch(2),
}


@pytest.mark.parametrize("form", FORMS)
def test_texts_of_every_form(form):
    texts = FORMS[form](TEXTS)
    if isinstance(texts, tf.data.Dataset):
        texts, labels, sample_weight, _ = columns_of(texts)
        assert labels is None
        assert sample_weight is None
    texts = as_texts(texts)
    assert [tf.compat.as_str(text) for text in texts] == TEXTS
    assert all(type(text) in (str, bytes) for text in texts)


@pytest.mark.parametrize("dtype", ["object", "string", None])
def test_pandas_texts(dtype):
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"text": pandas.Series([*TEXTS, None], dtype=dtype, index=[5, 5, 0, 1])})
    assert as_texts(frame["text"][:3]) == as_texts(frame[["text"]][:3]) == TEXTS
    with pytest.raises(ValueError, match=r"Every text must be a string. Received: .* in row 3. Remove the row"):
        as_texts(frame["text"])


@pytest.mark.parametrize("batch_size", [None, 2, 3])
def test_columns_of_a_dataset(batch_size):
    dataset = tf.data.Dataset.from_tensor_slices((TEXTS, [1, 0, 1], [0.5, 1.0, 2.0]))
    assert holds_texts(dataset)
    texts, labels, sample_weight, size = columns_of(dataset.batch(batch_size) if batch_size else dataset)
    assert [tf.compat.as_str(text) for text in texts] == TEXTS
    assert list(labels) == [1, 0, 1]
    assert np.asarray(sample_weight).tolist() == [0.5, 1.0, 2.0]
    assert size == batch_size


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        ("good", r"`texts` must be a list or an array, one entry a row. Received: 'good'"),
        (None, r"`texts` must be a list or an array, one entry a row. Received: None"),
        ([], r"`texts` must have at least one row"),
        (["a", None], r"Every text must be a string. Received: None of type NoneType in row 1. Remove the row"),
        (["a", np.nan], r"Received: nan of type float in row 1"),
        (["a", 3], r"Received: 3 of type int in row 1"),
        (["a", ["b"]], r"Received: \['b'\] of type list in row 1"),
        (["a", "\ud83d"], r"in row 1"),
        (np.array([["a", "b"]]), r"`texts` must have one entry a row. Received: shape \(1, 2\)"),
        (np.ones([2, 3]), r"`texts` must have one entry a row. Received: shape \(2, 3\)"),
    ],
    ids=ascii,
)
def test_unusable_texts_are_named(texts, message):
    with pytest.raises(ValueError, match=message):
        as_texts(texts)


def test_columns_of_different_lengths_are_refused():
    model = TextClassifier(["good"], 2, units=1)
    with pytest.raises(ValueError, match=r"Received: texts has 3, labels has 2"):
        model.rows(TEXTS, [0, 1])
    with pytest.raises(ValueError, match=r"Received: texts has 3, labels has 3, sample_weight has 4"):
        model.rows(TEXTS, [0, 1, 0], np.ones(4))


def test_datasets_that_cannot_be_read():
    dataset = tf.data.Dataset.from_tensor_slices((TEXTS, [1, 0, 1]))
    with pytest.raises(ValueError, match=r"must have an end.* Give dataset.take\(n\)"):
        columns_of(dataset.repeat())
    with pytest.raises(ValueError, match=r"gave no text. Give one that has at least one"):
        columns_of(dataset.take(0))
    with pytest.raises(ValueError, match=r"dataset"):  # which labels count?
        TextClassifier(["good"], 2, units=1).dataset(dataset, [0, 1, 0])


def test_ids_are_told_from_texts():
    for ids in (np.ones([2, 3], "uint8"), [[1, 2], [3, 4]], tf.ones([2, 3], tf.int64)):
        assert holds_ids(ids)
    for other in (TEXTS, np.array(TEXTS), np.ones([2, 3]), np.ones(3, int), [[1], [2, 3]], "good", None, [True]):
        assert not holds_ids(other)
    assert not holds_texts(tf.data.Dataset.from_tensor_slices(np.ones([2, 3], int)))
    assert not holds_texts(tf.data.Dataset.from_tensor_slices(({"a": TEXTS}, [0, 1, 0])))


def test_one_long_text_does_not_make_all_of_them_long():
    texts = ["short"] * 200 + ["x" * 100_000]
    tracemalloc.start()
    try:
        assert not holds_ids(texts)
        assert tracemalloc.get_traced_memory()[1] < 5_000_000  # a NumPy array of them takes 80 MB
    finally:
        tracemalloc.stop()


STARS = ["1.0", "2.0", "3.0", "4.0", "5.0"]


@pytest.mark.parametrize(
    ("labels", "classes", "numbers"),
    [
        ([1.0, 4.0], STARS, [0, 3]),  # not the places 1 and 4
        ([1, 4], STARS, [0, 3]),
        (np.array([1.0, 4.0], np.float32), STARS, [0, 3]),
        (np.array([1, 4], np.uint8), STARS, [0, 3]),
        (["1.0", b"4.0"], STARS, [0, 3]),
        ([7, 8], ["007", "008"], [0, 1]),
        ([0.5, 1.5], ["0.5", "1.5"], [0, 1]),
        ([2024, 2025], ["2024", "2025", "later"], [0, 1]),
        ([-1, 1], ["-1", "+1"], [0, 1]),
        ([1, 0], ["no", "yes"], [1, 0]),
        ([1.0, 0.0], ["no", "yes"], [1, 0]),
        ([True, False], ["no", "yes"], [1, 0]),
        ([True, False], ["False", "True"], [1, 0]),
        ([True, False], ["0", "1"], [1, 0]),
        ([2**60, 2**60 + 1], [str(2**60), str(2**60 + 1)], [0, 1]),  # floats cannot tell these apart
    ],
    ids=str,
)
def test_a_number_is_the_class_of_that_name_or_else_a_place(labels, classes, numbers):
    assert class_numbers(labels, classes).tolist() == numbers


@pytest.mark.parametrize(
    ("labels", "classes", "message"),
    [
        (["1", "4"], STARS, r"Received: '1' in row 0"),  # a string is a name, letter by letter
        ([0], STARS, r"Received: '0' in row 0"),
        ([0], ["2024", "later"], r"Received: '0' in row 0"),
        ([1], ["1", "1.0"], r"must be the name of one class\. Received: 1 in row 0 .* Give names, as strings"),
        ([5.5], ["no", "yes"], r"a name or a whole number\. Received: 5\.5"),
        ([np.nan], STARS, r"a name or a whole number\. Received: nan"),
    ],
)
def test_labels_that_could_be_several_classes_or_none(labels, classes, message):
    with pytest.raises(ValueError, match=message):
        class_numbers(labels, classes)
