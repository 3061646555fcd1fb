import importlib.util

import keras
import numpy as np
import pytest

from rnn_tf import cli
from rnn_tf.bench import tags, timing
from rnn_tf.bench.corpus import spoken_requests


@pytest.fixture(autouse=True)
def small(monkeypatch):
    monkeypatch.setattr(tags, "EMBEDDING_SIZE", 4)
    monkeypatch.setattr(tags, "UNITS", [3, 3])
    monkeypatch.setattr(tags, "BATCH_SIZE", 4)
    monkeypatch.setattr(tags, "in_turns", lambda runs, turns: timing.in_turns(runs, turns, budget=0.001))


def test_times_sentences_of_a_folder(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(tags, "UNITS", [3])
    (tmp_path / "seq.in").write_text("wake me at nine\nhush\nplay jazz now\nwake me\ncall Ada Smith\nat ten\n")
    (tmp_path / "seq.out").write_text("O O O B-time\nO\nO B-genre O\nO O\nO B-name I-name\nO B-time\n")
    assert cli.main(["bench", "tags", str(tmp_path), "--sentences", "5", "--repeat", "1"]) == 0
    printed = capsys.readouterr().out
    assert "5 sentences, of 2.6 tokens and at most 4; 11 words" in printed
    assert "5 tags; 1 turns" in printed
    with_torch = importlib.util.find_spec("torch") is not None
    assert ("PyTorch is left out: torch is not installed." in printed) is not with_torch
    rows = printed.split("\n\n")[1].splitlines()[1:]
    names = [tags.KERAS, tags.OURS, tags.CRF, tags.SPELLING]
    names += [tags.PYTORCH] * with_torch + [tags.KERAS + tags.SIMILAR] + [tags.PYTORCH + tags.SIMILAR] * with_torch
    assert [row[:46].strip() for row in rows] == names
    assert all(float(figure) > 0 for row in rows for figure in row[46:].split())
    assert float(rows[0].split()[-1 - with_torch]) == 1
    for words in ("of the Keras recipe (goal: 1.5 or more)", "The CRF adds", "Spelling adds"):
        assert words in printed


def test_refuses_to_compare_what_is_not_equal(monkeypatch):
    right = tags.recipe

    def wrong(*arguments, **settings):
        peer = right(*arguments, **settings)
        peer.layers[-1].activation = keras.activations.sigmoid
        return peer

    monkeypatch.setattr(tags, "recipe", wrong)
    with pytest.raises(RuntimeError, match="keras recipe computes something else than TextTagger, softmax"):
        tags.contenders(spoken_requests(9), with_torch=False)


def test_refuses_another_shape():
    model = tags.tagger(spoken_requests(9), crf=True, spelling=False)
    with pytest.raises(RuntimeError, match="not of the same shape"):
        tags.recipe(model, 4, [3, 3], len(model.field_out.tags), "adam", at_every_step=True)


def test_random_batches_hold_every_sentence_once():
    ids = np.array([[i] * (1 + i % 5) + [0] * (4 - i % 5) for i in range(1, 11)])
    batches = list(tags.at_random(ids, -ids))
    assert [len(one) for one, _ in batches] == [4, 4, 2]
    assert sorted(one[0] for rows, _ in batches for one in rows) == list(range(1, 11))
    for rows, of_tags in batches:
        assert rows[:, -1].any()
        assert (of_tags == -rows).all()


def test_spoken_requests_are_the_same_each_time():
    found = spoken_requests()
    assert found == spoken_requests()
    lengths = [len(sentence) for sentence in found.sentences]
    assert lengths == [len(row) for row in found.tags]
    assert (len(lengths), max(lengths)) == (4500, 46)
    assert np.mean(lengths) == pytest.approx(11.3, abs=0.1)
    assert len({word for one in found.sentences for word in one}) == 800
    assert 115 <= len({tag for one in found.tags for tag in one}) <= 121
    for row in found.tags:
        assert all(tag[0] != "I" or before[1:] == tag[1:] for before, tag in zip(["O", *row], row, strict=False))
