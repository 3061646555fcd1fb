"""`accelerate`: the recurrent layers of a model that exists, made fast."""

import tempfile
from collections.abc import Iterator
from functools import cache
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from rnn_tf.layers import kernels
from rnn_tf.layers.rnn import RNN

REPLACED = (keras.layers.SimpleRNN, keras.layers.LSTM, keras.layers.GRU, keras.layers.RNN)
LENGTH = 32  # of an axis whose length is not known
TOLERANCES = {"float16": 1e-2, "bfloat16": 5e-2}  # a few units in the last place; for all other types 1e-5


def accelerate(model: Any, verbose: bool = True) -> Any:
    """A new model that computes what `model` computes, with `rnn_tf.RNN` for its recurrent layers.

    Each `SimpleRNN`, `LSTM`, `GRU` and `RNN` of Keras, also in `Bidirectional` and in nested models, becomes an
    `rnn_tf.RNN` of the same name, cell and arguments. Weights, `trainable`, states of stateful layers, and where the
    model was compiled its settings and the state of its optimizer are copied: training goes on where it was. Derived
    classes, and recurrent layers inside other layers, stay as they are. `model` itself is left as it was. Both models
    are then run on random inputs, and their outputs compared.

    Args:
        model: A built `keras.Sequential` or functional `keras.Model`.
        verbose: Whether to print a line for each layer that was replaced, and the largest difference.

    Returns:
        The new model. It saves to `.keras`, and loads where `rnn_tf` is imported.

    Raises:
        TypeError: If the model is a subclass of `keras.Model`, whose layers only its own code knows.
        ValueError: If the model is not built, or its compile settings cannot be copied.
        RuntimeError: If an output differs from the model's by more than 1e-5 of its largest entry; in float16 1e-2,
            in bfloat16 5e-2.

    Example:
    >>> import keras
    >>> from rnn_tf import accelerate
    >>> model = keras.Sequential([keras.Input([None, 3]), keras.layers.LSTM(8, name="encoder"), keras.layers.Dense(1)])
    >>> fast = accelerate(model)
    encoder: LSTM -> RNN(LSTMCell), kernel
    Outputs on random inputs differ by at most ... of the largest entry (allowed: 1e-05).
    >>> type(fast.get_layer("encoder")).__name__
    'RNN'
    """
    _check_model(model)
    settings = _compile_settings(model)
    changes: list[str] = []
    fast = _clone_model(model, "", {}, changes)
    if type(fast) is not type(model):
        raise TypeError(_not_a_graph(model))
    _copy(model, fast)
    values = _values(_variables(model))
    try:
        difference = _largest_difference(model, fast)
    finally:  # a call moves the states of stateful layers, and the seeds of dropout
        _assign(_variables(model), values)
        _assign(_variables(fast), values)
    tolerance = max(TOLERANCES.get(getattr(layer, "compute_dtype", ""), 1e-5) for layer in _layers(model))
    if not difference <= tolerance:  # NaN is not
        raise RuntimeError(
            f"The new model must answer what the model does, to {tolerance:g} of the largest entry. Received: outputs "
            f"that differ by {difference:.2g} on random inputs, after these changes: {'; '.join(changes) or 'none'}. "
            "Keep the model as it is; if its own outputs are finite, please report this as a defect of rnn_tf."
        )
    if settings:
        _compile(model, fast, settings)
    if verbose:
        lines = changes or ["Nothing to replace: no SimpleRNN, LSTM, GRU or RNN of Keras. The new model is a copy."]
        last = f"Outputs on random inputs differ by at most {difference:.1e} of the largest entry"
        print(*lines, f"{last} (allowed: {tolerance:g}).", sep="\n")  # noqa: T201 # what `verbose` asks for
    return fast


def _check_model(model: Any) -> None:
    if not isinstance(model, _graphs()):
        raise TypeError(_not_a_graph(model))
    if not model.built or not hasattr(model, "inputs"):
        raise ValueError(
            f"`accelerate` needs a built model, whose weights it copies. Received: {model.name}, which is not built. "
            "Start it with a keras.Input, or call it on data once."
        )


def _not_a_graph(model: Any) -> str:
    return (
        "`accelerate` takes Sequential and functional models, whose layers it can see and replace. Received: "
        f"{type(model).__name__}. In a class of your own write rnn_tf.RNN(keras.layers.LSTMCell(64), ...) where its "
        "__init__ has keras.layers.LSTM(64, ...), likewise for GRU and SimpleRNN; the weights have the same shapes."
    )


@cache
def _graphs() -> Any:
    """The classes of Sequential and functional models; the second has no public name."""
    inputs = keras.Input([1], name="any")
    return keras.Sequential, type(keras.Model(inputs, inputs, name="any"))


def _compile_settings(model: Any) -> Any:
    settings = model.get_compile_config()
    try:
        keras.saving.deserialize_keras_object(settings)
    except (TypeError, ValueError) as error:
        raise ValueError(
            "Optimizer, loss and metrics must be such that Keras can copy them. Received: settings of which it says: "
            f"{str(error).splitlines()[0]} Decorate functions and classes of your own with "
            "@keras.saving.register_keras_serializable()."
        ) from error
    return settings


