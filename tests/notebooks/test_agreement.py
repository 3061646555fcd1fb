import numpy as np
import pictures
import pytest


def test_agreement_shows_both_costs_and_their_relative_difference(tmp_path):
    figure = pictures.agreement({"old": [4.0, 2.0, 1.0], "new": [4.0, 2.002, 0.99]}, tolerance=1e-2)
    above, below = figure.axes
    old, new = above.lines
    np.testing.assert_array_equal(old.get_xydata(), [[1, 4], [2, 2], [3, 1]])
    np.testing.assert_array_equal(new.get_ydata(), [4, 2.002, 0.99])
    assert [text.get_text() for text in above.get_legend().get_texts()] == ["old", "new"]
    assert old.get_linewidth() > 2 * new.get_linewidth()  # so that both are seen where they are the same, in grey, too
    difference, tolerance = below.lines
    assert difference.get_ydata() == pytest.approx([0, 1e-3, 1e-2])
    assert set(tolerance.get_ydata()) == {1e-2}
    figure.savefig(tmp_path / "picture.png")


def test_a_difference_beyond_the_tolerance_is_in_the_picture():
    (_, below) = pictures.agreement({"old": [1.0, 1.0], "new": [1.0, 5.0]}, tolerance=1e-3).axes
    assert below.get_ylim()[1] > 4
