import numpy as np
import pytest

from rnn_tf import plots

X = np.sin(np.arange(120) / 5)


@pytest.mark.parametrize(
    ("draw", "panels"),
    [
        (lambda: plots.learning_curve({"loss": [1, 0.5], "val_loss": [2, 1]}, steps_an_epoch=100), 1),
        (lambda: plots.learning_curve({"loss": [1, 0.5]}), 1),
        (lambda: plots.forecast(X[:, np.newaxis], X[:, np.newaxis] + 0.1), 2),
        (lambda: plots.hidden_states(np.random.default_rng(0).normal(size=[30, 4, 6])), 5),
        (lambda: plots.hidden_states(np.zeros([3, 1, 2])), 2),
        (lambda: plots.attractor(X, X + 0.1), 2),
    ],
)
def test_pictures_are_drawn(draw, panels, tmp_path):
    figure = draw()
    assert len(figure.axes) == panels  # a colour bar is a panel too
    figure.savefig(tmp_path / "picture.png")
    assert (tmp_path / "picture.png").stat().st_size > 5000


def test_pictures_show_what_they_are_given():
    figure = plots.learning_curve({"loss": [1, 0.5], "val_loss": [2, 1]}, steps_an_epoch=100)
    training, held_back = figure.axes[0].lines
    np.testing.assert_array_equal(training.get_xdata(), [100, 200])
    np.testing.assert_array_equal(held_back.get_ydata(), [2, 1])
    left, right = plots.attractor(X, 2 * X, delay=17).axes
    np.testing.assert_array_equal(left.lines[0].get_xydata(), np.stack([X[17:], X[:-17]], axis=1))
    np.testing.assert_array_equal(right.lines[0].get_xydata(), 2 * np.stack([X[17:], X[:-17]], axis=1))
