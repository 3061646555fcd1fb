import json

import numpy as np
import pytest
import tensorflow as tf

from rnn_tf.export.json_tensors import from_json, to_json


@pytest.mark.parametrize(
    ("values", "dtype"),
    [
        ([[0.1, -1e-30], [np.inf, 3e38]], "float32"),
        ([[0.1, 1e300]], "float64"),
        ([0.5, 65504], "float16"),
        ([[-(2**31), 2**31 - 1]], "int32"),
        ([2**63 - 1], "int64"),
        ([255], "uint8"),
        ([True, False], "bool"),
        (7, "int32"),
        ([[]], "float32"),
        ([[b"a", "好".encode()], [b"\xff\x00", b""]], "string"),
    ],
)
def test_what_is_written_is_read(values, dtype):
    dtype = tf.as_dtype(dtype)
    array = np.array(values, object if dtype == tf.string else dtype.as_numpy_dtype)
    text = json.dumps(to_json(array))
    again = from_json(json.loads(text), dtype)
    assert again.dtype == array.dtype
    np.testing.assert_array_equal(again, array)


def test_few_digits():
    assert json.dumps(to_json(np.array([0.1, 2.0], "float32"))) == "[0.1, 2.0]"
    assert to_json(np.array(["a", b"b"], object)) == ["a", "b"]


@pytest.mark.parametrize(
    ("value", "dtype"),
    [
        ([3_000_000_000], "int32"),
        ([-1], "uint8"),
        ([1.0], "int32"),
        ([2**70], "int64"),
        ([1e300], "float32"),
        ([True], "float32"),
        ([1], "bool"),
        (["1"], "float32"),
        ([[1.0], [1.0, 2.0]], "float32"),
        ([["a"], ["b", "c"]], "string"),
        ([1], "string"),
        ([{"b64": "?"}], "string"),
        ([{"b64": 1}], "string"),
        ([{"a": "b"}], "string"),
        ([None], "float32"),
    ],
)
def test_what_does_not_fit_is_refused(value, dtype):
    with pytest.raises(ValueError, match=f"A tensor of {dtype} must be nested lists of one length.* Received: "):
        from_json(value, tf.as_dtype(dtype))