def _clone_model(model: Any, prefix: str, clones: dict[int, Any], changes: list[str]) -> Any:
    """The model with new layers; a layer that occurs twice, also in two nested models, is cloned once."""

    def clone(layer: Any) -> Any:
        if id(layer) not in clones:
            clones[id(layer)] = _clone_layer(layer, prefix + layer.name, clones, changes)
        return clones[id(layer)]

    if isinstance(model, keras.Sequential):
        return keras.models.clone_model(model, clone_function=clone)
    # The inputs that clone_model makes may lack `optional` and `sparse`.
    sources = {id(layer.output): layer for layer in model.layers if isinstance(layer, keras.layers.InputLayer)}
    inputs = keras.tree.map_structure(lambda tensor: clone(sources[id(tensor)]).output, model.input)
    return keras.models.clone_model(model, input_tensors=inputs, clone_function=clone)


def _clone_layer(layer: Any, path: str, clones: dict[int, Any], changes: list[str]) -> Any:
    if type(layer) in _graphs():
        return _clone_model(layer, path + "/", clones, changes)
    if type(layer) in REPLACED:
        fast = _fast_layer(layer)
        how = "kernel" if kernels.has_kernel(fast.cell) else "chunked loop"
        changes.append(f"{path}: {type(layer).__name__} -> RNN({type(fast.cell).__name__}), {how}")
        return fast
    config = layer.get_config()
    if type(layer) is keras.layers.Bidirectional:
        for key, part in (("layer", layer.forward_layer), ("backward_layer", layer.backward_layer)):
            part = _clone_layer(part, f"{path}/{part.name}", clones, changes)
            config[key] = keras.saving.serialize_keras_object(part)
    trusted = {"safe_mode": False} if isinstance(layer, keras.layers.Lambda) else {}  # it is here already
    return type(layer).from_config(config, **trusted)


def _fast_layer(layer: Any) -> RNN:
    config = keras.layers.RNN.get_config(layer)  # without what LSTM and others pass on to their cell
    config["cell"] = type(layer.cell).from_config(layer.cell.get_config())
    return RNN(**config)


def _layers(model: Any) -> Iterator[Any]:
    """The model and its layers, also those of nested models and of Bidirectional."""
    yield model
    parts = model.layers if isinstance(model, keras.Model) else []
    if isinstance(model, keras.layers.Bidirectional):
        parts = [model.forward_layer, model.backward_layer]
    for part in parts:
        yield from _layers(part)


def _copy(model: Any, fast: Any) -> None:
    """Flags, vocabularies, and the values of all variables."""
    _assign(_variables(fast), _values(_variables(model)))
    for layer, copy in zip(_layers(model), _layers(fast), strict=True):
        if copy.trainable != layer.trainable:  # setting it sets it for all layers inside, which come later
            copy.trainable = layer.trainable
        if isinstance(layer, keras.layers.Normalization):
            copy.finalize_state()  # what it computes from its variables
        if hasattr(layer, "save_assets"):
            with tempfile.TemporaryDirectory() as folder:
                layer.save_assets(folder)
                copy.load_assets(folder)


def _variables(model: Any) -> list[Any]:
    """Weights, seeds, and the states of stateful layers."""
    recurrent = [layer for layer in _layers(model) if isinstance(layer, keras.layers.RNN) and layer.stateful]
    return [*model.variables, *(state for layer in recurrent for state in keras.tree.flatten(layer.states))]


def _values(variables: list[Any]) -> list[np.ndarray]:
    return [keras.ops.convert_to_numpy(variable) for variable in variables]


def _assign(variables: list[Any], values: list[np.ndarray]) -> None:
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)


def _largest_difference(model: Any, fast: Any) -> float:
    inputs = _random_inputs(model)
    answers = []
    for one in (model, fast):
        call = one if one.run_eagerly else tf.function(one)
        answers.append([np.asarray(output, "float64") for output in keras.tree.flatten(call(inputs, training=False))])
    return max(
        float(np.abs(expected - output).max() / (np.abs(expected).max() or 1.0))
        for expected, output in zip(*answers, strict=True)
    )


def _random_inputs(model: Any) -> Any:
    """Inputs that fit: ids that every embedding knows, words of the vocabulary; the last row padded with zeros."""
    rng, layers = np.random.default_rng(0), list(_layers(model))
    sizes = [layer.input_dim for layer in layers if isinstance(layer, keras.layers.Embedding)]
    ids = max(2, min(sizes, default=2))
    texts = [layer for layer in layers if isinstance(layer, keras.layers.TextVectorization)]
    words = [word for layer in texts for word in layer.get_vocabulary()] or ["some", "words"]

    def draw(tensor: Any) -> Any:
        shape = [size or (LENGTH if axis else 2) for axis, size in enumerate(tensor.shape)]
        if tensor.dtype == "string":
            return tf.strings.reduce_join(rng.choice(words, [*shape, 5]), -1, separator=" ")
        # Ids may come as floats: Keras's default for an input.
        whole = tensor.dtype == "bool" or "int" in tensor.dtype or (sizes and len(shape) <= 2)
        values: Any = rng.integers(1, ids, shape) if whole else rng.normal(size=shape)
        if len(shape) > 1:
            values[-1, shape[1] // 2 + 1 :] = 0
        return tf.cast(values, tensor.dtype)

    return keras.tree.map_structure(draw, model.inputs[0] if isinstance(model, keras.Sequential) else model.input)


def _compile(model: Any, fast: Any, settings: Any) -> None:
    fast.compile_from_config(settings)
    if not model.optimizer.built:
        return
    states = _values(model.optimizer.variables)
    if [state.shape for state in states] != [tuple(variable.shape) for variable in fast.optimizer.variables]:
        raise ValueError(
            "The optimizer must have been built for the weights that are trainable now. Received: a model whose "
            "`trainable` flags have changed since. Compile it again first."
        )
    _assign(fast.optimizer.variables, states)
