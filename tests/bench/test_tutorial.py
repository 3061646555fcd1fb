import argparse

import pytest

from rnn_tf.bench import tutorial


def test_all_ways_do_the_same(monkeypatch, capsys):
    monkeypatch.setattr(tutorial, "STEPS", 100)
    tutorial.run(argparse.Namespace(repeat=1))
    rows = capsys.readouterr().out.splitlines()
    rows = rows[next(i for i, row in enumerate(rows) if "last loss" in row) + 1 :]
    losses = [float(row.split()[-1]) for row in rows]
    assert len(losses) >= 4
    assert losses == pytest.approx([losses[0]] * len(losses), rel=0.02)
