"""A SavedModel as TF Serving loads it and asks it: a graph, a session, and signatures that every request must fit."""

import re
import threading
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from rnn_tf.export.json_tensors import to_json
from rnn_tf.export.saved_model import quiet_tensorflow
from rnn_tf.export.signatures import CLASSIFY, REGRESS
from rnn_tf.export.versions import version_folders, version_number


class RequestError(ValueError):
    """A request that does not fit the signature: the client's mistake, which a server answers with 400."""


class NotServedError(LookupError):
    """A request for a model or a version that is not loaded, which a server answers with 404."""

    def __init__(self, name: str, version: int | None) -> None:
        request = f"Latest({name})" if version is None else f"Specific({name}, {version})"
        super().__init__(f"Servable not found for request: {request}")


class Servable:
    """One version of a SavedModel, loaded and run as TF Serving does. Several threads may run it at once.

    Args:
        path: Folder with a `saved_model.pb`.

    Attributes:
        path: The folder.
        version: Its name as an integer, or None.
        meta_graph: The MetaGraphDef with the tag "serve": its `graph_def`, and in `meta_info_def` the TensorFlow that
            wrote it and the operations that it needs.
        signatures: SignatureDefs by name.

    Raises:
        FileNotFoundError: If there is no SavedModel.
        ValueError: If it cannot be loaded.

    Example:
    >>> import tempfile
    >>> import numpy as np, tensorflow as tf
    >>> from rnn_tf.serving.servable import Servable
    >>> module, path = tf.Module(), tempfile.mkdtemp()
    >>> module.half = tf.function(lambda x: {"y": x / 2}, [tf.TensorSpec([None], tf.float32, name="x")])
    >>> tf.saved_model.save(module, path, {"serving_default": module.half})
    >>> servable = Servable(path)
    >>> servable.run({"x": np.array([1, 2], np.float32)})["y"].tolist()
    [0.5, 1.0]
    >>> servable.close()
    """

    def __init__(self, path: str | PathLike[str]) -> None:
        self.path = Path(path)
        self.version = version_number(self.path.name)
        if not tf.saved_model.contains_saved_model(str(path)):
            raise FileNotFoundError(f"There is no SavedModel in {str(path)!r}. Give the folder of a saved_model.pb.")
        self._session = tf.compat.v1.Session(graph=tf.Graph())
        try:
            with quiet_tensorflow():  # it advises to load in another way, which is not a server's
                self.meta_graph: Any = tf.compat.v1.saved_model.load(self._session, ["serve"], str(path))
        except Exception as error:  # a file that is cut short fails in many ways
            self._session.close()
            raise ValueError(f"The SavedModel in {str(path)!r} cannot be loaded: {error}") from error
        self.signatures: dict[str, Any] = dict(self.meta_graph.signature_def)
        self.signatures.pop("__saved_model_init_op", None)

    def run(self, inputs: Mapping[str, Any], signature_name: str = "serving_default") -> dict[str, np.ndarray]:
        """The outputs of a signature by name; strings are object arrays of bytes.

        Args:
            inputs: An array for each input of the signature, of its dtype and shape.
            signature_name: Which signature.

        Raises:
            RequestError: If there is no such signature, an input is missing, unknown, or of another dtype or shape,
                or an operation refuses the values.
        """
        signature = self.signature(signature_name)
        missing, unknown = set(signature.inputs) - set(inputs), set(inputs) - set(signature.inputs)
        if missing or unknown:
            raise RequestError(
                f"The signature {signature_name!r} must be given its inputs, {_listed(signature.inputs)}, and nothing "
                f"else. Received: missing {_listed(missing)}; unknown {_listed(unknown)}."
            )
        feed = {tensor.name: _checked(name, inputs[name], tensor) for name, tensor in signature.inputs.items()}
        try:
            outputs = self._session.run({name: tensor.name for name, tensor in sorted(signature.outputs.items())}, feed)
        except tf.errors.InvalidArgumentError as error:
            raise RequestError(_refusal(error.message, feed, signature)) from None
        return {name: np.asarray(one, object if isinstance(one, bytes) else None) for name, one in outputs.items()}

    def classify(
        self, examples: Sequence[bytes], signature_name: str = "serving_default"
    ) -> list[list[tuple[str, float]]]:
        """Labels and scores for each serialised `tf.train.Example`; "" or 0 for what the signature does not give.

        Raises:
            RequestError: If the signature is not for TF Serving's Classify, or as in `run`.
        """
        expected = {"classes": tf.string, "scores": tf.float32}
        outputs = self._run_examples("classification", CLASSIFY, expected, examples, signature_name)
        shapes = {name: array.shape for name, array in outputs.items()}
        shape = next(iter(shapes.values()))
        if set(shapes.values()) != {shape} or len(shape) != 2 or shape[0] != len(examples):
            raise RequestError(
                f"Classes and scores must have one shape [{len(examples)}, classes]. Received: {shapes}."
            )
        classes, scores = outputs.get("classes", np.full(shape, b"")), outputs.get("scores", np.zeros(shape))
        return [
            [(label.decode(errors="replace"), score) for label, score in zip(*row, strict=True)]
            for row in zip(classes.tolist(), to_json(scores), strict=True)
        ]

    def regress(self, examples: Sequence[bytes], signature_name: str = "serving_default") -> list[float]:
        """A number for each serialised `tf.train.Example`.

        Raises:
            RequestError: If the signature is not for TF Serving's Regress, or as in `run`.
        """
        expected = {"outputs": tf.float32}
        outputs = self._run_examples("regression", REGRESS, expected, examples, signature_name)["outputs"]
        if outputs.shape not in {(len(examples),), (len(examples), 1)}:
            raise RequestError(f"A regression must have shape [{len(examples)}, 1]. Received: {outputs.shape}.")
        return to_json(outputs.ravel())

    def signature(self, name: str) -> Any:
        """A SignatureDef by name. Raises RequestError if there is none."""
        if name not in self.signatures:
            raise RequestError(
                f"Serving signature name: {name!r} not found in signature def. It has {_listed(self.signatures)}."
            )
        return self.signatures[name]

    def close(self) -> None:
        """Free the session; nothing can be run any more."""
        self._session.close()

    def _run_examples(
        self, kind: str, method: str, expected: dict[str, tf.DType], examples: Sequence[bytes], signature_name: str
    ) -> dict[str, np.ndarray]:
        signature = self.signature(signature_name)
        if signature.method_name != method:
            raise RequestError(
                f"Expected {kind} signature method_name to be {method}. Was: {signature.method_name}. Choose another "
                f"signature of {_listed(self.signatures)}, or ask with Predict."
            )
        dtypes = {name: tf.as_dtype(tensor.dtype) for name, tensor in signature.outputs.items()}
        if set(signature.inputs) != {"inputs"} or not dtypes or not dtypes.items() <= expected.items():
            raise RequestError(
                f"A {kind} signature must have the input 'inputs', and outputs of {expected}. Received: "
                f"{_listed(signature.inputs)}, and {dtypes}."
            )
        if not len(examples):
            raise RequestError("A request must have at least one Example. Received: none.")
        return self.run({"inputs": examples}, signature_name)


