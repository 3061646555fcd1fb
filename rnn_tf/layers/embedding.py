"""A table of vectors, whose optimizer sees each row once."""

from typing import Any

import keras
import tensorflow as tf

from rnn_tf.scans.gradients import with_gradient


@keras.saving.register_keras_serializable(package="rnn_tf")
class Embedding(keras.layers.Embedding):
    """`keras.layers.Embedding`, with the right gradient for ids that occur several times in a batch.

        x_t = E[id_t],   dL/dE[i] = sum of dL/dx_t over all t with id_t = i

    TensorFlow's gradient of a lookup lists a row once for each time that its id occurs, and leaves the sum to whoever
    reads it. The optimizers of Keras 3 on TensorFlow square before they add: Adam, AdamW, Nadam, RMSprop, Adagrad,
    Adadelta and Ftrl then divide by the root of the sum of squares, not by the root of the square of the sum. A row
    that occurs 16 times moves 0.40 instead of 0.10 in Adam's first step at a learning rate of 0.1. Here the gradient
    brings each row once, with its sum.

    The lookup also reads the wanted rows alone. `keras.layers.Embedding` reads the whole table; that copies it at each
    call, once SGD, RMSprop, Adagrad, Adadelta or Adafactor has made a step.

    Under `tf.distribute.MirroredStrategy` a row comes once from each replica.

    Args:
        input_dim: Positive integer, how many rows the table has.
        output_dim: Positive integer, the length of a vector.
        **kwargs: Those of `keras.layers.Embedding`. With `lora_rank`, or quantized, it does what Keras's does.

    Call arguments:
        inputs: Integers, of any shape.

    Returns:
        Vectors, with an axis `[output_dim]` more than the inputs.

    Example:
    >>> import keras
    >>> import tensorflow as tf
    >>> from rnn_tf.layers import Embedding
    >>> layer = Embedding(5, 2, embeddings_initializer="ones")
    >>> with tf.GradientTape() as tape:
    ...     loss = tf.reduce_sum(layer(tf.constant([3, 1, 3])))
    >>> gradient = tape.gradient(loss, layer.trainable_variables[0].value)
    >>> gradient.indices.numpy().tolist(), gradient.values.numpy().tolist()
    ([3, 1], [[2.0, 2.0], [1.0, 1.0]])
    """

    def call(self, inputs: Any) -> Any:
        """The rows of the table that the ids name."""
        if self.lora_enabled:
            return super().call(inputs)
        ids = inputs if inputs.dtype in ("int32", "int64") else keras.ops.cast(inputs, "int32")
        return keras.ops.cast(_rows(self.embeddings.value, ids), self.compute_dtype)

    def quantize(self, mode: str | None = None, type_check: bool = True, **kwargs: Any) -> None:
        """As `keras.layers.Embedding`, which else refuses its subclasses."""
        super().quantize(mode, type_check=False, **kwargs)


def _rows(table: Any, ids: Any) -> Any:
    # The gradient of `tf.gather` from a variable lists the rows that were read, here each of them once.
    # `tf.custom_gradient` round that lookup would read the whole table, in graphs.
    distinct, places = tf.unique(tf.reshape(ids, [-1]))
    vectors = spread(tf.gather(table, distinct), places)
    return tf.reshape(vectors, tf.concat([tf.shape(ids), [table.shape[1]]], axis=0))


def spread(rows: Any, places: Any) -> Any:
    """`rows[places]`, whose gradient is dense: the sum over all places of a row."""

    def gathered(rows: Any, places: Any) -> Any:
        def gradient(upstream: Any) -> Any:
            return tf.math.unsorted_segment_sum(upstream, places, tf.shape(rows)[0]), None

        return tf.gather(rows, places), gradient

    return with_gradient(gathered)(rows, places)
