import itertools

import numpy as np
import pictures
import pytest
from matplotlib.colors import same_color

from rnn_tf import plots

X = np.sin(np.arange(30) / 5)


def names(figure):
    return [text.get_text() for text in figure.legends[0].get_texts()]


def labels_in_view(figure):
    figure.draw_without_rendering()
    axis = figure.axes[0].yaxis
    low, high = axis.get_view_interval()
    assert not any(label.get_text() for label in axis.get_ticklabels(minor=True))
    ticks = zip(axis.get_majorticklocs(), axis.get_ticklabels(), strict=True)
    return [label.get_text() for place, label in ticks if low <= place <= high]


@pytest.mark.parametrize(
    ("losses", "labels"),
    [
        ([0.167, 0.16], ["0.16", "0.161", "0.162", "0.163", "0.164", "0.165", "0.166", "0.167"]),
        ([0.69, 0.31], ["0.3", "0.35", "0.4", "0.45", "0.5", "0.55", "0.6", "0.65", "0.7"]),
        ([0.9, 0.09], ["0.1", "0.2", "0.5", "1"]),
        ([1.3, 0.012], ["0.01", "0.02", "0.05", "0.1", "0.2", "0.5", "1"]),
        ([2, 2e-4], [rf"$\mathdefault{{10^{{{power}}}}}$" for power in (-3, -2, -1, 0)]),
    ],
)
def test_a_logarithmic_scale_is_readable_over_narrow_and_wide_ranges(losses, labels):
    assert labels_in_view(plots.learning_curve({"loss": losses})) == labels
    assert labels_in_view(pictures.learning_curves({"a network": losses}, baseline=losses[0])) == labels


def test_labels_of_a_logarithmic_scale_do_not_touch():
    for ratio in np.geomspace(1.01, 1e5, 16):
        figure = plots.learning_curve({"loss": [0.3, 0.3 / ratio]})
        assert 2 <= len(labels_in_view(figure)) <= 12
        axis = figure.axes[0].yaxis
        low, high = axis.get_view_interval()
        ticks = zip(axis.get_majorticklocs(), axis.get_ticklabels(), strict=True)
        boxes = [label.get_window_extent() for place, label in ticks if low <= place <= high]
        assert all(below.y1 < above.y0 for below, above in itertools.pairwise(boxes))


def test_cost_compares_on_one_scale_and_in_grey(tmp_path):
    def points(size, factor):
        return [{size: n, "rnn_tf.RNN": factor * n, "keras.layers.SimpleRNN": 4 * factor * n} for n in (16, 32, 64)]

    figure = plots.cost({"timesteps": points("timesteps", 0.01), "units": points("units", 0.1)})
    left, right = figure.axes
    np.testing.assert_allclose(left.lines[1].get_xydata(), [[16, 0.64], [32, 1.28], [64, 2.56]])
    assert left.get_ylim() == right.get_ylim()
    assert left.get_ylim()[0] < 0.16
    assert left.get_ylim()[1] > 25.6
    ours, keras = right.lines
    assert (ours.get_linestyle(), ours.get_marker()) != (keras.get_linestyle(), keras.get_marker())
    assert same_color(ours.get_color(), plots.OUTPUT)
    assert names(figure) == ["rnn_tf.RNN", "keras.layers.SimpleRNN"]  # once, not for each panel
    assert labels_in_view(figure) == ["0.2", "0.5", "1", "2", "5", "10", "20"]
    assert [label.get_text() for label in right.get_xticklabels()] == ["16", "32", "64"]
    assert right.get_xlabel() == "units"
    right.sharey(left)  # no harm
    figure.savefig(tmp_path / "picture.png")


def test_parts_shows_where_each_begins_and_ends(tmp_path):
    figure = pictures.parts(X, {"train": 20, "test": 10}, times=2000 + np.arange(30) / 12, xlabel="year", ylabel="ppm")
    (axes,) = figure.axes
    np.testing.assert_array_equal(axes.lines[0].get_ydata(), X)
    figure.draw_without_rendering()
    spans = [axes.transData.inverted().transform_bbox(span.get_window_extent()).intervalx for span in axes.patches]
    np.testing.assert_allclose(spans, [[2000, 2000 + 20 / 12], [2000 + 20 / 12, 2000 + 29 / 12]])
    assert [text.get_text() for text in axes.texts] == ["train", "test"]
    figure.savefig(tmp_path / "picture.png")
    counted = pictures.parts(X[:, np.newaxis], {"train": 30})
    np.testing.assert_array_equal(counted.axes[0].lines[0].get_xdata(), np.arange(30))


def test_parts_must_add_up():
    with pytest.raises(ValueError, match=r"Received: {'train': 20} for a series of 30. Name what is not used"):
        pictures.parts(X, {"train": 20})


def test_errors_by_step_tells_networks_from_baselines(tmp_path):
    errors = np.array([1.0, 2.0, 3.0])
    figure = pictures.errors_by_step(
        {"network": errors}, {"persistence": 2 * errors, "linear": 3 * errors}, "RMSE, ppm"
    )
    network, persistence, linear = figure.axes[0].lines
    np.testing.assert_array_equal(persistence.get_xydata(), [[1, 2], [2, 4], [3, 6]])
    assert same_color(network.get_color(), plots.OUTPUT)
    assert same_color(linear.get_color(), plots.TRUTH)
    assert persistence.get_linestyle() != linear.get_linestyle()  # so that they differ in grey, too
    assert names(figure) == ["network", "persistence", "linear"]
    figure.savefig(tmp_path / "picture.png")
    ticks = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert {"1", "2", "5"} <= set(ticks)  # plain numbers, though the scale is logarithmic


def test_ensemble_shows_each_network_their_mean_and_the_interval(tmp_path):
    forecasts = np.array([[1.0, 2.0], [3.0, 6.0]])
    figure = pictures.ensemble(X, forecasts, truth=[2.0, 3.0], interval=([0.0, 1.0], [4.0, 7.0]), label="ppm")
    past, first, second, mean, truth = figure.axes[0].lines
    np.testing.assert_array_equal(past.get_xdata(), np.arange(-29, 1))
    assert same_color(past.get_color(), plots.INPUT)
    np.testing.assert_array_equal([first.get_ydata(), second.get_ydata()], forecasts)
    np.testing.assert_array_equal(mean.get_xydata(), [[1, 2], [2, 4]])
    np.testing.assert_array_equal(truth.get_ydata(), [2, 3])
    (band,) = figure.axes[0].collections
    assert band.get_datalim(figure.axes[0].transData).intervaly.tolist() == [0, 7]
    assert names(figure) == ["interval", "read", "each network", "their mean", "truth"]
    figure.savefig(tmp_path / "picture.png")
    assert not pictures.ensemble(X, forecasts, truth=[2, 3]).axes[0].collections