class ServedModel:
    """The newest version of a model that can be loaded, found by polling the folder of its versions.

    A new version is loaded completely before it takes over; the old one answers meanwhile, and is closed after the
    last request that it answers. A version that cannot be loaded, half-written or removed meanwhile, stops nothing,
    and is tried again by the next poll.

    Args:
        directory: Folder of versions, whose names are integers. All other names are ignored.

    Attributes:
        name: The folder's name.
    """

    def __init__(self, directory: str | PathLike[str]) -> None:
        self.directory = Path(directory)
        self.name = self.directory.resolve().name
        self._current: Servable | None = None
        self._errors: dict[int, str] = {}
        self._loading: int | None = None
        self._requests: Counter[Servable] = Counter()  # in flight
        self._lock = threading.Lock()
        self._polling = threading.Lock()
        self.poll()

    def poll(self) -> None:
        """Look for a newer version once, and load it."""
        with self._polling:
            errors = {}
            for version, folder in sorted(version_folders(self.directory).items(), reverse=True):
                if self._current is not None and version == self._current.version:
                    break
                self._loading = version
                try:
                    self._take_over(Servable(folder))
                    break
                except (OSError, ValueError) as error:
                    errors[version] = str(error)
            self._loading, self._errors = None, errors

    @contextmanager
    def use(self, version: int | None = None) -> Iterator[Servable]:
        """The servable that answers one request: it stays open until the request has ended.

        Args:
            version: Which version; default: the newest that is loaded.

        Raises:
            NotServedError: If it is not loaded.
        """
        with self._lock:
            servable = self._current
            if servable is None or version not in (None, servable.version):
                raise NotServedError(self.name, version)
            self._requests[servable] += 1
        try:
            yield servable
        finally:
            with self._lock:
                self._requests[servable] -= 1
                if not self._requests[servable]:
                    del self._requests[servable]
                unused = servable is not self._current and servable not in self._requests
            if unused:
                servable.close()

    def status(self) -> list[dict[str, Any]]:
        """The versions, newest first, as TF Serving's `GET /v1/models/NAME` lists them."""
        with self._lock:
            states: dict[Any, str] = {servable.version: "UNLOADING" for servable in self._requests}
            states |= dict.fromkeys(self._errors, "END")
            if self._current is not None:
                states[self._current.version] = "AVAILABLE"
            if self._loading is not None:
                states[self._loading] = "LOADING"
            errors = self._errors
        return [
            {
                "version": str(version),
                "state": states[version],
                "status": {
                    "error_code": "UNKNOWN" if version in errors else "OK",
                    "error_message": errors.get(version, ""),
                },
            }
            for version in sorted(states, reverse=True)
        ]

    @property
    def available(self) -> bool:
        """Whether a version is loaded."""
        return self._current is not None

    @property
    def problem(self) -> str:
        """Why the newest version that cannot be loaded cannot; empty, if there is none."""
        return next(iter(self._errors.values()), "")

    def close(self) -> None:
        """Serve nothing any more, after the requests in flight."""
        self._take_over(None)

    def _take_over(self, servable: Servable | None) -> None:
        with self._lock:
            old, self._current = self._current, servable
            unused = old not in self._requests
        if old is not None and unused:
            old.close()


