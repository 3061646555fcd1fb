"""What a model serves: functions with named inputs and outputs, which become the signatures of a SavedModel."""

import re
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf

from rnn_tf.serving import examples

PREDICT, CLASSIFY, REGRESS = (f"tensorflow/serving/{method}" for method in ("predict", "classify", "regress"))
LOOKUPS = (keras.layers.TextVectorization, keras.layers.StringLookup, keras.layers.IntegerLookup)


class Endpoint(NamedTuple):
    """A function of tensors, by position, that gives a dict of tensors by name.

    Attributes:
        function: The function.
        inputs: A `tf.TensorSpec` for each of its arguments, with the name that a request gives it. The first axis is
            the batch, of any size.
        method: The method of TF Serving that the signature answers.
    """

    function: Callable[..., dict[str, Any]]
    inputs: Sequence[tf.TensorSpec]
    method: str = PREDICT

    def answer(self, feed: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Outputs by name, from inputs by name."""
        outputs = self.function(*(tf.constant(feed[spec.name], spec.dtype) for spec in self.inputs))
        return {name: np.asarray(output) for name, output in outputs.items()}


class Signatures(NamedTuple):
    """What a model serves, as its method `serving_signatures` declares.

    Attributes:
        predict: Whole inputs to answers, the signature `serving_default`.
        step: One time step and the states before it to answers and the states after it, for streams: its states have
            the same names among the inputs and the outputs, and are zeros before the first step. Or a string, why
            there is none.
        lookups: The layers that hold a vocabulary.
    """

    predict: Endpoint
    step: Endpoint | str = "its model declares no step"
    lookups: Sequence[keras.layers.Layer] = ()


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


def declared_signatures(model: Any, labels: Sequence[str] | None = None) -> Signatures:
    """What the model's `serving_signatures()` declares, or what its Keras inputs and outputs say.

    Raises:
        TypeError: If it is no Keras model.
        ValueError: If it has no weights yet or does not declare its inputs, or `labels` do not fit.
    """
    if not isinstance(model, keras.Model):
        raise TypeError(f"`model` must be a keras.Model. Received: {type(model).__name__}.")
    if not model.built:
        raise ValueError(
            f"The model has no weights yet. Received: a {type(model).__name__} that was never built. Train it, or call "
            "model.build([None, timesteps, features])."
        )
    if hasattr(model, "serving_signatures"):
        if labels is not None:
            raise ValueError(
                f"`labels` are for Keras models of your own; {type(model).__name__} declares its answers itself. "
                f"Received: labels={list(labels)}."
            )
        return model.serving_signatures()
    return Signatures(_keras_endpoint(model, labels), lookups=_lookups(model))


def _keras_endpoint(model: keras.Model, labels: Sequence[str] | None) -> Endpoint:
    specs, structure = _keras_inputs(model)

    def predict(*tensors: Any) -> dict[str, Any]:
        outputs = model(structure(tensors), training=False)
        if labels is not None:
            return named_answers(_probabilities(outputs, labels), labels)
        if isinstance(outputs, dict):
            return outputs
        if not isinstance(outputs, (list, tuple)):
            return {"outputs": outputs}
        return {f"outputs_{i}": output for i, output in enumerate(outputs)}

    return Endpoint(predict, specs)


def _keras_inputs(model: keras.Model) -> tuple[list[tf.TensorSpec], Callable[[Sequence[Any]], Any]]:
    """Specs of the inputs, and what turns tensors in their order into the structure that the model is called on."""
    # `input` of a functional model has the structure that it was made with; a Sequential has `inputs` alone.
    declared = getattr(model, "input", getattr(model, "inputs", None))
    declared = model.input_spec if declared is None else declared
    if isinstance(declared, dict):
        names, leaves = list(declared), list(declared.values())
    else:
        leaves = list(declared) if isinstance(declared, (list, tuple)) else [declared]
        names = [getattr(leaf, "name", None) for leaf in leaves]
        if len(leaves) == 1 and _made_up(names[0]):
            names = ["inputs"]
    if any(getattr(leaf, "shape", None) is None or leaf.dtype is None for leaf in leaves):
        raise ValueError(
            f"{type(model).__name__} does not say what it takes, and to guess would make float32 of everything. "
            "Received: a model without inputs. Begin it with keras.Input(shape, dtype=..., name=...); or set "
            "self.input_spec = keras.layers.InputSpec(dtype=..., shape=(None, ...), name=...) in its __init__; or give "
            "it a method serving_signatures() that returns rnn_tf.serving.Signatures."
        )
    nameless = [name for name in names if _made_up(name)]
    if nameless:
        raise ValueError(
            "Every input needs a name that requests can use. Received: a model of several inputs, where Keras made up "
            f"{nameless}. Name them, as in keras.Input(shape, name='price')."
        )

    def structure(tensors: Sequence[Any]) -> Any:
        if isinstance(declared, dict):
            return dict(zip(names, tensors, strict=True))
        return list(tensors) if len(tensors) > 1 else tensors[0]

    specs = [
        tf.TensorSpec([None, *leaf.shape[1:]], tf.as_dtype(leaf.dtype), name=name)
        for leaf, name in zip(leaves, names, strict=True)
    ]
    return specs, structure


def _made_up(name: str | None) -> bool:
    return not name or re.fullmatch(r"(keras_tensor|input_layer|input|args)(_\d+)*", name) is not None


def _lookups(model: Any) -> list[keras.layers.Layer]:
    found = []
    for layer in getattr(model, "layers", []):
        found += [layer] if isinstance(layer, LOOKUPS) else _lookups(layer)
    return found


def _probabilities(outputs: Any, labels: Sequence[str]) -> Any:
    """Class probabilities; a single one is that of the second of two labels."""
    if not tf.is_tensor(outputs) or outputs.shape.rank != 2:
        raise ValueError("`labels` are for models that give probabilities [batch, classes]. Received: other outputs.")
    if outputs.shape[1] == 1 and len(labels) == 2:
        outputs = tf.concat([1 - outputs, outputs], axis=1)
    if outputs.shape[1] != len(labels):
        raise ValueError(
            f"`labels` must name the model's {outputs.shape[1]} classes in their order. Received: {list(labels)}."
        )
    return outputs


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

    if answers.keys() >= {"classes", "probabilities"}:
        return "classify", Endpoint(classify, serialized, CLASSIFY)

    name, *others = answers
    shape = answers[name].shape
    if others or answers[name].dtype.kind != "f" or shape[1:] not in ((), (1,)):
        shapes = ", ".join(f"{name} {('batch', *array.shape[1:])}" for name, array in answers.items())
        raise ValueError(
            "`examples_api` needs one number for each example, as TF Serving's Regress answers it, or classes. "
            f"Received: a model that gives {shapes}. Export it without `examples_api`, or give `labels`."
        )

    def regress(inputs: Any) -> dict[str, Any]:
        return {"outputs": tf.reshape(tf.cast(predict.function(*parse(inputs))[name], tf.float32), [-1, 1])}

    return "regress", Endpoint(regress, serialized, REGRESS)
