"""Whether two models answer the same, on inputs that are given, or made up until the model takes them."""

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

LENGTHS = (32, 8, 256, 840, 2048, 16384)  # of axes whose length is not known: what is tried, one after the other
MOST_NUMBERS = 2**22  # in an input that is made up
MOST_ROWS = 64  # of those that are given
ROWS = 4
ROWS_OF_LABELS = 16  # answers that are no floats show less of a difference each


def given_inputs(model: Any, examples: Any) -> Any:
    """The examples as tensors, in the structure that the model is called on, at most 64 rows.

    Raises:
        ValueError: If they are not what the model takes.
    """
    structure = _structure(model)
    tensors = keras.tree.flatten(structure)
    values = _by_input(structure, tensors, examples)
    if values is None:
        listed = ", ".join(f"{one.name} {tuple(one.shape)} {one.dtype}" for one in tensors)
        raise ValueError(
            f"`examples` must be inputs as model.predict takes them: {'one array' if len(tensors) == 1 else 'arrays'} "
            f"for {listed}. Received: {_described(examples)}."
        )
    inputs = [_tensor(*pair) for pair in zip(tensors, values, strict=True)]
    rows = {int(one.shape[0]) for one in inputs if one is not None}
    if len(rows) != 1 or 0 in rows:
        raise ValueError(
            f"`examples` must have a row at least, and as many rows for each input. Received: {sorted(rows)} rows."
        )
    sizes = [tensor.shape[0] for tensor in tensors if tensor.shape[0]] or [MOST_ROWS]
    return _packed(structure, [one if one is None else _first(one, min(sizes)) for one in inputs])


def first_answer(model: Any, inputs: Any, restore: Callable[[], None]) -> tuple[Any, Any]:
    """Inputs that the model takes, and what it answers.

    Args:
        model: The model.
        inputs: What `given_inputs` returned. None makes them up: the axes of unknown length grow until it runs.
        restore: Takes back what a call changes in the model.

    Raises:
        ValueError: If it takes none of them, or answers nothing that can be compared.
    """
    reason = ""
    for tried in _made_up(model) if inputs is None else [inputs]:
        try:
            answer = outputs(model, tried)
        except Exception as error:  # layers of others raise what they like: other inputs are tried, then it is told
            reason = reason or f"{type(error).__name__}: {_short(error)}"
        else:
            empty = [name for name, one in _leaves(answer) if not _comparable(one)]
            if not empty:
                return tried, answer
            reason = f"nothing that can be compared in {', '.join(empty)}: no entries, or none that is finite"
        finally:
            restore()
    if inputs is not None:
        raise ValueError(
            f"The model must answer the `examples`. Received from it: {reason}. Give inputs that it takes."
        )
    raise ValueError(
        "`accelerate` compares the new model with yours, on made-up inputs, and yours does not answer them. Received "
        f"from it: {reason}. Give inputs that it takes, such as those of the training: "
        "accelerate(model, examples=x), with x as in model.predict(x)."
    )


def outputs(model: Any, inputs: Any) -> Any:
    """What the model answers."""
    return (model if model.run_eagerly else tf.function(model))(inputs, training=False)


def largest_difference(expected: Any, answer: Any) -> float:
    """The largest difference of two answers, in parts of the largest entry of an output.

    It is infinite where they differ in anything but finite floats: in the names of the outputs, in shapes, in where
    there is NaN or infinity, and in integers, Booleans and strings, of which all must be the same.
    """
    ours, theirs = list(_leaves(answer)), list(_leaves(expected))
    if [name for name, _ in ours] != [name for name, _ in theirs]:
        return float("inf")
    return max(_difference(one, other) for (_, one), (_, other) in zip(theirs, ours, strict=True))


def layers_difference(layer: Any, fast: Any) -> float:
    """The largest difference of what two layers answer to random sequences, in parts of the largest entry."""
    if isinstance(layer, keras.layers.TimeDistributed):
        return _steps_difference(layer, fast)
    cell = layer.cell.cells[0] if isinstance(layer.cell, keras.layers.StackedRNNCells) else layer.cell
    rows = tf.nest.flatten(layer.states)[0].shape[0] if layer.stateful else ROWS
    kernel = getattr(cell, "kernel", None)
    if kernel is None or len(kernel.shape) != 2:
        return 0.0  # a cell of one's own, of which only the model knows what it takes
    sequences = np.random.default_rng(0).normal(size=[rows, LENGTHS[1], kernel.shape[0]])
    mask = np.arange(LENGTHS[1]) < LENGTHS[1] - np.arange(rows)[:, None] % 2  # [rows, steps]: some are shorter
    # Keras zeroes other outputs than the masked ones where it unrolls backwards.
    masks = [None] if layer.unroll and layer.go_backwards and layer.zero_output_for_mask else [None, mask]
    return max(largest_difference(*(one(sequences, mask=by) for one in (layer, fast))) for by in masks)


