import importlib.util
import re

import pytest

from rnn_tf import cli
from rnn_tf.bench import language, timing


@pytest.fixture(autouse=True)
def small(monkeypatch):
    for name, value in {"STREAMS": 4, "STEPS": 5, "UNITS": [3, 3], "PIECES": 2, "WRITTEN": 6, "PREDICTED": 2}.items():
        monkeypatch.setattr(language, name, value)
    monkeypatch.setattr(language, "in_turns", lambda runs, turns: timing.in_turns(runs, turns, budget=0.001))


def test_times_training_and_writing(capsys):
    assert cli.main(["bench", "language", "--repeat", "1"]) == 0
    printed = capsys.readouterr().out
    assert "4 streams of 5 characters, [3, 3] units; 1 turns" in printed
    with_torch = importlib.util.find_spec("torch") is not None
    assert ("PyTorch is left out: torch is not installed." in printed) is not with_torch
    training, writing = (part.splitlines()[1:-1] for part in printed.strip().split("\n\n")[1:])
    names = [language.KERAS, language.OURS, language.OURS_FIT] + [language.PYTORCH] * with_torch
    assert [row[:40].strip() for row in training] == names
    assert all(float(figure) > 0 for row in training for figure in row[40:].split())
    assert [row[:40].strip() for row in writing] == [language.GENERATE, language.LOOP, language.PREDICT]
    assert all(float(figure) > 0 for row in writing for figure in re.findall(r"\d+\.\d+", row[40:]))


def test_refuses_to_compare_what_is_not_equal(monkeypatch):
    right = language.keras_recipe

    def wrong(*arguments):
        peer = right(*arguments)
        bias = peer.layers[-1].bias
        bias.assign(bias + 1.0)
        return peer

    monkeypatch.setattr(language, "keras_recipe", wrong)
    with pytest.raises(RuntimeError, match="keras recipe computes something else than LanguageModel"):
        language.training(with_torch=False)
