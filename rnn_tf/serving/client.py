"""Asking a model server, TF Serving or `rnn-tf serve`, over REST or gRPC."""

from collections.abc import Callable, Mapping, Sequence
from random import uniform
from time import sleep
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import numpy as np
import tensorflow as tf

from rnn_tf._checks import positive_integer
from rnn_tf.export.signatures import specs_of
from rnn_tf.serving.rest_transport import Refusal, RestTransport
from rnn_tf.serving.values import example_of, listed, readable, tensors_of

FIRST_PAUSE = 0.1  # seconds before the second try; doubled before each further one


class Signature(NamedTuple):
    """What a signature takes and gives: a `tf.TensorSpec` by name, where a size of None may be any."""

    inputs: dict[str, tf.TensorSpec]
    outputs: dict[str, tf.TensorSpec]


class Classification(NamedTuple):
    """The answer to `Client.classify`.

    labels: object array `[batch, classes]` of `str`.
    scores: float32 array `[batch, classes]`.
    """

    labels: np.ndarray
    scores: np.ndarray


class VersionStatus(NamedTuple):
    """The answer to `Client.status` for one version.

    state: "START", "LOADING", "AVAILABLE", "UNLOADING" or "END".
    error: Why it could not be loaded, otherwise empty.
    """

    version: int
    state: str
    error: str


