"""Two tasks that ask for nothing but a long memory: the adding problem and the copying task."""

import numpy as np

from rnn_tf._checks import positive_integer


def adding_task(count: int, timesteps: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """The adding problem: of a sequence of numbers, two are marked; their sum is the answer.

        x_t = [v_t, m_t],   v_t uniform in [0, 1),   m_t = 1 at one step of the first half and at one of the second
        y   = Σ_t m_t v_t

    Two independent numbers, each of variance 1/12, add up to one of mean 1 and variance 1/6: who always answers 1 has
    the mean squared error 1/6 = 0.167, and who does not remember the first number cannot do better than 1/12 = 0.083.

    Args:
        count: Positive integer, how many sequences.
        timesteps: Integer, at least 2, their length.
        seed: The same seed gives the same sequences.

    Returns:
        `(x, y)`, float32 arrays of shape `[count, timesteps, 2]` and `[count, 1]`.

    Raises:
        ValueError: If `count` is not a positive integer, or `timesteps` not one of at least 2.

    Sources: S. Hochreiter and J. Schmidhuber (1997), "Long short-term memory", Neural Computation 9, where lengths
    differ and numbers are in [-1, 1]; in this form M. Arjovsky, A. Shah and Y. Bengio (2016), "Unitary evolution
    recurrent neural networks", ICML.

    Example:
    >>> from rnn_tf.data import adding_task
    >>> x, y = adding_task(1000, timesteps=50, seed=0)
    >>> x.shape, y.shape, round(float(((y - 1) ** 2).mean()), 2)
    ((1000, 50, 2), (1000, 1), 0.17)
    """
    count, timesteps = positive_integer("count", count), positive_integer("timesteps", timesteps)
    if timesteps < 2:
        raise ValueError(
            f"`timesteps` must be at least 2, for two numbers to add. Received: timesteps={timesteps}. Tests of "
            "memory begin at about 10."
        )
    random = np.random.default_rng(seed)
    values, marks = random.random([count, timesteps], np.float32), np.zeros([count, timesteps], np.float32)
    rows, middle = np.arange(count), timesteps // 2
    marks[rows, random.integers(0, middle, count)] = 1
    marks[rows, random.integers(middle, timesteps, count)] = 1
    return np.stack([values, marks], axis=2), (values * marks).sum(axis=1, keepdims=True)


def copying_task(
    count: int, delay: int, seed: int, length: int = 10, symbols: int = 8
) -> tuple[np.ndarray, np.ndarray]:
    """The copying task: read some symbols, wait, and write them down in their order.

        x   s_1 ... s_length   blank ... blank (delay - 1)   go   blank ... blank (length)
        y   blank ... blank (length + delay)                      s_1 ... s_length

    Classes are 0 for a blank and 1, ..., `symbols`; in x there is one more for "go", which asks for the answer. Who
    remembers nothing, but knows when to answer, guesses each symbol with the same probability. The mean
    cross-entropy over all steps is then

        length log(symbols) / (delay + 2 length)

    Args:
        count: Positive integer, how many sequences.
        delay: Positive integer, steps from the last symbol read to "go".
        seed: The same seed gives the same sequences.
        length: Positive integer, how many symbols to remember.
        symbols: Positive integer, how many different ones there are.

    Returns:
        `(x, y)`: float32, one-hot, of shape `[count, delay + 2 length, symbols + 2]`; and int32 classes of shape
        `[count, delay + 2 length]`.

    Raises:
        ValueError: If an argument is not a positive integer.

    Sources: S. Hochreiter and J. Schmidhuber (1997), "Long short-term memory", Neural Computation 9, for the idea; in
    this form M. Arjovsky, A. Shah and Y. Bengio (2016), "Unitary evolution recurrent neural networks", ICML.

    Example:
    >>> from rnn_tf.data import copying_task
    >>> x, y = copying_task(1, delay=3, seed=0, length=2, symbols=4)
    >>> x.argmax(axis=-1).tolist(), y.tolist()
    ([[4, 3, 0, 0, 5, 0, 0]], [[0, 0, 0, 0, 0, 4, 3]])
    """
    count, delay = positive_integer("count", count), positive_integer("delay", delay)
    length, symbols = positive_integer("length", length), positive_integer("symbols", symbols)
    read = np.random.default_rng(seed).integers(1, symbols + 1, [count, length])
    x, y = np.zeros([2, count, delay + 2 * length], np.int32)
    x[:, :length], y[:, -length:] = read, read
    x[:, length + delay - 1] = symbols + 1
    return np.eye(symbols + 2, dtype=np.float32)[x], y
