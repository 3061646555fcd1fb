import numpy as np
import pytest
import tensorflow as tf

from rnn_tf.export.warmup import prediction_log, write_warmup

prediction_log_pb2 = pytest.importorskip("tensorflow_serving.apis.prediction_log_pb2")


def parsed(method, inputs):
    """The request, as the official message reads it."""
    log = prediction_log_pb2.PredictionLog.FromString(prediction_log(method, "模型", "a signature", inputs))
    assert log.WhichOneof("log_type") == f"{method}_log"
    request = getattr(log, f"{method}_log").request
    assert (request.model_spec.name, request.model_spec.signature_name) == ("模型", "a signature")
    assert log == type(log)(**{f"{method}_log": {"request": request}})  # and nothing else
    return request


@pytest.mark.parametrize(
    "array",
    [
        np.array([[0.1, np.nan, np.inf, -0.0]], np.float32),
        np.array([-(2**31), 2**31 - 1], np.int32),
        np.array([-(2**63), 2**63 - 1], np.int64),
        np.array([True, False]),
        np.array([["text", ""], ["文字", "\U0001f600"]], object),
        np.array([b"\xff\xfe not UTF-8", b"", b"a\0b\0"], object),
        np.array(b"no batch", object),
        np.zeros([0, 4, 1], np.float32),
        np.array([], object),
        np.random.default_rng(0).normal(size=[1000, 50, 10]).astype(np.float32),  # 2 MB
        np.array([b"x" * i for i in range(1000)], object),  # of every length
    ],
    ids=lambda array: f"{array.dtype}{array.shape}",
)
def test_predict_carries_every_tensor(array):
    inputs = parsed("predict", {"first": array, "": np.float32(1)}).inputs
    assert sorted(inputs) == ["", "first"]
    tensor = tf.make_ndarray(inputs["first"])
    expected = array if array.dtype != object else np.vectorize(tf.compat.as_bytes, otypes=[object])(array)
    assert tensor.dtype == array.dtype
    np.testing.assert_array_equal(tensor, expected, strict=True)


def test_predict_without_inputs():
    assert not parsed("predict", {}).inputs


@pytest.mark.parametrize("method", ["classify", "regress"])
def test_examples(method):
    examples = [
        tf.train.Example(
            features=tf.train.Features(
                feature={
                    "sequences": tf.train.Feature(float_list=tf.train.FloatList(value=np.arange(size))),
                    "text": tf.train.Feature(bytes_list=tf.train.BytesList(value=[b"\xff", b""])),
                }
            )
        )
        for size in range(300)
    ]
    examples.append(tf.train.Example())  # 0 bytes
    serialised = np.array([example.SerializeToString() for example in examples], object)
    assert list(parsed(method, {"inputs": serialised}).input.example_list.examples) == examples


def test_file(tmp_path):
    logs = [prediction_log("predict", "m", "serving_default", {"x": np.full([i], i)}) for i in range(1000)]
    write_warmup(tmp_path / "warmup", logs)
    assert [record.numpy() for record in tf.data.TFRecordDataset(str(tmp_path / "warmup"))] == logs
    with pytest.raises(ValueError, match=r"at most 1000 requests. Received: 1001"):
        write_warmup(tmp_path / "other", [*logs, logs[0]])
    with pytest.raises(tf.errors.NotFoundError):
        write_warmup(tmp_path / "missing" / "warmup", logs)
    assert [path.name for path in tmp_path.iterdir()] == ["warmup"]


def test_bad_input():
    with pytest.raises(ValueError, match=r"one of classify, regress, predict. Received: method='explain'"):
        prediction_log("explain", "m", "s", {})
    with pytest.raises(ValueError, match=r"'regress' must have one input, 'inputs'. Received: \['x'\]"):
        prediction_log("regress", "m", "s", {"x": [b""]})
