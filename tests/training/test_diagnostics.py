import keras
import numpy as np
import pytest
import tensorflow as tf

from rnn_tf import ElmanCell
from rnn_tf.training import gradient_reach

rng = np.random.default_rng(3)
X, Y = rng.normal(size=[5, 7, 2]), rng.normal(size=[5, 1])


@pytest.mark.parametrize("trainable", [True, False])
def test_of_an_elman_cell_is_that_of_the_equation(trainable):
    cell, head = ElmanCell(4), keras.layers.Dense(1)
    cell.build([None, 2])
    head.build([None, 4])
    cell.trainable = trainable
    kernel, recurrent_kernel, b = (weight.numpy() for weight in (cell.kernel, cell.recurrent_kernel, cell.bias))
    h = [np.zeros([5, 4])]
    for t in range(7):
        h.append(np.tanh(X[:, t] @ kernel + h[-1] @ recurrent_kernel + b))
    gradients = [(h[7] @ head.kernel.numpy() - Y) @ head.kernel.numpy().T]  # times 2 / 5
    for t in range(7, 1, -1):
        gradients.insert(0, gradients[0] * (1 - h[t] ** 2) @ recurrent_kernel.T)
    norms = np.array([np.linalg.norm(one, axis=1).mean() for one in gradients])
    np.testing.assert_allclose(gradient_reach(cell, head, X, Y), norms / norms[-1], rtol=1e-4)


def test_of_an_lstm_is_that_of_its_memory():
    # Without weights f = sigmoid(0) = 1/2 is all that the way back through c has.
    cell = keras.layers.LSTMCell(3, kernel_initializer="zeros", recurrent_initializer="zeros", unit_forget_bias=False)
    reach = gradient_reach(cell, keras.layers.Dense(1), X, Y, loss=keras.losses.Huber())
    np.testing.assert_allclose(reach, 0.5 ** np.arange(6, -1, -1.0))


def test_half_precision():
    cell = ElmanCell(4, dtype="mixed_float16", seed=0)
    reach = gradient_reach(cell, keras.layers.Dense(1), X, Y)
    assert reach.shape == (7,)
    assert (reach > 0).all()


def test_arguments_are_checked():
    with pytest.raises(ValueError, match=r"takes sequences of shape \[batch, timesteps, features\]"):
        gradient_reach(ElmanCell(4), keras.layers.Dense(1), X[0], Y)
    with pytest.raises(ValueError, match=r"must have a gradient at the last step. Received: one of size 0\.0"):
        gradient_reach(ElmanCell(4), tf.zeros_like, X, np.zeros([5, 4]))
