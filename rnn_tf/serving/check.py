"""What would go wrong if a server took this SavedModel."""

import json
import re
from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from rnn_tf.export import json_tensors
from rnn_tf.export.saved_model import EXAMPLES
from rnn_tf.export.signatures import CLASSIFY, PREDICT, REGRESS
from rnn_tf.export.verify import Call, Feed, check_equal, measure_in_fresh_process
from rnn_tf.export.versions import newest_version
from rnn_tf.serving.servable import Servable

DEFAULT = "serving_default"
SIZES = (1, 32)  # of the batches whose latency is measured
UNSERVABLE = {  # operations that a stock server for the CPU cannot run: why, and what to do
    r"Cudnn.*": (
        "run on a GPU only",
        "Build the layers with use_cudnn=False, in a new model that gets the weights: "
        "new.set_weights(model.get_weights())",
    ),
    r"(Eager)?PyFunc(Stateless)?": (
        "call the Python program that wrote them",
        "Use TensorFlow's operations in place of tf.py_function and tf.numpy_function",
    ),
    r"_?Xla.*": ("need a compiler that the server does not have", "Export functions without jit_compile=True"),
    r".*TPU.*|Nccl.*|Collective.*": ("need other devices", "Build the model outside of a distribution strategy"),
}
MADE_UP = re.compile(
    r"(keras_tensor|input_layer|sequential|functional|dense|lstm|gru|simple_rnn|bidirectional|time_distributed"
    r"|activation)(_\d+)*|(input|args|output|embedding|flatten|dropout|concatenate|reshape|softmax|model|rnn)(_\d+)+"
)
WHOLE_NUMBERS = re.compile(r"(.*_)?(id|ids|token|tokens|index|indices|category|categories|count|counts|length|lengths)")
UNUSUAL = re.compile(r".*(Random|Multinomial|Assign|ResourceScatter|Queue|ReadFile|WriteFile|Print|Assert).*")
PARSING = {"ParseExample", "ParseExampleV2", "ParseSingleExample"}


class Report(NamedTuple):
    """What `check_saved_model` found.

    Attributes:
        lines: What it is, to print.
        refusals: Why a server cannot take it, and what to do, each in a sentence or two.
        warnings: What is likely to be a mistake.
    """

    lines: list[str]
    refusals: list[str]
    warnings: list[str]


def check_saved_model(path: str | PathLike[str]) -> Report:
    """Load a version as a stock TF Serving would, and replay, time and judge what it answers.

    Args:
        path: Folder with a `saved_model.pb`, or of versions, of which the newest is checked, as `rnn-tf check` does.

    Raises:
        FileNotFoundError: If there is none.

    Example:
    >>> import tempfile
    >>> import tensorflow as tf
    >>> from rnn_tf.serving.check import check_saved_model
    >>> module, path = tf.Module(), tempfile.mkdtemp()
    >>> module.half = tf.function(lambda x: {"output_0": x / 2}, [tf.TensorSpec([None], tf.float32, name="x")])
    >>> tf.saved_model.save(module, path, {"serving_default": module.half})
    >>> check_saved_model(path).refusals
    ["'serving_default': Keras made up the names output_0; the next export may have others. ..."]
    """
    path = newest_version(path)
    size = sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
    report = Report([f"{path}: {_bytes(size)}"], [], [])
    try:
        servable = Servable(path)
    except ValueError as error:
        report.refusals.append(_not_loaded(error))
        return report
    servable.close()
    meta_graph, signatures = servable.meta_graph, servable.signatures
    report.lines[0] += f", written by TensorFlow {meta_graph.meta_info_def.tensorflow_version}"
    if DEFAULT not in signatures:
        report.refusals.append(f"There is no signature {DEFAULT!r}, for requests that name none. Export one so named.")
    for asset in meta_graph.asset_file_def:
        if not (path / "assets" / asset.filename).is_file():
            report.refusals.append(f"The asset {asset.filename!r} is missing. Copy the whole folder again.")
    operations = {name: _operations(meta_graph, one) for name, one in meta_graph.signature_def.items()}
    for name, signature in sorted(signatures.items()):
        _judge_signature(name, signature, operations[name], report)
    served = set().union(*(operations[name] for name in signatures))
    unusual = ", ".join(filter(UNUSUAL.fullmatch, sorted(served))) or "none"
    report.lines.append(f"{len(served)} kinds of operations, of which unusual in a server: {unusual}")
    for pattern, (reason, advice) in UNSERVABLE.items():  # also among what runs once after loading
        found = sorted(name for name in set().union(*operations.values()) if re.fullmatch(pattern, name))
        if found:
            report.refusals.append(f"The operations {', '.join(found)} {reason}. {advice}.")
    _replay_and_time(path, signatures, report)
    return report


