"""What the server for development answers over REST, as TF Serving does, to requests that have reached a version."""

import base64
import json
from typing import Any

import numpy as np
import tensorflow as tf
from google.protobuf.json_format import MessageToDict

from rnn_tf.export.examples import feature
from rnn_tf.export.json_tensors import from_json, to_json
from rnn_tf.serving.servable import RequestError, Servable

TO_BASE64 = np.frompyfunc(lambda one: {"b64": base64.b64encode(one).decode()}, 1, 1)


def metadata(name: str, servable: Servable) -> dict[str, Any]:
    """Names, dtypes and shapes of a version's signatures, as TF Serving lists them."""
    signatures = {
        key: MessageToDict(one, preserving_proto_field_name=True, always_print_fields_with_no_presence=True)
        for key, one in servable.meta_graph.signature_def.items()
    }
    return {
        "model_spec": {"name": name, "signature_name": "", "version": str(servable.version)},
        "metadata": {"signature_def": {"signature_def": signatures}},
    }


def parsed(body: bytes) -> dict[str, Any]:
    """The JSON object of a request, its signature's name filled in."""
    try:
        content = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise RequestError(f"JSON Parse error: {error}.") from None
    if not isinstance(content, dict):
        raise RequestError(f"A request must be a JSON object. Received: {type(content).__name__}.")
    name = content.setdefault("signature_name", "")
    if not isinstance(name, str):
        raise RequestError(f"'signature_name' must be a string. Received: {name!r}.")
    content["signature_name"] = name or "serving_default"
    return content


def predict(servable: Servable, content: dict[str, Any]) -> dict[str, Any]:
    """The answer to a request for Predict, in rows or in columns as it asks."""
    inputs = servable.signature(content["signature_name"]).inputs
    in_rows = "instances" in content
    if in_rows == ("inputs" in content):
        received = ", ".join(name for name in content if name != "signature_name") or "neither"
        raise RequestError(f"A request must have either 'instances' or 'inputs'. Received: {received}.")
    values = _columns(content["instances"]) if in_rows else content["inputs"]
    if not _named(values):
        if len(inputs) != 1:
            raise RequestError(f"Values must be named, as one of {sorted(inputs)}. Received: values without names.")
        values = dict.fromkeys(inputs, values)
    tensors = {name: _tensor(name, one, inputs[name]) if name in inputs else None for name, one in values.items()}
    outputs = servable.run(tensors, content["signature_name"])
    answers = {name: _values(name, array) for name, array in outputs.items()}
    if not in_rows:
        return {"outputs": answers if len(answers) > 1 else next(iter(answers.values()))}
    rows = {array.shape[:1] for array in outputs.values()}
    if len(rows) != 1 or () in rows:
        shapes = {name: array.shape for name, array in outputs.items()}
        raise RequestError(f"All outputs must have as many rows. Received: {shapes}. Ask in columns, by 'inputs'.")
    if len(answers) == 1:
        return {"predictions": next(iter(answers.values()))}
    return {"predictions": [dict(zip(answers, row, strict=True)) for row in zip(*answers.values(), strict=True)]}


def classify(servable: Servable, content: dict[str, Any]) -> dict[str, Any]:
    """The answer to a request for Classify."""
    return {"results": servable.classify(_examples(content), content["signature_name"])}


def regress(servable: Servable, content: dict[str, Any]) -> dict[str, Any]:
    """The answer to a request for Regress."""
    return {"results": servable.regress(_examples(content), content["signature_name"])}


def _named(value: Any) -> bool:
    """Whether it is an object of inputs by name, rather than the value of one."""
    return isinstance(value, dict) and set(value) != {"b64"}


def _columns(instances: Any) -> Any:
    """Lists by input name, from a list of objects that name the inputs; of values without names, the list itself."""
    if not isinstance(instances, list) or not instances:
        raise RequestError(
            "'instances' must be a list of at least one. Ask in columns, by 'inputs', for an empty batch."
        )
    named = [one for one in instances if _named(one)]
    if not named:
        return instances
    names = named[0].keys()
    if len(named) < len(instances) or any(one.keys() != names for one in named):
        raise RequestError(f"All 'instances' must name the same inputs. Received: {sorted(names)} and others.")
    return {name: [one[name] for one in instances] for name in names}


def _tensor(name: str, value: Any, tensor: Any) -> np.ndarray:
    try:
        return from_json(value, tf.as_dtype(tensor.dtype))
    except ValueError as error:
        shape = tf.TensorShape(tensor.tensor_shape)
        raise RequestError(f"The input {name!r}: {error} Its shape must be {shape}.") from None


def _values(name: str, array: np.ndarray) -> Any:
    """An output in JSON, in which strings are bytes where the name says so."""
    if name.endswith("_bytes") and array.dtype == object:
        return np.asarray(TO_BASE64(array), object).tolist()
    return to_json(array)


def _examples(content: dict[str, Any]) -> list[bytes]:
    """The serialised Examples of a request."""
    examples, context = content.get("examples"), content.get("context", {})
    if not isinstance(examples, list) or not examples or not all(isinstance(one, dict) for one in [context, *examples]):
        raise RequestError("A request must have 'examples', a list of at least one object, and 'context' be an object.")
    if any(context.keys() & one.keys() for one in examples):
        raise RequestError("A feature of the 'context' must not be in the 'examples'. Take it out of either.")
    rows = [{name: _feature(name, value) for name, value in {**context, **one}.items()} for one in examples]
    return [tf.train.Example(features=tf.train.Features(feature=row)).SerializeToString() for row in rows]


def _feature(name: str, value: Any) -> tf.train.Feature:
    values = value if isinstance(value, list) else [value]
    kinds = {type(one) for one in values}
    if not kinds:
        return tf.train.Feature()
    if kinds <= {str, dict}:
        return feature(from_json(values, tf.string))
    array = np.array(values)
    if (kinds <= {int, bool} or kinds == {float}) and array.dtype != object:  # as a number beyond 64 bits is
        return feature(array)
    raise RequestError(
        f"The feature {name!r} must hold whole numbers, decimal ones such as 1.0, or strings, and no two of these. "
        f"Received: {str(value)[:100]}."
    )
