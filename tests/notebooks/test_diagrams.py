import itertools

import numpy as np
import pictures
import pytest
from matplotlib.colors import to_hex
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch
from matplotlib.path import Path

from rnn_tf import plots

X = np.array([[1.0], [2.0], [-1.0], [0.0]])
H = np.arange(10).reshape(5, 2) / 10
LAYERS = plots.INPUT, plots.HIDDEN, plots.OUTPUT


def texts(figure):
    return [text.get_text() for text in figure.axes[0].texts]


def boxes(figure):
    return [patch for patch in figure.axes[0].patches if isinstance(patch, FancyBboxPatch)]


def arrows(figure, colour):
    """From where to where the straight arrows of a colour point."""
    found = []
    for patch in figure.axes[0].patches:
        if isinstance(patch, FancyArrowPatch) and to_hex(patch.get_edgecolor()) == to_hex(colour):
            path = patch.get_path()
            if path.codes[1] == Path.LINETO:  # the loop is a curve
                found.append(path.vertices[:2].ravel().round(6))
    return np.array(found)


def test_all_steps_have_the_same_three_weights():
    figure = pictures.unrolled(4)
    names = texts(figure)
    assert [names.count(f"$W_{{{name}}}$") for name in ("hx", "hh", "ho")] == [5, 5, 5]  # 4 steps, and the folded cell
    assert {"$x$", "$h$", "$o$", "$h_{0}$", *(f"${one}_{{{t}}}$" for one in "xho" for t in range(1, 5))} < set(names)
    assert len(names) == 15 + 16 + 1  # and the equals sign
    assert [[to_hex(box.get_facecolor()) for box in boxes(figure)].count(colour) for colour in LAYERS] == [5, 6, 5]
    up_x, across, up_o = (arrows(figure, colour) for colour in LAYERS)
    assert [len(up_x), len(across), len(up_o)] == [5, 4, 5]
    for x, y, x_tip, y_tip in (*up_x, *up_o):
        assert x == x_tip
        assert y < y_tip
    for (x, y, x_tip, y_tip), (x_next, *_) in itertools.pairwise(across):
        assert y == y_tip
        assert x < x_tip < x_next


def test_the_gradient_flows_from_the_loss_down_and_back_in_time():
    figure = pictures.unrolled(4, backward=True)
    names = texts(figure)
    assert names.count("$L$") == 2
    assert names.count(r"$\partial L/\partial h_{3}$") == 1
    for label in r"$\sigma'\,W_{hx}^\top$", r"$\sigma'\,W_{hh}^\top$", r"$W_{ho}^\top$":
        assert names.count(label) == 5
    assert all(to_hex(box.get_facecolor()) == "#ffffff" for box in boxes(figure)[:-2])
    down = np.concatenate([arrows(figure, colour) for colour in (plots.INPUT, plots.OUTPUT, plots.TRUTH)])
    assert len(down) == 15
    assert (down[:, 1] > down[:, 3]).all()
    back = arrows(figure, plots.HIDDEN)
    assert len(back) == 4
    assert (back[:, 0] > back[:, 2]).all()


@pytest.mark.parametrize("backward", [False, True])
def test_numbers_stand_in_the_boxes_they_belong_to(backward, tmp_path):
    figure = pictures.unrolled(4, X, H, outputs=[[-10.126], [-0.001], [1], [2]], backward=backward)
    figure.draw_without_rendering()
    inside = {colour: [] for colour in LAYERS}
    written = [(text.get_text(), text.get_window_extent()) for text in figure.axes[0].texts]
    for box in boxes(figure):
        area = box.get_window_extent()
        assert figure.axes[0].bbox.x0 < area.x0 < area.x1 < figure.axes[0].bbox.x1  # or it would be cut
        within = [text for text, one in written if area.contains(one.x0, one.y0) and area.contains(one.x1, one.y1)]
        assert within
        if (colour := to_hex(box.get_edgecolor())) in inside and len(within) > 1:
            inside[colour].append(within[1:])
    assert inside == {
        plots.INPUT: [["1.00"], ["2.00"], ["−1.00"], ["0.00"]],
        plots.HIDDEN: [["0.00", "0.10"], ["0.20", "0.30"], ["0.40", "0.50"], ["0.60", "0.70"], ["0.80", "0.90"]],
        plots.OUTPUT: [["−10.13"], ["0.00"], ["1.00"], ["2.00"]],
    }
    for (one, a), (other, b) in itertools.combinations(written, 2):
        assert not a.overlaps(b), (one, other)
    for _, area in written:
        assert figure.bbox.contains(area.x0, area.y0)
        assert figure.bbox.contains(area.x1, area.y1)
    figure.savefig(tmp_path / "picture.png")
    assert (tmp_path / "picture.png").stat().st_size > 5000


@pytest.mark.parametrize("timesteps", [0, 2.0, True])
def test_timesteps_is_a_positive_integer(timesteps):
    with pytest.raises(ValueError, match="`timesteps` must be a positive integer"):
        pictures.unrolled(timesteps)


@pytest.mark.parametrize(
    ("numbers", "message"),
    [
        ({"inputs": X[:3]}, r"`inputs` must be \[4, size\], for x_1 to x_4 of one .* Received: shape \(3, 1\)"),
        ({"inputs": X[None]}, r"Received: shape \(1, 4, 1\)\. Take one sequence of a batch"),
        ({"states": H[1:]}, r"`states` must be \[5, size\], for h_0 to h_4 of one .* Received: shape \(4, 2\)"),
        ({"outputs": X[:, 0]}, r"`outputs` must be \[4, size\], for o_1 .* Received: shape \(4,\)"),
    ],
)
def test_numbers_are_those_of_each_step(numbers, message):
    with pytest.raises(ValueError, match=message):
        pictures.unrolled(4, **numbers)


def test_the_advice_works():
    batch = np.arange(40.0).reshape(4, 5, 2)
    with pytest.raises(ValueError, match="Take one sequence of a batch, and `timesteps` of its length"):
        pictures.unrolled(5, inputs=batch)
    pictures.unrolled(5, inputs=batch[0])
