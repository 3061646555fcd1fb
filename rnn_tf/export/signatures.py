"""What a model serves: functions with named inputs and outputs, which become the signatures of a SavedModel."""

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf

from rnn_tf._keras import parts_of
from rnn_tf.export import examples

PREDICT, CLASSIFY, REGRESS = (f"tensorflow/serving/{method}" for method in ("predict", "classify", "regress"))
NEXT = "next_"  # of the state after a step: converters take no name twice
NAME = re.compile(r"[A-Za-z0-9_.][A-Za-z0-9_.-]*")
LOOKUPS = (keras.layers.TextVectorization, keras.layers.StringLookup, keras.layers.IntegerLookup)


class Endpoint(NamedTuple):
    """A function of tensors, by position, that gives a dict of tensors by name.

    Attributes:
        function: The function.
        inputs: A `tf.TensorSpec` for each of its arguments, with the name that a request gives it. The first axis is
            the batch, of any size.
        method: The method of TF Serving that the signature answers.

    Example:
    >>> import numpy as np, tensorflow as tf
    >>> from rnn_tf.export import Endpoint
    >>> half = Endpoint(lambda x: {"half": x / 2}, [tf.TensorSpec([None], tf.float32, name="x")])
    >>> half.answer({"x": np.array([1.0, 3.0])})
    {'half': array([0.5, 1.5], dtype=float32)}
    """

    function: Callable[..., dict[str, Any]]
    inputs: Sequence[tf.TensorSpec]
    method: str = PREDICT

    def compiled(self) -> "Endpoint":
        """The same as a `tf.function`: one trace, for a comparison and for a SavedModel."""
        function = tf.function(self.function, input_signature=list(self.inputs), autograph=False)
        return self._replace(function=function)

    def trace(self) -> None:
        """Trace a compiled endpoint, unless it is traced already."""
        self.function.get_concrete_function()  # type: ignore[attr-defined] # a tf.function, once compiled

    def answer(self, feed: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Outputs by name, from inputs by name."""
        outputs = self.function(*(tf.constant(feed[spec.name], spec.dtype) for spec in self.inputs))
        return {name: np.asarray(output) for name, output in outputs.items()}


class Signatures(NamedTuple):
    """What a model serves, as its method `serving_signatures` declares.

    Attributes:
        predict: Whole inputs to answers, the signature `serving_default`.
        step: One time step and the states before it to answers and the states after it. A state is zeros before the
            first step; the one after `total` is the output `next_total`. Or a string, why there is none.
        lookups: What holds a vocabulary, layers or tables of `tf.lookup`.
        name: A second name of `predict`, beside `serving_default`.
        examples: Inputs of `predict` by name, for a user who gives none. Default: something made up.

    Example: a model of one's own that says what it serves.
    >>> import keras, numpy as np, tensorflow as tf
    >>> from rnn_tf.export import Endpoint, Signatures
    >>> class Totals(keras.Model):
    ...     def call(self, x):
    ...         return tf.reduce_sum(x, axis=1)
    ...
    ...     def serving_signatures(self):
    ...         x = tf.TensorSpec([None, None], tf.float32, name="x")
    ...         return Signatures(Endpoint(lambda x: {"total": self(x)}, [x]))
    >>> Totals().serving_signatures().predict.answer({"x": np.array([[1.0, 2.0, 3.0]])})
    {'total': array([6.], dtype=float32)}
    """

    predict: Endpoint
    step: Endpoint | str = "its model declares no step"
    lookups: Sequence[Any] = ()
    name: str | None = None
    examples: dict[str, np.ndarray] | None = None


def specs_of(tensors: Any) -> dict[str, tf.TensorSpec]:
    """Dtypes and shapes by name, of the inputs or the outputs of a SignatureDef; names in their order."""
    return {name: tf.TensorSpec(tensors[name].tensor_shape, tensors[name].dtype) for name in sorted(tensors)}


def named_answers(probabilities: Any, classes: Sequence[str]) -> dict[str, Any]:
    """What an exported classifier answers: label `[batch]`, probabilities and classes `[batch, classes]`."""
    names = tf.constant(classes)
    return {
        "label": tf.gather(names, tf.argmax(probabilities, axis=-1)),
        "probabilities": probabilities,
        "classes": tf.tile(names[tf.newaxis], [tf.shape(probabilities)[0], 1]),
    }


def declared_signatures(
    model: Any, labels: Sequence[str] | None = None, input_names: Sequence[str] | None = None
) -> Signatures:
    """What the model's `serving_signatures()` declares, or what its Keras inputs and outputs say.

    Raises:
        TypeError: If it is no Keras model, or declares something else than `Signatures`.
        ValueError: If it has no weights yet, keeps a state, or does not declare its inputs, or `labels` do not fit.
    """
    if not isinstance(model, keras.Model):
        raise TypeError(f"`model` must be a keras.Model. Received: {type(model).__name__}.")
    if not model.built:
        raise ValueError(
            f"The model has no weights yet. Received: a {type(model).__name__} that was never built. Train it, or call "
            "model.build([None, timesteps, features])."
        )
    parts = parts_of(model)
    stateful = [part.name for part in parts if isinstance(part, keras.layers.RNN) and part.stateful]
    if stateful:
        raise ValueError(
            "A server shares a model between its clients, which must not find each other's states. Received: a model "
            f"whose layer {stateful[0]!r} is stateful. Make a new model with stateful=False, and give it the weights: "
            "new.set_weights(model.get_weights()). A stream carries its state itself, see `streaming`."
        )
    if hasattr(model, "serving_signatures"):
        if labels is not None:
            raise ValueError(
                f"`labels` are for Keras models of your own; {type(model).__name__} declares its answers itself. "
                f"Received: labels={list(labels)}. Leave it out."
            )
        if input_names is not None:
            raise ValueError(
                f"`input_names` are for Keras models of your own; {type(model).__name__} names its inputs itself. "
                f"Received: input_names={input_names!r}. Leave it out."
            )
        signatures = model.serving_signatures()
        if not isinstance(signatures, Signatures):
            raise TypeError(
                "`serving_signatures()` must return rnn_tf.export.Signatures. Received: "
                f"{type(signatures).__name__} from {type(model).__name__}."
            )
        return signatures
    names = None if labels is None else _label_names(labels)
    lookups = [part for part in parts if isinstance(part, LOOKUPS) and part.built]  # not those within others
    return Signatures(_keras_endpoint(model, names, input_names), lookups=lookups)


def _keras_endpoint(model: keras.Model, labels: Sequence[str] | None, input_names: Sequence[str] | None) -> Endpoint:
    declared, structure = _keras_inputs(model, input_names)

    def predict(*tensors: Any) -> dict[str, Any]:
        given = [tf.cast(one, spec.dtype) for one, spec in zip(tensors, declared, strict=True)]
        outputs = model(structure(given), training=False)
        if isinstance(outputs, (list, tuple)):
            outputs = {f"outputs_{i}": output for i, output in enumerate(outputs)}
        elif not isinstance(outputs, dict):
            outputs = {"outputs": outputs}
        odd = [name for name, one in outputs.items() if not isinstance(name, str) or not isinstance(one, tf.Tensor)]
        if odd:
            raise ValueError(
                "A model must give a tensor, a list of tensors, or a dict of tensors by name. Received: "
                f"{type(outputs[odd[0]]).__name__} under {odd[0]!r}. Return a flat dict of dense tensors."
            )
        outputs = {name: _widened(one) for name, one in outputs.items()}
        return outputs if labels is None else named_answers(_probabilities(outputs, labels), labels)

    return Endpoint(predict, [tf.TensorSpec(spec.shape, _wide(spec.dtype), spec.name) for spec in declared])


def _keras_inputs(
    model: keras.Model, input_names: Sequence[str] | None
) -> tuple[list[tf.TensorSpec], Callable[[Sequence[Any]], Any]]:
    """Specs of the inputs, and what turns tensors in their order into the structure that the model is called on."""
    # `input` of a functional model has the structure that it was made with; a Sequential has `inputs` alone.
    declared = getattr(model, "input", getattr(model, "inputs", None))
    declared = model.input_spec if declared is None else declared
    leaves = keras.tree.flatten(declared)
    by_key = isinstance(declared, dict) and not any(isinstance(one, (dict, list, tuple)) for one in declared.values())
    names: list[Any] = sorted(declared) if by_key else [getattr(leaf, "name", None) for leaf in leaves]
    if any(getattr(leaf, "shape", None) is None or leaf.dtype is None for leaf in leaves):
        raise ValueError(
            f"{type(model).__name__} does not say what it takes, and to guess would make float32 of everything. "
            "Received: a model without inputs. Begin it with keras.Input(shape, dtype=..., name=...); or set "
            "self.input_spec = keras.layers.InputSpec(dtype=..., shape=(None, ...), name=...) in its __init__, or "
            "model.input_spec of a trained one; or give it a method serving_signatures() that returns "
            "rnn_tf.export.Signatures."
        )
    if input_names is not None:
        names = _input_names(input_names, len(leaves))
    elif len(leaves) == 1 and not by_key and _made_up(names[0]):
        names = ["inputs"]
    made_up = [input_names is None and not by_key and _made_up(name) for name in names]
    unusable = [name for name, one in zip(names, made_up, strict=True) if one or not _usable(name)]
    if unusable:
        usable = [_proposed(name, i) if name in unusable else name for i, name in enumerate(names)]
        usable = [f"{name}_{i + 1}" if name in usable[:i] else name for i, name in enumerate(usable)]
        raise ValueError(
            "Every input needs a name that requests can use, of letters a-z, digits, '_', '.' and '-'. Received: "
            f"{', '.join(map(repr, unusable))}. Name them, as in keras.Input(shape, name='price'); or, for a model "
            f"that is trained, all of them in this call: input_names={usable}."
        )

    def structure(tensors: Sequence[Any]) -> Any:
        if len(tensors) == 1 and not isinstance(declared, dict):
            return tensors[0]
        return keras.tree.pack_sequence_as(declared, list(tensors))

    specs = [
        tf.TensorSpec([None, *leaf.shape[1:]], tf.as_dtype(leaf.dtype), name=name)
        for leaf, name in zip(leaves, names, strict=True)
    ]
    return specs, structure


def _usable(name: Any) -> bool:
    return isinstance(name, str) and NAME.fullmatch(name) is not None and name != "self"


def _proposed(name: str | None, place: int) -> str:
    """A usable name like this one."""
    made = re.sub(r"[^A-Za-z0-9_.-]+", "_", name or "").strip("_.-")
    return made if _usable(made) and not _made_up(made) else f"input_{place + 1}"


def _input_names(names: Any, size: int) -> list[str]:
    listed = list(names) if isinstance(names, (list, tuple)) else []
    if len(listed) != size or not all(map(_usable, listed)) or len(set(listed)) < size:
        raise ValueError(
            f"`input_names` must be a list of different names for the {size} inputs in their order, of letters a-z, "
            f"digits, '_', '.' and '-'. Received: {names!r}. Give such as {[f'input_{i + 1}' for i in range(size)]}."
        )
    return listed


def _made_up(name: str | None) -> bool:
    """Whether Keras made it up, where its user gave none."""
    return not name or re.fullmatch(r"(keras_tensor|input_layer)(_\d+)*", name) is not None


def _wide(dtype: tf.DType) -> tf.DType:
    """What clients can send and read: JSON and many clients have no half precision."""
    return tf.float32 if dtype in (tf.float16, tf.bfloat16) else dtype


def _widened(tensor: Any) -> Any:
    return tf.cast(tensor, _wide(tensor.dtype))


def _label_names(labels: Any) -> list[str]:
    names = list(labels) if isinstance(labels, Iterable) and not isinstance(labels, (str, bytes, dict, set)) else []
    names = [name.item() if isinstance(name, np.generic) else name for name in names]
    fits = all(isinstance(name, (str, int)) and not isinstance(name, bool) and name != "" for name in names)
    if not fits or len(names) < 2 or len(set(map(str, names))) < len(names):
        raise ValueError(
            "`labels` must be a list of the classes' names or numbers, in the order of the model's probabilities, at "
            f"least two, each once. Received: labels={labels!r}."
        )
    return [str(name) for name in names]


def _probabilities(outputs: dict[str, Any], labels: Sequence[str]) -> Any:
    """Class probabilities; a single one is that of the second of two labels."""
    probabilities, *others = outputs.values()
    if others or probabilities.shape.rank != 2:
        raise ValueError("`labels` are for models that give probabilities [batch, classes]. Received: other outputs.")
    if probabilities.shape[1] == 1 and len(labels) == 2:
        probabilities = tf.concat([1 - probabilities, probabilities], axis=1)
    if probabilities.shape[1] != len(labels):
        raise ValueError(
            f"`labels` must name the model's {probabilities.shape[1]} classes in their order. Received: {labels}."
        )
    return probabilities


def examples_endpoint(predict: Endpoint, answers: dict[str, np.ndarray]) -> tuple[str, Endpoint]:
    """`classify` or `regress` on serialised `tf.train.Example`s: its name and the endpoint.

    Args:
        predict: What it does with their features.
        answers: What `predict` gives for some rows.

    Raises:
        ValueError: If neither method of TF Serving fits the answers.
    """
    parse = examples.parser(predict.inputs)
    serialized = [tf.TensorSpec([None], tf.string, name="inputs")]

    def classify(inputs: Any) -> dict[str, Any]:
        outputs = predict.function(*parse(inputs))
        return {"classes": outputs["classes"], "scores": tf.cast(outputs["probabilities"], tf.float32)}

    if answers.keys() >= {"classes", "probabilities"} and answers["probabilities"].ndim == 2:
        return "classify", Endpoint(classify, serialized, CLASSIFY)

    name, *others = answers
    shape = answers[name].shape
    if others or answers[name].dtype.kind not in "fiu" or shape[1:] not in ((), (1,)):
        shapes = ", ".join(f"{name} {('batch', *array.shape[1:])}" for name, array in answers.items())
        raise ValueError(
            "`examples_api` needs one number for each example, as TF Serving's Regress answers it, or classes. "
            f"Received: a model that gives {shapes}. Export it without `examples_api`, or give `labels`."
        )

    def regress(inputs: Any) -> dict[str, Any]:
        return {"outputs": tf.reshape(tf.cast(predict.function(*parse(inputs))[name], tf.float32), [-1, 1])}

    return "regress", Endpoint(regress, serialized, REGRESS)
