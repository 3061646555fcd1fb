"""`export_saved_model`: from a trained model to the next version that a server finds."""

import json
from collections.abc import Iterable, Sequence
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from rnn_tf._checks import positive_integer, writable_folder
from rnn_tf._exporting import for_export
from rnn_tf._names import METADATA, check_export_folder, folder_name
from rnn_tf.export import json_tensors, versions
from rnn_tf.export.examples import LENGTHS, split_lengths, to_examples
from rnn_tf.export.feeds import make_feed, rows_of, stream_feeds
from rnn_tf.export.saved_model import EXAMPLES, WARMUP, write_json, write_saved_model
from rnn_tf.export.signatures import Endpoint, declared_signatures, examples_endpoint
from rnn_tf.export.verify import Feed, answer_in_fresh_process, check_equal
from rnn_tf.export.warmup import MOST_LOGS, prediction_log, write_warmup

MOST_SIZES = MOST_LOGS // 3  # of the warm-up's batches: there are three signatures at most
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
    input_names: Sequence[str] | None = None,
) -> str:
    """Write the next version of a trained model, as TF Serving takes it.

    It is written beside its place under a hidden name, loaded in a fresh Python process without Keras, compared with
    the model at two batch sizes, flushed to the disk, and only then renamed: a server that polls the directory never
    sees half a version, whenever the export is interrupted.

    The signature `serving_default` takes and gives tensors by name, for any batch size, in raw units:

    - `SequenceRegressor`: `sequences`, float32 `[batch, timesteps, features]`, gives `forecast`, float32
      `[batch, horizon]`. The number of steps is the one the model was built for; where it is open, as after
      `model.build([None, None, features])`, `lengths`, int32 `[batch]`, says where each sequence ends, so that the
      padding of a server that batches changes nothing.
    - `SequenceClassifier`: `sequences` and `lengths` give `label`, string `[batch]`, `probabilities`, float32
      `[batch, classes]`, and `classes`, their names, `[batch, classes]`.
    - `TextClassifier`: `text`, string `[batch]`, gives the same. Its vocabulary lies in `assets/vocabulary.txt`.
    - `TextTagger`: `text` gives `tokens`, `tags` and `probabilities`, `[batch, tokens]`; where tags mark spans
      `span_labels`, `span_starts`, `span_ends` (in characters) and `span_texts`, `[batch, spans]`; and with intents
      `intent`, `[batch]`, and `intent_probabilities`. Rows are filled up with "" and 0.
    - `LanguageModel`: `prompt`, string `[batch]`, with `length`, `temperature` and `seed` for each, gives
      `continuation`, at most 10,000 tokens, and `text`, the prompt with it. This signature is named `generate`, too.
    - A Keras model of your own takes its inputs by the names of `keras.Input(name=...)`, or of its `input_spec`; a
      single one without a name is `inputs`. It gives the dict that it returns, or `outputs`, or for a list `outputs_0`,
      `outputs_1`, ...; with `labels` the three of a classifier. Half precision becomes float32 on both sides. A model
      with a method `serving_signatures()` declares all this itself.

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
            at first, give the answer so far and the states after it: `next_state_0_0` is the one after `state_0_0`.
            Of a `LanguageModel` `text`, a prompt or the token before, gives `token`, the next one, as text, and its
            `log_probability`; `temperature` and `seed` are states, too, which the first request sets.
        warmup: Batch sizes of the warm-up requests.
        keep: Remove all but this many of the newest versions.
        metadata: Written to `assets.extra/rnn_tf.json`, which servers ignore.
        input_names: Names of the inputs of a Keras model of your own, in the order of `model.inputs`, where its own do
            not suit requests: those that Keras made up, or such as "Temperature [C]".

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
    if tf.inside_function():
        raise ValueError("`export_saved_model` writes files, which a tf.function cannot. Call it outside of any.")
    directory = writable_folder(directory)
    version = _checked_version(directory, version, keep)
    sizes = _checked_warmup(warmup)
    notes = _checked_metadata(metadata)
    signatures = declared_signatures(model, labels, input_names)
    predict = signatures.predict.compiled()
    feed = make_feed(predict.inputs, signatures.examples if examples is None else examples)
    endpoints, calls = {"serving_default": predict}, [("serving_default", feed)]
    if signatures.name is not None:
        endpoints[signatures.name] = predict
    with for_export():
        answers = _first_answer(predict, feed, given=examples is not None)
        if labels is not None:
            _check_probabilities(answers["probabilities"])
        if examples_api:
            name, endpoint = examples_endpoint(predict, answers)
            endpoints[name] = endpoint.compiled()
            calls.append((name, {"inputs": to_examples(_with_steps(feed, predict.inputs), predict.inputs)}))
        if streaming:
            if isinstance(signatures.step, str):
                raise ValueError(
                    f"`streaming` is for models that read a sequence forward, step by step. Received: a "
                    f"{type(model).__name__}, but {signatures.step}. Export it without `streaming`."
                )
            endpoints["step"] = signatures.step.compiled()
            calls += [("step", one) for one in stream_feeds(endpoints["step"])]
        checked = [one for name, inputs in calls for one in ((name, inputs), (name, rows_of(inputs, 1)))]
        answers_of_model = [endpoints[name].answer(inputs) for name, inputs in checked]
    for (name, inputs), outputs in zip(checked, answers_of_model, strict=True):
        _check_rows(name, len(next(iter(inputs.values()))), outputs)
    with versions.draft(directory) as draft:
        try:
            write_saved_model(endpoints, signatures.lookups, draft)
            write_json(draft / EXAMPLES, [_in_json(*one) for one in zip(checked, answers_of_model, strict=True)])
            if sizes:
                write_warmup(draft / WARMUP, list(_logs(folder_name(directory), endpoints, calls, sizes)))
            if notes is not None:
                write_json(draft / METADATA, notes)
        except tf.errors.OpError as error:  # what TensorFlow makes of a full disk
            raise OSError(f"Cannot write to {directory}: {error.message}. Nothing was published.") from None
        check_equal(answer_in_fresh_process(draft, checked), answers_of_model)
        path = versions.publish(draft, directory, version)
    if keep is not None:
        versions.prune(directory, keep)
    return str(path)


def _checked_version(directory: Path, version: int | None, keep: int | None) -> int | None:
    check_export_folder(directory)
    if version is not None:
        version = versions.checked_version(directory, version)
    if keep is not None:
        keep = positive_integer("keep", keep)
        newer = [] if version is None else [one for one in versions.version_numbers(directory) if one > version]
        if len(newer) >= keep:
            raise ValueError(
                f"`keep` would remove the version that is to be written. Received: version={version}, keep={keep}, "
                f"with {', '.join(map(str, newer))} in {directory}. Give a larger version, or leave `keep` out."
            )
    return version


def _checked_warmup(warmup: Any) -> list[int]:
    sizes = list(warmup) if isinstance(warmup, Iterable) and not isinstance(warmup, (str, bytes)) else None
    if sizes is None or len(sizes) > MOST_SIZES:
        raise ValueError(
            f"`warmup` must be a list of batch sizes, none to {MOST_SIZES} of them. Received: {warmup!r:.100}."
        )
    return [positive_integer("warmup", size) for size in sizes]


def _checked_metadata(metadata: Any) -> dict[str, Any] | None:
    try:
        if metadata is not None:
            json.dumps(metadata, allow_nan=False, ensure_ascii=False).encode()
        if metadata is None or isinstance(metadata, dict):
            return metadata
    except (TypeError, ValueError):
        pass
    raise ValueError(
        f"`metadata` must be a dict of what JSON holds: texts, numbers, lists and dicts. Received: {metadata!r:.100}."
    )


def _first_answer(predict: Endpoint, feed: Feed, given: bool) -> Feed:
    predict.trace()
    try:
        return predict.answer(feed)
    except Exception as error:  # whatever a model of the user's own raises
        shapes = ", ".join(f"{name} {array.shape}" for name, array in feed.items())
        raise ValueError(
            f"The model must answer the {'given' if given else 'made-up'} examples, {shapes}. Received from it: "
            f"{error} Give `examples` that it takes."
        ) from error


def _check_probabilities(probabilities: np.ndarray) -> None:
    sums = probabilities.sum(axis=1)
    if not (np.abs(sums - 1).max() < 1e-2 and probabilities.min() >= 0):
        raise ValueError(
            "`labels` are for a model that gives probabilities: none is negative, and each row sums to 1. Received: "
            f"{probabilities.min():.3g} as the least, rows that sum to {sums.min():.3g} to {sums.max():.3g}. End the "
            "model with a softmax, or a single unit with a sigmoid; one that is trained becomes "
            "keras.Model(model.inputs, keras.layers.Softmax()(model.outputs[0])), or with "
            "keras.layers.Activation('sigmoid')."
        )


def _check_rows(name: str, rows: int, outputs: Feed) -> None:
    """A server hands every client the rows that belong to it."""
    for key, output in outputs.items():
        if output.shape[:1] != (rows,) or output.dtype.kind == "c":
            raise ValueError(
                f"Every output must have a row for each row of the inputs, and no complex numbers. Received: {key!r} "
                f"of {name!r}, {output.dtype} of shape {output.shape} for {rows} rows."
            )


def _with_steps(feed: Feed, specs: Sequence[tf.TensorSpec]) -> Feed:
    """The rows that have a step at least, as an Example must."""
    if not split_lengths(specs)[1]:
        return feed
    some = feed[LENGTHS] > 0
    if not some.any():
        raise ValueError("`examples_api` needs an example of one step at least. Received: lengths of 0 alone.")
    return {name: array[some] for name, array in feed.items()}


def _in_json(call: Call, answers: Feed) -> dict[str, Any]:
    name, inputs = call
    return {
        "signature_name": name,
        **{
            side: {key: json_tensors.to_json(array) for key, array in tensors.items()}
            for side, tensors in (("inputs", inputs), ("outputs", answers))
        },
    }


def _logs(model: str, endpoints: dict[str, Endpoint], calls: Sequence[Call], sizes: Sequence[int]) -> Any:
    """A warm-up request for each signature and batch size."""
    for name, inputs in dict(calls).items():
        method = endpoints[name].method.rpartition("/")[2]
        for size in sizes:
            yield prediction_log(method, model, name, rows_of(inputs, size))