def _steps_difference(layer: Any, fast: Any) -> float:
    """Likewise of two TimeDistributed layers, on few steps: Keras calls the inner layer at each."""
    _, _, *sizes = layer.get_build_config()["input_shape"]
    if None in sizes:
        return 0.0  # of which only the model knows what it takes
    # Whole numbers, which an Embedding takes, too.
    values = np.random.default_rng(0).integers(0, 2, [ROWS, 3, *sizes]).astype("float32")
    return largest_difference(*(one(values) for one in (layer, fast)))


def _difference(expected: Any, answer: Any) -> float:
    if expected.dtype != answer.dtype or expected.shape != answer.shape:
        return float("inf")
    wanted, got = _array(expected), _array(answer)
    if wanted.dtype.kind not in "fc":
        return 0.0 if np.array_equal(wanted, got) else float("inf")
    finite = np.isfinite(wanted)
    if not np.array_equal(finite, np.isfinite(got)) or not np.array_equal(
        wanted[~finite], got[~finite], equal_nan=True
    ):
        return float("inf")
    return float(np.abs(wanted[finite] - got[finite]).max(initial=0) / (np.abs(wanted[finite]).max(initial=0) or 1.0))


def _comparable(tensor: Any) -> bool:
    array = _array(tensor)
    return bool(array.size and (array.dtype.kind not in "fc" or np.isfinite(array).any()))


def _array(tensor: Any) -> np.ndarray:
    """The tensor as NumPy; floats as float64, which bfloat16 and others are exact in."""
    array: np.ndarray = tensor.numpy()
    return array.astype(np.float64) if tensor.dtype.is_floating else array


def _leaves(answer: Any) -> Iterator[tuple[str, Any]]:
    """The dense tensors of an answer by where they are in it; a ragged one is made of its values and its lengths."""
    for path, leaf in keras.tree.flatten_with_path(answer):
        for i, one in enumerate(tf.nest.flatten(leaf, expand_composites=True)):
            if one is not None:
                yield "/".join(map(str, (*path, i))), tf.convert_to_tensor(one)


def _structure(model: Any) -> Any:
    return model.inputs[0] if isinstance(model, keras.Sequential) else model.input


def _packed(structure: Any, tensors: Sequence[Any]) -> Any:
    return keras.tree.pack_sequence_as(structure, list(tensors))


def _by_input(structure: Any, tensors: Sequence[Any], examples: Any) -> list[Any] | None:
    """A value for each input in their order; None, if the examples are of another structure."""
    if isinstance(examples, dict):
        keys = sorted(structure) if isinstance(structure, dict) else [tensor.name for tensor in tensors]
        return [examples[key] for key in keys] if set(keys) == set(examples) and len(keys) == len(tensors) else None
    if isinstance(structure, dict):
        return None
    if not isinstance(structure, (list, tuple)):
        return [examples]
    if len(tensors) == 1 and not isinstance(examples, (list, tuple)):
        return [examples]
    try:
        keras.tree.assert_same_structure(list(structure), [None] * len(examples))
    except (TypeError, ValueError):
        return None
    return list(examples)


def _tensor(tensor: Any, value: Any) -> Any:
    """The value as a tensor of the input's type and rank."""
    if value is None or isinstance(value, (tf.RaggedTensor, tf.SparseTensor)):
        return value
    try:
        if tensor.dtype == "string":
            array = np.asarray(value, object)
            made = tf.constant([tf.compat.as_bytes(text) for text in array.ravel()], tf.string, array.shape)
        else:
            array = np.asarray(value)
            if array.dtype.kind not in "fiubV":  # V: bfloat16
                raise ValueError
            made = tf.cast(array, tensor.dtype)
            if not made.dtype.is_floating and not np.array_equal(made.numpy(), array):
                raise ValueError  # a number that the type does not have
    except (TypeError, ValueError):
        raise ValueError(
            f"`examples` for the input {tensor.name!r} must be an array of {tensor.dtype}. Received: "
            f"{_described(value)}."
        ) from None
    if made.shape.rank + 1 == len(tensor.shape) and tensor.shape[-1] == 1:
        made = made[..., tf.newaxis]  # as Keras does
    if not tf.TensorShape([None, *tensor.shape[1:]]).is_compatible_with(made.shape) or (
        tensor.shape[0] and made.shape[0] < tensor.shape[0]
    ):
        raise ValueError(
            f"`examples` for the input {tensor.name!r} must have shape {tuple(tensor.shape)}. Received: shape "
            f"{tuple(array.shape)}."
        )
    return made