def _not_loaded(error: ValueError) -> str:
    """Why a SavedModel cannot be loaded, and what to do."""
    unknown = re.search(r"Op type not registered '(\w+)'", str(error))
    if unknown:
        return (
            f"It needs the operation {unknown[1]}, which TensorFlow does not have, nor does a stock server. Build the "
            "model without it."
        )
    return f"It cannot be loaded: {_reason(error)} Copy the whole folder again, or export again."


def _judge_signature(name: str, signature: Any, operations: set[str], report: Report) -> None:
    """Names, shapes and the method, against what servers and their clients expect."""
    inputs, outputs = signature.inputs, signature.outputs
    report.lines.append(f"{name} ({signature.method_name.rpartition('/')[2] or 'no method'})")
    for side, tensors in (("<-", inputs), ("->", outputs)):
        for key, tensor in sorted(tensors.items()):
            shape = tf.TensorShape(tensor.tensor_shape)
            report.lines.append(f"  {side} {key}: {_dtype(tensor).name} {shape}")
            if shape.rank is not None and (shape.rank == 0 or shape[0] is not None):
                report.refusals.append(
                    f"{name!r}: {key!r} has shape {shape}, and servers take and give batches of any size. Export it "
                    "with None as its first size."
                )
    made_up = [key for key in sorted([*inputs, *outputs]) if MADE_UP.fullmatch(key)]
    if made_up:
        report.refusals.append(
            f"{name!r}: Keras made up the names {', '.join(made_up)}; the next export may have others. Name inputs by "
            "keras.Input(name=...), and return outputs as a dict; rnn_tf's export_saved_model names those of a trained "
            "model, with input_names=[...]."
        )
    for key, tensor in sorted(inputs.items()):
        if _dtype(tensor).is_floating and WHOLE_NUMBERS.fullmatch(key):
            report.warnings.append(
                f"{name!r}: the input {key!r} is {_dtype(tensor).name}, which cannot tell large whole numbers apart. "
                "Export it as int32 or int64 if it holds such."
            )
    method = PREDICT
    if set(inputs) == {"inputs"} and PARSING & operations:
        if set(outputs) == {"outputs"}:
            method = REGRESS
        elif set(outputs) <= {"classes", "scores"}:
            method = CLASSIFY
    if signature.method_name != method:
        report.refusals.append(
            f"{name!r}: its method is {signature.method_name!r}, but what it takes and gives is for {method!r}. Change "
            "it by tf.compat.v1.saved_model.signature_def_utils.MethodNameUpdater."
        )


def _operations(meta_graph: Any, signature: Any) -> set[str]:
    """The kinds of operations that a signature runs: those that its outputs need, and of the functions they call."""
    nodes = {node.name: node for node in meta_graph.graph_def.node}
    functions = {function.signature.name: function for function in meta_graph.graph_def.library.function}
    names = [tensor.name for tensor in signature.outputs.values()]
    needed: dict[str, Any] = {}
    while names:
        name = names.pop().removeprefix("^").partition(":")[0]
        if name not in needed:
            needed[name] = nodes[name]
            names += nodes[name].input
    called: dict[str, Any] = {}
    reached = list(needed.values())
    for node in reached:  # which grows
        for attribute in node.attr.values():
            for name in (attribute.func.name, *(function.name for function in attribute.list.func)):
                if name in functions and name not in called:
                    called[name] = functions[name]
                    reached += functions[name].node_def
    compiled = any("_XlaMustCompile" in one.attr and one.attr["_XlaMustCompile"].b for one in called.values())
    return {node.op for node in reached} - functions.keys() | ({"XlaLaunch"} if compiled else set())


