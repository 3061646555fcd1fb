import itertools

import numpy as np
import pytest
from matplotlib.colors import to_hex, to_rgb

from rnn_tf import plots
from rnn_tf.fields.tag_schemes import TagScheme
from rnn_tf.models.tagger import Span, TaggedText
from rnn_tf.plots.spans import OUTSIDE, shade


def answer(tokens, tags, probabilities=None, intent=None, between=" "):
    """As a tagger gives it."""
    tokens, tags = list(tokens), tags.split()
    text = between.join(tokens)
    starts = np.cumsum([0, *(len(token) + len(between) for token in tokens)])
    names = sorted(set(tags))
    spans = []
    for label, first, after in TagScheme(names, "bio").spans([names.index(tag) for tag in tags]):
        start, end = int(starts[first]), int(starts[after]) - len(between)
        spans.append(Span(label, start, end, text[start:end]))
    return TaggedText(text, tokens, tags, probabilities or [0.9] * len(tokens), spans, intent, None)


ALARM = answer(
    ["wake", "me", "at", "half", "past", "nine", "tomorrow"],
    "O O O B-time I-time I-time B-date",
    [1.0, 0.99, 0.9, 0.8, 0.6, 0.0, 0.4],
    "set_alarm",
)
SHOPPING = answer(
    "买两盒牛奶和米",
    "O B-quantity I-quantity B-ingredient I-ingredient O B-item",
    between="",
)


def drawn(figure, words):
    """The boxes behind the words, the lines below spans, and the names there: of each the area and the artist."""
    figure.draw_without_rendering()
    (axes,) = figure.axes
    areas = [(artist.get_window_extent(), artist) for artist in (*axes.patches, *axes.texts)]
    texts = [(area, one) for area, one in areas if one in axes.texts]
    boxes, lines = [], []
    for area, one in areas:
        if one in axes.patches and one.get_edgecolor()[3]:
            boxes.append((area, one))
        elif one in axes.patches:
            lines.append((area, one))
    letters = [(area, one) for area, one in texts if one.get_fontsize() == plots.texts.SIZE]
    assert [one.get_text() for _, one in letters] == words
    names = [(area, one) for area, one in texts if one.get_color() not in ("black", plots.TRUTH)]
    return boxes[: len(words)], letters, lines, names


def test_tokens_stand_in_their_boxes_and_spans_are_underlined_with_their_names(tmp_path):
    figure = plots.tagged(ALARM)
    boxes, letters, lines, names = drawn(figure, ALARM.tokens)
    for (box, _), (text, _) in zip(boxes, letters, strict=True):
        assert box.x0 < text.x0 < text.x1 < box.x1
        assert box.y0 < text.y0 < text.y1 < box.y1
    assert [one.get_text() for _, one in names] == ["time", "date"]
    for (first, last), (line, bar), (area, name) in zip([(3, 5), (6, 6)], lines, names, strict=True):
        assert line.x0 == pytest.approx(boxes[first][0].x0, abs=3)
        assert line.x1 == pytest.approx(boxes[last][0].x1, abs=3)
        assert area.y1 < line.y0 < line.y1 <= boxes[first][0].y0
        assert line.x0 <= area.x0 < area.x1 < line.x1
        assert to_hex(bar.get_facecolor()) == name.get_color()
    assert names[0][1].get_color() != names[1][1].get_color()
    (heading,) = (one for one in figure.axes[0].texts if one.get_text() == "set_alarm")
    assert heading.get_window_extent().y0 > boxes[0][0].y1
    figure.savefig(tmp_path / "picture.png")
    assert (tmp_path / "picture.png").stat().st_size > 5000


def test_the_shade_follows_the_probability_in_the_colour_of_the_label():
    boxes, _, lines, _ = drawn(plots.tagged([ALARM]), ALARM.tokens)
    found = [to_hex(box.get_facecolor()) for _, box in boxes]
    time, date = (to_hex(bar.get_facecolor()) for _, bar in lines)
    colours = [OUTSIDE] * 3 + [time] * 3 + [date]
    assert found == [shade(*pair) for pair in zip(colours, ALARM.probabilities, strict=True)]
    assert found[5] == "#ffffff"  # of probability 0
    brightness = [np.dot(to_rgb(one), [0.299, 0.587, 0.114]) for one in found]
    assert brightness[3] < brightness[4] < brightness[5] == pytest.approx(1)
    assert brightness[0] < brightness[1] < brightness[2]
    assert min(brightness) > 0.45  # bears black letters


def test_a_label_has_one_colour_in_all_sentences():
    other = answer(["tomorrow", "at", "nine"], "B-date O B-time")
    boxes, _, lines, names = drawn(plots.tagged([ALARM, other]), [*ALARM.tokens, *other.tokens])
    of_label = [(name.get_text(), name.get_color()) for _, name in names]
    assert len(of_label) == 4
    assert len(set(of_label)) == 2
    assert len(lines) == 4
    assert boxes[7][0].y1 < boxes[0][0].y0  # the second sentence is below the first