def _checked(name: str, value: Any, tensor: Any) -> np.ndarray:
    """The array, after checking that it has the dtype and the shape of the signature's TensorInfo."""
    dtype, shape = tf.as_dtype(tensor.dtype), tf.TensorShape(tensor.tensor_shape)
    array = np.asarray(value, object if dtype == tf.string else None)
    if dtype == tf.string:
        fits = all(isinstance(one, (bytes, str)) for one in array.flat)
    else:
        fits = array.dtype == dtype.as_numpy_dtype
    if not fits:
        given = np.asarray(value)
        texts = all(isinstance(one, (bytes, str)) for one in given.flat)
        received = "string" if given.size and texts else given.dtype
        raise RequestError(f"The input {name!r} must have dtype {dtype.name}. Received: {received}.")
    if not shape.is_compatible_with(array.shape):
        raise RequestError(f"The input {name!r} must have shape {shape}. Received: {array.shape}.")
    return array


def _refusal(message: str, feed: Mapping[str, np.ndarray], signature: Any) -> str:
    """What an operation says against the inputs, without the names of operations and tensors, and what came."""
    lines = [line.strip() for line in message.splitlines() if line.strip() and "{{node" not in line]
    reason = " ".join(line for line in lines if line != "Graph execution error:")
    match = re.match(r"assertion failed: \[(.*?)\.?\s*\](?: \[|$)", reason, flags=re.DOTALL)
    if match is not None:  # the sentence of the model's author comes first, then a condition on tensors of the graph
        reason = match[1].replace("\\'", "'")
        if reason.startswith("Condition "):
            reason = "a condition that it sets its inputs does not hold"
    else:  # parsing an Example names the feature as a key
        reason = re.sub(r"^Name: .*?, Key: ([^,]*), Index: (\d+)\.\s*", r"feature '\1' of Example \2: ", reason)
    received = "; ".join(
        f"{name!r}, {tf.as_dtype(tensor.dtype).name} of shape {feed[tensor.name].shape}"
        for name, tensor in sorted(signature.inputs.items())
    )
    return f"The model refused its inputs: {reason.rstrip('. ')}. Received: {received}."


def _listed(names: Iterable[str]) -> str:
    return ", ".join(map(repr, sorted(names))) or "none"
