"""`TimeDistributed` in one call: the steps of all sequences are the rows of one batch."""

import inspect
from collections.abc import Iterator
from typing import Any

import keras
import tensorflow as tf

from rnn_tf import _keras


def _kinds(names: str) -> frozenset[type]:
    """The layers of Keras of these names, as far as this version has them."""
    return frozenset(getattr(keras.layers, name) for name in names.split() if hasattr(keras.layers, name))


# Each row of what they give depends on that row of what they take, and on nothing else.
BY_ROW = _kinds(
    """
    Activation ELU LeakyReLU PReLU ReLU Softmax
    Dense Embedding Flatten InputLayer Permute RepeatVector Rescaling Reshape
    GroupNormalization LayerNormalization RMSNormalization UnitNormalization
    Add Average Concatenate Maximum Minimum Multiply Subtract
    Conv1D Conv2D Conv3D DepthwiseConv1D DepthwiseConv2D SeparableConv1D SeparableConv2D
    AveragePooling1D AveragePooling2D AveragePooling3D MaxPooling1D MaxPooling2D MaxPooling3D
    GlobalAveragePooling1D GlobalAveragePooling2D GlobalAveragePooling3D
    GlobalMaxPooling1D GlobalMaxPooling2D GlobalMaxPooling3D
    Cropping1D Cropping2D Cropping3D UpSampling1D UpSampling2D UpSampling3D ZeroPadding1D ZeroPadding2D ZeroPadding3D
    """
)
# So do these at inference. In training they draw numbers, or look at the whole batch, and at every step anew.
BY_ROW_AT_INFERENCE = _kinds(
    """
    AlphaDropout BatchNormalization Dropout GaussianDropout GaussianNoise
    SpatialDropout1D SpatialDropout2D SpatialDropout3D
    """
)


@keras.saving.register_keras_serializable(package="rnn_tf")
class TimeDistributed(keras.layers.TimeDistributed):
    """`keras.layers.TimeDistributed`, which calls its layer once: same arguments, weights, answers and gradients.

        y_t = layer(x_t),   t = 1, ..., T

    Keras calls the layer once a step where their number is known, and the gradient of each call is as large as the
    sequence. Here `[batch, timesteps, ...]` becomes `[batch * timesteps, ...]` for one call, if the layer is one that
    treats rows independently: see `why_by_step` for others, which run as in Keras.

    Args:
        layer: A Keras layer, or a model, that takes `[batch, ...]`.
        **kwargs: Those of `keras.layers.TimeDistributed`: `name`, `dtype`.

    Call arguments:
        inputs: Tensor `[batch, timesteps, ...]`.
        training: Passed to the layer.
        mask: Boolean tensor `[batch, timesteps, ...]`. A layer that reads masks gets that of its step, as in Keras.

    Returns:
        `[batch, timesteps, ...]`.

    Raises:
        ValueError: If `layer` is no Keras layer, or the inputs have less than three axes.

    Example:
    >>> import keras, numpy as np
    >>> from rnn_tf.layers.time_distributed import TimeDistributed
    >>> TimeDistributed(keras.layers.Dense(5))(np.zeros([2, 100, 3], "float32")).shape
    TensorShape([2, 100, 5])
    """

    def call(self, inputs: Any, training: Any = None, mask: Any = None) -> Any:
        """The layer at all steps: see the class."""
        if why_by_step(self.layer, bool(training)) or (mask is not None and _reads_masks(self.layer)):
            return super().call(inputs, training=training, mask=mask)
        rows = _reshaped(inputs, [None], inputs, 2)  # [batch * time, ...]
        arguments = {"training": training} if _keras.takes_training(self.layer) else {}
        outputs = self.layer.call(rows, **arguments)  # as Keras: not __call__, which also adds losses
        return _reshaped(outputs, _sizes(inputs)[:2], outputs, 1)


def why_by_step(layer: Any, training: bool) -> str:
    """Why a layer must be called step by step; empty, if one call on the steps of all sequences gives the same.

    Example:
    >>> import keras
    >>> from rnn_tf.layers.time_distributed import why_by_step
    >>> why_by_step(keras.layers.Dense(5), training=True)
    ''
    >>> why_by_step(keras.layers.Dropout(0.5), training=True)
    'in training Dropout depends on the step'
    """
    for part in _parts(layer):
        name = type(part).__name__
        if type(part) in BY_ROW_AT_INFERENCE:
            frozen = type(part) is keras.layers.BatchNormalization and not part.trainable
            if training and not frozen:
                return f"in training {name} depends on the step"
        elif type(part) not in BY_ROW:
            return f"{name} is not known to treat rows independently"
        activation = getattr(part, "activation", None)
        if activation is not None and getattr(keras.activations, getattr(activation, "__name__", ""), 0) != activation:
            return f"the activation of {name} is not one of Keras's"
        axes = tf.nest.flatten(getattr(part, "axis", -1))
        if 0 in axes or not all(isinstance(axis, int) and axis >= -1 for axis in axes):
            return f"{name} works over the axis {axes[0]}"
        if getattr(part, "activity_regularizer", None) is not None:
            return f"{name} has an activity regularizer"
        if getattr(part, "quantization_mode", None) is not None:
            return f"{name} is quantized"
    return ""


def _parts(layer: Any) -> Iterator[Any]:
    """The layer; of a Sequential or functional model all operations in it."""
    if type(layer) in _keras.graphs():
        for part in layer.layers if isinstance(layer, keras.Sequential) else layer.operations:
            yield from _parts(part)
    else:
        yield layer


def _reads_masks(layer: Any) -> bool:
    return any("mask" in inspect.signature(part.call).parameters for part in _parts(layer))


def _sizes(tensor: Any) -> list[Any]:
    """The sizes of a tensor's axes: numbers where they are known, else tensors."""
    return [tf.shape(tensor)[axis] if size is None else size for axis, size in enumerate(tensor.shape)]


def _reshaped(tensor: Any, first: list[Any], like: Any, axis: int) -> Any:
    """The tensor with other first axes, None for what is left over, and the axes of `like` from `axis` on."""
    return tf.reshape(tensor, [-1 if size is None else size for size in first] + _sizes(like)[axis:])
