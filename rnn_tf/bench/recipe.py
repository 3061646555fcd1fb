"""What ours are timed against: the usual Keras recipe for a network of words, and the same network in PyTorch."""

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


def in_pytorch(weights: Sequence[np.ndarray], layers: int, optimizer: Any, bidirectional: bool = False) -> Any:
    """Vectors, LSTM layers of one size and a dense layer of PyTorch, with weights of Keras's; and its Adam.

    Args:
        weights: The table of vectors; of each layer and direction kernel, recurrent kernel and bias; kernel and bias.
        layers: How many.
        optimizer: Keras's Adam, whose settings are taken.
        bidirectional: Whether the layers read both ways.
    """
    import torch

    vectors, *kernels, kernel, bias = weights
    units = kernels[1].shape[0]
    embedding = torch.nn.Embedding(*vectors.shape)
    lstm = torch.nn.LSTM(vectors.shape[1], units, num_layers=layers, bidirectional=bidirectional, batch_first=True)
    dense = torch.nn.Linear(*kernel.shape)
    values = []  # beside each bias PyTorch has another
    for one, recurrent, one_bias in zip(kernels[::3], kernels[1::3], kernels[2::3], strict=True):
        values += [one.T, recurrent.T, one_bias, np.zeros_like(one_bias)]
    parameters = [*embedding.parameters(), *lstm.parameters(), *dense.parameters()]
    with torch.no_grad():
        for parameter, value in zip(parameters, [vectors, *values, kernel.T, bias], strict=True):
            parameter.copy_(torch.tensor(value))
    for name, parameter in lstm.named_parameters():
        parameter.requires_grad_(not name.startswith("bias_hh"))
    trained = [one for one in parameters if one.requires_grad]
    rate = float(keras.ops.convert_to_numpy(optimizer.learning_rate))
    return embedding, lstm, dense, torch.optim.Adam(trained, lr=rate, eps=optimizer.epsilon)
