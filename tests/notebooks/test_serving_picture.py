import numpy as np
import pictures
import pytest
from matplotlib.colors import to_hex

from rnn_tf import plots

SECONDS = [0.0, 0.5, 1.0, 1.5, 2.0, 2.5]
FOLDERS = [["2", "1"], ["1", ".a", "2"], [".b", "1", "2"], ["1", "2", "3"], ["2", "3"], ["3", "2"]]
VERSIONS = [2, 2, 2, 2, 3, 3]


def test_takeover_shows_what_the_folder_held_and_who_answered(tmp_path):
    figure = pictures.takeover(SECONDS, FOLDERS, VERSIONS)
    above, below = figure.axes
    bars = {
        label.get_text(): (bar.get_x(), bar.get_x() + bar.get_width())
        for label, bar in zip(above.get_yticklabels(), above.patches, strict=True)
    }
    assert bars == {"1": (0.0, 1.5), "2": (0.0, 2.5), "hidden draft": (0.5, 1.0), "3": (1.5, 2.5)}
    assert [label.get_text() for label in below.get_yticklabels()] == ["version 2", "version 3"]
    before, after = below.lines
    np.testing.assert_array_equal(before.get_xdata(), SECONDS[:4])
    np.testing.assert_array_equal(after.get_xdata(), SECONDS[4:])
    assert [dots.get_markerfacecolor() for dots in (before, after)] == ["white", plots.OUTPUT]
    assert above.yaxis_inverted()  # the first that was seen stands on top
    assert below.yaxis_inverted()
    figure.savefig(tmp_path / "picture.png")


def test_takeover_of_a_server_that_stays_as_it_is():
    above, below = pictures.takeover([1.0], [["1"]], [1]).axes
    assert len(above.patches) == len(below.lines) == 1


@pytest.mark.parametrize("given", [([], [], []), ([0.0], [], [1]), ([0.0, 1.0], [["1"]], [1])])
def test_takeover_wants_a_folder_and_a_version_for_each_request(given):
    received = f"Received: {len(given[0])} times, {len(given[1])} folders, {len(given[2])} versions"
    with pytest.raises(ValueError, match=received):
        pictures.takeover(*given)


def test_stream_shows_what_was_read_and_what_was_forecast_from_it(tmp_path):
    values, forecasts = np.arange(10.0), np.arange(8.0) + 2.5
    figure = pictures.stream(values[:, np.newaxis], forecasts[:, np.newaxis], ahead=2, moments=[1, 6], label="x, in m")
    for moment, axes in zip([1, 6], figure.axes, strict=True):
        truth, read, forecast, now = axes.lines
        np.testing.assert_array_equal(truth.get_ydata(), values)
        np.testing.assert_array_equal(read.get_xydata(), np.stack([np.arange(moment), values[:moment]], axis=1))
        np.testing.assert_array_equal(
            forecast.get_xydata(), np.stack([np.arange(moment) + 2, forecasts[:moment]], axis=1)
        )
        assert set(now.get_xdata()) == {moment - 1}
        assert [to_hex(line.get_color()) for line in (read, forecast)] == [plots.INPUT, plots.OUTPUT]
        assert axes.get_ylabel() == "x, in m"
        assert axes.get_title(loc="left") == f"{moment} values read"
    figure.savefig(tmp_path / "picture.png")


@pytest.mark.parametrize("moments", [[], [0], [9]])
def test_stream_wants_moments_within_the_series(moments):
    with pytest.raises(ValueError, match=r"`moments` must be .* Received: .* with 10 values and 8 forecasts"):
        pictures.stream(np.arange(10.0), np.arange(8.0), ahead=2, moments=moments)


def test_stream_wants_to_look_ahead():
    with pytest.raises(ValueError, match=r"`ahead` must be a positive integer. Received: ahead=0"):
        pictures.stream(np.arange(3.0), np.arange(3.0), ahead=0, moments=[1])
