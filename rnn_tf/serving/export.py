"""`export_saved_model`: from a trained model to the next version that a server finds."""

from collections.abc import Sequence
from os import PathLike
from typing import Any

import numpy as np
import tensorflow as tf

from rnn_tf._checks import positive_integer, writable_folder
from rnn_tf.serving import rest, versions
from rnn_tf.serving.examples import LENGTHS, to_examples
from rnn_tf.serving.saved_model import EXAMPLES, METADATA, WARMUP, write_json, write_saved_model
from rnn_tf.serving.signatures import Endpoint, declared_signatures, examples_endpoint
from rnn_tf.serving.verify import Feed, answer_in_fresh_process, check_equal
from rnn_tf.serving.warmup import prediction_log, write_warmup

MOST_EXAMPLES = 64  # rows
Call = tuple[str, Feed]


def export_saved_model(
    model: Any,
    directory: str | PathLike[str],
    version: int | None = None,
    examples: Any = None,
    labels: Sequence[str] | None = None,
    *,
    examples_api: bool = False,
    streaming: bool = False,
    warmup: Sequence[int] = (1, 32),
    keep: int | None = None,
    metadata: dict[str, Any] | None = None,
) -> str:
    """Write the next version of a trained model, as TF Serving takes it.

    It is written beside its place under a hidden name, loaded in a fresh Python process without Keras, compared with
    the model at two batch sizes, flushed to the disk, and only then renamed: a server that polls the directory never
    sees half a version, whenever the export is interrupted.

    The signature `serving_default` takes and gives tensors by name, for any batch size, in raw units:

    - `SequenceRegressor`: `sequences`, float32 `[batch, timesteps, features]`, gives `forecast`, float32
      `[batch, horizon]`. The number of steps is that which the model was built for; where it is open, as after
      `model.build([None, None, features])`, `lengths`, int32 `[batch]`, says where each sequence ends, so that the
      padding of a server that batches changes nothing.
    - `SequenceClassifier`: `sequences` and `lengths` give `label`, string `[batch]`, `probabilities`, float32
      `[batch, classes]`, and `classes`, their names, `[batch, classes]`.
    - `TextClassifier`: `text`, string `[batch]`, gives the same. Its vocabulary lies in `assets/vocabulary.txt`.
    - A Keras model of your own takes its inputs by the names of `keras.Input(name=...)`, or of its `input_spec`; a
      single one without a name is `inputs`. It gives the dict that it returns, or `outputs`; with `labels` the three
      of a classifier. A model with a method `serving_signatures()` declares all this itself.

    Beside the model lie, in `assets.extra`: `examples.json`, requests with their answers, to try and to check; and
    the requests that TF Serving runs to warm up before it serves a version.

    Args:
        model: A built `keras.Model`.
        directory: Where the versions are, such as `saved_models/sales`. Made if missing.
        version: Positive integer; TF Serving serves the largest. Default: the one after the largest in `directory`.
        examples: Inputs to compare on and to keep beside the model, the first 64 rows of them: an array, or a dict of
            arrays by input name. Default: random numbers, or a few texts.
        labels: Names of the classes in their order, for a Keras model of your own that gives probabilities
            `[batch, classes]`, or `[batch, 1]` of the second of two.
        examples_api: Whether to add `classify`, or for a model that gives one number a row `regress`: the methods of
            TF Serving that take `tf.train.Example`s, with a feature for each input, all its numbers in a row.
        streaming: Whether to add `step`, for a server without a memory: one time step, `inputs`, float32
            `[batch, features]`, or for texts `token_ids`, int32 `[batch]`, and the states before it, which are zeros
            at first, give the answer so far and the states after it, under the same names.
        warmup: Batch sizes of the warm-up requests.
        keep: Remove all but this many of the newest versions.
        metadata: Written to `assets.extra/rnn_tf.json`, which servers ignore.

    Returns:
        The path of the new version, such as `"saved_models/sales/1"`.

    Raises:
        TypeError: If the model is no Keras model.
        ValueError: If the model is not built, does not say what it takes, or cannot serve what is asked for; the
            directory is a remote address; or an argument or an example does not fit.
        FileExistsError: If the version is there already.
        OSError: If the directory cannot be written.
        RuntimeError: If the export does not answer as the model does. Nothing is published then.

    Example:
    >>> import tempfile, numpy as np
    >>> from rnn_tf import SequenceRegressor, export_saved_model
    >>> model = SequenceRegressor(units=4)
    >>> model.build([None, 4, 1])
    >>> path = export_saved_model(model, tempfile.mkdtemp() + "/sales", streaming=True)
    >>> path.endswith("sales/1")
    True
    """
    directory = writable_folder(directory)
    version = versions.checked_version(directory, version) if version is not None else None
    if keep is not None:
        keep = versions.checked_keep(directory, keep)
        newer = [] if version is None else [one for one in versions.version_numbers(directory) if one > version]
        if len(newer) >= keep:
            raise ValueError(
                f"`keep` would remove the version that is to be written. Received: version={version}, keep={keep}, with "
                f"{', '.join(map(str, newer))} in {directory}. Give a larger version, or leave `keep` out."
            )
    for size in warmup:
        positive_integer("warmup", size)
    signatures = declared_signatures(model, labels)
    feed = _feed(signatures.predict.inputs, examples)
    endpoints = {"serving_default": signatures.predict}
    calls: list[Call] = [("serving_default", feed)]
    if examples_api:
        name, endpoint = examples_endpoint(signatures.predict, signatures.predict.answer(_rows(feed, 1)))
        endpoints[name] = endpoint
        calls.append((name, {"inputs": to_examples(feed)}))
    if streaming:
        if isinstance(signatures.step, str):
            raise ValueError(
                f"`streaming` is for models that read a sequence forward, step by step. Received: a "
                f"{type(model).__name__}, but {signatures.step}. Export it without `streaming`."
            )
        endpoints["step"] = signatures.step
        calls += [("step", one) for one in _stream(signatures.step)]
    checked = [one for name, inputs in calls for one in ((name, inputs), (name, _rows(inputs, 1)))]
    answers = [endpoints[name].answer(inputs) for name, inputs in checked]
    if labels is not None:
        sums = answers[0]["probabilities"].sum(axis=1)
        if np.abs(sums - 1).max() > 1e-3:
            raise ValueError(
                "`labels` are for a model that gives probabilities: each row must sum to 1. Received: rows that sum to "
                f"{sums.min():.3g} to {sums.max():.3g}. End the model with a softmax."
            )
    with versions.draft(directory) as draft:
        try:
            write_saved_model(endpoints, signatures.lookups, draft)
            write_json(draft / EXAMPLES, [_in_json(*one) for one in zip(checked, answers, strict=True)])
            if warmup:
                write_warmup(draft / WARMUP, list(_logs(directory.name, endpoints, calls, warmup)))
            if metadata is not None:
                write_json(draft / METADATA, metadata)
        except tf.errors.OpError as error:  # what TensorFlow makes of a full disk
            raise OSError(f"Cannot write to {directory}: {error.message}. Nothing was published.") from None
        check_equal(answer_in_fresh_process(draft, checked), answers)
        path = versions.publish(draft, directory, version)
    if keep is not None:
        versions.prune(directory, keep)
    return str(path)


