"""TF Serving's REST interface for development: the same requests and answers, for this machine alone."""

import json
import os
import re
import socket
import threading
from contextlib import suppress
from os import PathLike
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import tensorflow as tf

from rnn_tf.export.versions import model_folders, version_number
from rnn_tf.serving import rest_answers
from rnn_tf.serving.page import page
from rnn_tf.serving.servable import NotServedError, ServedModel

try:
    import uvicorn
    from starlette.concurrency import run_in_threadpool
    from starlette.requests import ClientDisconnect, Request
    from starlette.responses import Response
    from starlette.types import Receive, Scope, Send
except ImportError as error:
    raise ImportError('The server needs starlette and uvicorn: pip install "rnn-tf[serving]".') from error

NOTHING_ELSE = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'"}  # that the page may load
POLL_SECONDS = 1.0
LARGEST_REQUEST = 32 * 2**20  # bytes
URL = re.compile(r"/v1/models/([^/:]+)(?:/versions/([0-9]+))?(?:(/metadata)|:(predict|classify|regress))?")
STATUS = {tf.errors.UNAVAILABLE: 503, tf.errors.RESOURCE_EXHAUSTED: 429, tf.errors.UNIMPLEMENTED: 501}


class DevelopmentServer:
    """Every model of a folder by TF Serving's REST interface, on 127.0.0.1, in threads of this process.

    `/` is a page for people: what is served, and a line to paste for each model.

    New models and versions are found by looking once a second. It is for development: what serves in production is
    TF Serving, by the command that `rnn-tf serve --docker NAME` prints.

    Args:
        models: Folder of models, which are folders of versions; or one model.
        port: Where to listen. 0 takes one that is free.
        grpc_port: Where to listen for TF Serving's gRPC interface, likewise. Default: nowhere.

    Attributes:
        url: Where it listens, such as "http://127.0.0.1:8501".
        grpc_address: Where it listens for gRPC, such as "grpc://127.0.0.1:8500"; None, if it does not.
        models: A `ServedModel` for each name.

    Raises:
        FileNotFoundError: If there is no model.
        ImportError: If gRPC is asked for, and its package is missing.
        ValueError: If `models` is one version, there can be no such port, both are the same, or no model can be loaded.
        OSError: If the port is taken.

    Source: "RESTful API", tensorflow.org/tfx/serving/api_rest.

    Example:
    >>> from rnn_tf.serving.server import DevelopmentServer
    >>> with DevelopmentServer("saved_models", port=0) as server:  # doctest: +SKIP
    ...     requests.post(f"{server.url}/v1/models/sales:predict", json={"instances": [[[1.0], [2.0]]]}).json()
    {'predictions': [[3.0]]}
    """

    def __init__(
        self, models: str | PathLike[str] = "saved_models", port: int = 8501, grpc_port: int | None = None
    ) -> None:
        self.directory = Path(models)
        if (self.directory / "saved_model.pb").is_file():
            folder = self.directory.resolve()
            advice = f"Give {str(folder.parent)!r}."
            if version_number(folder.name) is None:
                advice = f"Move what is in it into a folder 1 of its own, {str(folder / '1')!r}."
            raise ValueError(
                "A server takes the folder of a model's versions, or of models. Received: one version, "
                f"{str(models)!r}. {advice}"
            )
        if not model_folders(self.directory):
            raise FileNotFoundError(
                f"There is no model in {str(models)!r}: it needs a folder such as NAME/1 with a saved_model.pb. "
                "`rnn-tf train` makes one."
            )
        for number in (port,) if grpc_port is None else (port, grpc_port):
            if not 0 <= number < 2**16:
                raise ValueError(f"A port must be from 0 to 65535. Received: {number}.")
        if port == grpc_port != 0:
            raise ValueError(f"REST and gRPC must have ports of their own. Received: {port} for both.")
        try:
            self._socket = socket.create_server(("127.0.0.1", port))
        except OSError as error:
            why = os.strerror(error.errno or 0)
            message = f"Cannot listen on port {port}: {why}. Choose another, or 0 for one that is free."
            raise OSError(error.errno, message) from None
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # else small answers wait for 40 ms
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self.models: dict[str, ServedModel] = {}
        try:
            self._grpc = None if grpc_port is None else _grpc_server(self.models, grpc_port)
        except BaseException:
            self._socket.close()
            raise
        self.grpc_address = None if self._grpc is None else str(self._grpc.address)
        self.poll()
        if not any(model.available for model in self.models.values()):
            self._socket.close()
            if self._grpc is not None:
                self._grpc.__exit__()
            reasons = "".join(f"\n   {name}: {model.problem}" for name, model in self.models.items())
            raise ValueError(
                f"No model of {str(self.directory)!r} can be served. Export them again. Received:{reasons}"
            )
        config = uvicorn.Config(
            self._serve,
            interface="asgi3",
            lifespan="off",
            log_config=None,
            access_log=False,
            timeout_graceful_shutdown=5,
        )
        self._server, self._stopped = uvicorn.Server(config), threading.Event()
        self._threads = [
            threading.Thread(target=self._serve_until_stopped, daemon=True),
            threading.Thread(target=self._poll_until_stopped, daemon=True),
        ]

    def __repr__(self) -> str:
        return f"DevelopmentServer({str(self.directory)!r}, url={self.url!r}, models={sorted(self.models)})"

    def __enter__(self) -> "DevelopmentServer":
        for thread in self._threads:
            thread.start()
        if self._grpc is not None:
            self._grpc.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        """Stop, after the requests in flight."""
        self._server.should_exit = True
        self._stopped.set()
        if self._grpc is not None:
            self._grpc.__exit__()
        for thread in self._threads:
            thread.join()
        self._socket.close()
        for model in self.models.values():
            model.close()

    def wait(self) -> None:
        """Serve until the process is interrupted."""
        while not self._stopped.wait(1.0):  # a wait without end cannot be interrupted everywhere
            pass

    def poll(self) -> None:
        """Look for new models and versions now."""
        for name, folder in model_folders(self.directory).items():
            if name in self.models:
                self.models[name].poll()
            else:
                self.models[name] = ServedModel(folder)

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        request, body, size = Request(scope, receive), bytearray(), 0
        try:
            async for chunk in request.stream():
                size += len(chunk)
                if size <= LARGEST_REQUEST:  # the rest is read, so that the answer is, too, but not kept
                    body += chunk
        except ClientDisconnect:
            return
        if request.method == "GET" and scope["path"] == "/":
            content = await run_in_threadpool(page, self.url, self.grpc_address, dict(self.models))
            await Response(content, media_type="text/html", headers=NOTHING_ELSE)(scope, receive, send)
            return
        status, content = await run_in_threadpool(
            self._respond, request.method, scope["raw_path"].decode("latin-1"), bytes(body), size
        )
        await Response(content, status, media_type="application/json")(scope, receive, send)

    def _respond(self, method: str, path: str, body: bytes, size: int) -> tuple[int, str]:
        if size > LARGEST_REQUEST:
            error = f"A request must have at most {LARGEST_REQUEST} bytes. Received: {size}. Divide it into several."
            return 413, json.dumps({"error": error})
        status, content = self._answer(method, path, body)
        return status, json.dumps(content)

    def _answer(self, method: str, path: str, body: bytes) -> tuple[int, dict[str, Any]]:
        """The HTTP status and the JSON that answer a request."""
        try:
            if method not in ("GET", "POST"):
                return 405, {"error": f"A request must be GET or POST. Received: {method}."}
            match = URL.fullmatch(path)
            if match is None or (method == "POST") != bool(match[4]):
                return 400 if path.startswith("/v1/") else 404, {"error": f"Malformed request: {method} {path}"}
            name, version = unquote(match[1]), int(match[2]) if match[2] else None
            if name not in self.models:  # the only thing that a name is for: no request names a file
                raise NotServedError(name, version)
            model = self.models[name]
            if match[4]:
                verb = {
                    "predict": rest_answers.predict,
                    "classify": rest_answers.classify,
                    "regress": rest_answers.regress,
                }[match[4]]
                content = rest_answers.parsed(body)
                with model.use(version) as servable:
                    return 200, verb(servable, content)
            if match[3]:
                with model.use(version) as servable:
                    return 200, rest_answers.metadata(name, servable)
            status = [one for one in model.status() if version in (None, int(one["version"]))]
            if not status:
                raise NotServedError(name, version)
            return 200, {"model_version_status": status}
        except NotServedError as error:
            return 404, {"error": str(error)}
        except ValueError as error:
            return 400, {"error": str(error)}
        except tf.errors.OpError as error:
            return STATUS.get(error.error_code, 500), {"error": error.message}

    def _serve_until_stopped(self) -> None:
        try:
            self._server.run([self._socket])
        finally:
            self._stopped.set()

    def _poll_until_stopped(self) -> None:
        while not self._stopped.wait(POLL_SECONDS):
            with suppress(OSError, ValueError):  # a folder removed, or put among others, while it is looked at
                self.poll()


def _grpc_server(models: dict[str, ServedModel], port: int) -> Any:
    from rnn_tf.serving.grpc_server import GrpcServer  # needs tensorflow-serving-api

    return GrpcServer(models, port)
