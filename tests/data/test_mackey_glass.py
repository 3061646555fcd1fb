import numpy as np
import pytest

from rnn_tf.data import jang_task, mackey_glass, ndei


def test_before_the_delay_it_decays_exponentially():
    np.testing.assert_allclose(mackey_glass(18), 1.2 * np.exp(-0.1 * np.arange(18)), rtol=1e-7)


def test_every_step_solves_the_equation():
    # The delayed value being held, dx/dt = c - 0.1 x has the solution x(t) e^(-0.1 h) + 10 c (1 - e^(-0.1 h)).
    x = [1.2]
    for i in range(1, 10 * 300 + 1):
        delayed = x[i - 170] if i > 170 else 0.0
        c = 0.2 * delayed / (1 + delayed**10)
        x.append(x[-1] * np.exp(-0.01) + 10 * c * (1 - np.exp(-0.01)))
    np.testing.assert_allclose(mackey_glass(301), x[::10], rtol=1e-6)


def test_it_stays_on_its_attractor():
    series = mackey_glass(3000)[200:]
    assert 0.2 < series.min() < 0.45
    assert 1.3 < series.max() < 1.4


def test_jang_task_is_what_the_paper_says():
    train, test = jang_task()
    series = mackey_glass(1200).astype("float32")
    assert train.x.shape == test.x.shape == (500, 4, 1)
    assert train.y.shape == test.y.shape == (500, 1)
    assert train.x.dtype == train.y.dtype == np.float32
    np.testing.assert_array_equal(train.x[0, :, 0], series[[100, 106, 112, 118]])
    np.testing.assert_array_equal(train.y[0], series[[124]])
    np.testing.assert_array_equal(test.x[0, :, 0], series[[600, 606, 612, 618]])
    np.testing.assert_array_equal(test.y[-1], series[[1123]])


def test_ndei():
    y = np.array([[1.0], [2.0], [3.0]])
    assert ndei(y, y) == 0
    assert ndei(y, np.full_like(y, 2.0)) == pytest.approx(1)
    with pytest.raises(ValueError, match=r"same shape. Received: \(3, 1\) and \(3,\)"):
        ndei(y, y[:, 0])


@pytest.mark.parametrize("length", [0, 2.5])
def test_length_is_checked(length):
    with pytest.raises(ValueError, match="`length` must be a positive integer"):
        mackey_glass(length)
