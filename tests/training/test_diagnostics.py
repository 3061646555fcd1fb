import keras
import numpy as np
import pytest
import tensorflow as tf

from rnn_tf import ElmanCell
from rnn_tf.training import gradient_norms

X = np.random.default_rng(3).normal(size=[5, 7, 2])


def test_of_an_elman_cell_are_those_of_the_equation():
    cell = ElmanCell(4)
    cell.build([None, 2])
    kernel, recurrent_kernel, b = (weight.numpy() for weight in (cell.kernel, cell.recurrent_kernel, cell.bias))
    h = [np.zeros([5, 4])]
    for t in range(7):
        h.append(np.tanh(X[:, t] @ kernel + h[-1] @ recurrent_kernel + b))
    gradients = [2 * h[7]]  # of the sum of squares
    for t in range(7, 1, -1):
        gradients.insert(0, gradients[0] * (1 - h[t] ** 2) @ recurrent_kernel.T)
    norms = gradient_norms(cell, X, lambda output: tf.reduce_sum(output**2))
    np.testing.assert_allclose(norms, [np.linalg.norm(one, axis=1).mean() for one in gradients], rtol=1e-4)


def test_of_an_lstm_are_those_of_its_memory():
    # Without weights f = sigmoid(0) = 1/2 is all that the way back through c has.
    cell = keras.layers.LSTMCell(3, kernel_initializer="zeros", recurrent_initializer="zeros", unit_forget_bias=False)
    norms = gradient_norms(cell, X, tf.reduce_sum)
    np.testing.assert_allclose(norms[:-1] / norms[1:], 0.5)


@pytest.mark.parametrize("trainable", [True, False])
def test_a_frozen_cell_and_half_precision(trainable):
    cell = ElmanCell(4, dtype="mixed_float16", seed=0)
    cell.trainable = trainable
    norms = gradient_norms(cell, X, tf.reduce_sum)
    assert norms.shape == (7,)
    assert (norms > 0).all()


def test_inputs_are_checked():
    with pytest.raises(ValueError, match=r"takes sequences of shape \[batch, timesteps, features\]"):
        gradient_norms(ElmanCell(4), X[0], tf.reduce_sum)
