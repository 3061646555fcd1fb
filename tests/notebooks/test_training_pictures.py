import itertools

import numpy as np
import pictures
import pytest
from matplotlib.colors import same_color, to_rgb

from rnn_tf import plots

NORMS = np.array([0.5, 1.0, 2.0])


def names(figure):
    return [text.get_text() for text in figure.legends[0].get_texts()]


def brightness(colour):
    return np.dot(to_rgb(colour), [0.299, 0.587, 0.114])


@pytest.mark.parametrize(
    ("draw", "one"),
    [
        (pictures.gradient_norms, NORMS),
        (pictures.eigenvalues, np.diag(NORMS)),
        (lambda losses: pictures.learning_curves(losses, baseline=1), NORMS),
    ],
    ids=["gradient_norms", "eigenvalues", "learning_curves"],
)
def test_networks_are_told_apart_in_grey(draw, one, tmp_path):
    figure = draw({f"network {i}": one * (i + 1) for i in range(4)})
    lines = figure.axes[0].lines[:4]
    assert names(figure)[:4] == [f"network {i}" for i in range(4)]
    for one, other in itertools.pairwise(lines):
        assert (one.get_marker(), one.get_linestyle()) != (other.get_marker(), other.get_linestyle())
        assert brightness(other.get_color()) > brightness(one.get_color()) + 0.05
    figure.savefig(tmp_path / "picture.png")
    assert (tmp_path / "picture.png").stat().st_size > 5000


def test_gradient_norms_are_relative_to_the_last_step():
    (axes,) = pictures.gradient_norms({"a network": NORMS}, title="above").axes
    np.testing.assert_array_equal(axes.lines[0].get_xydata(), [[1, 0.25], [2, 0.5], [3, 1]])
    assert same_color(axes.lines[0].get_color(), plots.HIDDEN)
    assert (axes.get_yscale(), axes.get_title()) == ("log", "above")


def test_eigenvalues_stand_in_the_complex_plane_with_the_unit_circle():
    turn = 0.5 * np.array([[0.0, -1.0], [1.0, 0.0]])
    (axes,) = pictures.eigenvalues({"a turn": turn, "a stretch": np.diag([2.0, 3.0])}).axes
    first, second, circle = axes.lines
    np.testing.assert_allclose(np.sort(first.get_ydata()), [-0.5, 0.5])
    np.testing.assert_allclose(first.get_xdata(), 0, atol=1e-12)
    np.testing.assert_allclose(second.get_xydata(), [[2, 0], [3, 0]])
    np.testing.assert_allclose(np.hypot(*circle.get_xydata().T), 1)
    assert axes.get_aspect() == 1  # a circle looks like one


def test_learning_curves_show_the_baseline():
    figure = pictures.learning_curves({"Elman": [3, 2, 1], "GRU": [3, np.inf]}, 0.5, steps_an_epoch=10, label="error")
    elman, gru, baseline = figure.axes[0].lines
    np.testing.assert_array_equal(elman.get_xydata(), [[10, 3], [20, 2], [30, 1]])
    np.testing.assert_array_equal(gru.get_xdata(), [10, 20])
    assert same_color(elman.get_color(), plots.OUTPUT)
    np.testing.assert_array_equal(baseline.get_ydata(), 0.5)
    assert same_color(baseline.get_color(), plots.TRUTH)
    assert names(figure) == ["Elman", "GRU", "baseline"]
    assert figure.axes[0].get_ylabel() == "error"
