import argparse
import importlib.util
import re

import pytest
import tensorflow as tf

from rnn_tf.commands import demo


@pytest.fixture
def run(monkeypatch, tmp_path, capsys):
    """The demo with fewer steps in its second and third part, in an empty folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(demo, "CANDIDATE_STEPS", (200, 400))
    monkeypatch.setattr(demo, "FREE_STEPS", 100)

    def run(**options):
        demo.run(argparse.Namespace(**{"seed": 0, "output": "pictures", "models": "models", **options}))
        return capsys.readouterr().out

    return run


def test_the_whole_demo(run, tmp_path):
    printed = run()
    costs = [float(cost) for cost in re.findall(r"step +\d+ +cost (\S+)", printed)]
    assert len(costs) == 20
    assert costs[-1] < costs[0]
    table = re.findall(r"^ +(\d\.\d{4})  (\S.*?)  +(here|Jang 1993)$", printed, flags=re.MULTILINE)
    assert len(table) == 10
    assert [float(row[0]) for row in table] == sorted(float(row[0]) for row in table)
    pictures = {path.name for path in (tmp_path / "pictures").iterdir()}
    assert pictures == {"learning_curve.png", "forecast.png", "hidden_states.png", "attractor.png"}
    answer, truth = map(float, re.search(r"-> (\S+), truth (\S+)", printed).groups())
    assert answer == pytest.approx(truth, abs=0.1)

    # the same seed gives the same weights, to the last bit
    assert run(output="again") is not None
    first, second = (weights(tmp_path / f"models/mackey_glass/{version}") for version in "12")
    assert first == second
    assert len(first) == 12  # two layers of 3, the head's 2, standardization's 4


def weights(version):
    """The bits of all weights of an export; it does not keep their order."""
    reader = tf.train.load_checkpoint(str(version / "variables" / "variables"))
    names = [name for name, dtype in reader.get_variable_to_dtype_map().items() if dtype == tf.float32]
    return sorted(reader.get_tensor(name).tobytes() for name in names)


def test_without_matplotlib_it_says_how_to_install_it(run, monkeypatch):
    find_spec = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "matplotlib" else find_spec(name))
    monkeypatch.setattr(demo, "TUTORIAL_STEPS", 100)
    printed = run()
    assert 'pip install "rnn-tf[plots]"' in printed
    assert "models/mackey_glass/1" in printed