def test_chinese_is_cut_by_characters_and_makes_room_for_long_names(monkeypatch):
    monkeypatch.setattr(plots.style, "CJK_FONTS", ())  # fonts with Chinese are not everywhere
    boxes, letters, lines, names = drawn(plots.tagged(SHOPPING), ["□"] * 7)
    assert [name.get_text() for _, name in names] == ["quantity", "ingredient", "item"]
    for (line, _), (area, _) in zip(lines, names, strict=True):
        assert area.x1 < line.x1 + 3
    for (before, _), (after, _) in itertools.pairwise(names):
        assert before.x1 < after.x0
    for (before, _), (after, _) in itertools.pairwise(boxes):
        assert after.x0 == pytest.approx(before.x1)
    assert all(box.x0 < text.x0 < text.x1 < box.x1 for (box, _), (text, _) in zip(boxes, letters, strict=True))


def test_without_a_font_characters_are_boxes_and_a_line_names_one(monkeypatch, tmp_path):
    monkeypatch.setattr(plots.style, "CJK_FONTS", ())
    figure = plots.tagged([SHOPPING, ALARM])
    assert [one.get_text() for one in figure.axes[0].texts if one.get_fontsize() == plots.texts.SIZE][:8] == [
        *["□"] * 7,
        "wake",
    ]
    assert "apt install fonts-noto-cjk" in figure.get_supxlabel()
    figure.savefig(tmp_path / "picture.png")  # matplotlib has nothing to warn of
    lowest = min(text.get_window_extent().y0 for text in figure.axes[0].texts)
    assert figure._supxlabel.get_window_extent().y1 < lowest


def test_long_sentences_are_broken_into_lines_within_the_picture():
    words = [f"word{'x' * (number % 5)}" for number in range(60)]
    tags = ["O"] * 60
    tags[10:13] = ["B-short", "I-short", "I-short"]
    tags[20:50] = ["B-long"] + ["I-long"] * 29
    long = answer(words, " ".join(tags))
    figure = plots.tagged([long, long])
    boxes, _, lines, names = drawn(figure, words * 2)
    areas = [box for box, _ in boxes]
    assert len({round(area.y0) for area in areas[:60]}) >= 4
    for before, after in itertools.pairwise(areas[:60]):
        assert after.x0 == pytest.approx(before.x1) or after.x0 == pytest.approx(areas[0].x0)
    assert len({round(area.y0) for area in areas[10:13]}) == 1  # a short span is not broken
    broken = len({round(area.y0) for area in areas[20:50]})
    assert broken > 1
    assert len(lines) == 2 * (1 + broken)
    assert [name.get_text() for _, name in names] == ["short", "long"] * 2  # a name once a span
    narrow = plots.tagged(ALARM)
    assert narrow.get_figwidth() < figure.get_figwidth() <= 9
    assert narrow.get_figheight() < figure.get_figheight()
    for text in figure.axes[0].texts:
        area = text.get_window_extent()
        assert figure.bbox.contains(area.x0, area.y0)
        assert figure.bbox.contains(area.x1, area.y1)


def test_tags_that_mark_no_spans_are_named_each():
    tokens, tags = ["we", "saw", "her", "duck"], ["PRON", "VERB", "PRON", "NOUN"]
    _, _, lines, names = drawn(
        plots.tagged(TaggedText("we saw her duck", tokens, tags, [0.5] * 4, [], None, None)), tokens
    )
    assert [name.get_text() for _, name in names] == tags
    assert len(lines) == 4


def test_strange_texts_are_drawn(tmp_path):
    tokens = [r"$\x$", "x" * 500, "<b>"]
    odd = answer(tokens, f"B-{'y' * 90} O B-$a$", intent="$b")
    figure = plots.tagged(odd)
    _, _, _, names = drawn(figure, [r"$\x$", "x" * 39 + "…", "<b>"])
    assert [name.get_text() for _, name in names] == ["y" * 23 + "…", "$a$"]
    figure.savefig(tmp_path / "picture.png")


@pytest.mark.parametrize(
    ("answers", "message"),
    [
        ([], "what `TextTagger.tag` gives, at least one answer. Received: none"),
        ("wake me", "what `TextTagger.tag` gives, at least one answer. Received: str"),
        ([ALARM, ["wake", "me"]], "Received: TaggedText, list"),
        (TaggedText("", [], [], [], [], None, None), "Received: 0 tokens, 0 tags and 0 probabilities in answer 0"),
        ([ALARM, ALARM._replace(tags=["O"])], "Received: 7 tokens, 1 tags and 7 probabilities in answer 1"),
        (ALARM._replace(probabilities=[2.0] * 7), r"must be in \[0, 1\]. Received: \[2.0, "),
        (ALARM._replace(probabilities=[float("nan")] * 7), r"must be in \[0, 1\]. Received: \[nan, "),
    ],
)
def test_it_wants_answers_of_a_tagger(answers, message):
    with pytest.raises(ValueError, match=message):
        plots.tagged(answers)
