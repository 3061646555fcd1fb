import numpy as np

from rnn_tf import cli
from rnn_tf.bench import text


def test_prepares_and_prints(monkeypatch, tmp_path, capsys):
    (tmp_path / "texts.tsv").write_text("text\tlabel\nwarm rooms\tgood\ncold soup , cold rooms\tbad\nwarm soup\tgood\n")
    contenders = {}

    def in_turns(runs, turns):
        contenders.update(runs)
        return {name: np.full(turns, 0.5 if "Trainer" in name else 1.0) for name in runs}

    monkeypatch.setattr(text, "in_turns", in_turns)
    assert cli.main(["bench", "text", str(tmp_path / "texts.tsv"), "--repeat", "2"]) == 0
    printed = capsys.readouterr().out
    assert "3 texts, 9 tokens, 5 known; 2 turns" in printed
    assert "the longest of all 1.67" in printed
    for line in ("keras recipe 9 1.00", "TextClassifier, Trainer 18 2.00"):
        assert line in " ".join(printed.split())
    contenders["keras recipe"]()  # trains