def _replay_and_time(path: Path, signatures: Mapping[str, Any], report: Report) -> None:
    """Ask the examples beside it again in a fresh process; if all is well, time `serving_default` there, too."""
    examples = []
    if (path / EXAMPLES).is_file():
        try:
            examples = read_examples(path / EXAMPLES, signatures)
        except ValueError as error:
            report.refusals.append(f"{error} Export again.")
            return
    else:
        report.warnings.append(f"There is no {EXAMPLES} to compare with. `export_saved_model` writes one.")
    given = next((inputs for name, inputs, _ in examples if name == DEFAULT), None)
    timed = [] if report.refusals else _batches(given, signatures[DEFAULT])
    try:
        answers, milliseconds = measure_in_fresh_process(path, [(name, inputs) for name, inputs, _ in examples], timed)
    except RuntimeError as error:
        report.refusals.append(f"It fails in a fresh process without Keras: {_reason(error)} Export again.")
        return
    report.lines.append(f"loaded in a fresh process without Keras, {len(examples)} examples replayed")
    for i, (answer, (name, _, outputs)) in enumerate(zip(answers, examples, strict=True), start=1):
        try:
            check_equal([answer], [outputs])
        except RuntimeError as error:
            report.refusals.append(f"Example {i} of {EXAMPLES}, for {name!r}: {error} Export again.")
            break
    if report.refusals:
        return
    if isinstance(milliseconds, str):
        findings = report.warnings if given is None else report.refusals
        findings.append(
            f"{DEFAULT!r} does not answer batches of {' and '.join(map(str, SIZES))} rows: "
            f"{_reason(milliseconds)} Look for a layer that depends on their number."
        )
        return
    for size, (median, slow) in zip(SIZES, milliseconds, strict=True):
        report.lines.append(f"{DEFAULT}, batch {size}: median {median:.3f} ms, 99 % within {slow:.3f} ms")


def read_examples(path: Path, signatures: Mapping[str, Any]) -> list[tuple[str, Feed, Feed]]:
    """Signature, inputs and outputs of each example. Raises ValueError if they do not fit."""
    examples = []
    try:
        for entry in json.loads(path.read_text(encoding="utf-8")):
            signature = signatures[entry["signature_name"]]
            inputs, outputs = (
                {key: json_tensors.from_json(value, _dtype(dict(tensors)[key])) for key, value in entry[side].items()}
                for side, tensors in (("inputs", signature.inputs), ("outputs", signature.outputs))
            )
            examples.append((entry["signature_name"], inputs, outputs))
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{EXAMPLES} does not fit the signatures, {error!r}.") from None
    except ValueError as error:
        raise ValueError(f"{EXAMPLES} cannot be read, {error}") from None
    return examples


def _batches(rows: Feed | None, signature: Any) -> list[Call]:
    """What to time: batches of these rows; without any of ones, or texts."""
    rows = rows or ones(signature)
    return [
        (DEFAULT, {name: np.resize(array, [size, *array.shape[1:]]) for name, array in rows.items()}) for size in SIZES
    ]


def ones(signature: Any) -> Feed:
    """One row of ones, or texts, for each input of a signature; 8 along an axis of any size."""
    feed = {}
    for name, tensor in signature.inputs.items():
        shape = tf.TensorShape(tensor.tensor_shape)
        sizes = [size or 8 for size in shape[1:]] if shape.rank else []
        value = b"text" if _dtype(tensor) == tf.string else 1
        feed[name] = np.full([1, *sizes], value, _dtype(tensor).as_numpy_dtype)
    return feed


def _dtype(tensor: Any) -> tf.DType:
    return tf.as_dtype(tensor.dtype)


def _bytes(size: int) -> str:
    return f"{size / 1e6:.1f} MB" if size > 1e6 else f"{size / 1e3:.1f} kB"


def _reason(error: Exception | str) -> str:
    """The last line that says something, of an error of TensorFlow or of a process."""
    lines = [line for line in str(error).splitlines() if line[:1].strip() and "[[" not in line]
    return f"{lines[-1].partition(' cannot be loaded: ')[2] or lines[-1]}".rstrip(". ") + "."
