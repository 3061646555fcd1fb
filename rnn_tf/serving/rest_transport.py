"""Requests to a model server as JSON over HTTP.

Source: "RESTful API", tensorflow.org/tfx/serving/api_rest.
"""

import json
from collections.abc import Mapping, Sequence
from functools import partial
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Any
from urllib.parse import SplitResult, quote

import numpy as np
import tensorflow as tf
from google.protobuf import json_format

from rnn_tf.export.json_tensors import from_json, to_json


class Refusal(Exception):  # noqa: N818 # it never reaches a user: the client turns it into an error
    """A request without an answer, with an HTTP status: 503 also if no server was reached, 504 if it took too long."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class RestTransport:
    """One try of each request. A connection is kept for further requests, and used by one thread at a time."""

    def __init__(self, address: SplitResult, model: str, version: int | None, timeout: float) -> None:
        connection = HTTPSConnection if address.scheme == "https" else HTTPConnection
        self._connect = partial(connection, address.hostname or "", address.port, timeout=timeout)
        self._idle: list[HTTPConnection] = []
        self._path = f"{address.path.rstrip('/')}/v1/models/{quote(model, safe='')}"
        if version is not None:
            self._path += f"/versions/{version}"

    def predict(
        self, signature_name: str, inputs: Mapping[str, np.ndarray], specs: Mapping[str, tf.TensorSpec]
    ) -> dict[str, np.ndarray]:
        """Arrays by output name, of the dtypes of `specs`; strings as bytes."""
        content = {"signature_name": signature_name, "inputs": {name: to_json(one) for name, one in inputs.items()}}
        outputs = self._request("outputs", ":predict", content)
        if len(specs) == 1:  # the value comes without its name
            outputs = dict.fromkeys(specs, outputs)
        if not isinstance(outputs, dict) or set(outputs) != set(specs):
            raise ValueError(f"The answer must have the outputs {sorted(specs)}. Received: {str(outputs)[:100]}.")
        return {name: from_json(outputs[name], spec.dtype) for name, spec in specs.items()}

    def classify(self, signature_name: str, examples: Sequence[tf.train.Example]) -> list[list[tuple[str, float]]]:
        """For each example its classes, each with a score."""
        return self._ask_examples(":classify", signature_name, examples)

    def regress(self, signature_name: str, examples: Sequence[tf.train.Example]) -> list[float]:
        """For each example a number."""
        return self._ask_examples(":regress", signature_name, examples)

    def metadata(self) -> Mapping[str, Any]:
        """Each SignatureDef by its name."""
        metadata = self._request("metadata", "/metadata")
        graph = json_format.ParseDict(
            metadata["signature_def"], tf.compat.v1.MetaGraphDef(), ignore_unknown_fields=True
        )
        return graph.signature_def

    def status(self) -> list[tuple[int, str, str]]:
        """Each version, its state, and the error that kept it from being loaded."""
        versions = self._request("model_version_status")
        return [(int(one["version"]), one["state"], one["status"]["error_message"]) for one in versions]

    def close(self) -> None:
        """Close the connections."""
        while self._idle:
            self._idle.pop().close()

    def _ask_examples(self, suffix: str, signature_name: str, examples: Sequence[tf.train.Example]) -> Any:
        features = [{name: _values(one) for name, one in example.features.feature.items()} for example in examples]
        return self._request("results", suffix, {"signature_name": signature_name, "examples": features})

    def _request(self, key: str, suffix: str = "", content: Any = None) -> Any:
        """What the answer holds under the key."""
        body = None if content is None else json.dumps(content)
        while True:
            try:
                connection, reused = self._idle.pop(), True
            except IndexError:
                connection, reused = self._connect(), False
            try:
                status, answer = self._exchange(connection, suffix, body)
                break
            except TimeoutError as error:
                raise Refusal(504, str(error)) from None
            except (OSError, HTTPException) as error:
                if not reused:  # otherwise the server has closed it while it was idle
                    raise Refusal(503, str(error) or type(error).__name__) from None
        try:
            read = json.loads(answer.decode(errors="surrogateescape"))
            if status == 200:
                return read[key]
            message = read["error"]
        except (ValueError, LookupError, TypeError):
            status = 502 if status == 200 else status
            message = f"{answer[:200].decode(errors='replace')!r} is not what a model server says"
        raise Refusal(status, message)

    def _exchange(self, connection: HTTPConnection, suffix: str, body: str | None) -> tuple[int, bytes]:
        try:
            method = "GET" if body is None else "POST"
            connection.request(method, self._path + suffix, body, {"Content-Type": "application/json"})
            response = connection.getresponse()
            answer = response.read()
        except BaseException:
            connection.close()
            raise
        self._idle.append(connection)
        return response.status, answer


def _values(feature: tf.train.Feature) -> list[Any]:
    kind = feature.WhichOneof("kind")
    values = list(getattr(feature, kind).value) if kind else []
    return to_json(np.array(values, object)) if kind == "bytes_list" else values
