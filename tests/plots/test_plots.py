import itertools

import numpy as np
import pictures
import pytest
from matplotlib.colors import to_rgb

from rnn_tf import plots

X = np.sin(np.arange(120) / 5)


def luminance(colour):
    return np.dot(to_rgb(colour), [0.299, 0.587, 0.114])


@pytest.mark.parametrize(
    ("draw", "panels"),
    [
        (lambda: plots.learning_curve({"loss": [1, 0.5], "val_loss": [2, 1]}, steps_an_epoch=100), 1),
        (lambda: plots.learning_curve({"loss": [1, 0.5]}), 1),
        (lambda: plots.forecast(X[:, np.newaxis], X[:, np.newaxis] + 0.1), 2),
        (lambda: plots.hidden_states(np.random.default_rng(0).normal(size=[30, 4, 6])), 5),
        (lambda: plots.hidden_states(np.zeros([3, 1, 2])), 2),
        (lambda: plots.attractor(X, X + 0.1), 2),
        (lambda: plots.confusion_matrix(np.array([[10890, 1610], [0, 0]]), ["negative", r"$\y$"]), 2),
        (lambda: plots.confusion_matrix(np.arange(400).reshape(20, 20), [f"a long name {i}" for i in range(20)]), 2),
        (lambda: plots.reading([(["a", "", r"$\x$", "\n"], [0, 0.5, np.float32(1), 1]), (["b"], [0.2])], r"$\y$"), 2),
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
    assert training.get_linestyle() != held_back.get_linestyle()  # so that they differ in grey, too
    left, right = plots.attractor(X, 2 * X, delay=17).axes
    np.testing.assert_array_equal(left.lines[0].get_xydata(), np.stack([X[17:], X[:-17]], axis=1))
    np.testing.assert_array_equal(right.lines[0].get_xydata(), 2 * np.stack([X[17:], X[:-17]], axis=1))


def test_confusion_matrix_shows_counts_and_shares():
    figure = plots.confusion_matrix(np.array([[30, 10], [0, 5]]), ["no", "certainly"])
    axes = figure.axes[0]
    np.testing.assert_allclose(axes.images[0].get_array(), [[0.75, 0.25], [0, 1]])
    assert {text.get_position(): text.get_text() for text in axes.texts} == {
        (0, 0): "30",
        (1, 0): "10",
        (0, 1): "0",
        (1, 1): "5",
    }
    assert [text.get_color() for text in axes.texts] == ["white", plots.TRUTH, plots.TRUTH, "white"]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["no", "certainly"]
    assert {label.get_rotation() for label in axes.get_xticklabels()} == {45}
    short = plots.confusion_matrix(np.eye(2, dtype=int), ["no", "yes"])
    assert {label.get_rotation() for label in short.axes[0].get_xticklabels()} == {0}


def test_reading_shows_tokens_and_probabilities():
    figure = plots.reading([(["not", "good"], [0, 1.0]), (["so", "-", "so"], [0.5] * 3)], "positive")
    first, second = figure.axes
    assert [text.get_text() for text in first.texts] == ["not", "good"]
    assert [box.get_facecolor() for box in first.patches] == [
        plots.texts.PROBABILITY(0.0),
        plots.texts.PROBABILITY(1.0),
    ]
    for box in second.patches:
        assert box.get_facecolor() == pytest.approx((1, 1, 1, 1), abs=0.01)  # undecided is white
    np.testing.assert_array_equal(first.lines[1].get_xydata(), [[1, 0], [2, 1]])
    assert first.get_ylim() == (0, 1)
    assert figure.get_suptitle() == 'Probability of "positive" after each token, underlined below 0.5'


@pytest.mark.parametrize("tokens", [["well", "but", "then", "no"], list("好但是差")])
def test_reading_underlines_what_speaks_against_the_label(tokens):
    figure = plots.reading([(tokens, [0.9, 0.5, 0.49, 0.0])], "positive")
    figure.draw_without_rendering()
    (axes,) = figure.axes
    underlined, _ = axes.collections
    lines = [underlined.get_transform().transform(line) for line in underlined.get_segments()]
    boxes = [box.get_window_extent() for box in axes.patches[2:]]
    for (left, right), box, text in zip(lines, boxes, axes.texts[2:], strict=True):
        assert [left[0], right[0]] == pytest.approx([box.x0, box.x1])
        assert box.y0 < left[1] == right[1] < text.get_window_extent().y0  # within the box, below the letters
    dark = luminance(plots.texts.UNDERLINE)
    assert all(luminance(plots.texts.PROBABILITY(p)) > dark + 0.3 for p in (0.0, 0.25, 0.5))  # it is seen in grey


def test_reading_lays_words_out_in_lines_below_each_other():
    tokens = ["https://example.org/" + "x" * 500]
    for length in range(60):
        tokens += ["w" * (length % 7 + 1), ","]
    figure = plots.reading([(tokens, np.linspace(0, 1, len(tokens))), (tokens[:1], [0.5])], "positive")
    figure.draw_without_rendering()
    axes = figure.axes[0]
    boxes = [box.get_window_extent() for box in axes.patches]
    for text, box in zip(axes.texts, boxes, strict=True):
        inside = text.get_window_extent()
        assert box.x0 < inside.x0 < inside.x1 < box.x1
        assert box.y0 < inside.y0 < inside.y1 < box.y1
    for before, after in itertools.pairwise(boxes):
        beside = after.x0 == pytest.approx(before.x1) and after.y0 == pytest.approx(before.y0)
        assert beside or (after.x0 == pytest.approx(boxes[0].x0) and after.y1 == pytest.approx(before.y0))
    assert axes.texts[0].get_text() == "https://example.org/" + "x" * 19 + "…"
    assert max(box.x1 for box in boxes) <= axes.bbox.x1
    assert max(box.y1 for box in boxes) <= figure.bbox.y1
    assert min(box.y0 for box in boxes) > axes.bbox.y1 > figure.axes[1].patches[0].get_window_extent().y1
    starts = {text.get_text() for text, box in zip(axes.texts, boxes, strict=True) if box.x0 == boxes[0].x0}
    assert "," not in starts


def test_characters_without_a_font_are_boxes_and_one_line_below_names_the_font(monkeypatch, tmp_path):
    monkeypatch.setattr(plots.style, "CJK_FONTS", ())
    figure = plots.reading([(["很好", "good"], [0.5, 0.9]), (["好"], [0.9])], "好")
    assert [text.get_text() for text in figure.axes[0].texts] == ["□□", "good"]
    other = plots.confusion_matrix(np.eye(2, dtype=int), ["好", "bad"])
    assert [label.get_text() for label in other.axes[0].get_xticklabels()] == ["□", "bad"]
    for picture in (figure, other):
        assert "\n" not in picture.get_supxlabel()
        assert "apt install fonts-noto-cjk" in picture.get_supxlabel()
        picture.draw_without_rendering()
        line = picture._supxlabel.get_window_extent()
        assert 0 <= line.x0 < line.x1 <= picture.bbox.x1
        picture.savefig(tmp_path / "picture.png")  # matplotlib has nothing to warn of


def test_a_font_that_has_the_characters_draws_them(monkeypatch, tmp_path):
    # Fonts with Chinese are not everywhere, so another font that comes with matplotlib plays the part of one.
    monkeypatch.setattr(plots.style, "CJK_FONTS", ("no such font", "DejaVu Serif"))
    figure = plots.reading([(["word⤀", "⤀"], [0.5, 0.9])], "⤀")
    assert [text.get_text() for text in figure.axes[0].texts] == ["word⤀", "⤀"]
    assert figure.get_suptitle() == 'Probability of "⤀" after each token, underlined below 0.5'
    assert not figure.get_supxlabel()
    figure.savefig(tmp_path / "picture.png")  # would warn of a glyph that is missing


@pytest.mark.parametrize(
    ("word", "advice"),
    [
        ("销量", "apt install fonts-noto-cjk"),
        ("売上とコスト", "apt install fonts-noto-cjk"),
        ("판매량", "apt install fonts-noto-cjk"),
        ("बिक्री", "matplotlib.rcParams['font.family']"),
        ("τ in °C, naïve − Größe", ""),
    ],
)
def test_every_picture_says_what_its_texts_need(monkeypatch, tmp_path, word, advice):
    monkeypatch.setattr(plots.style, "CJK_FONTS", ())
    values = np.arange(9.0)[:, None]
    figures = [
        plots.forecast(values, values, title=word, label=word),
        pictures.errors_by_step({word: [0.3, 0.5]}, {"persistence": [0.4, 1.1]}, label=word),
        plots.hidden_states(np.zeros([2, 3, 4]), title=word),
    ]
    for figure in figures:
        figure.savefig(tmp_path / "picture.png")  # matplotlib has nothing to warn of
        assert advice in figure.get_supxlabel()
        assert bool(figure.get_supxlabel()) == bool(advice)


@pytest.mark.parametrize(
    ("readings", "received"),
    [
        ([], r"Received: \[\] tokens"),
        ([(["a"], [0.5]), (["a", "b"], [0.1])], r"Received: \[\(1, 1\), \(2, 1\)\] tokens .* padding"),
        ([([], [])], r"Received: \[\(0, 0\)\]"),
    ],
)
def test_reading_wants_a_probability_for_each_token(readings, received):
    with pytest.raises(ValueError, match=r"at least one text, each of as many tokens as probabilities.* " + received):
        plots.reading(readings, "positive")
