"""Serving: how a new version takes over, and a stream whose forecasts come in as its values do."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from rnn_tf._checks import positive_integer
from rnn_tf.plots.style import INPUT, OUTPUT, TRUTH, new_figure

DRAFT = "hidden draft"


def takeover(seconds: Sequence[float], folders: Sequence[Sequence[str]], versions: Sequence[int]) -> Figure:
    """What lay in the folder of a model's versions, and which version answered, request by request.

    Args:
        seconds: When each request was answered, since the export began; ascending.
        folders: The names in the folder at that time. One that begins with "." is a draft, which servers ignore.
        versions: Which version answered.

    Raises:
        ValueError: If there are no requests, or they are not as many as folders and versions.

    Example:
    >>> import pictures
    >>> figure = pictures.takeover([0, 1, 2, 3], [["1"], [".a", "1"], ["1", "2"], ["1", "2"]], [1, 1, 1, 2])
    >>> [label.get_text() for axes in figure.axes for label in axes.get_yticklabels()]
    ['1', 'hidden draft', '2', 'version 1', 'version 2']
    """
    times = np.asarray(seconds, np.float64)
    if not len(times) or not len(times) == len(folders) == len(versions):
        raise ValueError(
            "A takeover needs requests, each with the names in the folder and the version that answered. Received: "
            f"{len(times)} times, {len(folders)} folders, {len(versions)} versions."
        )
    seen: dict[str, list[float]] = {}
    for time, names in zip(times, folders, strict=True):
        for name in sorted({DRAFT if name.startswith(".") else name for name in names}):
            seen.setdefault(name, []).append(time)
    answering = sorted(set(versions))
    figure, (above, below) = new_figure(
        9, 1.4 + 0.4 * (len(seen) + len(answering)), 2, 1, sharex=True, height_ratios=[len(seen), len(answering)]
    )
    for row, (name, at) in enumerate(seen.items()):
        look = {"facecolor": "white", "hatch": "////"} if name == DRAFT else {"facecolor": TRUTH}
        above.barh(row, at[-1] - at[0], left=at[0], height=0.5, edgecolor=TRUTH, **look)
    above.set(title="The folder holds", yticks=range(len(seen)), yticklabels=list(seen))
    for row, version in enumerate(answering):
        at = times[np.asarray(versions) == version]
        filling = OUTPUT if version == answering[-1] else "white"
        below.plot(at, np.full(len(at), row), "o", color=OUTPUT, mfc=filling, markersize=4, clip_on=False)
    below.set(
        title="Answers come from", xlabel="seconds", yticks=range(len(answering)), ylim=(-0.5, len(answering) - 0.5)
    )
    below.set_yticklabels([f"version {version}" for version in answering])
    below.set_xlim(left=0)
    for axes in (above, below):
        axes.invert_yaxis()
        axes.tick_params(axis="y", length=0)
        axes.spines["left"].set_visible(False)
        axes.title.set(fontsize=10, ha="left", x=0)
    return figure


def stream(values: np.ndarray, forecasts: np.ndarray, ahead: int, moments: Sequence[int], label: str = "") -> Figure:
    """A live series at several moments: what has been read until then, and the forecasts made from it.

    Args:
        values: `[steps]`, or more than there are forecasts, for the truth that comes after.
        forecasts: `[steps]`, each made when the value of the same index was read.
        ahead: Positive integer, how many steps after that value a forecast is for.
        moments: How many values have been read, a panel for each.
        label: What the values are, with their unit.

    Raises:
        ValueError: If a moment is not between 1 and the number of forecasts, or `ahead` is not a positive integer.

    Example:
    >>> import numpy as np
    >>> import pictures
    >>> values = np.sin(np.arange(40) / 3)
    >>> len(pictures.stream(values, values[2:], ahead=2, moments=[5, 30]).axes)
    2
    """
    values, forecasts, ahead = np.ravel(values), np.ravel(forecasts), positive_integer("ahead", ahead)
    if not len(moments) or not all(1 <= moment <= min(len(values), len(forecasts)) for moment in moments):
        raise ValueError(
            "`moments` must be numbers of values read, at least one, and each at least 1 and with a forecast for every "
            f"value read. Received: {list(moments)}, with {len(values)} values and {len(forecasts)} forecasts."
        )
    figure, rows = new_figure(9, 0.7 + 1.4 * len(moments), len(moments), 1, sharex=True, sharey=True, squeeze=False)
    steps = np.arange(len(values))
    for moment, axes in zip(moments, rows[:, 0], strict=True):
        axes.plot(steps, values, color=TRUTH, linewidth=0.8, label="truth")
        axes.plot(steps[:moment], values[:moment], "o", color=INPUT, markersize=3.5, label="read")
        axes.plot(
            steps[:moment] + ahead, forecasts[:moment], color=OUTPUT, linewidth=1.5, linestyle="--", label="forecast"
        )
        axes.axvline(moment - 1, color=TRUTH, linewidth=0.8, linestyle=":")
        axes.set_ylabel(label)
        axes.set_title(f"{moment} values read", fontsize=10, loc="left")
    rows[0, 0].legend(frameon=False, ncols=3, loc="lower right", bbox_to_anchor=(1, 1))
    rows[-1, 0].set_xlabel("step")
    return figure
