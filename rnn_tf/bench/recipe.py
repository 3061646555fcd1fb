"""The usual Keras recipe for a network of words, which ours are timed against."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np


def recipe(
    model: Any, embedding_size: int, units: Sequence[int], answers: int, optimizer: Any, at_every_step: bool = False
) -> keras.Model:
    """The network of `model`, which reads ids of words, as one writes it with Keras's layers.

    Args:
        model: Ours, built, with a vocabulary.
        embedding_size: Length of a word's vector.
        units: Of each LSTM layer, in each direction.
        answers: Classes or tags.
        optimizer: As `compile` takes it.
        at_every_step: Whether every word has an answer, rather than the whole sequence.

    Raises:
        RuntimeError: If the two networks are not of the same shape.
    """
    layers = keras.layers
    peer = keras.Sequential([keras.Input([None], dtype="int32")])
    peer.add(layers.Embedding(len(model.field_in.vocabulary) + 2, embedding_size, mask_zero=True))
    for number, size in enumerate(units, 1):
        peer.add(layers.Bidirectional(layers.LSTM(size, return_sequences=at_every_step or number < len(units))))
    peer.add(layers.Dense(answers, activation="softmax"))
    if peer.count_params() != sum(int(np.prod(weight.shape)) for weight in model.trainable_variables):
        raise RuntimeError("The two networks are not of the same shape.")
    peer.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"])
    return peer