class Client:
    """A model on a server.

    A request that finds no server, loses its connection or is put off (HTTP 503, gRPC UNAVAILABLE) is repeated
    after pauses of about 0.1, 0.2, 0.4, ... seconds. Several threads may use one client.

    Args:
        address: `http://host:port` or `https://host:port` for REST, `grpc://host:port` for gRPC (needs the extra
            "serving"). TF Serving listens to REST on port 8501 and to gRPC on port 8500.
        model: The name under which the server has it.
        version: Which version to ask. Default: the newest.
        timeout: Seconds to wait for an answer.
        retries: How many times to repeat a request.

    Raises:
        ValueError: If an argument is out of range, or the address is of another kind.
        ImportError: If the extra is missing.

    All methods raise:
        ConnectionError: If no server answers, after all tries.
        TimeoutError: If an answer takes too long.
        FileNotFoundError: If the server has no such model, or not this version.
        ValueError: If the request does not fit the model, here or in the server's own words.
        OSError: If the server fails otherwise.

    Example:
    >>> import tempfile, tensorflow as tf
    >>> from rnn_tf.serving.client import Client
    >>> from rnn_tf.serving.server import DevelopmentServer
    >>> half = tf.function(lambda x: {"y": x / 2}, input_signature=[tf.TensorSpec([None], tf.float32, "x")])
    >>> folder = tempfile.mkdtemp()
    >>> tf.saved_model.save(tf.Module(), f"{folder}/half/1", {"serving_default": half.get_concrete_function()})
    >>> with DevelopmentServer(folder, port=0) as server, Client(server.url, model="half") as client:
    ...     client.status()
    ...     client.metadata()["serving_default"].inputs
    ...     client.predict({"x": [1.0, 2.0]})
    [VersionStatus(version=1, state='AVAILABLE', error='')]
    {'x': TensorSpec(shape=(None,), dtype=tf.float32, name=None)}
    {'y': array([0.5, 1. ], dtype=float32)}
    """

    def __init__(
        self, address: str, model: str, version: int | None = None, timeout: float = 60.0, retries: int = 3
    ) -> None:
        if version is not None:
            positive_integer("version", version)
        if not timeout > 0 or retries < 0:
            raise ValueError(
                "`timeout` must be positive and `retries` not negative. "
                f"Received: timeout={timeout!r}, retries={retries!r}."
            )
        self._address, self._model, self._version = address, model, version
        self._timeout, self._retries = timeout, retries
        self._signatures: dict[str, Signature] | None = None
        self._transport = _transport(address, model, version, timeout)

    def __repr__(self) -> str:
        version = "" if self._version is None else f", version={self._version}"
        return f"Client({self._address!r}, model={self._model!r}{version})"

    def predict(self, inputs: Any, signature_name: str = "serving_default") -> dict[str, np.ndarray]:
        """The outputs of a signature.

        Args:
            inputs: Arrays, or nested lists of numbers or strings, by input name. If the signature has one input,
                the array alone will do. Integers may be given for floats, but not floats for integers.
            signature_name: Which signature to run.

        Returns:
            Arrays by output name. Strings are object arrays of `str`, or of bytes where these are not UTF-8.

        Example, of a text classifier:

            client.predict(["a fine film", "a dull film"])["label"]  # array(['good', 'bad'], dtype=object)
        """

        def ask(signature: Signature) -> dict[str, np.ndarray]:
            tensors = tensors_of(inputs, signature.inputs, f"signature {signature_name!r} of {self._model!r}")
            return self._ask("predict", signature_name, tensors, signature.outputs)

        return {name: readable(array) for name, array in self._with_signature(signature_name, ask).items()}

    def classify(
        self, examples: Sequence[Mapping[str, Any] | tf.train.Example], signature_name: str = "classify"
    ) -> Classification:
        """The classes of each example, each with a score.

        Args:
            examples: Each a dict of numbers or strings, or lists of them, by feature name; or a `tf.train.Example`.
            signature_name: Which signature to run, one with the method "tensorflow/serving/classify".

        Returns:
            `labels` and `scores`, both `[batch, classes]`.

        Example, of a text classifier with two classes:

            client.classify([{"text": "a fine film"}, {"text": "a dull film"}]).scores.shape  # (2, 2)
        """
        rows = self._ask("classify", signature_name, [example_of(one) for one in examples])
        return Classification(
            labels=np.array([[label for label, _ in row] for row in rows], object),
            scores=np.array([[score for _, score in row] for row in rows], np.float32),
        )

    def regress(
        self, examples: Sequence[Mapping[str, Any] | tf.train.Example], signature_name: str = "regress"
    ) -> np.ndarray:
        """A number for each example.

        Args:
            examples: As for `classify`.
            signature_name: Which signature to run, one with the method "tensorflow/serving/regress".

        Returns:
            Float32 array `[batch]`.

        Example, of a series that counts:

            client.regress([{"sequences": [1.0, 2.0, 3.0]}])  # array([4.], dtype=float32)
        """
        return np.array(self._ask("regress", signature_name, [example_of(one) for one in examples]), np.float32)

    def metadata(self) -> dict[str, Signature]:
        """The inputs and outputs of each signature by its name, as the server has them now."""
        definitions = self._ask("metadata")
        self._signatures = {
            name: Signature(specs_of(definitions[name].inputs), specs_of(definitions[name].outputs))
            for name in sorted(definitions)
            if name != "__saved_model_init_op"  # of TensorFlow's own
        }
        return self._signatures

    def status(self) -> list[VersionStatus]:
        """Each version that the server knows of, ascending."""
        return sorted(VersionStatus(int(version), *rest) for version, *rest in self._ask("status"))

    def close(self) -> None:
        """Close the connections."""
        self._transport.close()

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def _with_signature(self, name: str, ask: Callable[[Signature], Any]) -> Any:
        """`ask(signature)`; if what is known of it does not fit, the server may have a newer version since."""
        known = self._signatures
        try:
            return ask(self._signature(name))
        except ValueError:
            if known is None or known == self.metadata():
                raise
        return ask(self._signature(name))

    def _signature(self, name: str) -> Signature:
        signatures = self._signatures or self.metadata()
        if name not in signatures:
            raise ValueError(f"{self._model!r} has the signatures {listed(signatures)}. Received: {name!r}.")
        return signatures[name]

    def _ask(self, method: str, *arguments: Any) -> Any:
        """What the transport's method returns, after as many tries as it takes."""
        retry = 0
        while True:
            try:
                return getattr(self._transport, method)(*arguments)
            except Refusal as refusal:
                if refusal.status != 503 or retry >= self._retries:
                    raise self._error(refusal) from None
            sleep(FIRST_PAUSE * 2**retry * uniform(0.5, 1.5))
            retry += 1

    def _error(self, refusal: Refusal) -> OSError | ValueError:
        if refusal.status == 503:
            return ConnectionError(
                f"{self._address} gave no answer in {self._retries + 1} tries. Start the server there, or give "
                f"another address. Received: {refusal}"
            )
        if refusal.status in (408, 504):
            return TimeoutError(
                f"{self._address} gave no answer within {self._timeout} s. Send fewer rows at once, or give a longer "
                f"`timeout`. Received: {refusal}"
            )
        if refusal.status == 404:
            return FileNotFoundError(
                f"{self._address} must serve {self._model!r}, and the version asked for. Give a name and a version "
                f"that it serves. Received: {refusal}"
            )
        if refusal.status == 400:
            return ValueError(
                f"{self._address} refused the request. Client.metadata() tells what {self._model!r} takes. "
                f"Received: {refusal}"
            )
        return OSError(f"{self._address} failed, with status {refusal.status}. Received: {refusal}")


def _transport(address: str, model: str, version: int | None, timeout: float) -> Any:
    parts = urlsplit(address)
    if parts.scheme in ("http", "https") and parts.hostname:
        return RestTransport(parts, model, version, timeout)
    if parts.scheme == "grpc" and parts.hostname and parts.port:
        from rnn_tf.serving.grpc_transport import GrpcTransport  # needs the extra "serving"

        return GrpcTransport(parts.netloc, model, version, timeout)
    raise ValueError(
        "`address` must be http://host:port or https://host:port for REST, or grpc://host:port for gRPC. "
        f"Received: address={address!r}."
    )
