"""Requests that TF Serving replays when it loads a version, so that no client waits for what a first request sets up.

They lie in the version's `assets.extra/tf_serving_warmup_requests`, each a `tensorflow.serving.PredictionLog`.

Source: "SavedModel Warmup", tensorflow.org/tfx/serving/saved_model_warmup.
"""

from collections.abc import Mapping, Sequence
from os import PathLike
from typing import Any

import tensorflow as tf

MOST_LOGS = 1000  # that TF Serving takes


def prediction_log(method: str, model_name: str, signature_name: str, inputs: Mapping[str, Any]) -> bytes:
    r"""A request as a serialised `tensorflow.serving.PredictionLog`.

    Args:
        method: "predict", "classify" or "regress".
        model_name: Name that the model will be served under.
        signature_name: Name of the signature to run.
        inputs: Arrays by input name, of the signature's dtypes; strings as `str` or bytes. "classify" and "regress"
            have one, `inputs`, which holds serialised `tf.train.Example`.

    Returns:
        The message, a record for `write_warmup`.

    Raises:
        ValueError: If there is no such method, or if "classify" or "regress" is given anything but `inputs`.

    Source: prediction_log.proto, predict.proto, classification.proto, regression.proto, input.proto and model.proto
    of TF Serving number the fields.

    Example:
    >>> from rnn_tf.export.warmup import prediction_log
    >>> prediction_log("regress", "sales", "regress", {"inputs": [b""]})
    b'\x1a\x1a\n\x18\n\x10\n\x05sales\x1a\x07regress\x12\x04\n\x02\n\x00'
    """
    log_types = {"classify": 2, "regress": 3, "predict": 6}
    if method not in log_types:
        raise ValueError(f"`method` must be one of {', '.join(log_types)}. Received: method={method!r}.")
    if method != "predict" and set(inputs) != {"inputs"}:
        raise ValueError(f"{method!r} must have one input, 'inputs'. Received: {sorted(inputs)}.")
    model_spec = _field(1, model_name.encode()) + _field(3, signature_name.encode())
    if method == "predict":  # an entry of a map is a message of its key and its value
        tensors = {name: tf.make_tensor_proto(array).SerializeToString() for name, array in inputs.items()}
        content = b"".join(_field(2, _field(1, name.encode()) + _field(2, one)) for name, one in tensors.items())
    else:
        example_list = b"".join(_field(1, example) for example in inputs["inputs"])
        content = _field(2, _field(1, example_list))
    request = _field(1, model_spec) + content
    return _field(log_types[method], _field(1, request))


def write_warmup(path: str | PathLike[str], logs: Sequence[bytes]) -> None:
    """Write requests to the TFRecord file of a version that is not published yet.

    Args:
        path: The version's `assets.extra/tf_serving_warmup_requests`. Its folder must exist.
        logs: What `prediction_log` returned, at most 1000.

    Raises:
        ValueError: If there are more; TF Serving does not load a version that has.
        tf.errors.OpError: If the file cannot be written.

    Example:
    >>> import tempfile, tensorflow as tf
    >>> from rnn_tf.export.warmup import prediction_log, write_warmup
    >>> path = tempfile.mkdtemp() + "/tf_serving_warmup_requests"
    >>> write_warmup(path, [prediction_log("predict", "sales", "serving_default", {"x": [1.0]})])
    >>> len(list(tf.data.TFRecordDataset(path)))
    1
    """
    if len(logs) > MOST_LOGS:
        raise ValueError(f"A warm-up must have at most {MOST_LOGS} requests. Received: {len(logs)}. Leave some out.")
    with tf.io.TFRecordWriter(str(path)) as writer:
        for log in logs:
            writer.write(log)


def _field(number: int, content: bytes) -> bytes:
    """A field of Protocol Buffers' wire format: its number and the mark "of this length", the length, the content."""
    return _varint(number << 3 | 2) + _varint(len(content)) + content


def _varint(value: int) -> bytes:
    """7 bits a byte, the lowest first; the top bit says that more follow."""
    low, rest = value & 0x7F, value >> 7
    return bytes([low | 0x80]) + _varint(rest) if rest else bytes([low])
