import argparse
import json

import numpy as np
import pytest

from rnn_tf.bench import layers, scans, timing
from rnn_tf.bench.layers import Case


def small(monkeypatch):
    cases = [*(Case(kind, 3, 5, 2, 4) for kind in layers.CELLS), Case("LSTM", 3, 5, 2, 4, recurrent_dropout=0.2)]
    monkeypatch.setattr(layers, "CASES", cases)
    monkeypatch.setattr(layers, "SWEEPS", {"units": [Case("Elman", 3, 5, 2, size) for size in (2, 4)]})
    monkeypatch.setattr(layers, "GEMM", 8)
    monkeypatch.setattr(scans, "SHAPE", (2, 20, 3))
    monkeypatch.setattr(scans, "LENGTHS", (5, 40))
    for module in (layers, scans):
        monkeypatch.setattr(module, "in_turns", lambda runs, turns: timing.in_turns(runs, turns, budget=0.001))


def test_compares_and_writes(monkeypatch, capsys, tmp_path):
    small(monkeypatch)
    layers.run(argparse.Namespace(repeat=1, cases=None, output=tmp_path / "out"))
    printed = capsys.readouterr().out
    for words in (
        "Elman 3,5,2,4",
        "keras.layers.SimpleRNN",
        "... LSTM, unroll=True",
        "jit_compile=True",
        "own cell",
        "recurrent_dropout=0.2",
        "associative_scan",
    ):
        assert words in printed
    report = json.loads((tmp_path / "out" / "layers.json").read_text())
    assert [one["case"]["kind"] for one in report["cases"]] == [*layers.CELLS, "LSTM"]
    assert set(report["scans"]["seconds_a_step"]) == {"5", "40"}
    assert report["cases"][0]["contenders"]["rnn_tf.RNN"]["ratios"] == [1, 1]
    assert report["cases"][0]["contenders"]["rnn_tf.RNN"]["first_step"] > 0
    assert (tmp_path / "out" / "layers.png").stat().st_size > 10_000


@pytest.mark.parametrize(
    ("ours", "theirs", "told"),
    [
        ((2.0, 10.0), (1.0, 15.0), "than that of keras.layers.LSTM is earned back after 200 steps"),
        ((2.0, 15.0), (1.0, 10.0), "is not earned back"),
        ((1.0, 10.0), (1.0, 15.0), "no later than that of keras.layers.LSTM"),
    ],
)
def test_tells_when_the_first_step_is_earned_back(ours, theirs, told):
    names = ("rnn_tf.RNN", "keras.layers.RNN", "keras.layers.LSTM", "... LSTM, unroll=True")
    rows = {
        name: {"first_step": first, "milliseconds": [step, 0.0]}
        for name, (first, step) in zip(names, (ours, theirs, theirs, theirs), strict=True)
    }
    assert told in layers._earned_back(rows)


def test_refuses_to_compare_what_is_not_equal(monkeypatch):
    small(monkeypatch)
    right = layers.contenders

    def wrong(case):
        runs = right(case)
        runs["keras.layers.RNN"] = runs["keras.layers.RNN"]._replace(outputs=lambda: np.zeros([3, 5, 4]))
        return runs

    monkeypatch.setattr(layers, "contenders", wrong)
    with pytest.raises(RuntimeError, match=r"keras\.layers\.RNN computes something else"):
        layers.compare(Case("Elman", 3, 5, 2, 4), turns=1)


def test_refuses_to_compare_scans_that_are_not_equal(monkeypatch):
    small(monkeypatch)
    monkeypatch.setattr(scans, "_associative", lambda a, b, w: lambda: [np.zeros_like(a), b])
    with pytest.raises(RuntimeError, match=r"associative_scan computes something else"):
        scans.compare_scans(turns=1)
