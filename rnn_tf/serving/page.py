"""The server's page for people: what is served, what it takes and gives, and a line to paste for each model."""

import json
import shlex
from collections.abc import Mapping
from html import escape
from typing import Any
from urllib.parse import quote

from rnn_tf.export.saved_model import EXAMPLES
from rnn_tf.export.signatures import PREDICT, specs_of
from rnn_tf.serving.servable import NotServedError, Servable, ServedModel

SHORT = 1000  # characters that a person still reads
LONGEST = 100_000  # characters of a line: a shell takes 131,072 bytes as an argument
STYLE = """
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; margin: .5rem 0; }
th, td { text-align: left; padding: .2rem 1rem .2rem 0; border-bottom: 1px solid #8886; vertical-align: top; }
pre { padding: .7rem; border: 1px solid #8886; border-radius: .3rem; white-space: pre-wrap; overflow-wrap: anywhere; }
section { margin-top: 2.5rem; }
"""


def page(url: str, grpc_address: str | None, models: Mapping[str, ServedModel]) -> str:
    """The page in HTML. Names, labels and texts of the models are data, and escaped.

    Args:
        url: Where the server listens.
        grpc_address: Where it listens for gRPC, or None.
        models: What it serves, by name.
    """
    addresses = " and ".join(f"<code>{escape(one)}</code>" for one in (url, grpc_address) if one)
    sections = "".join(_section(url, name, model) for name, model in sorted(models.items()))
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>rnn-tf serve</title>'
        '<meta name="viewport" content="width=device-width">'
        f"<style>{STYLE}</style><h1>Models served here</h1>"
        f"<p>A server for development, at {addresses}, with the interface of TF Serving.</p>{sections}</html>"
    )


def curl_line(url: str, name: str, servable: Servable) -> str | None:
    """A line for a shell that asks for the answer to a short stored example; None, where none fits."""
    try:
        calls = json.loads((servable.path / EXAMPLES).read_text(encoding="utf-8"))
        lines = [_line(url, name, *one) for call in calls for one in _rows(call, servable)]
    except (OSError, ValueError, TypeError, KeyError, AttributeError, IndexError):  # none, or not such as we write
        return None
    line = next((one for one in lines if len(one) <= SHORT), min(lines, key=len, default=""))  # the first, if it reads
    return line if 0 < len(line) <= LONGEST else None


def _rows(call: Any, servable: Servable) -> list[tuple[str, dict[str, Any]]]:
    signature = servable.signatures[call["signature_name"]]
    inputs = call["inputs"]
    if signature.method_name != PREDICT or set(inputs) != set(signature.inputs):
        return []
    if call["signature_name"] != "serving_default" and "serving_default" in servable.signatures:
        return []
    size = min(map(len, inputs.values()))
    return [
        (call["signature_name"], {key: rows[i : i + 1] for key, rows in inputs.items()})
        for i in range(size)
        if inputs.get("lengths", [1] * size)[i] != 0 and "" not in [rows[i] for rows in inputs.values()]
    ]


def _line(url: str, name: str, signature_name: str, inputs: dict[str, Any]) -> str:
    content: dict[str, Any] = {"inputs": inputs}
    if signature_name != "serving_default":
        content = {"signature_name": signature_name, **content}
    text = json.dumps(content, ensure_ascii=False)
    if not text.isprintable():  # what neither a page nor a terminal shows
        text = json.dumps(content)
    address = f"{url}/v1/models/{quote(name, safe='')}:predict"
    return f"curl {shlex.quote(address)} -d {shlex.quote(text)}"


def _section(url: str, name: str, model: ServedModel) -> str:
    versions = "".join(
        f"<tr><td>{escape(one['version'])}<td>{escape(one['state'])}<td>{escape(one['status']['error_message'])}"
        for one in model.status()
    )
    parts = [f"<section><h2>{escape(name)}</h2><table><tr><th>version<th>state<th>{versions}</table>"]
    try:
        with model.use() as servable:
            line = curl_line(url, name, servable)
            if line is not None:
                parts.append(f"<p>Paste into a terminal:</p><pre>{escape(line)}</pre>")
            parts += [_signature(key, one) for key, one in sorted(servable.signatures.items())]
    except NotServedError:  # its versions say why
        pass
    return "".join(parts) + "</section>"


def _signature(name: str, signature: Any) -> str:
    rows = "".join(
        f"<tr><td>{side}<td><code>{escape(key)}</code><td>{spec.dtype.name}<td>{escape(_shape(spec))}"
        for side, tensors in (("takes", signature.inputs), ("gives", signature.outputs))
        for key, spec in specs_of(tensors).items()
    )
    method = escape(signature.method_name.rpartition("/")[2])
    return f"<h3><code>{escape(name)}</code>, for {method}</h3><table><tr><th><th>name<th>dtype<th>shape{rows}</table>"


def _shape(spec: Any) -> str:
    if spec.shape.rank is None:
        return "any"
    return f"[{', '.join('any' if size is None else str(size) for size in spec.shape)}]"