def _feed(specs: Sequence[tf.TensorSpec], examples: Any) -> Feed:
    """Inputs by name to compare on."""
    if examples is None:
        return {spec.name: _example(spec) for spec in specs}
    if not isinstance(examples, dict):
        examples = {specs[0].name: examples}
        if [spec.name for spec in specs[1:]] == [LENGTHS]:
            sequences = np.asarray(examples[specs[0].name])
            examples[LENGTHS] = np.full(len(sequences), sequences.shape[1])
    if set(examples) != {spec.name for spec in specs}:
        raise ValueError(
            f"`examples` must name the inputs {[spec.name for spec in specs]}. Received: {list(examples)}."
        )
    feed = {}
    for spec in specs:
        try:
            array = np.asarray(examples[spec.name], spec.dtype.as_numpy_dtype)
            if spec.dtype == tf.string:
                array = np.array([tf.compat.as_bytes(text) for text in array.ravel()], object).reshape(array.shape)
        except (TypeError, ValueError):
            raise ValueError(
                f"An example for {spec.name!r} must be an array of {spec.dtype.name}. Received: other values, or rows "
                "of different lengths."
            ) from None
        if not spec.shape.is_compatible_with(array.shape) or not array.size:
            raise ValueError(
                f"An example for {spec.name!r} must have shape {spec.shape}. Received: shape {array.shape}."
            )
        feed[spec.name] = array[:MOST_EXAMPLES]
    if len({len(array) for array in feed.values()}) > 1:
        sizes = ", ".join(f"{name} has {len(array)}" for name, array in feed.items())
        raise ValueError(f"`examples` must have the same number of rows for every input. Received: {sizes}.")
    return feed


def _example(spec: tf.TensorSpec) -> np.ndarray:
    """Four rows of something: random numbers, lengths from 1 to 4, other integers 0 and 1, texts of several kinds."""
    shape = [size or 4 for size in spec.shape]
    if spec.dtype == tf.string:
        return np.resize(np.array([b"some text", "你好 \U0001f600".encode(), b"", b"not \xff UTF-8"], object), shape)
    if spec.name == LENGTHS:
        return np.arange(1, 5, dtype=spec.dtype.as_numpy_dtype)
    if not spec.dtype.is_floating:
        return np.resize(np.arange(2), shape).astype(spec.dtype.as_numpy_dtype)
    return np.random.default_rng(0).normal(size=shape).astype(spec.dtype.as_numpy_dtype)


def _stream(step: Endpoint) -> list[Feed]:
    """The first two steps of a stream."""
    now, *states = step.inputs
    first = {spec.name: np.zeros([4, *spec.shape[1:]], spec.dtype.as_numpy_dtype) for spec in states}
    first[now.name] = _example(now)
    after = step.answer(first)
    return [first, {now.name: first[now.name][::-1], **{spec.name: after[spec.name] for spec in states}}]


def _rows(feed: Feed, size: int) -> Feed:
    """The first rows, over again where there are too few."""
    return {name: array[np.arange(size) % len(array)] for name, array in feed.items()}


def _in_json(call: Call, answers: Feed) -> dict[str, Any]:
    name, inputs = call
    return {
        "signature_name": name,
        **{
            side: {key: rest.to_json(array) for key, array in tensors.items()}
            for side, tensors in (("inputs", inputs), ("outputs", answers))
        },
    }


def _logs(model: str, endpoints: dict[str, Endpoint], calls: Sequence[Call], sizes: Sequence[int]) -> Any:
    """A warm-up request for each signature and batch size."""
    for name, inputs in dict(calls).items():
        method = endpoints[name].method.rpartition("/")[2]
        for size in sizes:
            yield prediction_log(method, model, name, _rows(inputs, size))
