"""`accelerate`: the recurrent layers of a model that exists, made fast."""

import re
import tempfile
from typing import Any

import keras
import numpy as np

from rnn_tf._keras import graphs, output_shape_of
from rnn_tf.layers import kernels
from rnn_tf.layers.checks import check_cell
from rnn_tf.layers.comparison import all_layers as _layers
from rnn_tf.layers.comparison import first_answer, given_inputs, largest_difference, layers_difference, outputs
from rnn_tf.layers.plan import other_dtype
from rnn_tf.layers.rnn import RNN
from rnn_tf.layers.time_distributed import TimeDistributed, why_by_step

REPLACED = (keras.layers.SimpleRNN, keras.layers.LSTM, keras.layers.GRU, keras.layers.RNN)
TOLERANCES = {"float16": 1e-2, "bfloat16": 5e-2}  # a few units in the last place; for all other types 1e-5


def accelerate(model: Any, verbose: bool = True, examples: Any = None) -> Any:
    """A new model that computes what `model` computes, with `rnn_tf.RNN` for its recurrent layers.

    Each `SimpleRNN`, `LSTM`, `GRU` and `RNN` of Keras whose cell has a kernel, also in `Bidirectional` and in nested
    models, becomes an `rnn_tf.RNN` of the same name, cell and arguments. A `TimeDistributed` over a layer that treats
    rows independently, such as `Dense`, calls it once for all steps. Weights, `trainable`, states of stateful layers,
    and where the model was compiled its settings and the state of its optimizer are copied: training goes on where it
    was. Cells without a kernel gain nothing and stay as they are, and so do derived classes, and recurrent layers
    inside other layers. `model` itself is left as it was. Both models are then run on the same inputs, and their
    outputs compared: floats to a tolerance; strings, integers, Booleans, and where there is NaN or infinity, exactly.
    What cannot be compared is not called equal.

    Args:
        model: A built `keras.Sequential` or functional `keras.Model`.
        verbose: Whether to print a line for each layer that was replaced, or why it was not, and the largest
            difference.
        examples: Inputs to compare on, as `model.predict` takes them: an array, or a list or dict of arrays; the first
            64 rows of them. Default: random numbers, ids that the embeddings have and words of the vocabularies, and
            for axes of unknown length the first of several lengths that the model takes.

    Returns:
        The new model. It saves to `.keras`, and loads where `rnn_tf` is imported.

    Raises:
        TypeError: If the model is a subclass of `keras.Model`, whose layers only its own code knows.
        ValueError: If the model is not built, its compile settings cannot be copied, a class of yours cannot be made
            of its config, or the model does not answer the inputs.
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
    if not isinstance(verbose, (bool, np.bool_)):
        raise TypeError(
            f"`verbose` must be True or False. Received: {type(verbose).__name__}. Give inputs by name: "
            "accelerate(model, examples=x)."
        )
    _check_model(model)
    inputs = None if examples is None else given_inputs(model, examples)
    settings = _compile_settings(model)
    values = _values(_variables(model))  # a call moves the states of stateful layers, and the seeds of dropout

    def restore() -> None:
        _assign(_variables(model), values)

    inputs, expected = first_answer(model, inputs, restore)
    changes: list[str] = []
    fast = _clone_model(model, "", {}, changes)
    if type(fast) is not type(model):
        raise TypeError(_not_a_graph(model))
    _copy(model, fast)
    try:
        difference = largest_difference(expected, outputs(fast, inputs))
        restore()
        _copy_variables(model, fast)
        # A label, and what a relu cuts off, do not show whether a layer before them computes the same.
        pairs = zip(_layers(model), _layers(fast), strict=True)
        replaced = [(one, other) for one, other in pairs if type(one) is not type(other)]
        difference = max([difference, *(layers_difference(*pair) for pair in replaced)])
    finally:
        restore()
        _copy_variables(model, fast)
    tolerance = max(TOLERANCES.get(getattr(layer, "compute_dtype", ""), 1e-5) for layer in _layers(model))
    kind = "random inputs" if examples is None else "the examples"
    if not difference <= tolerance:  # NaN is not
        raise RuntimeError(
            f"The new model must answer what the model does, to {tolerance:g} of the largest entry. Received: outputs "
            f"that differ by {difference:.2g} on {kind}, of the model or a layer, after these changes: "
            f"{'; '.join(changes) or 'none'}. Keep the model as it is, and please report this as a defect of rnn_tf."
        )
    if settings:
        _compile(model, fast, settings)
    if verbose:
        lines = changes or [
            "Nothing to replace: no SimpleRNN, LSTM, GRU, RNN or TimeDistributed of Keras outside of other layers. "
            "A copy."
        ]
        last = f"Outputs on {kind} differ by at most {difference:.1e} of the largest entry"
        print(*lines, f"{last} (allowed: {tolerance:g}).", sep="\n")  # noqa: T201 # what `verbose` asks for
    return fast


def _check_model(model: Any) -> None:
    if not isinstance(model, graphs()):
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
    if type(layer) in graphs():
        return _clone_model(layer, path + "/", clones, changes)
    if type(layer) in REPLACED:
        left = _why_left(layer)
        if not left:
            changes.append(f"{path}: {type(layer).__name__} -> RNN({type(layer.cell).__name__}), kernel")
            return _fast_layer(layer)
        changes.append(f"{path}: {type(layer).__name__}({type(layer.cell).__name__}) left as it is. {left}")
        if type(layer) is keras.layers.RNN:
            return _with_cell(keras.layers.RNN, layer)
    if type(layer) is keras.layers.TimeDistributed:
        how, left = f"TimeDistributed({type(layer.layer).__name__})", why_by_step(layer.layer, training=False)
        if not left:
            by_step = why_by_step(layer.layer, training=True)
            once = f"one call for all steps, at inference: {by_step}" if by_step else "one call for all steps"
            changes.append(f"{path}: {how} -> {once}")
            inner = layer.layer
            if id(inner) not in clones:
                clones[id(inner)] = _clone_layer(inner, f"{path}/{inner.name}", clones, changes)
            return TimeDistributed(clones[id(inner)], **keras.Layer.get_config(layer))
        changes.append(f"{path}: {how} left as it is: {left}.")
    if type(layer) is keras.layers.Lambda:  # its config holds a function without the names that it uses
        return keras.layers.Lambda(
            layer.function, output_shape_of(layer), layer.mask, layer.arguments, **keras.Layer.get_config(layer)
        )
    config = layer.get_config()
    if type(layer) is keras.layers.Bidirectional:
        for key, part in (("layer", layer.forward_layer), ("backward_layer", layer.backward_layer)):
            part = _clone_layer(part, f"{path}/{part.name}", clones, changes)
            config[key] = keras.saving.serialize_keras_object(part)
    return _from_config(layer, config)


def _why_left(layer: Any) -> str:
    """Why a recurrent layer gains nothing from `rnn_tf.RNN`; empty, if a kernel runs it."""
    if not kernels.has_kernel(layer.cell):
        return kernels.why_no_kernel(layer.cell)[0]
    other = other_dtype(layer)
    return other and f"It computes in {layer.compute_dtype}, its cell in {other}."


def _fast_layer(layer: Any) -> RNN:
    fast: RNN = _with_cell(RNN, layer)
    return fast


def _with_cell(kind: Any, layer: Any) -> Any:
    """The layer made anew, as one of this kind."""
    config = keras.layers.RNN.get_config(layer)  # without what LSTM and others pass on to their cell
    config["cell"] = _from_config(layer.cell, layer.cell.get_config())
    return kind(**config)


def _from_config(layer: Any, config: Any) -> Any:
    """The layer or cell made anew; whoever wrote its class is told, if that fails."""
    name = type(layer).__name__
    try:
        made = type(layer).from_config(config)
        if hasattr(type(layer), "state_size"):  # a property, which may read what the config did not bring back
            check_cell(made)
    except Exception as error:  # a class of a user raises what it likes
        raise ValueError(
            "A layer is made anew from its config, as keras.models.load_model does. Received: one whose config does "
            f"not load: {name}.from_config(layer.get_config()) fails with {type(error).__name__}: {error}. Correct "
            f"`get_config` or `from_config` of {name}, which rnn_tf only calls."
        ) from error
    return made


def _copy(model: Any, fast: Any) -> None:
    """Flags, vocabularies, and the values of all variables."""
    _copy_variables(model, fast)
    for layer, copy in zip(_layers(model), _layers(fast), strict=True):
        if copy.trainable != layer.trainable:  # setting it sets it for all layers inside, which come later
            copy.trainable = layer.trainable
        if isinstance(layer, keras.layers.Normalization):
            copy.finalize_state()  # what it computes from its variables
        if hasattr(layer, "save_assets"):
            with tempfile.TemporaryDirectory() as folder:
                layer.save_assets(folder)
                copy.load_assets(folder)


def _copy_variables(model: Any, fast: Any) -> None:
    """By path where both have the same: what `quantize` adds comes last in a layer, and elsewhere in a new one."""
    pairs = [_variables(model), _variables(fast)]
    if sorted(map(_path, pairs[0])) == sorted(map(_path, pairs[1])):
        pairs = [sorted(variables, key=_path) for variables in pairs]
    shapes = [[(tuple(variable.shape), variable.dtype) for variable in variables] for variables in pairs]
    if shapes[0] != shapes[1]:
        raise ValueError(
            "A layer that is made of its config must have the weights of the one that is there. Received: a model "
            "with others, as after model.quantize(...) or enable_lora(...). Accelerate the model first, and change it "
            "then."
        )
    for variable, copy in zip(*pairs, strict=True):
        copy.assign(variable)


def _path(variable: Any) -> str:
    """Where a variable is, without the number that Keras counts up for each seed of a process."""
    return re.sub(r"seed_generator(_\d+)?/", "", variable.path)


def _variables(model: Any) -> list[Any]:
    """Weights, seeds, and the states of stateful layers."""
    recurrent = [layer for layer in _layers(model) if isinstance(layer, keras.layers.RNN) and layer.stateful]
    return [*model.variables, *(state for layer in recurrent for state in keras.tree.flatten(layer.states))]


def _values(variables: list[Any]) -> list[np.ndarray]:
    return [keras.ops.convert_to_numpy(variable) for variable in variables]


def _assign(variables: list[Any], values: list[np.ndarray]) -> None:
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)


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