def _first(tensor: Any, rows: int) -> Any:
    if isinstance(tensor, tf.SparseTensor):
        return tf.sparse.slice(tensor, [0] * len(tensor.shape), [rows, *tensor.shape[1:]])
    return tensor[:rows]


def _described(value: Any) -> str:
    if isinstance(value, dict):
        return f"a dict of {sorted(map(str, value))}"
    if isinstance(value, (list, tuple)):
        return f"a {type(value).__name__} of {len(value)}"
    return f"{type(value).__name__} of shape {tuple(value.shape)}" if hasattr(value, "shape") else type(value).__name__


def _made_up(model: Any) -> Iterator[Any]:
    """Random inputs that fit, of one length of the open axes after the other."""
    structure = _structure(model)
    tensors = keras.tree.flatten(structure)
    open_axes = any(size is None for tensor in tensors for size in tensor.shape[1:])
    labels = not any("float" in tensor.dtype for tensor in model.outputs)
    rows = ROWS_OF_LABELS if labels else ROWS
    for length in LENGTHS if open_axes else LENGTHS[:1]:
        shapes = [[tensor.shape[0] or rows, *(size or length for size in tensor.shape[1:])] for tensor in tensors]
        if length == LENGTHS[0] or max(np.prod(shape) for shape in shapes) <= MOST_NUMBERS:
            rng = np.random.default_rng(0)
            drawn = [_draw(model, tensor, shape, rng) for tensor, shape in zip(tensors, shapes, strict=True)]
            yield _packed(structure, drawn)


def _draw(model: Any, tensor: Any, shape: Sequence[int], rng: np.random.Generator) -> Any:
    """Ids that the layers know, words and numbers of their vocabularies; the last row padded with zeros."""
    layers = list(all_layers(model))
    readers = [layer for layer in layers if _reads(layer, tensor)] or layers
    if tensor.dtype == "string":
        lookups = (keras.layers.TextVectorization, keras.layers.StringLookup)
        words = _vocabulary(readers, lookups) or ["some", "words"]
        texts = any(isinstance(layer, keras.layers.TextVectorization) for layer in readers)
        drawn = rng.choice(words, [*shape, 5 if texts else 1])
        return tf.strings.reduce_join(drawn, -1, separator=" ")
    known = _vocabulary(readers, keras.layers.IntegerLookup)
    sizes = [layer.input_dim for layer in readers if isinstance(layer, keras.layers.Embedding)]
    sizes += [layer.num_tokens for layer in readers if isinstance(layer, keras.layers.CategoryEncoding)]
    # Ids may come as floats: Keras's default for an input.
    whole = tensor.dtype == "bool" or "int" in tensor.dtype or (sizes and len(shape) <= 2)
    if known:
        return tf.cast(rng.choice(known, shape), tensor.dtype)
    values: Any = rng.integers(1, max(2, min(sizes, default=2)), shape) if whole else rng.normal(size=shape)
    if len(shape) > 1:
        values[-1, shape[1] // 2 + 1 :] = 0
    return tf.cast(values, tensor.dtype)


def _vocabulary(layers: Sequence[Any], kinds: Any) -> list[Any]:
    lookups = [layer for layer in layers if isinstance(layer, kinds)]
    special = {"", "[UNK]", -1}
    return [word for layer in lookups for word in layer.get_vocabulary() if word not in special]


def _reads(layer: Any, tensor: Any) -> bool:
    """Whether the layer is called on this input itself, which one that is called twice cannot tell."""
    try:
        return any(one is tensor for one in keras.tree.flatten(layer.input))
    except (AttributeError, ValueError):
        return False


def all_layers(model: Any) -> Iterator[Any]:
    """The model and its layers, also those of nested models and of Bidirectional."""
    yield model
    parts = model.layers if isinstance(model, keras.Model) else []
    if isinstance(model, keras.layers.Bidirectional):
        parts = [model.forward_layer, model.backward_layer]
    for part in parts:
        yield from all_layers(part)


def _short(error: Exception) -> str:
    """What an error of Keras or TensorFlow says, without where in their code it was said."""
    text = re.sub(r"\x1b\[\d*m|\{\{function_node \S+\}\}|\[\[.*\]\]|\[Op:.*\]", "", str(error))
    text = text.partition("Arguments received by")[0]
    text = re.split(r'File ".*", line \d+, in .*', text)[-1]  # the last part of a traceback
    _, said_by, after = text.rpartition("Exception encountered when calling ")
    return " ".join(f"{after if said_by else text}".split())[:400].rstrip(". ")
